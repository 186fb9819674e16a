"""`data list`, `verify`, `diff`, `prune`: the histories in the store, and its maintenance."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.data.leases import leased_since
from forecaster.data.results import HistoryDifference, Pruning, StoredHistory, Verification
from forecaster.data.store import Checkup, Pruned, Store, Version, store_path
from forecaster.data.store_difference import difference
from forecaster.data.store_maintenance import parse_name
from forecaster.environment import Environment
from forecaster.errors import DamageError, SourceError
from forecaster.experiments.runs import list_runs, runs_folder

MAX_NAMED = 3  # histories that a run lacks

__all__ = ["diff", "existing_store", "list_histories", "prune", "verify"]


@contextlib.contextmanager
def existing_store(environment: Environment) -> Iterator[Store | None]:
    """The project's store, or None where nothing was stored yet: reading makes no files."""
    path = store_path(environment.home)
    if not path.exists():
        yield None
        return
    with Store.open(path, clock=environment.clock) as store:
        yield store


@contextlib.contextmanager
def _store_with(environment: Environment, *names: str) -> Iterator[tuple[Store, list[Version]]]:
    """The project's store, and the versions in it that `names` name."""
    with existing_store(environment) as store:
        if store is None:
            path = store_path(environment.home)
            raise SourceError(f"there is no store {path} yet; expected one; load a history first: forecast data fetch")
        yield store, [store.find(name) for name in names]


def list_histories(environment: Environment) -> list[StoredHistory]:
    """Every history in the store, by source and symbol; none where there is no store.

    Raises:
        DamageError, StorageError, NewerSchemaError: The store cannot be read.
    """
    with existing_store(environment) as store:
        versions = () if store is None else store.all_versions()
    if store is None and any(run.manifest.data.stored for run in list_runs(runs_folder(environment.home)).runs):
        environment.note("warning: runs were trained on histories of a store that is gone; see: forecast data verify")
    histories: dict[tuple[str, str, str], list[Version]] = {}
    for version in versions:
        histories.setdefault(version.key, []).append(version)
    return [
        StoredHistory(same[-1], len(same), business_age(np.datetime64(same[-1].last), environment.today))
        for same in histories.values()
    ]


def verify(environment: Environment, *, history: str | None = None) -> Verification:
    """Load stored versions and compare them with their hashes; check the file as a whole.

    Without `history` the versions that runs have stored must be there as well.

    Args:
        environment: Home folder and clock.
        history: One history, or one version of it; everything in the store when None.

    Raises:
        SourceError: There is no such history.
        DamageError: The file is damaged so badly that it cannot be listed.
    """
    if history is None:
        with existing_store(environment) as store:
            checkups = () if store is None else store.verify()
            faults = () if store is None else store.faults()
        return Verification(checkups, (*faults, *_lacking(environment, checkups)))
    with _store_with(environment, history) as (store, (version,)):
        one_version = parse_name(history)[1] is not None
        versions = (version,) if one_version else store.versions(*version.key)
        return Verification(store.verify(versions), store.faults())


def _lacking(environment: Environment, checkups: Sequence[Checkup]) -> list[str]:
    """A fault for each run that stored versions which the store no longer has."""
    present = {checkup.version.sha256 for checkup in checkups}
    faults = []
    for run in list_runs(runs_folder(environment.home)).runs:
        lacking = [name for name, sha256 in run.manifest.data.stored.items() if sha256 not in present]
        if lacking:
            names = ", ".join(lacking[:MAX_NAMED]) + (
                f" and {len(lacking) - MAX_NAMED} more" * (len(lacking) > MAX_NAMED)
            )
            faults.append(
                f"store {store_path(environment.home)} lacks the history of {names} that run {run.id} was trained on; "
                "expected every version that a run has used; restore the store from a copy, or delete the run"
            )
    return faults


def diff(environment: Environment, first: str, second: str, *, rows: int = 5) -> HistoryDifference:
    """Compare two stored versions, of one history or of two.

    Args:
        environment: Home folder and clock.
        first: A version: ``source/symbol/frequency@digits``, without digits for the newest, or digits alone.
        second: Another version.
        rows: Number of rows of each kind that are shown.

    Raises:
        UsageError, SourceError: A name is malformed, or there is no such version.
        DamageError: One of them is damaged.
    """
    with _store_with(environment, first, second) as (store, (old, new)):
        changes = difference(store.load_version(old), store.load_version(new))
    return HistoryDifference(old, new, changes, rows)


def prune(environment: Environment, *, dry_run: bool = False, force: bool = False) -> Pruning:
    """Remove the stored versions that are not the newest of their history and that no run was trained on.

    Versions that a training or a backtest in progress may have read stay as well.

    Args:
        environment: Home folder and clock.
        dry_run: True to remove nothing, and only report.
        force: True to go on where a run cannot be read, and what it needs is unknown.

    Raises:
        DamageError: A run cannot be read, so that what it needs is unknown; or the store is damaged.
        StorageError: The store cannot be written.
    """
    with existing_store(environment) as store:
        # In this order: a training that ends meanwhile has recorded its run before it gives up its lease.
        newest = 0 if store is None else store.newest_id()
        leased = leased_since(environment.home)
        keep = _needed_by_runs(environment, force)
        if store is None:
            return Pruning(Pruned((), 0, 0), dry_run, 0)
        if leased is not None:
            environment.note("a training or a backtest is in progress; versions that it may have read are kept")
        until = newest if leased is None else min(leased, newest)
        pruned = store.prune(keep, until=until, dry_run=dry_run)
        left = len(store.all_versions()) - (len(pruned.versions) if dry_run else 0)
    return Pruning(pruned, dry_run, left)


def _needed_by_runs(environment: Environment, force: bool) -> set[str]:
    """SHA-256 of every history that any run has used."""
    listing = list_runs(runs_folder(environment.home))
    if listing.damaged and not force:
        count = len(listing.damaged)
        subject = "1 run" if count == 1 else f"{count} runs"
        raise DamageError(
            f"{subject} cannot be read, so the histories that it needs are unknown; nothing was removed; delete the "
            f"damaged run, or ignore it with --force ({listing.damaged[0].messages[0]})"
        )
    return set().union(*(run.manifest.histories for run in listing.runs))
