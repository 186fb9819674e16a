"""Picture of anomalies: prices and moves with the anomalous days, and the regimes of volatility."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forecaster.arrays import DateArray, FloatArray
from forecaster.evaluation.anomalies import Anomalies, AnomalousDay
from forecaster.output.canvas import LEFT, blank_figure, date_axis, day_number, drawing_style, headline, legend_above
from forecaster.output.colors import BLUE, GREY, RED

__all__ = ["draw_anomalies"]

_VIOLET, _CALM, _TURBULENT = "#7A3E9D", "#DDE6F7", "#FBE3DA"
_MARKS: dict[str, dict[str, Any]] = {
    "event": {"marker": "o", "color": RED, "markersize": 6},
    "bad tick": {"marker": "X", "color": _VIOLET, "markersize": 8},
    "unconfirmed": {"marker": "o", "color": RED, "markersize": 7, "markerfacecolor": "none"},
    "unit change": {"marker": "s", "color": _VIOLET, "markersize": 6},
}
_MAX_LABELS = 6
_LABEL_WIDTH, _LABEL_HEIGHT = 0.075, 0.05  # of the axes


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
    limits = axes.get_ylim()
    _mark_days(axes, result.days, [day.price for day in result.days])
    for day in _labelled(result.days, axes):
        is_late = day_number(day.date) > 0.85 * day_number(dates[-1]) + 0.15 * day_number(dates[0])
        axes.annotate(
            str(day.date), (day_number(day.date), np.clip(day.price, *limits)), xytext=(-7 if is_late else 7, 5),
            textcoords="offset points", ha="right" if is_late else "left", fontsize=8, color="#333333", zorder=6,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
        )  # fmt: skip
    instrument = result.instrument
    unit = f"{instrument.quote} per {instrument.base}" if instrument.kind == "pair" else None
    axes.set_ylabel(f"price ({unit})" if unit else "price")


def _mark_days(axes: Axes, days: Sequence[AnomalousDay], values: Sequence[float]) -> None:
    """Mark the days at their values; a repaired one, which is not drawn otherwise, at most at the end of the axis."""
    limits = axes.get_ylim()
    for day, value in zip(days, np.clip(values, *limits), strict=True):
        axes.plot(day.date, value, linestyle="none", zorder=5, clip_on=False, **_MARKS[day.kind])


def _labelled(days: Sequence[AnomalousDay], axes: Axes) -> list[AnomalousDay]:
    """The days with the smallest p-values whose labels do not overlap."""
    width, height = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
    chosen: list[AnomalousDay] = []
    for day in sorted(days, key=lambda day: 1.0 if day.p_value is None else day.p_value):
        is_clear = all(
            abs(day_number(day.date) - day_number(other.date)) > _LABEL_WIDTH * width
            or abs(day.price - other.price) > _LABEL_HEIGHT * height
            for other in chosen
        )
        if is_clear:
            chosen.append(day)
    return chosen[:_MAX_LABELS]


def _draw_moves(axes: Axes, dates: DateArray, moves: FloatArray, result: Anomalies) -> None:
    """Draw the move of each day, and twice the standard deviation from one change of volatility to the next.

    It is that of all days but the anomalous ones; the one that was known with the change may be that of a few days.
    """
    axes.plot(dates, moves, linestyle="none", marker="o", markersize=1.6, alpha=0.4, color=BLUE, markeredgewidth=0)
    _mark_days(axes, result.days, [100 * day.move for day in result.days])
    is_ordinary = ~np.isin(dates, [day.date for day in result.days])
    changes = [change.known_from for change in result.regimes]
    for start, end in itertools.pairwise([dates[0], *changes, dates[-1]]):
        level = 2 * float(np.std(moves[is_ordinary & (dates >= start) & (dates <= end)]))
        for sign in (-1, 1):
            axes.plot([start, end], [sign * level] * 2, color=GREY, linewidth=1.1, zorder=4)
    axes.set_ylabel("move (%)")


def _shade(axes: Axes, result: Anomalies) -> None:
    """Shade the time from each change of volatility, as it was known, to the next."""
    spans = itertools.pairwise([*(change.known_from for change in result.regimes), result.tested[1]])
    for change, (start, end) in zip(result.regimes, spans, strict=True):
        color = _TURBULENT if change.direction == "up" else _CALM
        axes.axvspan(day_number(start), day_number(end), color=color, linewidth=0, zorder=0)


def _legend(result: Anomalies) -> tuple[list[Any], list[str]]:
    entries: dict[str, Any] = {"price and moves": Line2D([], [], color=BLUE, linewidth=1.2)}
    for kind, mark in _MARKS.items():
        count = sum(day.kind == kind for day in result.days)
        if count:
            entries[f"{kind} ({count})"] = Line2D([], [], linestyle="none", **mark)
    for direction, word, color in (("up", "higher", _TURBULENT), ("down", "lower", _CALM)):
        if any(change.direction == direction for change in result.regimes):
            entries[f"{word} volatility than before"] = Patch(color=color, linewidth=0)
    entries["two standard deviations"] = Line2D([], [], color=GREY, linewidth=1.1)
    return list(entries.values()), list(entries)
