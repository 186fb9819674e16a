"""Decimal signs: one for a whole file, decided by the numbers that can be read in one way only, or refused."""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import shown
from forecaster.data.tables.layout import Layout
from forecaster.data.tables.names import is_known_name, plain_name
from forecaster.data.tables.numbers import Column, DecimalSign

__all__ = ["DECIMAL_SIGNS", "numbers_of"]

DECIMAL_SIGNS: tuple[DecimalSign, DecimalSign] = ("point", "comma")

_MAX_FACTOR = 3.0  # between two prices in a row; read with the wrong sign, some differ by hundreds
_DOTTED_DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}.*")
_COMPACT_DATE = re.compile(r"\d{8}")
_SEPARATORS_OF_COMMAS = (";", "\t", "|")
_EVIDENCE_ROWS = 300
_ENGLISH = frozenset({
    *("date", "time", "datetime", "timestamp", "day", "close", "open", "high", "low", "last", "price", "volume"),
    *("vol", "value", "rate", "adj", "change", "net", "settle", "settlement", "symbol", "ticker", "interest"),
    *("currency", "unnamed", "bid", "ask", "mid", "index", "px", "gmt", "utc", "trade", "exchange"),
})  # fmt: skip


def numbers_of(
    layout: Layout, places: Mapping[str, int], decimal: DecimalSign | None, required: Sequence[str], advice: str = ""
) -> tuple[dict[str, FloatArray], list[str]]:
    """Numbers of some columns, with NaN for empty cells.

    Args:
        layout: The table.
        places: Name -> number of the column.
        decimal: The decimal sign; None to decide by the cells.
        required: Names of columns that must hold numbers; others that hold text are left out.
        advice: Further advice, at the end of a message about text where a number should be.

    Returns:
        Name -> (T,) numbers, and a remark about each column that is left out.

    Raises:
        InputFileError: A required column holds text, or numbers that can be read in two ways.
    """
    columns = {name: Column(layout.cells(place)) for name, place in places.items()}
    remarks: list[str] = []
    for name, column in list(columns.items()):
        row = column.text_row()
        if row is None:
            continue
        what = f"{shown(layout.names[places[name]])} is {shown(column.cells[row])}"
        if name in required:
            layout.refuse(row, f"{what}; expected a number such as 1234.56{advice}")
        remarks.append(f"the column is left out: {layout.table.place(layout.rows[row])}: {what}")
        del columns[name]
    sign = decimal or _decided(layout, columns, places, required)
    values: dict[str, FloatArray] = {}
    for name, column in columns.items():
        row = column.fault_row(sign)
        mixture = column.mixture()
        if row is not None and name not in required:
            remarks.append(f"the column {shown(layout.names[places[name]])} has other decimal signs and is left out")
        elif row is not None:
            _refuse_sign(layout, places[name], column, row, sign)
        elif mixture is not None and name in required:
            cell = shown(column.cells[mixture[0]])
            layout.refuse(
                mixture[0],
                f"{shown(layout.names[places[name]])} is {cell}, which {mixture[1]}; expected one kind of number",
            )
        else:
            values[name] = column.values(sign)
    return values, remarks


def _decided(
    layout: Layout, columns: Mapping[str, Column], places: Mapping[str, int], required: Sequence[str]
) -> DecimalSign:
    """The decimal sign of a file."""
    certain = _certain([columns[name] for name in required])
    if certain:
        return certain[0]  # of two the first: the message about the first cell that contradicts follows
    certain = _certain(columns.values())
    ambiguous = [name for name in columns if columns[name].differs()]
    if len(certain) == 1 or not ambiguous:
        return certain[0] if certain else "point"
    for name in ambiguous:
        smooth = _smooth(columns[name])
        if smooth is not None:
            return smooth
    elsewhere = _elsewhere(layout, set(places.values()))
    if elsewhere is not None:
        return elsewhere
    name = next((name for name in ambiguous if name in required), ambiguous[0])
    return _by_habit(layout, places[name], columns[name])


def _certain(columns: Collection[Column]) -> list[DecimalSign]:
    """Signs with which alone some number can be read."""
    return [sign for sign in DECIMAL_SIGNS if any(column.is_certain(sign) for column in columns)]


def _smooth(column: Column) -> DecimalSign | None:
    """The sign with which prices never jump, where they do with the other: 998 beside 1.002 is 1002."""
    jumps = {}
    for sign in DECIMAL_SIGNS:
        values = column.values(sign)
        values = values[np.isfinite(values) & (values > 0)]
        jumps[sign] = float(np.exp(np.abs(np.diff(np.log(values))).max(initial=0.0)))
    smooth = [sign for sign in DECIMAL_SIGNS if jumps[sign] <= _MAX_FACTOR]
    wild = [sign for sign in DECIMAL_SIGNS if jumps[sign] > 10 * _MAX_FACTOR]
    return smooth[0] if len(smooth) == len(wild) == 1 else None


def _elsewhere(layout: Layout, read: set[int]) -> DecimalSign | None:
    """The sign that is certain in the columns that are not read, such as changes in per cent."""
    others = [place for place in range(len(layout.names)) if place != layout.date and place not in read]
    certain = _certain([Column(layout.cells(place)[:_EVIDENCE_ROWS]) for place in others])
    return certain[0] if len(certain) == 1 else None


def _by_habit(layout: Layout, place: int, column: Column) -> DecimalSign:
    """The sign that fits the other habits of the file, if they leave no doubt.

    All numbers have one sign with three digits behind it. A point is decimal in a table with English names, unless
    semicolons, or dates such as 31.12.2024 without commas between the cells, show that people with decimal commas wrote
    it; programs write semicolons beside dates such as 20241231. A comma is decimal only beside semicolons, tabs or
    pipes, dates such as 31.12.2024 and names of a language that has decimal commas.
    """
    readings = enumerate(column.readings)
    row = next(row for row, cell in readings if cell is not None and len(set(cell.values.values())) > 1)
    cell = column.cells[row]
    separator = layout.table.separator
    date = layout.table.records[layout.rows[0]][layout.date]
    is_dotted = bool(_DOTTED_DATE.fullmatch(date))
    is_foreign = layout.has_header and not _is_english(layout.names)
    is_german = is_dotted and separator != ","  # decimal commas are not written between commas
    if "." in cell and not is_foreign and not is_german and (separator != ";" or _COMPACT_DATE.match(date)):
        return "point"
    if "," in cell and separator in _SEPARATORS_OF_COMMAS and is_dotted and is_foreign:
        return "comma"
    if "," in cell and layout.has_header and _is_east_asian(layout.names):
        return "point"
    reading = column.readings[row]
    both = " or ".join(f"{value:.12g}" for value in reading.values.values()) if reading else ""
    layout.refuse(
        row,
        f"{shown(layout.names[place])} is {shown(cell)}, which may be {both}; no row of the file decides; "
        "say so with --decimal point or --decimal comma",
    )


def _is_english(names: Sequence[str]) -> bool:
    """True if names are English, or of a language that writes numbers as English does: Chinese, Japanese, Korean.

    One English name is enough, such as that of the dates above a code, unless more names are known in other languages:
    ``Vol.`` stands in many.
    """
    if _is_east_asian(names):
        return True
    english = [not _ENGLISH.isdisjoint(plain_name(name).split()) for name in names]
    foreign = [is_known_name(name) and not own for name, own in zip(names, english, strict=True)]
    return any(english) and sum(english) >= sum(foreign)


def _is_east_asian(names: Sequence[str]) -> bool:
    """True if some name is Chinese, Japanese or Korean; no decimal comma is used in these languages."""
    return any(char > "\u2e80" for name in names for char in name)


def _refuse_sign(layout: Layout, place: int, column: Column, row: int, sign: DecimalSign) -> None:
    other = next(
        (
            cell
            for cell, reading in zip(column.cells, column.readings, strict=True)
            if reading and list(reading.values) == [sign]
        ),
        None,
    )
    beside = f", but {shown(other)} and {shown(column.cells[row])} have different decimal signs" if other else ""
    layout.refuse(
        row,
        f"{shown(layout.names[place])} is {shown(column.cells[row])}{beside}; "
        f"expected decimal {sign}s in the whole file",
    )
