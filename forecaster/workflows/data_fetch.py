"""`data fetch` and `data refresh`: from the sources into the store."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from forecaster.config import load_config
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.results import Fetched, Fetching
from forecaster.data.sources import Source
from forecaster.data.store import Store, Version, store_path
from forecaster.datasets.histories import Histories, HistoryChecker
from forecaster.datasets.selection import Selection, resolve
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UnreachableError
from forecaster.workflows.data_show import all_findings
from forecaster.workflows.data_store import existing_store

__all__ = ["fetch", "refresh"]

ONLINE = ("ecb", "yahoo")
"""Sources whose histories grow, and are asked for newer rows."""

MAX_UNANSWERED = 2  # histories in a row; then the source is taken to be unreachable


def fetch(choice: Selection, environment: Environment) -> Fetching:
    """Load the named histories and store them; a failure is recorded, and the others are stored.

    Raises:
        InstrumentError, UsageError: An instrument or the source is unknown.
    """
    config, instruments = resolve(load_config(), choice)
    histories = Histories.of_section(environment, config.data, instruments, choice.network)
    jobs = [
        _Job(instrument.name, histories.source.name, functools.partial(_pair, histories, instrument))
        for instrument in _canonical(instruments, environment)
    ]
    return _all(jobs, environment)


def refresh(choice: Selection, environment: Environment) -> Fetching:
    """Download newer rows of the named histories, or of all in the store that come over a network.

    Raises:
        InstrumentError, UsageError: An instrument or the source is unknown.
        DamageError, StorageError: The store cannot be read.
    """
    choice = dataclasses.replace(choice, network="refresh")
    if not choice.is_empty:
        return fetch(choice, environment)
    with existing_store(environment) as store:
        newest = () if store is None else store.series()
    wanted = ONLINE if choice.source is None else (choice.source,)
    sources: dict[str, Source] = {}
    jobs = [_stored_job(version, sources, environment) for version in newest if version.source in wanted]
    return _all(jobs, environment)


@dataclasses.dataclass(frozen=True)
class _Job:
    """One history to load: `prepare` gives what loads it, and may fail; `stored` is the version there is already."""

    name: str
    source: str
    prepare: Callable[[], tuple[Histories, Instrument]]
    stored: Version | None = None

    def undone(
        self, outcome: Literal["failed", "not asked"], error: ForecasterError | None, environment: Environment
    ) -> Fetched:
        """Nothing came of it: the stored version stays the newest."""
        stored = self.stored
        age = None if stored is None else business_age(np.datetime64(stored.last), environment.today)
        return Fetched(self.name, outcome, stored, age, error=error)


def _canonical(instruments: Sequence[Instrument], environment: Environment) -> list[Instrument]:
    for one in instruments:
        if one.sign < 0:
            environment.note(f"{one.name} is kept as {one.canonical.name}, whose exact mirror it is")
    return list(dict.fromkeys(one.canonical for one in instruments))


def _pair(histories: Histories, instrument: Instrument) -> tuple[Histories, Instrument]:
    return histories, instrument


def _stored_job(version: Version, sources: dict[str, Source], environment: Environment) -> _Job:
    def prepare() -> tuple[Histories, Instrument]:
        with Store.open(store_path(environment.home), clock=environment.clock) as store:
            instrument = store.load_version(version).instrument
        checker = HistoryChecker(environment.today)
        histories = Histories(environment, version.source, checker, network="refresh", sources=sources)
        return histories, instrument

    return _Job(version.symbol, version.source, prepare, version)


def _all(jobs: Sequence[_Job], environment: Environment) -> Fetching:
    """Do them one after another; a source that does not answer twice in a row is left alone."""
    fetched: list[Fetched] = []
    unreachable: dict[str, int] = {}
    for number, job in enumerate(jobs):
        environment.progress("fetch", number, len(jobs))
        if unreachable.get(job.source, 0) >= MAX_UNANSWERED:
            fetched.append(job.undone("not asked", None, environment))
            continue
        one = _one(job, environment)
        away = isinstance(one.error, UnreachableError)
        unreachable[job.source] = unreachable.get(job.source, 0) + 1 if away else 0
        fetched.append(one)
    environment.progress("fetch", len(jobs), len(jobs))
    return Fetching(tuple(fetched))


def _one(job: _Job, environment: Environment) -> Fetched:
    try:
        histories, instrument = job.prepare()
        checked = histories.load(instrument, keep=True)
    except ForecasterError as error:
        return job.undone("failed", error, environment)
    whole, age = checked.whole, business_age(checked.whole.dates[-1], environment.today)
    outcome: Literal["new", "unchanged"] = "new" if checked.is_new else "unchanged"
    return Fetched(whole.instrument.name, outcome, checked.stored, age, all_findings(whole, checked.report))
