"""Records of a JSON file: lists of objects or of lists, objects by date, and columns."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from forecaster.data.tables.content import Content
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.names import is_date_name, listed, price_tier
from forecaster.data.tables.table import Record, Table
from forecaster.errors import InputFileError

__all__ = ["json_table"]

_MAX_CELLS = 20_000_000
_MAX_DEPTH = 8
_MAX_LISTED = 16


def json_table(content: Content, text: str) -> Table:
    """The one table in a JSON document, or in lines that are JSON objects; tables of one kind are joined.

    Numbers keep the digits of the file.

    Raises:
        InputFileError: The text is no JSON, or holds no table or several of different kinds.
    """
    document = _document(content, text.lstrip("\ufeff").strip())
    try:
        tables = list(_tables(document, "", 0))
    except ValueError as error:
        raise InputFileError(f"{content.label} is JSON with {error}; keep the columns that are needed") from error
    longest = max((len(records) for _, records in tables), default=0)
    tables = [(name, records) for name, records in tables if len(records) * 2 > longest]
    prices = [table for table in tables if price_tier(table[0].rpartition(".")[2]) is not None]
    tables = prices if len(prices) == 1 else tables
    if not tables or longest < 2:
        raise _no_table(content)
    records = tables[0][1] if len(tables) == 1 else _joined(tables)
    if records is None:
        names = listed([name for name, _ in tables])
        raise InputFileError(
            f"{content.label} has {len(tables)} tables ({names}); expected one list of rows; keep one of them"
        )
    return Table(content.label, content.sha256, "JSON", records, lambda record: f"row {record} of the JSON table")


def _joined(tables: list[tuple[str, list[Record]]]) -> list[Record] | None:
    """Tables with the same columns as one, with a column of their names; None for tables of several kinds.

    Rows that are lists have no names of columns, and the tables then have none in common.
    """
    symbols = _different_parts([name.split(".") for name, _ in tables])
    headers = {tuple(records[0]) for _, records in tables}
    has_names = any(map(is_date_name, itertools.chain(*headers)))
    if has_names and len(headers) == 1:
        rows = [[*row, symbol] for symbol, (_, records) in zip(symbols, tables, strict=True) for row in records[1:]]
        return [[*headers.pop(), "symbol"], *rows]
    if has_names or len({len(header) for header in headers}) > 1:
        return None
    return [[*row, symbol] for symbol, (_, records) in zip(symbols, tables, strict=True) for row in records]


def _different_parts(paths: list[list[str]]) -> list[str]:
    """Parts of names that differ: ``AAPL`` and ``MSFT`` of ``AAPL.values`` and ``MSFT.values``."""
    shared = [0, 0]
    for end, turned in enumerate((paths, [path[::-1] for path in paths])):
        for parts in zip(*turned, strict=False):
            if len(set(parts)) > 1:
                break
            shared[end] += 1
    return [".".join(path[shared[0] : len(path) - shared[1]]) for path in paths]


def _no_table(content: Content) -> InputFileError:
    return InputFileError(
        f'{content.label} is JSON without a table; expected rows such as [{{"date": "2024-07-31", "close": 1.5}}]'
    )


def _document(content: Content, text: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except RecursionError as error:
        raise InputFileError(f"{content.label} is JSON nested too deeply; expected a list of rows") from error
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:  # one object a line
            rows = [json.loads(line, parse_float=str, parse_int=str, parse_constant=str) for line in lines]
        except (ValueError, RecursionError):
            rows = []
        if len(rows) > 1:
            return rows
        raise InputFileError(f"{content.label} is no valid JSON ({error}); expected a list of rows") from error


def _tables(node: Any, name: str, depth: int) -> Iterator[tuple[str, list[Record]]]:
    """Name and records of each table in a document, header first."""
    if depth > _MAX_DEPTH or not isinstance(node, list | dict) or not node:
        return
    records = _records(node)
    if records is not None:
        yield name, records
        return
    joined = (_with_names(node) or _with_dates(node)) if isinstance(node, dict) else None
    if joined is not None:
        yield name, joined
        return
    children = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in children:
        if key == "schema" and "data" in node:  # the columns that pandas describes
            continue
        yield from _tables(child, f"{name}.{key}" if name else str(key), depth + 1)


def _with_names(node: dict[str, Any]) -> list[Record] | None:
    """Rows that are lists, below the list of their names that stands beside them; None for any other node."""
    rows = [value for value in node.values() if isinstance(value, list) and value and isinstance(value[0], list)]
    records = _records(rows[0]) if len(rows) == 1 else None
    if records is None:
        return None
    lists = [list(map(_name, value)) for value in node.values() if isinstance(value, list)]
    headers = [
        names for names in lists if len(names) == len(records[0]) and all(names) and any(map(is_date_name, names))
    ]
    return [headers[0], *records] if len(headers) == 1 else None


def _name(value: Any) -> str:
    """Name of a column in a list of names, or of objects with a name; empty for any other value."""
    name = value.get("name") if isinstance(value, dict) else value
    return name.strip() if isinstance(name, str) else ""


def _with_dates(node: dict[str, Any]) -> list[Record] | None:
    """Columns in or below a node that has the list of their dates, as charts of Yahoo; None for any other node."""
    lists = {
        key: value for key, value in node.items() if isinstance(value, list) and value and all(map(_is_cell, value))
    }
    dates = [key for key in lists if is_date_name(key)]
    if len(dates) != 1:
        return None
    count = len(lists[dates[0]])
    columns = {key: cells for key, cells in lists.items() if key != dates[0] and len(cells) == count}
    waiting = [value for key, value in node.items() if key not in lists]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            own = {key: cells for key, cells in value.items() if isinstance(cells, list) and len(cells) == count}
            columns |= {key: cells for key, cells in own.items() if all(map(_is_cell, cells))}
            waiting += [inner for key, inner in value.items() if key not in columns]
        elif isinstance(value, list) and len(value) == 1:
            waiting += value
    return _of_columns({"date": lists[dates[0]], **columns}) if columns and count > 1 else None


def _records(node: list[Any] | dict[str, Any]) -> list[Record] | None:
    """Records of a node that is a table; None for any other."""
    if isinstance(node, list):
        if len(node) > 1 and all(isinstance(row, dict) for row in node):
            return _of_objects([_flat(row) for row in node]) if any(map(_has_number, node)) else None
        if all(isinstance(row, list) and row and all(map(_is_cell, row)) for row in node):
            return [list(map(_cell, row)) for row in node] if len({len(row) for row in node}) == 1 else None
        return None
    if all(isinstance(node.get(key), list) for key in ("index", "data")):
        return _of_split(node)
    if all(isinstance(value, list) and all(map(_is_cell, value)) for value in node.values()):
        return _of_columns(node)
    if all(map(_is_date_key, node)):
        return _of_dated(node)
    return _of_named(node) if all(isinstance(value, dict) and value for value in node.values()) else None


def _of_named(node: dict[str, dict[str, Any]]) -> list[Record] | None:
    """Records of columns by name, each by date or by number, or of rows by number."""
    if all(map(_is_date_key, itertools.chain(*node.values()))):
        return _of_dated_columns(node)
    columns = {key: list(value.values()) for key, value in node.items()}
    if any(map(is_date_name, node)) and all(map(_is_cell, itertools.chain(*columns.values()))):
        return _of_columns(columns)
    return _of_objects([_flat(row) for row in node.values()]) if all(map(str.isdigit, node)) else None


def _is_date_key(key: str) -> bool:
    return looks_like_date(key) or (key.isdigit() and 9 <= len(key) <= 19)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, str | bool)


def _has_number(row: dict[str, Any]) -> bool:
    return sum(map(_is_cell, _flat(row).values())) > 1


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose objects and lists of cells are columns of their own, as in a list of candles with a mid price."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{key} {inner}": cell for inner, cell in value.items() if _is_cell(cell)}
        elif isinstance(value, list) and len(value) <= _MAX_LISTED and all(map(_is_cell, value)):
            flat |= {f"{key} {number}": cell for number, cell in enumerate(value, start=1)}
        elif _is_cell(value):
            flat[key] = value
    return flat


def _of_objects(rows: list[dict[str, Any]]) -> list[Record]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    _require_bounded(len(rows), len(names))
    return [names, *([_cell(row.get(name)) for name in names] for row in rows)]


def _require_bounded(rows: int, columns: int) -> None:
    """Refuse rows that have few names in common: a table with a column for each would have their number squared.

    Raises:
        ValueError: The table would have too many cells.
    """
    if rows * columns > _MAX_CELLS:
        raise ValueError(f"a table of {rows:,} rows and {columns:,} columns; expected up to {_MAX_CELLS:,} cells")


def _of_columns(node: dict[str, list[Any]]) -> list[Record] | None:
    if len({len(values) for values in node.values()}) != 1 or len(node) < 2:
        return None
    return [list(node), *(list(map(_cell, row)) for row in zip(*node.values(), strict=True))]


def _of_split(node: dict[str, Any]) -> list[Record] | None:
    """Rows of pandas whose dates stand in a list of their own: those of a table, or of one series."""
    if all(map(_is_cell, [*node["index"], *node["data"]])):
        return _of_columns({"date": node["index"], _name(node.get("name")) or "value": node["data"]})
    names = node.get("columns")
    if not isinstance(names, list) or len(node["index"]) != len(node["data"]):
        return None
    if not all(isinstance(row, list) for row in node["data"]):
        return None
    rows = zip(node["index"], node["data"], strict=True)
    return [["date", *map(str, names)], *([_cell(index), *map(_cell, row)] for index, row in rows)]


def _of_dated(node: dict[str, Any]) -> list[Record] | None:
    if all(map(_is_cell, node.values())):
        return [["date", "value"], *([key, _cell(value)] for key, value in node.items())]
    if all(isinstance(value, dict) for value in node.values()):
        return _of_objects([{"date": key, **_flat(value)} for key, value in node.items()])
    return None


def _of_dated_columns(node: dict[str, dict[str, Any]]) -> list[Record] | None:
    dates = dict.fromkeys(itertools.chain(*node.values()))
    if not all(_is_cell(cell) for column in node.values() for cell in column.values()):
        return None
    _require_bounded(len(dates), len(node))
    return [["date", *node], *([date, *(_cell(column.get(date)) for column in node.values())] for date in dates)]
