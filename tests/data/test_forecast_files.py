"""Files of forecasts that others have made: columns, levels, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from forecaster.data.forecast_files import level_of, read_forecasts
from forecaster.errors import InputFileError

WIDE = "instrument,cutoff,step,q0.1,q0.5,q0.9\nUSDJPY,2020-01-02,1,100,101,102\nUSDJPY,2020-01-03,1,101,,103\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bank.csv"
    path.write_text(text, encoding="utf-8")
    return path


def with_column(tmp_path: Path, *cells: str) -> Path:
    lines = [f"{line},{cell}" for line, cell in zip(WIDE.splitlines(), cells, strict=True)]
    return written(tmp_path, "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["q0.1", "0.1", "10%", "10 %", "p10", "P_10", "quantile 0.1", "Quantile_0.1", "q10"])
def test_every_usual_name_of_a_level_is_read(name: str) -> None:
    assert level_of(name) == 0.1


@pytest.mark.parametrize("name", ["10", "q025", "q0", "p100", "1.5", "price", "q", "%", "0", "q1e-1"])
def test_other_names_are_no_levels(name: str) -> None:
    assert level_of(name) is None


def test_a_wide_file(tmp_path: Path) -> None:
    file = read_forecasts(written(tmp_path, WIDE.replace("step", "step,note").replace(",1,", ",1,x,")))
    assert file.levels == (0.1, 0.5, 0.9)
    np.testing.assert_array_equal(file.values, [[100, 101, 102], [101, np.nan, 103]])
    assert file.cutoffs.astype(str).tolist() == ["2020-01-02", "2020-01-03"]
    assert file.unread == ("note",)


def test_the_median_of_our_own_files_is_the_quantile_beside_it(tmp_path: Path) -> None:
    assert read_forecasts(with_column(tmp_path, "median", "101", "")).levels == (0.1, 0.5, 0.9)
    with pytest.raises(InputFileError, match=r"'q0\.5' and 'median' are one level"):
        read_forecasts(with_column(tmp_path, "median", "101", "102"))


@pytest.mark.parametrize(("texts", "frequency"), [("1wk,1wk", "1wk"), ("weekly,1W", "1wk"), ("rare,rare", None)])
def test_the_rows_that_the_steps_count(tmp_path: Path, texts: str, frequency: str | None) -> None:
    file = read_forecasts(with_column(tmp_path, "frequency", *texts.split(",")))
    assert file.frequency == frequency
    assert file.unread == (() if frequency else ("frequency",))


def test_one_file_counts_one_kind_of_rows(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="line 1: frequency is 1d and 1wk; expected one"):
        read_forecasts(with_column(tmp_path, "frequency", "1d", "1wk"))


def test_the_order_of_day_and_month(tmp_path: Path) -> None:
    path = written(tmp_path, WIDE.replace("2020-01-02", "02/01/2020").replace("2020-01-03", "03/01/2020"))
    assert read_forecasts(path, "dmy").cutoffs.astype(str).tolist() == ["2020-01-02", "2020-01-03"]
    with pytest.raises(InputFileError, match="--date-order"):
        read_forecasts(path)


def test_columns_are_sorted_by_their_levels(tmp_path: Path) -> None:
    file = read_forecasts(written(tmp_path, "instrument,cutoff,step,90%,median,10%\nUSDJPY,2020-01-02,1,102,101,100\n"))
    assert file.levels == (0.1, 0.5, 0.9)
    assert file.values.tolist() == [[100, 101, 102]]


def test_a_long_file_is_the_same_as_a_wide_one(tmp_path: Path) -> None:
    lines = [f"bank,USDJPY,2020-01-0{day},1,{level},{100 + level}" for level in (90, 10, 50) for day in (3, 2)]
    file = read_forecasts(written(tmp_path, "\n".join(["model,instrument,cutoff,step,level,value", *lines]) + "\n"))
    assert file.levels == (0.1, 0.5, 0.9)
    assert file.values.tolist() == [[110, 150, 190]] * 2
    assert file.models == ["bank", "bank"]
    assert not file.repeated.any()


def test_a_level_that_a_long_file_repeats_is_marked(tmp_path: Path) -> None:
    lines = [f"USDJPY,2020-01-02,{step},{level},1" for step in (1, 2) for level in (0.1, 0.9)]
    text = "\n".join(["instrument,cutoff,step,level,value", *lines, lines[0]]) + "\n"
    assert read_forecasts(written(tmp_path, text)).repeated.tolist() == [True, False]


def test_mean_and_sigma_with_and_without_degrees_of_freedom(tmp_path: Path) -> None:
    text = "instrument,cutoff,step,mean,sigma,df\nUSDJPY,2020-01-02,1,100,0.5,5\nUSDJPY,2020-01-03,1,100,0.5,\n"
    file = read_forecasts(written(tmp_path, text))
    assert file.degrees_of_freedom is not None
    assert file.degrees_of_freedom.tolist() == [5, np.inf]
    assert file.values.tolist() == [[100, 0.5]] * 2


def test_a_mean_beside_quantiles_is_not_read(tmp_path: Path) -> None:
    assert read_forecasts(written(tmp_path, WIDE.replace("q0.5", "mean"))).unread == ("mean",)


def test_decimal_commas(tmp_path: Path) -> None:
    text = "instrument;cutoff;step;0.1;0.9\nUSDJPY;2020-01-02;1;100,25;101,5\n"
    assert read_forecasts(written(tmp_path, text)).values.tolist() == [[100.25, 101.5]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("instrument,cutoff", "name,cutoff", "no column instrument"),
        ("cutoff,step", "cutoff,days", "no column step"),
        ("q0.9", "10%", "are one level"),
        ("q0.1,q0.5,q0.9", "q0.6,q0.7,q0.9", "expected some below 0.5"),
        ("q0.1,q0.5,q0.9", "a,b,c", "no distribution"),
        ("q0.5,q0.9", "mean,sigma", "two kinds of distributions"),
        ("q0.1,q0.5,q0.9", "a,b,sigma", "no mean"),
        ("q0.1,q0.5", "step,q0.5", "2 times"),
        ("2020-01-03", "yesterday", "line 3: cutoff: 'yesterday' is no date"),
        (",101,,103", ",101,abc,103", "line 3: q0.5 is 'abc'; expected a number"),
        ("1,101,,103", "1,101", "line 3: it has 4 cells"),
        ("USDJPY,2020-01-03", ",2020-01-03", "line 3: 'instrument' is empty"),
        ("100,101,102", '100,"1,010",102', "may be two numbers"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WIDE
    with pytest.raises(InputFileError, match=message.replace("(", r"\(")) as caught:
        read_forecasts(written(tmp_path, WIDE.replace(old, new, 1)))
    assert "\n" not in caught.value.messages[0]


@pytest.mark.parametrize("level", ["0", "100", "-0.1", ""])
def test_a_level_outside_of_its_range_is_refused(tmp_path: Path, level: str) -> None:
    text = f"instrument,cutoff,step,level,value\nUSDJPY,2020-01-02,1,0.1,100\nUSDJPY,2020-01-02,1,{level},101\n"
    with pytest.raises(InputFileError, match="line 3: level is"):
        read_forecasts(written(tmp_path, text))


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no forecast below the header"):
        read_forecasts(written(tmp_path, WIDE.splitlines()[0] + "\n"))
