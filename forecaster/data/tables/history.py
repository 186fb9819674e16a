"""Rows of a price history in a file: dates, prices, and what was done to get them."""

import dataclasses
import datetime
import re
from collections.abc import Callable

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.findings import Finding, Severity
from forecaster.data.frequency import DAYS_PER_ROW, SPANS, recognised_frequency
from forecaster.data.instruments import shown
from forecaster.data.tables.clock_times import seconds_of
from forecaster.data.tables.columns import choose_columns, time_column
from forecaster.data.tables.daily_bars import are_trades, daily_bars, has_repeated_hour, parse_clock
from forecaster.data.tables.dates import parse_dates
from forecaster.data.tables.days import in_timezone, later_price, market_days
from forecaster.data.tables.decimals import numbers_of
from forecaster.data.tables.layout import Layout, find_layout
from forecaster.data.tables.misdated import refuse_misdated
from forecaster.data.tables.moments import DateError, Moments
from forecaster.data.tables.numbers import DecimalSign, is_event
from forecaster.data.tables.symbols import one_symbol
from forecaster.data.tables.table import Table
from forecaster.data.validation import finding_about
from forecaster.errors import InputFileError

__all__ = ["FileRows", "ReadingOptions", "dates_of", "in_order", "read_rows"]

_TEXT = re.compile(r"[^\W\d_]{4}")  # four letters: more than a currency, an exponent or a unit have
_SHORT_MINGUO = re.compile(r"[89]\d/\d{1,2}/\d{1,2}")
_MIN_REPEATED_SHARE = 0.2
_MAX_OUTSIDE_SHARE = 0.5
_RANGE_TOLERANCE = 1e-6  # relative; prices come through 32-bit floats
_MIN_BARS_A_DAY = 1.5


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """Decisions of the user about a file; None where the file decides.

    Args:
        date_column: Name of the column of dates.
        price_column: Name of the column of prices.
        symbol: Text in the rows of the series to read, in a file of several.
        date_order: ``dmy``, ``mdy`` or ``ymd``.
        decimal: ``point`` or ``comma``.
        timezone: Zone of the market, to which times are converted.
        daily_close: Time at which a day of shorter rows ends.
        sheet: Sheet of a workbook.
    """

    date_column: str | None = None
    price_column: str | None = None
    symbol: str | None = None
    date_order: str | None = None
    decimal: DecimalSign | None = None
    timezone: str | None = None
    daily_close: str | None = None
    sheet: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class FileRows:
    """Rows of a history, each date once, in order.

    Args:
        dates: (T,) datetime64[D].
        columns: Name -> (T,), NaN for empty cells.
        records: (T,) index of the record in the table behind each row.
        date_format: Format of the dates in words.
        chosen: Column of a history -> its name in the file.
        findings: Remarks about what was left out, sorted, converted or combined.
    """

    dates: DateArray
    columns: dict[str, FloatArray]
    records: Int64Array
    date_format: str
    chosen: dict[str, str]
    findings: list[Finding]


def read_rows(table: Table, options: ReadingOptions, today: datetime.date) -> FileRows:
    """The daily rows of a table that have a price.

    Raises:
        InputFileError: The table cannot be read in one way only, or holds no history.
    """
    layout = find_layout(table, options.date_column)
    layout, moments = _one_series(layout, options)
    choice = choose_columns(layout, options.price_column)
    later = later_price(moments)
    if later is not None:
        layout, moments = _without(layout, moments, [later], "with a later price of a day that has one")
    layout, moments, columns, remarks = _numbers(layout, moments, choice.places, options)
    columns, apart = _range_of_price(layout, columns, choice.places["close"], is_named=options.price_column is not None)
    remarks += apart
    findings = [Finding("chosen_price", Severity.INFO, 1, (), choice.note)] if choice.note else []
    findings += [Finding("column_left_out", Severity.WARNING, 1, (), remark) for remark in remarks]
    findings += [
        Finding("lines_left_out", Severity.INFO, count, (), f"{count} line{'s' if count > 1 else ''} {kind} left out")
        for kind, count in layout.skipped.items()
    ]
    if options.timezone is None and not _is_intraday(moments):
        moments, shifted = market_days(moments, table.label)
        findings += shifted
    rows = FileRows(
        moments.days,
        columns,
        np.asarray(layout.rows, dtype=np.int64),
        moments.format,
        {"date": layout.names[layout.date], **{name: layout.names[choice.places[name]] for name in columns}},
        findings,
    )
    if len(rows.dates) < 2:
        raise InputFileError(f"{table.label} has 1 row of data; expected at least 2, one a date")
    rows, moments = _with_price(table, rows, moments, today)
    if _is_intraday(moments):
        rows = _as_days(table, rows, moments, options)
    elif options.daily_close is not None:
        raise InputFileError(f"{table.label} has one row a day; --daily-close is for shorter rows; leave it out")
    else:
        is_doubtful = moments.seconds is not None and options.timezone is None
        zone = ", or name the time zone of the market with --timezone" if is_doubtful else ""
        rows = _each_date_once(table, rows, f"remove one of them{zone}")
    if len(rows.dates) < 2:
        raise InputFileError(f"{table.label} has prices of 1 day; expected at least 2 days")
    return rows


def _range_of_price(
    layout: Layout, columns: dict[str, FloatArray], price: int, *, is_named: bool
) -> tuple[dict[str, FloatArray], list[str]]:
    """The columns, without the day's range if it does not belong to the price; and a remark if so.

    Raises:
        InputFileError: A price that the user has not named lies outside of the range in most rows: it is no close.
    """
    if not {"high", "low"} <= columns.keys():
        return columns, []
    close, high, low = columns["close"], columns["high"], columns["low"]
    with np.errstate(invalid="ignore"):
        outside = int(((close > high * (1 + _RANGE_TOLERANCE)) | (close < low * (1 - _RANGE_TOLERANCE))).sum())
    filled = int((~np.isnan(close * high * low)).sum())
    if outside <= _MAX_OUTSIDE_SHARE * filled:
        return columns, []
    name = shown(layout.names[price])
    if not is_named:
        raise InputFileError(
            f"{layout.table.label}: the column {name} lies outside of the high and low of its day in {outside} of "
            f"{filled} rows; expected the close; name the price with --price-column, and it is read alone"
        )
    alone = {field: values for field, values in columns.items() if field not in ("open", "high", "low")}
    return alone, [f"open, high and low are left out: {name} lies outside of them in {outside} of {filled} rows"]


def _one_series(layout: Layout, options: ReadingOptions) -> tuple[Layout, Moments]:
    """The rows of one series, and their dates."""
    moments = dates_of(layout, options.date_order)
    stamps = moments.stamps
    repeated = 1 - len(np.unique(stamps)) / len(stamps)
    chosen = one_symbol(layout, options.symbol, repeated > _MIN_REPEATED_SHARE)
    if len(chosen.rows) < len(layout.rows):
        moments = dates_of(chosen, options.date_order)
    return chosen, in_timezone(moments, options.timezone)


def dates_of(layout: Layout, order: str | None = None) -> Moments:
    """Dates of the rows, with the times of a column of their own.

    Raises:
        InputFileError: A cell is no date, or the dates can be read in two ways; the message names the line.
    """
    cells = layout.cells(layout.date)
    if any("\u76e4" in name for name in layout.names):  # of Taiwan, in "opening" and "closing": 99/12/31 is of 2010
        cells = [f"0{cell}" if _SHORT_MINGUO.fullmatch(cell) else cell for cell in cells]
    try:
        moments = parse_dates(cells, order)
    except DateError as error:
        column = shown(layout.names[layout.date])
        layout.refuse(error.row, f"date {error} (column {column}; another one: --date-column)")
    time = time_column(layout)
    if time is None or moments.seconds is not None or moments.span != "day":
        return moments
    return dataclasses.replace(moments, seconds=seconds_of(layout.cells(time)))


def _numbers(
    layout: Layout, moments: Moments, places: dict[str, int], options: ReadingOptions
) -> tuple[Layout, Moments, dict[str, FloatArray], list[str]]:
    """Numbers of the columns; rows about dividends and splits are left out."""
    records = layout.table.records
    texts = [place for place in places.values() if _TEXT.search("".join(layout.cells(place)))]
    events = [row for row, record in enumerate(layout.rows) if any(is_event(records[record][place]) for place in texts)]
    if events:
        layout, moments = _without(layout, moments, events, "about a dividend or a split")
    advice = "; to read another column, name it with --price-column"
    columns, remarks = numbers_of(layout, places, options.decimal, ("close",), advice)
    columns = {name: values for name, values in columns.items() if name == "close" or not np.isnan(values).all()}
    return layout, moments, columns, remarks


def _without(layout: Layout, moments: Moments, rows: list[int], kind: str) -> tuple[Layout, Moments]:
    remaining = np.ones(len(layout.rows), dtype=bool)
    remaining[rows] = False
    skipped = {**layout.skipped, kind: layout.skipped.get(kind, 0) + len(rows)}
    kept_rows = [row for row, stays in zip(layout.rows, remaining, strict=True) if stays]
    return dataclasses.replace(layout, rows=kept_rows, skipped=skipped), moments.select(remaining)


def _taken(rows: FileRows, which: BoolArray | Int64Array, *findings: Finding) -> FileRows:
    """Some of the rows, with further findings."""
    return dataclasses.replace(
        rows,
        dates=rows.dates[which],
        columns={name: values[which] for name, values in rows.columns.items()},
        records=rows.records[which],
        findings=[*rows.findings, *findings],
    )


def _with_price(table: Table, rows: FileRows, moments: Moments, today: datetime.date) -> tuple[FileRows, Moments]:
    """The rows with a price in dates that are over.

    Empty cells are not bad prices: many files have a row for every holiday. A week, month, quarter or year that is not
    over is left out.
    """
    findings = []
    empty = np.isnan(rows.columns["close"])
    if empty.any():
        findings.append(
            finding_about("empty_price", Severity.REPAIR, "{} left out, the price is empty", rows.dates[empty])
        )
    if len(empty) - int(empty.sum()) < 2:
        raise InputFileError(
            f"{table.label}: only {int((~empty).sum())} of {len(empty)} rows have a price; expected at least 2"
        )
    future = unfinished = rows.dates > np.datetime64(today)
    span = moments.span
    if span == "day":  # weeks and months may be dated by their last day
        frequency = recognised_frequency(np.unique(rows.dates))
        span = SPANS[frequency]
        unfinished = future & (rows.dates < np.datetime64(today) + DAYS_PER_ROW[frequency])
    if (unfinished & ~empty).any():
        text = f"{{}} left out, the {span} is not over"
        findings.append(finding_about("unfinished_span", Severity.REPAIR, text, rows.dates[unfinished & ~empty]))
        empty = empty | unfinished
    late = np.flatnonzero(future & ~empty)
    if len(late):
        what = f"date {rows.dates[late[0]]} lies in the future, today is {today}"
        table.refuse(
            int(rows.records[late[0]]), f"{what}; expected days that are over; look at how the dates are written"
        )
    return _taken(rows, ~empty, *findings), moments.select(~empty)


def _is_intraday(moments: Moments) -> bool:
    """True if there are several rows a day at different times."""
    if moments.seconds is None:
        return False
    days = len(np.unique(moments.days))
    return len(np.unique(moments.stamps)) >= _MIN_BARS_A_DAY * days and len(moments.days) > 2


def _as_days(table: Table, rows: FileRows, moments: Moments, options: ReadingOptions) -> FileRows:
    """Bars of days from shorter ones."""
    stamps = moments.stamps
    direction = 1 if stamps[-1] >= stamps[0] else -1
    order = np.lexsort((direction * np.arange(len(stamps)), stamps))
    is_sorted = bool((direction * np.diff(stamps) >= 0).all())
    rows = _taken(rows, order)
    moments = moments.select(order)
    stamps = stamps[order]
    if not (is_sorted and are_trades(stamps, rows.columns)):
        times = stamps.astype("datetime64[s]")
        may_differ = has_repeated_hour(stamps)
        rows, remaining = _without_equal(table, rows, stamps, lambda row: str(times[row]), may_differ=may_differ)
        moments = moments.select(remaining)
    close = None if options.daily_close is None else parse_clock(options.daily_close)
    bars = daily_bars(moments, rows.columns, close, table.label)
    return dataclasses.replace(
        rows,
        dates=bars.days,
        columns=bars.columns,
        records=rows.records[bars.last],
        findings=[*rows.findings, *bars.findings],
    )


def _each_date_once(table: Table, rows: FileRows, advice: str) -> FileRows:
    """Rows in the order of their dates, each date once; `advice` is for two that differ."""
    if (np.diff(rows.dates).astype(np.int64) > 0).all():
        return rows
    refuse_misdated(table, rows.dates, rows.records)
    days = rows.dates.astype(np.int64)
    order = np.argsort(days, kind="stable")
    text = "{} were not in order of date and have been sorted"
    moved = int((order != np.arange(len(days))).sum())
    findings = [finding_about("not_in_order", Severity.INFO, text, (), moved)] if moved else []
    ordered = _taken(rows, order, *findings)
    return _without_equal(table, ordered, days[order], lambda row: str(ordered.dates[row]), advice)[0]


def _without_equal(
    table: Table,
    rows: FileRows,
    keys: Int64Array,
    name: Callable[[int], str],
    advice: str = "remove one of them",
    *,
    may_differ: bool = False,
) -> tuple[FileRows, BoolArray]:
    """Rows in order without those that repeat the row before them, and (T,) true for the rows that remain.

    Raises:
        InputFileError: Two rows of one date differ and may not; both lines are named.
    """
    remaining = np.ones(len(keys), dtype=bool)
    again = np.flatnonzero(np.diff(keys) == 0) + 1
    different = np.zeros(len(again), dtype=bool)
    for values in rows.columns.values():
        pairs = np.stack([values[again - 1], values[again]])
        different |= (pairs[0] != pairs[1]) & ~np.isnan(pairs).all(axis=0)
    if may_differ:
        again = again[~different]
    elif different.any():
        row = int(again[different][0])
        first_place = table.place(int(rows.records[row - 1]))
        what = f"date {name(row)} is there twice, first in {first_place}, with other numbers"
        table.refuse(int(rows.records[row]), f"{what}; expected one row a date: daily values or longer; {advice}")
    if not len(again):
        return rows, remaining
    remaining[again] = False
    finding = finding_about(
        "repeated_row",
        Severity.REPAIR,
        "{} left out, equal to the row before of the same date",
        [name(row) for row in again[:4].tolist()],
        len(again),
    )
    return _taken(rows, remaining, finding), remaining


def in_order(layout: Layout, dates: DateArray) -> Int64Array:
    """(T,) rows in the order of their dates.

    Raises:
        InputFileError: A date is there twice; both lines are named.
    """
    order = np.argsort(dates, kind="stable")
    twice = np.flatnonzero(np.diff(dates[order]).astype(np.int64) == 0)
    if len(twice):
        first, second = int(order[twice[0]]), int(order[twice[0] + 1])
        where = f"is there twice, first in {layout.table.place(layout.rows[first])}"
        layout.refuse(second, f"date {shown(str(dates[second]))[1:-1]} {where}; expected one row a date")
    return np.asarray(order, dtype=np.int64)
