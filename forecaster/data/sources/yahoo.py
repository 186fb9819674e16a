"""Yahoo Finance: stocks, indices, funds, futures, crypto currencies and currency pairs, over the network.

Yahoo's service comes without a contract: it is for personal use, changes without notice, and limits the rate of
requests. Its rows are stored on the user's disk and are not distributed with this program.

For a currency pair only the *open* is used, 00:00 in London. Yahoo's close of many past days equals the open of the
same day, and its high and low do not always contain the next open, so returns of closes show patterns that were never
in the market. Every row is compared with the ECB's fixing, which is installed.
"""

import dataclasses
import datetime
import functools
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

import pydantic

from forecaster.data.instruments import CURRENCIES, Instrument, shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.ecb import EcbSource
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.data.sources.yahoo_answers import Fault, Outcome
from forecaster.data.sources.yahoo_bars import CURRENCY_ZONE, Bars, last_finished_day, read_bars
from forecaster.data.sources.yahoo_retry import Pause, RetryPolicy
from forecaster.data.sources.yahoo_symbols import is_currency, yahoo_symbol
from forecaster.data.validation import MarketExpectations, RawRows, cleaned, source_findings, validate
from forecaster.errors import ConfigError, SourceError, UnreachableError

__all__ = ["ATTRIBUTION", "ENDPOINT_VARIABLE", "YahooOptions", "YahooSource"]

ATTRIBUTION = "Yahoo Finance; for personal use, see its terms"
ENDPOINT_VARIABLE = "FORECAST_YAHOO_ENDPOINT"
"""Environment variable: a server to ask in place of Yahoo, as ``<value>/<host>/<path>``; for tests."""

_SUNDAY_TO_THURSDAY = frozenset(
    {"Asia/Jerusalem", "Asia/Riyadh", "Asia/Kuwait", "Asia/Qatar", "Asia/Dubai", "Asia/Bahrain", "Asia/Muscat",
     "Asia/Amman", "Asia/Dhaka", "Africa/Cairo"}
)  # fmt: skip
"""Zones whose exchanges have, or had, other weekends: missing days are not reported there."""

_MONDAY_TO_FRIDAY_KINDS = frozenset({"EQUITY", "ETF", "INDEX", "MUTUALFUND"})


class YahooOptions(SourceOptions):
    """Options of requests to Yahoo."""

    deadline_seconds: float = pydantic.Field(
        12.0, ge=1, le=120, description="limit for one symbol, all attempts together"
    )


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class YahooSource:
    """Daily prices from Yahoo Finance, the whole history at each request.

    Args:
        policy: Limits, pauses, clock and randomness of the requests.
        now: The current time, which decides which days are over.
    """

    name = "yahoo"
    traits = SourceTraits(grows=True, symbols_name_exchanges=True, options=YahooOptions)

    def __init__(self, policy: RetryPolicy | None = None, now: Callable[[], datetime.datetime] = _utc_now) -> None:
        self._policy = policy
        self._now = now

    @functools.cached_property
    def _ecb(self) -> EcbSource:
        return EcbSource()

    @property
    def endpoint(self) -> str | None:
        """The server in `ENDPOINT_VARIABLE`; None for Yahoo."""
        return _endpoint()

    def symbol(self, instrument: Instrument) -> str:
        """Yahoo's spelling; see `yahoo_symbol`."""
        return yahoo_symbol(instrument)

    def load(self, request: LoadRequest) -> Loaded:
        """The history of a ticker or a currency pair up to the last completed day.

        A ticker has raw open, high, low, close and volume, already divided by splits, and an adjusted close; a pair
        has the open of each day as its close. Repairs that need no later row are made and are findings; the others
        are left to the user of the series (see `validation`).

        Raises:
            SourceError: Yahoo refuses, cannot be reached, sends something else, or does not have the symbol;
                or the rows are too bad to be used.
            UsageError: The instrument is none that Yahoo has.
            ConfigError: An option or the endpoint is wrong.
        """
        symbol = yahoo_symbol(request.instrument)
        options = parse_options(YahooOptions, request.options, self.name)
        policy = self._policy or RetryPolicy(deadline_seconds=options.deadline_seconds)
        bars = self._ask(symbol, request, policy)
        _check_identity(symbol, bars)
        market = _market(symbol, bars, self._moment(request.today))
        report = validate(bars.rows, today=request.today, market=market, reference=self._reference(request))
        report.require_good(f"Yahoo's history of {symbol}", SourceError)
        rows = cleaned(bars.rows, report)
        if len(rows) < 2:
            fault = Fault(Outcome.NO_DATA, f"{len(rows)} finished days with a price; expected at least 2")
            raise SourceError(_message(symbol, request.instrument, fault))
        return Loaded(_series(symbol, request.instrument, bars, rows), source_findings(report))

    def _ask(self, symbol: str, request: LoadRequest, policy: RetryPolicy) -> Bars:
        """Yahoo's answer; raises an error with the reason if there is none."""
        endpoint = _endpoint()
        pause = Pause(request.home, endpoint or "yahoo")
        until = pause.until(self._now())
        if until is not None:
            raise UnreachableError(_pause_message(symbol, request.instrument, until, pause.path))
        # Here and not above, because curl_cffi and yfinance take half a second to import.
        from forecaster.data.sources.yahoo_session import fetch_history, session_for

        end = datetime.datetime.combine(request.today, datetime.time(), datetime.UTC) + datetime.timedelta(days=2)
        folder = request.home / "data" / "yfinance"
        try:
            return read_bars(fetch_history(symbol, int(end.timestamp()), session_for(endpoint), policy, folder))
        except Fault as fault:
            if fault.outcome is Outcome.RATE_LIMITED:
                until = pause.begin(self._now())
                message = _pause_message(symbol, request.instrument, until, pause.path)
            else:
                message = _message(symbol, request.instrument, fault)
            silent = fault.outcome in (Outcome.UNREACHABLE, Outcome.RATE_LIMITED)
            raise (UnreachableError if silent else SourceError)(message) from fault

    def _moment(self, today: datetime.date) -> datetime.datetime:
        """The time, or the first moment of `today` if that is another day, whose hour is not known."""
        now = self._now().astimezone(datetime.UTC)
        return now if now.date() == today else datetime.datetime.combine(today, datetime.time(), datetime.UTC)

    def _reference(self, request: LoadRequest) -> PriceSeries | None:
        if request.instrument.kind != "pair":
            return None
        try:
            return self._ecb.load(dataclasses.replace(request, options={}, network="never")).series
        except SourceError:  # no fixings of these two: then there is nothing to compare with
            return None


def _endpoint() -> str | None:
    endpoint = os.environ.get(ENDPOINT_VARIABLE, "").strip()
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(
            f"{ENDPOINT_VARIABLE} is {shown(endpoint)}; expected a server such as http://127.0.0.1:8000; "
            "unset it to ask Yahoo"
        )
    return endpoint or None


def _check_identity(symbol: str, bars: Bars) -> None:
    """Refuse prices of another instrument than the requested one."""
    # Yahoo's own name of a pair with the dollar first leaves the dollar out.
    if bars.symbol.upper() not in (symbol, symbol.removeprefix("USD") if is_currency(symbol) else symbol):
        raise SourceError(
            f"Yahoo's answer for {symbol} names {shown(bars.symbol)}; expected prices of {symbol}; try later, or use "
            "prices of your own with --csv FILE"
        )
    got = f"{bars.kind} in {bars.currency} at {bars.zone}"
    if is_currency(symbol):
        expected = ("CURRENCY", symbol[3:6], CURRENCY_ZONE)
        if (bars.kind, bars.currency, bars.zone) != expected:
            raise SourceError(
                f"Yahoo's {symbol} is {shown(got, 80)}; expected {' in '.join(expected[:2])} at {expected[2]}; "
                "its prices would mean something else; use --source ecb"
            )
    elif bars.kind == "CURRENCY":
        raise SourceError(f"Yahoo's {symbol} is a currency pair; expected a stock or an index; use --pair")


def _market(symbol: str, bars: Bars, moment: datetime.datetime) -> MarketExpectations:
    last = last_finished_day(bars, moment)
    if is_currency(symbol):
        return MarketExpectations(price="open", is_pair=True, last_finished=last)
    if bars.kind == "CRYPTOCURRENCY":
        return MarketExpectations(weekdays="1111111", last_finished=last)
    if bars.kind in _MONDAY_TO_FRIDAY_KINDS and bars.zone not in _SUNDAY_TO_THURSDAY:
        return MarketExpectations(last_finished=last)
    return MarketExpectations(weekdays=None, last_finished=last)


def _series(symbol: str, instrument: Instrument, bars: Bars, rows: RawRows) -> PriceSeries:
    if is_currency(symbol):
        columns = {"close": rows.columns["open"]}
        price = f"open of the day, 00:00 {CURRENCY_ZONE}"
    else:
        columns = dict(rows.columns)
        price = "close of the day; divided by splits, not by dividends"
    meta = {
        "attribution": ATTRIBUTION,
        "price": price,
        **bars.facts,
        "software": _software(),
    }
    endpoint = _endpoint()
    if endpoint:
        meta["endpoint"] = endpoint  # these prices may not be Yahoo's
    return PriceSeries(
        instrument=instrument, source=YahooSource.name, symbol=symbol, dates=rows.dates, columns=columns, meta=meta
    )


@functools.cache
def _software() -> str:
    """Packages that read an answer of Yahoo; finding a version takes as long as validating a history."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("yfinance", "curl_cffi", "pandas"))


def _otherwise(instrument: Instrument) -> str:
    """Advice for a history without Yahoo."""
    has_fixings = instrument.kind == "pair" and {instrument.base, instrument.quote} <= set(CURRENCIES)
    return "prices of your own with --csv FILE" + (
        ", or --source ecb for the fixings of the ECB" if has_fixings else ""
    )


def _pause_message(symbol: str, instrument: Instrument, until: datetime.datetime, path: Path) -> str:
    return (
        f"Yahoo refuses more requests from this address (HTTP 429, asked for {symbol}); "
        f"it is not asked again until {until.astimezone(datetime.UTC):%H:%M} UTC; "
        f"wait until then (or delete {path}), or use {_otherwise(instrument)}"
    )


def _message(symbol: str, instrument: Instrument, fault: Fault) -> str:
    attempts = f"{fault.attempts} attempt{'s' if fault.attempts > 1 else ''}"
    otherwise = _otherwise(instrument)
    if fault.outcome is Outcome.NO_DATA:
        return (
            f"Yahoo has no prices of {symbol}: {fault.detail}; expected a symbol as on finance.yahoo.com, such as "
            "AAPL, ^GSPC or 7203.T; check it there, or use "
            + ("--source ecb" if instrument.kind == "pair" else "--pair for currencies, --csv for a file")
        )
    if fault.outcome is Outcome.GARBLED:
        return (
            f"Yahoo's answer for {symbol} is no price history: {fault.detail} ({attempts}); "
            f"expected daily prices; try later, or use {otherwise}"
        )
    return (
        f"Yahoo cannot be reached for {symbol}: {fault.detail} ({attempts}); expected daily prices; check the network "
        f"(HTTPS_PROXY and CURL_CA_BUNDLE are honoured) or try later, or use {otherwise}"
    )
