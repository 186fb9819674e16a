"""Maintenance of the store: names of versions, checks of the file, removal of superfluous versions."""

import contextlib
import dataclasses
import re
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from forecaster.data.instruments import shown
from forecaster.data.store_file import log_path
from forecaster.data.store_rows import select_versions
from forecaster.data.store_versions import Version
from forecaster.errors import SourceError, UsageError

__all__ = [
    "Checkup",
    "Pruned",
    "delete_versions",
    "file_faults",
    "newest_id",
    "parse_name",
    "shrink",
    "superfluous",
    "unique_version",
    "with_digits",
]

_DIGITS = re.compile(r"[0-9a-fA-F]{1,64}")
_MIN_DIGITS = 4
_SHRINK_PATIENCE_MS = 2000  # an oversized file is not worth a longer wait

# A row is needed as long as there is a version between its birth and its death.
_UNSEEN = """NOT EXISTS (SELECT 1 FROM version v WHERE v.series = bar.series AND v.id >= bar.born
    AND (bar.died IS NULL OR v.id < bar.died){but})"""


@dataclasses.dataclass(frozen=True)
class Checkup:
    """Result of loading one version and comparing it with its hash.

    Args:
        version: The version.
        damage: The damage, in one line; None if the version is intact.
    """

    version: Version
    damage: str | None


@dataclasses.dataclass(frozen=True)
class Pruned:
    """Versions that pruning removes, or has removed.

    Args:
        versions: Removed versions, by history, oldest first.
        rows: Stored rows that no other version has.
        bytes: Space released; an estimate before it is done.
        shrunk: True if the file became smaller; not if another process is using it.
    """

    versions: tuple[Version, ...]
    rows: int
    bytes: int
    shrunk: bool = False


def parse_name(text: str) -> tuple[tuple[str, str, str] | None, str | None]:
    """Source, symbol and frequency in `text`, None where digits stand alone; and the digits, in lower case.

    >>> parse_name("ecb/USDJPY/1d@5F2a"), parse_name("yahoo/AAPL/1d"), parse_name("5f2a")
    ((('ecb', 'USDJPY', '1d'), '5f2a'), (('yahoo', 'AAPL', '1d'), None), (None, '5f2a'))

    Raises:
        UsageError: It has neither form.
    """
    name, mark, digits = text.strip().rpartition("@")
    if not (mark and _DIGITS.fullmatch(digits)):  # the at sign may belong to the symbol
        name = text.strip()
        digits = ""
    source, slash, rest = name.partition("/")
    symbol, another, frequency = rest.rpartition("/")
    if slash and another and source and symbol and frequency:
        return (source, symbol, frequency), digits.lower() or None
    if not slash and not digits and _DIGITS.fullmatch(name) and len(name) >= _MIN_DIGITS:
        return None, name.lower()
    raise UsageError(
        f"{shown(text, 100)} names no stored history; expected source/symbol/frequency, such as ecb/USDJPY/1d, with "
        f"@digits behind it for one version, or {_MIN_DIGITS} or more digits of a hash; see: forecast data list"
    )


def unique_version(versions: Sequence[Version], text: str, path: Path) -> Version:
    """The newest of the versions whose hash begins with `text`, where all of them are the same state of one history.

    Raises:
        SourceError: There is none, or there are several.
    """
    if len({(version.key, version.sha256) for version in versions}) != 1:
        names = ", ".join(dict.fromkeys(version.name for version in versions[-5:]))
        problem = f"several versions ({names}) have" if versions else "no version has"
        raise SourceError(
            f"store {path}: {problem} a hash that begins with {shown(text)}; "
            "expected one; give source/symbol/frequency@digits as forecast data list shows it"
        )
    return versions[-1]


def with_digits(versions: Sequence[Version], digits: str, path: Path) -> Version:
    """The newest of the versions of one history, at least one, whose hash begins with `digits`.

    Raises:
        SourceError: There is none, or there are several with different hashes.
    """
    fitting = [version for version in versions if digits and version.sha256.startswith(digits.lower())]
    if len({version.sha256 for version in fitting}) != 1:
        newest = ", ".join(version.sha256[:12] for version in versions[-5:])
        problem = "no version" if not fitting else "several versions"
        name = shown(versions[-1].series, 100)
        raise SourceError(f"store {path}: {problem} of {name} with the hash {shown(digits, 64)}; newest: {newest}")
    return fitting[-1]


def file_faults(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Faults of the file: those that SQLite reports, rows and versions that belong to nothing, and bytes behind it."""
    faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    if orphans:
        faults.append(f"{len(orphans)} versions belong to no history")
    rows = int(connection.execute(f"SELECT count(*) FROM bar WHERE {_UNSEEN.format(but='')}").fetchone()[0])
    if rows:
        faults.append(f"{rows} rows belong to no version")
    with contextlib.suppress(sqlite3.OperationalError):  # a store that is read-only, or in use
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    log = log_path(path)
    size = path.stat().st_size
    if size > _size(connection) and not (log.exists() and log.stat().st_size):
        faults.append(f"{size - _size(connection)} bytes follow the database")
    return [fault for fault in faults if fault != "ok"]


def newest_id(connection: sqlite3.Connection) -> int:
    """Number of the version that was saved last; 0 without any."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM version").fetchone()[0])


def superfluous(connection: sqlite3.Connection, keep: Collection[str], until: int) -> Pruned:
    """Versions to remove: those that were replaced by version `until` or before it, unless their hash is in `keep`.

    Raises:
        DamagedRowsError: The record of any version has changed, so that it may be needed under another hash.
    """
    select_versions(connection, "", ())
    replaced = """WHERE EXISTS (SELECT 1 FROM version w WHERE w.series = v.series AND w.id > v.id AND w.id <= ?)
        ORDER BY source, symbol, interval, v.id"""
    gone = tuple(version for version in select_versions(connection, replaced, (until,)) if version.sha256 not in keep)
    _note_leaving(connection, gone)
    unseen = _UNSEEN.format(but=" AND v.id NOT IN (SELECT id FROM temp.leaving)")
    rows = int(connection.execute(f"SELECT count(*) FROM bar WHERE {unseen}").fetchone()[0])
    total = int(connection.execute("SELECT count(*) FROM bar").fetchone()[0])
    # Almost all of a file is rows of prices, all of about the same length.
    return Pruned(gone, rows, round(_size(connection) * rows / max(total, 1)))


def _note_leaving(connection: sqlite3.Connection, versions: Collection[Version]) -> None:
    """Put ids into a temporary table, because a statement takes a limited number of parameters."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS leaving (id INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM temp.leaving")
    connection.executemany("INSERT INTO temp.leaving VALUES (?)", ((version.id,) for version in versions))


def delete_versions(connection: sqlite3.Connection, versions: Collection[Version]) -> None:
    """Delete `versions`, and the rows that no other version has."""
    connection.executemany("DELETE FROM version WHERE id = ?", ((version.id,) for version in versions))
    connection.execute(f"DELETE FROM bar WHERE {_UNSEEN.format(but='')}")


def shrink(connection: sqlite3.Connection, pruned: Pruned) -> Pruned:
    """Release the space of deleted rows and report its size.

    A file that is in use elsewhere, or a disk without room for the copy that this takes, keeps its size: the
    space is used again by the next versions.
    """
    before = _size(connection)
    patience = int(connection.execute("PRAGMA busy_timeout").fetchone()[0])
    try:
        connection.execute(f"PRAGMA busy_timeout = {_SHRINK_PATIENCE_MS}")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:
        return dataclasses.replace(pruned, bytes=0)
    finally:
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute(f"PRAGMA busy_timeout = {patience}")
    return dataclasses.replace(pruned, bytes=max(before - _size(connection), 0), shrunk=True)


def _size(connection: sqlite3.Connection) -> int:
    """Bytes of the database, without the log beside it."""
    pages, page = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    return pages * page
