"""The network of the user: proxies and certificates; and the server that is run by hand."""

import contextlib
import dataclasses
import datetime
import io
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import local_yahoo
import pytest
from local_yahoo import LocalYahoo, stock

from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import SourceError

pytestmark = pytest.mark.usefixtures("fresh_yfinance")

TODAY = datetime.date(2026, 11, 21)
NOON = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
THURSDAY = datetime.date(2026, 11, 19)
AAPL = parse_ticker("AAPL")
EURUSD = parse_pair("EURUSD")

# ---- the network of the user: proxies and certificates ---------------------------------------------------------------

_HOSTS = ("fc.yahoo.com", "guce.yahoo.com", "query1.finance.yahoo.com", "query2.finance.yahoo.com")


@dataclasses.dataclass
class Proxy:
    """A proxy that opens the tunnels it is asked for, as those of companies do, and answers in Yahoo's place."""

    url: str
    tunnels: list[str]
    cookies: list[tuple[str, str]]
    """Path and cookie of every question; who comes without a cookie gets the next number as one."""
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
    cookies: list[tuple[str, str]] = []

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
                    headers = dict(
                        line.decode().lower().strip().split(": ", 1) for line in iter(reader.readline, b"\r\n")
                    )
                    cookies.append((path, headers.get("cookie", "")))
                    reply = yahoo.reply(host, path, query)
                    head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(reply.body)}\r\n"
                    if "cookie" not in headers:
                        head += f"Set-Cookie: A3={len(cookies)}; Domain=.yahoo.com; Path=/; Max-Age=9999999; Secure\r\n"
                    inside.sendall(f"{head}\r\n".encode() + reply.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Proxy(f"http://127.0.0.1:{server.server_port}", tunnels, cookies, certificates[0], yahoo)
    server.shutdown()
    server.server_close()
    thread.join()
    yahoo.server.server_close()


def test_the_proxy_and_the_certificates_of_the_user(proxy: Proxy, asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Yahoo's own addresses, certificates checked: as a company's network does it.
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(proxy.certificate))
    series = asked.load()
    assert len(series) == 60
    assert "endpoint" not in series.meta
    assert set(proxy.tunnels) <= {f"{host}:443" for host in _HOSTS}
    assert "query2.finance.yahoo.com:443" in proxy.tunnels
    assert not list(asked.home.rglob("cookies.db*"))


def test_a_crumb_is_used_with_the_cookie_that_it_was_made_for(
    proxy: Proxy, asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else Yahoo answers "invalid crumb". yfinance keeps the crumb for the process, so the session has to stay, too.
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(proxy.certificate))
    for _ in range(3):
        asked.load()
    crumbs = [cookie for path, cookie in proxy.cookies if path == local_yahoo.CRUMB]
    assert len(crumbs) == 1
    assert "a3=" in crumbs[0]
    assert [cookie for path, cookie in proxy.cookies if path.startswith(local_yahoo.CHART)] == crumbs * 3


def asked_elsewhere(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask for AAPL in a process of its own: what one trusts is settled when curl_cffi is imported, and kept."""
    code = (
        "import datetime, pathlib, sys\n"
        "from forecaster.data.instruments import parse_ticker\n"
        "from forecaster.data.sources.base import LoadRequest\n"
        "from forecaster.data.sources.registry import get_source\n"
        "from forecaster.errors import SourceError\n"
        "request = LoadRequest(parse_ticker('AAPL'), pathlib.Path(sys.argv[1]), datetime.date(2026, 11, 21))\n"
        "try:\n"
        "    print(len(get_source('yahoo').load(request).series))\n"
        "except SourceError as error:\n"
        "    sys.exit(str(error))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HOME": str(tmp_path), **environment},
    )


def test_a_certificate_that_is_not_trusted_is_told(proxy: Proxy, tmp_path: Path) -> None:
    done = asked_elsewhere(tmp_path, HTTPS_PROXY=proxy.url)
    assert done.returncode == 1
    assert "CertificateVerifyError: (60)" in done.stderr
    assert "HTTPS_PROXY and CURL_CA_BUNDLE are honoured" in done.stderr
    assert proxy.yahoo.hits == []


def test_other_names_of_the_same_settings(proxy: Proxy, tmp_path: Path) -> None:
    done = asked_elsewhere(tmp_path, https_proxy=proxy.url, SSL_CERT_FILE=str(proxy.certificate))
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
    serve: Callable[..., Any], asked: Any, monkeypatch: pytest.MonkeyPatch
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
            assert len(source.load(LoadRequest(AAPL, tmp_path, today)).series) == 2500
            assert len(source.load(LoadRequest(parse_pair("USDJPY"), tmp_path, today)).series) == 7126
            with pytest.raises(SourceError, match="no prices of UNKNOWN"):
                source.load(LoadRequest(parse_ticker("UNKNOWN"), tmp_path, today))
        finally:
            running.terminate()


AFTER_TENSORFLOW = """
import datetime, os, pathlib, sys
import tensorflow
from forecaster.data.instruments import parse_ticker
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
request = LoadRequest(parse_ticker("AAPL"), pathlib.Path(sys.argv[1]), datetime.date(2026, 11, 21))
print(len(get_source("yahoo").load(request).series))
"""


@pytest.mark.slow
def test_tensorflow_may_be_loaded_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalYahoo(lambda symbol: stock()) as server:
        monkeypatch.setenv("FORECAST_YAHOO_ENDPOINT", server.endpoint)
        done = subprocess.run(
            [sys.executable, "-c", AFTER_TENSORFLOW, str(tmp_path)], capture_output=True, text=True, check=False
        )
    assert done.stdout == "60\n", done.stderr


def test_after_http_429_every_thread_waits_once() -> None:
    from forecaster.data.sources.yahoo_retry import RetryPolicy
    from forecaster.data.sources.yahoo_session import YahooSession

    def clock() -> float:
        return 100.0

    slept: dict[str, list[float]] = {"first": [], "second": []}
    policies = {name: RetryPolicy(clock=clock, sleep=sleeps.append) for name, sleeps in slept.items()}
    session = YahooSession()

    def second() -> None:
        with session.limited(policies["second"]):
            session.wait()
            session.wait()  # it has waited already

    with session.limited(policies["first"]):
        session.wait()
        session.quiet_for(3.0)
        session.wait(3.0)
    other = threading.Thread(target=second)
    other.start()
    other.join()
    assert slept["first"] == [3.0]
    assert slept["second"] == [3.0]


def test_two_threads_have_a_deadline_each() -> None:
    from forecaster.data.sources.yahoo_retry import RetryPolicy
    from forecaster.data.sources.yahoo_session import YahooSession

    session = YahooSession()
    left: list[float] = []
    with session.limited(RetryPolicy(deadline_seconds=5.0, clock=lambda: 100.0)):
        other = threading.Thread(target=lambda: left.append(session.seconds_left))
        other.start()
        other.join()
        assert session.seconds_left == 5.0
    assert left == [float("inf")]
