"""Portfolios: positions in currencies or in stocks, read from a CSV, Excel or YAML file."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecaster.data.instruments import CURRENCIES, shown
from forecaster.data.positions import Position, parse_position
from forecaster.errors import InputFileError, UsageError
from forecaster.files import read_regular_file
from forecaster.yaml_text import MAX_BYTES, YamlTextError, parse_yaml, unreadable

__all__ = ["MAX_POSITIONS", "Portfolio", "portfolio_of", "read_portfolio"]

MAX_POSITIONS = 60
"""Positions of a portfolio."""

_AMOUNTS = (
    *("amount", "quantity", "shares", "units", "number", "notional", "exposure"),
    *("betrag", "menge", "stück", "anzahl", "nominal", "montant", "quantité", "importe", "importo"),
)
_NAMES = (
    *("currency", "ccy", "symbol", "ticker", "instrument", "name", "unit"),
    *("währung", "devise", "divisa", "moneda", "valuta"),
)
_EXPECTED = "expected the columns amount and currency, or amount and symbol"
_EXPECTED_YAML = "expected a list of positions such as 1000000USD, or keys such as USD: 1000000"
_YAML_ENDINGS = (".yaml", ".yml")


@dataclasses.dataclass(frozen=True)
class Portfolio:
    """Positions, one for each currency or symbol.

    Args:
        label: Name of the file, as messages show it.
        positions: Positions in the order of the file; those of one name are added.
        sha256: Hash of the bytes of the file; None for a portfolio that a program gives.
    """

    label: str
    positions: tuple[Position, ...]
    sha256: str | None = None

    @property
    def is_of_currencies(self) -> bool:
        """True if the positions are amounts of currencies."""
        return self.positions[0].name in CURRENCIES


def read_portfolio(path: Path) -> Portfolio:
    """Read a table with the columns amount and currency or symbol, or YAML: a list of positions, or name -> amount.

    Raises:
        InputFileError: The file cannot be read, or lines of it are no position; one message for each.
    """
    is_yaml = path.suffix.lower() in _YAML_ENDINGS
    sha256, rows = _yaml_rows(path) if is_yaml else _table_rows(path)
    positions: list[Position] = []
    mistakes: list[str] = []
    for place, text in rows:
        try:
            positions.append(parse_position(text))
        except UsageError as error:
            mistakes.append(f"{path}, {place}: {error.messages[0]}")
    if mistakes:
        raise InputFileError(*mistakes)
    return dataclasses.replace(portfolio_of(positions, str(path)), sha256=sha256)


def portfolio_of(positions: list[Position], label: str) -> Portfolio:
    """The portfolio of some positions.

    Raises:
        InputFileError: There are none, or too many, or currencies and stocks together.
    """
    amounts: dict[str, float] = {}
    for position in positions:
        amounts[position.name] = amounts.get(position.name, 0.0) + position.amount
    merged = tuple(Position(amount, name) for name, amount in amounts.items() if amount)
    if not merged:
        raise InputFileError(f"{label} holds no position; {_EXPECTED}")
    if len(merged) > MAX_POSITIONS:
        raise InputFileError(f"{label} holds {len(merged)} positions; expected at most {MAX_POSITIONS}")
    currencies = [position.name for position in merged if position.name in CURRENCIES]
    if currencies and len(currencies) < len(merged):
        other = next(position.name for position in merged if position.name not in CURRENCIES)
        raise InputFileError(
            f"{label} holds {currencies[0]} and {shown(other)}; expected currencies alone, or stocks of one universe"
        )
    return Portfolio(label, merged)


def _table_rows(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """Hash of a table, and place and text of each position."""
    from forecaster.data.tables.opening import open_table

    table = open_table(path)
    header = [cell.strip().lower() for cell in table.records[0]]
    amount = next((header.index(name) for name in _AMOUNTS if name in header), None)
    name = next((header.index(name) for name in _NAMES if name in header), None)
    if amount is None or name is None:
        raise InputFileError(f"{table.label} has the columns {', '.join(map(shown, header[:9]))}; {_EXPECTED}")
    amounts = _amounts([record[amount].strip() if len(record) > amount else "" for record in table.records[1:]])
    rows = []
    for index, record in enumerate(table.records[1:], start=1):
        if len(record) > len(header):
            table.refuse(index, f"{len(record)} cells; expected {len(header)}, as in the header")
        if len(record) > max(amount, name) and any(cell.strip() for cell in record):
            rows.append((table.place(index), f"{amounts[index - 1]} {record[name].strip()}"))
    return table.sha256, rows


def _amounts(cells: list[str]) -> list[str]:
    """Texts of amounts; where one of them decides the decimal sign, all with a decimal point."""
    from forecaster.data.tables.numbers import Column, DecimalSign

    signs: tuple[DecimalSign, ...] = ("point", "comma")
    column = Column(cells)
    sign = next((sign for sign in signs if column.is_certain(sign)), None)
    if sign is None or column.text_row() is not None or column.fault_row(sign) is not None:
        return cells
    return [f"{value:.12f}" for value in column.values(sign)]


def _yaml_rows(path: Path) -> tuple[str, list[tuple[str, str]]]:
    try:
        content = read_regular_file(path, MAX_BYTES)
        rows = list(_yaml_positions(parse_yaml(content.decode("utf-8-sig")).value))
    except YamlTextError as error:
        line = "" if error.line is None else f", line {error.line}"
        raise InputFileError(f"{path}{line}: {error.problem}; {_EXPECTED_YAML}") from error
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path}: {unreadable(error)}") from error
    return hashlib.sha256(content).hexdigest(), rows


def _yaml_positions(value: Any) -> Iterator[tuple[str, str]]:
    """Place and text of every position."""
    if isinstance(value, dict) and set(value) == {"positions"}:
        value = value["positions"]
    if isinstance(value, dict):
        yield from ((f"key {shown(str(name))}", f"{_amount_text(amount)} {name}") for name, amount in value.items())
    elif isinstance(value, list):
        for number, item in enumerate(value, start=1):
            text = f"{_amount_text(item.get('amount'))} {_name_of(item)}" if isinstance(item, dict) else str(item)
            yield f"item {number}", text
    else:
        raise YamlTextError("it is neither a list nor a mapping")


def _amount_text(amount: Any) -> str:
    return f"{amount:.12f}" if isinstance(amount, float) else str(amount)


def _name_of(item: dict[str, Any]) -> Any:
    return next((item[key] for key in _NAMES if key in item), None)
