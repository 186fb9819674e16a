"""Prices from a file of the user: text, JSON or an Excel workbook.

Read with the standard library and NumPy: numbers are exactly those in the file whatever else is installed, and a
forecast from a file needs no pandas.
"""

from typing import Literal

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import shown
from forecaster.data.series import DIFFERENCES, MAX_PRICE, PriceSeries, is_price
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.data.tables.history import FileRows, ReadingOptions, read_rows
from forecaster.data.tables.opening import open_table
from forecaster.data.tables.table import Table
from forecaster.data.validation import MarketExpectations, RawRows, Report, cleaned, source_findings, validate
from forecaster.errors import InputFileError, UsageError

__all__ = ["CsvOptions", "CsvSource"]

_MAX_NEGATIVE_SHARE = 0.1  # with more, prices are not wrong but of another kind
_STEPS_BEFORE, _ORDINARY_STEPS = 250, 20.0
_FEWEST_RETURNS, _MAX_MEMORY = 30, 0.3
_MAX_FACTOR = 2e6  # between two prices in a row; no currency lost more zeros than six, and powers would overflow


class CsvOptions(SourceOptions):
    """Decisions about a file that its own cells cannot make; see `ReadingOptions`."""

    date_column: str | None = None
    price_column: str | None = None
    symbol: str | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    decimal: Literal["point", "comma"] | None = None
    timezone: str | None = None
    daily_close: str | None = None
    sheet: str | None = None


class CsvSource:
    """Close, and open, high, low, adjusted close and volume where present, from a file."""

    name = "csv"
    traits = SourceTraits(is_given=True, redistributable=True, options=CsvOptions)

    def load(self, request: LoadRequest) -> Loaded:
        """Read the instrument's file.

        Columns are recognised by their names in many languages and by their cells; what cannot be read in one way
        only is refused. Rows without a price are left out, rows out of order are sorted and rows of less than a day
        are combined, each with a finding. Repairs that need no later row are made and are findings; the others are
        left to the user of the series (see `validation`).

        Raises:
            InputFileError: The file cannot be read as a price history, or is too bad to be used; the message names
                the line.
            UsageError: The instrument is no file.
            ConfigError: An option is unknown.
        """
        path = request.instrument.path
        if request.instrument.kind != "csv" or path is None:
            raise UsageError(
                f"source 'csv' reads files; got the {request.instrument.kind} {shown(request.instrument.name)}; "
                "use --csv FILE"
            )
        options = parse_options(CsvOptions, request.options, self.name)
        table = open_table(path, options.sheet)
        rows = read_rows(table, ReadingOptions(**options.model_dump()), request.today)
        good, report = _validated(table, rows, request)
        series = PriceSeries(
            instrument=request.instrument,
            source=self.name,
            symbol=request.instrument.name,
            dates=good.dates,
            columns={"close": good.columns["close"]} if request.signed else good.columns,
            meta={
                **({DIFFERENCES: "yes"} if request.signed else {}),
                "file": str(path),
                "file_sha256": table.sha256,
                "layout": f"{table.format}, dates {rows.date_format}",
                "columns": ", ".join(f"{name}={column}" for name, column in rows.chosen.items()),
            },
        )
        return Loaded(series, source_findings(report, rows.findings))


def _validated(table: Table, rows: FileRows, request: LoadRequest) -> tuple[RawRows, Report]:
    """Rows after the repairs that need no later row, and the report about them.

    The trading days of this market can be seen from the whole file only, and to drop a row because of later rows would
    be look-ahead. So weekends are checked by the user of the series, after the cut.

    Raises:
        InputFileError: Too many prices are zero, negative or too large, one row or none is left, or a price is a
            million times the one before it.
    """
    raw = RawRows(rows.dates, rows.columns)
    market = MarketExpectations(weekdays=None, signed=request.signed)
    report = validate(raw, today=request.today, market=market)
    good = cleaned(raw, report)
    crossing = None if request.signed else _crossing(rows.columns["close"])
    if report.problems() or len(good) < 2 or crossing is not None:
        _refuse_prices(table, rows, report, len(good))
    if request.signed:
        return good, report
    close = good.columns["close"]
    jumps = np.flatnonzero(np.abs(np.diff(np.log(close))) > np.log(_MAX_FACTOR))
    if len(jumps):
        after = int(jumps[0]) + 1
        row = int(np.searchsorted(rows.dates, good.dates[after]))
        table.refuse(
            int(rows.records[row]),
            f"price {close[after]:g} on {good.dates[after]} after {close[after - 1]:g}; expected prices that move by "
            f"less than a factor of {_MAX_FACTOR:g}; correct the row",
        )
    return good, report


def _refuse_prices(table: Table, rows: FileRows, report: Report, count: int) -> None:
    close = rows.columns["close"]
    unusable = ~(np.abs(close) <= MAX_PRICE) if report.market.signed else ~is_price(close)
    crossing = None if report.market.signed else _crossing(close)
    negative = int((close < 0).sum())
    many = negative > max(1, _MAX_NEGATIVE_SHARE * len(close))
    bad = int(np.flatnonzero(unusable)[0]) if crossing is None or many else crossing
    record = int(rows.records[bad])
    reason = f"price {close[bad]:g} on {rows.dates[bad]}"
    if not report.market.signed and (many or crossing is not None):
        amount = f"the first of {negative} negative ones of {len(close)}" if many else "an ordinary step below the last"
        advice = (
            "these rows look like returns: give prices, such as the cumulated returns"
            if _look_like_returns(close)
            else "a spread or a rate around zero has none: add --differences to model its changes"
        )
        table.refuse(record, f"{reason}, {amount}; returns are logarithms of prices, which must be positive; {advice}")
    report.require_good(f"{table.label}, {table.place(record)}: {reason} and more; correct the file", InputFileError)
    table.refuse(record, f"{reason}; expected at least 2 rows with a positive price up to {MAX_PRICE:g}, got {count}")


def _crossing(close: FloatArray) -> int | None:
    """First row whose price is zero or below and an ordinary step away from the one before, so that it may be right."""
    for row in (np.flatnonzero((close[1:] <= 0) & (close[:-1] > 0)) + 1).tolist():
        steps = np.abs(np.diff(close[max(0, row - _STEPS_BEFORE) : row]))
        if (steps > 0).any() and close[row - 1] - close[row] <= _ORDINARY_STEPS * np.median(steps[steps > 0]):
            return row
    return None


def _look_like_returns(close: FloatArray) -> bool:
    """True if the level of a row says nothing about the next one."""
    if len(close) < _FEWEST_RETURNS or not np.isfinite(close).all() or np.ptp(close) == 0:
        return False
    return abs(float(np.corrcoef(close[:-1], close[1:])[0, 1])) < _MAX_MEMORY
