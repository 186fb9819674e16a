from pathlib import Path

import numpy as np
import pytest

from forecaster.data.exogenous import read_exogenous
from forecaster.errors import InputFileError


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "columns.csv"
        path.write_text(text)
        return path

    return write


def test_columns_have_their_own_dates(written) -> None:
    read = read_exogenous(written("Date,rate,cpi\n2024-01-02,1.5,\n2024-01-01,1,100\n2024-01-03,-2,101\n"))
    assert list(read.columns) == ["rate", "cpi"]
    assert read.columns["rate"].values.tolist() == [1, 1.5, -2]
    assert read.columns["cpi"].values.tolist() == [100, 101]
    assert read.columns["cpi"].dates.astype(str).tolist() == ["2024-01-01", "2024-01-03"]
    assert len(read.sha256) == 64


def test_semicolons_and_decimal_commas(written) -> None:
    assert read_exogenous(written("day;x\n2024-01-01;1,5\n2024-01-02;2,5\n")).columns["x"].values.tolist() == [1.5, 2.5]


def test_without_a_known_name_the_first_column_is_the_date(written) -> None:
    assert np.array_equal(read_exogenous(written("when,x\n2024-01-01,1\n2024-01-02,2\n")).columns["x"].values, [1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date\n2024-01-01\n", "0 named columns"),
        ("date,x,x\n2024-01-01,1,2\n", "has several columns 'x'; rename all but one"),
        ("date,x\n", "no rows of data"),
        ("date,x\n2024-01-01,1\n", "column 'x' has 1 finite values of 1; expected at least 2"),
        ("date,x\n2024-01-01,1\n2024-01-02,inf\n", "column 'x' has 1 finite values of 2"),
        ("date,x\n2024-01-01,1\n2024-01-02,high\n", "line 3: 'x' is 'high'; expected a number"),
        ("date,x\n2024-01-01,1\n2024-01-01,2\n", "line 3: date 2024-01-01 is there twice, first in line 2"),
        ("date,x\nsoon,1\n2024-01-01,2\n", "line 2: date 'soon' is no date"),
    ],
)
def test_files_that_are_no_columns(written, text: str, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        read_exogenous(written(text))
