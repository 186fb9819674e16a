"""`data fetch` and `data refresh`: from the sources into the store."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from forecaster.config import load_config
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument
from forecaster.data.sources import Source
from forecaster.data.store import Store, Version, store_path
from forecaster.data.validation import Finding
from forecaster.datasets.histories import Histories, HistoryChecker
from forecaster.datasets.selection import Selection, resolve
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UnreachableError
from forecaster.workflows.data_show import all_findings, finding_facts
from forecaster.workflows.data_store import SCHEMA, existing_store, version_facts

__all__ = ["FetchRequest", "Fetched", "Fetching", "RefreshRequest", "fetch", "refresh"]

ONLINE = ("ecb", "yahoo")
"""Sources whose histories grow, and are asked for newer rows."""

_UNREACHABLE_LIMIT = 2  # histories in a row that a source does not answer for: then it is away


@dataclasses.dataclass(frozen=True)
class FetchRequest:
    """What is asked of `fetch`.

    Args:
        choice: The instruments, and whether the network may be used.
    """

    choice: Selection


@dataclasses.dataclass(frozen=True)
class RefreshRequest:
    """What is asked of `refresh`.

    Args:
        choice: The instruments; every history in the store that comes over a network when none is named.
    """

    choice: Selection


@dataclasses.dataclass(frozen=True)
class Fetched:
    """What became of one history.

    Args:
        name: The instrument as it is kept; as the source spells it where it could not be loaded.
        outcome: ``new``: a new version was stored; ``unchanged``; ``failed``; ``not asked``.
        version: The newest version in the store, where one was stored or refreshed.
        age: Business days since the last row of that version.
        findings: What was found in the rows.
        error: Why it failed.
    """

    name: str
    outcome: Literal["new", "unchanged", "failed", "not asked"]
    version: Version | None = None
    age: int | None = None
    findings: tuple[Finding, ...] = ()
    error: ForecasterError | None = None

    @property
    def label(self) -> str:
        """The stored history where there is one, else the name."""
        return self.name if self.version is None else self.version.series

    def to_json(self) -> dict[str, Any]:
        """One entry of the document."""
        return {
            "instrument": self.name,
            "outcome": self.outcome,
            "version": None if self.version is None else version_facts(self.version),
            "age_business_days": self.age,
            "findings": [finding_facts(one) for one in self.findings],
            "reason": None if self.error is None else self.error.messages[0],
        }


@dataclasses.dataclass(frozen=True)
class Fetching:
    """What became of several histories, in the order in which they were asked for."""

    fetched: tuple[Fetched, ...]

    @property
    def problem(self) -> ForecasterError | None:
        """All failures as one, of the kind of the first; and what was not asked for any more; None without any."""
        errors = [one.error for one in self.fetched if one.error is not None]
        if not errors:
            return None
        messages = list(dict.fromkeys(message for one in errors for message in one.messages))
        skipped = [one.label for one in self.fetched if one.outcome == "not asked"]
        if skipped:
            messages.append(f"not asked any more, since their source does not answer: {', '.join(skipped)}; try later")
        return type(errors[0])(*messages)

    def to_json(self) -> dict[str, Any]:
        """The document ``data/1``."""
        return {"schema": SCHEMA, "histories": [one.to_json() for one in self.fetched]}


def fetch(request: FetchRequest, environment: Environment) -> Fetching:
    """Load the named histories and keep them in the store; what fails is told, the others are kept.

    Raises:
        InstrumentError, UsageError: What is named is no instrument, or no source.
    """
    config, instruments = resolve(load_config(), request.choice)
    histories = Histories.of_section(environment, config.data, instruments, request.choice.network)
    jobs = [
        _Job(one.name, histories.source.name, functools.partial(_pair, histories, one))
        for one in _canonical(instruments, environment)
    ]
    return _all(jobs, environment)


def refresh(request: RefreshRequest, environment: Environment) -> Fetching:
    """Ask the sources for newer rows of the named histories, or of all in the store that come over a network.

    Raises:
        InstrumentError, UsageError: What is named is no instrument, or no source.
        DamageError, StorageError: The store cannot be read.
    """
    choice = dataclasses.replace(request.choice, network="refresh")
    if not choice.is_empty:
        return fetch(FetchRequest(choice), environment)
    with existing_store(environment) as store:
        newest = () if store is None else store.series()
    wanted = [one for one in newest if one.source in (ONLINE if choice.source is None else (choice.source,))]
    sources: dict[str, Source] = {}
    return _all([_stored_job(one, sources, environment) for one in wanted], environment)


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
        if unreachable.get(job.source, 0) >= _UNREACHABLE_LIMIT:
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
