"""Dates and numbers of a CSV file, column by column, however large the file is."""

from collections.abc import Mapping

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.data.sources.csv_dates import DateError, parse_dates
from forecaster.data.sources.csv_numbers import NumberReader
from forecaster.data.sources.csv_text import CsvText
from forecaster.errors import InputFileError

__all__ = ["DATE_NAMES", "OTHER_COLUMNS", "PRICE_NAMES", "date_order", "plain_name", "read_columns"]

DATE_NAMES = ("date", "datetime", "time", "timestamp", "day")
"""Names of a column of dates, in lower case."""

PRICE_NAMES = ("close", "adj close", "price", "rate", "last", "value")
"""Names of a price column, the best one first."""

OTHER_COLUMNS = {
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "adj_close": ("adj close", "adjusted close", "adjclose"),
    "volume": ("volume", "vol"),
}
"""Column of a history -> its names next to a close."""

_MAX_ROWS = 3_652_059  # days in the years 1 to 9999; with more rows some date would be repeated


def plain_name(text: str) -> str:
    """Name of a column in lower case, with single spaces for dots and underscores.

    >>> plain_name("Adj_Close")
    'adj close'
    """
    return " ".join(text.lower().replace("_", " ").replace(".", " ").split())


def read_columns(
    text: CsvText, date: int, places: Mapping[str, int], advice: str = ""
) -> tuple[DateArray, dict[str, FloatArray], str]:
    """Read the column of dates and some columns of numbers.

    Args:
        text: The file.
        date: Column number of the dates.
        places: Name -> where its numbers stand.
        advice: Further advice, at the end of a message about text where a number should be.

    Returns:
        (T,) dates in the order of the file, name -> (T,) numbers with NaN for empty cells, and how dates are written.

    Raises:
        InputFileError: There is no row, there are more rows than days, or a cell is no date or no number.
    """
    written: list[str] = []
    chunks: dict[str, list[FloatArray]] = {name: [] for name in places}
    numbers = NumberReader(text, advice)
    for dates, *cells in text.columns([date, *places.values()]):
        for (name, place), column in zip(places.items(), cells, strict=True):
            chunks[name].append(numbers.read(column, text.header[place], len(written)))
        written += dates
        if len(written) > _MAX_ROWS:
            raise InputFileError(
                f"{text.label} has more than {_MAX_ROWS} rows, which is one for each day that a calendar has; "
                "expected one row a date: daily values or longer"
            )
    if not written:
        raise InputFileError(f"{text.label} has no rows of data; expected dates and numbers below the header")
    try:
        parsed, date_format = parse_dates(written)
    except DateError as error:
        text.refuse(error.row, f"date {error}")
    return parsed, {name: np.concatenate(parts) for name, parts in chunks.items()}, date_format


def date_order(text: CsvText, dates: DateArray, rows: IntArray) -> IntArray:
    """Those `rows` (N,) of the file in order of their dates (N,), each date once.

    Raises:
        InputFileError: A date is there twice; both lines are named.
    """
    order = np.argsort(dates, kind="stable")
    twice = np.flatnonzero(np.diff(dates[order]).astype(np.int64) == 0)
    if len(twice):
        first, second = int(rows[order[twice[0]]]), int(rows[order[twice[0] + 1]])
        where = f"is there twice, first in line {text.line_number(first)}"
        text.refuse(second, f"date {dates[order[twice[0]]]} {where}; expected one row a date: daily values or longer")
    return np.asarray(rows[order])
