"""Files of forecasts that somebody else has made: a row for each instrument, cutoff and step, wide or long."""

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.instruments import shown
from forecaster.data.spellings import parse_frequency
from forecaster.data.tables.dates import DateError, parse_dates
from forecaster.data.tables.numbers import Column, DecimalSign, is_empty
from forecaster.data.tables.opening import open_table
from forecaster.data.tables.table import Table
from forecaster.errors import InputFileError, UsageError

__all__ = ["ForecastFile", "level_of", "read_forecasts"]

_REQUIRED = ("instrument", "cutoff", "step")
_OPTIONAL = ("model", "frequency", "last_price", "mean", "sigma", "df", "level", "value")
_TEXTS = ("instrument", "cutoff", "model", "frequency")
_EXPECTED = (
    "expected the columns instrument, cutoff, step and either quantiles such as q0.1, q0.5, q0.9, "
    "or level and value, or mean and sigma"
)
_LEVEL = re.compile(
    r"(?P<word>quantile|percentile|perc|pct|q|p)?[ _\-]*(?P<number>\d+(?:\.\d+)?|\.\d+)(?P<percent> ?%)?"
)
_EXACT = 1e-9  # two levels that differ by less are one


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastFile:
    """Forecasts as they stand in a file, none of them judged.

    Args:
        label: The file as messages show it.
        sha256: Hash of the file.
        models: (N,) name of the forecaster of each row; empty texts where the file names none.
        instruments: (N,) names.
        cutoffs: (N,) last day that each forecast may use.
        steps: (N,) rows ahead, as written: any number.
        levels: (Q,) increasing levels of the quantiles; none for normal or Student's t distributions.
        values: (N, Q) quantiles, NaN where the file has none; or (N, 2) mean and standard deviation.
        degrees_of_freedom: (N,) of Student's t; infinite for a normal distribution; None with quantiles.
        last_prices: (N,) prices at the cutoffs that the forecasts start from; None where the file does not say.
        frequency: Length of the rows that the steps count: ``1d``, ``1wk`` or ``1mo``; None where it does not say.
        unread: Names of the columns that mean nothing here.
        repeated: (N,) True where a long file gives one level of a forecast more than once.
    """

    label: str
    sha256: str
    models: Sequence[str]
    instruments: Sequence[str]
    cutoffs: DateArray
    steps: FloatArray
    levels: tuple[float, ...]
    values: FloatArray
    degrees_of_freedom: FloatArray | None
    last_prices: FloatArray | None
    frequency: str | None
    unread: tuple[str, ...]
    repeated: BoolArray

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, rows: IntArray) -> "ForecastFile":
        """The file with some rows (M,), in their order."""
        return dataclasses.replace(
            self,
            models=[self.models[row] for row in rows],
            instruments=[self.instruments[row] for row in rows],
            cutoffs=self.cutoffs[rows],
            steps=self.steps[rows],
            values=self.values[rows],
            degrees_of_freedom=None if self.degrees_of_freedom is None else self.degrees_of_freedom[rows],
            last_prices=None if self.last_prices is None else self.last_prices[rows],
            repeated=self.repeated[rows],
        )


def level_of(name: str) -> float | None:
    """Quantile level that the name of a column means; None for other names.

    A number below 1 is a level, any other one a percentage. Without a letter or a per cent sign only a level is read.

    >>> [level_of(name) for name in ("q0.1", "0.1", "10%", "p10", "quantile 0.1", "Q_97.5", "median")]
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.975, 0.5]
    >>> [level_of(name) for name in ("10", "q025", "price", "q0", "p100")]
    [None, None, None, None, None]
    """
    text = name.strip().lower()
    if text == "median":
        return 0.5
    match = _LEVEL.fullmatch(text)
    if match is None or re.match(r"0\d\d", match["number"]):  # q025 may be 2.5 % and 25 %
        return None
    number = float(match["number"])
    is_fraction = number < 1 and match["percent"] is None
    if not is_fraction and match["word"] is None and match["percent"] is None:
        return None
    level = number if is_fraction else number / 100
    return round(level, 12) if 0 < level < 1 else None


def read_forecasts(path: Path, date_order: str | None = None) -> ForecastFile:
    """Read a file of forecasts: CSV, JSON or Excel, wide (a column for each level) or long (level and value).

    Args:
        path: The file.
        date_order: Order of day, month and year in the cutoffs; None to decide by the column.

    Raises:
        InputFileError: The file cannot be read, lacks a column, has a column twice, or has text where a number or a
            date is expected.
    """
    table = open_table(path)
    names = [cell.strip().lower() for cell in table.records[0]]
    places = _places(table, names)
    levels = _level_places(table, names)
    is_long = {"level", "value"} <= places.keys()
    kinds = [bool(levels), is_long, "sigma" in places]
    if sum(kinds) != 1 or (kinds[2] and "mean" not in places):
        problem = "no distribution" if not any(kinds) else "two kinds of distributions" if sum(kinds) > 1 else "no mean"
        table.refuse(0, f"it holds {problem}; {_EXPECTED}")
    _check_levels(table, levels)
    if len(table.records) < 2:
        table.refuse(0, f"there is no forecast below the header; {_EXPECTED}")
    rows = _Rows(table, table.records[1:], len(names))
    frequency = rows.frequency(places.get("frequency"))
    meaningless = {
        *(() if kinds[2] else ("mean", "sigma", "df")),
        *(() if is_long else ("level", "value")),
        *(() if frequency else ("frequency",)),
    }
    read = {name: place for name, place in places.items() if name not in meaningless}
    unread = [table.records[0][place] for place in range(len(names)) if place not in {*read.values(), *levels}]
    numeric = {name: place for name, place in read.items() if name not in _TEXTS}
    numbers = rows.numbers({**numeric, **{str(level): place for place, level in levels.items()}})
    file = ForecastFile(
        label=table.label,
        sha256=table.sha256,
        models=rows.texts(places["model"]) if "model" in places else [""] * len(rows.records),
        instruments=rows.texts(places["instrument"]),
        cutoffs=rows.dates(places["cutoff"], date_order),
        steps=numbers["step"],
        levels=tuple(sorted(levels.values())),
        values=_values(numbers, sorted(levels.values())),
        degrees_of_freedom=_degrees_of_freedom(numbers) if kinds[2] else None,
        last_prices=numbers.get("last_price"),
        frequency=frequency,
        unread=tuple(unread),
        repeated=np.zeros(len(rows.records), dtype=bool),
    )
    return _pivoted(table, file, numbers["level"], numbers["value"]) if is_long else file


def _places(table: Table, names: Sequence[str]) -> dict[str, int]:
    """Name -> number of the column, of the columns with a meaning."""
    present = [name for name in (*_REQUIRED, *_OPTIONAL) if name in names]
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        table.refuse(0, f"there is no column {' or '.join(missing)}; {_EXPECTED}")
    repeated = next((name for name in present if names.count(name) > 1), None)
    if repeated is not None:
        table.refuse(0, f"the column {repeated} is there {names.count(repeated)} times; expected it once")
    return {name: names.index(name) for name in present}


def _level_places(table: Table, names: Sequence[str]) -> dict[int, float]:
    """Number of the column -> quantile level, without a median that q0.5 repeats, as in our own files."""
    levels = {place: level for place, name in enumerate(names) if (level := level_of(name)) is not None}
    medians = [place for place, level in levels.items() if level == 0.5]
    if len(medians) == 2 and "median" in {names[place] for place in medians}:
        first, second = ([record[place : place + 1] for record in table.records[1:]] for place in medians)
        if first == second:
            del levels[medians[0] if names[medians[0]] == "median" else medians[1]]
    return levels


def _check_levels(table: Table, levels: Mapping[int, float]) -> None:
    """Refuse levels that are there twice, or from which no distribution follows."""
    if not levels:
        return
    header = table.records[0]
    ordered = sorted(levels, key=lambda place: levels[place])
    for place, following in itertools.pairwise(ordered):
        if levels[following] - levels[place] < _EXACT:
            table.refuse(0, f"{shown(header[place])} and {shown(header[following])} are one level; expected each once")
    _check_span(table, [levels[place] for place in ordered])


def _check_span(table: Table, levels: Sequence[float]) -> None:
    """Refuse levels (Q,), increasing, that lie on one side of the median."""
    if not (len(levels) > 1 and levels[0] < 0.5 < levels[-1]):
        listed = ", ".join(f"{level:g}" for level in levels[:9])
        table.refuse(
            0, f"it has the quantile levels {listed}; expected some below 0.5 and some above, such as 0.1 and 0.9"
        )


@dataclasses.dataclass(frozen=True)
class _Rows:
    """Records below the header, read column by column."""

    table: Table
    records: Sequence[Sequence[str]]
    width: int

    def __post_init__(self) -> None:
        for number, record in enumerate(self.records):
            if len(record) < self.width:
                self.refuse(number, f"it has {len(record)} cells; the header has {self.width}")

    def refuse(self, row: int, what: str) -> None:
        """Raise an `InputFileError` about a row, by its number from 0."""
        self.table.refuse(row + 1, what)

    def texts(self, place: int) -> list[str]:
        """Cells of a column, each with content."""
        cells = [record[place] for record in self.records]
        if "" in cells:
            self.refuse(cells.index(""), f"{shown(self.table.records[0][place])} is empty")
        return cells

    def frequency(self, place: int | None) -> str | None:
        """Length of a row by a column that has it; None without one, or where its texts mean something else."""
        if place is None:
            return None
        words = {record[place] for record in self.records}
        try:
            frequencies = sorted({parse_frequency(word) for word in words})
        except UsageError:
            return None
        if len(frequencies) > 1:
            self.refuse(-1, f"frequency is {' and '.join(frequencies)}; expected one in all rows; score each alone")
        return frequencies[0]

    def dates(self, place: int, order: str | None) -> DateArray:
        """(N,) days of a column."""
        try:
            return parse_dates(self.texts(place), order).days
        except DateError as error:
            raise InputFileError(
                f"{self.table.label}, {self.table.place(error.row + 1)}: {self.table.records[0][place]}: {error}"
            ) from None

    def numbers(self, places: Mapping[str, int]) -> dict[str, FloatArray]:
        """Name -> (N,) numbers of columns, NaN for empty cells; all have one decimal sign."""
        columns = {name: Column([record[place] for record in self.records]) for name, place in places.items()}
        for name, column in columns.items():
            row = column.text_row()
            if row is not None:
                header = self.table.records[0][places[name]]
                self.refuse(row, f"{header} is {shown(column.cells[row])}; expected a number")
        sign = self._decimal_sign(columns)
        for name, column in columns.items():
            row = column.fault_row(sign)
            if row is not None:
                self.refuse(
                    row, f"{name} is {shown(column.cells[row])}, not a number with a decimal {sign} as in other cells"
                )
        return {name: column.values(sign) for name, column in columns.items()}

    def _decimal_sign(self, columns: Mapping[str, Column]) -> DecimalSign:
        """The decimal sign that the cells decide; the point where no cell has one."""
        if any(column.is_certain("point") for column in columns.values()):
            return "point"
        if any(column.is_certain("comma") for column in columns.values()):
            return "comma"
        for name, column in columns.items():
            if column.differs():
                cell = next(cell for cell in column.cells if not is_empty(cell) and not cell.isdigit())
                self.table.refuse(1, f"{name} is {shown(cell)}, which may be two numbers; expected 1234.56")
        return "point"


def _values(numbers: Mapping[str, FloatArray], levels: Sequence[float]) -> FloatArray:
    """(N, Q) quantiles, or (N, 2) mean and standard deviation."""
    if levels:
        return np.column_stack([numbers[str(level)] for level in levels])
    if "sigma" in numbers:
        return np.column_stack([numbers["mean"], numbers["sigma"]])
    return np.empty((len(numbers["step"]), 0))


def _degrees_of_freedom(numbers: Mapping[str, FloatArray]) -> FloatArray:
    """(N,) degrees of freedom; an empty cell means a normal distribution."""
    given = numbers.get("df")
    return np.full(len(numbers["step"]), np.inf) if given is None else np.where(np.isnan(given), np.inf, given)


def _pivoted(table: Table, file: ForecastFile, levels: FloatArray, values: FloatArray) -> ForecastFile:
    """A long file as a wide one: the lines of one model, instrument, cutoff and step become one row."""
    wrong = np.flatnonzero(~((levels > 0) & (levels < 100)))
    if len(wrong):
        table.refuse(int(wrong[0]) + 1, f"level is {levels[wrong[0]]:g}; expected one in (0, 1), or a percentage")
    if (levels >= 1).any():  # a file has levels or percentages; 0.5 % is a percentage beside 99.5 %
        levels = levels / 100
    distinct, columns = np.unique(np.round(levels, 12), return_inverse=True)
    _check_span(table, distinct.tolist())
    keys = zip(file.models, file.instruments, file.cutoffs.tolist(), file.steps.tolist(), strict=True)
    numbers: dict[tuple[object, ...], int] = {}
    rows = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    first = np.unique(rows, return_index=True)[1]
    wide = np.full((len(numbers), len(distinct)), np.nan)
    wide[rows, columns] = values
    counts = np.zeros(wide.shape, dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)
    return dataclasses.replace(
        file.take(first),
        levels=tuple(distinct.tolist()),
        values=wide,
        repeated=np.asarray((counts > 1).any(axis=1)),
    )
