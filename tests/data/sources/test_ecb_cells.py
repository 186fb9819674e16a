"""Columns of a CSV of numbers, and their values."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from forecaster.data.sources.ecb_cells import MAX_CELL_BYTES, Columns, plain_numbers

CELL = st.text("0123456789.N/A e-", max_size=15) | st.decimals(0, 10**7, places=4).map(str)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5))
def test_columns_are_those_of_a_split(rows: list[tuple[str, str, str]]) -> None:
    columns = Columns("\n".join(map(",".join, rows)).encode(), ["A", "", "B"])
    assert list(columns) == ["A", "B"]
    assert len(columns) == 2
    for place, name in ((0, "A"), (2, "B")):
        assert columns[name].tolist() == [row[place].encode() for row in reversed(rows)]
    assert columns.at(1).tolist() == [row[1].encode() for row in reversed(rows)]


def test_a_long_cell_is_cut() -> None:
    assert Columns(b"1," + b"2" * 10**6, ["A", "B"])["B"].tolist() == [b"2" * MAX_CELL_BYTES]


@given(st.lists(CELL, min_size=1, max_size=20))
def test_plain_numbers_are_those_of_python(cells: list[str]) -> None:
    values, plain = plain_numbers(np.array([cell.encode() for cell in cells]))
    assert plain.tolist() == [len(cell) <= 12 and bool(re.fullmatch(r"\d+(\.\d+)?", cell)) for cell in cells]
    assert [value for value, is_plain in zip(values.tolist(), plain, strict=True) if is_plain] == [
        float(cell) for cell, is_plain in zip(cells, plain, strict=True) if is_plain
    ]
