"""Dates and frequencies as people type them."""

import datetime
import re
from collections.abc import Mapping
from types import MappingProxyType

from forecaster.errors import UsageError

__all__ = ["parse_day", "parse_frequency"]

_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.]?)(\d{{1,2}})\2(\d{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})|(\d{1,2})(\.)(\d{1,2})\.(\d{2})")
_NAMED = (
    re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[ -]*(?P<month>[^\W\d_]{3,12})\.?,?[ -]*(?P<year>\d{4}|\d{2})"),
    re.compile(r"(?P<month>[^\W\d_]{3,12})\.?[ -]*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[ -]+(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})[ -]*(?P<month>[^\W\d_]{3,12})\.?[ -]*(?P<day>\d{1,2})"),
)

_FREQUENCIES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("1d", "d", "day", "days", "daily", "1day", "b", "1b"), "1d"),
        **dict.fromkeys(("1wk", "wk", "w", "1w", "week", "weeks", "weekly", "1week"), "1wk"),
        **dict.fromkeys(("1mo", "mo", "month", "months", "monthly", "1month", "1mon", "me"), "1mo"),
    }
)


def parse_day(text: str) -> datetime.date:
    """The date that a text means.

    Accepted are forms that have one meaning: ``2025-06-30``, ``2025/6/30``, ``20250630``, ``30.06.2025``, ``30.06.25``,
    ``30 June 2025``, ``30. Juni 2025``, ``Jun 30, 2025``, and ``06/30/2025``, since no month has the number 30. A time
    of day is dropped.

    Raises:
        UsageError: The text is no date, or may mean two.

    Example:
        >>> str(parse_day("30-Jun-2025")), str(parse_day("06/30/2025"))
        ('2025-06-30', '2025-06-30')
    """
    stripped = text.strip()
    try:
        if match := _YEAR_FIRST.fullmatch(stripped):
            return datetime.date(int(match[1]), int(match[3]), int(match[4]))
        if match := _YEAR_LAST.fullmatch(stripped):
            first, sign, second, year = match.groups()[:4] if match[1] else match.groups()[4:]
            return _numbered(int(first), int(second), _year(year), dotted=sign == ".")
        for pattern in _NAMED:
            if match := pattern.fullmatch(stripped.lower()):
                return datetime.date(_year(match["year"]), _month(match["month"]), int(match["day"]))
    except ValueError as error:
        problem = str(error)
    else:
        problem = "it has none of the forms of a date"
    raise UsageError(f"{text[:40]!r}: {problem}; expected a date such as 2025-06-30")


def _numbered(first: int, second: int, year: int, *, dotted: bool) -> datetime.date:
    """A date of two numbers and a year; with points the day comes first."""
    if dotted or first > 12:
        return datetime.date(year, second, first)
    if second > 12 or first == second:
        return datetime.date(year, first, second)
    raise ValueError(f"it may mean {datetime.date(year, first, second)} or {datetime.date(year, second, first)}")


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _month(name: str) -> int:
    from forecaster.data.tables.month_names import folded, months_of

    word = folded(name)
    months = months_of(frozenset({word}))
    if months is None:
        raise ValueError(f"{name} is no month")
    return months[word]


def parse_frequency(text: str) -> str:
    """The length of a row as the program writes it: 1d, 1wk or 1mo.

    Raises:
        UsageError: The text is no such length; rows finer than a day are refused with a reason.

    Example:
        >>> [parse_frequency(text) for text in ("weekly", "1w", "1M", "Monthly")]
        ['1wk', '1wk', '1mo', '1mo']
    """
    word = text.strip()
    if word in ("M", "1M"):
        return "1mo"
    if word in ("m", "1m"):
        raise UsageError(f"{word!r}: expected 1mo for a month: {word} may mean a minute, which is too short")
    frequency = _FREQUENCIES.get(word.lower())
    if frequency is None:
        raise UsageError(f"{word[:40]!r}: expected one of 1d, 1wk, 1mo: prices of days and longer spans only")
    return frequency
