"""A loopback server that answers as Yahoo does, or fails as Yahoo does; run it to try the command line by hand.

    python tests/local_yahoo.py --port 8765
    FORECAST_YAHOO_ENDPOINT=http://127.0.0.1:8765 forecast train --ticker AAPL --source yahoo

Every price is made up, or a fixing of the ECB. Nothing was ever downloaded from Yahoo.
"""

import argparse
import contextlib
import dataclasses
import datetime
import hashlib
import json
import sys
import threading
import time
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import numpy.typing as npt

from forecaster.data.instruments import CURRENCIES, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.ecb import EcbSource
from forecaster.errors import ForecasterError

CHART = "/v8/finance/chart/"
CRUMB = "/v1/test/getcrumb"
COLUMNS = ("open", "high", "low", "close", "volume")

Prices = Mapping[str, Sequence[float | None] | npt.NDArray[np.float64]]


@dataclasses.dataclass
class Chart:
    """One symbol's history, and what Yahoo says about it.

    Args:
        symbol: As asked for.
        times: Seconds since 1970, one a row.
        prices: Columns of `COLUMNS`, and ``adjclose`` where it is not the close; None where Yahoo has null.
        kind, currency, zone: Of the exchange.
        dividends, splits: Seconds -> amount, or (numerator, denominator).
        session_end: End of the current trading day, seconds since 1970.
    """

    symbol: str
    times: Sequence[int]
    prices: Prices
    kind: str = "EQUITY"
    currency: str = "USD"
    zone: str = "America/New_York"
    dividends: Mapping[int, float] = dataclasses.field(default_factory=dict)
    splits: Mapping[int, tuple[float, float]] = dataclasses.field(default_factory=dict)
    session_end: int | None = None

    def result(self) -> dict[str, Any]:
        columns = {name: _plain(self.prices.get(name, [0] * len(self.times))) for name in COLUMNS}
        meta: dict[str, Any] = {
            "symbol": self.symbol,
            "currency": self.currency,
            "exchangeName": "MADE",
            "instrumentType": self.kind,
            "exchangeTimezoneName": self.zone,
            "dataGranularity": "1d",
            "validRanges": ["1d", "5d", "1y", "max"],
        }
        if self.session_end is not None:
            period = {"timezone": "?", "gmtoffset": 0, "start": self.session_end - 23_400, "end": self.session_end}
            meta["currentTradingPeriod"] = {part: dict(period) for part in ("pre", "regular", "post")}
        events: dict[str, Any] = {
            "dividends": {str(at): {"date": at, "amount": amount} for at, amount in self.dividends.items()},
            "splits": {
                str(at): {"date": at, "numerator": up, "denominator": down, "splitRatio": f"{up:g}:{down:g}"}
                for at, (up, down) in self.splits.items()
            },
        }
        adjusted = _plain(self.prices.get("adjclose", self.prices["close"]))
        return {
            "meta": meta,
            "timestamp": [int(at) for at in self.times],
            "events": {name: one for name, one in events.items() if one},
            "indicators": {"quote": [columns], "adjclose": [{"adjclose": adjusted}]},
        }

    def body(self) -> bytes:
        return json.dumps({"chart": {"result": [self.result()], "error": None}}).encode()


def _plain(values: Any) -> list[float | None]:
    return [None if value is None or np.isnan(value) else float(value) for value in values]


def seconds(dates: Sequence[Any] | npt.NDArray[np.datetime64], zone: str, hour: int = 0, minute: int = 0) -> list[int]:
    """The same hour of the exchange's clock on each date, through summer and winter."""
    there = zoneinfo.ZoneInfo(zone)
    days = np.asarray(dates, dtype="datetime64[D]").tolist()
    return [
        int(datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=there).timestamp()) for day in days
    ]


# ---- made and real prices, none of them Yahoo's ----------------------------------------------------------------------


def fixings(pair: str, start: str | None = None, end: str | None = None) -> PriceSeries:
    """The ECB's history of a pair between two dates."""
    request = LoadRequest(parse_pair(pair), Path(), datetime.date(2100, 1, 1))
    return EcbSource().load(request).series.between(start and np.datetime64(start), end and np.datetime64(end))


def pair_chart(series: PriceSeries) -> Chart:
    """The ECB's fixings as the open of Yahoo's London day, with a close and a range around them."""
    name, fixing = series.instrument.name, series.close
    times = seconds(series.dates, "Europe/London")
    prices = {"open": fixing, "high": fixing * 1.004, "low": fixing * 0.996, "close": fixing * 1.001}
    return Chart(f"{name}=X", times, prices, kind="CURRENCY", currency=name[3:], zone="Europe/London")


def stock_chart(symbol: str, last: datetime.date, rows: int = 2500) -> Chart:
    """A made-up stock: a random walk that differs from symbol to symbol, with a split and dividends."""
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:8], "big"))
    is_coin = symbol.endswith("-USD")
    dates = np.datetime64(last) - np.arange(rows)[::-1]
    if not is_coin:
        dates = np.busday_offset(np.datetime64(last), np.arange(1 - rows, 1), roll="backward")
    close = 100 * np.exp(np.cumsum(random.standard_t(5, rows) * 0.01))
    opened = close * np.exp(0.004 * random.standard_normal(rows))
    reach = 1 + 0.006 * np.abs(random.standard_normal(rows))
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) * reach,
        "low": np.minimum(opened, close) / reach,
        "close": close,
        "adjclose": close * np.linspace(0.8, 1.0, rows),
        "volume": np.round(1e6 * np.exp(0.3 * random.standard_normal(rows))),
    }
    if is_coin:
        return Chart(symbol, seconds(dates, "UTC"), prices, kind="CRYPTOCURRENCY", zone="UTC")
    times = seconds(dates, "America/New_York", 9, 30)
    paid = {times[row]: 0.25 for row in range(60, rows, 63)}
    split = {times[rows // 2]: (4.0, 1.0)} if rows > 100 else {}
    kind = "INDEX" if symbol.startswith("^") else "EQUITY"
    return Chart(symbol, times, prices, kind=kind, dividends=paid, splits=split)


def stock(rows: int = 60, last: datetime.date = datetime.date(2026, 11, 19)) -> Chart:
    """A short history of AAPL, made up."""
    return stock_chart("AAPL", last, rows)


def with_cells(chart: Chart, **cells: Mapping[int, float | None]) -> Chart:
    """The chart with other values in some rows of some columns."""
    prices = {name: list(values) for name, values in chart.prices.items()}
    for name, new in cells.items():
        for row, value in new.items():
            prices[name][row] = value
    return dataclasses.replace(chart, prices=prices)


def any_chart(symbol: str) -> Chart | None:
    """What the server that is run by hand knows: pairs of the ECB, and whatever does not begin with UNKNOWN."""
    if symbol.endswith("=X"):
        with contextlib.suppress(ForecasterError):
            return pair_chart(fixings(symbol[:6])) if symbol[:3] in CURRENCIES else None
        return None
    # Two days ago: by then that day is over everywhere, whatever the hour.
    over = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=2)
    return None if symbol.startswith("UNKNOWN") else stock_chart(symbol, over)


# ---- faults ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Reply:
    """What goes back: a status, a body, and how it is sent."""

    status: int = 200
    body: bytes = b""
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0
    """Between single bytes of the body; zero sends it at once."""
    cut: bool = False
    """Whether the connection ends in the middle of the body."""
    endless: bool = False
    """Whether the body never ends."""


def _error(code: str, description: str) -> bytes:
    return json.dumps({"chart": {"result": None, "error": {"code": code, "description": description}}}).encode()


def _altered(change: Callable[[dict[str, Any]], None]) -> Callable[[Chart], bytes]:
    """The body of a good answer after something has been done to its result."""

    def body(chart: Chart) -> bytes:
        result = chart.result()
        change(result)
        return json.dumps({"chart": {"result": [result], "error": None}}).encode()

    return body


def _without_times(result: dict[str, Any]) -> None:
    del result["timestamp"]
    result["indicators"] = {"quote": [{}], "adjclose": [{}]}


_PAGE = b"<html><body>An error page</body></html>"
_NOT_FOUND = _error("Not Found", "No data found, symbol may be delisted")

FAULTS: dict[str, Reply | Callable[[Chart], bytes]] = {
    "429": Reply(429, b"Too Many Requests\r\n"),
    "404": Reply(404, _NOT_FOUND),
    "400": Reply(400, _error("Bad Request", "Data doesn't exist for startDate = -1, endDate = 1")),
    "empty result": Reply(200, b'{"chart": {"result": [], "error": null}}'),
    "null result": Reply(200, b'{"chart": {"result": null, "error": null}}'),
    "no timestamps": _altered(_without_times),
    "unequal arrays": _altered(lambda result: result["timestamp"].pop()),
    "no time zone": _altered(lambda result: result["meta"].pop("exchangeTimezoneName")),
    "no currency": _altered(lambda result: result["meta"].pop("currency")),
    "malformed": Reply(200, b'{"chart": {"result": [{"meta": {'),
    "empty body": Reply(200, b""),
    "right back": Reply(200, b"<html><body>Will be right back... Thank you for your patience.</body></html>"),
    "401": Reply(401, _error("Unauthorized", "Invalid Crumb")),
    "403": Reply(403, _PAGE),
    "500": Reply(500, _PAGE),
    "503": Reply(503, _PAGE),
    "503 json": Reply(503, _NOT_FOUND),
    "cut": Reply(200, b'{"chart": {"result": [' * 100, cut=True),
    "text": Reply(200, b"[1, 2, 3]"),
    "silent": Reply(wait_seconds=60),
    "drip": Reply(200, b" " * 10_000, drip_seconds=0.05),
    "endless": Reply(200, b" " * 2**20, endless=True),
}
"""How a question for prices can go wrong."""


# ---- the server ------------------------------------------------------------------------------------------------------


class LocalYahoo:
    """Serves charts on 127.0.0.1 as ``/<host>/<path>``; a context manager.

    Args:
        find: Symbol -> chart, or None where Yahoo would know none.
        fault: Key of `FAULTS` for the questions about prices, None for none.
        times: How many of them it hits, from the first on; None for all.
        crumb: Reply to a request for a crumb, and to every other on the side.
        port: 0 for any.
        on_chart: Called at every question about prices, before it is answered.
    """

    def __init__(
        self,
        find: Callable[[str], Chart | None],
        *,
        fault: str | None = None,
        times: int | None = None,
        crumb: Reply | None = None,
        port: int = 0,
        on_chart: Callable[[], None] = lambda: None,
    ) -> None:
        self.hits: list[tuple[str, str]] = []
        self.queries: list[str] = []
        self.stopping = threading.Event()
        self._find, self._fault, self._times, self._crumb, self._on_chart = find, fault, times, crumb, on_chart
        owner = self

        class Handler(_Handler):
            yahoo = owner

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "LocalYahoo":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def charts(self) -> list[str]:
        """Symbols asked for, in order."""
        return [path.removeprefix(CHART) for _, path in self.hits if path.startswith(CHART)]

    def reply(self, host: str, path: str, query: str) -> Reply:
        self.hits.append((host, path))
        if not path.startswith(CHART):
            return self._crumb or Reply(200, b"crumb" if path == CRUMB else b"")
        self.queries.append(query)
        self._on_chart()
        chart = self._find(path.removeprefix(CHART))
        if self._fault is not None and (self._times is None or len(self.charts) <= self._times):
            found = FAULTS[self._fault]
            if isinstance(found, Reply):
                return found
            return Reply(200, found(chart)) if chart else Reply(404, _NOT_FOUND)
        return Reply(404, _NOT_FOUND) if chart is None else Reply(200, chart.body())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: several small ones cost 40 ms each
    disable_nagle_algorithm = True
    yahoo: LocalYahoo

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, host, *rest = parts.path.split("/")
        self.answer(self.yahoo.reply(host, "/" + unquote("/".join(rest)), parts.query))

    do_POST = do_GET

    def answer(self, reply: Reply) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if self.yahoo.stopping.wait(reply.wait_seconds):
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "A3=made; Domain=.yahoo.com; Path=/; Max-Age=31536000; Secure")
            if reply.endless:
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.cut:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif reply.endless:
            self.close_connection = True
            while not self.yahoo.stopping.is_set():
                self.wfile.write(reply.body)
        elif reply.drip_seconds:
            for place in range(len(reply.body)):
                if self.yahoo.stopping.wait(reply.drip_seconds):
                    return
                self.wfile.write(reply.body[place : place + 1])
                self.wfile.flush()
        else:
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with LocalYahoo(lambda symbol: None, fault="silent", crumb=Reply(wait_seconds=60)) as server:
        yield server.endpoint


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve made-up prices the way Yahoo does.")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--fault", choices=sorted(FAULTS), help="answer every question about prices in this way")
    arguments = parser.parse_args()
    with LocalYahoo(any_chart, fault=arguments.fault, port=arguments.port) as server:
        sys.stdout.write(f"export FORECAST_YAHOO_ENDPOINT={server.endpoint}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    main()
