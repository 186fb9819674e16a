"""Dates that are numbers: seconds since 1970 and their fractions, and Excel's days since 1900."""

import re
from collections.abc import Sequence

import numpy as np

from forecaster.data.tables.moments import DAY_SECONDS, EXCEL_DAYS, Moments

__all__ = ["numbered_dates"]

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,18})(\.\d+)?")
_FIRST_EXCEL_DAY = np.datetime64("1899-12-30")
_MIN_EXCEL, _MAX_EXCEL = 10_000, 80_000  # 1927 to 2119
_MIN_LAST_EXCEL = 25_569  # 1970; a column of smaller numbers may count days since 1970
_UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_MIN_SECONDS, _MAX_SECONDS = 10**8, 10**10  # 1973 to 2286, for the largest number of a column


def _is_moment(value: int, unit: str) -> bool:
    """True for a number of seconds, or of parts of them, from 1973 to 2286."""
    return _MIN_SECONDS * _UNITS[unit] <= value < _MAX_SECONDS * _UNITS[unit]


def numbered_dates(texts: Sequence[str]) -> Moments | None:
    """Dates of a column of numbers, in UTC where they count seconds; None for other texts.

    The largest number of the column decides about the unit, unless every number is a moment of a unit of its own; eight
    digits are a date and no number.
    """
    if not (_NUMBER.fullmatch(texts[0]) and _NUMBER.fullmatch(texts[-1])):
        return None
    if not all(map(_NUMBER.fullmatch, texts)):
        return None
    values = [int(text.partition(".")[0]) for text in texts]
    largest = max(values)
    if len(str(min(values))) == 8 == len(str(largest)) and min(values) > 1600_00_00:
        return None
    if min(values) >= _MIN_EXCEL and _MIN_LAST_EXCEL <= largest <= _MAX_EXCEL:
        days = _FIRST_EXCEL_DAY + np.array(values, dtype="timedelta64[D]")
        fractions = np.array([float(f"0{text[text.index('.') :]}") if "." in text else 0.0 for text in texts])
        seconds = np.round(fractions * DAY_SECONDS).astype(np.int64) if fractions.any() else None
        if seconds is not None:
            days = days + (seconds // DAY_SECONDS).astype("timedelta64[D]")
            seconds = seconds % DAY_SECONDS
        return Moments(np.asarray(days), seconds, None, EXCEL_DAYS)
    own = [next((name for name in _UNITS if _is_moment(value, name)), None) for value in values]
    unit = own[values.index(largest)]
    if unit is None:
        return None
    if all(own):  # months of one exchange in milliseconds, and later ones in microseconds
        moments = np.array([value // _UNITS[name] for value, name in zip(values, own, strict=True) if name])
    else:
        moments = np.array([value // _UNITS[unit] for value in values], dtype=np.int64)
    days = (moments // DAY_SECONDS).astype("datetime64[D]")
    return Moments(days, moments % DAY_SECONDS, np.zeros_like(moments), f"{unit} since 1970")
