"""Axis of trading days: every row has the same width, so that weekends and holidays take no room."""

import datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.ticker import FixedFormatter, FixedLocator

from forecaster.arrays import DateArray, IntArray

__all__ = ["tick_days", "trading_day_axis"]

_FAR = 1e6  # lengths of the axis, up to which it goes on at the mean distance of its rows
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400)  # between ticks


def trading_day_axis(axes: Axes, days: DateArray, most_ticks: int) -> None:
    """Give every row of a panel the same width, whatever the days between them.

    Args:
        axes: Panel whose horizontal data are dates.
        days: (N,) dates of the rows, increasing.
        most_ticks: Number of ticks, at most.
    """
    if len(days) > 1:
        numbers = np.asarray(date2num(days), dtype=float)
        places = np.arange(len(days), dtype=float)
        length = numbers[-1] - numbers[0]
        numbers = np.concatenate([[numbers[0] - _FAR * length], numbers, [numbers[-1] + _FAR * length]])
        places = np.concatenate([[-_FAR * places[-1]], places, [(1 + _FAR) * places[-1]]])
        axes.set_xscale(
            "function",
            functions=(lambda x: np.interp(x, numbers, places), lambda place: np.interp(place, places, numbers)),
        )
    ticks, labels = tick_days(days, most_ticks)
    axes.xaxis.set_major_locator(FixedLocator(np.asarray(date2num(ticks), dtype=float).tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter(labels))


def tick_days(days: DateArray, most_ticks: int) -> tuple[DateArray, list[str]]:
    r"""Rows that begin a week, a month or a year, at most `most_ticks` of them, and their labels.

    >>> ticks, labels = tick_days(np.busday_offset("2026-12-14", np.arange(20), roll="forward"), most_ticks=5)
    >>> [str(tick) for tick in ticks], labels
    (['2026-12-21', '2026-12-28', '2027-01-04'], ['21 Dec\n2026', '28 Dec', '4 Jan\n2027'])
    """
    numbers = days.astype("datetime64[D]").astype(np.int64)
    months = days.astype("datetime64[M]").astype(np.int64)
    weeks = (numbers + 3) // 7  # from Monday on
    choices = [(numbers, "day"), (weeks, "day"), (weeks // 2, "day")]
    choices += [(months // count, "month" if count < _MONTHS[4] else "year") for count in _MONTHS]
    starts = [(_first_rows(groups), unit) for groups, unit in choices]
    rows, unit = next((choice for choice in starts if len(choice[0]) <= most_ticks), starts[-1])
    ticks = days[rows] if len(rows) else days[:1]
    return ticks, _labels(ticks.astype("datetime64[D]").tolist(), unit)


def _first_rows(groups: IntArray) -> IntArray:
    """Rows that begin a group; the first row may lie within one, and counts only where all groups are single rows."""
    starts = np.flatnonzero(np.diff(groups)) + 1
    return np.arange(len(groups)) if len(starts) == len(groups) - 1 else starts


def _labels(days: list[datetime.date], unit: str) -> list[str]:
    """Days, months or years, with the year below where it begins to count."""
    labels = []
    year = None
    for day in days:
        label = {"day": f"{day.day} {day:%b}", "month": f"{day:%b}", "year": str(day.year)}[unit]
        labels.append(label if day.year == year or unit == "year" else f"{label}\n{day.year}")
        year = day.year
    return labels
