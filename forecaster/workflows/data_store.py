"""`data list`, `verify`, `diff`, `prune`: the histories that are in the store, and its upkeep."""

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.data.store import Checkup, Pruned, Store, Version, store_path
from forecaster.data.store_difference import ColumnChange, Difference, difference
from forecaster.data.store_maintenance import parse_name
from forecaster.environment import Environment
from forecaster.errors import DamageError, SourceError
from forecaster.experiments.runs import list_runs, runs_folder
from forecaster.files import plain

__all__ = [
    "SCHEMA",
    "DiffRequest",
    "HistoryDifference",
    "PruneRequest",
    "Pruning",
    "StoredHistory",
    "Verification",
    "VerifyRequest",
    "diff",
    "existing_store",
    "list_histories",
    "list_json",
    "prune",
    "verify",
    "version_facts",
]

SCHEMA = "data/1"


@contextlib.contextmanager
def existing_store(environment: Environment) -> Iterator[Store | None]:
    """The project's store, or None where nothing was stored yet: looking makes no files."""
    path = store_path(environment.home)
    if not path.exists():
        yield None
        return
    with Store.open(path, clock=environment.clock) as store:
        yield store


def _found(environment: Environment, *names: str) -> tuple[Store, list[Version]]:
    """An open store, and the versions in it that `names` name."""
    path = store_path(environment.home)
    if not path.exists():
        raise SourceError(f"there is no store {path} yet; expected one; load a history first: forecast data fetch")
    store = Store.open(path, clock=environment.clock)
    try:
        return store, [store.find(name) for name in names]
    except BaseException:
        store.close()
        raise


def version_facts(version: Version) -> dict[str, Any]:
    """What a document says of a version."""
    facts = dataclasses.asdict(version)
    return {
        "series": version.series,
        **{key: facts[key] for key in ("sha256", "rows", "first", "last", "saved_at", "added", "revised", "removed")},
    }


# list


@dataclasses.dataclass(frozen=True)
class StoredHistory:
    """One history in the store.

    Args:
        newest: Its newest version.
        versions: How many there are.
        age: Business days since its last row.
    """

    newest: Version
    versions: int
    age: int

    def to_json(self) -> dict[str, Any]:
        """One entry of the document."""
        newest = self.newest
        return {
            "series": newest.series,
            **{key: getattr(newest, key) for key in ("source", "symbol", "interval")},
            "versions": self.versions,
            **{key: getattr(newest, key) for key in ("rows", "first", "last")},
            "age_business_days": self.age,
            **{key: getattr(newest, key) for key in ("saved_at", "sha256")},
        }


def list_histories(environment: Environment) -> list[StoredHistory]:
    """Every history in the store, by source and symbol; none where there is no store.

    Raises:
        DamageError, StorageError, NewerSchemaError: The store cannot be read.
    """
    with existing_store(environment) as store:
        versions = () if store is None else store.all_versions()
    counts: dict[tuple[str, str, str], list[Version]] = {}
    for one in versions:
        counts.setdefault(one.key, []).append(one)
    return [StoredHistory(all_[-1], len(all_), _age(all_[-1].last, environment.today)) for all_ in counts.values()]


def _age(last: str, today: datetime.date) -> int:
    return business_age(np.datetime64(last), today)


def list_json(histories: list[StoredHistory]) -> dict[str, Any]:
    """The document ``data/1`` of `list_histories`."""
    return {"schema": SCHEMA, "histories": [one.to_json() for one in histories]}


# verify


@dataclasses.dataclass(frozen=True)
class VerifyRequest:
    """What is asked of `verify`.

    Args:
        history: One history, or one version of it; everything in the store when None.
    """

    history: str | None = None


@dataclasses.dataclass(frozen=True)
class Verification:
    """What came of comparing stored histories with what was recorded of them.

    Args:
        checkups: One a version.
        faults: Of the file as a whole.
    """

    checkups: tuple[Checkup, ...]
    faults: tuple[str, ...]

    @property
    def problem(self) -> DamageError | None:
        """One message for each damaged version and each fault of the file; None when all is well."""
        damaged = [one.damage for one in self.checkups if one.damage]
        return DamageError(*damaged, *self.faults) if damaged or self.faults else None

    @property
    def text(self) -> str:
        """One line."""
        histories = len({one.version.key for one in self.checkups})
        bad = sum(one.damage is not None for one in self.checkups)
        many = f"{len(self.checkups)} version{'s' if len(self.checkups) != 1 else ''}"
        of = f"{histories} histor{'ies' if histories != 1 else 'y'}"
        if bad:
            return f"{bad} of {many} of {of} {'are' if bad > 1 else 'is'} damaged"
        return f"{many} of {of} {'are' if len(self.checkups) != 1 else 'is'} intact"

    def to_json(self) -> dict[str, Any]:
        """The document ``data/1``."""
        return {
            "schema": SCHEMA,
            "intact": self.problem is None,
            "versions": len(self.checkups),
            "histories": len({one.version.key for one in self.checkups}),
            "damaged": [{**version_facts(one.version), "damage": one.damage} for one in self.checkups if one.damage],
            "faults": list(self.faults),
        }


def verify(request: VerifyRequest, environment: Environment) -> Verification:
    """Load stored versions and compare them with their hashes; look at the file as a whole.

    Raises:
        SourceError: There is no such history.
        DamageError: The file is damaged so badly that it cannot be listed.
    """
    if request.history is None:
        with existing_store(environment) as store:
            return Verification((), ()) if store is None else Verification(store.verify(), store.faults())
    opened, (version,) = _found(environment, request.history)
    with opened as store:
        one_only = parse_name(request.history)[1] is not None
        versions = (version,) if one_only else store.versions(*version.key)
        return Verification(store.verify(versions), store.faults())


# diff


@dataclasses.dataclass(frozen=True)
class DiffRequest:
    """What is asked of `diff`.

    Args:
        first: A version: ``source/symbol/interval@digits``, without digits for the newest, or digits alone.
        second: Another.
        rows: How many rows of each kind are shown.
    """

    first: str
    second: str
    rows: int = 5


@dataclasses.dataclass(frozen=True)
class HistoryDifference:
    """Two versions and what they do not have in common.

    Args:
        first: The one.
        second: The other.
        difference: What turns the first into the second.
        rows: How many rows of each kind are shown.
    """

    first: Version
    second: Version
    difference: Difference
    rows: int

    def to_json(self) -> dict[str, Any]:
        """The document ``data/1``."""
        found = self.difference
        columns = {name: self._change(change) for name, change in found.columns.items()}
        return {
            "schema": SCHEMA,
            "first": version_facts(self.first),
            "second": version_facts(self.second),
            "same": found.is_empty,
            "added": self._dates(found.added),
            "removed": self._dates(found.removed),
            "revised": {**self._dates(found.revised), "columns": columns},
        }

    def _dates(self, dates: Any) -> dict[str, Any]:
        return {"count": len(dates), "dates": [str(one) for one in dates[: self.rows]]}

    def _change(self, change: ColumnChange) -> dict[str, Any]:
        rows = zip(change.dates[: self.rows], change.old.tolist(), change.new.tolist(), strict=False)
        return {
            "count": len(change.dates),
            "ratio": change.ratio,
            "rows": [plain({"date": date, "old": old, "new": new}) for date, old, new in rows],  # no NaN
        }


def diff(request: DiffRequest, environment: Environment) -> HistoryDifference:
    """Compare two stored versions, of one history or of two.

    Raises:
        UsageError, SourceError: A name is none, or names nothing.
        DamageError: One of them is damaged.
    """
    opened, (first, second) = _found(environment, request.first, request.second)
    with opened as store:
        found = difference(store.load_version(first), store.load_version(second))
    return HistoryDifference(first, second, found, request.rows)


# prune


@dataclasses.dataclass(frozen=True)
class PruneRequest:
    """What is asked of `prune`.

    Args:
        dry_run: Whether to say only what would go.
        force: Whether to go on where a run cannot be read, and what it needs is unknown.
    """

    dry_run: bool = False
    force: bool = False


@dataclasses.dataclass(frozen=True)
class Pruning:
    """What a clearing out has removed, or would remove.

    Args:
        pruned: Versions, rows and bytes.
        dry_run: Whether nothing was done.
        kept: Versions that stay.
    """

    pruned: Pruned
    dry_run: bool
    kept: int

    def to_json(self) -> dict[str, Any]:
        """The document ``data/1``."""
        return {
            "schema": SCHEMA,
            "dry_run": self.dry_run,
            "versions": [version_facts(one) for one in self.pruned.versions],
            "rows": self.pruned.rows,
            "bytes": self.pruned.bytes,
            "shrunk": self.pruned.shrunk,
            "kept": self.kept,
        }


def prune(request: PruneRequest, environment: Environment) -> Pruning:
    """Remove the stored versions that are not the newest of their history and that no run was trained on.

    Raises:
        DamageError: A run cannot be read, so that what it needs is unknown; or the store is damaged.
        StorageError: The store cannot be written.
    """
    keep = _needed_by_runs(request, environment)
    with existing_store(environment) as store:
        if store is None:
            return Pruning(Pruned((), 0, 0), request.dry_run, 0)
        pruned = store.prune(keep, dry_run=request.dry_run)
        left = len(store.all_versions()) - (len(pruned.versions) if request.dry_run else 0)
    return Pruning(pruned, request.dry_run, left)


def _needed_by_runs(request: PruneRequest, environment: Environment) -> set[str]:
    """SHA-256 of every history that any run has used."""
    listing = list_runs(runs_folder(environment.home))
    unknown = listing.damaged
    if unknown and not request.force:
        many = "1 run cannot" if len(unknown) == 1 else f"{len(unknown)} runs cannot"
        raise DamageError(
            f"{many} be read, so that what was learned from is unknown; expected every run to say it; nothing was "
            f"removed; delete what is damaged, or leave it out of account with --force ({unknown[0].messages[0]})"
        )
    return set().union(*(run.manifest.histories for run in listing.runs))
