"""Picture of anomalies: prices and moves with the anomalous days, and the regimes of volatility."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.anomalies import Anomalies
from forecaster.output.canvas import LEFT, blank_figure, date_axis, day_number, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, GREY, RED

__all__ = ["draw_anomalies"]

_VIOLET, _CALM, _TURBULENT = "#7A3E9D", "#DDE6F7", "#FBE3DA"
_MARKS: dict[str, dict[str, Any]] = {
    "event": {"marker": "o", "color": RED, "markersize": 6},
    "bad tick": {"marker": "X", "color": _VIOLET, "markersize": 8},
    "unconfirmed": {"marker": "o", "color": RED, "markersize": 7, "markerfacecolor": "none"},
}
_MAX_LABELS = 6  # days with the smallest p-values


def draw_anomalies(result: Anomalies, title: str | None = None) -> Figure:
    """Draw prices above, moves below; the shading is the direction of the last change of volatility.

    Args:
        result: The anomalies.
        title: Title; None for that of the result.
    """
    series = result.series
    start = max(int(np.searchsorted(series.dates, result.tested[0])) - 1, 0)
    dates = series.dates[start:]
    prices = series.close[start:]
    if result.instrument.sign < 0:
        prices = 1 / prices
    moves = 100 * result.instrument.sign * np.diff(series.log_price[start:])
    with drawing_style():
        figure = blank_figure()
        grid = figure.add_gridspec(
            2, 1, height_ratios=(6, 4), left=LEFT, right=0.985, top=0.875, bottom=0.085, hspace=0.12
        )
        upper = figure.add_subplot(grid[0, 0], label="prices")
        lower = figure.add_subplot(grid[1, 0], sharex=upper, label="moves")
        _draw_prices(upper, dates, prices, result)
        _draw_moves(lower, dates[1:], moves, result)
        for axes in (upper, lower):
            _shade(axes, result)
            date_axis(axes, most_ticks=12)
        upper.tick_params(labelbottom=False)
        handles, labels = _legend(result)
        legend_above(figure, handles, labels, 0.918)
        fits = f"{result.model}, {result.refits} fits, each on the rows before"
        share = f"{100 * result.rate:.3g} % false discoveries at most expected"
        headline(figure, title or result.title, f"{series.name} · {fits} · {share}")
    return figure


def _draw_prices(axes: Axes, dates: DateArray, prices: FloatArray, result: Anomalies) -> None:
    axes.plot(dates, prices, color=BLUE, linewidth=0.9, zorder=3)
    axes.set_xlim(day_number(dates[0]), day_number(dates[-1]))
    for day in result.days:
        axes.plot(day.date, day.price, linestyle="none", zorder=5, clip_on=False, **_MARKS[day.kind])
    strongest = sorted(result.days, key=lambda day: day.p_value if day.p_value is not None else 1.0)[:_MAX_LABELS]
    for day in strongest:
        is_late = day_number(day.date) > 0.85 * day_number(dates[-1]) + 0.15 * day_number(dates[0])
        axes.annotate(
            str(day.date), (day_number(day.date), day.price), xytext=(-7 if is_late else 7, 5),
            textcoords="offset points", ha="right" if is_late else "left", fontsize=8, color="#333333", zorder=6,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )  # fmt: skip
    instrument = result.instrument
    unit = f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else None
    axes.set_ylabel(f"price ({unit})" if unit else "price")


def _draw_moves(axes: Axes, dates: DateArray, moves: FloatArray, result: Anomalies) -> None:
    """Draw the move of each day, and twice the standard deviation of the regime from the day it was known."""
    axes.plot(dates, moves, linestyle="none", marker="o", markersize=1.6, alpha=0.4, color=BLUE, markeredgewidth=0)
    ends = [change.known_from for change in result.regimes]
    for change, end in zip(result.regimes, [*ends[1:], dates[-1]], strict=True):
        level = 200 * change.after
        for sign in (-1, 1):
            axes.plot([change.known_from, end], [sign * level] * 2, color=GREY, linewidth=1.1, zorder=4)
    for day in result.days:
        axes.plot(day.date, 100 * day.move, linestyle="none", zorder=5, clip_on=False, **_MARKS[day.kind])
    axes.set_ylabel("move (%)")


def _shade(axes: Axes, result: Anomalies) -> None:
    """Shade the time from each change of volatility, as it was known, to the next."""
    ends = [change.known_from for change in result.regimes]
    for change, end in zip(result.regimes, [*ends[1:], result.tested[1]], strict=True):
        color = _TURBULENT if change.direction == "up" else _CALM
        axes.axvspan(day_number(change.known_from), day_number(end), color=color, linewidth=0, zorder=0)


def _legend(result: Anomalies) -> tuple[list[Any], list[str]]:
    entries: dict[str, Any] = {"price and moves": Line2D([], [], color=BLUE, linewidth=1.2)}
    for kind, mark in _MARKS.items():
        count = sum(day.kind == kind for day in result.days)
        if count:
            entries[f"{kind} ({count})"] = Line2D([], [], linestyle="none", **mark)
    for direction, word, color in (("up", "higher", _TURBULENT), ("down", "lower", _CALM)):
        if any(change.direction == direction for change in result.regimes):
            entries[f"{word} volatility than before"] = Patch(color=color, linewidth=0)
    if result.regimes:
        entries["two standard deviations"] = Line2D([], [], color=GREY, linewidth=1.1)
    return list(entries.values()), list(entries)
