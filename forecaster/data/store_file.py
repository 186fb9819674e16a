"""The file under the store: opening, tables, transactions and faults."""

import contextlib
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from forecaster.data.store_records import with_checksums, write_checksums
from forecaster.errors import DamageError, NewerSchemaError, StorageError
from forecaster.files import PARTIAL_PREFIX

__all__ = [
    "SCHEMA",
    "DamagedRowsError",
    "damage_message",
    "log_path",
    "open_file",
    "reported_faults",
    "snapshot",
    "transaction",
]

SCHEMA = 2
"""Number of the layout below, kept in the file as ``PRAGMA user_version``; 1 had no checksums of versions."""

_TABLES = (
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, symbol TEXT NOT NULL, interval TEXT NOT NULL,
        UNIQUE (source, symbol, interval))""",
    """CREATE TABLE version (
        id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, saved_at TEXT NOT NULL,
        sha256 TEXT NOT NULL, rows INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
        added INTEGER NOT NULL, revised INTEGER NOT NULL, removed INTEGER NOT NULL,
        columns TEXT NOT NULL, rounding_sha256 TEXT, instrument TEXT NOT NULL, meta TEXT NOT NULL,
        checksum TEXT)""",
    "CREATE INDEX version_of_series ON version (series, id)",
    """CREATE TABLE bar (
        series INTEGER NOT NULL, day INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER,
        open REAL, high REAL, low REAL, close REAL, adj_close REAL, volume REAL, rounding REAL,
        PRIMARY KEY (series, day, born)) WITHOUT ROWID""",
)
# SQLite's primary result codes. SQLITE_ERROR is "no such table": our statements have no mistakes of their own.
_DAMAGE_CODES = {
    *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH),
    sqlite3.SQLITE_TOOBIG,
}
_NO_ROOM_CODES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_MAX_VALUE_BYTES = 2**26  # of one value; the facts of a version have some thousand
# A view, a trigger or a computed column would let a file from somebody else compute without end.
_FOREIGN = """SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')
    OR sql LIKE 'CREATE VIRTUAL%' OR sql LIKE '% AS %(%' LIMIT 1"""
_MAGIC = b"SQLite format 3\0"
_STORAGE_CODES = {
    sqlite3.SQLITE_READONLY: "make it writable, free some space on the disk, or choose another --home",
    sqlite3.SQLITE_FULL: "free some space on the disk",
    sqlite3.SQLITE_BUSY: "another process is writing to it: try again",
    sqlite3.SQLITE_LOCKED: "another process is writing to it: try again",
}


def open_file(path: Path, timeout_seconds: float) -> sqlite3.Connection:
    """A connection to the store at `path` with its tables in place, in autocommit mode.

    Raises:
        StorageError: The file or its folder cannot be made, or stays locked.
        DamageError: The file is no store, or is damaged.
        NewerSchemaError: A newer version of this program made it.
    """
    with reported_faults(path):
        if not path.exists():
            _create(path)
        _require_database(path)
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            return _open_read_only(path, timeout_seconds)
        try:
            return _opened(sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None), path)
        except sqlite3.OperationalError as error:
            # Write-ahead logging wants a file beside the store even for reading: a full disk has no room for it.
            if _code(error) not in _NO_ROOM_CODES:
                raise
            return _open_read_only(path, timeout_seconds)


def _create(path: Path) -> None:
    """Make an empty store, whole or not at all: a file at `path` without tables is always damage."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL_PREFIX}{os.getpid()}-{secrets.token_hex(8)}")
    try:
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as new, transaction(new):
            for statement in (*_TABLES, f"PRAGMA user_version = {SCHEMA}"):
                new.execute(statement)
        _publish(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _publish(partial: Path, path: Path) -> None:
    """Give `partial` the name `path` unless another process was first; its store stays."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(partial, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            with open(path, "xb") as file:
                file.write(partial.read_bytes())
                file.flush()
                os.fsync(file.fileno())


def _require_database(path: Path) -> None:
    """Refuse what is no file of SQLite before SQLite takes an empty file for a new store."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise DamageError(damage_message(path, "it is not a regular file"))
    with open(path, "rb") as file:
        beginning = file.read(len(_MAGIC))
    if beginning != _MAGIC:
        size = path.stat().st_size
        raise DamageError(damage_message(path, "it is empty" if not size else f"its {size} bytes are no database"))


def _open_read_only(path: Path, timeout_seconds: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        return _opened(sqlite3.connect(uri, timeout=timeout_seconds, isolation_level=None, uri=True), path)
    except sqlite3.OperationalError as error:
        if _code(error) not in _NO_ROOM_CODES:
            raise
    # Where no file can be made beside the store, nobody else can be writing from here either, and SQLite may be told
    # that nothing will change. It would then pass over the log, so there must be none.
    log = log_path(path)
    if log.exists() and log.stat().st_size:
        raise StorageError(
            f"store {path} has rows in {log.name} that cannot be read, since no file can be made beside it; expected "
            "a folder that can be written; free some space, or copy the folder to another place and give it as --home"
        )
    return _opened(sqlite3.connect(f"{uri}&immutable=1", isolation_level=None, uri=True), path)


def log_path(path: Path) -> Path:
    """File beside the store that holds committed rows which are not in it yet."""
    return path.with_name(f"{path.name}-wal")


def _opened(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """`connection` with its schema checked and brought up to date; closed after any error."""
    try:
        # Damaged text must reach the comparison of checksums; SQLite's own decoding would raise an error without code.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check the schema number; add checksums to an old store; switch to write-ahead logging."""
    if _schema(connection) <= 0:
        raise DamageError(f"{path} is a database of another program; expected a store; choose another --home")
    if _schema(connection) > SCHEMA:
        raise NewerSchemaError(
            f"store {path} has schema {_schema(connection)}, this program reads up to {SCHEMA}; "
            "install a newer version of forecaster, or choose another --home"
        )
    foreign = connection.execute(_FOREIGN).fetchone()
    if foreign is not None:
        raise DamagedRowsError(f"{ascii(foreign[0])[:60]} is none of its tables")
    if not with_checksums(connection):
        # Impossible on read-only media and on a full disk; `Store.save` tries again.
        with contextlib.suppress(sqlite3.OperationalError), transaction(connection):
            write_checksums(connection)
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # Refused on file systems without shared memory, while another process has the file open, and on
        # read-only media. Correct without it, only with more waiting; the next opener tries again.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of the Python module."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All statements inside, or none of them; waits for other writers."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back after some faults, such as a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reading inside sees the same state, whatever others save or remove meanwhile; may be nested."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class DamagedRowsError(Exception):
    """Stored rows that make no history."""


@contextlib.contextmanager
def reported_faults(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the operating system into errors of this program."""
    try:
        yield
    except DamagedRowsError as error:
        raise DamageError(damage_message(path, str(error))) from error
    except OSError as error:
        raise StorageError(
            f"store {path} cannot be opened: {error.strerror or error}; expected a folder that can be written; "
            "choose another --home"
        ) from error
    except sqlite3.Error as error:
        code = _code(error)
        if code in _DAMAGE_CODES:
            raise DamageError(damage_message(path, str(error))) from error
        if not code:
            raise  # a mistake of ours, such as using a closed store
        advice = _STORAGE_CODES.get(code, "choose another --home")
        raise StorageError(
            f"store {path} cannot be used: {error}; expected a file that can be written; {advice}"
        ) from error


def damage_message(path: Path, what: str) -> str:
    """Message about a store whose contents differ from what was saved."""
    return f"store {path} is damaged: {what}; restore it from a copy, or move it away and load the data again"
