"""Horizons: a number of rows, a span such as ``1wk`` or ``2 months``, or a date."""

import contextlib
import dataclasses
import datetime
import math
import re

import numpy as np

from forecaster.data.calendars import future_dates
from forecaster.data.series import PriceSeries
from forecaster.data.spellings import parse_day
from forecaster.errors import UsageError

__all__ = ["MAX_ROWS", "Span", "parse_horizon", "rows_of_span", "rows_until"]

MAX_ROWS = 250  # rows ahead

_UNITS = {"d": (1, "days"), "w": (1, "weeks"), "m": (1, "months"), "q": (3, "months"), "y": (1, "years")}
_COUNT = re.compile(r"0*[1-9][0-9]{0,2}")
_SPAN = re.compile(
    r"(\d{1,3})\s*(d|days?|w|wks?|weeks?|weekly|m|mo|mos|months?|monthly|q|quarters?|y|yrs?|years?)", re.IGNORECASE
)
_EXPECTED = f"expected rows from 1 to {MAX_ROWS}, or a span such as 5d, 2wk, 1mo or 1q"

# Unit -> most rows in one of it, by the length of a row. A month has up to 23 days from Monday to Friday.
_ROWS = {
    "1d": {"days": 1.0, "weeks": 5.0, "months": 22.0, "years": 261.0},
    "1wk": {"days": 1 / 7, "weeks": 1.0, "months": 4.4, "years": 52.2},
    "1mo": {"days": 1 / 30, "weeks": 1 / 4, "months": 1.0, "years": 12.0},
}

_ROW_UNITS = {"1d": "days", "1wk": "weeks", "1mo": "months"}  # that count rows: ``5d`` are five trading days


@dataclasses.dataclass(frozen=True)
class Span:
    """A span of the calendar, or of rows where its unit is the length of a row.

    Args:
        count: Number of units.
        unit: ``days``, ``weeks``, ``months`` or ``years``.
    """

    count: int
    unit: str

    def __str__(self) -> str:
        """Words for a message, as ``in 1 year``."""
        return f"in {self.count} {self.unit if self.count > 1 else self.unit[:-1]}"

    def after(self, day: datetime.date) -> datetime.date:
        """The last day of the span that begins after `day`."""
        from dateutil.relativedelta import relativedelta

        years = self.count if self.unit == "years" else 0
        months = self.count if self.unit == "months" else 0
        days = self.count * {"days": 1, "weeks": 7}.get(self.unit, 0)
        last: datetime.date = day + relativedelta(years=years, months=months, days=days)
        return last


def parse_horizon(value: int | str) -> int | Span:
    """Read a horizon.

    Raises:
        UsageError: It is not a horizon, or it is longer than `MAX_ROWS`.

    >>> parse_horizon("20"), parse_horizon("2 weeks"), parse_horizon("1q")
    (20, Span(count=2, unit='weeks'), Span(count=3, unit='months'))
    """
    text = str(value).strip()
    if _COUNT.fullmatch(text) and int(text) <= MAX_ROWS:
        return int(text)
    match = _SPAN.fullmatch(text)
    if match is None or not text.isascii() or int(match[1]) < 1:
        raise UsageError(f"the horizon is {text:.40}; {_EXPECTED}{_date_advice(text)}")
    factor, unit = _UNITS[match[2][0].lower()]
    return Span(int(match[1]) * factor, unit)


def _date_advice(text: str) -> str:
    """Clause about the option of a date that was typed where a span is expected; empty for other texts."""
    with contextlib.suppress(UsageError):
        return f"; a date is written --until {parse_day(text)}, in odds --on"
    return ""


def rows_of_span(value: int | str, frequency: str) -> int:
    """Rows that a training needs for a horizon: at least as many as any such span holds from Monday to Friday.

    Raises:
        UsageError: See `parse_horizon`; or the span is longer than `MAX_ROWS` rows.
    """
    horizon = parse_horizon(value)
    if isinstance(horizon, int):
        return horizon
    rows = math.ceil(round(horizon.count * _ROWS[frequency][horizon.unit], 9))
    rows += 1 if frequency == "1d" and horizon.unit in ("months", "years") else 0
    return _checked(max(rows, 1), str(horizon), minimum=1)


def rows_until(series: PriceSeries, until: int | Span | datetime.date) -> int:
    """Rows that will follow the last row of `series` up to a day, by the calendar of its market.

    Args:
        series: The history up to the cutoff.
        until: Number of rows, span after the last row, or last day. In daily rows ``5d`` are 5 trading days, in weekly
            rows ``5wk`` 5 rows; other spans are of the calendar.

    Raises:
        UsageError: No row follows up to that day, or more than `MAX_ROWS` do.
    """
    if isinstance(until, int):
        return until
    if isinstance(until, Span) and until.unit == _ROW_UNITS.get(series.frequency):
        return _checked(until.count, str(until), minimum=1)
    last: datetime.date = series.dates[-1].astype("datetime64[D]").astype(object)
    day = until.after(last) if isinstance(until, Span) else until
    if day > last + datetime.timedelta(days=366 * 25):
        raise UsageError(f"{day} is too far ahead of the last price, {last}; {_EXPECTED}")
    dates = future_dates(series, MAX_ROWS + 1)
    rows = int(np.searchsorted(dates, np.datetime64(day), side="right"))
    return _checked(rows, f"until {day}, after the last price of {last}", minimum=1, next_row=str(dates[0]))


def _checked(rows: int, text: str, minimum: int, next_row: str = "") -> int:
    if rows < minimum:
        raise UsageError(f"no row is expected {text}; the next one is on {next_row}; choose that day or a later one")
    if rows > MAX_ROWS:
        raise UsageError(f"more than {MAX_ROWS} rows are expected {text}; {_EXPECTED}; longer rows: --frequency 1wk")
    return rows
