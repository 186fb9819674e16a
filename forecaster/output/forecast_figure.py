"""Picture of a forecast: history, one-step-ahead predictions, the coming days, and the errors of the predictions.

Actual prices are blue, predictions for training days green, predictions for days after them and forecasts red.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forecaster.arrays import DateArray, FloatArray
from forecaster.errors import UsageError
from forecaster.output.canvas import LEFT, blank_figure, date_axis, drawing_style, headline
from forecaster.output.colors import (
    BAND_80_COLORS,
    BAND_80_OPACITY,
    BLUE,
    FAN_COLOR,
    FAN_OPACITIES,
    GREY,
    SPAN_COLORS,
    SPAN_TEXT_COLORS,
)
from forecaster.output.forecast_panels import (
    RECURSIVE_DASHES,
    SPAN_LINES,
    draw_close_up,
    draw_history,
    mark_boundaries,
    readable,
    spans_text,
)
from forecaster.output.forecast_picture import ForecastPicture, Window

__all__ = ["draw_forecast"]

_SAME_RATIO = 0.0005
_LONGEST_HEAD = 25  # letters, or it would reach the first column
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TODAY = "“tomorrow = today”"


def draw_forecast(picture: ForecastPicture, window: Window | None = None) -> Figure:
    """Draw history, predictions and the coming days; below them the moves and the errors.

    Args:
        picture: Content.
        window: First and last day of the history to show; None shows all of it. The table of
            errors is about all days of each span, whatever the window.

    Raises:
        UsageError: No day of the history lies in `window`.
    """
    shown = picture if window is None else picture.cut(window)
    if not len(shown.dates):
        held = f"{picture.dates[0]} to {picture.dates[-1]}" if len(picture.dates) else "no day at all"
        raise UsageError(f"no price of {picture.instrument} in these days; its history holds {held}; choose among them")
    with drawing_style():
        figure = blank_figure()
        grid = figure.add_gridspec(
            2, 2, width_ratios=(2, 1), height_ratios=(7, 3),
            left=LEFT, right=0.938, top=0.86, bottom=0.1, hspace=0.24, wspace=0.06,
        )  # fmt: skip
        history = figure.add_subplot(grid[0, 0], label="history")
        draw_history(history, shown)
        draw_close_up(figure.add_subplot(grid[0, 1], label="close-up"), shown)
        _draw_moves(figure.add_subplot(grid[1, 0], sharex=history, label="moves"), shown)
        _draw_scores(figure.add_subplot(grid[1, 1], label="scores"), picture)
        figure.legend(*_legend(shown), loc="center left", bbox_to_anchor=(LEFT, 0.929), ncols=7, columnspacing=1.6)
        headline(figure, _title(shown), f"{picture.note} · run {picture.run_id}")
    return figure


def _title(picture: ForecastPicture) -> str:
    name = picture.instrument if len(picture.instrument) <= 32 else picture.instrument[:31] + "…"
    coming = (
        "" if picture.forecast is None else f" and the {spans_text('next', picture.forecast.horizon, picture.span)}"
    )
    return f"{name}: one-{picture.span}-ahead predictions ({picture.model}){coming}"


def _legend(picture: ForecastPicture) -> tuple[list[Any], list[str]]:
    entries: dict[str, Any] = {"actual": Line2D([], [], color=BLUE, linewidth=1.2, marker="o", markersize=2.6)}
    for name in picture.spans():
        color = SPAN_COLORS[name]
        line = Line2D([], [], color=color, linewidth=3, linestyle=SPAN_LINES[name], dash_capstyle="butt")
        entries[f"predicted: {name}"] = (Patch(color=BAND_80_COLORS[name], alpha=BAND_80_OPACITY, linewidth=0), line)
    if picture.forecast is not None:
        layers: list[Artist] = [Patch(color=FAN_COLOR, alpha=shade, linewidth=0) for shade in FAN_OPACITIES.values()]
        entries[f"coming {picture.span}s (50, 80, 95 %)"] = (*layers, Line2D([], [], color=FAN_COLOR, linewidth=1.6))
        own = picture.forecast.own_steps
        if own < picture.forecast.horizon:
            dashed = Line2D([], [], color=FAN_COLOR, linewidth=1.6, linestyle=RECURSIVE_DASHES)
            entries[f"recursive after step {own}"] = dashed
    return list(entries.values()), list(entries)


def _draw_moves(axes: Axes, picture: ForecastPicture) -> None:
    """Draw the size of each day's move, and the half-width of the band that had to hold it."""
    dates, sizes = picture.moves()
    spans = picture.spans()
    widths = {name: picture.half_widths(span) for name, span in spans.items()}
    top = _top([sizes, *widths.values()])
    inside = sizes <= top
    dots: dict[str, Any] = {"linestyle": "none", "color": BLUE, "markeredgewidth": 0}
    few = len(dates) <= 250
    axes.plot(
        dates[inside], sizes[inside], marker="o", markersize=3 if few else 1.8, alpha=0.8 if few else 0.35,
        label=f"size of the {picture.span}'s move", rasterized=not few, **dots,
    )  # fmt: skip
    if not inside.all():
        high = np.full(int((~inside).sum()), 0.97 * top)
        axes.plot(dates[~inside], high, marker="^", markersize=3.5, zorder=5, label="larger than this panel", **dots)
    lines = tuple(
        axes.plot(span.dates, widths[name], color=SPAN_TEXT_COLORS[name], linewidth=1.4)[0]
        for name, span in spans.items()
    )
    mark_boundaries(axes, picture)
    axes.set_ylim(0, top)
    unit = "%" if picture.in_percent else picture.unit
    axes.set_ylabel(f"move in a {picture.span}" + ("" if unit == "price" else f" ({unit})"))
    date_axis(axes, most_ticks=12)
    _explain_moves(axes, lines)


def _explain_moves(axes: Axes, widths: tuple[Line2D, ...]) -> None:
    """Put the legend above the panel; the lines of all spans share one entry."""
    drawn, names = axes.get_legend_handles_labels()
    handles: list[Any] = [*drawn]
    if widths:
        handles, names = [*handles, widths], [*names, "half-width of the 80 % band"]
    axes.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=3, fontsize=8.5, markerscale=1.5,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
    )  # fmt: skip


def _top(values: Sequence[FloatArray]) -> float:
    """Height of the lower panel, which a few extreme days do not decide."""
    finite = [part[np.isfinite(part)] for part in values]
    top = max((float(np.quantile(part, 0.997)) for part in finite if len(part)), default=0.0)
    return 1.25 * top or 1.0


def _draw_scores(axes: Axes, picture: ForecastPicture) -> None:
    """Write the errors of the predictions next to those of "tomorrow = today"."""
    axes.set_axis_off()
    coverage = picture.coverage()
    columns = [name for name in ("train", "validation", "test") if name in picture.rmse or name in coverage]
    head, scale = _error_unit(picture)
    rows = {
        head: dict(zip(columns, columns, strict=True)),
        picture.model: {name: readable(errors[0] / scale, 4) for name, errors in picture.rmse.items()},
        _TODAY: {name: readable(errors[1] / scale, 4) for name, errors in picture.rmse.items()},
        "ratio": {name: readable(_ratio(picture, name), 4) for name in picture.rmse},
        f"{picture.span}s in the 80 % band": {name: f"{100 * share:.1f} %" for name, share in coverage.items()},
    }
    for line, (label, cells) in enumerate(rows.items() if columns else ()):
        height = 0.97 - 0.152 * line
        axes.text(0.0, height, label, va="center", fontsize=9, color="#333333")
        for place, name in enumerate(reversed(columns)):
            axes.text(
                1.1 - 0.235 * place, height, cells.get(name, "-"),
                ha="right", va="center", fontsize=9, color=SPAN_TEXT_COLORS[name],
            )  # fmt: skip
    axes.text(0.0, 0.18, _verdict(picture), va="center", fontsize=9, fontweight="bold", color="#222222")
    axes.text(0.0, 0.03, _test_days(picture), va="center", fontsize=8.5, color=GREY)


def _error_unit(picture: ForecastPicture) -> tuple[str, float]:
    """The heading of the errors and the power of ten they are given in; 1 unless they are tiny or huge."""
    errors = np.array([*picture.rmse.values()], dtype=float).ravel()
    largest = float(np.max(errors[np.isfinite(errors)], initial=0.0))
    power = 0 if largest == 0 or 1e-3 <= largest < 1e6 else 3 * int(np.floor(np.log10(largest) / 3))
    times = f"10{str(power).translate(_SUPERSCRIPTS)} " if power else ""
    head = f"RMSE ({times}{picture.unit})"
    return head if len(head) <= _LONGEST_HEAD else f"RMSE ({times.strip()})" if times else "RMSE", 10.0**power


def _test_days(picture: ForecastPicture) -> str:
    days = _days_of_test(picture)
    if not len(days):
        return f"test from {picture.test_start}"
    return f"{len(days):,} test {picture.span}s, {days[0]} to {days[-1]}"


def _days_of_test(picture: ForecastPicture) -> DateArray:
    """(N,) the days of the test up to the cutoff of the forecast; later ones are drawn only to compare with it."""
    end = picture.dates[-1:] if picture.forecast is None else picture.forecast.cutoff
    return picture.dates[(picture.dates >= picture.test_start) & (picture.dates <= end)]


def _ratio(picture: ForecastPicture, name: str) -> float:
    model, today = picture.rmse[name]
    return model / today if today > 0 else float("nan")


def _verdict(picture: ForecastPicture) -> str:
    """One sentence on the test days; what a ratio proves is for `backtest` to say."""
    if "test" not in picture.rmse:
        span = picture.span
        return (
            f"The test {span}s were not scored."
            if len(_days_of_test(picture))
            else f"No test {span}s: nothing is known about new ones."
        )
    ratio = _ratio(picture, "test")
    if not np.isfinite(ratio):
        return "Test: no ratio can be formed."
    if abs(ratio - 1) < _SAME_RATIO:
        return f"Test: no difference from {_TODAY}."
    if ratio > 2:
        return f"Test: RMSE {ratio:.1f} times that of {_TODAY}."
    side = "above" if ratio > 1 else "below"
    return f"Test: RMSE {readable(100 * abs(ratio - 1), 2)} % {side} {_TODAY}."
