"""What the tests of Yahoo share: the loopback server, a source that waits in no time, and a fresh yfinance."""

import contextlib
import dataclasses
import datetime
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import local_yahoo
import pytest

from forecaster.data.findings import Finding
from forecaster.data.instruments import Instrument, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.yahoo import ENDPOINT_VARIABLE, YahooSource
from forecaster.data.sources.yahoo_retry import RetryPolicy

TODAY = datetime.date(2026, 11, 20)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


@pytest.fixture
def fresh_yfinance(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
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
    findings: dict[str, Finding] = dataclasses.field(default_factory=dict)

    def load(self, instrument: Instrument | None = None, today: datetime.date = TODAY, **patience: Any) -> PriceSeries:
        limits = {"deadline_seconds": 12.0, "request_seconds": 6.0, "side_request_seconds": 2.0}
        source = YahooSource(
            RetryPolicy(**{"sleep": self.pauses.append, "random": random.Random(0)} | limits | patience),
            now=lambda: self.now,
        )
        loaded = source.load(LoadRequest(instrument or parse_ticker("AAPL"), self.home, today))
        self.findings = {finding.code: finding for finding in loaded.findings}
        return loaded.series


@pytest.fixture
def asked(tmp_path: Path, fresh_yfinance: None) -> Asked:
    return Asked(tmp_path)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, fresh_yfinance: None) -> Iterator[Callable[..., Any]]:
    with contextlib.ExitStack() as stack:

        def start(find: Any, **options: Any) -> Any:
            server = stack.enter_context(
                local_yahoo.LocalYahoo(
                    find if callable(find) else (lambda symbol: find if symbol == find.symbol else None), **options
                )
            )
            monkeypatch.setenv(ENDPOINT_VARIABLE, server.endpoint)
            return server

        yield start
