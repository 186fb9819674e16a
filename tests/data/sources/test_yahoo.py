"""The real yfinance, unchanged, against a server of ours: no function of it is replaced anywhere here."""

import collections
import contextlib
import dataclasses
import datetime
import importlib.util
import io
import json
import pickle
import random
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from forecaster.data.instruments import Instrument, csv_instrument, parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources import LoadRequest, get_source
from forecaster.data.sources.yahoo import ATTRIBUTION, ENDPOINT_VARIABLE, YahooSource
from forecaster.data.sources.yahoo_pause import PAUSE, Pause
from forecaster.data.sources.yahoo_symbols import yahoo_symbol
from forecaster.data.sources.yahoo_terms import Patience
from forecaster.data.validation import RawRows, repaired, validate
from forecaster.errors import ConfigError, ExitCode, InstrumentError, SourceError, UsageError


def _local_yahoo() -> ModuleType:
    # Tests are imported one by one, without a package that would hold what they share.
    name, path = "local_yahoo", Path(__file__).parents[2] / "local_yahoo.py"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


local_yahoo = _local_yahoo()
Chart, LocalYahoo, Reply = local_yahoo.Chart, local_yahoo.LocalYahoo, local_yahoo.Reply

TODAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
THURSDAY = datetime.date(2026, 11, 19)
AAPL = parse_ticker("AAPL")
EURUSD = parse_pair("EURUSD")


@pytest.fixture(autouse=True)
def _fresh_yfinance(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that yfinance or this source remembers in the process leaks from one test to another."""
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    settings = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", ENDPOINT_VARIABLE)
    for name in (*proxies, *map(str.lower, proxies), *settings):
        monkeypatch.delenv(name, raising=False)
    _forget()
    yield
    _forget()


def _forget() -> None:
    if "yfinance" in sys.modules:
        import yfinance.base
        import yfinance.cache
        from yfinance.data import SingletonMeta, YfData

        from forecaster.data.sources.yahoo_session import session_for

        session_for.cache_clear()
        SingletonMeta._instances.pop(YfData, None)
        YfData.cache_get.cache_clear()
        yfinance.cache._TzCacheManager._tz_cache = None
        yfinance.cache._CookieCacheManager._Cookie_cache = None
        yfinance.base._tz_info_fetch_ctr = 0
        assert yfinance.config.debug.hide_exceptions is True
        assert not yfinance.config.network.retries


@dataclasses.dataclass
class Asked:
    """A source whose pauses take no time, and the pauses it made."""

    home: Path
    pauses: list[float] = dataclasses.field(default_factory=list)
    now: datetime.datetime = NOON

    def load(self, instrument: Instrument = AAPL, today: datetime.date = TODAY, **patience: Any) -> PriceSeries:
        limits = {"deadline_seconds": 12.0, "request_seconds": 6.0, "side_request_seconds": 2.0}
        source = YahooSource(
            Patience(**{"sleep": self.pauses.append, "random": random.Random(0)} | limits | patience),
            now=lambda: self.now,
        )
        return source.load(LoadRequest(instrument, self.home, today))


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    with contextlib.ExitStack() as stack:

        def start(find: Any, **options: Any) -> Any:
            server = stack.enter_context(
                LocalYahoo(
                    find if callable(find) else (lambda symbol: find if symbol == find.symbol else None), **options
                )
            )
            monkeypatch.setenv(ENDPOINT_VARIABLE, server.endpoint)
            return server

        yield start


def stock(rows: int = 60, last: datetime.date = THURSDAY) -> Any:
    return local_yahoo.stock_chart("AAPL", last, rows)


def findings(series: PriceSeries) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in json.loads(series.meta["findings"])}


# ---- what is served is what is loaded --------------------------------------------------------------------------------


def test_a_pair_over_a_switch_of_daylight_saving(serve: Callable[..., Any], asked: Asked) -> None:
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


def test_a_stock_has_raw_columns_and_its_dividends_and_splits(serve: Callable[..., Any], asked: Asked) -> None:
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
def test_dates_are_those_of_the_exchange(serve: Callable[..., Any], asked: Asked, zone: str, hour: int) -> None:
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
        assert len(source.load(LoadRequest(parse_ticker(symbol), tmp_path, TODAY))) == 30
    assert server.charts == symbols
    assert [path for _, path in server.hits].count(local_yahoo.CRUMB) == 1


def test_nothing_is_written_by_yfinance_and_its_pickles_are_not_read(serve: Callable[..., Any], asked: Asked) -> None:
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


def test_nothing_is_printed_or_warned(serve: Callable[..., Any], asked: Asked, tmp_path: Path) -> None:
    # In a process of its own: yfinance turns warnings on again when it is imported.
    server = serve(stock(), fault="503", times=2)
    code = (
        "import datetime, pathlib, sys\n"
        "from forecaster.data.instruments import parse_ticker\n"
        "from forecaster.data.sources import LoadRequest\n"
        "from forecaster.data.sources.yahoo import YahooSource\n"
        "from forecaster.data.sources.yahoo_terms import Patience\n"
        "assert not {'yfinance', 'curl_cffi', 'pandas'} & set(sys.modules), 'imported too early'\n"
        "source = YahooSource(Patience(sleep=lambda seconds: None))\n"
        "request = LoadRequest(parse_ticker('AAPL'), pathlib.Path(sys.argv[1]), datetime.date(2026, 11, 20))\n"
        "print(len(source.load(request)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "60\n", "")
    assert len(server.charts) == 3


# ---- faults ----------------------------------------------------------------------------------------------------------

Expected = collections.namedtuple("Expected", "text questions pauses")

_GARBLED = r"Yahoo's answer for AAPL is no price history: {} \(4 attempts\); expected daily prices; try later"
_UNREACHABLE = r"Yahoo cannot be reached for AAPL: {} \(4 attempts\); expected daily prices; check the network"
_NO_DATA = r"Yahoo has no prices of AAPL: {}; expected a symbol as on finance.yahoo.com"

# An answer of 400 and above is asked for once more by yfinance itself, at once and with another cookie.
FAULTS = {
    "429": Expected(r"Yahoo refuses more requests from this address \(HTTP 429, asked for AAPL\)", 4, 1),
    "404": Expected(_NO_DATA.format("No data found, symbol may be delisted"), 2, 0),
    "400": Expected(_NO_DATA.format("Data doesn't exist for startDate = -1, endDate = 1"), 2, 0),
    "empty result": Expected(_NO_DATA.format("no price data found"), 1, 0),
    "null result": Expected(_NO_DATA.format("no price data found"), 1, 0),
    "no timestamps": Expected(_NO_DATA.format("no price data found"), 1, 0),
    "unequal arrays": Expected(_GARBLED.format("ValueError: Length mismatch.*"), 4, 3),
    "no time zone": Expected(_GARBLED.format("KeyError: 'exchangeTimezoneName'"), 4, 3),
    "no currency": Expected(_GARBLED.format("KeyError: 'currency'"), 4, 3),
    "malformed": Expected(_GARBLED.format("JSONDecodeError: .*"), 4, 3),
    "empty body": Expected(_GARBLED.format("JSONDecodeError: .*"), 4, 3),
    "text": Expected(_NO_DATA.format("no price data found"), 1, 0),
    "right back": Expected(_UNREACHABLE.format("Yahoo says that it is down"), 4, 3),
    "401": Expected(_UNREACHABLE.format("HTTP 401"), 8, 3),
    "403": Expected(_UNREACHABLE.format("HTTP 403"), 8, 3),
    "500": Expected(_UNREACHABLE.format("HTTP 500"), 8, 3),
    "503": Expected(_UNREACHABLE.format("HTTP 503"), 8, 3),
    "503 json": Expected(_UNREACHABLE.format("HTTP 503"), 8, 3),
    "cut": Expected(_UNREACHABLE.format(r"IncompleteRead: \(18\) .*"), 4, 3),
    "endless": Expected(
        _UNREACHABLE.format(r"RequestException: \(63\) Exceeded the maximum allowed file size.*"), 4, 3
    ),
    "silent": Expected(_UNREACHABLE.format(r"Timeout: \(28\) .*"), 4, 3),
    "drip": Expected(_UNREACHABLE.format(r"Timeout: \(28\) .*"), 4, 3),
}


def test_every_fault_has_an_expected_end() -> None:
    assert FAULTS.keys() == local_yahoo.FAULTS.keys()


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_ends_in_one_useful_line(serve: Callable[..., Any], asked: Asked, fault: str) -> None:
    server = serve(stock(), fault=fault)
    expected = FAULTS[fault]
    with pytest.raises(SourceError, match=f"^{expected.text}") as caught:
        asked.load(request_seconds=0.3 if fault in ("silent", "drip") else 6.0)
    assert len(server.charts) == expected.questions
    assert len(asked.pauses) == expected.pauses
    assert all(0.5 * full <= pause <= 1.5 * full for pause, full in zip(asked.pauses, (1, 2, 4), strict=False))
    assert caught.value.exit_code == ExitCode.SOURCE
    (message,) = caught.value.messages
    assert "\n" not in message
    assert len(message) < 400
    assert "--offline" in message or "--csv" in message


def test_a_pair_is_told_about_the_fixings(serve: Callable[..., Any], asked: Asked) -> None:
    serve(lambda symbol: None)
    with pytest.raises(SourceError, match=r"no prices of EURUSD=X: .*; check it there, or use --source ecb$"):
        asked.load(EURUSD)
    serve(lambda symbol: None, fault="500")
    with pytest.raises(
        SourceError, match=r"use --offline for stored prices, or --source ecb for the fixings of the ECB$"
    ):
        asked.load(EURUSD)


def test_too_many_requests_for_a_crumb_alone_still_give_data(serve: Callable[..., Any], asked: Asked) -> None:
    server = serve(stock(), crumb=Reply(429, b"Too Many Requests"))
    assert len(asked.load()) == 60
    assert len(server.charts) == 1
    assert asked.pauses == []
    assert "crumb" not in server.queries[0]


@pytest.mark.parametrize("fault", ["503", "malformed", "cut", "429", "401"])
def test_a_fault_that_passes_gives_data(serve: Callable[..., Any], asked: Asked, fault: str) -> None:
    server = serve(stock(), fault=fault, times=3)
    assert len(asked.load()) == 60
    assert len(server.charts) == 4
    assert len(asked.pauses) == {"malformed": 3, "cut": 3}.get(fault, 1)


def test_an_error_about_the_past_is_not_repeated_from_memory(serve: Callable[..., Any], asked: Asked) -> None:
    # yfinance caches answers to questions whose end is over, errors too.
    asked.now = datetime.datetime(2020, 6, 1, 12, tzinfo=datetime.UTC)
    server = serve(stock(last=datetime.date(2020, 5, 29)), fault="503", times=3)
    assert len(asked.load(today=datetime.date(2020, 6, 1))) == 60
    assert len(server.charts) == 4


# ---- time ------------------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def test_the_last_pause_is_cut_to_fit_the_deadline(serve: Callable[..., Any], asked: Asked) -> None:
    clock = Clock()
    serve(stock(), fault="malformed", on_chart=lambda: clock.pass_by(2.5))
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.pass_by(seconds)

    with pytest.raises(SourceError, match="no price history"):
        asked.load(clock=clock, sleep=sleep, random=_Always(1.0))
    # 2.5 + 1 + 2.5 + 2 + 2.5 leave 1.5 of 12 seconds: one of them to wait, half a second to ask.
    assert pauses == [1.0, 2.0, pytest.approx(1.0)]


class _Always(random.Random):
    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def uniform(self, low: float, high: float) -> float:
        assert (low, high) == (0.5, 1.5)
        return self.value


def test_when_the_time_is_used_up_nothing_more_is_asked(serve: Callable[..., Any], asked: Asked) -> None:
    clock = Clock()
    server = serve(stock(), fault="malformed", on_chart=lambda: clock.pass_by(11.6))
    with pytest.raises(SourceError, match=r"no price history: .* \(1 attempt\)"):
        asked.load(clock=clock)
    assert len(server.charts) == 1
    assert asked.pauses == []


def test_pauses_differ_from_process_to_process() -> None:
    assert Patience().random.random() != Patience().random.random()
    assert dataclasses.astuple(Patience())[:5] == (12.0, 6.0, 2.0, (1.0, 2.0, 4.0), 2)


def test_a_black_hole_takes_no_longer_than_the_deadline(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        begin = time.monotonic()
        with pytest.raises(SourceError, match=r"Yahoo cannot be reached for AAPL: Timeout"):
            asked.load(deadline_seconds=1.5, request_seconds=0.4, side_request_seconds=0.2, sleep=time.sleep)
        assert 1.0 < time.monotonic() - begin < 4.0


@pytest.mark.slow
def test_a_black_hole_with_the_limits_that_everybody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        begin = time.monotonic()
        with pytest.raises(SourceError, match="cannot be reached"):
            get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY))
        assert 6 < time.monotonic() - begin < 13.5


def test_the_deadline_is_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        begin = time.monotonic()
        with pytest.raises(SourceError, match="cannot be reached"):
            get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline_seconds": "1"}))
        assert time.monotonic() - begin < 4.0
    with pytest.raises(ConfigError, match=r"source yahoo: deadline_seconds: .* greater than or equal to 1"):
        get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline_seconds": 0}))
    with pytest.raises(ConfigError, match=r"option 'deadline' is unknown; .*did you mean deadline_seconds"):
        get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline": 5}))


def test_no_network_at_all(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    # The top level domain "invalid" has no names, by RFC 2606.
    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://yahoo.invalid")
    begin = time.monotonic()
    with pytest.raises(SourceError, match=r"cannot be reached for AAPL: DNSError: .*resolve.* \(4 attempts\)"):
        asked.load()
    assert len(asked.pauses) == 3
    assert time.monotonic() - begin < 14


def test_a_refused_connection(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(ENDPOINT_VARIABLE, f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(SourceError, match=r"cannot be reached for AAPL: ConnectionError: \(7\) .* \(4 attempts\)"):
            asked.load()


def test_an_endpoint_that_is_no_server(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, "localhost:80")
    with pytest.raises(ConfigError, match="FORECAST_YAHOO_ENDPOINT is 'localhost:80'; expected a server such as http:"):
        asked.load()


# ---- the pause after too many requests -------------------------------------------------------------------------------


def test_after_too_many_requests_nobody_asks_for_half_an_hour(serve: Callable[..., Any], asked: Asked) -> None:
    server = serve(stock(), fault="429", times=4)
    with pytest.raises(
        SourceError, match=r"it is left alone until 12:30 UTC; wait until then \(or delete .*\), or use"
    ):
        asked.load()
    asked.now += datetime.timedelta(minutes=29)
    for instrument in (AAPL, parse_ticker("MSFT")):
        with pytest.raises(SourceError, match="left alone until 12:30 UTC"):
            asked.load(instrument)
    assert len(server.charts) == 4
    asked.now += datetime.timedelta(minutes=1)
    assert len(asked.load()) == 60


def test_a_pause_is_of_one_server_and_one_project(serve: Callable[..., Any], asked: Asked, tmp_path: Path) -> None:
    serve(stock(), fault="429")
    with pytest.raises(SourceError, match="left alone"):
        asked.load()
    asked.home = tmp_path / "other"
    with pytest.raises(SourceError, match="HTTP 429"):
        asked.load()  # was asked again
    asked.home = tmp_path
    serve(stock())
    assert len(asked.load()) == 60


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"yahoo": 5}', '{"yahoo": "soon"}', '{"yahoo": "2026-11-20T12:10:00"}', "\x00"]
)
def test_a_damaged_pause_is_none(tmp_path: Path, content: str) -> None:
    pause = Pause(tmp_path, "yahoo")
    pause.path.parent.mkdir()
    pause.path.write_text(content)
    assert pause.until(NOON) is None
    assert pause.begin(NOON) == NOON + PAUSE
    assert Pause(tmp_path, "yahoo").until(NOON) == NOON + PAUSE
    assert Pause(tmp_path, "http://127.0.0.1:1").until(NOON) is None
    assert [path.name for path in pause.path.parent.iterdir()] == ["yahoo-pause.json"]


def test_a_pause_of_more_than_half_an_hour_comes_from_a_clock_set_back(tmp_path: Path) -> None:
    Pause(tmp_path, "yahoo").begin(NOON)
    assert Pause(tmp_path, "yahoo").until(NOON - datetime.timedelta(minutes=1)) is None


def test_a_pause_that_cannot_be_written_is_no_fault_of_its_own(serve: Callable[..., Any], asked: Asked) -> None:
    (asked.home / "data").write_text("a file where the folder should be")
    server = serve(stock(), fault="429")
    for _ in range(2):
        with pytest.raises(SourceError, match="left alone until 12:30"):
            asked.load()
    assert len(server.charts) == 8
    serve(stock())
    assert len(asked.load()) == 60


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
    serve: Callable[..., Any], asked: Asked, hour: int, minute: int, last: str
) -> None:
    asked.now = datetime.datetime(2026, 11, 19, hour, minute, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 11, 19, 21, 0, tzinfo=datetime.UTC).timestamp())
    serve(dataclasses.replace(stock(), session_end=end))
    series = asked.load(today=datetime.date(2026, 11, 19))
    assert str(series.dates[-1]) == last
    if last == "2026-11-18":
        assert findings(series)["unfinished_bar"]["dates"] == ["2026-11-19"]
        assert len(series) == 59


def test_today_is_over_earlier_in_tokyo(serve: Callable[..., Any], asked: Asked) -> None:
    # 20:00 UTC on Thursday is Friday morning there: Thursday is complete.
    asked.now = datetime.datetime(2026, 11, 19, 20, tzinfo=datetime.UTC)
    dates = np.busday_offset("2026-11-19", np.arange(-9, 1))
    prices = {name: np.full(10, 5.0) + np.arange(10) for name in ("open", "high", "low", "close")}
    serve(Chart("7203.T", local_yahoo.seconds(dates, "Asia/Tokyo", 9), prices, zone="Asia/Tokyo", currency="JPY"))
    assert str(asked.load(parse_ticker("7203.T"), today=datetime.date(2026, 11, 19)).dates[-1]) == "2026-11-19"


def test_a_pair_never_counts_today_whatever_the_session_says(serve: Callable[..., Any], asked: Asked) -> None:
    asked.now = datetime.datetime(2026, 10, 30, 22, 30, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 10, 30, 20, tzinfo=datetime.UTC).timestamp())
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2026-10-01", "2026-10-30"))
    serve(dataclasses.replace(chart, session_end=end))
    assert str(asked.load(EURUSD, today=datetime.date(2026, 10, 30)).dates[-1]) == "2026-10-29"


def test_another_day_than_the_clock_shows_has_just_begun(serve: Callable[..., Any], asked: Asked) -> None:
    serve(stock())
    assert str(asked.load(today=datetime.date(2026, 11, 18)).dates[-1]) == "2026-11-16"
    # At 00:00 UTC it is still the 17th in New York, and nobody knows the hour.


def test_a_live_row_beside_the_last_one_is_one_row(serve: Callable[..., Any], asked: Asked) -> None:
    chart = stock()
    asked.now = datetime.datetime(2026, 11, 19, 23, tzinfo=datetime.UTC)
    end = int(datetime.datetime(2026, 11, 19, 21, tzinfo=datetime.UTC).timestamp())
    live = {name: np.append(values, values[-1] * 1.01) for name, values in chart.prices.items()}
    serve(dataclasses.replace(chart, times=[*chart.times, end], prices=live, session_end=end))
    series = asked.load(today=datetime.date(2026, 11, 19))
    assert len(series) == 60
    assert series.close[-1] == live["close"][-1]


def with_cells(chart: Any, **cells: dict[int, Any]) -> Any:
    prices = {name: list(values) for name, values in chart.prices.items()}
    for name, new in cells.items():
        for row, value in new.items():
            prices[name][row] = value
    return dataclasses.replace(chart, prices=prices)


def test_dirty_rows_are_cleaned_and_counted(serve: Callable[..., Any], asked: Asked) -> None:
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
    found = findings(series)
    assert (found["bad_price"]["count"], found["bad_price"]["severity"]) == (2, "repair")
    assert found["impossible_range"]["count"] == 1
    place = int(np.flatnonzero(np.isnan(series.columns["high"]))[0])
    assert series.dates[place] == np.datetime64(chart.times[50], "s").astype("datetime64[D]")
    assert np.isfinite(series.columns["close"]).all()


def test_a_weekend_row_of_a_stock(serve: Callable[..., Any], asked: Asked) -> None:
    chart = stock()
    friday = 55
    assert np.datetime64(chart.times[friday], "s").astype("datetime64[D]") == np.datetime64("2026-11-13")
    times = [*chart.times[: friday + 1], chart.times[friday] + 86_400, *chart.times[friday + 1 :]]
    prices = {name: np.insert(values, friday, values[friday]) for name, values in chart.prices.items()}
    serve(dataclasses.replace(chart, times=times, prices=prices))
    series = asked.load()
    assert findings(series)["flat_weekend_row"]["dates"] == ["2026-11-14"]
    assert len(series) == 60


def test_a_jump_that_comes_back_is_left_to_whoever_knows_the_cutoff(serve: Callable[..., Any], asked: Asked) -> None:
    chart = stock()
    close = chart.prices["close"]
    serve(with_cells(chart, **{name: {40: chart.prices[name][40] * 100} for name in ("open", "high", "low", "close")}))
    series = asked.load()
    assert series.close[40] == pytest.approx(close[40] * 100)
    assert findings(series)["reverting_spike"]["count"] == 1
    report = validate(RawRows.of(series), today=TODAY)
    assert len(repaired(RawRows.of(series), report)) == 59
    assert len(repaired(RawRows.of(series), report, series.dates[40])) == 41


def test_too_many_bad_rows_are_no_history(serve: Callable[..., Any], asked: Asked) -> None:
    serve(with_cells(stock(), close=dict.fromkeys(range(10, 20))))
    with pytest.raises(SourceError, match=r"^Yahoo's history of AAPL: 10 rows of 60 without a usable price"):
        asked.load()


def test_a_history_of_one_day(serve: Callable[..., Any], asked: Asked) -> None:
    serve(stock(1))
    with pytest.raises(SourceError, match="no prices of AAPL: 1 finished days with a price; expected at least 2"):
        asked.load()


def test_a_split_makes_another_history_and_both_are_told_apart(serve: Callable[..., Any], asked: Asked) -> None:
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


# ---- pairs are held against the ECB ----------------------------------------------------------------------------------


def test_a_pair_is_checked_against_the_fixings(serve: Callable[..., Any], asked: Asked) -> None:
    # Real once: on 2008-01-08 stood a price of 2008-08-01.
    fixing = local_yahoo.fixings("EURUSD", "2007-06-01", "2008-12-31")
    row = int(np.searchsorted(fixing.dates, np.datetime64("2008-01-08")))
    chart = local_yahoo.pair_chart(fixing)
    serve(with_cells(chart, **{name: {row: 1.5571} for name in ("open", "high", "low", "close")}))
    series = asked.load(EURUSD)
    assert findings(series)["reference_mismatch"]["dates"] == ["2008-01-08"]
    assert np.datetime64("2008-01-08") not in series.dates
    assert len(series) == len(fixing) - 1


def test_a_pair_the_other_way_round_is_refused(serve: Callable[..., Any], asked: Asked) -> None:
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2020-01-01", "2020-12-31"))
    serve(dataclasses.replace(chart, prices={name: 1 / values for name, values in chart.prices.items()}))
    with pytest.raises(SourceError, match=r"history of EURUSD=X: .* disagree with the fixings .* the other way round"):
        asked.load(EURUSD)


@pytest.mark.parametrize(
    ("what", "value"), [("kind", "EQUITY"), ("currency", "EUR"), ("zone", "America/New_York"), ("currency", "usd\nX")]
)
def test_prices_of_something_else_are_refused(serve: Callable[..., Any], asked: Asked, what: str, value: str) -> None:
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2020-01-01", "2020-12-31"))
    serve(dataclasses.replace(chart, **{what: value}))
    pattern = "^Yahoo's EURUSD=X is .*; expected CURRENCY in USD at Europe/London; "
    with pytest.raises(SourceError, match=pattern) as caught:
        asked.load(EURUSD)
    assert "\n" not in caught.value.messages[0]


def test_a_currency_behind_a_ticker_is_refused(serve: Callable[..., Any], asked: Asked) -> None:
    serve(dataclasses.replace(stock(), kind="CURRENCY"))
    with pytest.raises(SourceError, match="Yahoo's AAPL is a currency pair; expected a stock or an index; use --pair"):
        asked.load()


def test_a_pair_that_the_ecb_does_not_have_goes_by_its_ticker(serve: Callable[..., Any], asked: Asked) -> None:
    fixing = local_yahoo.fixings("USDJPY", "2020-01-01", "2020-12-31")
    chart = dataclasses.replace(local_yahoo.pair_chart(fixing), symbol="USDTWD=X", currency="TWD")
    serve(chart)
    series = asked.load(parse_ticker("USDTWD=X"))
    np.testing.assert_array_equal(series.close, fixing.close)
    assert series.meta["price"].startswith("open of the day")


# ---- symbols ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "symbol"),
    [
        (parse_pair("usd/jpy"), "USDJPY=X"),
        (parse_pair("EURUSD"), "EURUSD=X"),  # the short form EUR=X would be the dollar in euros
        *[
            (parse_ticker(one), one)
            for one in ("AAPL", "^GSPC", "BRK-B", "7203.T", "BTC-USD", "ETH-EUR", "GC=F", "USD")
        ],
    ],
)
def test_symbols(instrument: Instrument, symbol: str) -> None:
    assert yahoo_symbol(instrument) == symbol


@pytest.mark.parametrize(
    ("ticker", "hint"),
    [
        (
            "XAUUSD",
            "spot price of gold, which Yahoo does not have; .*; use --ticker GC=F for the next future in dollars",
        ),
        ("XAUUSD=X", "use --ticker GC=F"),
        ("XAG-USD", "use --ticker SI=F"),
        ("XPT", "use --ticker PL=F"),
        ("XPD=X", "use --ticker PA=F"),
        ("BTCUSD", "is not how Yahoo writes it; expected a coin and a currency; use --ticker BTC-USD"),
        ("XBTEUR", "use --ticker BTC-EUR"),
        ("DOGEUSD", "use --ticker DOGE-USD"),
        ("USDJPY=X", "is a currency pair; .*; use --pair USDJPY"),
        ("eurusd", "use --pair EURUSD"),
        ("EUR=X", "is short for USDEUR; expected all six letters; use --pair USDEUR"),
        ("TWD=X", "use --pair USDTWD"),
        ("US0378331005", "is an ISIN; expected a symbol"),
    ],
)
def test_names_that_yahoo_does_not_have_are_refused_with_the_right_ones(ticker: str, hint: str, asked: Asked) -> None:
    with pytest.raises(InstrumentError, match=f"^ticker '{ticker.upper()}' .*{hint}"):
        asked.load(parse_ticker(ticker))


def test_files_and_made_up_series_are_other_sources(asked: Asked) -> None:
    with pytest.raises(UsageError, match="got the csv 'gold'; use --source csv"):
        asked.load(csv_instrument(Path("gold.csv")))
    with pytest.raises(UsageError, match="got the ticker 'sine'; use --source synthetic"):
        asked.load(parse_ticker("sine"))


# ---- the network of the user: proxies and certificates ---------------------------------------------------------------

_HOSTS = ("fc.yahoo.com", "guce.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com")


@dataclasses.dataclass
class Proxy:
    """A proxy that opens the tunnels it is asked for, as those of companies do, and answers in Yahoo's place."""

    url: str
    tunnels: list[str]
    certificate: Path
    yahoo: Any


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for Yahoo's hosts that nobody but these tests trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ",".join(f"DNS:{host}" for host in _HOSTS)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=a test", "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def proxy(certificates: tuple[Path, Path]) -> Iterator[Proxy]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates)
    yahoo = LocalYahoo(lambda symbol: stock())
    tunnels: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            tunnels.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError), context.wrap_socket(self.connection, server_side=True) as inside:
                self._serve(inside, self.path.partition(":")[0])

        def _serve(self, inside: ssl.SSLSocket, host: str) -> None:
            with inside.makefile("rb") as reader:
                while line := reader.readline():
                    path, _, query = line.split()[1].decode().partition("?")
                    while reader.readline().strip():
                        pass
                    reply = yahoo.reply(host, path, query)
                    head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(reply.body)}\r\n"
                    cookie = "Set-Cookie: A3=made; Domain=.yahoo.com; Path=/; Max-Age=31536000; Secure\r\n\r\n"
                    inside.sendall((head + cookie).encode() + reply.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Proxy(f"http://127.0.0.1:{server.server_port}", tunnels, certificates[0], yahoo)
    server.shutdown()
    server.server_close()
    thread.join()
    yahoo.server.server_close()


def test_the_proxy_and_the_certificates_of_the_user(
    proxy: Proxy, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Yahoo's own addresses, certificates checked: as a company's network does it.
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(proxy.certificate))
    series = asked.load()
    assert len(series) == 60
    assert "endpoint" not in series.meta
    assert set(proxy.tunnels) <= {f"{host}:443" for host in _HOSTS}
    assert "query2.finance.yahoo.com:443" in proxy.tunnels
    assert not list(asked.home.rglob("cookies.db*"))


def test_a_certificate_that_is_not_trusted_is_told(proxy: Proxy, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(
        SourceError, match=r"CertificateVerifyError: \(60\).*HTTPS_PROXY and CURL_CA_BUNDLE are honoured"
    ):
        asked.load(pauses_seconds=())
    assert proxy.yahoo.hits == []


def test_other_names_of_the_same_settings(proxy: Proxy, tmp_path: Path) -> None:
    # SSL_CERT_FILE is looked at when curl_cffi is imported, so that it takes a process of its own.
    code = (
        "import datetime, pathlib, sys\n"
        "from forecaster.data.instruments import parse_ticker\n"
        "from forecaster.data.sources import LoadRequest, get_source\n"
        "request = LoadRequest(parse_ticker('AAPL'), pathlib.Path(sys.argv[1]), datetime.date(2026, 11, 20))\n"
        "print(len(get_source('yahoo').load(request)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "https_proxy": proxy.url, "SSL_CERT_FILE": str(proxy.certificate), "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "60\n", "")


def test_no_proxy(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    # Asked at the session, with a host that does not exist: a test must not reach the real one.
    from curl_cffi import requests

    from forecaster.data.sources.yahoo_session import YahooSession

    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(requests.exceptions.RequestException), YahooSession() as session:
        session.get(url="https://yahoo.invalid/")
    assert proxy.tunnels == ["yahoo.invalid:443"]
    monkeypatch.setenv("NO_PROXY", "yahoo.invalid")
    with pytest.raises(requests.exceptions.DNSError), YahooSession() as session:
        session.get(url="https://yahoo.invalid/")
    assert proxy.tunnels == ["yahoo.invalid:443"]


def test_a_test_server_is_never_behind_a_proxy(
    serve: Callable[..., Any], asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    serve(stock())
    assert len(asked.load()) == 60


# ---- the server that is run by hand ----------------------------------------------------------------------------------


def test_the_server_can_be_run_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, local_yahoo.__file__, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert isinstance(running.stdout, io.TextIOBase)
            name, _, endpoint = running.stdout.readline().strip().removeprefix("export ").partition("=")
            monkeypatch.setenv(name, endpoint)
            today = datetime.datetime.now(datetime.UTC).date()
            source = get_source("yahoo")
            assert len(source.load(LoadRequest(AAPL, tmp_path, today))) == 2500
            assert len(source.load(LoadRequest(parse_pair("USDJPY"), tmp_path, today))) == 7126
            with pytest.raises(SourceError, match="no prices of UNKNOWN"):
                source.load(LoadRequest(parse_ticker("UNKNOWN"), tmp_path, today))
        finally:
            running.terminate()
