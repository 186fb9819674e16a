"""Checks of `doctor` in the project: store, runs, pins, age of the prices, clock, other processes."""

import datetime
from collections.abc import Iterator, Sequence

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.data.leases import leased_since
from forecaster.data.sources.ecb_cache import newest_table
from forecaster.data.sources.registry import source_traits
from forecaster.data.store import store_path
from forecaster.environment import Environment
from forecaster.errors import NewerSchemaError
from forecaster.experiments.diagnosis import Finding, Outcome
from forecaster.experiments.pins import pinned_runs
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.runs import runs_folder
from forecaster.workflows.data_store import existing_store

__all__ = ["CHECKS", "MAX_AGE_DAYS"]

MAX_AGE_DAYS = 5  # business days after which prices are stale
MAX_NAMED = 3  # names in a finding
CLOCK_SLACK = datetime.timedelta(hours=1)


def check_store(environment: Environment) -> Iterator[Finding]:
    """The store of prices can be read and is sound; its newest rows are recent."""
    path = store_path(environment.home)
    with existing_store(environment) as store:
        if store is None:
            yield Finding("store", "ok", "no prices are stored yet; those of the ECB are installed")
            return
        faults = store.faults()
        series = () if faults else store.series()
    for fault in faults:
        yield Finding("store", "problem", fault, ("forecast data verify",))
    if faults:
        return
    yield Finding(
        "store", "ok", f"{_count(series, 'history', 'histories')}, {path.stat().st_size / 1e6:,.1f} MB in {path}"
    )
    growing = [version for version in series if source_traits(version.source).grows]
    ages = {
        f"{version.source}/{version.symbol}": business_age(np.datetime64(version.last), environment.today)
        for version in growing
    }
    stale = [name for name, age in ages.items() if age > MAX_AGE_DAYS]
    if stale:
        text = f"{_count(stale, 'history', 'histories')} older than {MAX_AGE_DAYS} business days: {_some(stale)}"
        yield Finding("prices", "warning", text, ("forecast data refresh",))


def check_runs(environment: Environment) -> Iterator[Finding]:
    """Recorded runs can be read."""
    index = indexed_runs(runs_folder(environment.home))
    for error in index.damaged[:MAX_NAMED]:
        outcome: Outcome = "warning" if isinstance(error, NewerSchemaError) else "problem"
        yield Finding("runs", outcome, error.messages[0], ("forecast runs list",))
    if len(index.damaged) > MAX_NAMED:
        yield Finding("runs", "problem", f"{len(index.damaged) - MAX_NAMED} more runs cannot be read")
    if index.runs:
        yield Finding("runs", "ok", f"{len(index.runs):,} recorded; the newest is {index.runs[0].id}")
    elif not index.damaged:
        yield Finding("runs", "ok", "none yet", ("forecast train USDJPY",))
    ids = {run.id for run in index.runs}
    missing = [run_id for run_id in pinned_runs(environment.home) if run_id not in ids]
    if missing:
        text = f"pinned runs are gone: {_some(missing)}"
        yield Finding("pins", "warning", text, ("forecast runs use --none",))


def check_rates(environment: Environment) -> Iterator[Finding]:
    """Age of the newest rates of the ECB."""
    last = newest_table(environment.home).last
    age = business_age(np.datetime64(last), environment.today)
    text = f"those of the ECB end on {last}, {age} business days ago"
    if age > MAX_AGE_DAYS:
        yield Finding("rates", "warning", text, ("forecast data refresh --pair EURUSD",))
    else:
        yield Finding("rates", "ok", text)


def check_clock(environment: Environment) -> Iterator[Finding]:
    """The clock is not before what the project has recorded."""
    now = environment.clock()
    times = [("the newest run", run.created) for run in indexed_runs(runs_folder(environment.home)).runs[:1]]
    times.append(("the newest rate of the ECB", f"{newest_table(environment.home).last}T00:00:00+00:00"))
    for name, text in times:
        time = datetime.datetime.fromisoformat(text)
        time = time if time.tzinfo is not None else time.replace(tzinfo=datetime.UTC)
        if time > now + CLOCK_SLACK:
            message = (
                f"{now:%Y-%m-%d %H:%M} UTC lies before {name} ({time:%Y-%m-%d %H:%M}); set the clock of the system"
            )
            yield Finding("clock", "problem", message)
            return
    yield Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def check_locks(environment: Environment) -> Iterator[Finding]:
    """Commands that hold the store; locks of processes that have ended are removed."""
    if leased_since(environment.home) is None:
        yield Finding("locks", "ok", "no other command is at work in the project")
    else:
        yield Finding("locks", "ok", "another command is training in the project; data prune waits for it")


def _count(names: Sequence[object], singular: str, plural: str) -> str:
    return f"{len(names):,} {singular if len(names) == 1 else plural}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


CHECKS = {
    "store": check_store,
    "runs": check_runs,
    "rates": check_rates,
    "clock": check_clock,
    "locks": check_locks,
}
"""Subject -> check."""
