"""Numbers as people write them: currency signs, groups of thousands, decimal commas, units, and empty cells.

A cell such as ``1,234`` is one thousand or a little more than one. What it means is decided for a whole file
(`decimal_sign`), and nothing is read where the file does not decide.
"""

import dataclasses
import math
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import FloatArray

__all__ = [
    "EMPTY",
    "PLAIN_SIGNS",
    "Column",
    "DecimalSign",
    "has_small_digits",
    "is_empty",
    "is_numeric",
    "plain_floats",
]

DecimalSign = Literal["point", "comma"]

EMPTY = frozenset({
    *("", ".", "..", "...", "-", "--", "---", "\u2013", "\u2014", "\u2026", ":", "na", "n/a", "n.a."),
    *("n.a", "nan", "nat", "null", "nil", "none", "nd", "n.d.", "n.d", "n/d", "nv", "n.v.", "ka", "k.a.", "s/d", "sd"),
    *("nc", "n.c.", "na()", "<na>", "<null>", "(null)", "\\n", "#na", "#n/a", "#n/a n/a", "#value!"),
    *("#div/0!", "#ref!", "#name?", "#num!", "#null!", "#n/d", "#nv", "#n/v", "#bezug!", "#wert!", "not available"),
    *("not_available", "unavailable", "no data", "no value", "missing", "void", "closed", "holiday", "bank holiday"),
    *("kein wert vorhanden", "nicht verf\u00fcgbar", "no disponible", "non disponible", "non disponibile", "nm", "nmf"),
    *("''", "n.b.", "b.d.", "brak", "feriado", "ferm\u00e9", "geschlossen"),
    *("\u4f11\u5e02", "\u4f11\u5834", "\u4f11\u573a", "\ud734\uc7a5"),
})  # fmt: skip
"""Texts of a cell without a value, in lower case."""

_EMPTY_FORMS = re.compile(r"#\S{1,20}[!?]|#?[^\W\d_]/[^\W\d_]|-?1\.#\w+")
"""Errors of spreadsheets in any language, two letters such as N/E for no value, and numbers of C that are none."""

_EVENT = re.compile(
    r"dividend|split|capital gain|distribution|spin-?off|\u914d\u5f53|\u5206\u5272|\u5206\u7ea2|\u80a1\u606f",
    re.IGNORECASE,
)

_UNITS = {
    "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "bn": 1e9, "mn": 1e6, "mm": 1e6, "tn": 1e12, "mil": 1e6, "mio": 1e6,
    "mrd": 1e9, "mld": 1e9, "pts": 1.0, "pkt": 1.0, "tsd": 1e3, "mill": 1e6, "cr": 1e7, "lac": 1e5, "lakh": 1e5,
    "тыс": 1e3, "млн": 1e6, "млрд": 1e9, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "만": 1e4, "억": 1e8,
}  # fmt: skip
"""Unit behind a number, in lower case without a point -> factor."""

_CURRENCY = (
    r"(?:[A-Za-z]{0,3}\s?[$€£¥₹₩₽₺₫฿₪₴₦₱¢₿₵₡₸₼₾₮﷼₨]|[A-Z]{3}|Rs\.?|Rp\.?|kr\.?|Kč|zł|Ft|Fr\.?|лв\.?|"
    r"\u0440\u0443\u0431\.?|元|円|원|GBp|GBX|p|R(?=[\d ]))"
)
_EQUATION = re.compile(r"1 ?[A-Z]{3} ?= ?")
"""Begin of a rate in words: ``1 USD = 150.39 JPY``."""

_SHAPE = re.compile(
    rf"(?P<sign>[+-]?)\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[+-]?)\s*(?P<body>[\d.,][\d.,' ]*(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<unit>%|[^\W\d_]{{1,4}}\.?)?\s*(?P<behind>{_CURRENCY})?\s*(?P<trailing>-?)"
)
_NO_DECIMALS = re.compile(r"(?<=\d[.,])--?(?=\D*$)")
"""Dash in place of decimals: ``150.-`` and ``150,- €``."""

_GROUPS = r"[1-9]\d{0,2}(?:([ ']|GROUP)\d{3}(?:\2\d{3})*)"
_EXPONENT = r"(e[+-]?\d+)?"
_INDIAN = r"|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}"
_BODIES: dict[DecimalSign, re.Pattern[str]] = {
    "point": re.compile(rf"((?:\d+|{_GROUPS.replace('GROUP', '(?!)')}{_INDIAN})(?:\.\d*)?|\.\d+)" + _EXPONENT),
    "comma": re.compile(rf"((?:\d+|{_GROUPS.replace('GROUP', '[.]')})(?:,\d*)?|,\d+)" + _EXPONENT),
}
_THIRTY_SECONDS = re.compile(r"\d{2,3}'([0-2]\d|3[01])[0257]")
PLAIN_SIGNS = str.maketrans({
    **dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t", " "),
    **dict.fromkeys("\u2019\u2018\u0060\u00b4\u02bc\u2032\u02d9\u066c", "'"),
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63", "-"),
    **{chr(0x0660 + digit): str(digit) for digit in range(10)},  # Arabic
    **{chr(0x06F0 + digit): str(digit) for digit in range(10)},  # Persian
    **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", None),  # marks without width, of the direction of a text
    **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", None),
    "\u066b": ".",
})  # fmt: skip
"""Signs in numbers and dates of other writing systems -> plain ones."""


def is_empty(cell: str) -> bool:
    """True for a cell without a value, such as ``ND`` or ``#N/A N/A``."""
    lower = (cell[1:-1] if cell[:1] == "(" and cell[-1:] == ")" else cell).lower()
    if lower in EMPTY or (lower.startswith(("#n/a", "nan")) and len(lower) < 40):
        return True
    return ("/" in lower or "#" in lower) and bool(_EMPTY_FORMS.fullmatch(lower))


def is_event(cell: str) -> bool:
    """True for the text of a dividend or a split, which stands among the prices of some pages."""
    return len(cell) < 80 and bool(_EVENT.search(cell))


@dataclasses.dataclass(frozen=True)
class Cell:
    """The readings of one cell.

    Args:
        values: Decimal sign -> value; a sign is left out if the cell cannot be read with it.
        currency: Its currency sign, or empty.
        is_percentage: True if a per cent sign stands behind it.
    """

    values: dict[DecimalSign, float]
    currency: str = ""
    is_percentage: bool = False


def has_small_digits(cell: str) -> bool:
    """True for a text with a footnote in raised or circled digits, which would be read as further digits."""
    return not cell.isascii() and any(char.isdigit() and not char.isdecimal() for char in cell)


def read_cell(cell: str) -> Cell | None:
    """The readings of a cell with content; None for text."""
    if has_small_digits(cell):
        return None
    text = cell if cell.isascii() else unicodedata.normalize("NFKC", cell.translate(PLAIN_SIGNS)).translate(PLAIN_SIGNS)
    text = text.strip().strip('"').strip()
    text = _NO_DECIMALS.sub("", text)
    equation = _EQUATION.match(text)
    text = text[equation.end() :] if equation else text
    if text.lower().lstrip("+-") in ("inf", "infinity"):  # a number, though no price
        return Cell(dict.fromkeys(_BODIES, float(text)))
    negative = text.startswith("(") and text.endswith(")")
    match = _SHAPE.fullmatch(text[1:-1].strip() if negative else text)
    if match is None or sum(map(bool, (match["sign"], match["inner"], match["trailing"], negative))) > 1:
        return None
    unit = (match["unit"] or "").rstrip(".").lower()
    currency = (match["before"] or "") + (match["behind"] or "")
    factor = 1.0
    if unit and unit != "%":
        if unit in _UNITS and not (unit == "m" and match["unit"] == "m" and currency):
            factor = _UNITS[unit]
        elif re.fullmatch(_CURRENCY, match["unit"]):
            currency += match["unit"]
        else:
            return None
    sign = -1.0 if negative or "-" in (match["sign"], match["inner"], match["trailing"]) else 1.0
    body = match["body"].strip().lower()
    values: dict[DecimalSign, float] = {}
    for decimal, pattern in _BODIES.items():
        if pattern.fullmatch(body):
            values[decimal] = _value(body, decimal, factor) * sign
    return Cell(values, currency, unit == "%") if values else None


def _value(body: str, decimal: DecimalSign, factor: float) -> float:
    digits = body.replace(" ", "").replace("'", "")
    digits = digits.replace(",", "") if decimal == "point" else digits.replace(".", "").replace(",", ".")
    if factor == 1.0:
        return float(digits)
    mantissa, _, exponent = digits.partition("e")  # 61.03M is 61030000 exactly, not 61.03 * 1e6
    return float(f"{mantissa}e{int(exponent or 0) + round(math.log10(factor))}")


def plain_floats(cells: Sequence[str]) -> FloatArray | None:
    """(T,) numbers of a column that Python reads as they are; None for any other, or if a comma could be meant."""
    together = "".join(cells)
    if any(sign in together for sign in "_nNiI ,'"):
        return None
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        return None


def is_numeric(cells: Sequence[str]) -> bool:
    """True if the cells with content, of which there is at least one, are numbers."""
    filled = [cell for cell in cells if not is_empty(cell)]
    return bool(filled) and all(read_cell(cell) is not None for cell in filled)


class Column:
    """The cells of a column, in every way in which they can be read.

    Args:
        cells: (T,) texts.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        self.cells = cells
        self.plain = plain_floats(cells)
        self._readings: list[Cell | None] | None = None

    @property
    def readings(self) -> list[Cell | None]:
        """(T,) readings of each cell; None for empty cells and for text."""
        if self._readings is None:
            distinct = {cell: None if is_empty(cell) else read_cell(cell) for cell in set(self.cells)}
            self._readings = [distinct[cell] for cell in self.cells]
        return self._readings

    def text_row(self) -> int | None:
        """First row with a text that is no number; None if there is none."""
        if self.plain is not None:
            return None
        rows = zip(self.cells, self.readings, strict=True)
        return next((row for row, (cell, reading) in enumerate(rows) if reading is None and not is_empty(cell)), None)

    def fault_row(self, decimal: DecimalSign) -> int | None:
        """First row whose number cannot be read with a decimal sign; None if all can."""
        if self.plain is not None and decimal == "point":
            return None
        rows = enumerate(self.readings)
        return next((row for row, cell in rows if cell is not None and decimal not in cell.values), None)

    def values(self, decimal: DecimalSign) -> FloatArray:
        """(T,) numbers, NaN for empty cells; every cell must be readable with the decimal sign."""
        if self.plain is not None and decimal == "point":
            return self.plain
        return np.array([math.nan if cell is None else cell.values[decimal] for cell in self.readings])

    def is_certain(self, decimal: DecimalSign) -> bool:
        """True if some cell can be read with this decimal sign only."""
        if self.plain is not None:
            signs = [cell.rpartition(".")[2] for cell in self.cells if "." in cell]
            if any(len(digits) != 3 for digits in signs):
                return decimal == "point"
        return any(cell is not None and list(cell.values) == [decimal] for cell in self.readings)

    def differs(self) -> bool:
        """True if some cell has two values."""
        if self.plain is not None and not any("." in cell for cell in self.cells):
            return False
        return any(cell is not None and len(set(cell.values.values())) > 1 for cell in self.readings)

    def mixture(self) -> tuple[int, str] | None:
        """Row and description of a second currency or of a per cent sign beside numbers without it; None if none."""
        if self.plain is not None:
            return None
        filled = [(row, cell) for row, cell in enumerate(self.readings) if cell is not None]
        if not filled:
            return None
        currencies = {cell.currency: row for row, cell in reversed(filled)}
        if len(currencies.keys() - {""}) > 1 or {"", "p"} <= currencies.keys():
            return max(currencies.values()), "has another currency sign than the rows above"
        if all(_THIRTY_SECONDS.fullmatch(cell.translate(PLAIN_SIGNS)) for cell in self.cells if not is_empty(cell)):
            return filled[0][0], "may count 32nds, as bond futures do"
        percentages = {cell.is_percentage: row for row, cell in reversed(filled)}
        if len(percentages) > 1:
            return max(percentages.values()), "is a percentage in some rows only"
        return None
