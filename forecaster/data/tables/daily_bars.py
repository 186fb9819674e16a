"""Bars of days from shorter ones, and from single trades."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.findings import Finding, Severity
from forecaster.data.tables.days import (
    MONDAY_TO_FRIDAY,
    SUNDAY_TO_THURSDAY,
    clock_text,
    has_week,
    weekdays,
)
from forecaster.data.tables.moments import DAY_SECONDS, Moments
from forecaster.errors import InputFileError

__all__ = ["Bars", "are_trades", "daily_bars", "has_repeated_hour", "parse_clock"]

_MIN_NIGHT = 4 * 3600  # seconds without a bar in every day, between which a day may end
_LONGER_THAN_BARS = 1.5  # of a pause to the usual distance of bars, which may be hours
_SUNDAY = 6
_EARLY_SHARE = 0.05  # of days that end early, as before holidays
_MIN_TO_THE_SECOND = 0.5
_MAX_TRADE_RATIO = 1.05
_MAX_SET_BACK = 4 * 3600  # clocks are set back by an hour in the small hours of a Sunday
_MIN_DAYS_BETWEEN = 300


@dataclasses.dataclass(frozen=True, eq=False)
class Bars:
    """Daily bars from shorter ones.

    Args:
        days: (D,) days, increasing.
        columns: Name -> (D,) open, high, low, close, adj_close, volume.
        last: (D,) number of the last row of each day.
        findings: Remark about the way in which days were formed.
    """

    days: DateArray
    columns: dict[str, FloatArray]
    last: Int64Array
    findings: list[Finding]


def parse_clock(text: str) -> int:
    """Seconds since midnight of ``HH:MM``.

    Raises:
        InputFileError: The text is no time of the day.
    """
    hour, colon, minute = text.strip().partition(":")
    digits = hour.isascii() and minute.isascii() and hour.isdigit() and minute.isdigit() and len(minute) == 2
    if not colon or not digits or int(hour) > 24 or int(minute) > 59 or int(hour) * 60 + int(minute) > 24 * 60:
        raise InputFileError(f"--daily-close {text!r:.30} is no time of the day; expected HH:MM such as 17:00")
    return (int(hour) * 3600 + int(minute) * 60) % DAY_SECONDS


def daily_bars(moments: Moments, columns: Mapping[str, FloatArray], close: int | None, label: str) -> Bars:
    """One bar a day: first open, highest high, lowest low, last close, sum of the volume.

    A day ends in the hours of the night in which no bar of the file ever stands, or at a given time. A row of that time
    is the first of the next day, unless nights and weekends follow such rows: bars are stamped at their end then. Rows
    after the close of a Friday belong to the next day that has others.

    The last day is left out if it ends earlier than the days before it: it is not over in the file.

    Args:
        moments: (T,) dates and times, in order.
        columns: Name -> (T,) numbers.
        close: Seconds since midnight at which a day ends, on the clock of `moments`; None to find a night.
        label: The file, for messages.

    Raises:
        InputFileError: The file has no night, and no time is given.
    """
    stamps = moments.stamps
    if close is None:
        shift, text = _session(stamps, label)
    else:
        shift = (DAY_SECONDS - close) % DAY_SECONDS
        text = f"a day ends at {clock_text(close)}"
        if _ends_at(stamps, shift):
            shift -= 1
            text += ", with the row of that time"
    numbers = (stamps + shift) // DAY_SECONDS
    if close is not None:
        numbers = _with_later_hours(numbers, stamps)
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    ends = np.append(starts[1:], len(numbers)) - 1
    bars = {name: _combined(name, values, starts, ends) for name, values in columns.items()}
    complete = _complete(stamps, starts, ends, shift, is_given=close is not None)
    findings = [
        Finding(
            "daily_bars",
            Severity.INFO,
            len(starts),
            (),
            f"{len(stamps)} rows of parts of days become one bar a day; {text}",
        )
    ]
    if not complete.all():
        left = numbers[starts][~complete].astype("datetime64[D]")
        noun = "day" if len(left) == 1 else "days"
        what = f"{len(left)} unfinished {noun} at the ends of the file left out"
        findings.append(Finding("unfinished_day", Severity.REPAIR, len(left), tuple(map(str, left)), what))
    days = np.asarray(numbers[starts].astype("datetime64[D]"))
    return Bars(days[complete], {name: values[complete] for name, values in bars.items()}, ends[complete], findings)


def has_repeated_hour(stamps: Int64Array) -> bool:
    """True if moments are there twice only where local clocks are set back: one hour of a Sunday night, once a year.

    Args:
        stamps: (T,) seconds since 1970 of the clock of the file, in order.
    """
    again = stamps[1:][np.diff(stamps) == 0]
    nights = np.unique(again // DAY_SECONDS)
    clocks = again % DAY_SECONDS
    if not len(again) or (np.diff(again) == 0).any() or (weekdays(nights.astype("datetime64[D]")) != _SUNDAY).any():
        return False
    lengths = [np.ptp(clocks[again // DAY_SECONDS == night]) for night in nights]
    return bool(clocks.max() < _MAX_SET_BACK and max(lengths) < 3600 and (np.diff(nights) > _MIN_DAYS_BETWEEN).all())


def are_trades(stamps: Int64Array, columns: Mapping[str, FloatArray]) -> bool:
    """True for single trades or quotes, of which one second may have several, the last of which counts.

    They are stamped to the second, without ranges; moments have different numbers of them, at about one price. Rows of
    two series in one file, and bars that are there twice, are not so.

    Args:
        stamps: (T,) seconds since 1970, in order.
        columns: Name -> (T,) numbers.
    """
    _, starts, counts = np.unique(stamps, return_index=True, return_counts=True)
    to_the_second = float((stamps % 60 != 0).mean())
    if to_the_second < _MIN_TO_THE_SECOND or "high" in columns or counts.min() == counts.max():
        return False
    close = columns["close"]
    return bool((np.maximum.reduceat(close, starts) <= _MAX_TRADE_RATIO * np.minimum.reduceat(close, starts)).all())


def _combined(name: str, values: FloatArray, starts: Int64Array, ends: Int64Array) -> FloatArray:
    if name == "open":
        return np.asarray(values[starts])
    if name == "high":
        return np.asarray(np.maximum.reduceat(values, starts))
    if name == "low":
        return np.asarray(np.minimum.reduceat(values, starts))
    return np.asarray(np.add.reduceat(values, starts) if name == "volume" else values[ends])


def _ends_at(stamps: Int64Array, shift: int) -> bool:
    """True if the market closes with rows at the end of the day: most nights and weekends follow one."""
    steps = np.diff(stamps)
    is_last = steps >= max(_MIN_NIGHT, _LONGER_THAN_BARS * np.median(steps))
    return bool(is_last.any() and ((stamps[:-1][is_last] + shift) % DAY_SECONDS == 0).mean() > 0.5)


def _with_later_hours(numbers: Int64Array, stamps: Int64Array) -> Int64Array:
    """(T,) days of rows, where a day that has rows of the evening before only, as a Saturday, is part of the next."""
    opened = np.unique(numbers[stamps // DAY_SECONDS == numbers])
    if not len(opened):
        return numbers
    return np.asarray(np.append(opened, numbers[-1])[np.searchsorted(opened, numbers)])


def _session(stamps: Int64Array, label: str) -> tuple[int, str]:
    """Seconds to add to stamps so that days of the market begin at midnight, and the session in words.

    A session over midnight is named by its first day or by its last, whichever gives a week without weekends: stocks
    of New York on the clock of Seoul begin on Monday evening, those of Sydney on the clock of London on Sunday.

    Raises:
        InputFileError: There are rows around the clock, or the days of a session over midnight cannot be told.
    """
    night = _night(stamps)
    if night is None:
        raise InputFileError(
            f"{label} has several rows a day around the clock; expected one row a day, or a night without rows; "
            "say when a day ends with --daily-close HH:MM, such as 17:00, and the clock with --timezone"
        )
    last, first = night
    text = f"a day is the session with rows from {clock_text(first)} to {clock_text(last)}"
    if first <= last:
        return 0, text
    begins = np.unique((stamps - first) // DAY_SECONDS).astype("datetime64[D]")
    if has_week(begins, MONDAY_TO_FRIDAY):
        return -first, text
    if any(has_week(begins + 1, week) for week in (MONDAY_TO_FRIDAY, SUNDAY_TO_THURSDAY)):
        return DAY_SECONDS - first, text
    raise InputFileError(
        f"{label} has sessions over midnight: {clock_text(first)} to {clock_text(last)}; expected the clock of its "
        "market; name its zone with --timezone, or say when a day ends with --daily-close HH:MM"
    )


def _night(stamps: Int64Array) -> tuple[int, int] | None:
    """Times of the day of the last and the first bar around the longest stretch without bars; None if it is short."""
    clocks = np.unique(stamps % DAY_SECONDS)
    if len(clocks) < 2:
        return None
    gaps = np.diff(np.append(clocks, clocks[0] + DAY_SECONDS))
    longest = int(np.argmax(gaps))
    spacing = float(np.median(np.diff(stamps)))
    if gaps[longest] < max(_MIN_NIGHT, 2.5 * spacing):
        return None
    return int(clocks[longest]), int(clocks[(longest + 1) % len(clocks)])


def _complete(stamps: Int64Array, starts: Int64Array, ends: Int64Array, shift: int, *, is_given: bool) -> BoolArray:
    """(D,) false for a last day that ends, or with a given end for a first day that begins, at an unusual time.

    A last day that is as long as others may end early: on the clock of UTC a session moves by an hour in spring.
    """
    complete = np.ones(len(starts), dtype=bool)
    if len(starts) < 3:
        return complete
    clock = (stamps + shift) % DAY_SECONDS
    earliest_end = np.quantile(clock[ends[:-1]], _EARLY_SHARE)
    spacing = float(np.median(np.diff(stamps)))
    lengths = clock[ends] - clock[starts]
    tolerance = 1.5 * spacing
    complete[-1] = clock[ends[-1]] >= earliest_end - tolerance or lengths[-1] >= np.median(lengths) - spacing / 2
    if is_given:
        complete[0] = clock[starts[0]] <= np.median(clock[starts[1:]]) + tolerance
    return complete
