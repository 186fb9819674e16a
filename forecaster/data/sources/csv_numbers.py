"""Numbers as people write them in files, with one decimal sign in a whole file."""

import math
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.instruments import shown
from forecaster.data.sources.csv_text import CsvText

__all__ = ["EMPTY", "NumberReader", "number_in"]

EMPTY = frozenset({"", ".", "-", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Texts of a cell without a value, in lower case."""


class NumberReader:
    """Turns cells into numbers, and remembers which decimal sign the file has shown so far.

    Args:
        text: The file, for its delimiter and for messages.
        advice: Further advice, at the end of a message about text where a number should be.
    """

    def __init__(self, text: CsvText, advice: str = "") -> None:
        self._text = text
        self._advice = advice
        self._signs: dict[str, str] = {}

    def read(self, cells: Sequence[str], column: str, first_row: int) -> FloatArray:
        """(T,) values of the cells, NaN where empty.

        Raises:
            InputFileError: A cell holds text, or the file has decimal points and decimal commas.
        """
        together = "".join(cells)
        if self._text.delimiter != ";" and not any(sign in together for sign in "_nN"):
            try:
                return np.array(list(map(float, cells)))
            except ValueError:
                pass  # empty cells, or text: look at them one by one
        values = np.empty(len(cells))
        for row, cell in enumerate(cells):
            values[row] = self._cell(cell.strip(), column, first_row + row)
        return values

    def _cell(self, cell: str, column: str, row: int) -> float:
        if cell.lower() in EMPTY:
            return math.nan
        number = number_in(cell, decimal_comma=self._text.delimiter == ";")
        if number is None:
            self._text.refuse(row, f"{shown(column)} is {shown(cell)}; expected a number such as 1234.56{self._advice}")
        for sign in ",.":
            if sign in cell:
                self._signs.setdefault(sign, cell)
        if len(self._signs) > 1:
            both = " and ".join(shown(sign) for sign in self._signs.values())
            self._text.refuse(
                row,
                f"{shown(column)} is {shown(cell)}, but {both} have different decimal signs; "
                "expected one of them in the whole file, and no thousands separators",
            )
        return number


def number_in(cell: str, *, decimal_comma: bool) -> float | None:
    """The number that a cell shows; None for text, ``1_000``, and a comma that is not the decimal sign."""
    if "_" in cell or (decimal_comma and ("," in cell and "." in cell)):
        return None
    try:
        return float(cell.replace(",", ".") if decimal_comma else cell)
    except ValueError:
        return None
