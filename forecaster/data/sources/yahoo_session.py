"""Requests to Yahoo: bounded in time, with retries, and with a distinct error for every outcome.

Wraps yfinance, which has one session, one cookie and one set of switches for the whole process. Several threads may
ask at once, each with a deadline of its own; after HTTP 429 all of them wait. Import this module only when something is
to be fetched: it brings curl_cffi.
"""

import contextlib
import functools
import logging
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from forecaster.data.sources.curl import CurlOpt
from forecaster.data.sources.curl import requests as curl
from forecaster.data.sources.yahoo_answers import Answer, Fault, Outcome
from forecaster.data.sources.yahoo_retry import RetryPolicy

__all__ = ["YahooSession", "fetch_history", "session_for"]

_CHART_PATH = "/v8/finance/chart/"
_MAX_BODY_BYTES = 32 * 2**20  # bytes; a history of sixty years has two million
_MIN_SECONDS = 0.05  # curl takes zero milliseconds for "no limit"
_SPAN_SECONDS = 3_122_064_000  # 99 years, what yfinance calls "max"

_switches = threading.Lock()


_Quiet = tuple[Callable[[], float], float]
"""A clock, and its time until which no thread asks."""


class _Limits(threading.local):
    """Limits of the requests of one thread."""

    def __init__(self) -> None:
        self.policy = RetryPolicy()
        self.deadline = math.inf
        self.last_chart_status: int | None = None
        self.waited_for: _Quiet | None = None


class YahooSession(curl.Session[curl.Response]):
    """A session with a deadline, a record of answers, and optionally another server.

    Proxies and certificates are those of the environment, as everywhere with curl: ``HTTPS_PROXY``, ``NO_PROXY``,
    ``CURL_CA_BUNDLE``, ``SSL_CERT_FILE``.

    Args:
        endpoint: Server for every request, as ``<endpoint>/<host>/<path>``; None for Yahoo itself.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        options: dict[CurlOpt, Any] = {CurlOpt.MAXFILESIZE_LARGE: _MAX_BODY_BYTES}
        if endpoint is not None:
            options[CurlOpt.NOPROXY] = "*"  # a test server is never behind a proxy
        super().__init__(impersonate="chrome", curl_options=options)
        self._endpoint = endpoint
        self._limits = _Limits()
        self._quiet: _Quiet | None = None

    @property
    def last_chart_status(self) -> int | None:
        """Status of the last answer about prices in this thread."""
        return self._limits.last_chart_status

    @last_chart_status.setter
    def last_chart_status(self, status: int | None) -> None:
        self._limits.last_chart_status = status

    def quiet_for(self, seconds: float) -> None:
        """Let every thread wait before its next attempt, after an answer that there are too many requests."""
        clock = self._limits.policy.clock
        self._quiet = (clock, clock() + seconds)

    def wait(self, seconds: float = 0.0) -> None:
        """Wait `seconds`, and as long as every thread has to, within the deadline."""
        policy, quiet = self._limits.policy, self._quiet
        if quiet is not None and quiet is not self._limits.waited_for and quiet[0] is policy.clock:
            self._limits.waited_for = quiet
            seconds = max(seconds, quiet[1] - policy.clock())
        seconds = min(seconds, self.seconds_left)
        if seconds > 0:
            policy.sleep(seconds)

    @contextlib.contextmanager
    def limited(self, policy: RetryPolicy) -> Iterator[None]:
        """Limit all requests inside the block to the deadline."""
        limits = self._limits
        limits.policy = policy
        limits.deadline = policy.clock() + policy.deadline_seconds
        try:
            yield
        finally:
            limits.deadline = math.inf

    @property
    def seconds_left(self) -> float:
        """Until the deadline; infinite outside of `limited`."""
        return self._limits.deadline - self._limits.policy.clock()

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        """Send a request as curl_cffi does, with the timeout cut to the remaining time.

        Raises:
            Timeout: No time is left, or this request has used up its own.
        """
        parts = urlsplit(url)
        is_chart = parts.path.startswith(_CHART_PATH)
        policy = self._limits.policy
        limit = policy.request_seconds if is_chart else policy.side_request_seconds
        seconds = min(limit, self.seconds_left)
        if seconds < _MIN_SECONDS:
            raise curl.exceptions.Timeout("the time for this symbol is used up")
        if self._endpoint is not None:
            query = f"?{parts.query}" if parts.query else ""
            url = f"{self._endpoint.rstrip('/')}/{parts.hostname}{parts.path}{query}"
        if is_chart:
            self.last_chart_status = None
        response = super().request(method, url, *args, **{**options, "timeout": seconds})
        if is_chart:
            self.last_chart_status = response.status_code
        return response


@functools.lru_cache(maxsize=1)
def session_for(endpoint: str | None) -> YahooSession:
    """The session of this process; yfinance's cookie and crumb belong to it."""
    return YahooSession(endpoint)


def fetch_history(symbol: str, end_seconds: int, session: YahooSession, policy: RetryPolicy, folder: Path) -> Answer:
    """The whole daily history of a symbol, tried a few times within the deadline.

    Args:
        symbol: As Yahoo spells it.
        end_seconds: End of the requested rows, seconds since 1970.
        session: Carries the requests.
        policy: Limits, clock and pauses.
        folder: Folder for the files of yfinance.

    Raises:
        Fault: There is no history, after as many attempts as that kind of fault is worth.
    """
    with _shared_switches(folder), session.limited(policy):
        answer = _attempts(symbol, end_seconds, session, policy)
    return answer


def _attempts(symbol: str, end_seconds: int, session: YahooSession, policy: RetryPolicy) -> Answer:
    attempt = 1
    while True:
        session.wait()
        try:
            return _attempt(symbol, end_seconds, session)
        except Fault as fault:
            fault.attempts = attempt
            pause = policy.pause_seconds(fault, session.seconds_left)
            if pause is None:
                raise
            if fault.outcome is Outcome.RATE_LIMITED:
                session.quiet_for(pause)
            session.wait(pause)
            if session.seconds_left < _MIN_SECONDS:
                raise
        attempt += 1


def _attempt(symbol: str, end_seconds: int, session: YahooSession) -> Answer:
    import yfinance
    from yfinance.data import YfData

    # yfinance remembers answers about the past, errors among them, and would repeat them without asking again.
    YfData.cache_get.cache_clear()
    session.last_chart_status = None
    try:
        ticker = yfinance.Ticker(symbol, session=session)
        # A time zone spares it a question, asked in other ways depending on what happened before in this
        # process. Any will do: the dates of the rows come from the zone in the answer.
        ticker._tz = "UTC"
        frame = ticker.history(
            start=end_seconds - _SPAN_SECONDS,
            end=end_seconds,
            interval="1d",
            auto_adjust=False,
            actions=True,
            keepna=True,
        )
        metadata = ticker.history_metadata
    except Exception as error:  # nothing short of it: yfinance lets everything through, and names no base class
        raise _classified(error, session.last_chart_status) from error
    if frame is None or not len(frame):
        raise Fault(Outcome.NO_DATA, "no rows")
    return Answer(frame, metadata)


def _classified(error: Exception, status: int | None) -> Fault:
    """Fault for an exception, given the status of the last answer about prices.

    A refusal or an outage often comes with a body from which yfinance concludes that the symbol has no prices;
    the status knows better.
    """
    from yfinance import exceptions as said

    if isinstance(error, said.YFRateLimitError) or status == 429:
        return Fault(Outcome.RATE_LIMITED, "HTTP 429, too many requests")
    if status is not None and (status in (401, 403) or status >= 500):
        return Fault(Outcome.UNREACHABLE, f"HTTP {status}")
    if isinstance(error, said.YFTickerMissingError):
        return Fault(Outcome.NO_DATA, _line(getattr(error, "yahoo_reason", None) or "no price data found"))
    if isinstance(error, said.YFDataException):
        return Fault(Outcome.UNREACHABLE, "Yahoo says that it is down")
    if isinstance(error, OSError):  # all of curl's errors
        return Fault(Outcome.UNREACHABLE, _line(f"{type(error).__name__}: {error}"))
    return Fault(Outcome.GARBLED, _line(f"{type(error).__name__}: {error}"))


def _line(text: str) -> str:
    """Start of a text, on one line, without the phrases that curl adds to every error."""
    plain = str(text).replace("Failed to perform, curl: ", "").split(" See https://")[0]
    return " ".join(plain.split())[:160]


_users: list[contextlib.ExitStack] = []
"""One entry for each thread that uses the switches; the first holds them."""


@contextlib.contextmanager
def _shared_switches(folder: Path) -> Iterator[None]:
    """`_strict_yfinance` for as long as any thread needs it."""
    with _switches:
        if not _users:
            _users.append(contextlib.ExitStack())
            _users[0].enter_context(_strict_yfinance(folder))
        else:
            _users.append(_users[0])
    try:
        yield
    finally:
        with _switches:
            stack = _users.pop()
            if not _users:
                stack.close()


@contextlib.contextmanager
def _strict_yfinance(folder: Path) -> Iterator[None]:
    """Let yfinance raise its errors, log nothing, and store its files in `folder`."""
    with warnings.catch_warnings():
        import yfinance
        import yfinance.cache as files

        # After the import, which asks for these warnings; each call brings several, about pandas.
        warnings.simplefilter("ignore", DeprecationWarning)
        yfinance.set_tz_cache_location(str(folder))
        # It stores cookies as a pickle, and a manipulated pickle runs code: request new cookies instead.
        files._CookieCacheManager._Cookie_cache = files._CookieCacheDummy()
        debug = yfinance.config.debug
        loggers = [logging.getLogger(name) for name in ("yfinance", "bs4")]
        hidden = debug.hide_exceptions
        levels = [logger.level for logger in loggers]
        debug.hide_exceptions = False
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            debug.hide_exceptions = hidden
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
