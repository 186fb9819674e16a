"""Federal holidays of the United States, on which currencies move less everywhere.

Written out because every forecast of a currency needs them, and importing `holidays` takes 0.1 s.
"""

import datetime
import functools

import numpy as np

from forecaster.arrays import DateArray

__all__ = ["us_holidays"]

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


@functools.cache
def us_holidays(first_year: int, last_year: int) -> DateArray:
    """Federal holidays and the days on which they are observed, Mondays to Fridays from `first_year` to `last_year`.

    Returns:
        (N,) datetime64[D], increasing.
    """
    days = {day for year in range(first_year, last_year + 2) for day in _holidays(year)}
    chosen = [day for day in days if first_year <= day.year <= last_year and day.weekday() < _SATURDAY]
    return np.array(sorted(chosen), dtype="datetime64[D]")


def _holidays(year: int) -> list[datetime.date]:
    fixed = [(1, 1), (7, 4), (11, 11), (12, 25), *([(6, 19)] if year >= 2021 else [])]
    movable = [
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        _nth(year, 6, _MONDAY, 1) - datetime.timedelta(days=7),  # last Monday of May
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
    ]
    return [*map(_observed, (datetime.date(year, month, day) for month, day in fixed)), *movable]


def _observed(day: datetime.date) -> datetime.date:
    """The working day off for a holiday: the Friday before a Saturday, the Monday after a Sunday."""
    shift = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + datetime.timedelta(days=shift)


def _nth(year: int, month: int, weekday: int, number: int) -> datetime.date:
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
