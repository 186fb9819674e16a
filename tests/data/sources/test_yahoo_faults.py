"""Every way in which Yahoo can fail, seen by the real yfinance; how long it takes, and what is said."""

import collections
import dataclasses
import datetime
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import local_yahoo
import pytest
from local_yahoo import Reply, stock

from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.data.sources.yahoo import ENDPOINT_VARIABLE
from forecaster.data.sources.yahoo_retry import PAUSE, Pause, RetryPolicy
from forecaster.errors import ConfigError, ExitCode, SourceError

pytestmark = pytest.mark.usefixtures("fresh_yfinance")

TODAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
THURSDAY = datetime.date(2026, 11, 19)
AAPL = parse_ticker("AAPL")
EURUSD = parse_pair("EURUSD")

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
def test_a_fault_ends_in_one_useful_line(serve: Callable[..., Any], asked: Any, fault: str) -> None:
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
    assert "--csv" in message


def test_a_pair_is_told_about_the_fixings(serve: Callable[..., Any], asked: Any) -> None:
    serve(lambda symbol: None)
    with pytest.raises(SourceError, match=r"no prices of EURUSD=X: .*; check it there, or use --source ecb$"):
        asked.load(EURUSD)
    serve(lambda symbol: None, fault="500")
    with pytest.raises(
        SourceError, match=r"use prices of your own with --csv FILE, or --source ecb for the fixings of the ECB$"
    ):
        asked.load(EURUSD)


def test_too_many_requests_for_a_crumb_alone_still_give_data(serve: Callable[..., Any], asked: Any) -> None:
    server = serve(stock(), crumb=Reply(429, b"Too Many Requests"))
    assert len(asked.load()) == 60
    assert len(server.charts) == 1
    assert asked.pauses == []
    assert "crumb" not in server.queries[0]


@pytest.mark.parametrize("fault", ["503", "malformed", "cut", "429", "401"])
def test_a_fault_that_passes_gives_data(serve: Callable[..., Any], asked: Any, fault: str) -> None:
    server = serve(stock(), fault=fault, times=3)
    assert len(asked.load()) == 60
    assert len(server.charts) == 4
    assert len(asked.pauses) == {"malformed": 3, "cut": 3}.get(fault, 1)


def test_an_error_about_the_past_is_not_repeated_from_memory(serve: Callable[..., Any], asked: Any) -> None:
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


def test_the_last_pause_is_cut_to_fit_the_deadline(serve: Callable[..., Any], asked: Any) -> None:
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


def test_when_the_time_is_used_up_nothing_more_is_asked(serve: Callable[..., Any], asked: Any) -> None:
    clock = Clock()
    server = serve(stock(), fault="malformed", on_chart=lambda: clock.pass_by(11.6))
    with pytest.raises(SourceError, match=r"no price history: .* \(1 attempt\)"):
        asked.load(clock=clock)
    assert len(server.charts) == 1
    assert asked.pauses == []


def test_pauses_differ_from_process_to_process() -> None:
    assert RetryPolicy().random.random() != RetryPolicy().random.random()
    assert dataclasses.astuple(RetryPolicy())[:5] == (12.0, 6.0, 2.0, (1.0, 2.0, 4.0), 2)


def test_a_black_hole_ends_at_the_deadline(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        with pytest.raises(SourceError, match=r"Yahoo cannot be reached for AAPL: Timeout"):
            asked.load(deadline_seconds=1.5, request_seconds=0.4, side_request_seconds=0.2, sleep=time.sleep)


@pytest.mark.slow
def test_a_black_hole_with_the_limits_that_everybody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        begin = time.monotonic()
        with pytest.raises(SourceError, match="cannot be reached"):
            get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY))
        assert 6 < time.monotonic() - begin < 60


def test_the_deadline_is_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_yahoo.black_hole() as endpoint:
        monkeypatch.setenv(ENDPOINT_VARIABLE, endpoint)
        with pytest.raises(SourceError, match=r"cannot be reached.* \(1 attempt\)"):  # two in the usual twelve seconds
            get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline_seconds": "1"}))
    with pytest.raises(ConfigError, match=r"source yahoo: deadline_seconds: .* greater than or equal to 1"):
        get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline_seconds": 0}))
    with pytest.raises(ConfigError, match=r"option 'deadline' is unknown; .*did you mean deadline_seconds"):
        get_source("yahoo").load(LoadRequest(AAPL, tmp_path, TODAY, {"deadline": 5}))


def test_no_network_at_all(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The top level domain "invalid" has no names, by RFC 2606.
    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://yahoo.invalid")
    with pytest.raises(SourceError, match=r"cannot be reached for AAPL: DNSError: .*resolve.* \(4 attempts\)"):
        asked.load()
    assert len(asked.pauses) == 3


def test_a_refused_connection(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(ENDPOINT_VARIABLE, f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(SourceError, match=r"cannot be reached for AAPL: ConnectionError: \(7\) .* \(4 attempts\)"):
            asked.load()


def test_an_endpoint_that_is_no_server(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, "localhost:80")
    with pytest.raises(ConfigError, match="FORECAST_YAHOO_ENDPOINT is 'localhost:80'; expected a server such as http:"):
        asked.load()


# ---- the pause after too many requests -------------------------------------------------------------------------------


def test_after_too_many_requests_nobody_asks_for_half_an_hour(serve: Callable[..., Any], asked: Any) -> None:
    server = serve(stock(), fault="429", times=4)
    with pytest.raises(
        SourceError, match=r"it is not asked again until 12:30 UTC; wait until then \(or delete .*\), or use"
    ):
        asked.load()
    asked.now += datetime.timedelta(minutes=29)
    for instrument in (AAPL, parse_ticker("MSFT")):
        with pytest.raises(SourceError, match="not asked again until 12:30 UTC"):
            asked.load(instrument)
    assert len(server.charts) == 4
    asked.now += datetime.timedelta(minutes=1)
    assert len(asked.load()) == 60


def test_a_pause_is_of_one_server_and_one_project(serve: Callable[..., Any], asked: Any, tmp_path: Path) -> None:
    serve(stock(), fault="429")
    with pytest.raises(SourceError, match="not asked again"):
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


def test_a_pause_that_cannot_be_written_is_no_fault_of_its_own(serve: Callable[..., Any], asked: Any) -> None:
    (asked.home / "data").write_text("a file where the folder should be")
    server = serve(stock(), fault="429")
    for _ in range(2):
        with pytest.raises(SourceError, match="not asked again until 12:30"):
            asked.load()
    assert len(server.charts) == 8
    serve(stock())
    assert len(asked.load()) == 60
