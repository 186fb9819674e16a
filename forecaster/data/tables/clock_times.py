"""Times of the day and time zones that stand behind a date in a text."""

import dataclasses
import functools
import re
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Int64Array

__all__ = ["Clock", "seconds_of", "split_times"]

_TIME = re.compile(
    r"(?P<date>.*?\S)(?:[T ,]+|(?<=\d)-(?=\d\d:))(?P<half_before>[上下오午][午전후前後]\s*)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:]\d+)?)?\s*(?P<half>(?!America)[AaPp]\.?\s?[Mm]\.?)?\s*(?P<zone>.*)"
)
_COMPACT_TIME = re.compile(
    r"(?P<date>\d{8})[T ]?(?P<hour>\d{2})(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?:\.?(?:\d{3}){1,2})?)?(?P<half>)(?P<half_before>)(?P<zone>Z?)"
)
_LATE_HALVES = ("下午", "오후", "午後")
_YEAR_BEHIND = re.compile(r"(?:[A-Z]{3,4} )?(\d{4})")
"""A year behind the time and its zone: ``Tue Jul 30 16:00:00 EDT 2024``."""

_ZONE = re.compile(
    r"(?:UTC|GMT|Z)?\s*(?:([+-])(\d{1,2}):?(\d{2})?(?::\d{2})?)?\s*(?:[A-Z]{2,5}|\([^)]*\)|[A-Z]\w+/[\w/]+)?"
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,:]\d+)?)?\s*([AaPp])?\.?\s?(?:[Mm]\.?)?")
_DIGITS = re.compile(r"\d{4}|\d{5,6}")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ANY_DATE = "2000-01-01"


@dataclasses.dataclass(frozen=True, eq=False)
class Clock:
    """Texts of dates, split.

    Args:
        dates: The texts without their times.
        seconds: (T,) seconds since midnight, 0 where a text has no time; None where none has.
        offsets: (T,) seconds by which the clock is ahead of UTC; None where a time has no numeric zone.
    """

    dates: Sequence[str]
    seconds: Int64Array | None = None
    offsets: Int64Array | None = None


def split_times(texts: Sequence[str]) -> Clock:
    """Split the times off the dates; what cannot be split stays in the text of the date."""
    if not any(":" in text or len(text) > 11 for text in texts):
        return Clock(texts)
    parts = list(map(_split, texts))
    timed = [part for part in parts if part is not None]
    if not timed:
        return Clock(texts)
    dates = [text if part is None else part[0] for part, text in zip(parts, texts, strict=True)]
    seconds = np.array([0 if part is None else part[1] for part in parts], dtype=np.int64)
    if any(offset is None for _, _, offset in timed):
        return Clock(dates, seconds)
    return Clock(dates, seconds, np.array([0 if part is None else part[2] for part in parts], dtype=np.int64))


def _split(text: str) -> tuple[str, int, int | None] | None:
    """Date, seconds since midnight and seconds ahead of UTC of one text; None for a text without a time.

    Times of the day repeat: behind a date such as ``2024-07-31`` each is read once.
    """
    if not _ISO_DATE.match(text):
        return _split_once(text)
    parts = _split_once(_ANY_DATE + text[10:])
    return parts and (parts[0].replace(_ANY_DATE, text[:10]), *parts[1:])


@functools.lru_cache(maxsize=100_000)
def _split_once(text: str) -> tuple[str, int, int | None] | None:
    match = (_TIME if ":" in text else _COMPACT_TIME).fullmatch(text)
    if match is None:
        return None
    year = _YEAR_BEHIND.fullmatch(match["zone"])
    zone = _ZONE.fullmatch("" if year else match["zone"])
    half = (match["half"] or "")[:1].lower()
    if match["half_before"]:
        half = "p" if match["half_before"].strip() in _LATE_HALVES else "a"
    hour = _hour(int(match["hour"]), half)
    if zone is None or hour is None or int(match["minute"]) > 59 or int(match["second"] or 0) > 60:
        return None
    second = 3600 * hour + 60 * int(match["minute"]) + int(match["second"] or 0)
    date = match["date"].rstrip(",") + (f" {year[1]}" if year else "")
    return date, second, _offset(match["zone"], zone)


def _hour(hour: int, half: str) -> int | None:
    if not half:
        return hour if hour <= 23 else None
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half == "p" else 0)


def _offset(text: str, zone: re.Match[str]) -> int | None:
    if zone[1]:
        return (1 if zone[1] == "+" else -1) * (3600 * int(zone[2]) + 60 * int(zone[3] or 0))
    return 0 if text.startswith(("Z", "UTC", "GMT")) else None


def seconds_of(cells: Sequence[str]) -> Int64Array | None:
    """(T,) seconds since midnight of a column of times such as ``09:30`` or ``093000``; None for any other column."""
    seconds = []
    for cell in cells:
        match = _CLOCK.fullmatch(cell)
        if match:
            hour = _hour(int(match[1]), (match[4] or "").lower())
            minute, second = int(match[2]), int(match[3] or 0)
        elif _DIGITS.fullmatch(cell):
            digits = cell.zfill(6) if len(cell) > 4 else f"{cell}00"
            hour, minute, second = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        else:
            return None
        if hour is None or hour > 23 or minute > 59 or second > 60:
            return None
        seconds.append(3600 * hour + 60 * minute + second)
    return np.array(seconds, dtype=np.int64)
