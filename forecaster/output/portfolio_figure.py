"""Picture of the record of a portfolio: losses of the past beside the value at risk of their day."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from forecaster.data.calendars import SPANS
from forecaster.errors import UsageError
from forecaster.evaluation.portfolio_record import PastLosses
from forecaster.experiments.portfolio_odds import PortfolioOddsResult
from forecaster.output.canvas import blank_figure, date_axis, day_number, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, FAN_COLOR, GREY

__all__ = ["draw_past_losses"]

MAX_STEPS = 3
"""Panels of one picture."""

_NOTE = "weights of today; forecasts and correlations of a day read no later row; spans of more than a day overlap"
_BEYOND: dict[str, Any] = {"color": FAN_COLOR, "marker": "o", "markersize": 3.6, "linestyle": "none"}
_LEFT = 0.082
_RIGHT = 0.965
_BOTTOM = 0.11
_TOP = 0.84
_GAP = 0.055
_STYLES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1)))


def draw_past_losses(result: PortfolioOddsResult) -> Figure:
    """Draw gains and losses over each span, with the value at risk below which they should rarely fall.

    Raises:
        UsageError: There is no record to draw.
    """
    past = result.past[:MAX_STEPS]
    if not past:
        raise UsageError("there is no record of earlier losses to draw; choose a file such as --out risk.json")
    first = min(losses.dates[0] for losses in past)
    last = max(losses.dates[-1] for losses in past)
    with drawing_style():
        figure = blank_figure()
        height = (_TOP - _BOTTOM - _GAP * (len(past) - 1)) / len(past)
        for number, losses in enumerate(past):
            bottom = _TOP - height - number * (height + _GAP)
            axes = figure.add_axes((_LEFT, bottom, _RIGHT - _LEFT, height), label=f"step {losses.step}")
            _draw_panel(axes, losses)
            axes.set_title(_panel_title(result, losses), loc="left", fontsize=9.5, color="#333333")
            axes.set_xlim(day_number(first), day_number(last))
            axes.tick_params(labelbottom=number == len(past) - 1)
        headline(figure, f"{result.title}: losses of the past", _NOTE)
        handles = _handles(list(past[0].values_at_risk))
        legend_above(figure, handles, [str(handle.get_label()) for handle in handles], 0.91)
    return figure


def _draw_panel(axes: Axes, past: PastLosses) -> None:
    gains = -past.losses
    axes.vlines(past.dates, 0, gains, color=BLUE, linewidth=0.8, alpha=0.55, zorder=2)
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    for (level, limits), style in zip(past.values_at_risk.items(), _STYLES, strict=False):
        axes.plot(past.dates, -limits, color=GREY, linewidth=1.2, linestyle=style, zorder=3)
        if level == min(past.values_at_risk):
            beyond = past.losses > limits
            axes.plot(past.dates[beyond], gains[beyond], zorder=4, **_BEYOND)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    date_axis(axes, most_ticks=9)


def _panel_title(result: PortfolioOddsResult, past: PastLosses) -> str:
    """Span, currency, and the shares of losses within the value at risk."""
    span = SPANS[result.predictions[0].frequency]
    spans = f"{past.step} {span}{'s' if past.step > 1 else ''}"
    shares = [
        f"{100 * record.within:.1f} % within {100 * level:g} %"
        for level, record in ((level, past.record(level)) for level in past.values_at_risk)
    ]
    currency = "" if result.base is None else f", {result.base}"
    return f"after {spans}{currency}: {' and '.join(shares)}, {len(past.dates):,} cutoffs"


def _handles(levels: Sequence[float]) -> list[Line2D]:
    lines = [
        Line2D([], [], color=GREY, linestyle=style, label=f"value at risk {100 * level:g} %")
        for level, style in zip(levels, _STYLES, strict=False)
    ]
    beyond = Line2D([], [], label=f"loss beyond {100 * min(levels):g} %", **_BEYOND)
    return [Line2D([], [], color=BLUE, label="gain or loss"), *lines, beyond]
