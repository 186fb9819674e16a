"""Picture of an inspection: price, gates and states over time, memory, importance of the inputs, learning curve."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecaster.evaluation.memory_length import Memory
from forecaster.experiments.inspections import ALL_INPUTS, Inspection
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.output.canvas import LEFT, blank_figure, date_axis, drawing_style, headline
from forecaster.output.colors import BLUE, GREEN, GREY, RED
from forecaster.output.learning_curve import draw_curves

__all__ = ["draw_inspection"]

_GATE_COLORS = {"forget": BLUE, "input": GREEN, "output": RED, "update": BLUE, "reset": GREEN}
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (7, 2, 1, 2)))
_INCHES = (12.8, 8.6)
MAX_BARS = 16  # inputs that are drawn, the most important ones
NAME_ROOM = 0.085  # of the names of the inputs, as a share of the figure
_SMALL = 8.5  # points


def draw_inspection(result: Inspection, title: str | None = None) -> Figure:
    """Draw an inspection.

    Args:
        result: The inspection.
        title: Title; None for that of the instrument and run.
    """
    # Gates of the first and the last layer; of a single one once.
    shown = [*result.layers[:1], *result.layers[1:][-1:]]
    with drawing_style():
        figure = blank_figure(_INCHES)
        count = 2 + len(shown) if shown else 1 + bool(result.lag_weights)
        left = figure.add_gridspec(count, 1, left=LEFT, right=0.505, top=0.9, bottom=0.085, hspace=0.3)
        right = figure.add_gridspec(
            3, 1, left=0.565, right=0.985, top=0.9, bottom=0.085, hspace=0.42, height_ratios=(1, 1.5, 1)
        )
        price = figure.add_subplot(left[0], label="price")
        _draw_price(price, result)
        for place, layer in enumerate(shown):
            _draw_layer(figure.add_subplot(left[1 + place], sharex=price, label=layer.name), result, layer)
        if shown:
            _draw_states(figure.add_subplot(left[count - 1], sharex=price, label="states"), result)
        for axes in figure.axes[:-1]:
            axes.tick_params(labelbottom=False)  # the dates stand below the lowest panel
        if result.lag_weights:
            _draw_lag_weights(figure.add_subplot(left[1], label="lag weights"), result.lag_weights)
        panels: dict[str, Callable[[Axes, Inspection], None]] = {
            "memory": _draw_memory,
            "importance": _draw_importances,
            "curve": _draw_curve,
        }
        for place, (section, draw) in enumerate(panels.items()):
            axes = figure.add_subplot(right[place], label=section)
            if section in result.missing:
                _write_missing(axes, section, result.missing[section])
            else:
                draw(axes, result)
        headline(figure, title or result.title, _note(result))
    return figure


def _note(result: Inspection) -> str:
    parts = [result.series.name, f"rows {result.dates[0]} to {result.dates[-1]}"]
    if result.cutoffs is not None:
        parts.append(f"importance on {result.part} rows {result.cutoffs[0]} to {result.cutoffs[1]}")
    return " · ".join(parts)


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, color="#222222", pad=5)


def _write_missing(axes: Axes, section: str, reason: str) -> None:
    _title(axes, section)
    axes.set_axis_off()
    axes.text(0, 0.9, textwrap.fill(reason, 50), fontsize=_SMALL, color=GREY, va="top", transform=axes.transAxes)


def _draw_price(axes: Axes, result: Inspection) -> None:
    prices = result.series.close[-len(result.dates) :]
    prices = prices if result.instrument.sign > 0 else 1 / prices
    axes.plot(result.dates, prices, color=BLUE, linewidth=1.0)
    _title(axes, f"price of {result.instrument.name}")
    axes.margins(x=0.01)
    date_axis(axes, most_ticks=8)


def _draw_layer(axes: Axes, result: Inspection, layer: LayerGates) -> None:
    """Draw the mean of each gate over the units, or of the size of the state, and the band that holds 80 % of them."""
    size_name = f"|{layer.state_name}|"
    curves = layer.gates or {size_name: layer.state_size}
    for name, values in curves.items():
        color = _GATE_COLORS.get(name, BLUE)
        low, high = np.quantile(values, [0.1, 0.9], axis=-1)
        axes.fill_between(result.dates, low, high, color=color, alpha=0.12, linewidth=0)
        axes.plot(result.dates, values.mean(axis=-1), color=color, linewidth=1.1, label=name)
    if layer.gates:
        axes.set_ylim(-0.02, 1.02)
    _title(axes, f"{layer.name}: mean and 80 % of {layer.state.shape[-1]} units")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.005), ncols=3, fontsize=_SMALL, columnspacing=1.2)
    date_axis(axes, most_ticks=8)


def _draw_states(axes: Axes, result: Inspection) -> None:
    for layer, dash in zip(result.layers, _DASHES, strict=False):
        size = layer.state_size.mean(axis=-1)
        axes.plot(result.dates, size, color=BLUE, linewidth=1.1, linestyle=dash, label=layer.name)
    _title(axes, f"size of the {result.layers[0].state_name}s, mean of the units")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.005), ncols=4, fontsize=_SMALL, columnspacing=1.2)
    axes.set_ylim(bottom=0)
    date_axis(axes, most_ticks=8)


def _draw_lag_weights(axes: Axes, layers: Sequence[LagWeights]) -> None:
    for layer, dash in zip(layers, _DASHES, strict=False):
        lags = np.arange(len(layer.mean))
        axes.plot(lags, layer.mean, color=BLUE, linewidth=1.4, linestyle=dash, label=layer.name)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, len(layers[0].mean) - 1)
    axes.set_xlabel("rows since the input")
    _title(axes, "weights of past rows, mean over the days")
    axes.legend(loc="upper right", fontsize=_SMALL)


def _draw_memory(axes: Axes, result: Inspection) -> None:
    memory = result.memory
    if memory is None:  # a kind without a measured memory has no such section
        return
    halves = memory.lags_to(0.5)
    for (name, curve), color in zip(memory.curves.items(), (BLUE, RED), strict=True):
        half = (
            f"half after {halves[name]}" if halves[name] is not None else f"half after more than {memory.longest_lag}"
        )
        axes.plot(np.arange(len(curve)), curve, color=color, linewidth=1.4, label=f"{name}, {half}")
    axes.axhline(0.5, color=GREY, linewidth=0.8, linestyle=_DASHES[1])
    axes.set_ylim(0, 1.03)
    axes.set_xlim(0, _drawn_lags(memory))
    axes.set_xlabel("rows since the input")
    _title(axes, "memory: influence of past inputs, largest = 1")
    axes.legend(loc="upper right", fontsize=_SMALL)


def _drawn_lags(memory: Memory) -> int:
    """Lags to draw: three times those that the longer of the two curves needs to fall to a tenth."""
    lags = memory.lags_to(0.1).values()
    return (
        memory.longest_lag if None in lags else min(max(3 * max(filter(None, lags), default=1), 10), memory.longest_lag)
    )


def _draw_importances(axes: Axes, result: Inspection) -> None:
    """Draw a bar for each input at the first step, with its interval."""
    place = axes.get_position()
    axes.set_position((place.x0 + NAME_ROOM, place.y0, place.width - NAME_ROOM, place.height))
    step = result.importances[0].step
    rows = sorted((row for row in result.importances if row.step == step), key=lambda row: -row.increase)[:MAX_BARS]
    heights = -np.arange(len(rows))
    sizes = [100 * row.increase for row in rows]
    colors = [RED if row.name == ALL_INPUTS else BLUE for row in rows]
    axes.barh(heights, sizes, height=0.62, color=colors, alpha=0.85)
    for height, row in zip(heights, rows, strict=True):
        if row.interval is not None:
            axes.plot([100 * end for end in row.interval], [height, height], color="#222222", linewidth=1.1)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set_yticks(heights, [row.name for row in rows], fontsize=_SMALL)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"increase of the CRPS (%), h={step}, with its 95 % interval")
    _title(axes, "importance: loss with the input shuffled in blocks of days")


def _draw_curve(axes: Axes, result: Inspection) -> None:
    draw_curves(axes, result.curve)
    _title(axes, "learning curve")
    low, high = axes.get_ylim()
    if axes.get_yscale() == "linear":
        axes.set_ylim(low, high + 0.45 * (high - low))  # room for the legend
    axes.legend(loc="upper right", fontsize=_SMALL)
