"""Learning curve of a run: training and validation loss."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecaster.arrays import FloatArray
from forecaster.errors import UsageError
from forecaster.output.canvas import LEFT, blank_figure, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, GREEN, RED
from forecaster.output.forecast_panels import LOG_RATIO, log_axis, readable

__all__ = ["draw_curves", "draw_losses"]

_NAMES = {"ewma": "EWMA", "random_walk": "“tomorrow = today”"}
_DASHES: tuple[Any, ...] = ((0, (6, 3)), (0, (2, 2)))
MAX_SINGLE_STEPS = 120  # a longer curve is noisy, and is drawn with its running mean


def draw_losses(
    rows: Sequence[Mapping[str, float]],
    title: str,
    note: str,
    initial: float | None = None,
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Draw learning curves.

    Args:
        rows: One mapping per recorded step: ``step``, ``loss`` and, where it was measured, ``validation_loss``.
        title: Title of the picture.
        note: Small print for the corner.
        initial: Loss before the training; None where it is not known.
        references: Baseline -> its loss on the same samples.

    Raises:
        UsageError: There are no rows.
    """
    if not rows:
        raise UsageError("this run has no learning curve: its history holds no rows; train again to record one")
    with drawing_style():
        figure = blank_figure()
        axes = figure.add_axes((LEFT, 0.12, 0.89, 0.76), label="losses")
        draw_curves(axes, rows)
        if initial is not None:
            _draw_initial(axes, initial)
        for (name, loss), dash in zip((references or {}).items(), _DASHES, strict=False):
            label = f"{_NAMES.get(name, name)}: {readable(loss)}"
            axes.axhline(loss, color="#333333", linewidth=1.4, linestyle=dash, label=label)
        _scale_losses(axes)  # once more, for the lines that were added
        legend_above(figure, *axes.get_legend_handles_labels(), 0.918)
        headline(figure, title, note)
    return figure


def draw_curves(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    """Draw the training and the validation loss, with a mark at the best validation loss."""
    _draw_curve(axes, *_curve(rows, "loss"), "train", GREEN)
    steps, losses = _curve(rows, "validation_loss")
    if len(losses):
        _draw_curve(axes, steps, losses, "validation", BLUE)
        best = int(np.argmin(losses))
        label = f"best validation: {readable(losses[best])} at step {steps[best]:,.0f}, epoch {best + 1}"
        axes.plot(steps[best], losses[best], marker="*", markersize=13, color=RED, linestyle="none", label=label)
    _scale_losses(axes)


def _draw_initial(axes: Axes, loss: float) -> None:
    """Mark the loss before the training."""
    axes.plot(
        0, loss, marker="D", markersize=8, color="white", markeredgecolor=BLUE, markeredgewidth=1.6, linestyle="none",
        label=f"before the training: {readable(loss)}", zorder=5,
    )  # fmt: skip


def _curve(rows: Sequence[Mapping[str, float]], key: str) -> tuple[FloatArray, FloatArray]:
    """Steps and values of the rows that hold a number under `key`."""
    points = [(float(row["step"]), float(row[key])) for row in rows if np.isfinite(row.get(key, np.nan))]
    pairs = np.array(points, dtype=float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _draw_curve(axes: Axes, steps: FloatArray, losses: FloatArray, name: str, color: str) -> None:
    """Draw a curve; a long and therefore noisy one faintly, with its running mean on top."""
    if len(steps) <= MAX_SINGLE_STEPS:
        axes.plot(steps, losses, color=color, linewidth=1.8, marker="o", markersize=3.5, label=name)
        return
    width = max(len(steps) // 40, 5) | 1  # odd, so that the mean stands at the middle of its rows
    mean = np.convolve(losses, np.full(width, 1 / width), mode="valid")
    axes.plot(steps, losses, color=color, linewidth=0.7, alpha=0.4, label=name)
    middle = steps[width // 2 : -(width // 2)]
    axes.plot(middle, mean, color=color, linewidth=2.2, label=f"{name}, mean of {width} rows")


def _scale_losses(axes: Axes) -> None:
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()])
    axes.set_xlabel("training step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_ylabel("loss")
    if len(values) and values.min() > 0 and values.max() > LOG_RATIO * values.min():
        log_axis(axes)
        axes.set_ylabel("loss, log scale")
