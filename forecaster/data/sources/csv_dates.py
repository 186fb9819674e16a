"""Dates as people write them in files, read only where there is one way to read them."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import DateArray

__all__ = ["DateError", "parse_dates"]

_EXPECTED = "expected a date such as 2024-07-31, written alike in every row"

_TIME_OF_DAY = re.compile(r"(?:T|,? +)\d{1,2}:\d{2}.*$")
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})|(\d{4})(\d{2})(\d{2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})")
_WITH_NAME = re.compile(r"(?:(\d{1,2})[- ]([A-Za-z]{3,9})\.?|([A-Za-z]{3,9})\.? (\d{1,2})),?[- ](\d{4})")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

Parts = tuple[int, int, int]
Reader = Callable[[str], Parts | None]


class DateError(ValueError):
    """A text is no date, or can be read in two ways.

    Args:
        row: Index of the row, from 0.
        what: The mistake, and the expected form.
    """

    def __init__(self, row: int, what: str) -> None:
        super().__init__(what)
        self.row = row


def parse_dates(texts: Sequence[str]) -> tuple[DateArray, str]:
    """Dates of all rows, which must be written in one way.

    Reads year first (``2024-07-31``, ``20240731``, ``2024/7/31``), day or month first where one date in the
    column can only be one of them (``31/07/2024``), and English month names (``31 Jul 2024``,
    ``Jul 31, 2024``). A time of day is cut off: the date is that of the clock on which it was written.

    Returns:
        (T,) datetime64[D], in the order of the rows, and the format in words, such as ``year-month-day``.

    Raises:
        DateError: A row is no date or is written in another way than the first, or the whole column can
            be read with the day first and with the month first.
    """
    days = [text if len(text) == 10 else _TIME_OF_DAY.sub("", text.strip()) for text in texts]
    if not days:
        raise DateError(0, f"there are no dates; {_EXPECTED}")
    iso = _iso(days)
    if iso is not None:
        return iso, "year-month-day"
    if _year_first(days[0]) is not None:
        return _assemble(texts, _read_all(texts, days, _year_first)), "year-month-day"
    if _with_name(days[0]) is not None:
        return _assemble(texts, _read_all(texts, days, _with_name)), "day and month name"
    if _year_last(days[0]) is not None:
        return _day_or_month_first(texts, _read_all(texts, days, _year_last))
    raise DateError(0, f"{texts[0]!r:.60} is no date; {_EXPECTED}")


def _iso(days: Sequence[str]) -> DateArray | None:
    """The usual file, all ``2024-07-31``, read at once; None when it is another."""
    if any(len(day) != 10 for day in days):
        return None
    letters = np.array(days).view("U1").reshape(len(days), 10)
    digits = np.delete(letters, (4, 7), axis=1)
    if not ((letters[:, (4, 7)] == "-").all() and ((digits >= "0") & (digits <= "9")).all()):
        return None
    try:
        return np.array(days, dtype="datetime64[D]")
    except ValueError:  # 2024-02-30; the slow way says where
        return None


def _year_first(day: str) -> Parts | None:
    match = _YEAR_FIRST.fullmatch(day)
    return match and (int(match[1] or match[5]), int(match[3] or match[6]), int(match[4] or match[7]))


def _year_last(day: str) -> Parts | None:
    """The three numbers as they stand; two digits of a year would be too few to be sure."""
    match = _YEAR_LAST.fullmatch(day)
    return match and (int(match[1]), int(match[3]), int(match[4]))


def _with_name(day: str) -> Parts | None:
    match = _WITH_NAME.fullmatch(day)
    if match is None:
        return None
    name = (match[2] or match[3]).lower()
    month = next((number for number, month_name in enumerate(_MONTHS, start=1) if month_name.startswith(name)), None)
    return None if month is None else (int(match[5]), month, int(match[1] or match[4]))


def _read_all(texts: Sequence[str], days: Sequence[str], reader: Reader) -> list[Parts]:
    parts = []
    for row, day in enumerate(days):
        part = reader(day)
        if part is None:
            raise DateError(row, f"{texts[row]!r:.60} is no date like {texts[0]!r:.60} in the first row; {_EXPECTED}")
        parts.append(part)
    return parts


def _day_or_month_first(texts: Sequence[str], parts: Sequence[Parts]) -> tuple[DateArray, str]:
    """Decide by the first number that is no month; `parts` are as they stand in the file, year last."""
    day_first = next((row for row, part in enumerate(parts) if part[0] > 12), None)
    month_first = next((row for row, part in enumerate(parts) if part[1] > 12), None)
    if day_first is None and month_first is None:
        raise DateError(0, f"{texts[0]!r:.60} can be read with the day or the month first; {_EXPECTED}")
    if day_first is not None and month_first is not None:
        row = max(day_first, month_first)
        other = min(day_first, month_first)
        order = f"{texts[row]!r:.60} has day and month in another order than {texts[other]!r:.60}"
        raise DateError(row, f"{order}; {_EXPECTED}")
    if month_first is None:
        return _assemble(texts, [(year, month, day) for day, month, year in parts]), "day-month-year"
    return _assemble(texts, [(year, month, day) for month, day, year in parts]), "month-day-year"


def _assemble(texts: Sequence[str], parts: Sequence[Parts]) -> DateArray:
    """Dates from years, months and days; a day that its month does not have is refused."""
    year, month, day = np.array(parts, dtype=np.int64).T
    months = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    wrong = (month < 1) | (month > 12) | (dates.astype("datetime64[M]") != months)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DateError(row, f"{texts[row]!r:.60} is a day that no calendar has; {_EXPECTED}")
    return np.asarray(dates)
