"""Times of the day and time zones that stand behind a date in a text."""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Int64Array

__all__ = ["Clock", "seconds_of", "split_times"]

_TIME = re.compile(
    r"(?P<date>.*?\S)(?:[T ,]+|(?<=\d)-(?=\d\d:))(?P<half_before>[上下오午][午전후前後]\s*)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:]\d+)?)?\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?\s*(?P<zone>.*)"
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
_FRACTION = re.compile(r"^[.,]\d+")
_DIGITS = re.compile(r"\d{4}|\d{5,6}")


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
    iso = _iso_clock(texts)
    if iso is not None:
        return iso
    dates: list[str] = []
    seconds = np.zeros(len(texts), dtype=np.int64)
    offsets = np.zeros(len(texts), dtype=np.int64)
    timed = zoned = 0
    for row, text in enumerate(texts):
        parts = _split(text)
        if parts is None:
            dates.append(text)
            continue
        date, second, offset = parts
        dates.append(date)
        seconds[row] = second
        timed += 1
        if offset is not None:
            offsets[row] = offset
            zoned += 1
    if not timed:
        return Clock(texts)
    return Clock(dates, seconds, offsets if zoned == timed else None)


def _iso_clock(texts: Sequence[str]) -> Clock | None:
    """The usual file of time stamps, all ``2024-07-31 09:30:00`` and one zone, read at once; None for any other."""
    first = texts[0]
    length = 19 if first[16:17] == ":" else 16
    tail = first[length:]
    if len(first) < length or any(len(text) != len(first) or text[length:] != tail for text in texts):
        return None
    zone = _ZONE.fullmatch(_FRACTION.sub("", tail).strip())
    letters = np.array([text[10:length] for text in texts]).view("U1").reshape(len(texts), length - 10)
    places = [1, 2, 4, 5, 7, 8][: 4 if length == 16 else 6]
    digits = letters[:, places]
    is_clock = ((letters[:, 0] == "T") | (letters[:, 0] == " ")) & (letters[:, 3::3] == ":").all(axis=1)
    if zone is None or not (is_clock.all() and ((digits >= "0") & (digits <= "9")).all()):
        return None
    parts = digits.astype(np.int64).reshape(len(texts), -1, 2) @ np.array([10, 1])
    if (parts > np.array([23, 59, 60][: parts.shape[1]])).any():
        return None
    seconds = parts @ np.array([3600, 60, 1][: parts.shape[1]])
    offset = _offset(_FRACTION.sub("", tail).strip(), zone)
    return Clock([text[:10] for text in texts], seconds, None if offset is None else np.full(len(texts), offset))


def _split(text: str) -> tuple[str, int, int | None] | None:
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
