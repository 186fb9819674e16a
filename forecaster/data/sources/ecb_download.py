"""One file over HTTP in bounded time: the total counts, names and certificates and slow servers included.

With the standard library, since it is one file a day. Import this module only when something is to be fetched.
"""

import dataclasses
import http.client
import io
import os
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO

from forecaster import __version__
from forecaster.data.sources.ecb_table import MAX_CSV_BYTES
from forecaster.files import require_bounded_packing

__all__ = ["Answer", "DownloadError", "download", "unzipped"]

MAX_ZIP_BYTES = 8 * 2**20
"""Bytes; the ECB's file has 0.65 million."""
_CHUNK = 65536


class DownloadError(Exception):
    """No usable answer; the message gives the reason, without a full stop."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Answer of a server.

    Args:
        content: The body.
        etag: Its name for this version.
        last_modified: Time of the last change, in HTTP's spelling.
    """

    content: bytes
    etag: str | None
    last_modified: str | None


def download(url: str, conditions: Mapping[str, str], deadline_seconds: float, *, direct: bool) -> Answer | None:
    """The file at `url`; None if it has not changed since the version that `conditions` name.

    Args:
        url: http or https.
        conditions: Headers ``If-None-Match`` and ``If-Modified-Since``.
        deadline_seconds: Limit for the whole download.
        direct: Ignore the proxies of the environment.

    Raises:
        DownloadError: No answer within the time, another answer than a file, or one that is too large.
    """
    answers: queue.SimpleQueue[Answer | Exception | None] = queue.SimpleQueue()
    end = time.monotonic() + deadline_seconds

    def work() -> None:
        try:
            answers.put(_get(url, conditions, end, direct=direct))
        except Exception as error:  # all of them: they are raised again where somebody waits
            answers.put(error)

    # In a thread of its own, because looking up a name knows no time limit. It is left behind when time is up.
    threading.Thread(target=work, name="ecb-download", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline_seconds)
    except queue.Empty as error:
        raise DownloadError(f"no whole answer within {deadline_seconds:g} s") from error
    if isinstance(answer, Exception):
        raise DownloadError(_line(answer)) from answer
    return answer


def _get(url: str, conditions: Mapping[str, str], end: float, *, direct: bool) -> Answer | None:
    sent = {"User-Agent": f"forecaster/{__version__}", "Accept-Encoding": "identity", **conditions}
    request = urllib.request.Request(url, headers=sent)
    handlers: list[urllib.request.BaseHandler] = [
        _NeverLessSafe(),
        urllib.request.HTTPSHandler(context=_certificates()),
    ]
    handlers.append(urllib.request.ProxyHandler({} if direct else None))
    try:
        with urllib.request.build_opener(*handlers).open(
            request, timeout=max(end - time.monotonic(), 0.01)
        ) as response:
            length = response.headers.get("Content-Length", "")
            expected = int(length) if length.isdecimal() else None
            content = _body(response, expected, end)
            return Answer(content, response.headers.get("ETag"), response.headers.get("Last-Modified"))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304 and conditions:
            return None
        raise DownloadError(f"HTTP {error.code} {error.reason}") from error


def _body(response: IO[bytes], expected: int | None, end: float) -> bytes:
    if expected is not None and expected > MAX_ZIP_BYTES:
        raise DownloadError(f"{expected} bytes are announced, at most {MAX_ZIP_BYTES} are taken")
    parts: list[bytes] = []
    size = 0
    # read1 gives what has come: read would wait for a whole chunk from a server that drips.
    while chunk := response.read1(_CHUNK):  # type: ignore[attr-defined]
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ZIP_BYTES:
            raise DownloadError(f"more than {MAX_ZIP_BYTES} bytes")
        if time.monotonic() > end:
            raise DownloadError("the time is used up")
    if expected is not None and size < expected:
        raise DownloadError(f"the answer ended after {size} of {expected} bytes")
    return b"".join(parts)


class _NeverLessSafe(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but not from https to anything else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """As in the base class.

        Raises:
            DownloadError: The new address is less safe than the old one.
        """
        allowed = ("https:",) if req.type == "https" else ("https:", "http:")
        if not newurl.lower().startswith(allowed):
            fp.close()
            raise DownloadError("it redirects to an address without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _certificates() -> ssl.SSLContext:
    """Those of the system or of SSL_CERT_FILE, and those of CURL_CA_BUNDLE."""
    context = ssl.create_default_context()
    bundle = os.environ.get("CURL_CA_BUNDLE")
    if bundle:
        try:
            context.load_verify_locations(bundle)
        except OSError as error:
            raise DownloadError(f"the certificates in CURL_CA_BUNDLE={bundle} cannot be read, {error}") from error
    return context


def unzipped(content: bytes) -> bytes:
    """The one CSV in a zip.

    Raises:
        DownloadError: It is no zip, is damaged, has other members, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            require_bounded_packing(member.compress_type for member in members)
            names = [member.filename for member in members]
            if len(names) != 1 or not names[0].lower().endswith(".csv"):
                raise DownloadError(f"the zip has {len(names)} files, not one CSV alone")
            if members[0].file_size > MAX_CSV_BYTES:
                raise DownloadError(
                    f"the zip unpacks to {members[0].file_size} bytes, at most {MAX_CSV_BYTES} are taken"
                )
            with archive.open(members[0]) as member:
                return member.read(MAX_CSV_BYTES)  # never more than the announced size
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        # RuntimeError: encrypted, or packed in a way that this Python does not know
        raise DownloadError(f"it is no zip that can be unpacked, {_line(error)}") from error


def _line(error: Exception) -> str:
    """The error on one line, without semicolons, which separate the parts of a message."""
    reason = getattr(error, "reason", None) if isinstance(error, urllib.error.URLError) else None
    if isinstance(reason, Exception):
        error = reason
    text = str(error) or type(error).__name__
    return " ".join(text.replace(";", ",").split())[:160]
