"""Prices from a CSV file of the user.

Read with the standard library and NumPy: numbers are exactly those in the file whatever else is installed, and a
forecast from a file needs no pandas.
"""

import dataclasses
import datetime
import difflib
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import DateArray, FloatArray, Int64Array
from forecaster.data.findings import Finding, Severity
from forecaster.data.instruments import shown
from forecaster.data.series import PriceSeries, is_price
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.csv_columns import (
    DATE_NAMES,
    OTHER_COLUMNS,
    PRICE_NAMES,
    date_order,
    plain_name,
    read_columns,
)
from forecaster.data.sources.csv_numbers import EMPTY, number_in
from forecaster.data.sources.csv_text import CsvText
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.data.validation import (
    MarketExpectations,
    RawRows,
    Report,
    cleaned,
    finding_about,
    source_findings,
    validate,
)
from forecaster.errors import InputFileError, UsageError

__all__ = ["CsvOptions", "CsvSource"]


class CsvOptions(SourceOptions):
    """Columns to read if their names are not recognised; a named price column is read alone."""

    date_column: str | None = None
    price_column: str | None = None


class CsvSource:
    """Close, and open, high, low, adjusted close and volume where present, from a CSV file."""

    name = "csv"
    traits = SourceTraits(is_given=True)

    def load(self, request: LoadRequest) -> Loaded:
        """Read the instrument's file.

        The date is the column called date, datetime, time, timestamp or day; the price the first of close,
        adj close, price, rate, last, value, or else the only column of numbers. Case does not matter. Open,
        high, low, adjusted close and volume are read together with a close. Rows without a price are left out and
        rows out of order are sorted, which is a finding. Repairs that need no later row are made and are findings;
        the others are left to the user of the series (see `validation`).

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
        text = CsvText.open(path)
        places = _find_columns(text, options)
        rows, findings = _in_order(text, _read(text, places), request.today)
        good, report = _validated(text, rows, request.today)
        series = PriceSeries(
            instrument=request.instrument,
            source=self.name,
            symbol=request.instrument.name,
            dates=good.dates,
            columns=good.columns,
            meta={
                "file": str(path),
                "file_sha256": text.sha256,
                "layout": f"{text.encoding}, {text.delimiter_name} separated, dates {rows.date_format}",
                "columns": ", ".join(f"{name}={text.header[place]}" for name, place in places.items()),
            },
        )
        return Loaded(series, source_findings(report, findings))


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Rows of the file.

    Args:
        dates: (T,) datetime64[D].
        columns: Name -> (T,), NaN for empty cells.
        date_format: Description of the date format.
        places: (T,) where each row stands in the file, from 0.
    """

    dates: DateArray
    columns: dict[str, FloatArray]
    date_format: str
    places: Int64Array


def _find_columns(text: CsvText, options: CsvOptions) -> dict[str, int]:
    """Column numbers of ``date``, ``close`` and the others."""
    names = [plain_name(name) for name in text.header]
    date = _named(text, options.date_column, "date_column")
    if date is None:
        date = _first_of(text, names, DATE_NAMES)
    if date is None:
        raise InputFileError(
            f"{text.label} has no date column; found {_listed(text)}; expected a header line with one of "
            f"{', '.join(DATE_NAMES)}; name it with --date-column"
        )
    price = _named(text, options.price_column, "price_column")
    if price is None:
        price = _first_of(text, names, PRICE_NAMES)
    if price is None:
        price = _only_numbers(text, date)
    places = {"date": date, "close": price}
    if options.price_column is None and names[price] == "close":
        # Beside any other price, such as an adjusted one, the day's range would not fit.
        others = {name: _first_of(text, names, spellings) for name, spellings in OTHER_COLUMNS.items()}
        places |= {name: place for name, place in others.items() if place is not None}
    return places


def _named(text: CsvText, name: str | None, option: str) -> int | None:
    if name is None:
        return None
    lower = [column.lower() for column in text.header]
    if lower.count(name.strip().lower()) != 1:
        nearest = difflib.get_close_matches(name.strip().lower()[:64], lower, n=1)
        hint = f"; did you mean {shown(nearest[0])}?" if nearest else ""
        problem = "several columns" if name.strip().lower() in lower else "no column"
        raise InputFileError(
            f"{text.label} has {problem} {shown(name)}; found {_listed(text)}; "
            f"give --{option.replace('_', '-')} one of these{hint}"
        )
    return lower.index(name.strip().lower())


def _first_of(text: CsvText, names: list[str], spellings: Sequence[str]) -> int | None:
    for spelling in spellings:
        if names.count(spelling) > 1:
            raise InputFileError(
                f"{text.label} has {names.count(spelling)} columns {spelling!r}; expected one; rename the others"
            )
        if spelling in names:
            return names.index(spelling)
    return None


def _only_numbers(text: CsvText, date: int) -> int:
    others = [place for place in range(len(text.header)) if place != date and text.header[place]]
    first_rows: list[tuple[str, ...]] = next(text.columns(others), [() for _ in others])
    numeric = [
        place for place, cells in zip(others, first_rows, strict=True) if _looks_numeric(cells[:100], text.delimiter)
    ]
    if len(numeric) != 1:
        several = "several columns of numbers but none" if numeric else "no price column: none"
        raise InputFileError(
            f"{text.label} has {several} called {', '.join(PRICE_NAMES)}; found {_listed(text)}; "
            "name it with --price-column"
        )
    return numeric[0]


def _looks_numeric(cells: Sequence[str], delimiter: str) -> bool:
    filled = [cell for cell in cells if cell.strip().lower() not in EMPTY]
    return bool(filled) and all(number_in(cell, decimal_comma=delimiter == ";") is not None for cell in filled)


def _listed(text: CsvText) -> str:
    return (
        "the columns " + ", ".join(shown(name) for name in text.header[:12]) + (" ..." if len(text.header) > 12 else "")
    )


def _read(text: CsvText, places: dict[str, int]) -> _Rows:
    numbers = {name: place for name, place in places.items() if name != "date"}
    advice = "; to read one column alone, name it with --price-column"
    dates, columns, date_format = read_columns(text, places["date"], numbers, advice)
    if len(dates) < 2:
        raise InputFileError(f"{text.label} has 1 row of data; expected at least 2, one a date")
    return _Rows(dates, columns, date_format, np.arange(len(dates)))


def _in_order(text: CsvText, rows: _Rows, today: datetime.date) -> tuple[_Rows, list[Finding]]:
    """Rows with a price, sorted by date, each date once; and findings about rows left out or sorted.

    Empty cells are not bad prices: many files have a row for every holiday.

    Raises:
        InputFileError: A date is there twice or lies after `today`, or one row or none is left.
    """
    findings: list[Finding] = []
    empty = np.isnan(rows.columns["close"])
    if empty.any():
        findings.append(
            finding_about("empty_price", Severity.REPAIR, "{} left out, the price is empty", rows.dates[empty])
        )
    if len(empty) - int(empty.sum()) < 2:
        raise InputFileError(
            f"{text.label}: only {int((~empty).sum())} of {len(empty)} rows have a price; expected at least 2"
        )
    priced = np.flatnonzero(~empty)
    future = priced[rows.dates[priced] > np.datetime64(today)]
    if len(future):
        what = f"date {rows.dates[future[0]]} lies in the future, today is {today}"
        text.refuse(int(future[0]), f"{what}; expected days that are over; look at how the dates are written")
    if not (np.diff(rows.dates[priced]).astype(np.int64) > 0).all():
        priced = date_order(text, rows.dates[priced], priced)
        findings.append(
            finding_about(
                "not_in_order", Severity.INFO, "{} were not in order of date and have been sorted", (), len(priced)
            )
        )
    columns = {name: values[priced] for name, values in rows.columns.items()}
    return _Rows(rows.dates[priced], columns, rows.date_format, priced), findings


def _validated(text: CsvText, rows: _Rows, today: datetime.date) -> tuple[RawRows, Report]:
    """Rows after the repairs that need no later row, and the report about them.

    The trading days of this market can be seen from the whole file only, and to drop a row because of later rows would
    be look-ahead. So weekends are checked by the user of the series, after the cut.

    Raises:
        InputFileError: Too many prices are zero, negative or beyond 1e100, or one row or none is left.
    """
    raw = RawRows(rows.dates, rows.columns)
    report = validate(raw, today=today, market=MarketExpectations(weekdays=None))
    good = cleaned(raw, report)
    if report.problems() or len(good) < 2:
        close = rows.columns["close"]
        bad = int(np.flatnonzero(~is_price(close))[0])
        line = text.line_number(int(rows.places[bad]))
        name = f"{text.label}, line {line}: price {close[bad]:g} on {rows.dates[bad]} and more; correct the file"
        report.require_good(name, InputFileError)
        text.refuse(
            int(rows.places[bad]),
            f"price {close[bad]:g} on {rows.dates[bad]}; "
            f"expected at least 2 rows with a positive price up to 1e100, got {len(good)}",
        )
    return good, report
