"""Days of the market from moments of a file: time zones, and bars shorter than a day."""

import dataclasses
import datetime
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.findings import Finding, Severity
from forecaster.data.tables.moments import EXCEL_DAYS, Moments
from forecaster.errors import InputFileError

__all__ = [
    "DAY_SECONDS",
    "Bars",
    "are_trades",
    "daily_bars",
    "has_repeated_hour",
    "in_timezone",
    "later_price",
    "market_days",
    "parse_clock",
]

DAY_SECONDS = 86_400
_NOON = DAY_SECONDS // 2
_MIN_ROWS = 5
_MIN_FIRST_SHARE = 0.9  # of rows that begin weeks or months
_MAX_STRAY_SHARE = 0.05
_MIN_SHARE = 0.05
_MIN_NIGHT = 4 * 3600  # seconds without a bar in every day, between which a day may end
_MAX_CLOCKS = 4  # different times of the day of daily rows: those of summer and winter, for two times of a day
_HALF_HOUR = 1800
_SUNDAY = 6
_EARLY_SHARE = 0.05  # of days that end early, as before holidays
_MIN_TO_THE_SECOND = 0.5
_MAX_TRADE_RATIO = 1.05
_MAX_SET_BACK = 4 * 3600  # clocks are set back by an hour in the small hours of a Sunday
_MIN_DAYS_BETWEEN = 300
_AUCKLAND = (11 * 3600, 12 * 3600)  # its midnights in UTC, of summer and of winter
_DOUBTFUL_OF_UTC = (11 * 3600, 12 * 3600 + _HALF_HOUR)  # Auckland, or the close of Riyadh or Cairo
_DOUBTFUL = (11 * 3600, 16 * 3600 + _HALF_HOUR)  # without a zone: Tokyo in UTC, or the close of Riyadh in its own time
_MONDAY_TO_FRIDAY, _SUNDAY_TO_THURSDAY, _TUESDAY_TO_SATURDAY = "1111100", "1111001", "0111110"


def in_timezone(moments: Moments, timezone: str | None) -> Moments:
    """Moments on the clock of a time zone; times without a zone count as UTC. None leaves them as they are.

    Raises:
        InputFileError: The zone is unknown, or no row has a time.
    """
    if timezone is None:
        return moments
    import zoneinfo

    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputFileError(
            f"time zone {timezone!r:.60} is unknown; expected a name such as Europe/Berlin, America/New_York or UTC"
        ) from error
    if moments.seconds is None:
        raise InputFileError(
            f"--timezone {timezone} converts times of the day, and the file has dates only; expected rows such as "
            "2024-01-01T23:00:00Z; leave the option out"
        )
    offsets = np.zeros_like(moments.seconds) if moments.offsets is None else moments.offsets
    utc = moments.days.astype("datetime64[s]").astype(np.int64) + moments.seconds - offsets
    shifts = _shifts(utc, zone)
    local = utc + shifts
    days = np.asarray((local // DAY_SECONDS).astype("datetime64[D]"))
    return dataclasses.replace(moments, days=days, seconds=np.asarray(local % DAY_SECONDS), offsets=shifts)


def _shifts(utc: Int64Array, zone: datetime.tzinfo) -> Int64Array:
    """(T,) seconds by which a zone is ahead of UTC; looked up once an hour, as no zone changes more often."""
    hours, place = np.unique(utc // 3600, return_inverse=True)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    ahead = [(epoch + datetime.timedelta(hours=int(hour))).astimezone(zone).utcoffset() for hour in hours]
    seconds = np.array([0 if offset is None else int(offset.total_seconds()) for offset in ahead], dtype=np.int64)
    return np.asarray(seconds[place])


def market_days(moments: Moments, label: str) -> tuple[Moments, list[Finding]]:
    """Days of the market in a file of daily rows that are stamped on the clock of another place.

    A row of Tuesday in Berlin is stamped Monday, 23:00 UTC. Such a file has rows on Sundays and hardly any on Fridays.
    Its rows after noon are moved to the next day if that gives a week without rows on weekends, as the file has none
    now; London is so in summer only. In the same way rows before noon are moved to the day before where the file has
    rows on Saturdays. Rows of weeks and months move from a Sunday evening or the last evening of a month to the Monday
    or the first day that they begin with. Stamps are a market's midnight or the begin of its session only at full or
    half hours. Dates without times stay as they are.

    Args:
        moments: (T,) dates and times.
        label: The file, for messages.

    Raises:
        InputFileError: Numbers of days of Excel fall on Saturdays and on no Monday: they count from another year. Or a
            stamp from Sunday to Thursday is the close of a market and the midnight of another one.
    """
    is_excel = moments.format == EXCEL_DAYS
    if (moments.seconds is None and not is_excel) or len(moments.days) < _MIN_ROWS:
        return moments, []
    if is_excel and _has_week(moments.days, _TUESDAY_TO_SATURDAY):
        raise InputFileError(
            f"{label}: dates are numbers of days that fall on Saturdays and on no Monday; workbooks of old Macs count "
            "them from 1904; expected days since 1900; save the dates as text such as 2024-07-31"
        )
    seconds = moments.seconds
    if seconds is None:
        return moments, []
    usual = np.delete(seconds, _latest(moments))  # the last price may be that of the moment of a download
    is_regular = len(np.unique(usual)) <= _MAX_CLOCKS and not (usual % _HALF_HOUR).any()
    if not is_regular or _has_week(moments.days, _MONDAY_TO_FRIDAY):
        return moments, []
    is_auckland = moments.offsets is not None and np.unique(seconds).tolist() == list(_AUCKLAND)
    if not is_auckland and _has_week(moments.days, _SUNDAY_TO_THURSDAY):
        _refuse_doubtful_clock(moments, seconds, label)
    late = seconds >= (min(_AUCKLAND) if is_auckland else _NOON)
    begin = np.asarray(moments.days + late.astype("timedelta64[D]"))
    for place_of, closed in ((weekdays, "Sundays"), (_days_before_in_month, "last days of months")):
        if (place_of(begin) == 0).mean() >= _MIN_FIRST_SHARE > (place_of(moments.days) == 0).mean():
            return _moved(moments, late.astype("timedelta64[D]"), "later", closed)
    for shift, word, weeks in (
        (late.astype("timedelta64[D]"), "later", (_MONDAY_TO_FRIDAY, _SUNDAY_TO_THURSDAY)),
        (-(~late).astype("timedelta64[D]"), "earlier", (_MONDAY_TO_FRIDAY,)),
    ):
        if shift.any() and any(_has_week(np.asarray(moments.days + shift), week) for week in weeks):
            return _moved(moments, shift, word, "Sundays" if word == "later" else "Saturdays")
    return moments, []


def later_price(moments: Moments) -> int | None:
    """Number of a last row that is the price at the moment of a download, of a day that has its row; None without one.

    CoinGecko, for one, gives the price of each midnight, and that of now.
    """
    if moments.seconds is None or len(moments.days) < _MIN_ROWS:
        return None
    last = _latest(moments)
    usual = np.unique(np.delete(moments.seconds, last))
    is_other = len(usual) <= _MAX_CLOCKS and moments.seconds[last] not in usual
    return last if is_other and (moments.days == moments.days[last]).sum() == 2 else None


def _latest(moments: Moments) -> int:
    seconds = 0 if moments.seconds is None else moments.seconds
    return int(np.argmax(moments.days.astype(np.int64) * DAY_SECONDS + seconds))


def _refuse_doubtful_clock(moments: Moments, seconds: Int64Array, label: str) -> None:
    """Refuse rows from Sunday to Thursday at a time that is the close of a market and the midnight of another one."""
    first, last = _DOUBTFUL_OF_UTC if moments.offsets is not None else _DOUBTFUL
    doubtful = seconds[(seconds >= first) & (seconds <= last)]
    if len(doubtful):
        raise InputFileError(
            f"{label}: rows from Sunday to Thursday are stamped {_clock(int(doubtful[0]))}, which is the close of a "
            "market that opens on Sundays or the midnight of one further east; say so with --timezone UTC, which keeps "
            "the dates, or with the zone of the market, such as --timezone Asia/Tokyo, which converts them"
        )


def _has_week(days: DateArray, week: str) -> bool:
    """True if all days of a week, marked with 1 from Monday on, have rows, and the others hardly any."""
    shares = np.bincount(weekdays(days), minlength=7) / len(days)
    is_open = np.array([day == "1" for day in week])
    return bool(shares[is_open].min() >= _MIN_SHARE and shares[~is_open].sum() <= _MAX_STRAY_SHARE)


def _days_before_in_month(days: DateArray) -> Int64Array:
    """(T,) 0 for the first day of a month."""
    return np.asarray((days - days.astype("datetime64[M]")).astype(np.int64))


def _moved(moments: Moments, shift: Int64Array, word: str, closed: str) -> tuple[Moments, list[Finding]]:
    """Every date moved by a day, with a finding."""
    seconds = np.zeros(1, dtype=np.int64) if moments.seconds is None else np.unique(moments.seconds[shift != 0])
    clocks = [_clock(second) for second in seconds[:3].tolist()]
    zone = "UTC" if moments.offsets is not None and not moments.offsets.any() else "the file's clock"
    days = np.asarray(moments.days + shift)
    text = (
        f"dates are one day {word} than written: rows are stamped {' and '.join(clocks)} of {zone}, also on "
        f"{closed}, which are days of a market in another zone; --timezone UTC "
        "keeps the dates, --timezone Europe/Berlin or another zone converts them"
    )
    finding = Finding("moved_dates", Severity.REPAIR, int((shift != 0).sum()), (str(days[0]),), text)
    return dataclasses.replace(moments, days=days), [finding]


def weekdays(days: DateArray) -> Int64Array:
    """(T,) 0 for Monday to 6 for Sunday."""
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + 3) % 7)  # 1970-01-01 was a Thursday


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
    seconds = np.zeros(len(moments.days), dtype=np.int64) if moments.seconds is None else moments.seconds
    stamps = moments.days.astype(np.int64) * DAY_SECONDS + seconds
    if close is None:
        shift, text = _session(seconds, stamps, label)
    else:
        shift = (DAY_SECONDS - close) % DAY_SECONDS
        text = f"a day ends at {_clock(close)}"
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
    is_last = np.diff(stamps) >= _MIN_NIGHT
    return bool(is_last.any() and ((stamps[:-1][is_last] + shift) % DAY_SECONDS == 0).mean() > 0.5)


def _with_later_hours(numbers: Int64Array, stamps: Int64Array) -> Int64Array:
    """(T,) days of rows, where a day that has rows of the evening before only, as a Saturday, is part of the next."""
    opened = np.unique(numbers[stamps // DAY_SECONDS == numbers])
    if not len(opened):
        return numbers
    return np.asarray(np.append(opened, numbers[-1])[np.searchsorted(opened, numbers)])


def _session(seconds: Int64Array, stamps: Int64Array, label: str) -> tuple[int, str]:
    """Seconds to add to stamps so that days of the market begin at midnight, and the session in words.

    A session over midnight is named by its first day or by its last, whichever gives a week without weekends: stocks
    of New York on the clock of Seoul begin on Monday evening, those of Sydney on the clock of London on Sunday.

    Raises:
        InputFileError: There are rows around the clock, or the days of a session over midnight cannot be told.
    """
    night = _night(seconds, stamps)
    if night is None:
        raise InputFileError(
            f"{label} has several rows a day around the clock; expected one row a day, or a night without rows; "
            "say when a day ends with --daily-close HH:MM, such as 17:00, and the clock with --timezone"
        )
    last, first = night
    text = f"a day is the session with rows from {_clock(first)} to {_clock(last)}"
    if first <= last:
        return 0, text
    begins = np.unique((stamps - first) // DAY_SECONDS).astype("datetime64[D]")
    if _has_week(begins, _MONDAY_TO_FRIDAY):
        return -first, text
    if any(_has_week(begins + 1, week) for week in (_MONDAY_TO_FRIDAY, _SUNDAY_TO_THURSDAY)):
        return DAY_SECONDS - first, text
    raise InputFileError(
        f"{label} has sessions over midnight: {_clock(first)} to {_clock(last)}; expected the clock of its market; "
        "name its zone with --timezone, or say when a day ends with --daily-close HH:MM"
    )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


def _night(seconds: Int64Array, stamps: Int64Array) -> tuple[int, int] | None:
    """Times of the day of the last and the first bar around the longest stretch without bars; None if it is short."""
    clocks = np.unique(seconds)
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
