"""The store: every history ever used, in one SQLite file; every version can still be loaded.

Rows are kept with the versions between which they were valid (``born <= version < died``), so a new version
costs only the rows that changed, and nothing is overwritten. A version is known by the hash of its dates and
values (`PriceSeries.sha256`), which is computed again at each load.

The rounding of the quotation is stored with the rows, so that a loaded series is complete without its source.
It is no part of that hash, which identifies prices alone, and makes no new version; it has a checksum of its own.
The record of a version, its instrument and findings included, has a checksum as well (`store_records`).
"""

import datetime
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from forecaster.data.findings import Finding
from forecaster.data.instruments import shown
from forecaster.data.series import PriceSeries
from forecaster.data.store_file import SCHEMA, damage_message, open_file, reported_faults, snapshot, transaction
from forecaster.data.store_maintenance import (
    Checkup,
    Pruned,
    delete_versions,
    file_faults,
    newest_id,
    parse_name,
    shrink,
    superfluous,
    unique_version,
    with_digits,
)
from forecaster.data.store_rows import (
    checked_versions,
    insert,
    newest_hash,
    read,
    read_findings,
    select_history,
    select_versions,
)
from forecaster.data.store_versions import Version, store_path
from forecaster.errors import DamageError, NotEnoughDataError, SourceError, did_you_mean

__all__ = ["SCHEMA", "Checkup", "Pruned", "Store", "Version", "store_path", "utc_now"]


def utc_now() -> datetime.datetime:
    """Default clock for the time stamps of versions."""
    return datetime.datetime.now(datetime.UTC)


_SORTED = "ORDER BY source, symbol, interval, v.id"


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
            timeout_seconds: Longest wait for another process that is writing.

        Raises:
            StorageError, DamageError, NewerSchemaError: See `forecaster.data.store_file.open_file`.
        """
        return cls(path, open_file(path, timeout_seconds), clock)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; twice is once."""
        self._connection.close()

    def save(self, series: PriceSeries, findings: Sequence[Finding] = ()) -> Version | None:
        """Save `series` as the newest version of its history; earlier versions stay as they are.

        Args:
            series: The whole history: rows of the newest version that it does not have are gone from the new one.
            findings: Repairs that its source has made.

        Returns:
            The new version; None when the newest version has the same hash, and then nothing is written.

        Raises:
            NotEnoughDataError: The series has no rows.
            StorageError: The file cannot be written: read-only, disk full, or locked for too long.
            DamageError: The file is damaged.
        """
        if not len(series):
            raise NotEnoughDataError(f"{shown(series.symbol)} has no rows to store; expected at least 1")
        key = (series.source, series.symbol, series.frequency)
        with reported_faults(self.path):
            if newest_hash(self._connection, key) == series.sha256:
                return None
            with transaction(self._connection):
                # Another process may have saved the same between the look above and the lock.
                if newest_hash(self._connection, key) == series.sha256:
                    return None
                insert(self._connection, series, findings, self._clock())
        return self._find(key, series.sha256)

    def load(self, source: str, symbol: str, frequency: str = "1d", sha256: str | None = None) -> PriceSeries:
        """A stored history, exactly as it was saved.

        Args:
            source: Registry key of the source.
            symbol: The source's spelling of the instrument.
            frequency: ``"1d"``.
            sha256: Hash of the version, or its first digits; the newest version when None.

        Raises:
            SourceError: The store has no such history or version, or the digits fit several versions.
            DamageError: The rows do not give the version's hash.
        """
        with reported_faults(self.path), snapshot(self._connection):
            return self.load_version(self._find((source, symbol, frequency), sha256))

    def load_version(self, version: Version) -> PriceSeries:
        """The history as it was saved in `version`, which `find`, `versions` or `series` gave.

        Raises:
            SourceError: Another process has removed the version since.
            DamageError: The rows do not give the version's hash, or not the rows and dates that it records.
        """
        with reported_faults(self.path), snapshot(self._connection):
            if not select_versions(self._connection, "WHERE v.id = ?", (version.id,)):
                raise SourceError(f"store {self.path} no longer has {shown(version.name, 120)}; load it again")
            return read(self._connection, version)

    def findings(self, version: Version) -> tuple[Finding, ...]:
        """Repairs that the source had made when `version` was saved.

        Raises:
            DamageError: They cannot be read.
        """
        with reported_faults(self.path), snapshot(self._connection):
            return read_findings(self._connection, version)

    def find(self, text: str) -> Version:
        """The version that `text` names.

        Args:
            text: ``source/symbol/frequency@digits`` with the first digits of the hash; ``source/symbol/frequency``
                for its newest version; or the first digits alone, at least 4, where no other history has them.

        Raises:
            UsageError: It is none of these.
            SourceError: The store has no such history or version, or several.
        """
        key, digits = parse_name(text)
        if key is not None:
            return self._find(key, digits)
        versions = self._versions("WHERE substr(sha256, 1, ?) = ? ORDER BY v.id", (len(digits or ""), digits))
        return unique_version(versions, text, self.path)

    def versions(self, source: str, symbol: str, frequency: str = "1d") -> tuple[Version, ...]:
        """All versions of one history, oldest first; none when the store does not have it."""
        with reported_faults(self.path):
            return select_history(self._connection, (source, symbol, frequency))

    def all_versions(self) -> tuple[Version, ...]:
        """Every version of every history, sorted by source, symbol and frequency, oldest first within each."""
        return self._versions(_SORTED, ())

    def series(self) -> tuple[Version, ...]:
        """The newest version of every history, sorted by source, symbol and frequency."""
        return self._versions(f"WHERE v.id IN (SELECT max(id) FROM version GROUP BY series) {_SORTED}", ())

    def verify(self, versions: Collection[Version] | None = None) -> tuple[Checkup, ...]:
        """Load versions and compare them with their records; all when None. `faults` checks the file as a whole."""
        with reported_faults(self.path), snapshot(self._connection):
            given = [(version, None) for version in versions or ()]
            checked = checked_versions(self._connection, _SORTED, ()) if versions is None else given
            return tuple(Checkup(version, self._damage(version, damage)) for version, damage in checked)

    def _damage(self, version: Version, damage: str | None) -> str | None:
        """Damage of a version: that of its record, or else of its rows and findings."""
        if damage is not None:
            return damage_message(self.path, damage)
        try:
            self.load_version(version)
            self.findings(version)
        except (DamageError, SourceError) as error:
            return str(error)
        return None

    def faults(self) -> tuple[str, ...]:
        """Faults of the file as a whole that SQLite reports, one line each; none if it is sound."""
        try:
            with reported_faults(self.path):
                faults = file_faults(self._connection, self.path)
        except DamageError as error:
            return error.messages
        return tuple(damage_message(self.path, fault) for fault in faults)

    def newest_id(self) -> int:
        """Number of the version that was saved last, in any history; 0 without any."""
        with reported_faults(self.path):
            return newest_id(self._connection)

    def prune(self, keep: Collection[str], *, until: int | None = None, dry_run: bool = False) -> Pruned:
        """Remove the versions that are neither the newest of their history nor in `keep`, and rows only they had.

        All is removed or nothing; then the file is made smaller, where no other process has it in use.

        Args:
            keep: Hashes of versions that are still needed.
            until: Versions that were the newest when this version was saved, or later, stay as well.
            dry_run: Report what would be removed, and remove nothing.

        Raises:
            StorageError, DamageError: See `save`.
        """
        with reported_faults(self.path):
            last = newest_id(self._connection) if until is None else until
            if dry_run:
                with snapshot(self._connection):
                    return superfluous(self._connection, keep, last)
            with transaction(self._connection):
                pruned = superfluous(self._connection, keep, last)
                delete_versions(self._connection, pruned.versions)
            return shrink(self._connection, pruned) if pruned.versions else pruned

    def _versions(self, where: str, values: tuple[object, ...]) -> tuple[Version, ...]:
        with reported_faults(self.path):
            return select_versions(self._connection, where, values)

    def _find(self, key: tuple[str, str, str], sha256: str | None) -> Version:
        versions = self.versions(*key)
        if not versions:
            name = shown("/".join(key), 100)
            hint = did_you_mean("/".join(key), ["/".join(version.key) for version in self.series()])
            raise SourceError(f"store {self.path} has no history {name}; expected one saved before{hint}")
        return versions[-1] if sha256 is None else with_digits(versions, sha256, self.path)
