"""Content of a file: bytes from a path or standard input, unpacked, bounded, and decoded."""

import bz2
import codecs
import contextlib
import dataclasses
import functools
import gzip
import hashlib
import io
import lzma
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from forecaster.data.instruments import shown
from forecaster.data.tables.names import count_names, listed
from forecaster.errors import InputFileError
from forecaster.files import require_bounded_packing

__all__ = ["STANDARD_INPUT", "Content", "decoded", "file_label", "max_unpacked_bytes", "read_content", "was_read"]

STANDARD_INPUT = Path("-")
"""Path that stands for standard input."""

MAX_BYTES = 256 * 2**20
"""Limit of a file after unpacking; 60 years of prices of each minute have half as much."""

MAX_UNPACKED_RATIO = 100
"""Bytes that a file may unpack to for each byte that it has; prices in text or in a workbook have up to 20."""

MIN_UNPACKED_BYTES = 32 * 2**20
"""Bytes that any archive may unpack to."""

_PEEK_BYTES = 65536
_MAX_NULL_SHARE = 0.1
_DATA_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".dat", ".json", ".jsonl", ".ndjson", ".xlsx", ".xlsm", ".prn")
_KINDS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls) or another old Office file; save it as .xlsx or as CSV",
    b"PAR1": "a Parquet file; export it as CSV",
    b"%PDF": "a PDF document; export the table as CSV",
    b"\x89HDF": "an HDF5 file; export the table as CSV",
    b"SQLite format 3": "a database; export the table as CSV",
    b"PK\x05\x06": "an empty zip archive; put the table into it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive; unpack it",
    b"ARROW1": "a Feather file; export it as CSV",
    b"\x80\x04\x95": "a Python pickle; export the table as CSV",
}
"""First bytes of files that hold no text -> the kind of file, and the way out."""

_PACKINGS = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00", "zip": b"PK\x03\x04"}
"""Kind of an archive -> its first bytes."""

_ARCHIVE_ERRORS = (
    *(OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error),
)
"""Errors of the standard library about damaged and encrypted archives."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_OLD_ENCODINGS = ("cp1252", "gb18030", "cp932", "big5", "cp949", "cp1251", "cp1250", "cp1254", "cp1253", "latin-1")
"""Encodings of files that are not in Unicode. Numbers are the same in all; the one that spells known names is used."""


@dataclasses.dataclass(frozen=True)
class Content:
    """Bytes of one table.

    Args:
        label: The file as messages show it.
        data: The bytes, unpacked.
        sha256: Hash of the file as it is stored.
        packing: ``gzip``, ``zip``, ... or empty.
    """

    label: str
    data: bytes
    sha256: str
    packing: str = ""

    @property
    def is_workbook(self) -> bool:
        """True for an Excel workbook of today's format, which is a zip archive."""
        if not self.data.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                return any(name.startswith("xl/") for name in archive.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return False


def read_content(path: Path) -> Content:
    """Read a file, or standard input for ``-``, and unpack it.

    Raises:
        InputFileError: There is no such file, it is a folder, a device, too large, damaged, or an archive of several
            tables.
    """
    label = file_label(path)
    packed = _standard_input() if path == STANDARD_INPUT else _bytes_of(path, label)
    content = Content(label, packed, hashlib.sha256(packed).hexdigest())
    for _ in range(2):  # a CSV file in a zip archive may be compressed itself
        data, packing = _unpacked(content)
        if not packing:
            break
        content = dataclasses.replace(content, data=data, packing=content.packing or packing)
    _refuse_other_kinds(content)
    return content


_read_files: set[Path] = set()


def was_read(path: Path) -> bool:
    """True if this process has read a table from the file, whoever named it: the user, a list or a recorded run."""
    return any(path.exists() and file.exists() and path.samefile(file) for file in _read_files)


def file_label(path: Path) -> str:
    """The path as messages show it."""
    if path == STANDARD_INPUT:
        return "standard input"
    text = str(path)
    return text if text.isprintable() and len(text) <= 200 else shown(text, 200)


def _bytes_of(path: Path, label: str) -> bytes:
    try:
        if path.is_dir():
            raise InputFileError(f"{label} is a folder; expected a CSV file")
        if path.exists() and not path.is_file():
            raise InputFileError(f"{label} is no ordinary file; expected a CSV file")
        with open(path, "rb", opener=_without_waiting) as stream:
            _read_files.add(path.absolute())
            return _bounded(stream, label)
    except FileNotFoundError as error:
        raise InputFileError(f"{label} does not exist; expected a CSV file; check the spelling") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise InputFileError(f"{label} cannot be read: {reason}; expected a CSV file that you may read") from error


def _without_waiting(path: str, flags: int) -> int:
    """Descriptor of a file whose reading never waits, as some files of the system would without end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@functools.cache
def _standard_input() -> bytes:
    """All bytes of standard input, which can be read only once."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputFileError("--csv - reads standard input, which is a terminal; expected a table: cat FILE | forecast")
    try:
        return _bounded(sys.stdin.buffer, "standard input")
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise InputFileError(f"standard input cannot be read: {error}; expected a table") from error


def _bounded(stream: IO[bytes], label: str, limit: int = MAX_BYTES) -> bytes:
    data = stream.read(limit + 1) or b""
    if len(data) > limit:
        raise InputFileError(
            f"{label} has more than {limit // 2**20} MB; expected a table of prices up to that size; "
            "keep the columns and rows that are needed"
        )
    return data


def max_unpacked_bytes(packed: int) -> int:
    """Bytes that a file of `packed` bytes may unpack to: a short one that unpacks to much holds no prices."""
    return min(MAX_BYTES, max(MAX_UNPACKED_RATIO * packed, MIN_UNPACKED_BYTES))


def _unpacked(content: Content) -> tuple[bytes, str]:
    """The bytes within an archive and its kind; the bytes themselves and an empty text for other files."""
    packing = next((kind for kind, start in _PACKINGS.items() if content.data.startswith(start)), "")
    if not packing or content.is_workbook:
        return content.data, ""
    try:
        with _opened(io.BytesIO(content.data), packing, content.label) as stream:
            return _bounded(stream, content.label, max_unpacked_bytes(len(content.data))), packing
    except _ARCHIVE_ERRORS as error:
        raise InputFileError(
            f"{content.label} is a damaged or encrypted {packing} archive ({error}); expected a table"
        ) from error


def _opened(stream: IO[bytes], packing: str, label: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    if packing == "zip":
        return _zip_member(stream, label)
    openers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    unpacked: contextlib.AbstractContextManager[IO[bytes]] = openers[packing](stream)
    return unpacked


@contextlib.contextmanager
def _zip_member(stream: IO[bytes], label: str) -> Iterator[IO[bytes]]:
    """The one table in a zip archive."""
    with zipfile.ZipFile(stream) as archive:
        require_bounded_packing(entry.compress_type for entry in archive.infolist())
        paths = [PurePosixPath(entry.filename) for entry in archive.infolist() if not entry.is_dir()]
        visible = [path for path in paths if "__MACOSX" not in path.parts and not path.name.startswith(".")]
        if PurePosixPath("mimetype") in visible:
            raise InputFileError(f"{label} is an OpenDocument file; expected a table; save it as .xlsx or as CSV")
        tables = [path for path in visible if path.suffix.lower() in _DATA_ENDINGS] or visible
        best = [path for path in tables if path.suffix.lower() == ".csv"]
        if len(best or tables) != 1:
            names = listed(list(map(str, tables)))
            raise InputFileError(
                f"{label} is a zip archive with {len(best or tables)} tables ({names}); expected one; unpack it"
            )
        with archive.open(str((best or tables)[0])) as member:
            yield member


def _refuse_other_kinds(content: Content) -> None:
    for start, kind in _KINDS.items():
        if content.data.startswith(start):
            what, _, advice = kind.partition("; ")
            raise InputFileError(f"{content.label} is {what}; expected text with one row a line; {advice}")
    start_text = content.data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start_text.startswith((b"<!doctype", b"<html", b"<table", b"<?xml", b"<head")):
        kind = "an XML file" if start_text.startswith(b"<?xml") else "a web page"
        raise InputFileError(f"{content.label} is {kind}; expected text with one row a line; download the table as CSV")


def decoded(content: Content) -> tuple[str, str]:
    """The text of a file and its encoding.

    A byte order mark decides, then UTF-8. In a file that is neither, names of columns decide between older encodings;
    digits are the same in all of them.

    Raises:
        InputFileError: The file holds no text.
    """
    data = content.data
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None) or _unmarked_utf16(data)
    try:
        text = data.decode(encoding or "utf-8")
        return _without_nulls(content, text), encoding or "utf-8"
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise InputFileError(
                f"{content.label} is damaged: the text is not {encoding.upper()}, as its first bytes say "
                f"(byte {data[error.start]:#04x} at {error.start}); save it as UTF-8"
            ) from error
    if b"\0" in data[:_PEEK_BYTES]:
        raise _binary(content)
    return _old_text(content)


def _without_nulls(content: Content, text: str) -> str:
    """The text, without the zero bytes that an interrupted write leaves below the last line.

    Raises:
        InputFileError: There are others.
    """
    lines = text.rstrip("\0")
    if lines.endswith(("\n", "\r")):
        text = lines
    start = text[:_PEEK_BYTES]
    if start.count("\0") > _MAX_NULL_SHARE * len(start):
        raise _binary(content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputFileError(
            f"{content.label}, line {line}: a byte of zero, which text does not have; the file is damaged there; "
            "download or save it again"
        )
    return text


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of ASCII text is zero."""
    start = data[:1024]
    even = start[::2].count(0)
    odd = start[1::2].count(0)
    if len(start) < 8 or max(even, odd) < 0.4 * len(start) / 2 or min(even, odd) > 0:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _old_text(content: Content) -> tuple[str, str]:
    best: tuple[int, str, str] | None = None
    for encoding in _OLD_ENCODINGS:
        try:
            text = content.data.decode(encoding)
        except UnicodeDecodeError:
            continue
        names = count_names(text[:_PEEK_BYTES])
        if best is None or names > best[0]:
            best = (names, text, encoding)
    if best is None or sum(not (char.isprintable() or char.isspace()) for char in best[1][:4096]) > 40:
        raise _binary(content)
    return best[1], best[2]


def _binary(content: Content) -> InputFileError:
    return InputFileError(
        f"{content.label} is a binary file; expected text with one row a line, JSON or an Excel workbook; "
        "save it as CSV"
    )
