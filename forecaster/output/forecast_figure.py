"""Picture of a forecast: history, one-step-ahead predictions, the coming days, and the errors of the predictions.

Actual prices are blue, predictions for training days green, predictions for days after them and forecasts red.
"""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forecaster.arrays import FloatArray
from forecaster.errors import UsageError
from forecaster.output.canvas import LEFT, blank_figure, date_axis, drawing_style, fit_width, headline, legend_above
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
    MAX_TICKS,
    RECURSIVE_DASHES,
    SPAN_LINES,
    draw_close_up,
    draw_history,
    mark_boundaries,
    put_to_the_right,
    readable,
    spans_text,
)
from forecaster.output.forecast_picture import ForecastPicture, Window

__all__ = ["draw_forecast"]

BASIS_POINTS = 10_000
_VERDICT_LEFT = 0.53  # of the panel
_MAX_VERDICT_LINES = 6
_TODAY = "“tomorrow = today”"
_LABEL_WIDTH = 0.25  # of the table of scores; the first column ends at 0.31 of it


def draw_forecast(picture: ForecastPicture, window: Window | None = None, title: str | None = None) -> Figure:
    """Draw history, predictions and the coming days; below them the moves and the errors.

    Args:
        picture: Content.
        window: First and last day of the history to show; None shows all of it. The table of
            scores is about all days of each span, whatever the window.
        title: Title; None for the instrument, the model and the number of coming days.

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
            3, 2, width_ratios=(1.62, 1), height_ratios=(3.6, 3.1, 2.3),
            left=LEFT, right=0.938, top=0.86, bottom=0.055, hspace=0.32, wspace=0.06,
        )  # fmt: skip
        draw_close_up(figure.add_subplot(grid[:2, 0], label="close-up"), shown)
        history = figure.add_subplot(grid[0, 1], label="history")
        draw_history(history, shown)
        _draw_moves(figure.add_subplot(grid[1, 1], sharex=history, label="moves"), shown)
        _draw_scores(figure.add_subplot(grid[2, :], label="scores"), picture)
        legend_above(figure, *_legend(shown), 0.925)
        headline(figure, title or _title(shown), f"{picture.note} · run {picture.run_id}")
    return figure


def _title(picture: ForecastPicture) -> str:
    name = picture.instrument if len(picture.instrument) <= 32 else picture.instrument[:31] + "…"
    coming = (
        "" if picture.forecast is None else f" and the {spans_text('next', picture.forecast.horizon, picture.span)}"
    )
    return f"{name}: one-{picture.span}-ahead predictions ({picture.model}){coming}"


def _legend(picture: ForecastPicture) -> tuple[list[Any], list[str]]:
    entries: dict[str, Any] = {"actual": Line2D([], [], color=BLUE, linewidth=1.2, marker="o", markersize=3)}
    for name in picture.spans():
        style = {"linestyle": SPAN_LINES[name], "dash_capstyle": "butt"}
        entries[f"predicted: {name}"] = Line2D([], [], color=SPAN_COLORS[name], linewidth=3, **style)
    for name in list(picture.spans())[-1:]:
        entries["80 % band"] = Patch(color=BAND_80_COLORS[name], alpha=BAND_80_OPACITY, linewidth=0)
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
    unit = " (%)" if picture.in_percent else "" if picture.unit == "price" else f" ({picture.unit})"
    axes.plot(
        dates[inside], sizes[inside], marker="o", markersize=3 if few else 1.8, alpha=0.8 if few else 0.35,
        label=f"{picture.span}'s move{unit}", rasterized=not few, **dots,
    )  # fmt: skip
    if not inside.all():
        high = np.full(int((~inside).sum()), 0.97 * top)
        axes.plot(dates[~inside], high, marker="^", markersize=3.5, zorder=5, label="beyond the panel", **dots)
    lines = tuple(
        axes.plot(span.dates, widths[name], color=SPAN_TEXT_COLORS[name], linewidth=1.4)[0]
        for name, span in spans.items()
    )
    mark_boundaries(axes, picture)
    axes.set_ylim(0, top)
    put_to_the_right(axes, "")
    date_axis(axes, most_ticks=MAX_TICKS)
    _explain_moves(axes, lines)


def _explain_moves(axes: Axes, widths: tuple[Line2D, ...]) -> None:
    """Put the legend above the panel; the lines of all spans share one entry."""
    drawn, names = axes.get_legend_handles_labels()
    handles: list[Any] = [*drawn]
    if widths:
        handles, names = [*handles, widths], [*names, "half-width of the band"]
    axes.legend(
        handles, names, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=3, fontsize=8, markerscale=1.5,
        handlelength=1.4, columnspacing=1.2, handletextpad=0.5,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
    )  # fmt: skip


def _top(values: Sequence[FloatArray]) -> float:
    """Height of the lower panel, which a few extreme days do not decide."""
    finite = [part[np.isfinite(part)] for part in values]
    top = max((float(np.quantile(part, 0.997)) for part in finite if len(part)), default=0.0)
    return 1.25 * top or 1.0


def _draw_scores(axes: Axes, picture: ForecastPicture) -> None:
    """Write the scores next to those of "tomorrow = today", and the verdict of the run beside them."""
    axes.set_axis_off()
    summary = picture.summary
    columns = [name for name in SPAN_COLORS if name in summary.scores]
    lag = picture.lag()
    unit = "returns (bp)" if picture.in_percent else f"changes ({picture.unit})"
    rows: dict[str, dict[str, str]] = {
        summary.origin: {name: name for name in columns},
        f"RMSE of {unit}, {picture.model}": {
            name: _error(picture, score.rmse) for name, score in summary.scores.items()
        },
        f"RMSE of {unit}, {_TODAY}": {
            name: _error(picture, score.rmse_today) for name, score in summary.scores.items()
        },
        f"{picture.span}s in the 80 % band": {
            name: f"{100 * score.coverage:.1f} %" for name, score in summary.scores.items()
        },
        f"predictions nearer to the {picture.span} before": {
            name: f"{100 * share:.0f} %" for name, share in lag.items()
        },
    }
    for line, (label, cells) in enumerate(rows.items() if columns else ()):
        height = 0.9 - 0.165 * line
        text = axes.text(0.0, height, label, va="center", fontsize=8.5, color="#333333" if line else GREY)
        fit_width(text, _LABEL_WIDTH * axes.bbox.width)
        for place, name in enumerate(columns):
            axes.text(
                0.31 + 0.08 * place, height, cells.get(name, "-"),
                ha="right", va="center", fontsize=8.5, color=SPAN_TEXT_COLORS[name],
            )  # fmt: skip
    _write_verdict(axes, picture)


def _write_verdict(axes: Axes, picture: ForecastPicture) -> None:
    """Write the verdict that the run has recorded, sentence by sentence, without its numbers."""
    summary = picture.summary
    sentences = [sentence.split(" (")[0] for sentence in summary.verdict]
    if not sentences:
        tested = "test" in summary.scores
        sentences = [f"none: the run did not {'score' if tested else 'test'} {picture.instrument}"]
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, 88, subsequent_indent="   ")]
    axes.text(_VERDICT_LEFT, 0.9, _verdict_head(picture), va="center", fontsize=8.5, fontweight="bold", color="#222222")
    for number, line in enumerate(lines[:_MAX_VERDICT_LINES]):
        axes.text(_VERDICT_LEFT, 0.9 - 0.135 * (number + 1), line, va="center", fontsize=8.5, color="#222222")


def _verdict_head(picture: ForecastPicture) -> str:
    test = picture.summary.scores.get("test")
    about = "" if test is None else f" on {test.n:,} test {picture.span}s"
    return f"verdict of the run{about}" if picture.summary.verdict else "verdict"


def _error(picture: ForecastPicture, value: float) -> str:
    return readable(BASIS_POINTS * value if picture.in_percent else value, 4)
