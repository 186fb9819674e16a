"""Cells of a CSV of numbers in NumPy: no Python object is made for a cell, of which the ECB has 300,000."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray

__all__ = ["Columns", "plain_numbers"]

MAX_CELL_BYTES = 40
"""A longer cell is cut: it is neither a number nor a date."""

_PLAIN_BYTES = 12  # so few digits are exact in a double, and so is the power of ten that divides them
_POWERS = np.array([10.0**decimals for decimals in range(_PLAIN_BYTES)])


class Columns(Mapping[str, AnyArray]):
    """Columns of a CSV by name, the last row first; each is cut out when it is read.

    Args:
        body: Rows of equally many cells, without quotes and NUL characters, and without a newline at the end.
        names: Names of the columns; the mapping leaves out those without one.
    """

    def __init__(self, body: bytes, names: Sequence[str]) -> None:
        self._text = np.frombuffer(body, dtype=np.uint8)
        separators = np.flatnonzero((self._text == ord(",")) | (self._text == ord("\n")))
        self._bounds = np.concatenate([[-1], separators, [len(body)]])  # around the cells, row by row
        self._width = len(names)
        self._places = {name: place for place, name in enumerate(names) if name}

    def __getitem__(self, name: str) -> AnyArray:
        return self.at(self._places[name])

    def at(self, place: int) -> AnyArray:
        """(T,) bytes of the cells of the column at `place`, from 0."""
        starts = self._bounds[place : -1 : self._width][::-1, None] + 1
        lengths = self._bounds[place + 1 :: self._width][::-1, None] - starts
        offsets = np.arange(np.clip(lengths.max(), 1, MAX_CELL_BYTES))
        characters = np.where(offsets < lengths, self._text.take(starts + offsets, mode="clip"), np.uint8(0))
        return characters.view(f"S{len(offsets)}")[:, 0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def plain_numbers(cells: AnyArray) -> tuple[FloatArray, BoolArray]:
    """Values of cells such as ``1.0853``, to the last bit those of `float`, and which cells are such.

    A plain number has digits, a point between two of them at most, and up to 12 characters.

    Args:
        cells: (T,) bytes.

    Returns:
        (T,) values, which mean nothing where a cell is not plain, and (T,) True where it is.

    >>> plain_numbers(np.array([b"1.0853", b"136", b"N/A"]))[0][:2]
    array([  1.0853, 136.    ])
    """
    characters = np.ascontiguousarray(cells.view(np.uint8).reshape(len(cells), -1).T)
    is_digit = (characters >= ord("0")) & (characters <= ord("9"))
    is_point = characters == ord(".")
    digits = np.zeros(len(cells), dtype=np.int64)
    decimals = np.zeros(len(cells), dtype=np.intp)
    after_point = np.zeros(len(cells), dtype=bool)
    for place in range(min(len(characters), _PLAIN_BYTES)):
        digits = np.where(is_digit[place], 10 * digits + characters[place] - ord("0"), digits)
        decimals += is_digit[place] & after_point
        after_point |= is_point[place]
    plain = (is_digit | is_point | (characters == 0)).all(axis=0) & is_digit[0]
    plain &= is_point.sum(axis=0) == (decimals > 0)
    plain &= (characters[_PLAIN_BYTES:] == 0).all(axis=0)
    return digits / _POWERS[decimals], plain
