"""Days of the market from moments of a file, on the clock of its time zone."""

import dataclasses
import datetime

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Int64Array
from forecaster.data.findings import Finding, Severity
from forecaster.data.tables.moments import DAY_SECONDS, EXCEL_DAYS, Moments
from forecaster.errors import InputFileError

__all__ = [
    "MONDAY_TO_FRIDAY",
    "SUNDAY_TO_THURSDAY",
    "clock_text",
    "has_week",
    "in_timezone",
    "later_price",
    "market_days",
    "weekdays",
]

_NOON = DAY_SECONDS // 2
_MIN_ROWS = 5
_MIN_FIRST_SHARE = 0.9  # of rows that begin weeks or months
_MAX_STRAY_SHARE = 0.05
_MIN_SHARE = 0.05
_MAX_CLOCKS = 4  # different times of the day of daily rows: those of summer and winter, for two times of a day
_HALF_HOUR = 1800
_AUCKLAND = (11 * 3600, 12 * 3600)  # its midnights in UTC, of summer and of winter
_DOUBTFUL_OF_UTC = (11 * 3600, 12 * 3600 + _HALF_HOUR)  # Auckland, or the close of Riyadh or Cairo
_DOUBTFUL = (11 * 3600, 16 * 3600 + _HALF_HOUR)  # without a zone: Tokyo in UTC, or the close of Riyadh in its own time
MONDAY_TO_FRIDAY = "1111100"
SUNDAY_TO_THURSDAY = "1111001"
_TUESDAY_TO_SATURDAY = "0111110"


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
    utc = moments.stamps - offsets
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
    if is_excel and has_week(moments.days, _TUESDAY_TO_SATURDAY):
        raise InputFileError(
            f"{label}: dates are numbers of days that fall on Saturdays and on no Monday; workbooks of old Macs count "
            "them from 1904; expected days since 1900; save the dates as text such as 2024-07-31"
        )
    seconds = moments.seconds
    if seconds is None:
        return moments, []
    usual = np.delete(seconds, np.argmax(moments.stamps))  # the last price may be that of the moment of a download
    is_regular = len(np.unique(usual)) <= _MAX_CLOCKS and not (usual % _HALF_HOUR).any()
    if not is_regular or (has_week(moments.days, MONDAY_TO_FRIDAY) and not _has_eves(moments.days, seconds >= _NOON)):
        return moments, []
    is_auckland = moments.offsets is not None and np.unique(seconds).tolist() == list(_AUCKLAND)
    if not is_auckland and has_week(moments.days, SUNDAY_TO_THURSDAY):
        _refuse_doubtful_clock(moments, seconds, label)
    late = seconds >= (min(_AUCKLAND) if is_auckland else _NOON)
    begin = np.asarray(moments.days + late.astype("timedelta64[D]"))
    for place_of, closed in ((weekdays, "Sundays"), (_days_before_in_month, "last days of months")):
        if (place_of(begin) == 0).mean() >= _MIN_FIRST_SHARE > (place_of(moments.days) == 0).mean():
            return _moved(moments, late.astype("timedelta64[D]"), "later", closed)
    for shift, word, weeks in (
        (late.astype("timedelta64[D]"), "later", (MONDAY_TO_FRIDAY, SUNDAY_TO_THURSDAY)),
        (-(~late).astype("timedelta64[D]"), "earlier", (MONDAY_TO_FRIDAY,)),
    ):
        moved = np.asarray(moments.days + shift)
        if shift.any() and _keeps_apart(moments.days, moved) and any(has_week(moved, week) for week in weeks):
            return _moved(moments, shift, word, "Sundays" if word == "later" else "Saturdays")
    return moments, []


def later_price(moments: Moments) -> int | None:
    """Number of a last row that is the price at the moment of a download, of a day that has its row; None without one.

    CoinGecko, for one, gives the price of each midnight, and that of now.
    """
    if moments.seconds is None or len(moments.days) < _MIN_ROWS:
        return None
    last = int(np.argmax(moments.stamps))
    usual = np.unique(np.delete(moments.seconds, last))
    is_other = len(usual) <= _MAX_CLOCKS and moments.seconds[last] not in usual
    return last if is_other and (moments.days == moments.days[last]).sum() == 2 else None


def _refuse_doubtful_clock(moments: Moments, seconds: Int64Array, label: str) -> None:
    """Refuse rows from Sunday to Thursday at a time that is the close of a market and the midnight of another one."""
    is_utc = moments.offsets is not None and not moments.offsets.any()
    first, last = _DOUBTFUL_OF_UTC if is_utc else _DOUBTFUL
    doubtful = seconds[(seconds >= first) & (seconds <= last)]
    if len(doubtful):
        raise InputFileError(
            f"{label}: rows from Sunday to Thursday are stamped {clock_text(int(doubtful[0]))}, which is the close of "
            "a market that opens on Sundays or the midnight of one further east; say so with --timezone UTC, which "
            "keeps the dates, or with the zone of the market, such as --timezone Asia/Tokyo, which converts them"
        )


def has_week(days: DateArray, week: str) -> bool:
    """True if all days of a week, marked with 1 from Monday on, have rows, and the others hardly any."""
    shares = np.bincount(weekdays(days), minlength=7) / len(days)
    is_open = np.array([day == "1" for day in week])
    return bool(shares[is_open].min() >= _MIN_SHARE and shares[~is_open].sum() <= _MAX_STRAY_SHARE)


def _has_eves(days: DateArray, late: BoolArray) -> bool:
    """True if the late rows begin the days after theirs: also Mondays, but no weekend, and no day that has its row.

    So do the first weeks of summer in London, stamped in UTC, which are few beside those of winter.
    """
    eves = set(weekdays(days[late]).tolist())
    return 6 in eves and not eves & {4, 5} and _keeps_apart(days, days + late.astype("timedelta64[D]"))


def _keeps_apart(days: DateArray, moved: DateArray) -> bool:
    """True if no two days have become one."""
    return len(np.unique(moved)) == len(np.unique(days))


def _days_before_in_month(days: DateArray) -> Int64Array:
    """(T,) 0 for the first day of a month."""
    return np.asarray((days - days.astype("datetime64[M]")).astype(np.int64))


def _moved(moments: Moments, shift: Int64Array, word: str, closed: str) -> tuple[Moments, list[Finding]]:
    """Every date moved by a day, with a finding."""
    seconds = np.zeros(1, dtype=np.int64) if moments.seconds is None else np.unique(moments.seconds[shift != 0])
    clocks = [clock_text(second) for second in seconds[:3].tolist()]
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


def clock_text(seconds: int) -> str:
    """Time of the day as ``HH:MM``."""
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"
