"""Checksum over the whole record of a version: names, dates, counts, instrument and findings, besides its rows."""

import hashlib
import json
import sqlite3

__all__ = ["RECORD", "record_checksum", "with_checksums", "write_checksums"]

RECORD = (
    "v.id, source, symbol, interval, sha256, saved_at, rows, first, last, added, revised, removed, "
    "columns, rounding_sha256, instrument, meta"
)
"""Columns of a version ``v`` joined with its history, in the order of the checksum."""


def record_checksum(record: tuple[object, ...]) -> str:
    """SHA-256 of the values of `RECORD`; a value of a type that was never stored is hashed as well."""
    return hashlib.sha256(json.dumps(record, default=repr).encode()).hexdigest()


def with_checksums(connection: sqlite3.Connection) -> bool:
    """True if the versions have checksums; a store of schema 1 has them once it was opened for writing."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) >= 2


def write_checksums(connection: sqlite3.Connection) -> None:
    """Give every version of a store of schema 1 a checksum, in the transaction of the caller."""
    if with_checksums(connection):
        return
    connection.execute("ALTER TABLE version ADD COLUMN checksum TEXT")
    records = connection.execute(f"SELECT {RECORD} FROM version v JOIN series s ON v.series = s.id").fetchall()
    connection.executemany(
        "UPDATE version SET checksum = ? WHERE id = ?", [(record_checksum(record), record[0]) for record in records]
    )
    connection.execute("PRAGMA user_version = 2")
