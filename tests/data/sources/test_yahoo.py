"""The real yfinance, unchanged, against a server of ours: no function of it is replaced anywhere here."""

import contextlib
import dataclasses
import datetime
import json
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import local_yahoo
import numpy as np
import pytest
from local_yahoo import Chart, stock, with_cells

from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.sources.yahoo import ATTRIBUTION
from forecaster.data.validation import RawRows, repaired, validate
from forecaster.errors import SourceError

pytestmark = pytest.mark.usefixtures("fresh_yfinance")

TODAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
THURSDAY = datetime.date(2026, 11, 19)
SATURDAY = datetime.date(2026, 11, 21)  # for sources on the real clock: Thursday is over at any hour of that day
AAPL = parse_ticker("AAPL")
EURUSD = parse_pair("EURUSD")


# ---- what is served is what is loaded --------------------------------------------------------------------------------


def test_a_pair_over_a_switch_of_daylight_saving(serve: Callable[..., Any], asked: Any) -> None:
    # London puts its clock back on 2022-10-30: before it midnight is 23:00 UTC of the day before.
    fixing = local_yahoo.fixings("EURUSD", "2022-10-03", "2022-11-30")
    chart = local_yahoo.pair_chart(fixing)
    assert len({at % 86_400 for at in chart.times}) == 2
    server = serve(chart)
    series = asked.load(EURUSD)
    assert server.charts == ["EURUSD=X"]
    assert asked.pauses == []
    assert series.dates.tolist() == fixing.dates.tolist()
    np.testing.assert_array_equal(series.close, fixing.close)
    assert (series.source, series.symbol, series.instrument) == ("yahoo", "EURUSD=X", EURUSD)
    assert set(series.columns) == {"close"}
    assert series.meta["price"] == "open of the day, 00:00 Europe/London"
    assert series.meta["attribution"] == ATTRIBUTION
    assert series.meta["endpoint"] == server.endpoint


def test_a_stock_has_raw_columns_and_its_dividends_and_splits(serve: Callable[..., Any], asked: Any) -> None:
    chart = local_yahoo.stock_chart("AAPL", THURSDAY, 300)
    server = serve(chart)
    series = asked.load()
    for name, served in (("open", "open"), ("high", "high"), ("low", "low"), ("close", "close"), ("volume", "volume")):
        np.testing.assert_array_equal(series.columns[name], chart.prices[served])
    np.testing.assert_array_equal(series.columns["adj_close"], chart.prices["adjclose"])
    assert str(series.dates[-1]) == str(THURSDAY)
    dates = [str(np.datetime64(at, "s").astype("datetime64[D]")) for at in chart.dividends]
    assert json.loads(series.meta["dividends"]) == dict.fromkeys(dates, 0.25)
    assert list(json.loads(series.meta["splits"]).values()) == [4.0]
    assert series.meta["kind"] == "EQUITY"
    assert series.meta["software"].startswith("yfinance 1.7.")
    # One question for the prices, which asks for everything there is.
    assert len(server.charts) == 1
    assert "interval=1d" in server.queries[0]
    assert "period1=-" in server.queries[0]


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("Asia/Tokyo", 9),
        ("Australia/Sydney", 10),
        ("America/Sao_Paulo", 10),
        ("America/New_York", 9),
        ("Asia/Kolkata", 9),
    ],
)
def test_dates_are_those_of_the_exchange(serve: Callable[..., Any], asked: Any, zone: str, hour: int) -> None:
    # In UTC the openings of Tokyo and Sydney lie on the day before, or change over the year.
    dates = np.busday_offset("2023-01-02", np.arange(250))
    price = np.linspace(100, 110, 250)
    prices = {name: price for name in ("open", "high", "low", "close")}
    serve(Chart("AAPL", local_yahoo.seconds(dates, zone, hour), prices, zone=zone))
    assert asked.load().dates.tolist() == dates.tolist()


def test_the_registry_gives_a_source_that_works_and_a_session_serves_several_symbols(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    server = serve(lambda symbol: local_yahoo.stock_chart(symbol, THURSDAY, 30))
    source = get_source("yahoo")
    symbols = ["AAPL", "^GSPC", "BRK-B", "7203.T", "BTC-USD"]
    for symbol in symbols:
        assert len(source.load(LoadRequest(parse_ticker(symbol), tmp_path, SATURDAY)).series) == 30
    assert server.charts == symbols
    assert [path for _, path in server.hits].count(local_yahoo.CRUMB) == 1


def test_nothing_is_written_by_yfinance_and_its_pickles_are_not_read(serve: Callable[..., Any], asked: Any) -> None:
    # Somebody put a cookie there that would make a file when it is read.
    folder, trace = asked.home / "data" / "yfinance", asked.home / "trace"
    folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "cookies.db")) as connection, connection:
        connection.execute(
            'CREATE TABLE "_cookieschema" (strategy VARCHAR(255) PRIMARY KEY, fetch_date DATETIME, cookie_bytes BLOB)'
        )
        connection.execute(
            "INSERT INTO _cookieschema VALUES ('curlCffi', '2026-11-20T00:00:00', ?)",
            (pickle.dumps(_Trap(str(trace))),),
        )
    serve(stock())
    assert len(asked.load()) == 60
    assert not trace.exists()
    assert sorted(path.name for path in asked.home.rglob("*") if path.is_file()) == ["cookies.db"]


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def test_nothing_is_printed_or_warned(serve: Callable[..., Any], asked: Any, tmp_path: Path) -> None:
    # In a process of its own: yfinance turns warnings on again when it is imported.
    server = serve(stock(), fault="503", times=2)
    code = (
        "import datetime, pathlib, sys\n"
        "from forecaster.data.instruments import parse_ticker\n"
        "from forecaster.data.sources.base import LoadRequest\n"
        "from forecaster.data.sources.yahoo import YahooSource\n"
        "from forecaster.data.sources.yahoo_retry import RetryPolicy\n"
        "assert not {'yfinance', 'curl_cffi', 'pandas'} & set(sys.modules), 'imported too early'\n"
        "source = YahooSource(RetryPolicy(sleep=lambda seconds: None))\n"
        "request = LoadRequest(parse_ticker('AAPL'), pathlib.Path(sys.argv[1]), datetime.date(2026, 11, 21))\n"
        "print(len(source.load(request).series))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "60\n", "")
    assert len(server.charts) == 3


# ---- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "minute", "last"),
    [
        (14, 0, "2026-11-18"),  # before the opening in New York; a row of today may be there already
        (20, 59, "2026-11-18"),  # trading
        (21, 59, "2026-11-18"),  # over for less than an hour
        (22, 0, "2026-11-19"),
    ],
)
def test_the_bar_of_today_counts_an_hour_after_the_end_of_trading(
    serve: Callable[..., Any], asked: Any, hour: int, minute: int, last: str
) -> None:
    asked.now = datetime.datetime(2026, 11, 19, hour, minute, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 11, 19, 21, 0, tzinfo=datetime.UTC).timestamp())
    serve(dataclasses.replace(stock(), session_end=end))
    series = asked.load(today=datetime.date(2026, 11, 19))
    assert str(series.dates[-1]) == last
    if last == "2026-11-18":
        assert asked.findings["unfinished_bar"].dates == ("2026-11-19",)
        assert len(series) == 59


def test_today_is_over_earlier_in_tokyo(serve: Callable[..., Any], asked: Any) -> None:
    # 20:00 UTC on Thursday is Friday morning there: Thursday is complete.
    asked.now = datetime.datetime(2026, 11, 19, 20, tzinfo=datetime.UTC)
    dates = np.busday_offset("2026-11-19", np.arange(-9, 1))
    prices = {name: np.full(10, 5.0) + np.arange(10) for name in ("open", "high", "low", "close")}
    serve(Chart("7203.T", local_yahoo.seconds(dates, "Asia/Tokyo", 9), prices, zone="Asia/Tokyo", currency="JPY"))
    assert str(asked.load(parse_ticker("7203.T"), today=datetime.date(2026, 11, 19)).dates[-1]) == "2026-11-19"


def test_a_pair_never_counts_today_whatever_the_session_says(serve: Callable[..., Any], asked: Any) -> None:
    asked.now = datetime.datetime(2026, 10, 30, 22, 30, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 10, 30, 20, tzinfo=datetime.UTC).timestamp())
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2026-10-01", "2026-10-30"))
    serve(dataclasses.replace(chart, session_end=end))
    assert str(asked.load(EURUSD, today=datetime.date(2026, 10, 30)).dates[-1]) == "2026-10-29"


def test_another_day_than_the_clock_shows_has_just_begun(serve: Callable[..., Any], asked: Any) -> None:
    serve(stock())
    assert str(asked.load(today=datetime.date(2026, 11, 18)).dates[-1]) == "2026-11-16"
    # At 00:00 UTC it is still the 17th in New York, and nobody knows the hour.


def test_a_live_row_beside_the_last_one_is_one_row(serve: Callable[..., Any], asked: Any) -> None:
    chart = stock()
    asked.now = datetime.datetime(2026, 11, 19, 23, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 11, 19, 21, tzinfo=datetime.UTC).timestamp())
    live = {name: np.append(values, values[-1] * 1.01) for name, values in chart.prices.items()}
    serve(dataclasses.replace(chart, times=[*chart.times, end], prices=live, session_end=end))
    series = asked.load(today=datetime.date(2026, 11, 19))
    assert len(series) == 60
    assert series.close[-1] == live["close"][-1]


def test_dirty_rows_are_cleaned_and_counted(serve: Callable[..., Any], asked: Any) -> None:
    chart = local_yahoo.stock_chart("AAPL", THURSDAY, 400)
    names = ("open", "high", "low", "close", "adjclose", "volume")
    dirty = with_cells(
        chart,
        close={20: None, 21: 0.0},
        high={50: 1.0},
        **{name: {60: None, 61: 0.0} for name in names if name not in ("close", "high")},
    )
    dirty = with_cells(dirty, close={60: None, 61: 0.0}, high={60: None, 61: 0.0}, volume={60: 5.0})
    serve(dirty)
    series = asked.load()
    assert len(series) == 396
    assert series.meta["empty_rows"] == "2 rows without any price left out"
    found = asked.findings
    assert (found["bad_price"].count, found["bad_price"].severity) == (2, "repair")
    assert found["impossible_range"].count == 1
    place = int(np.flatnonzero(np.isnan(series.columns["high"]))[0])
    assert series.dates[place] == np.datetime64(chart.times[50], "s").astype("datetime64[D]")
    assert np.isfinite(series.columns["close"]).all()


def test_a_weekend_row_of_a_stock(serve: Callable[..., Any], asked: Any) -> None:
    chart = stock()
    friday = 55
    assert np.datetime64(chart.times[friday], "s").astype("datetime64[D]") == np.datetime64("2026-11-13")
    times = [*chart.times[: friday + 1], chart.times[friday] + 86_400, *chart.times[friday + 1 :]]
    prices = {name: np.insert(values, friday, values[friday]) for name, values in chart.prices.items()}
    serve(dataclasses.replace(chart, times=times, prices=prices))
    series = asked.load()
    assert asked.findings["flat_weekend_row"].dates == ("2026-11-14",)
    assert len(series) == 60


def test_a_jump_that_comes_back_is_left_to_whoever_knows_the_cutoff(serve: Callable[..., Any], asked: Any) -> None:
    chart = stock()
    close = chart.prices["close"]
    serve(with_cells(chart, **{name: {40: chart.prices[name][40] * 100} for name in ("open", "high", "low", "close")}))
    series = asked.load()
    assert series.close[40] == pytest.approx(close[40] * 100)
    assert "reverting_spike" not in asked.findings
    report = validate(RawRows.of(series), today=TODAY)
    assert len(repaired(RawRows.of(series), report)) == 59
    assert len(repaired(RawRows.of(series), report, series.dates[40])) == 41


def test_too_many_bad_rows_are_no_history(serve: Callable[..., Any], asked: Any) -> None:
    serve(with_cells(stock(), close=dict.fromkeys(range(10, 20))))
    with pytest.raises(SourceError, match=r"^Yahoo's history of AAPL: 10 rows of 60 without a usable price"):
        asked.load()


def test_a_history_of_one_day(serve: Callable[..., Any], asked: Any) -> None:
    serve(stock(1))
    with pytest.raises(SourceError, match="no prices of AAPL: 1 finished days with a price; expected at least 2"):
        asked.load()


def test_a_split_makes_another_history_and_both_are_told_apart(serve: Callable[..., Any], asked: Any) -> None:
    chart = stock()
    serve(chart)
    before = asked.load()
    halved = {name: values / 2 if name != "volume" else values * 2 for name, values in chart.prices.items()}
    serve(dataclasses.replace(chart, prices=halved, splits={chart.times[-1]: (2.0, 1.0)}))
    after = asked.load()
    assert before.sha256 != after.sha256
    assert json.loads(after.meta["splits"]) == {str(THURSDAY): 2.0}
    report = validate(RawRows.of(after), today=TODAY, previous=before)
    assert [one.code for one in report.findings] == ["price_changed_by_factor", "adjustment_changed_by_factor"]
    assert "the newest by 0.5" in report.findings[0].text
