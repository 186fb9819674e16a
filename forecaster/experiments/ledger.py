"""The ledger: issued forecasts in an append-only file, line by line, each with the hash of the line before.

A line is ``{"entry":{...},"hash":"...","previous":"..."}``, in JSON without spaces and with sorted keys. Its hash is
the SHA-256 of the previous hash followed by the bytes of the entry, so that no line can be changed, removed or moved
without changing every later one. `forecaster.experiments.ledger_check` compares them.
"""

import dataclasses
import datetime
import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.errors import DamageError, InputFileError, StorageError
from forecaster.files import appended_file, plain

__all__ = [
    "BEGIN",
    "CLOCK_TOLERANCE",
    "MAX_LINE",
    "SCHEMA",
    "AppendReport",
    "Line",
    "append_entries",
    "entry_bytes",
    "issue_time",
    "ledger_path",
    "line_hash",
    "numbers_of",
    "read_ledger",
    "split_lines",
]

SCHEMA = "ledger/1"

BEGIN = "0" * 64
"""Hash before the first line."""

CLOCK_TOLERANCE = datetime.timedelta(minutes=1)
"""Time by which a clock may be set back between two lines."""

MAX_LINE = 1 << 20
"""Bytes of a line; one of 250 steps has about 30,000."""

_ENDING = re.compile(rb',"hash":"([0-9a-f]{64})","previous":"([0-9a-f]{64})"\}$')
_START = b'{"entry":'
_ENDING_BYTES = len(b',"hash":"","previous":""}') + 128
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclasses.dataclass(frozen=True)
class Line:
    """One complete line of a ledger whose form is right.

    Args:
        entry: Bytes of the entry.
        hash: Hash that the line states.
        previous: Hash of the line before that it states.
    """

    entry: bytes
    hash: str
    previous: str

    @classmethod
    def of(cls, content: bytes) -> "Line | None":
        """The parts of a line without its line end; None for another text."""
        ending = _ENDING.search(content[-_ENDING_BYTES:])
        if ending is None or not content.startswith(_START):
            return None
        entry = content[len(_START) : -_ENDING_BYTES]
        return cls(entry, ending[1].decode(), ending[2].decode())

    @property
    def is_intact(self) -> bool:
        """True if the stated hash is that of the content."""
        return line_hash(self.previous, self.entry) == self.hash

    def content(self) -> dict[str, Any]:
        """The entry as JSON values.

        Raises:
            ValueError: It is no JSON object.
        """
        return _object(self.entry)

    def graded_content(self) -> dict[str, Any]:
        """The entry with its numbers as text, which is parsed for many entries at once (`numbers_of`).

        ``quantiles`` maps the steps that have baselines to the text of their quantiles, and ``baselines`` a name to
        the text of all its rows.

        Raises:
            ValueError, KeyError, IndexError, TypeError: It is no entry.
        """
        entry, baselines = _without(self.entry, b'"baselines":{', b"}", b"null")
        entry, quantiles = _without(entry, b'"quantiles":[[', b"]]", b"null")
        content = _object(entry)
        table = quantiles.split(b"],[")
        parts = [part.partition(b'":[[') for part in baselines.strip(b'"').split(b']],"') if part]
        return {
            **content,
            "quantiles": {step: table[step - 1] for step in content["baseline_steps"]},
            "baselines": {name.decode(): rows.removesuffix(b"]]") for name, _, rows in parts},
        }


def _without(entry: bytes, begin: bytes, end: bytes, instead: bytes) -> tuple[bytes, bytes]:
    """An entry without the value of a key, and what stands between the marks of this value.

    Raises:
        ValueError: It lacks the key.
    """
    first = entry.index(begin)
    last = entry.index(end, first)
    key, colon, _ = begin.partition(b":")
    return b"%s%s%s%s%s" % (entry[:first], key, colon, instead, entry[last + len(end) :]), entry[
        first + len(begin) : last
    ]


def numbers_of(texts: Sequence[bytes]) -> FloatArray:
    """(N, K) integers of N texts with K integers each, as `Line.graded_content` gives them.

    Raises:
        DamageError: They are no integers, or differ in their count.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of text after a number
            values = np.fromstring(b",".join(texts).replace(b"],[", b","), dtype=np.int64, sep=",")
        return np.asarray(values.reshape(len(texts), -1), dtype=float)
    except (ValueError, DeprecationWarning) as error:
        raise DamageError(f"the ledger holds quantiles that are no integers ({error}); expected a sound one") from error


def _object(text: bytes) -> dict[str, Any]:
    entry = json.loads(text)
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object; got {type(entry).__name__}")
    return entry


@dataclasses.dataclass(frozen=True)
class AppendReport:
    """Result of an append.

    Args:
        head: Hash of the last line.
        lines: Number of the last line.
        torn: Bytes of a torn last line that were removed; 0 as a rule.
    """

    head: str
    lines: int
    torn: int


def ledger_path(home: Path) -> Path:
    """The ledger of a project."""
    return home / "ledger.jsonl"


def line_hash(previous: str, entry: bytes) -> str:
    """Hash of a line."""
    return hashlib.sha256(previous.encode() + entry).hexdigest()


def entry_bytes(entry: Mapping[str, Any]) -> bytes:
    """An entry in canonical JSON.

    >>> entry_bytes({"b": 1.5, "a": [1]})
    b'{"a":[1],"b":1.5}'
    """
    return json.dumps(plain(entry), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def issue_time(entry: Mapping[str, Any]) -> datetime.datetime:
    """Time at which an entry was issued, in UTC.

    Raises:
        ValueError: It is missing or malformed.
    """
    text = str(entry.get("issued"))
    if len(text) != len("2026-11-26T18:00:00Z") or not text.endswith("Z"):
        raise ValueError(f"expected an issue time in UTC; got {text:.40}")
    return datetime.datetime.fromisoformat(text)


def append_entries(
    path: Path, entries: Sequence[Mapping[str, Any]], clock: Callable[[], datetime.datetime]
) -> AppendReport:
    """Append entries, all of them or none, with their number and the time; other processes wait meanwhile.

    Args:
        path: The ledger; it is made where it is missing.
        entries: Content without number and issue time.
        clock: Gives the current time; it is asked while no other process may append.

    Raises:
        StorageError: The disk is full, the clock lies before the last line, or the first day of a forecast is over.
        DamageError: The last line is damaged.
    """
    with appended_file(path) as file:
        last, torn = _prepared(file, path)
        now = clock().astimezone(datetime.UTC)
        number, head = (0, BEGIN) if last is None else _number_after(last, now, path)
        _require_coming(entries, now, path)
        content = io.BytesIO()
        for entry in entries:
            number += 1
            text = entry_bytes({**entry, "schema": SCHEMA, "number": number, "issued": now.strftime(_TIME)})
            digest = line_hash(head, text)
            content.write(b'%s%s,"hash":"%s","previous":"%s"}\n' % (_START, text, digest.encode(), head.encode()))
            head = digest
        _write_all(file, content.getbuffer())
    return AppendReport(head, number, torn)


def _require_coming(entries: Sequence[Mapping[str, Any]], now: datetime.datetime, path: Path) -> None:
    """Refuse forecasts whose first day has ended while they were made: the ledger would not be sound ever after.

    Raises:
        StorageError: There are some.
    """
    for entry in entries:
        first = str(entry["dates"][0])
        if first < str(now.date()):
            raise StorageError(
                f"{path}: the first day of {entry['instrument']}, {first}, is over at {now:{_TIME}}; expected a "
                "forecast that is logged before; nothing was logged; load newer prices"
            )


def _write_all(file: BinaryIO, content: memoryview) -> None:
    while content:
        content = content[file.write(content) :]


def _prepared(file: BinaryIO, path: Path) -> tuple[Line | None, int]:
    """The last line, and the bytes of a torn one behind it, which are removed; the position is the end."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - 2 * MAX_LINE, 0))
    tail = _read_all(file)
    complete, newline, rest = tail.rpartition(b"\n")
    line = Line.of(rest)
    if rest and line is not None and line.is_intact:  # the line end alone is missing
        file.write(b"\n")
        return line, 0
    last = Line.of(complete.rpartition(b"\n")[2])
    if not _is_torn(rest) or (newline and (last is None or not last.is_intact)):
        raise DamageError(
            f"{path}: the last line is damaged; expected an entry with its hash; see: forecast ledger verify; move the "
            "file away to begin another"
        )
    file.seek(end - len(rest))
    if rest:
        file.truncate()
    return (last if newline else None), len(rest)


def _read_all(file: BinaryIO) -> bytes:
    parts = []
    while part := file.read():
        parts.append(part)
    return b"".join(parts)


def _number_after(last: Line, now: datetime.datetime, path: Path) -> tuple[int, str]:
    """Number and hash of the last line.

    Raises:
        StorageError: It was issued later than now.
    """
    try:
        entry = last.content()
        issued = issue_time(entry)
        number = int(entry["number"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamageError(f"{path}: the last line is no entry ({error}); see: forecast ledger verify") from error
    if now + CLOCK_TOLERANCE < issued:
        raise StorageError(
            f"{path}: the last line was issued at {issued:{_TIME}}, and the clock says {now:{_TIME}}; expected a later "
            "time; nothing was logged; set the clock right, or move the ledger away"
        )
    return number, last.hash


def read_ledger(path: Path) -> bytes:
    """Content of a ledger.

    Raises:
        InputFileError: There is none, or it cannot be read.
        DamageError: It is empty.
    """
    try:
        if not path.is_file():
            raise InputFileError(
                f"{path}: no such ledger; expected one of --log; begin it with: forecast predict USDJPY --log"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputFileError(f"{path} cannot be read: {error.strerror or error}; expected a ledger") from error
    if not content:
        raise DamageError(f"{path} is empty; expected a line or more; restore it, or delete it to begin another")
    return content


def split_lines(content: bytes) -> tuple[list[bytes], bytes]:
    """Complete lines without their line ends, and the torn one behind them, which is empty as a rule."""
    *lines, rest = content.split(b"\n")
    line = Line.of(rest)
    if not _is_torn(rest) or (line is not None and line.is_intact):  # the line end alone is missing
        return [*lines, rest], b""
    return lines, rest


def _is_torn(rest: bytes) -> bool:
    """True if some bytes, or none, may be the beginning of a line."""
    return rest[: len(_START)] == _START[: len(rest)]
