"""Frequency of rows that a user gives: daily, weekly, monthly, quarterly or yearly, recognised by their dates."""

import dataclasses
import datetime

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Int64Array
from forecaster.data.weekends import weekdays_of
from forecaster.errors import InputFileError

__all__ = [
    "DAYS_PER_ROW",
    "SPANS",
    "begins_periods",
    "coming_labels",
    "finished_rows",
    "periods",
    "recognised_frequency",
    "require_frequency",
]

SPANS = {"1d": "day", "1wk": "week", "1mo": "month", "3mo": "quarter", "1y": "year"}
"""Frequency -> what one row spans, in words."""

DAYS_PER_ROW = {"1d": 1, "1wk": 7, "1mo": 31, "3mo": 92, "1y": 366}
"""Frequency -> most days that one row spans."""

_ADJECTIVES = {"1d": "daily", "1wk": "weekly", "1mo": "monthly", "3mo": "quarterly", "1y": "yearly"}
_FORECAST = ("1d", "1wk", "1mo")
_MIN_ROWS = 5
_REGULAR_SHARE = 0.75
_MIN_PERIODS_A_ROW = 0.95
_MIN_RUN = 20  # rows in succession that show a longer frequency within a history
_TUESDAY = 1
_MAX_FIRST_DAY = 10  # of a month; China closes for its first week in October


@dataclasses.dataclass(frozen=True)
class _Spacing:
    """Distances of neighbouring rows of one frequency, in days."""

    lowest: int
    highest: int


_SPACINGS = {
    "1wk": _Spacing(5, 9),
    "1mo": _Spacing(26, 35),
    "3mo": _Spacing(84, 98),
    "1y": _Spacing(355, 375),
}


def recognised_frequency(dates: DateArray) -> str:
    """Frequency of rows with `dates` (T,); ``1d`` if no longer one fits, or if there are fewer than five rows.

    Rows of a longer frequency lie in a period of their own; a file with some years of days has several in one.

    >>> recognised_frequency(np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]"))
    '1mo'
    """
    if len(dates) < _MIN_ROWS:
        return "1d"
    gaps = np.diff(dates.astype("datetime64[D]")).astype(np.int64)
    for frequency, spacing in _SPACINGS.items():
        regular = (gaps >= spacing.lowest) & (gaps <= spacing.highest)
        own = len(np.unique(periods(dates, frequency)))
        if regular.mean() >= _REGULAR_SHARE and own >= _MIN_PERIODS_A_ROW * len(dates):
            return frequency
    return "1d"


def require_frequency(name: str, dates: DateArray, own: str, wanted: str) -> None:
    """Refuse rows that are longer than wanted, or too far apart to be days.

    Args:
        name: Name of the history in the message.
        dates: (T,) of its rows.
        own: Their frequency, from `recognised_frequency`.
        wanted: Frequency of the forecast.

    Raises:
        InputFileError: The message names the option that would help.
    """
    gap = float(np.median(np.diff(dates).astype(np.int64))) if len(dates) >= _MIN_ROWS else 1.0
    span = f"from {dates[0]} to {dates[-1]}"
    if own not in _FORECAST:
        raise InputFileError(
            f"{name} has {_ADJECTIVES[own]} rows ({len(dates)} {span}); expected daily, weekly or monthly ones, "
            "since a model needs hundreds of rows; give a history with more rows"
        )
    if DAYS_PER_ROW[own] > DAYS_PER_ROW[wanted]:
        raise InputFileError(
            f"{name} has {_ADJECTIVES[own]} rows ({len(dates)} {span}); expected {_ADJECTIVES[wanted]} ones; "
            f"add --frequency {own} to forecast {SPANS[own]}s"
        )
    _require_no_longer_rows(name, dates, wanted)
    if own == "1d" and gap > DAYS_PER_ROW["1wk"]:
        option = "add --frequency 1mo" if gap <= DAYS_PER_ROW["1mo"] else "give a history with more rows"
        if wanted != "1mo" or gap > DAYS_PER_ROW["1mo"]:
            raise InputFileError(
                f"{name} has rows {gap:g} days apart ({len(dates)} {span}); expected daily, weekly or monthly ones; "
                f"{option}"
            )


def _require_no_longer_rows(name: str, dates: DateArray, wanted: str) -> None:
    """Refuse a history of which a part has longer rows than wanted, such as months before the first days.

    Raises:
        InputFileError: The message names the part and the options that leave it out.
    """
    gaps = np.diff(dates.astype("datetime64[D]")).astype(np.int64)
    for frequency, spacing in _SPACINGS.items():
        if DAYS_PER_ROW[frequency] <= DAYS_PER_ROW[wanted]:
            continue
        others = np.flatnonzero((gaps < spacing.lowest) | (gaps > spacing.highest))
        bounds = np.concatenate([[-1], others, [len(gaps)]])
        longest = int(np.argmax(np.diff(bounds)))
        first = int(bounds[longest]) + 1
        last = int(bounds[longest + 1])
        if last - first < _MIN_RUN:
            continue
        options = [f"--frequency {frequency}"] if frequency in _FORECAST else []
        options += [f"--start {dates[last + 1]}"] if first == 0 else []
        options += [f"--end {dates[first]}"] if last == len(gaps) else []
        raise InputFileError(
            f"{name} has {_ADJECTIVES[frequency]} rows from {dates[first]} to {dates[last]} and shorter ones beside "
            f"them; expected {_ADJECTIVES[wanted]} rows from first to last; "
            + (f"add {' or '.join(options)}" if options else "give a history without that part")
        )


def periods(dates: DateArray, frequency: str) -> Int64Array:
    """(T,) number of the day, week (Monday to Sunday), month, quarter or year in which each date lies."""
    if frequency == "1y":
        return np.asarray(dates.astype("datetime64[Y]").astype(np.int64))
    if frequency in ("1mo", "3mo"):
        months = dates.astype("datetime64[M]").astype(np.int64)
        return np.asarray(months if frequency == "1mo" else months // 3)
    days = dates.astype("datetime64[D]").astype(np.int64)
    return np.asarray((days + 3) // 7 if frequency == "1wk" else days)  # day 0, 1970-01-01, was a Thursday


def begins_periods(dates: DateArray, frequency: str) -> bool:
    """True if rows of weeks or months are dated by the first day of their period, as some vendors do.

    Weeks begin on a Monday, months within their first four days.
    """
    if frequency == "1wk":
        return bool(np.mean(weekdays_of(dates) == 0) >= _REGULAR_SHARE)
    if frequency == "1mo":
        return bool(np.mean(_days_of_month(dates) <= 4) >= _REGULAR_SHARE)
    return False


def finished_rows(dates: DateArray, frequency: str, today: datetime.date) -> int:
    """Number of leading rows whose week or month is over on `today`.

    Where rows are dated by the first day of their period, a last row with a later date is the last price of a period
    that was not over when the file was made; its period is left out.

    Args:
        dates: (T,) dates of weeks or months, increasing.
        frequency: Their frequency.
        today: The current date.
    """
    current = periods(np.array([today], dtype="datetime64[D]"), frequency)[0]
    number = periods(dates, frequency)
    finished = number < current
    if not begins_periods(dates, frequency):
        finished |= _closes_period(dates, frequency)
    elif _lies_within_period(dates[-1:], frequency)[0] or (number == number[-1]).sum() > 1:
        finished &= number < number[-1]
    return int(np.flatnonzero(finished)[-1]) + 1 if finished.any() else 0


def _lies_within_period(dates: DateArray, frequency: str) -> BoolArray:
    """(T,) True for dates too late to be the first day of a period, even after holidays."""
    return np.asarray(weekdays_of(dates) > _TUESDAY if frequency == "1wk" else _days_of_month(dates) > _MAX_FIRST_DAY)


def _closes_period(dates: DateArray, frequency: str) -> BoolArray:
    """(T,) True where a row has the date of the last trading day of its week or month."""
    if frequency == "1wk":
        weekdays = weekdays_of(dates)
        return np.asarray(weekdays >= np.bincount(weekdays).argmax())
    next_days = np.busday_offset(dates.astype("datetime64[D]"), 1, roll="backward")
    return np.asarray(periods(next_days, frequency) > periods(dates, frequency))


def _days_of_month(dates: DateArray) -> Int64Array:
    return np.asarray((dates.astype("datetime64[D]") - dates.astype("datetime64[M]")).astype(np.int64) + 1)


def coming_labels(dates: DateArray, frequency: str, days: DateArray) -> DateArray:
    """Dates of the coming rows of weeks or months that are dated by their first day.

    Args:
        dates: (T,) of the rows so far.
        frequency: Their frequency.
        days: Coming trading days, increasing.
    """
    later = days[periods(days, frequency) > periods(dates[-1:], frequency)[0]]
    number = periods(later, frequency)
    first = later[np.diff(number, prepend=number[:1] - 1) > 0]
    if frequency == "1mo" and np.mean(_days_of_month(dates) == 1) >= _REGULAR_SHARE:
        return np.asarray(first.astype("datetime64[M]").astype("datetime64[D]"))
    return np.asarray(first)
