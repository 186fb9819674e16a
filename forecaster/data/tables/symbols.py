"""Series of a table that has several: rows with a symbol, or columns below one."""

import dataclasses
import re

from forecaster.data.instruments import shown
from forecaster.data.tables.layout import Layout
from forecaster.data.tables.names import SYMBOL_NAMES, listed, plain_name
from forecaster.data.tables.numbers import is_numeric
from forecaster.errors import InputFileError

__all__ = ["one_symbol"]

_SAMPLE_ROWS = 200


def one_symbol(layout: Layout, symbol: str | None, is_repeated: bool) -> Layout:
    """The rows of one of several series in a table.

    Args:
        layout: The table.
        symbol: Text in a cell of the rows to use, or several separated by commas; None to use all rows.
        is_repeated: True if many dates are there several times.

    Raises:
        InputFileError: Rows of several series stand in the table and none is named, or none of them has that name.
    """
    columns = _symbol_columns(layout, is_repeated)
    if symbol is None:
        if not columns:
            return layout
        names = list(dict.fromkeys(layout.cells(columns[0])))
        raise InputFileError(
            f"{layout.table.label} has rows of {len(names)} series in the column {shown(layout.names[columns[0]])} "
            f"({listed(names)}); expected one; choose it with --symbol NAME"
        )
    own = _columns_of(layout, symbol)
    if own:
        others = frozenset(range(len(layout.names))) - {layout.date, *own}
        return dataclasses.replace(layout, ignored=others)
    records = layout.table.records
    texts = [place for place in range(len(layout.names)) if place != layout.date]
    wanted = [part.strip().casefold() for part in symbol.split(",")]
    for spelling in (str.casefold, _letters):
        rows = [
            row
            for row in layout.rows
            if all(any(spelling(records[row][place]) == part for place in texts) for part in wanted)
        ]
        if rows:
            break
    if not rows:
        names = sorted({cell for place in columns for cell in layout.cells(place)})
        what = listed(names) if names else f"the columns {listed(list(map(layout.full_name, texts)))}"
        raise InputFileError(
            f"{layout.table.label} has no rows of the symbol {shown(symbol)}; found {what}; check --symbol"
        )
    return one_symbol(dataclasses.replace(layout, rows=rows), None, is_repeated=False)


def _columns_of(layout: Layout, symbol: str) -> list[int]:
    """Columns with the symbol above them, in a table with the columns of several series side by side."""
    wanted = symbol.strip().casefold()
    return [
        place
        for place, texts in enumerate(layout.above)
        if place != layout.date and any(wanted in (text.casefold(), *_words(text)) for text in texts)
    ]


def _words(text: str) -> list[str]:
    """Words of the name of a column in lower case, and all of them as one, as ``usdjpy`` for ``USD/JPY``."""
    return [*re.split(r"[\s,;|_()'\"\[\]]+", text.casefold()), _letters(text)]


def _letters(text: str) -> str:
    """Letters and digits of a text in lower case: ``eurusd`` for ``EUR/USD``."""
    return re.sub(r"\W", "", text.casefold())


def _symbol_columns(layout: Layout, is_repeated: bool) -> list[int]:
    """Columns of text with several values: those that are named for symbols, or any if dates are repeated."""
    columns = []
    for place, name in enumerate(layout.names):
        if place == layout.date or place in layout.ignored:
            continue
        is_named = plain_name(name) in SYMBOL_NAMES
        cells = layout.cells(place) if is_named or is_repeated else []
        distinct = set(cells[:5000])
        if len(distinct) < 2 or len(distinct) * 2 > min(len(cells), 5000):  # notes, or a number of each row
            continue
        if not is_numeric(cells[:_SAMPLE_ROWS]) or (is_named and len(distinct) * 4 < len(cells)):
            columns.append(place)
    return sorted(columns, key=lambda place: plain_name(layout.names[place]) not in SYMBOL_NAMES)
