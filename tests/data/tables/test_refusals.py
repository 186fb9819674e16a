"""Files that can be read in two ways, or not at all, are refused in one line that says what would help."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from layouts import CLOSE, DAYS, LAYOUTS, PLAIN, answer, each, hourly, load, rows, seconds, zipped

from forecaster.data.tables.columns import _meant_names
from forecaster.errors import ForecasterError, InputFileError

REFUSALS: dict[str, tuple[str | bytes, str]] = {
    "two prices": (
        "Date,Last,Settle\n" + rows("{day},{o},{c}"),
        r"several columns that may be the price; candidates: 'Last' \(148.95, .*\), 'Settle' \(148.71, .*--price-column",
    ),
    "two closes of two series": (
        "Price,Close,Close\nTicker,AAA,BBB\nDate,,\n" + rows("{day},{o},{c}"),
        r"candidates: 'Close AAA' \(.*\), 'Close BBB' .*--price-column",
    ),
    "closes of two series by name": (
        "Date,Open_AAA,Close_AAA,Open_BBB,Close_BBB\n" + rows("{day},{o},{c},{o},{c}"),
        r"candidates: 'Close_AAA' .*, 'Close_BBB'",
    ),
    "closes of two series, one of them named like a word": (
        "Date,DE Close,AAPL Close\n" + rows("{day},{o},{c}"),
        r"several columns that may be the price; candidates: 'DE Close' .*, 'AAPL Close'",
    ),
    "a second close of pandas": (
        "Date,Close,Date.1,Close.1\n" + rows("{day},{c},{day},{o}"),
        r"candidates: 'Close' \(.*\), 'Close.1' ",
    ),
    "two closes of one name": (
        "Date,Close,Close\n" + rows("{day},{o},{c}"),
        r"candidates: 'column 2' \(.*\), 'column 3' \(.*; name it with --price-column$",
    ),
    "a price and the close before": (
        "Date,Price,Last Close\n" + rows("{day},{c},{o}"),
        "candidates: 'Price' .*, 'Last Close' ",
    ),
    "commas of thousands between commas": (
        "Date,Close\n2023-12-20,15,962.50\n2023-12-21,15,970.25\n",
        "line 2: has 3 cells; expected 2, as in the header; put dates and numbers with commas in quotation marks",
    ),
    "decimal commas between commas": (
        "When,Schluss\n2023-12-20,150,17\n2023-12-21,151,05\n",
        "line 3: '151,05' in two cells may be one number with a decimal comma",
    ),
    "decimal commas under an empty name": (
        "Datum,Schluss,\n2023-12-20,150,17\n2023-12-21,151,15\n",
        "line 2: '150,17' in two cells may be one number with a decimal comma; expected such numbers in quotation marks",
    ),
    "days and months that changed places": (
        "Date,Close\n"
        + each(
            lambda day, o, h, low, c, v: f"{day if day.day > 12 else day.replace(month=day.day, day=day.month)},{c}"
        ),
        "line 6: date 2023-01-12 is out of order, and 2023-12-01 would not be: days and months have changed places",
    ),
    "a wrong year": (
        PLAIN.replace("2023-12-07", "1923-12-07"),
        "line 10: date 1923-12-07 stands between 2023-12-06 and 2023-12-08; expected dates in order",
    ),
    "pence in some rows": (
        "Date,Close\n2023-12-20,150p\n2023-12-21,151\n",
        r"line 3: 'Close' is '151', which has another currency sign|line 2: .*another currency sign",
    ),
    "a day or a month of six digits": (
        "Date,Close\n201209,1\n201210,2\n",
        "line 2: date '201209' may be a month or a day .*--date-order",
    ),
    "an explained change": (
        "Date,Level A,Price change since the last price\n" + rows("{day},{c},{o}"),
        "one column beside other numbers .*'Level A'|candidates: 'Level A'",
    ),
    "bid and ask": ("Date,Bid,Ask\n" + rows("{day},{o},{c}"), "several columns of numbers .*'Bid' .*'Ask'"),
    "currencies": ("Date,USD,JPY\n" + rows("{day},1.08,{c}"), "several columns of numbers .*'USD' .*'JPY'"),
    "open interest alone": (
        "Date,Open Interest\n" + rows("{day},{v}"),
        r"no price column.*candidates: 'Open Interest' \(41000",
    ),
    "a name less than columns below one of dates": (
        "end_of_date,usd,gbp\n" + rows("{day},{c},190.1,1"),
        "line 2: has 4 cells; expected 3, as in the header",
    ),
    "volume and change": ("Date,Volume,Change %\n" + rows("{day},{v},0.5%"), "no price column"),
    "row numbers alone": (
        "Row,Date,Note\n" + "".join(f"{row},{day},x\n" for row, day in enumerate(DAYS, start=1)),
        "no price column",
    ),
    "an unknown table without header": (
        each(lambda day, o, h, low, c, v: f"{day},{c},{v}"),
        r"no header and several columns of numbers; candidates: 'column 2' \(148.71, .*--price-column",
    ),
    "a volume and a change like a high and a low, without header": (
        rows("{day},{c},{v},0.01,7472"),
        "no header and several columns of numbers",
    ),
    "close first, without header": (
        rows("{day},{c},{h},{l},{o}"),
        "no header and several columns of numbers",
    ),
    "several series": (
        "date,symbol,close\n" + each(lambda day, o, h, low, c, v: f"{day},AAA,{c}\n{day},BBB,{c * 3}"),
        r"rows of 2 series in the column 'symbol' \('AAA', 'BBB'\); expected one; choose it with --symbol",
    ),
    "several series one after the other": (
        "date,symbol,close\n" + rows("{day},AAA,{c}") + "2023-12-26,BBB,150\n2023-12-27,BBB,150.5\n",
        "rows of 2 series in the column 'symbol'",
    ),
    "several series under another name": (
        "date,thing,close\n" + each(lambda day, o, h, low, c, v: f"{day},AAA,{c}\n{day},BBB,{c * 3}"),
        "rows of 2 series in the column 'thing'",
    ),
    "two rows of a date that differ": (
        PLAIN + PLAIN.splitlines()[-1] + "7\n",
        r"line 22: date 2023-12-22 is there twice, first in line 21, with other numbers; .*remove one of them",
    ),
    "thousands or decimals": (
        "Datum;Schluss\n01.11.2023;15.962\n16.11.2023;15.970\n22.11.2023;16.011\n",
        r"line 2: 'Schluss' is '15.962', which may be 15.962 or 15962; .*--decimal point or --decimal comma",
    ),
    "thousands or decimals below names in Spanish, one of them international": (
        'Fecha,Último,Vol.\n"16.11.2023","45.117","1K"\n"17.11.2023","44.961","1K"\n',
        "line 2: 'Último' is '45.117', which may be 45.117 or 45117",
    ),
    "thousands or decimals beside semicolons": (
        "date;close\n2023-01-02;16.769\n2023-01-03;16.538\n",
        "line 2: 'close' is '16.769', which may be 16.769 or 16769",
    ),
    "thousands or decimals in quotes": (
        'date,close\n2023-01-02,"71,500"\n2023-01-03,"71,900"\n',
        "line 2: 'close' is '71,500', which may be 71500 or 71.5; no row of the file decides",
    ),
    "two currencies": (
        "Date,Close\n2023-12-20,$150\n2023-12-21,€151\n",
        r"line 3: 'Close' is '€151', which has another currency sign than the rows above",
    ),
    "a percentage among prices": (
        "Date,Close\n2023-12-20,150\n2023-12-21,151%\n",
        "line 3: .*a percentage in some rows",
    ),
    "a turnover called value": (
        "Date,Open,High,Low,VALUE\n" + rows("{day},{o},{h},{l},{v}"),
        "the column 'VALUE' lies outside of the high and low of its day in 20 of 20 rows; expected the close",
    ),
    "letters that mean nothing alone": ("date,a,b,c\n" + rows("{day},{o},{h},{c}"), "candidates: 'a' .*, 'b' .*, 'c' "),
    "days since 1970": (
        "date,close\n" + each(lambda day, o, h, low, c, v: f"{seconds(day) // 86_400},{c}"),
        "line 2: date '19688' is no date",
    ),
    "days since 1904": (
        "date,close\n" + each(lambda day, o, h, low, c, v: f"{seconds(day) // 86_400 + 24_107},{c}"),
        "fall on Saturdays and on no Monday; workbooks of old Macs count them from 1904",
    ),
    "tables side by side": (
        "Date,PX_LAST,,Date,PX_LAST\n" + each(lambda day, o, h, low, c, v: f"{day},{c},,{day.replace(year=2022)},{o}"),
        "several columns of dates with one name, which differ: tables stand side by side",
    ),
    "32nds": ("date,close\n2023-12-20,110'160\n2023-12-21,110'235\n", "line 2: .*may count 32nds, as bond futures do"),
    "days without a year": ("date,close\nJan-02,1\nJan-03,2\nJan-04,3\n", "'Jan-02' may be a day without a year"),
    "two decimal signs": (
        "Date;Close\n2023-12-20;150,5\n2023-12-21;151.25\n",
        r"line 2: 'Close' is '150,5', but '151.25' and '150,5' have different decimal signs",
    ),
    "a note on a price": (
        "Date,Close\n2023-12-20,150.5 e\n2023-12-21,151\n",
        "line 2: 'Close' is '150.5 e'; expected a",
    ),
    "days and months": (
        "Date,Close\n01/02/2023,150\n02/02/2023,151\n03/02/2023,152\n",
        "line 2: date '01/02/2023' can be read with the day or the month first .*--date-order dmy, mdy or ymd",
    ),
    "short years": (
        "Date,Close\n01/02/03,150\n02/02/03,151\n03/02/03,152\n",
        "line 2: date '01/02/03' can be read .*--date-order",
    ),
    "a month of two languages": (
        "Date;Close\n1 lis 2023;150\n2 lis 2023;151\n",
        "line 2: date '1 lis 2023' has the name of a month that no language or several",
    ),
    "another calendar": (
        "Date,Close\n1402/10/01,150\n1402/10/02,151\n",
        "line 2: date '1402/10/01' lies before 1600; expected a date of the Gregorian calendar",
    ),
    "the first years": ("Date,Close\n0001-01-05,150\n0002-01-06,151\n", "'0001-01-05' lies before 1600"),
    "a footnote in raised digits": ("Date,Close\n2023-12-20,82.50²\n2023-12-21,83\n", "line 2: 'Close' is '82.50²'"),
    "a footnote of a date": ("Date,Close\n2023/12/2²,82\n2023/12/21,83\n", "line 2: date '2023/12/2²' is no date"),
    "a slip of the year": ("Date,Close\n2023-12-20,150\n2566-12-21,151\n", "line 3: date '2566-12-21' lies in the far"),
    "the close of another day": ("Date,Close (t-1)\n" + rows("{day},{c}"), r"no price column.*'Close \(t-1\)'"),
    "dates side by side": (
        "Series,2023-12-19,2023-12-20,2023-12-21,2023-12-22\nUSDJPY,1,2,3,4\n",
        "dates stand side by side: turn rows into columns",
    ),
    "around the clock": (
        hourly(range(24)),
        r"several rows a day around the clock; .*--daily-close HH:MM, such as 17:00",
    ),
    "a price in other units": (
        "Date,Close\n2023-12-20,150\n2023-12-21,150000000000\n2023-12-22,151\n",
        r"line 3: price 1.5e\+11 on 2023-12-21 after 150; expected prices that move by less than a factor of 2e\+06",
    ),
    "a spread": (
        "Date,Close\n" + "".join(f"{day},{c - 145:.3f}\n" for day, c in zip(DAYS, CLOSE, strict=True)),
        r"line 10: price -0.86 on 2023-12-07, the first of 10 negative ones of 20; returns are logarithms of prices",
    ),
    "commas": (",,\n,,\n", "no cells with content"),
    "quotes": ('""\n', "no cells with content"),
    "one comma": (",", "no cells with content"),
    "a web page": ("<!DOCTYPE html>\n<table>", "is a web page; expected text .*download the table as CSV"),
    "XML": ("<?xml version='1.0'?>\n<a/>", "is an XML file"),
    "an old workbook": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
        r"old Excel workbook \(.xls\).*save it as .xlsx",
    ),
    "Parquet": (b"PAR1" + bytes(20), "a Parquet file; expected text .*export it as CSV"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0", "is a binary file"),
    "an archive of several": (
        zipped(("a.csv", PLAIN), ("b.csv", PLAIN)),
        r"with 2 tables \('a.csv', 'b.csv'\); .*unpack it",
    ),
    "an empty archive": (zipped(), "an empty zip archive"),
    "a cut archive": (zipped(("a.csv", PLAIN))[:60], "damaged or encrypted zip archive"),
    "a gzip bomb": (gzip.compress(bytes(2**25 + 1)), "has more than 32 MB; expected a table of prices"),
    "an archive that unpacks at one go": (zipped(("a.csv", PLAIN), method=zipfile.ZIP_LZMA), "than deflate"),
    "a cut gzip file": (b"\x1f\x8b\x08\x00", "damaged or encrypted gzip archive"),
    "JSON of a number": ('{"a": 1}', "JSON without a table"),
    "JSON with a column for each row": (
        json.dumps([{"date": "2023-12-20", f"c{number}": 1} for number in range(4500)]),
        "is JSON with a table of 4,500 rows and 4,501 columns",
    ),
    "JSON that is cut": ('[{"date": "2023-12-20", "close": 1', "no valid JSON"),
    "JSON that is deep": ("[" * 100_000, "nested too deeply|no valid JSON"),
    "JSON of three tables": (
        json.dumps({key: [[seconds(day) * 1000, c] for day, c in zip(DAYS, CLOSE, strict=True)] for key in "abc"}),
        r"rows of 3 series in the column 'column 3' \('a', 'b', 'c'\).*--symbol",
    ),
    "JSON of two kinds of tables": (
        json.dumps({"a": [{"date": str(DAYS[0]), "x": 1}] * 2, "b": [{"date": str(DAYS[0]), "y": 1}] * 2}),
        r"has 2 tables \('a', 'b'\)",
    ),
    "a header again in another order": (
        "Date,Open,Close\n2023-12-20,150,151\nDate,Close,Open\n2023-12-21,152,151\n",
        "line 3: names the columns again, not as the first header: the columns 'Date', 'Close', 'Open'; .*split the file",
    ),
    "a zero byte in a number": (PLAIN.replace("147.46", "147\0.46"), "line 3: a byte of zero, .*damaged there"),
    "zero bytes after half a number": (PLAIN.rstrip() + "\0" * 9, "line 21: a byte of zero"),
    "trades of two series": (
        "time,price\n" + "".join(f"2023-12-20 10:{n:02}:07,{p}\n" for n in range(40) for p in (150, 75)),
        "is there twice",
    ),
    "JSON without prices": (json.dumps([{"date": str(day), "note": "x"} for day in DAYS]), "no price column"),
    "UTF-16 that is cut": (PLAIN.encode("utf-16")[:-1], "damaged: the text is not UTF-16"),
}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_refusal_is_one_line_that_helps(tmp_path: Path, name: str) -> None:
    content, message = REFUSALS[name]
    with pytest.raises(InputFileError, match=message) as caught:
        load(tmp_path / "prices.csv", content)
    assert len(caught.value.messages) == 1
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(str(tmp_path / "prices.csv"))


OPTIONS: dict[str, tuple[str, dict[str, str], str]] = {
    "an unknown symbol": (
        LAYOUTS["long"].content,
        {"symbol": "CCC"},
        r"no rows of the symbol 'CCC'; found 'AAA', 'BBB'",
    ),
    "an unknown symbol of columns": (
        "Date,AAA,BBB\n" + rows("{day},{o},{c}"),
        {"symbol": "CCC"},
        r"no rows of the symbol 'CCC'; found the columns 'AAA', 'BBB'",
    ),
    "an unknown zone": (
        LAYOUTS["Berlin midnight in UTC"].content,
        {"timezone": "Europe/Nowhere"},
        r"time zone 'Europe/Nowhere' is unknown; expected a name such as Europe/Berlin",
    ),
    "a zone and dates alone": (PLAIN, {"timezone": "Europe/Berlin"}, "the file has dates only; .*leave the option out"),
    "a close and daily rows": (PLAIN, {"daily_close": "17:00"}, "has one row a day; --daily-close is for shorter rows"),
    "no time of the day": (hourly(range(24)), {"daily_close": "5pm"}, "--daily-close '5pm' is no time of the day"),
    "a sheet of a text": (PLAIN, {"sheet": "Prices"}, "is no Excel workbook; --sheet"),
    "an unknown price": (PLAIN, {"price_column": "Closed"}, "no column 'Closed'; found .*did you mean 'close'"),
    "the wrong decimal sign": (
        "Date;Close\n2023-12-20;150,5\n2023-12-21;151,25\n",
        {"decimal": "point"},
        "line 2: 'Close' is '150,5'; expected decimal points",
    ),
    "the wrong order": (
        "Date,Close\n20/12/2023,150\n21/12/2023,151\n",
        {"date_order": "mdy"},
        "line 2: date '20/12/2023' is no month-day-year",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_does_not_fit_is_refused(tmp_path: Path, name: str) -> None:
    content, options, message = OPTIONS[name]
    with pytest.raises(InputFileError, match=message):
        load(tmp_path / "prices.csv", content, **options)


def test_a_price_beyond_all_markets_is_dropped(tmp_path: Path) -> None:
    loaded = answer(tmp_path / "prices.csv", PLAIN + "2023-12-26,1e99\n2023-12-27,142.5\n")
    assert loaded.series.close[-2:].tolist() == [CLOSE[-1], 142.5]
    assert [finding.code for finding in loaded.findings] == ["bad_price"]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        ("Datum;Schluss\n15.11.2023;15.962\n16.11.2023;15.970\n", {"decimal": "comma"}, [15_962, 15_970]),
        ("Datum;Schluss\n15.11.2023;15.962\n16.11.2023;15.970\n", {"decimal": "point"}, [15.962, 15.970]),
        ("date;close\n02.01.2023;992\n03.01.2023;1.004\n16.01.2023;1.013\n", {}, [992, 1004, 1013]),
        ('date,close,volume\n2023-01-02,"71,500","1,234,567"\n2023-01-03,"71,900",5\n', {}, [71_500, 71_900]),
        ('Datum,Zuletzt,+/- %\n16.01.2023,"151,765","0,1%"\n17.01.2023,"151,903",\n', {}, [151.765, 151.903]),
        ("Datum;Kurs\n16.01.2023;151,765\n17.01.2023;151,903\n", {}, [151.765, 151.903]),
        ("date,close\n2023-01-02,1.234\n2023-01-03,1.235\n", {}, [1.234, 1.235]),
        ("Gmt time,Close\n16.01.2023 00:00,151.234\n17.01.2023 00:00,151.235\n", {}, [151.234, 151.235]),
        ("date;close\n2023-01-02;0,998\n2023-01-03;1,002\n", {}, [0.998, 1.002]),
        ("date,close\n01/02/2023,5\n01/03/2023,6\n", {"date_order": "mdy"}, [5, 6]),
        ("when,x\n2023-01-02,5\n2023-01-03,6\n", {"date_column": "when", "price_column": "column 2"}, [5, 6]),
        ("a,b\n2023-01-02,5\n2023-01-03,6\n", {}, [5, 6]),
        ("date,close\n2023-01-02,(USD) 5\n2023-01-03,6\n", None, []),
        *(
            ("Price,Close,Close\nTicker,AAA,BBB\nDate,,\n2023-01-02,1,5\n2023-01-03,2,6\n", options, [5, 6])
            for options in ({"symbol": "BBB"}, {"price_column": "Close BBB"}, {"price_column": "close b..."})
        ),
        ("Date,USD,JPY\n2023-01-02,1.08,5\n2023-01-03,1.09,6\n", {"symbol": "jpy"}, [5, 6]),
        ("Date,Close,Close (prev day)\n2023-01-02,5,4\n2023-01-03,6,5\n", {}, [5, 6]),
        (
            "Date,Close\n2023-01-02,5\n2023-01-03,#¡VALOR!\n2023-01-04,(N/E)\n2023-01-05,1.#QNAN\n2023-01-06,6\n",
            {},
            [5, 6],
        ),
        ("Date,AAA.Open,AAA.Close,AAA.Adjusted\n2023-01-02,4,5,3\n2023-01-03,5,6,3\n", {}, [5, 6]),
    ],
)
def test_what_decides_between_two_readings(
    tmp_path: Path, content: str, options: dict[str, str] | None, expected: list[float]
) -> None:
    if options is None:
        with pytest.raises(InputFileError):
            load(tmp_path / "prices.csv", content)
    else:
        assert load(tmp_path / "prices.csv", content, **options).close.tolist() == expected


def test_a_missing_openpyxl_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(ForecasterError, match=r"needs openpyxl; install it with pip install 'forecaster\[excel\]'"):
        load(tmp_path / "prices.xlsx", zipped(("xl/workbook.xml", "x")))


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is a damaged workbook"):
        load(tmp_path / "prices.xlsx", zipped(("xl/workbook.xml", "x")))


def test_a_named_price_outside_of_the_range_is_read_alone(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,VALUE\n" + rows("{day},{o},{h},{l},{v}")
    loaded = answer(tmp_path / "prices.csv", text, price_column="VALUE")
    assert list(loaded.series.columns) == ["close"]
    assert loaded.findings[0].text == "open, high and low are left out: 'VALUE' lies outside of them in 20 of 20 rows"


def test_every_line_that_is_left_out_is_named(tmp_path: Path) -> None:
    text = PLAIN.replace("\n2023-12-11", "\nDate,Close\n2023-12-11") + "Source: somewhere\n"
    texts = [finding.text for finding in answer(tmp_path / "prices.csv", text).findings]
    assert texts == ["1 line with the header again left out", "1 line below the data left out"]


def test_a_column_of_text_beside_the_price_is_left_out(tmp_path: Path) -> None:
    loaded = answer(tmp_path / "prices.csv", "date,close,volume\n2023-01-02,5,many\n2023-01-03,6,7\n")
    assert list(loaded.series.columns) == ["close"]
    assert [finding.text for finding in loaded.findings] == ["the column is left out: line 2: 'volume' is 'many'"]


@pytest.mark.parametrize("tail", ["Average,147\n", "soon,147\n", ",147\n"])
def test_a_number_without_a_date_is_refused(tmp_path: Path, tail: str) -> None:
    with pytest.raises(InputFileError, match=r"line 22: date .* is no date"):
        load(tmp_path / "prices.csv", PLAIN + tail)


@pytest.mark.parametrize("title", ["MSFT", "Forecast", "Table 2: weekly averages"])
def test_a_title_between_rows_may_begin_another_series(tmp_path: Path, title: str) -> None:
    text = PLAIN.replace("\n2023-12-11", f"\n{title}\nDate,Close\n2023-12-11")
    with pytest.raises(InputFileError, match=r"line 12: has 1 cells; expected 2, as in the header"):
        load(tmp_path / "prices.csv", text)


def test_the_names_of_a_wide_file_are_read_once(tmp_path: Path) -> None:
    header = ",".join(f"S{number}" for number in range(300))
    cells = ",".join(map(str, range(100, 400)))
    before = _meant_names.cache_info().misses
    with pytest.raises(InputFileError, match=r"several columns of numbers .*candidates: 'S0'"):
        load(tmp_path / "prices.csv", f"date,{header}\n2023-01-02,{cells}\n2023-01-03,{cells}\n")
    assert _meant_names.cache_info().misses - before <= 3


def test_a_change_without_a_header_is_no_volume(tmp_path: Path) -> None:
    assert "volume" not in load(tmp_path / "a.csv", rows("{day},{o},{h},{l},{c},0.5%")).columns
