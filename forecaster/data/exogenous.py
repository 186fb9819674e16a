"""Dated columns that are not prices, such as rates, indices or sentiment, read from a CSV file."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.instruments import shown
from forecaster.data.sources.csv_columns import DATE_NAMES, date_order, read_columns
from forecaster.data.sources.csv_text import CsvText
from forecaster.errors import InputFileError

__all__ = ["Column", "Exogenous", "read_exogenous"]

_MAX_COLUMNS = 64

Change = Callable[[str, DateArray, FloatArray], FloatArray]
"""Name of a column, dates (N,), cells (N,) with NaN where one is empty -> cells (N,)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """The values of one column, without its empty cells.

    Args:
        dates: (N,) datetime64[D], increasing.
        values: (N,) finite.
    """

    dates: DateArray
    values: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class Exogenous:
    """The columns of a file by name, and the hash of its bytes."""

    columns: Mapping[str, Column]
    sha256: str


def read_exogenous(path: Path, change: Change | None = None) -> Exogenous:
    """Read a CSV file with a date column and columns of numbers; empty cells are left out.

    Rows out of order are sorted. The date column is called date, datetime, time, timestamp or day, or is the first.

    Args:
        path: The file.
        change: Applied to the cells of each column before they are used; None to leave them.

    Raises:
        InputFileError: The file cannot be read, a cell holds text, a date is there twice, a column has less than two
            values or a number that is not finite.
    """
    text = CsvText.open(path)
    lower = [name.lower() for name in text.header]
    date = next((lower.index(name) for name in DATE_NAMES if name in lower), 0)
    names = {name: place for place, name in enumerate(text.header) if name and place != date}
    double = sorted({name for name in names if text.header.count(name) > 1})
    if double:
        raise InputFileError(f"{text.label} has several columns {', '.join(map(shown, double))}; rename all but one")
    if not 0 < len(names) <= _MAX_COLUMNS:
        raise InputFileError(
            f"{text.label} has {len(names)} named columns beside the date; expected 1 to {_MAX_COLUMNS}"
        )
    dates, cells, _ = read_columns(text, date, names)
    order = date_order(text, dates, np.arange(len(dates)))
    dates = dates[order]
    cells = {name: values[order] for name, values in cells.items()}
    if change is not None:
        cells = {name: change(name, dates, values) for name, values in cells.items()}
    columns = {name: _column(text, name, dates, values) for name, values in cells.items()}
    return Exogenous(columns, text.sha256)


def _column(text: CsvText, name: str, dates: DateArray, values: FloatArray) -> Column:
    filled = ~np.isnan(values)
    if np.isinf(values).any() or filled.sum() < 2:
        raise InputFileError(
            f"{text.label}, column {shown(name)} has {int(np.isfinite(values).sum())} finite values of "
            f"{int(filled.sum())}; expected at least 2, all finite; leave the column out or correct it"
        )
    return Column(dates[filled], values[filled])
