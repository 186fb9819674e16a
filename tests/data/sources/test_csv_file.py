import datetime
import gzip
import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.findings import Finding
from forecaster.data.instruments import csv_instrument, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.tables import text_table
from forecaster.data.validation import MarketExpectations, RawRows, validate
from forecaster.errors import ConfigError, InputFileError, UsageError

WriteFile = Callable[..., Path]
TODAY = datetime.date(2026, 11, 20)


def load(path: Path, **options: object) -> PriceSeries:
    return answer(path, **options).series


def answer(path: Path, **options: object) -> Loaded:
    return get_source("csv").load(LoadRequest(csv_instrument(path), path.parent, TODAY, options))


def findings(path: Path) -> dict[str, Finding]:
    return {finding.code: finding for finding in answer(path).findings}


@pytest.fixture
def file(tmp_path: Path) -> WriteFile:
    def write(content: str | bytes, name: str = "prices.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_a_plain_file(file: WriteFile) -> None:
    path = file("date,close\n2024-01-02,1.5\n2024-01-03,1.25\n")
    series = load(path)
    assert (series.source, series.symbol, series.instrument.path) == ("csv", "prices", path)
    assert series.dates.astype(str).tolist() == ["2024-01-02", "2024-01-03"]
    assert series.close.tolist() == [1.5, 1.25]
    assert series.rounding is None
    assert series.meta == {
        "file": str(path),
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "layout": "utf-8, comma separated, dates year-month-day",
        "columns": "date=date, close=close",
    }


def test_open_high_low_volume_as_yahoo_writes_them(file: WriteFile) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,2,0.5,1.5,1.4,100\n2024-01-03,1,2,0.5,1.6,1.5,\n"
    series = load(file(text))
    assert list(series.columns) == ["open", "high", "low", "close", "adj_close", "volume"]
    assert series.columns["adj_close"].tolist() == [1.4, 1.5]
    np.testing.assert_array_equal(series.columns["volume"], [100.0, np.nan])


@pytest.mark.parametrize("name", ["date", "Date", "DATETIME", "Time", "timestamp", " day "])
@pytest.mark.parametrize("price", ["close", "Adj Close", "adj_close", "PRICE", "rate", "Last", "value", "DEXJPUS"])
def test_columns_are_found_by_name(file: WriteFile, name: str, price: str) -> None:
    assert load(file(f"{name},note,{price}\n2024-01-02,a,1.5\n2024-01-03,b,1.25\n")).close.tolist() == [1.5, 1.25]


def test_close_is_preferred_and_order_of_columns_does_not_matter(file: WriteFile) -> None:
    series = load(file("value,close,date\n9,1.5,2024-01-02\n9,1.25,2024-01-03\n"))
    assert series.close.tolist() == [1.5, 1.25]


def test_a_named_price_beside_a_better_one_is_read_alone(file: WriteFile) -> None:
    path = file("when,close,volume,mid\n2024-01-02,1,53.2K,1.5\n2024-01-03,2,1M,1.25\n")
    assert load(path, date_column="WHEN", price_column="mid").close.tolist() == [1.5, 1.25]
    assert list(load(path, date_column="when", price_column="mid").columns) == ["close"]


def test_a_named_price_that_is_a_close_has_its_range_and_volume(file: WriteFile) -> None:
    path = file("date,Open,High,Low,Last,volume\n2024-01-02,1,2,1,1.5,53.2K\n2024-01-03,1.5,3,1,2,1M\n")
    for options in ({}, {"price_column": "last"}):
        series = load(path, **options)
        assert list(series.columns) == ["open", "high", "low", "close", "volume"]
        assert series.columns["volume"].tolist() == [53_200, 1_000_000]


@pytest.mark.parametrize(
    "content",
    [
        "date;close\n2024-01-02;1,5\n2024-01-03;1,25\n",
        "date;close\n02.01.2024;1,5\n03.01.2024;1,25\n31.01.2024;\n",
        "date;close\n2024-01-02;1.5\n2024-01-03;1.25\n",
        "date\tclose\n2024-01-02\t1.5\n2024-01-03\t1.25\n",
        "\ufeffdate,close\n2024-01-02,1.5\n2024-01-03,1.25\n",
        "date,close\r\n2024-01-02,1.5\r\n2024-01-03,1.25",
        '"date","close"\n"2024-01-02","1.5"\n"2024-01-03","1.25"\n',
        "\n\ndate,close\n\n2024-01-02, 1.5 \n,\n2024-01-03,1.25\n\n\n",
        "date,close,,\n2024-01-02,1.5,,\n2024-01-03,1.25,,\n",
        "date,close\n2024-01-02,1.5,\n2024-01-03,1.25,\n",
        "date,close\n2024-01-02,1.5\n2024-01-03,1.25\n2024-01-04,\n2024-01-05,.\n2024-01-06,null\n2024-01-07,NaN\n",
        "date,close\n2024-01-02 16:00:00+09:00,1.5\n2024-01-03T16:00,1.25\n",
        "date,close\n20240102,1.5\n20240103,1.25\n",
        "date,close\n2024-01-03,1.25\n2024-01-02,1.5\n",
        "\ufeffdate,close\n2024-01-02,1.5\n2024-01-03,1.25\n".encode("utf-16-le"),
        "date,close\n2024-01-02,1.5\n2024-01-03,1.25\n".encode("utf-16"),
    ],
)
def test_the_same_history_in_many_layouts(file: WriteFile, content: str | bytes) -> None:
    plain = load(file("date,close\n2024-01-02,1.5\n2024-01-03,1.25\n", "plain.csv"))
    assert load(file(content)).sha256 == plain.sha256


def test_what_was_done_to_the_rows_is_said(file: WriteFile) -> None:
    told = findings(file("date,close\n2024-01-03,1.25\n2024-01-02,1.5\n2024-01-04,\n"))
    assert told["not_in_order"].text == "2 rows were not in order of date and have been sorted"
    assert told["empty_price"].text == "1 row left out, the price is empty (2024-01-04)"


def history(count: int = 300) -> list[tuple[str, float]]:
    """Dates on all days of the week and prices that move a little, none like the one before."""
    days = np.datetime64("2024-01-01") + np.arange(count)
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, count)))
    return [(str(day), float(price)) for day, price in zip(days, prices, strict=True)]


def as_text(rows: Sequence[Sequence[object]], header: str = "date,close") -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)])


@pytest.mark.parametrize("bad", [0.0, -37.6, math.inf])
def test_a_bad_price_in_a_good_history_is_dropped_and_told(file: WriteFile, bad: float) -> None:
    rows = history()
    dirty = [*rows[:100], (rows[100][0], bad), *rows[101:]]
    series = load(file(as_text(dirty)))
    assert series.sha256 == load(file(as_text(rows[:100] + rows[101:]), "clean.csv")).sha256
    assert list(findings(series.instrument.path)) == ["bad_price"]
    told = findings(series.instrument.path)["bad_price"]
    assert (told.severity, told.count, told.dates) == ("repair", 1, (rows[100][0],))
    assert "empty_price" not in findings(series.instrument.path)


def test_one_percent_of_bad_prices_is_the_limit_and_ten_of_zeros(file: WriteFile) -> None:
    rows = history()
    dirty = [(day, -1.0 if row in (5, 50, 250) else price) for row, (day, price) in enumerate(rows)]
    assert findings(file(as_text(dirty)))["bad_price"].count == 3
    dirty[150] = (dirty[150][0], -1.0)
    with pytest.raises(InputFileError, match=r"line 7: price -1 on 2024-01-06 and more; .*: 4 rows of 300 without"):
        load(file(as_text(dirty)))
    dirty = [(day, price if row % 10 else 0.0) for row, (day, price) in enumerate(rows)]
    assert findings(file(as_text(dirty)))["bad_price"].count == 30
    dirty[5] = (dirty[5][0], 0.0)
    with pytest.raises(InputFileError, match=r"31 rows of 300 without a usable price; expected at most 10%"):
        load(file(as_text(dirty)))


def test_a_price_that_crosses_zero_is_no_fault_of_one_row(file: WriteFile) -> None:
    rows = [(day, 0.305 - 0.01 * row) for row, (day, _) in enumerate(history(33))]
    with pytest.raises(InputFileError, match=r"line 33: price -0.005 on .* an ordinary step .* add --differences"):
        load(file(as_text(rows[:32])))


def test_returns_are_no_prices(file: WriteFile) -> None:
    prices = np.log([price for _, price in history()])
    rows = [(day, value) for (day, _), value in zip(history()[1:], np.diff(prices), strict=True)]
    with pytest.raises(InputFileError, match="these rows look like returns"):
        load(file(as_text(rows)))


def test_a_currency_may_lose_six_zeros(file: WriteFile) -> None:
    rows = [(day, price * (1e6 if row < 150 else 1)) for row, (day, price) in enumerate(history())]
    assert len(load(file(as_text(rows)))) == 300


def test_empty_prices_are_no_bad_prices_however_many(file: WriteFile) -> None:
    dirty = [(day, price if row % 2 else "") for row, (day, price) in enumerate(history())]
    series = load(file(as_text(dirty)))
    assert len(series) == 150
    assert findings(series.instrument.path)["empty_price"].count == 150
    assert set(findings(series.instrument.path)) == {"empty_price"}


def test_a_day_to_come_without_a_price_is_harmless(file: WriteFile) -> None:
    assert len(load(file("date,close\n2026-11-19,1\n2026-11-20,2\n2026-11-23,\n"))) == 2


def test_an_impossible_range_and_adjusted_price_are_ignored(file: WriteFile) -> None:
    rows: list[list[object]] = [[day, price, price * 1.01, price * 0.99, price, price] for day, price in history(50)]
    rows[10][2] = rows[10][3]  # a high below the close
    rows[20][5] = 0
    series = load(file(as_text(rows, "date,open,high,low,close,adj close")))
    assert len(series) == 50
    assert {code: one.dates for code, one in findings(series.instrument.path).items()} == {
        "impossible_range": (rows[10][0],),
        "bad_adjusted_price": (rows[20][0],),
    }
    assert np.flatnonzero(np.isnan(series.columns["high"])).tolist() == [10]
    assert np.flatnonzero(np.isnan(series.columns["adj_close"])).tolist() == [20]


def test_what_needs_later_rows_is_left_to_whoever_cuts_them(file: WriteFile) -> None:
    rows = history()
    dirty = [(day, price * (100 if row == 150 else 1)) for row, (day, price) in enumerate(rows) if not 200 < row < 260]
    series = load(file(as_text(dirty)))
    assert len(series) == len(dirty)
    assert findings(series.instrument.path) == {}
    report = validate(RawRows.of(series), today=TODAY, market=MarketExpectations(weekdays="1111111"))
    assert {"reverting_spike", "gap", "old_data"} <= {one.code for one in report.findings}


def test_no_row_depends_on_a_later_one(file: WriteFile) -> None:
    # A Saturday that repeats Friday's price, in a file that only later shows that it has no Saturdays.
    rows = [row for row in history() if np.datetime64(row[0]).astype(datetime.date).weekday() < 5]
    rows.insert(10, ("2024-01-13", rows[9][1]))
    rows[60] = (rows[60][0], rows[60][1] * 50)
    rows[70] = (rows[70][0], 0.0)
    whole = load(file(as_text(rows)))
    assert "2024-01-13" in whole.dates.astype(str)
    for count in (5, 11, 12, 40, 61, 62, 71, 72, 150):
        seen = load(file(as_text(rows[:count])))
        assert seen.sha256 == whole.between(end=np.datetime64(rows[count - 1][0])).sha256


numbers = st.floats(1e-3, 1e3)


@settings(max_examples=50)
@given(st.lists(numbers, min_size=2, max_size=50), st.sampled_from([",", ";", "\t"]), st.booleans(), st.randoms())
def test_every_number_reads_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], delimiter: str, comma: bool, random: Any
) -> None:
    days = np.datetime64("2024-01-01") + np.arange(len(values))
    lines = [f"{day}{delimiter}{value!r}" for day, value in zip(days, values, strict=True)]
    if comma and delimiter == ";":
        lines = [line.replace(".", ",") for line in lines]
    random.shuffle(lines)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("\n".join([f"date{delimiter}close", *lines]))
    assert load(path).close.tolist() == values


FAULTS = {
    "no date": (
        "day of week,close\nMon,1\nTue,2\n",
        r"has no date column; found the columns 'day of week', 'close'; expected",
    ),
    "no price": (
        "date,note\n2024-01-02,a\n2024-01-03,b\n",
        r"has no price column: none called close, .*'note'; .*--price-column",
    ),
    "two prices": (
        "date,bid,ask\n2024-01-02,1,2\n2024-01-03,1,2\n",
        r"several columns of numbers but none called close, .*; candidates: 'bid' \(1, 1, ...\), 'ask' \(2, 2",
    ),
    "unknown name beside an open interest": (
        "date,Open Interest,Contracts\n2024-01-02,1500,20\n2024-01-03,1600,25\n",
        r"has one column beside other numbers but none called close, .*; candidates: 'Contracts' \(20, 25",
    ),
    "two closes": (
        "date,close,Close\n2024-01-02,1,2\n2024-01-03,1,2\n",
        r"has several columns that may be the price; candidates: 'close' \(1, 1, ...\), 'Close' \(2, 2, ...\); name it",
    ),
    "text": ("date,close\n2024-01-02,1.5\n\n2024-01-03,abc\n", r"line 4: 'close' is 'abc'; expected a number such as"),
    "underscore": ("date,close\n2024-01-02,1_5\n2024-01-03,1\n", r"line 2: 'close' is '1_5'; expected a number"),
    "decimal comma": (
        "date,close\n2024-01-02,1,5\n2024-01-03,1,25\n",
        r"line 2: has 3 cells; expected 2, as in the header",
    ),
    "short row": ("date,close,volume\n2024-01-02,1,1\n2024-01-03,1\n", r"line 3: has 2 cells; expected 3"),
    "duplicate": (
        "date,close\n2024-01-02,1\n2024-01-03,2\n2024-01-02,3\n",
        r"line 4: date 2024-01-02 is there twice, first in line 2",
    ),
    "intraday": (
        "date,close\n2024-01-02 10:00,1\n2024-01-02 11:00,2\n",
        r"line 3: date 2024-01-02 is there twice.*daily values",
    ),
    "bad date": ("date,close\n2024-01-02,1\nsoon,2\n", r"line 3: date 'soon' is no date like '2024-01-02'"),
    "no such day": (
        "date,close\n2024-01-02,1\n2024-02-30,2\n",
        r"line 3: date '2024-02-30' is a day that no calendar has",
    ),
    "mixed dates": ("date,close\n2024-01-02,1\n03/01/2024,2\n", r"line 3: date '03/01/2024' is no date like"),
    "ambiguous": (
        "date,close\n01/02/2024,1\n02/02/2024,2\n",
        r"line 2: date '01/02/2024' can be read with the day or the month",
    ),
    "future": (
        "date,close\n2026-11-20,1\n\n2026-11-21,2\n2026-11-19,1\n",
        r"line 4: date 2026-11-21 lies in the future, today is 2026-11-20; expected days that are over",
    ),
    "zero": (
        "date,close\n2024-01-02,1\n2024-01-03,0\n",
        r"line 3: price 0 on 2024-01-03; expected at least 2 rows with a positive price up to 1e\+15, got 1",
    ),
    "negative": (
        "date,close\n2024-01-03,1\n2024-01-02,-37.6\n",
        r"line 3: price -37.6 on 2024-01-02; expected at least 2 rows with a positive price up to 1e\+15, got 1",
    ),
    "infinite": (
        "date,close\n2024-01-02,1\n2024-01-03,inf\n",
        r"line 3: price inf on 2024-01-03; expected at least 2 rows with a positive price up to 1e\+15",
    ),
    "too large for its square": (
        "date,close\n2024-01-02,1\n2024-01-03,1e300\n",
        r"line 3: price 1e\+300 on 2024-01-03; expected at least 2 rows with a positive price up to 1e\+15, got 1",
    ),
    "too small for its square": (
        "date,close\n2024-01-02,1\n2024-01-03,1e-300\n",
        r"line 3: price 1e-300 on 2024-01-03; expected at least 2 rows with a positive price up to 1e\+15, got 1",
    ),
    "three bad prices": (
        "date,close\n" + "".join(f"2024-01-{day:02},{day if day > 3 else -day}\n" for day in range(31, 0, -1)),
        r"line 32: price -1 on 2024-01-01 and more; correct the file: 3 rows of 31 without a usable price",
    ),
    "one row": ("date,close\n2024-01-02,1\n", r"has 1 row of data; expected at least 2"),
    "header only": ("date,close\n", r"has no rows of data; expected dates and numbers"),
    "one price": ("date,close\n2024-01-02,1\n2024-01-03,\n", r"only 1 of 2 rows have a price; expected at least 2"),
    "empty": ("", r"is empty; expected a header line"),
    "blank": ("\n \n\n", r"is empty; expected a header line"),
    "only a mark": ("\ufeff", r"is empty; expected a header line"),
    "binary": (b"\x7fELF\x00\x01\x02", r"is a binary file; expected text"),
    "zip": (gzip.compress(b"date,close"), r"has no rows of data"),
    "excel": (
        b"PK\x03\x04\x00\x00",
        r"is a damaged or encrypted zip archive \(.*\); expected a table",
    ),
    "quote": (
        'date,close\n2024-01-02,"1\n' + "2024-01-03,1\n" * 20_000,
        r"field larger than field limit.*quotation mark",
    ),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_is_one_clear_line(file: WriteFile, fault: str) -> None:
    content, message = FAULTS[fault]
    path = file(content)
    with pytest.raises(InputFileError, match=message) as caught:
        load(path)
    assert len(caught.value.messages) == 1
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(str(path))


def test_a_late_fault_is_found_in_its_line(file: WriteFile) -> None:
    days = np.datetime64("1990-01-01") + np.arange(9_000)
    lines = [f"{day},1.5" for day in days]
    lines[8_500] = f"{days[8_500]},x"
    lines.insert(10, "")
    with pytest.raises(InputFileError, match="line 8503: 'close' is 'x'"):
        load(file("\n".join(["date,close", *lines])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"date_column": "when"},
            r"has no column 'when'; found the columns 'date', 'close'; give --date-column one of these",
        ),
        ({"price_column": "clse"}, r"has no column 'clse'; .*--price-column one of these; did you mean 'close'\?"),
    ],
)
def test_a_named_column_that_is_not_there(file: WriteFile, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        load(file("date,close\n2024-01-02,1\n2024-01-03,1\n"), **options)


def test_an_unknown_option(file: WriteFile) -> None:
    with pytest.raises(
        ConfigError, match=r"source csv: option 'price_colum' is unknown; .*did you mean price_column\?"
    ):
        load(file("date,close\n2024-01-02,1\n2024-01-03,1\n"), price_colum="close")


def test_no_file_a_folder_a_device_and_a_strange_name(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"missing\.csv does not exist; expected a CSV file; check the spelling"):
        load(tmp_path / "missing.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputFileError, match=r"folder\.csv is a folder; expected a CSV file"):
        load(tmp_path / "folder.csv")
    with pytest.raises(InputFileError, match="/dev/null is no ordinary file; expected a CSV file"):
        load(Path("/dev/null"))
    with pytest.raises(InputFileError, match=r"cannot be read: .*null"):
        get_source("csv").load(LoadRequest(csv_instrument(Path("a\0b"), "x"), tmp_path, TODAY))
    with pytest.raises(InputFileError, match=r"cannot be read: File name too long") as caught:
        get_source("csv").load(LoadRequest(csv_instrument(Path("\n" * 5_000), "x"), tmp_path, TODAY))
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_only_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"source 'csv' reads files; got the pair 'USDJPY'; use --csv FILE"):
        get_source("csv").load(LoadRequest(parse_pair("USDJPY"), tmp_path, TODAY))


def test_a_hundred_thousand_rows(file: WriteFile) -> None:
    count = 100_000
    days = np.datetime64("1750-01-01") + np.arange(count)
    path = file("date,open,close\n" + "\n".join(f"{day},{row}.5,{row}.25" for row, day in enumerate(days, start=1)))
    series = load(path)
    assert len(series) == count
    assert series.close[-1] == count + 0.25


def test_more_rows_than_any_history_has_are_refused(file: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_table, "_MAX_RECORDS", 5_000)
    path = file("date,close\n" + "\n".join(["2024-01-02 10:00,1"] * 5_001))
    with pytest.raises(InputFileError, match=r"has more than 5,000 rows .* expected at most 5,000 rows"):
        load(path)


def test_one_moment_many_times_is_one_day(file: WriteFile) -> None:
    with pytest.raises(InputFileError, match="has prices of 1 day; expected at least 2 days"):
        load(file("date,close\n" + "\n".join(["2024-01-02 10:00,1"] * 50)))
