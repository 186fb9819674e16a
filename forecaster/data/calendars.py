"""Trading calendars: the dates of the coming rows of a series, and the age of its last row.

Models count rows, so a calendar changes the dates printed with a forecast, and its widths only where a model knows
what happens on the coming days (`forecaster.models.volatility_calendar`).
"""

import datetime
import difflib
import functools

import numpy as np
from dateutil.easter import easter

from forecaster.arrays import BoolArray, DateArray
from forecaster.data.frequency import DAYS_PER_ROW, SPANS, begins_periods, coming_labels, periods
from forecaster.data.instruments import shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.weekends import RECENT_DAYS, idle_weekend_rows, usual_weekdays, weekdays_of
from forecaster.errors import UsageError

__all__ = [
    "CALENDARS",
    "DAYS_PER_ROW",
    "SPANS",
    "business_age",
    "calendar_code",
    "calendar_name",
    "future_dates",
    "is_observed",
    "periods",
    "same_clock",
    "trading_days",
    "trading_weekdays",
]

_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


# Ending of a Yahoo symbol, or an index -> calendar in `holidays`. Without an ending it is a stock of the United States.
_EXCHANGES = {
    ".T": "XJPX", "^N225": "XJPX",
    ".L": "XLON", "^FTSE": "XLON",
    ".DE": "XETR", ".F": "XFRA", "^GDAXI": "XETR",
    ".HK": "XHKG", "^HSI": "XHKG",
    ".SW": "XSWX", "^SSMI": "XSWX",
    ".TO": "XTSE", "^GSPTSE": "XTSE",
    ".AX": "XASX", "^AXJO": "XASX",
    "^GSPC": "XNYS", "^DJI": "XNYS", "^IXIC": "XNYS", "^NDX": "XNYS", "^RUT": "XNYS", "^VIX": "XNYS",
}  # fmt: skip
_NAMES = {
    "XECB": "ECB holidays",
    "XNYS": "New York Stock Exchange",
    "XJPX": "Tokyo Stock Exchange",
    "XLON": "London Stock Exchange",
    "XETR": "Xetra",
    "XFRA": "Frankfurt Stock Exchange",
    "XHKG": "Hong Kong Stock Exchange",
    "XSWX": "SIX Swiss Exchange",
    "XTSE": "Toronto Stock Exchange",
    "XASX": "Australian Securities Exchange",
    "fx": "Mon-Fri without 25 Dec and 1 Jan",
    "weekdays": "Mon-Fri",
    "24x7": "every day",
}
_EVERY_DAY = "24x7"

CALENDARS = {
    "NYSE": "XNYS", "NASDAQ": "XNYS", "LSE": "XLON", "FX": "fx", "ECB": "XECB", "24X7": _EVERY_DAY,
    "WEEKDAYS": "weekdays", "XETRA": "XETR", "FRANKFURT": "XFRA", "JPX": "XJPX", "TSE": "XJPX", "HKEX": "XHKG",
    "SIX": "XSWX", "TSX": "XTSE", "ASX": "XASX", "PARIS": "XPAR", "AMSTERDAM": "XAMS", "BRUSSELS": "XBRU",
    "MILAN": "XMIL", "MADRID": "XMAD", "LISBON": "XLIS", "OSLO": "XOSL", "WARSAW": "XWAR", "NSE": "XNSE",
    "BSE": "XBOM", "SHANGHAI": "XSHG", "SHENZHEN": "XSHE", "KRX": "XKRX", "TWSE": "XTAI", "SGX": "XSES", "B3": "BVMF",
    "JSE": "XJSE", "NZX": "XNZE", "BMV": "XMEX",
}  # fmt: skip
"""Name of a calendar for ``--calendar`` -> its code: that of `holidays`, or one of this module."""

_OTHER_NAMES = {
    "24/7": "24X7", "CRYPTO": "24X7", "FOREX": "FX", "TARGET": "ECB", "TARGET2": "ECB", "US": "NYSE",
    "NEW YORK": "NYSE", "LONDON": "LSE", "TOKYO": "JPX", "TORONTO": "TSX", "SYDNEY": "ASX", "ZURICH": "SIX",
    "HONG KONG": "HKEX", "EURONEXT": "PARIS",
}  # fmt: skip

_MONDAY_TO_FRIDAY = np.array([True] * 5 + [False] * 2)


def future_dates(series: PriceSeries, count: int) -> DateArray:
    """Dates of the `count` rows that will follow the last row of `series`.

    ECB rates follow the ECB's holidays, stocks those of their exchange, pairs of other sources every Monday to
    Friday but 25 December and 1 January, all else (coins among it) the weekdays on which the series had rows
    in its last two years. A row of a week or a month is dated by the last of these days in it.

    Args:
        series: At least one row.
        count: Number of dates, 0 or more.

    Returns:
        (count,) datetime64[D], increasing, all after the last row.
    """
    if series.frequency == "1d":
        return _future_days(series, count)
    days = _future_days(series, (count + 1) * DAYS_PER_ROW[series.frequency])
    if begins_periods(series.dates, series.frequency):
        return coming_labels(series.dates, series.frequency, days)[:count]
    ends = days[:-1][np.diff(periods(days, series.frequency)) > 0]
    later = ends[periods(ends, series.frequency) > periods(series.dates[-1:], series.frequency)[0]]
    return np.asarray(later[:count])


def _future_days(series: PriceSeries, count: int) -> DateArray:
    last = series.dates[-1]
    market = _market(series)
    mask = _weekdays(series)
    # Years from now until the last date wanted: the slowest market has one row a week.
    span = range(_year(last), _year(last) + count // (40 * int(mask.sum())) + 2)
    holidays = [] if market is None else _holidays(market, span)
    calendar = np.busdaycalendar(weekmask=mask, holidays=holidays)
    # "backward" so that a last row on a holiday counts as the business day before it.
    return np.busday_offset(last, np.arange(1, count + 1), roll="backward", busdaycal=calendar)


def trading_days(series: PriceSeries, first: np.datetime64, last: np.datetime64) -> DateArray | None:
    """Trading days of the market of a series from `first` to `last`, by its calendar, never by its rows.

    Returns:
        (N,) datetime64[D], increasing; None where only the weekdays of the rows are known.
    """
    market = _market(series)
    if market is None:
        return None
    mask = np.ones(7, dtype=bool) if market == _EVERY_DAY else _MONDAY_TO_FRIDAY
    holidays = _holidays(market, range(_year(first), _year(last) + 1))
    days = np.arange(first, last + np.timedelta64(1, "D"), dtype="datetime64[D]")
    return np.asarray(days[np.is_busday(days, weekmask=mask, holidays=holidays)])


def calendar_name(series: PriceSeries) -> str:
    """Description of the calendar that `future_dates` uses."""
    market = _market(series)
    if market is not None:
        return _NAMES.get(market, market)
    days = "".join(" " + name for name, seen in zip(_DAY_NAMES, _observed_weekdays(series), strict=True) if seen)
    return f"observed weekdays, holidays unknown ({days.strip()})"


def is_observed(series: PriceSeries) -> bool:
    """True if only the weekdays of the rows of a series are known, not its calendar."""
    return _market(series) is None


def calendar_code(name: str) -> str:
    """Code of the calendar that ``--calendar`` names, in any case, or by a city or market of its own.

    Raises:
        UsageError: No calendar has that name.

    >>> calendar_code("nyse"), calendar_code("24/7"), calendar_code("London")
    ('XNYS', '24x7', 'XLON')
    """
    wanted = name.strip().upper()
    code = CALENDARS.get(_OTHER_NAMES.get(wanted, wanted))
    if code is None:
        code = next((code for code in CALENDARS.values() if code.upper() == wanted), None)
    if code is None:
        near = difflib.get_close_matches(name.upper()[:64], CALENDARS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"calendar {shown(name)} is unknown; expected one of {', '.join(CALENDARS)}{hint}")
    return code


def same_clock(first: PriceSeries, second: PriceSeries) -> bool:
    """True if two series have prices of the same time of day: one source, and one market with a known calendar."""
    market = _market(first)
    zones = [series.meta.get("time zone") for series in (first, second)]
    return first.source == second.source and market is not None and market == _market(second) and zones[0] == zones[1]


def trading_weekdays(series: PriceSeries) -> str:
    """Days on which rows are expected, seven digits from Monday as in ``numpy.busday_count``."""
    return "".join(str(int(day)) for day in _weekdays(series))


def _weekdays(series: PriceSeries) -> BoolArray:
    """(7,) True for each of Monday ... Sunday on which the market of the series trades."""
    market = _market(series)
    if market is None:
        return _observed_weekdays(series)
    return np.ones(7, dtype=bool) if market == _EVERY_DAY else _MONDAY_TO_FRIDAY


def business_age(last: np.datetime64, today: datetime.date) -> int:
    """Mondays to Fridays after `last`, up to and including `today`; negative when `last` lies in the future."""
    one_day = np.timedelta64(1, "D")
    begin = last.astype("datetime64[D]") + one_day
    end = np.datetime64(today, "D") + one_day
    # Not left to NumPy, which counts other days when the ends are exchanged.
    return int(np.busday_count(begin, end)) if begin <= end else -int(np.busday_count(end, begin))


def _market(series: PriceSeries) -> str | None:
    """Calendar of the market; None if only the weekdays of the rows are known."""
    if "calendar" in series.meta:
        return series.meta["calendar"]
    traits = source_traits(series.source)
    if traits.calendar is not None:
        return traits.calendar
    if series.instrument.kind == "pair":
        return "fx"
    return _exchange(series.symbol) if traits.symbols_name_exchanges else None


def _exchange(symbol: str) -> str | None:
    """Exchange of a Yahoo symbol; coins (BTC-USD) and futures (GC=F) have none here."""
    exchange = _EXCHANGES.get(symbol) or _EXCHANGES.get("." + symbol.rpartition(".")[2])
    if exchange or any(mark in symbol for mark in ".^="):
        return exchange
    # A share class is one letter behind the dash (BRK-B), a coin has its currency there.
    return None if len(symbol.partition("-")[2]) > 1 else "XNYS"


def _year(date: np.datetime64) -> int:
    return int(date.astype("datetime64[Y]").astype(int)) + 1970


@functools.lru_cache(maxsize=64)
def _holidays(market: str, years: range) -> list[np.datetime64]:
    if market in ("weekdays", _EVERY_DAY):
        return []
    if market == "fx":
        return [np.datetime64(f"{year}-{day}", "D") for year in years for day in ("01-01", "12-25")]
    if market == "XECB":
        return [day for year in years for day in _target_closing_days(year)]
    import holidays  # 0.1 s: it imports every country's

    return [np.datetime64(day, "D") for day in holidays.financial_holidays(market, years=years)]


def _target_closing_days(year: int) -> list[np.datetime64]:
    """Closing days of TARGET, on which the ECB sets no rates (press release of 14 December 2000).

    Written out because every forecast of a currency needs them, and importing `holidays` takes 0.1 s.
    """
    fixed = ["01-01", "05-01", "12-25", "12-26"] if year > 1999 else ["01-01", "12-25"]
    fixed += ["12-31"] if year in (1999, 2001) else []  # for the year 2000, and for the coins of the euro
    easter_sunday = np.datetime64(easter(year), "D")
    movable = [easter_sunday - 2, easter_sunday + 1] if year > 1999 else []
    return [np.datetime64(f"{year}-{day}", "D") for day in fixed] + movable


def _observed_weekdays(series: PriceSeries) -> BoolArray:
    """(7,) True for each of Monday ... Sunday on which rows of the last two years fall; idle weekends do not count."""
    last_rows = series.dates > series.dates[-1] - np.timedelta64(RECENT_DAYS, "D")
    if source_traits(series.source).is_given:
        flat, short = idle_weekend_rows(series.dates, series.close, signed=series.differences)
        last_rows &= ~flat & ~short
    return usual_weekdays(np.bincount(weekdays_of(series.dates[last_rows]), minlength=7))
