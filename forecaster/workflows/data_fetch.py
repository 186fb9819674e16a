"""`data fetch` and `data refresh`: from the sources into the store."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.results import Fetched, Fetching
from forecaster.data.sources.registry import OpenSources, source_traits
from forecaster.data.store import Store, Version, store_path
from forecaster.datasets.histories import Histories, loading_ahead
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.errors import ForecasterError
from forecaster.workflows.data_store import existing_store

__all__ = ["fetch", "refresh"]


def fetch(choice: Selection, environment: Environment) -> Fetching:
    """Load the named histories and store them; a failure is recorded, and the others are stored.

    Raises:
        InstrumentError, UsageError: An instrument or the source is unknown.
    """
    data = choice.applied()
    instruments = named_instruments(data)
    sources = OpenSources()
    histories = Histories.of_section(environment, data, instruments, choice.network, sources)
    histories.checker = dataclasses.replace(histories.checker, frequency=None)  # rows of any length can be stored
    named = _canonical(instruments, environment)
    jobs = [
        _Job(instrument.name, histories.source.name, functools.partial(_pair, histories, instrument))
        for instrument in named
    ]
    with loading_ahead(histories, named, environment):
        return _all(jobs, sources, environment)


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
    if choice.source is None:
        newest = tuple(version for version in newest if source_traits(version.source).grows)
    else:
        newest = tuple(version for version in newest if version.source == choice.source)
    sources = OpenSources()
    jobs = [_stored_job(version, sources, environment) for version in newest]
    return _all(jobs, sources, environment)


@dataclasses.dataclass(frozen=True)
class _Job:
    """One history to load: `prepare` opens its source, or fails; `stored` is the newest stored version."""

    name: str
    source: str
    prepare: Callable[[], tuple[Histories, Instrument]]
    stored: Version | None = None

    def undone(
        self, outcome: Literal["failed", "not asked"], error: ForecasterError | None, environment: Environment
    ) -> Fetched:
        """The outcome without a new version: the stored one stays the newest."""
        stored = self.stored
        age = None if stored is None else business_age(np.datetime64(stored.last), environment.today)
        return Fetched(self.name, outcome, stored, age, error=error)


def _canonical(instruments: Sequence[Instrument], environment: Environment) -> list[Instrument]:
    for instrument in instruments:
        if instrument.sign < 0:
            environment.note(f"{instrument.name} is stored as {instrument.canonical.name}, its exact mirror")
    return list(dict.fromkeys(instrument.canonical for instrument in instruments))


def _pair(histories: Histories, instrument: Instrument) -> tuple[Histories, Instrument]:
    return histories, instrument


def _stored_job(version: Version, sources: OpenSources, environment: Environment) -> _Job:
    def prepare() -> tuple[Histories, Instrument]:
        with Store.open(store_path(environment.home), clock=environment.clock) as store:
            instrument = store.load_version(version).instrument
        checker = HistoryChecker(environment.today, frequency=None)
        histories = Histories(environment, version.source, checker, network="refresh", sources=sources)
        return histories, instrument

    return _Job(version.symbol, version.source, prepare, version)


def _all(jobs: Sequence[_Job], sources: OpenSources, environment: Environment) -> Fetching:
    """Run the jobs one after another; a source that has not answered twice in a row is not asked again."""
    fetched: list[Fetched] = []
    for number, job in enumerate(jobs):
        environment.progress("fetch", number, len(jobs))
        if sources.is_silent(job.source):
            fetched.append(job.undone("not asked", None, environment))
            continue
        fetched.append(_run(job, environment))
    environment.progress("fetch", len(jobs), len(jobs))
    return Fetching(tuple(fetched))


def _run(job: _Job, environment: Environment) -> Fetched:
    try:
        histories, instrument = job.prepare()
        checked = histories.load(instrument, keep=True)
    except ForecasterError as error:
        return job.undone("failed", error, environment)
    whole = checked.whole
    age = business_age(whole.dates[-1], environment.today)
    outcome: Literal["new", "unchanged"] = "new" if checked.is_new else "unchanged"
    return Fetched(whole.instrument.name, outcome, checked.stored, age, checked.findings)
