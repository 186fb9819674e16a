"""Pairs are held against the ECB; what Yahoo calls things."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import local_yahoo
import numpy as np
import pytest
from local_yahoo import stock, with_cells

from forecaster.data.instruments import Instrument, csv_instrument, parse_pair, parse_ticker
from forecaster.data.sources.yahoo_symbols import yahoo_symbol
from forecaster.errors import InstrumentError, SourceError, UsageError

pytestmark = pytest.mark.usefixtures("fresh_yfinance")

TODAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
THURSDAY = datetime.date(2026, 11, 19)
AAPL = parse_ticker("AAPL")
EURUSD = parse_pair("EURUSD")


# ---- pairs are held against the ECB ----------------------------------------------------------------------------------


def test_a_pair_is_checked_against_the_fixings(serve: Callable[..., Any], asked: Any) -> None:
    # Real once: on 2008-01-08 stood a price of 2008-08-01.
    fixing = local_yahoo.fixings("EURUSD", "2007-06-01", "2008-12-31")
    row = int(np.searchsorted(fixing.dates, np.datetime64("2008-01-08")))
    chart = local_yahoo.pair_chart(fixing)
    serve(with_cells(chart, **{name: {row: 1.5571} for name in ("open", "high", "low", "close")}))
    series = asked.load(EURUSD)
    assert asked.findings["reference_mismatch"].dates == ("2008-01-08",)
    assert np.datetime64("2008-01-08") not in series.dates
    assert len(series) == len(fixing) - 1


def test_a_pair_the_other_way_round_is_refused(serve: Callable[..., Any], asked: Any) -> None:
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2020-01-01", "2020-12-31"))
    serve(dataclasses.replace(chart, prices={name: 1 / values for name, values in chart.prices.items()}))
    with pytest.raises(SourceError, match=r"history of EURUSD=X: .* disagree with the fixings .* the other way round"):
        asked.load(EURUSD)


@pytest.mark.parametrize(
    ("what", "value"), [("kind", "EQUITY"), ("currency", "EUR"), ("zone", "America/New_York"), ("currency", "usd\nX")]
)
def test_prices_of_something_else_are_refused(serve: Callable[..., Any], asked: Any, what: str, value: str) -> None:
    chart = local_yahoo.pair_chart(local_yahoo.fixings("EURUSD", "2020-01-01", "2020-12-31"))
    serve(dataclasses.replace(chart, **{what: value}))
    pattern = "^Yahoo's EURUSD=X is .*; expected CURRENCY in USD at Europe/London; "
    with pytest.raises(SourceError, match=pattern) as caught:
        asked.load(EURUSD)
    assert "\n" not in caught.value.messages[0]


def test_a_currency_behind_a_ticker_is_refused(serve: Callable[..., Any], asked: Any) -> None:
    serve(dataclasses.replace(stock(), kind="CURRENCY"))
    with pytest.raises(SourceError, match="Yahoo's AAPL is a currency pair; expected a stock or an index; use --pair"):
        asked.load()


def test_a_pair_that_the_ecb_does_not_have_goes_by_its_ticker(serve: Callable[..., Any], asked: Any) -> None:
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
def test_names_that_yahoo_does_not_have_are_refused_with_the_right_ones(ticker: str, hint: str, asked: Any) -> None:
    with pytest.raises(InstrumentError, match=f"^ticker '{ticker.upper()}' .*{hint}"):
        asked.load(parse_ticker(ticker))


def test_files_and_made_up_series_are_other_sources(asked: Any) -> None:
    with pytest.raises(UsageError, match="got the csv 'gold'; use --source csv"):
        asked.load(csv_instrument(Path("gold.csv")))
    with pytest.raises(UsageError, match="got the ticker 'sine'; use --source synthetic"):
        asked.load(parse_ticker("sine"))
