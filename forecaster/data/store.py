"""The store: every history that was ever used, in one SQLite file, each version still loadable.

Rows are kept with the versions between which they were valid (``born <= version < died``), so a new version
costs only the rows that changed, and nothing is overwritten. A version is known by the hash of its dates and
values (`PriceSeries.sha256`), which is computed again at each load.

The rounding of the quotation is stored with the rows, so that a loaded series is complete without its source.
It is no part of that hash, which identifies prices alone, and makes no new version; it has a checksum of its own.
"""

import dataclasses
import datetime
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from forecaster.data.instruments import Instrument, shown
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.store_file import SCHEMA, DamagedRowsError, damage_message, open_file, reported_faults, transaction
from forecaster.errors import DamageError, ForecasterError, NotEnoughDataError, SourceError

__all__ = ["SCHEMA", "Store", "Version", "store_path", "utc_now"]

_VALUES = (*COLUMNS, "rounding")
_VERSION_FIELDS = "v.id, source, symbol, interval, sha256, saved_at, rows, first, last, added, revised, removed"

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Version:
    """One saved state of one history.

    Args:
        id: Number of the version, increasing over the whole store.
        source: Registry key of the source.
        symbol: The source's spelling of the instrument.
        interval: ``"1d"``.
        sha256: Hash of dates and values.
        saved_at: When it was saved, ISO 8601, UTC.
        rows: Number of rows.
        first: Date of the first row, ISO 8601.
        last: Date of the last row.
        added: Rows that the version before did not have.
        revised: Rows whose values changed.
        removed: Rows that are no longer there.
    """

    id: int
    source: str
    symbol: str
    interval: str
    sha256: str
    saved_at: str
    rows: int
    first: str
    last: str
    added: int
    revised: int
    removed: int


def store_path(home: Path) -> Path:
    """Where a project keeps its store."""
    return home / "data" / "store.sqlite"


def utc_now() -> datetime.datetime:
    """The clock that a store stamps versions with, unless it is given another."""
    return datetime.datetime.now(datetime.UTC)


class Store:
    """Versions of price histories in one SQLite file; use `Store.open` in a ``with`` statement.

    Several processes may read and write at the same time: readers never wait, writers wait for each other.
    A file or a folder that cannot be written is opened for reading.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Callable[[], datetime.datetime]) -> None:
        self.path = path
        self._connection = connection
        self._clock = clock

    @classmethod
    def open(
        cls, path: Path, *, clock: Callable[[], datetime.datetime] = utc_now, timeout_seconds: float = 30.0
    ) -> "Store":
        """Open the store at `path`, made with its folder when it does not exist.

        Args:
            path: The SQLite file.
            clock: Gives the time to stamp new versions with.
            timeout_seconds: How long to wait for another process that is writing.

        Raises:
            StorageError: The file or its folder cannot be made, or stays locked.
            DamageError: The file is no store, or is damaged.
            NewerSchemaError: A newer version of this program made it.
        """
        return cls(path, open_file(path, timeout_seconds), clock)

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; twice is once."""
        self._connection.close()

    def save(self, series: PriceSeries) -> Version | None:
        """Keep `series` as the newest version of its history; the versions before it stay as they are.

        `series` is the whole history: rows of the newest version that it does not have are gone from the new one.

        Returns:
            The new version; None when the newest version has the same hash, and then nothing is written.

        Raises:
            NotEnoughDataError: The series has no rows.
            StorageError: The file cannot be written: read-only, disk full, or locked for too long.
            DamageError: The file is damaged.
        """
        if not len(series):
            raise NotEnoughDataError(f"{shown(series.symbol)} has no rows to store; expected at least 1")
        key = (series.source, series.symbol, series.interval)
        with reported_faults(self.path):
            if _newest_hash(self._connection, key) == series.sha256:
                return None
            with transaction(self._connection):
                # Another process may have saved the same between the look above and the lock.
                if _newest_hash(self._connection, key) == series.sha256:
                    return None
                _insert(self._connection, series, self._clock())
        return self._find(key, series.sha256)

    def load(self, source: str, symbol: str, interval: str = "1d", sha256: str | None = None) -> PriceSeries:
        """A stored history, exactly as it was saved.

        Args:
            source: Registry key of the source.
            symbol: The source's spelling of the instrument.
            interval: ``"1d"``.
            sha256: Hash of the version, or its first digits; the newest version when None.

        Raises:
            SourceError: The store has no such history or version, or the digits fit several versions.
            DamageError: The rows do not give the version's hash.
        """
        version = self._find((source, symbol, interval), sha256)
        with reported_faults(self.path):
            series = _read(self._connection, version)
        if series.sha256 != version.sha256:
            raise DamageError(damage_message(self.path, f"{series.name} was saved as {version.sha256[:12]}"))
        return series

    def versions(self, source: str, symbol: str, interval: str = "1d") -> tuple[Version, ...]:
        """All versions of one history, oldest first; none when the store does not have it."""
        where = "WHERE source = ? AND symbol = ? AND interval = ? ORDER BY v.id"
        return self._versions(where, (source, symbol, interval))

    def series(self) -> tuple[Version, ...]:
        """The newest version of every history, sorted by source, symbol and interval."""
        newest = "WHERE v.id IN (SELECT max(id) FROM version GROUP BY series) ORDER BY source, symbol, interval"
        return self._versions(newest, ())

    def _versions(self, where: str, values: tuple[str, ...]) -> tuple[Version, ...]:
        query = f"SELECT {_VERSION_FIELDS} FROM version v JOIN series s ON v.series = s.id {where}"
        with reported_faults(self.path):
            return tuple(Version(*row) for row in self._connection.execute(query, values))

    def _find(self, key: tuple[str, str, str], sha256: str | None) -> Version:
        name = "/".join(key)
        found = self.versions(*key)
        if not found:
            raise SourceError(f"store {self.path} has no history {shown(name, 100)}; expected one saved before")
        if sha256 is None:
            return found[-1]
        fitting = [one for one in found if sha256 and one.sha256.startswith(sha256.lower())]
        if len({one.sha256 for one in fitting}) != 1:
            known = ", ".join(one.sha256[:12] for one in found[-5:])
            problem = "no version" if not fitting else "several versions"
            raise SourceError(
                f"store {self.path}: {problem} of {shown(name, 100)} with the hash {shown(sha256, 64)}; newest: {known}"
            )
        return fitting[-1]


def _newest_hash(connection: sqlite3.Connection, key: tuple[str, str, str]) -> str | None:
    query = """SELECT sha256 FROM version WHERE series = (
        SELECT id FROM series WHERE source = ? AND symbol = ? AND interval = ?) ORDER BY id DESC LIMIT 1"""
    row = connection.execute(query, key).fetchone()
    return None if row is None else str(row[0])


def _insert(connection: sqlite3.Connection, series: PriceSeries, now: datetime.datetime) -> None:
    """Write a version and the rows in which it differs from the one before."""
    series_id = _series_id(connection, (series.source, series.symbol, series.interval))
    version = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM version").fetchone()[0])
    counts = _insert_rows(connection, series, series_id, version)
    path = None if series.instrument.path is None else os.fspath(series.instrument.path)
    instrument = {"kind": series.instrument.kind, "name": series.instrument.name, "path": path}
    record = (
        version, series_id, now.isoformat(timespec="seconds"), series.sha256, len(series), str(series.dates[0]),
        str(series.dates[-1]), *counts, ",".join(series.columns), _rounding_hash(series.rounding),
        json.dumps(instrument), json.dumps(dict(series.meta)),
    )  # fmt: skip
    connection.execute(f"INSERT INTO version VALUES (?{', ?' * (len(record) - 1)})", record)


def _insert_rows(
    connection: sqlite3.Connection, series: PriceSeries, series_id: int, version: int
) -> tuple[int, int, int]:
    """Close the rows that are gone, write those that are new, do both where values changed; count the three."""
    query = f"SELECT day, {', '.join(_VALUES)} FROM bar WHERE series = ? AND died IS NULL ORDER BY day"
    old_days, old_values = _matrix(connection.execute(query, (series_id,)).fetchall(), len(_VALUES))
    days, values = series.dates.astype(np.int64), _values(series)
    _, in_new, in_old = np.intersect1d(days, old_days, assume_unique=True, return_indices=True)
    # Bits, not numbers: a missing value equals a missing value.
    changed = (_bits(values[in_new]) != _bits(old_values[in_old])).any(axis=1)
    added, removed = np.ones(len(days), dtype=bool), np.ones(len(old_days), dtype=bool)
    added[in_new], removed[in_old] = False, False
    written, closed = added.copy(), removed.copy()
    written[in_new[changed]], closed[in_old[changed]] = True, True
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


def _read(connection: sqlite3.Connection, version: Version) -> PriceSeries:
    """The rows that were valid in `version`, as a series whose hash is still to be compared."""
    query = "SELECT series, columns, rounding_sha256, instrument, meta FROM version WHERE id = ?"
    series_id, columns, rounding_hash, instrument, meta = connection.execute(query, (version.id,)).fetchone()
    names = [name for name in _VALUES if name in columns.split(",") or (name == "rounding" and rounding_hash)]
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
            interval=version.interval,
            meta=json.loads(meta),
        )
    except (ForecasterError, ValueError, TypeError) as error:
        raise DamagedRowsError(f"version {version.id} of {version.symbol}: {error}") from error


def _instrument(kind: Any, name: str, path: str | None) -> Instrument:
    return Instrument(kind, name, None if path is None else Path(path))


def _values(series: PriceSeries) -> FloatArray:
    """(T, 7) the values of every column, NaN where there is none, in the one form that the hash knows."""
    missing = np.full(len(series), np.nan)
    rounding = missing if series.rounding is None else series.rounding
    values = np.stack([*(series.columns.get(name, missing) for name in COLUMNS), rounding], axis=1)
    return np.where(np.isnan(values), np.nan, values + 0.0)  # one kind of NaN, no -0.0


def _matrix(rows: list[tuple[float | None, ...]], width: int) -> tuple[IntArray, FloatArray]:
    """Days (T,) and values (T, width) of rows that begin with the day; NULL becomes NaN."""
    table = np.array(rows, dtype=np.float64).reshape(len(rows), width + 1)
    return table[:, 0].astype(np.int64), table[:, 1:]


def _bits(values: FloatArray) -> IntArray:
    return np.ascontiguousarray(values).view(np.int64)


def _rounding_hash(rounding: FloatArray | None) -> str | None:
    if rounding is None:
        return None
    canonical = np.where(np.isnan(rounding), np.nan, rounding + 0.0).astype("<f8")
    return hashlib.sha256(canonical.tobytes()).hexdigest()
