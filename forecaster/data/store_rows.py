"""Rows of the store: each version is written as its difference from the version before, and read back.

Rows are kept with the versions between which they were valid (``born <= version < died``).
"""

import dataclasses
import datetime
import hashlib
import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import FloatArray, Int64Array
from forecaster.data.findings import Finding, findings_from_json, findings_to_json
from forecaster.data.instruments import Instrument, shown
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.store_file import DamagedRowsError
from forecaster.data.store_records import RECORD, record_checksum, with_checksums, write_checksums
from forecaster.data.store_versions import Version
from forecaster.errors import ForecasterError

__all__ = [
    "checked_versions",
    "insert",
    "newest_hash",
    "read",
    "read_findings",
    "select_history",
    "select_versions",
]

_VALUES = (*COLUMNS, "rounding")
_FINDINGS = "findings"  # in the stored facts about the origin
_DAMAGED = (
    *(DamagedRowsError, ForecasterError, ValueError, TypeError, AttributeError, KeyError),
    *(OverflowError, RecursionError),
)
_NOTES = "notes"  # likewise, of versions saved earlier: about one request, long over


_TYPES = (int, str, str, str, str, str, int, str, str, int, int, int)  # of the fields of a version
_DAYS = (7, 8)  # places of the first and the last date among them


def select_versions(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> tuple[Version, ...]:
    """The versions that a condition in SQL, with `values` for its question marks, selects.

    Raises:
        DamagedRowsError: The record of one of them is not what was saved.
    """
    checked = checked_versions(connection, where, values)
    for _, damage in checked:
        if damage is not None:
            raise DamagedRowsError(damage)
    return tuple(version for version, _ in checked)


def select_history(connection: sqlite3.Connection, key: tuple[str, str, str]) -> tuple[Version, ...]:
    """All versions of the history `key`: source, symbol, frequency; oldest first.

    Raises:
        DamagedRowsError: One is not what was saved; where none is found, also if that may be for damage of the name.
    """
    versions = select_versions(connection, "WHERE source = ? AND symbol = ? AND interval = ? ORDER BY v.id", key)
    if not versions and any(version.key == key for version in select_versions(connection, "", ())):
        raise DamagedRowsError(f"the index of {shown('/'.join(key), 100)} has changed")
    return versions


def checked_versions(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...]
) -> list[tuple[Version, str | None]]:
    """The selected versions, each with the damage of its record, None for a record as it was saved."""
    checksum = "checksum" if with_checksums(connection) else "NULL"
    query = f"SELECT {RECORD}, {checksum} FROM version v JOIN series s ON v.series = s.id {where}"
    checked: list[tuple[Version, str | None]] = []
    for *record, recorded in connection.execute(query, values):
        fields = record[: len(dataclasses.fields(Version))]
        unchanged = checksum == "NULL" or recorded == record_checksum(tuple(record))
        if unchanged and _has_types(fields):
            checked.append((Version(*fields), None))
        else:
            version = Version(*(_as(kind, value) for kind, value in zip(_TYPES, fields, strict=True)))
            checked.append((version, f"the record of version {version.id} of {shown(version.symbol)} has changed"))
    return checked


def _has_types(fields: Sequence[object]) -> bool:
    if not all(isinstance(value, kind) for kind, value in zip(_TYPES, fields, strict=True)):
        return False
    try:
        return all(str(datetime.date.fromisoformat(str(fields[place]))) == fields[place] for place in _DAYS)
    except ValueError:
        return False


def _as(kind: type, value: object) -> Any:
    """A damaged value in the type of its field, so that its version can be named."""
    return value if isinstance(value, kind) else (str(value) if kind is str else 0)


def newest_hash(connection: sqlite3.Connection, key: tuple[str, str, str]) -> str | None:
    """Hash of the newest version of the history `key`: source, symbol, frequency."""
    query = """SELECT sha256 FROM version WHERE series = (
        SELECT id FROM series WHERE source = ? AND symbol = ? AND interval = ?) ORDER BY id DESC LIMIT 1"""
    row = connection.execute(query, key).fetchone()
    return None if row is None else str(row[0])


def insert(
    connection: sqlite3.Connection, series: PriceSeries, findings: Sequence[Finding], now: datetime.datetime
) -> None:
    """Write a version, the findings of its source, and the rows in which it differs from the one before."""
    write_checksums(connection)
    series_id = _series_id(connection, (series.source, series.symbol, series.frequency))
    version = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM version").fetchone()[0])
    counts = _insert_rows(connection, series, series_id, version)
    path = None if series.instrument.path is None else os.fspath(series.instrument.path)
    instrument = {"kind": series.instrument.kind, "name": series.instrument.name, "path": path}
    meta = {**series.meta, _FINDINGS: findings_to_json(findings)} if findings else dict(series.meta)
    facts = (len(series), str(series.dates[0]), str(series.dates[-1]), *counts)
    content = (",".join(series.columns), _rounding_hash(series.rounding), json.dumps(instrument), json.dumps(meta))
    saved_at = now.isoformat(timespec="seconds")
    key = (series.source, series.symbol, series.frequency)
    checksum = record_checksum((version, *key, series.sha256, saved_at, *facts, *content))
    record = (version, series_id, saved_at, series.sha256, *facts, *content, checksum)
    connection.execute(f"INSERT INTO version VALUES (?{', ?' * (len(record) - 1)})", record)


def _insert_rows(
    connection: sqlite3.Connection, series: PriceSeries, series_id: int, version: int
) -> tuple[int, int, int]:
    """Close the rows that are gone, write those that are new, do both where values changed; count the three."""
    query = f"SELECT day, {', '.join(_VALUES)} FROM bar WHERE series = ? AND died IS NULL ORDER BY day"
    old_days, old_values = _matrix(connection.execute(query, (series_id,)).fetchall(), len(_VALUES))
    days = series.dates.astype(np.int64)
    values = _values(series)
    _, in_new, in_old = np.intersect1d(days, old_days, assume_unique=True, return_indices=True)
    # Bits, not numbers: a missing value equals a missing value.
    changed = (_bits(values[in_new]) != _bits(old_values[in_old])).any(axis=1)
    added = np.ones(len(days), dtype=bool)
    added[in_new] = False
    removed = np.ones(len(old_days), dtype=bool)
    removed[in_old] = False
    written = added.copy()
    written[in_new[changed]] = True
    closed = removed.copy()
    closed[in_old[changed]] = True
    connection.executemany(
        "UPDATE bar SET died = ? WHERE series = ? AND day = ? AND died IS NULL",
        ((version, series_id, day) for day in old_days[closed].tolist()),
    )
    rows = zip(days[written].tolist(), values[written].tolist(), strict=True)
    connection.executemany(
        f"INSERT INTO bar (series, day, born, {', '.join(_VALUES)}) VALUES (?, ?, ?{', ?' * len(_VALUES)})",
        ((series_id, day, version, *row) for day, row in rows),  # SQLite stores NaN as NULL
    )
    return int(added.sum()), int(changed.sum()), int(removed.sum())


def _series_id(connection: sqlite3.Connection, key: tuple[str, str, str]) -> int:
    connection.execute("INSERT OR IGNORE INTO series (source, symbol, interval) VALUES (?, ?, ?)", key)
    query = "SELECT id FROM series WHERE source = ? AND symbol = ? AND interval = ?"
    return int(connection.execute(query, key).fetchone()[0])


def read(connection: sqlite3.Connection, version: Version) -> PriceSeries:
    """The history as it was saved in `version`.

    Raises:
        DamagedRowsError: The rows do not give the version's hash, or not the rows and dates that it records.
    """
    series = _series(connection, version)
    if series.sha256 != version.sha256:
        raise DamagedRowsError(f"{shown(series.name)} was saved as {version.sha256[:12]}")
    if (len(series), str(series.dates[0]), str(series.dates[-1])) != (version.rows, version.first, version.last):
        raise DamagedRowsError(f"{shown(series.name)} has other rows or dates than were recorded")
    return series


def _series(connection: sqlite3.Connection, version: Version) -> PriceSeries:
    """The rows that were valid in `version`, as a series whose hash is still to be compared."""
    query = "SELECT series, columns, rounding_sha256, instrument, meta FROM version WHERE id = ?"
    series_id, columns, rounding_hash, instrument, meta = connection.execute(query, (version.id,)).fetchone()
    names = [name for name in _VALUES if name in str(columns).split(",") or (name == "rounding" and rounding_hash)]
    query = f"""SELECT {", ".join(["day", *names])} FROM bar
        WHERE series = ? AND born <= ? AND (died IS NULL OR died > ?) ORDER BY day"""
    rows = connection.execute(query, (series_id, version.id, version.id)).fetchall()
    try:
        days, values = _matrix(rows, len(names))
        by_name = dict(zip(names, values.T, strict=True))
        rounding = by_name.pop("rounding", None)
        if _rounding_hash(rounding) != rounding_hash:
            raise ValueError("the rounding has changed since it was saved")
        return PriceSeries(
            instrument=_instrument(**json.loads(instrument)),
            source=version.source,
            symbol=version.symbol,
            dates=days.astype("datetime64[D]"),
            columns=by_name,
            rounding=rounding,
            frequency=version.frequency,
            meta={key: value for key, value in json.loads(meta).items() if key not in (_FINDINGS, _NOTES)},
        )
    except _DAMAGED as error:
        raise DamagedRowsError(f"version {version.id} of {shown(version.symbol)}: {error}") from error


def read_findings(connection: sqlite3.Connection, version: Version) -> tuple[Finding, ...]:
    """Repairs that the source had made in the rows of `version`."""
    (meta,) = connection.execute("SELECT meta FROM version WHERE id = ?", (version.id,)).fetchone()
    try:
        return findings_from_json(json.loads(meta).get(_FINDINGS, "[]"))
    except _DAMAGED as error:
        raise DamagedRowsError(f"version {version.id} of {shown(version.symbol)}: {error}") from error


def _instrument(kind: Any, name: str, path: str | None) -> Instrument:
    return Instrument(kind, name, None if path is None else Path(path))


def _values(series: PriceSeries) -> FloatArray:
    """(T, 7) the values of every column, NaN where there is none, in the one form that the hash knows."""
    missing = np.full(len(series), np.nan)
    rounding = missing if series.rounding is None else series.rounding
    values = np.stack([*(series.columns.get(name, missing) for name in COLUMNS), rounding], axis=1)
    return np.where(np.isnan(values), np.nan, values + 0.0)  # one kind of NaN, no -0.0


def _matrix(rows: list[tuple[float | None, ...]], width: int) -> tuple[Int64Array, FloatArray]:
    """Days (T,) and values (T, width) of rows that begin with the day; NULL becomes NaN."""
    try:
        table = np.array(rows, dtype=np.float64).reshape(len(rows), width + 1)
    except ValueError as error:  # SQLite keeps text in a column of numbers, if told to
        raise DamagedRowsError(f"stored prices are no numbers: {error}") from error
    return table[:, 0].astype(np.int64), table[:, 1:]


def _bits(values: FloatArray) -> Int64Array:
    return np.ascontiguousarray(values).view(np.int64)


def _rounding_hash(rounding: FloatArray | None) -> str | None:
    if rounding is None:
        return None
    canonical = np.where(np.isnan(rounding), np.nan, rounding + 0.0).astype("<f8")
    return hashlib.sha256(canonical.tobytes()).hexdigest()
