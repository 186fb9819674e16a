"""Dated columns that are not prices, such as rates, indices or sentiment, read from a CSV file."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.instruments import shown
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
    """Read a file with a column of dates and columns of numbers; empty cells are left out.

    Rows out of order are sorted. Dates, numbers and layouts are those of a price file, but every column is read.

    Args:
        path: The file.
        change: Applied to the cells of each column before they are used; None to leave them.

    Raises:
        InputFileError: The file cannot be read, a cell holds text, a date is there twice, a column has less than two
            values or a number that is not finite.
    """
    # Loaded here: few commands read a file, and its patterns take some milliseconds to build.
    from forecaster.data.tables.decimals import numbers_of
    from forecaster.data.tables.history import dates_of, in_order
    from forecaster.data.tables.layout import find_layout
    from forecaster.data.tables.opening import open_table

    layout = find_layout(open_table(path))
    label = layout.table.label
    texts = [texts for place, texts in enumerate(layout.above) if texts and place != layout.date]
    named = [own[0] for own in texts]
    double = sorted({name for name in named if named.count(name) > 1})
    if double:
        raise InputFileError(f"{label} has several columns {', '.join(map(shown, double))}; rename all but one")
    if not 0 < len(named) <= _MAX_COLUMNS:
        raise InputFileError(f"{label} has {len(named)} named columns beside the date; expected 1 to {_MAX_COLUMNS}")
    places = {name: layout.names.index(name) for name in named}
    dates = dates_of(layout).days
    cells, _ = numbers_of(layout, places, None, named, "; remove the column if it holds text")
    order = in_order(layout, dates)
    dates = dates[order]
    cells = {name: values[order] for name, values in cells.items()}
    if change is not None:
        cells = {name: change(name, dates, values) for name, values in cells.items()}
    columns = {name: _column(label, name, dates, values) for name, values in cells.items()}
    return Exogenous(columns, layout.table.sha256)


def _column(label: str, name: str, dates: DateArray, values: FloatArray) -> Column:
    filled = ~np.isnan(values)
    if np.isinf(values).any() or filled.sum() < 2:
        raise InputFileError(
            f"{label}, column {shown(name)} has {int(np.isfinite(values).sum())} finite values of "
            f"{int(filled.sum())}; expected at least 2, all finite; leave the column out or correct it"
        )
    return Column(dates[filled], values[filled])
