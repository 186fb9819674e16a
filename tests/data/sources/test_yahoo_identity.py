"""Answers of Yahoo that are about something else, or place it nowhere."""

from collections.abc import Callable
from typing import Any

import local_yahoo
import pytest

from forecaster.data.instruments import parse_pair
from forecaster.errors import SourceError

pytestmark = pytest.mark.usefixtures("fresh_yfinance")

ZONES = (
    "+01:00",
    "UTC+01:00",
    "tzlocal()",
    "dateutil/Europe/Berlin",
    "Europe",
    "../../etc/passwd",
    "",
    "\x1b[31m",
    5,
    None,
)


@pytest.fixture
def altered(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the server change facts of its answers."""

    def alter(chart: Callable[[str], Any], **facts: object) -> None:
        change = local_yahoo._altered(lambda result: result["meta"].update(facts))
        monkeypatch.setitem(local_yahoo.FAULTS, "altered", change)
        serve(chart, fault="altered")

    return alter


@pytest.mark.parametrize("symbol", ["MSFT", "EVIL", "AAPL.MX", "", "\x1b[31mAAPL", None])
def test_prices_of_another_symbol_are_refused(altered: Callable[..., None], asked: Any, symbol: str | None) -> None:
    altered(local_yahoo.any_chart, symbol=symbol)
    with pytest.raises(SourceError, match=r"^Yahoo's answer for AAPL names .*; expected prices of AAPL; ") as caught:
        asked.load()
    assert str(caught.value).isprintable()


def test_the_case_of_a_symbol_does_not_matter(altered: Callable[..., None], asked: Any) -> None:
    altered(local_yahoo.any_chart, symbol="aapl")
    assert len(asked.load()) > 0


def test_a_pair_of_the_dollar_may_have_the_short_name(altered: Callable[..., None], asked: Any) -> None:
    altered(local_yahoo.any_chart, symbol="JPY=X")
    assert len(asked.load(parse_pair("USDJPY"))) > 0
    with pytest.raises(SourceError, match="names 'JPY=X'"):
        asked.load(parse_pair("EURJPY"))


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_that_nobody_knows_is_one_line(altered: Callable[..., None], asked: Any, zone: object) -> None:
    altered(local_yahoo.any_chart, exchangeTimezoneName=zone)
    with pytest.raises(SourceError, match=r"no price history: .*; expected daily prices") as caught:
        asked.load()
    assert len(caught.value.messages) == 1


@pytest.mark.parametrize("fact", ["exchangeName", "currency", "instrumentType"])
def test_facts_of_the_server_reach_no_terminal_raw(forecast, altered, tmp_path, monkeypatch, fact: str) -> None:
    monkeypatch.delenv("FORECAST_OFFLINE")
    altered(local_yahoo.any_chart, **{fact: "\x1b]0;owned\x07\x1b[31m"})
    result = forecast("data", "fetch", "--ticker", "AAPL", "--home", tmp_path)
    shown = forecast("data", "show", "--ticker", "AAPL", "--offline", "--no-picture", "--home", tmp_path)
    for text in (result.output, shown.output):
        assert all(line.isprintable() for line in text.splitlines())
