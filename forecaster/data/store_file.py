"""The file under the store: opening, tables, transactions and faults."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from forecaster.errors import DamageError, NewerSchemaError, StorageError

__all__ = ["SCHEMA", "DamagedRowsError", "damage_message", "open_file", "reported_faults", "snapshot", "transaction"]

SCHEMA = 1
"""Number of the layout below, kept in the file as ``PRAGMA user_version``."""

_TABLES = (
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, symbol TEXT NOT NULL, interval TEXT NOT NULL,
        UNIQUE (source, symbol, interval))""",
    """CREATE TABLE version (
        id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, saved_at TEXT NOT NULL,
        sha256 TEXT NOT NULL, rows INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL,
        added INTEGER NOT NULL, revised INTEGER NOT NULL, removed INTEGER NOT NULL,
        columns TEXT NOT NULL, rounding_sha256 TEXT, instrument TEXT NOT NULL, meta TEXT NOT NULL)""",
    "CREATE INDEX version_of_series ON version (series, id)",
    """CREATE TABLE bar (
        series INTEGER NOT NULL, day INTEGER NOT NULL, born INTEGER NOT NULL, died INTEGER,
        open REAL, high REAL, low REAL, close REAL, adj_close REAL, volume REAL, rounding REAL,
        PRIMARY KEY (series, day, born)) WITHOUT ROWID""",
)
# SQLite's primary result codes. SQLITE_ERROR is "no such table": our statements have no mistakes of their own.
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH}
_STORAGE_CODES = {
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
        connection = _connect(path, timeout_seconds)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(path: Path, timeout_seconds: float) -> sqlite3.Connection:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return _connect_read_only(path, timeout_seconds)
    return sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None)


def _connect_read_only(path: Path, timeout_seconds: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, timeout=timeout_seconds, isolation_level=None, uri=True)
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        # A WAL database wants a file beside it even for reading. Where none can be made, nobody else
        # can be writing from here either, and SQLite may be told that nothing will change.
        connection.close()
        return sqlite3.connect(f"{uri}&immutable=1", isolation_level=None, uri=True)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check the schema number; make the tables of an empty file; switch to write-ahead logging."""
    if _schema(connection) == 0:
        with transaction(connection):
            if _schema(connection) == 0:
                if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                    raise DamageError(
                        f"{path} is a database of another program; expected a store; choose another --home"
                    )
                for statement in (*_TABLES, f"PRAGMA user_version = {SCHEMA}"):
                    connection.execute(statement)
    if _schema(connection) > SCHEMA:
        raise NewerSchemaError(
            f"store {path} has schema {_schema(connection)}, this program reads up to {SCHEMA}; "
            "install a newer version of forecaster, or choose another --home"
        )
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # Refused on file systems without shared memory, while another process has the file open, and on
        # read-only media. Correct without it, only with more waiting; the next opener tries again.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


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
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
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
