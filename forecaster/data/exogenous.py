"""Dated columns of the user's own that are no prices: rates, indices, sentiment; read from a CSV file."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from forecaster.data.instruments import shown
from forecaster.data.sources.csv_dates import DateError, parse_dates
from forecaster.data.sources.csv_numbers import NumberReader
from forecaster.data.sources.csv_text import CsvText
from forecaster.errors import InputFileError

__all__ = ["Column", "Exogenous", "read_exogenous"]

_DATE_NAMES = ("date", "datetime", "time", "timestamp", "day")
_MOST_COLUMNS = 64

FloatArray = npt.NDArray[np.float64]
DateArray = npt.NDArray[np.datetime64]


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """The values of one column, where it has any.

    Args:
        dates: (N,) datetime64[D], increasing.
        values: (N,) finite.
    """

    dates: DateArray
    values: FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class Exogenous:
    """The columns of a file, by name, and the hash of its bytes."""

    columns: Mapping[str, Column]
    sha256: str


def read_exogenous(path: Path) -> Exogenous:
    """Read a CSV file with a date column and columns of numbers; empty cells are no values.

    Rows out of order are sorted. The date column is called date, datetime, time, timestamp or day, or is the first.

    Raises:
        InputFileError: The file cannot be read, a cell holds text, a date is there twice, a column has less than two
            values or a number that is not finite.
    """
    text = CsvText.open(path)
    lower = [name.lower() for name in text.header]
    date = next((lower.index(name) for name in _DATE_NAMES if name in lower), 0)
    names = {name: place for place, name in enumerate(text.header) if name and place != date}
    if not names or len(names) > _MOST_COLUMNS or len(names) + 1 < len([name for name in text.header if name]):
        raise InputFileError(
            f"{text.label} has {len(names)} named columns beside the date; expected 1 to {_MOST_COLUMNS}, "
            "each with a name of its own"
        )
    dates, cells = _read(text, date, names)
    order = np.argsort(dates, kind="stable")
    twice = np.flatnonzero(np.diff(dates[order]).astype(np.int64) == 0)
    if len(twice):
        first, second = int(order[twice[0]]), int(order[twice[0] + 1])
        where = f"is there twice, first in line {text.line_number(first)}"
        text.refuse(second, f"date {dates[second]} {where}; expected one row a date")
    columns = {name: _column(text, name, dates[order], values[order]) for name, values in cells.items()}
    return Exogenous(columns, text.sha256)


def _read(text: CsvText, date: int, names: Mapping[str, int]) -> tuple[DateArray, dict[str, FloatArray]]:
    numbers = NumberReader(text)
    written: list[str] = []
    chunks: dict[str, list[FloatArray]] = {name: [] for name in names}
    for dates, *cells in text.columns([date, *names.values()]):
        for name, column in zip(names, cells, strict=True):
            chunks[name].append(numbers.read(column, name, len(written)))
        written += dates
    if not written:
        raise InputFileError(f"{text.label} has no rows of data; expected dates and numbers")
    try:
        parsed, _ = parse_dates(written)
    except DateError as error:
        text.refuse(error.row, f"date {error}")
    return parsed, {name: np.concatenate(parts) for name, parts in chunks.items()}


def _column(text: CsvText, name: str, dates: DateArray, values: FloatArray) -> Column:
    kept = ~np.isnan(values)
    if np.isinf(values).any() or kept.sum() < 2:
        raise InputFileError(
            f"{text.label}, column {shown(name)} has {int(np.isfinite(values).sum())} finite values of "
            f"{int(kept.sum())}; expected at least 2, all finite; leave the column out or mend it"
        )
    return Column(dates[kept], values[kept])
