"""Positions: an amount of a currency, or a number of shares, such as ``1000000USD`` or ``-100 AAPL``."""

import dataclasses
import re

from forecaster.data.instruments import CURRENCIES, Instrument, shown
from forecaster.errors import UsageError

__all__ = ["Position", "parse_position", "position_in"]

_EXPECTED = "expected an amount and its currency or symbol, such as 1000000USD, -250000 EUR or 100 AAPL"
_COMMA_NUMBER = r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}|\d+,\d{1,2}"
_POINT_NUMBER = r"\d{1,3}(?:[,_']\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?(?:[eE]\+?\d{1,2}(?=\s|[A-Za-z^]))?"
_AMBIGUOUS = re.compile(r"\d{1,3}\.\d{3}")
_NAME_FIRST = re.compile(r"([A-Za-z]{3})\s*([+-]?\d.*)")
_POSITION = re.compile(
    rf"(?P<sign>[+-]?)\s*(?:(?P<comma>{_COMMA_NUMBER})|(?P<point>{_POINT_NUMBER}))"
    r"(?:\s*(?P<name>[A-Za-z^][A-Za-z0-9.=&_^-]{0,31})|\s+(?P<spaced>[A-Za-z0-9^][A-Za-z0-9.=&_^-]{0,31}))",
    re.ASCII,
)
_MAX_AMOUNT = 1e15


@dataclasses.dataclass(frozen=True)
class Position:
    """An amount of something that has a price.

    Args:
        amount: Units; negative for what is sold short or owed.
        name: Currency, or symbol of a stock.
    """

    amount: float
    name: str

    def __str__(self) -> str:
        return f"{self.amount:,.10g} {self.name}"


def parse_position(text: str) -> Position:
    """Read a position.

    Raises:
        UsageError: It is no position, or its amount is 0 or too large.

    >>> parse_position("1,000,000 usd"), parse_position("EUR -1.000.000,5")
    (Position(amount=1000000.0, name='USD'), Position(amount=-1000000.5, name='EUR'))
    """
    spelling = text.strip()
    name_first = _NAME_FIRST.fullmatch(spelling)
    if name_first is not None and name_first[1].upper() in CURRENCIES:
        spelling = f"{name_first[2]} {name_first[1]}"
    match = _POSITION.fullmatch(spelling)
    if match is None:
        raise UsageError(f"position {shown(text)} is malformed; {_EXPECTED}")
    number = match["point"] or match["comma"].replace(".", "").replace(",", ".")
    if _AMBIGUOUS.fullmatch(match["point"] or ""):
        raise UsageError(
            f"position {shown(text)}: {number} may be {number.replace('.', '')} or {float(number):g}; expected digits "
            "without a sign between thousands, such as 250000EUR"
        )
    amount = float(re.sub(r"[,_']", "", number))
    if not 0 < amount <= _MAX_AMOUNT:
        raise UsageError(f"position {shown(text)} has the amount {amount:g}; expected more than 0, up to 1e15")
    return Position(-amount if match["sign"] == "-" else amount, (match["name"] or match["spaced"]).upper())


def position_in(position: Position, instrument: Instrument) -> Instrument:
    """The instrument, or its inverse quotation, whose price is that of one unit of `position`.

    Raises:
        UsageError: The position is in another currency, or in another stock.

    >>> from forecaster.data.instruments import parse_pair
    >>> position_in(Position(5e6, "JPY"), parse_pair("USDJPY")).name
    'JPYUSD'
    """
    if instrument.base is None or instrument.quote is None:
        if position.name != instrument.name.upper():
            kind = "an amount of a currency" if position.name in CURRENCIES else f"a position in {position.name}"
            raise UsageError(
                f"--position {position}: {kind}, but the forecast is of {instrument.name}; expected a number of its "
                f"units, such as 100{instrument.name}"
            )
        return instrument
    if position.name not in (instrument.base, instrument.quote):
        raise UsageError(
            f"--position {position}: {instrument.name} says nothing about {position.name}; expected an amount of "
            f"{instrument.base} or {instrument.quote}, such as 1000000{instrument.base}"
        )
    same = position.name == instrument.base
    return instrument if same else Instrument("pair", instrument.quote + instrument.base)
