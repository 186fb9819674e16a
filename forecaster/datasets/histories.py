"""Histories of instruments: obtained from a source or the store, cut to a span, validated and repaired."""

import contextlib
import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from forecaster.config import DataConfig
from forecaster.data.calendars import business_age, future_dates
from forecaster.data.findings import Note
from forecaster.data.frequency import recognised_frequency
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.ahead import asked_ahead
from forecaster.data.sources.base import Loaded, LoadRequest, Network, OnlineSource
from forecaster.data.sources.registry import OpenSources, chosen_source, source_traits
from forecaster.data.store_versions import store_path
from forecaster.datasets.history_checker import Checked, HistoryChecker
from forecaster.environment import Environment
from forecaster.errors import ConfigError, SourceError, UnreachableError, UsageError

__all__ = ["Histories", "data_line", "load_members", "loading_ahead", "note_findings", "note_histories"]

_STALE_DAYS = 5  # business days; a week without a new price is reported
_MAX_REASONS = 5  # members left out whose reasons are noted
_MAX_DETAILED = 20  # members whose findings are noted one by one


def _described(loaded: Loaded, *, signed: bool) -> Loaded:
    """Rows that the user gives, with the frequency that their dates show.

    Raises:
        UsageError: Changes of the price are wanted of a source that has returns.
    """
    series = loaded.series
    if signed and not series.differences:
        raise UsageError(
            f"--differences is for prices that the user gives; got {series.instrument.name} from {series.source}; "
            "remove it: these prices are positive and have returns"
        )
    if not source_traits(series.source).is_given:
        return loaded
    return dataclasses.replace(loaded, series=dataclasses.replace(series, frequency=recognised_frequency(series.dates)))


class Histories:
    """Histories of one source, from the source itself or from the store.

    Args:
        environment: Home folder, clock and messages.
        source: Registry key of the source.
        checker: Checks the histories before they are used.
        options: Options of the source.
        network: Use of the network: ``auto``, ``refresh`` or ``never``.
        sources: Sources that are open already; a new one is added to them.
        read_only: True if nothing is put into the store.
    """

    def __init__(
        self,
        environment: Environment,
        source: str,
        checker: HistoryChecker,
        options: Mapping[str, object] | None = None,
        network: Network = "auto",
        sources: OpenSources | None = None,
        read_only: bool = False,
    ) -> None:
        self.sources = OpenSources() if sources is None else sources
        self.source = self.sources.open(source)
        self.checker = checker
        self.stored: dict[str, str] = {}
        """Name -> hash of the whole history, of those that were put into the store or taken from it."""
        self._environment = environment
        self._options = options or {}
        self.network = network
        self._read_only = read_only
        self._noted: set[Note] = set()

    @classmethod
    def of_section(
        cls,
        environment: Environment,
        data: DataConfig,
        instruments: Sequence[Instrument],
        network: Network = "auto",
        sources: OpenSources | None = None,
    ) -> "Histories":
        """The histories that the section ``data`` of a configuration describes.

        Args:
            environment: Home folder, clock and messages.
            data: Source, its options, first and last row, frequency.
            instruments: The named instruments, whose kind decides the source if it is ``auto``.
            network: Use of the network: ``auto``, ``refresh`` or ``never``.
            sources: Sources that are open already.
        """
        source = chosen_source(data.source, instruments[0])
        checker = HistoryChecker.of_section(data, environment.today)
        return cls(environment, source, checker, data.options, network, sources)

    def whole(self, instrument: Instrument, until: datetime.date | None = None) -> Loaded:
        """All daily rows of an instrument, in canonical orientation.

        A source that needs the network is asked only if newer prices should exist. The newest version in the store
        serves if the source cannot be reached, with a warning about its age.

        Args:
            instrument: In either orientation.
            until: The last date that will be used; the end of the checked span when None.

        Raises:
            SourceError: The source has no such history, or cannot be reached and the store has none.
        """
        request = self.request(instrument, until)
        if isinstance(self.source, OnlineSource):
            loaded = self._from_store_or_network(self.source, request)
        else:
            loaded = self._ask(request)
        loaded = _described(loaded, signed=request.signed)
        for note in loaded.notes:
            if note not in self._noted:
                self._noted.add(note)
                self._environment.note(str(note))
        return loaded

    def request(self, instrument: Instrument, until: datetime.date | None = None) -> LoadRequest:
        """The request to the source for an instrument; see `whole`."""
        return LoadRequest(
            instrument=instrument.canonical,
            home=self._environment.home,
            today=self._environment.today,
            options=self._options,
            network=self.network,
            until=until or self.checker.end,
            signed=self.checker.differences,
        )

    def _ask(self, request: LoadRequest) -> Loaded:
        try:
            loaded = self.source.load(request)
        except SourceError as error:
            self.sources.record(self.source.name, error)
            raise
        self.sources.record(self.source.name, None)
        return loaded

    def _from_store_or_network(self, source: OnlineSource, request: LoadRequest) -> Loaded:
        stored = newest_stored(source, request.instrument, self._environment)
        silent = self.sources.is_silent(source.name)
        if stored is None and silent:
            raise UnreachableError(f"{source.name} does not answer, and was not asked for {request.instrument.name}")
        if self.network == "never" and stored is None:
            raise SourceError(
                f"the store {store_path(self._environment.home)} has no prices of {request.instrument.name} from "
                f"{source.name}, and --offline forbids to ask; load them once without --offline"
            )
        if stored is not None and (silent or self.network == "never" or self._is_fresh(stored.series)):
            return stored
        try:
            return self._ask(request)
        except SourceError as error:
            if stored is None or self.network == "refresh":
                raise
            last = stored.series.dates[-1]
            self._environment.note(f"warning: {error.messages[0]}")
            self._environment.note(f"warning: the prices in the store are used instead, to {last}")
            return stored

    def _is_fresh(self, stored: PriceSeries) -> bool:
        """True if no trading day that the store lacks has ended since its newest row."""
        return self.network == "auto" and self._environment.today <= future_dates(stored, 1)[0].astype(datetime.date)

    def load(self, instrument: Instrument, *, keep: bool = False) -> Checked:
        """A checked history.

        Args:
            instrument: In either orientation.
            keep: True to put the history into the store; what came over the network is put there in any case.

        Raises:
            NotEnoughDataError: It has no rows in the span.
            InputFileError, SourceError: A finding forbids its use; then nothing is put into the store.
        """
        return self.accept(self.whole(instrument), keep=keep)

    def accept(self, loaded: Loaded, *, keep: bool = False) -> Checked:
        """Check a history and put it into the store; see `load`."""
        if self._read_only or not (keep or isinstance(self.source, OnlineSource)):
            return self.checker.check(loaded)
        whole = loaded.series
        if loaded.stored is not None:  # read from there a moment ago
            self.stored[whole.instrument.name] = whole.sha256
            return dataclasses.replace(self.checker.check(loaded), stored=loaded.stored)
        from forecaster.data.store import Store

        with Store.open(store_path(self._environment.home), clock=self._environment.clock) as store:
            versions = store.versions(whole.source, whole.symbol, whole.frequency)
            changed = versions and versions[-1].sha256 != whole.sha256
            previous = store.load_version(versions[-1]) if changed else None
            checked = self.checker.check(loaded, previous=previous)
            saved = store.save(whole, loaded.findings)
            if saved is None and versions:
                store.load_version(versions[-1])  # rows that were damaged since would not be seen otherwise
            stored = saved or store.versions(whole.source, whole.symbol, whole.frequency)[-1]
        self.stored[whole.instrument.name] = whole.sha256
        return dataclasses.replace(checked, stored=stored, is_new=saved is not None)

    def load_covariate(self, source: str, instrument: Instrument) -> Checked:
        """All daily rows of another instrument from `source`; use `Checked.whole`, which has no late repair.

        Raises:
            InputFileError, SourceError: The source has no such history, or a finding forbids its use.
        """
        histories = self._of_source(source, instrument)
        checked = histories.load(instrument, keep=True)
        self.stored = {**histories.stored, **self.stored}  # a covariate may have the name of a series
        return checked

    def _of_source(self, source: str, instrument: Instrument) -> "Histories":
        """Uncut daily histories of another source, which share the open sources."""
        checker = HistoryChecker(self._environment.today, frequency=None, strict=self.checker.strict)
        return Histories(
            self._environment,
            source,
            checker,
            network=self.network,
            sources=self.sources,
            read_only=self._read_only,
        )


def newest_stored(source: OnlineSource, instrument: Instrument, environment: Environment) -> Loaded | None:
    """The newest version of a history from the server that would be asked now, if there is one."""
    from forecaster.data.store import Store

    path = store_path(environment.home)
    symbol = source.symbol(instrument)
    if not path.exists():
        return None
    with Store.open(path, clock=environment.clock) as store:
        versions = store.versions(source.name, symbol)
        if not versions:
            return None
        newest = versions[-1]
        stored = Loaded(store.load_version(newest), store.findings(newest), stored=newest)
    endpoint = stored.series.meta.get("endpoint")
    if endpoint == source.endpoint:
        return stored
    environment.note(f"warning: the store has prices of {symbol} from {endpoint or source.name}; they are not used")
    return None


@contextlib.contextmanager
def loading_ahead(histories: Histories, instruments: Sequence[Instrument], environment: Environment) -> Iterator[None]:
    """Within the block, ask an online source for the next of `instruments` while one is checked and stored.

    Args:
        histories: Histories of their source.
        instruments: In the order in which they will be loaded; of those in the store, the old ones are asked for.
        environment: Home folder and clock.
    """
    source = histories.source
    if not isinstance(source, OnlineSource) or histories.network == "never" or len(instruments) < 2:
        yield
        return
    may_be_stored = histories.network == "auto" and store_path(environment.home).exists()

    def request_of(instrument: Instrument) -> LoadRequest | None:
        young = may_be_stored and _is_young(source, instrument, environment)
        return None if young else histories.request(instrument)

    with (
        asked_ahead(source, instruments, request_of) as ahead,
        histories.sources.replaced(source.name, ahead),
    ):
        histories.source = ahead
        try:
            yield
        finally:
            histories.source = source


def _is_young(source: OnlineSource, instrument: Instrument, environment: Environment) -> bool:
    """True if the store has a history that lacks no day which has ended, apart from holidays."""
    from forecaster.data.store import Store

    try:
        symbol = source.symbol(instrument)
    except UsageError:  # reported where it is loaded
        return True
    with Store.open(store_path(environment.home), clock=environment.clock) as store:
        versions = store.versions(source.name, symbol)
    return bool(versions) and business_age(np.datetime64(versions[-1].last), environment.today) <= 1


def load_members(
    histories: Histories, members: Sequence[Instrument], environment: Environment, *, keep: bool = False
) -> list[Checked]:
    """Histories of the members of a universe; a member without a usable history is noted and left out.

    Args:
        histories: Histories of their source.
        members: In canonical orientation.
        environment: Progress and messages.
        keep: True to put them into the store.
    """
    loaded: list[Checked] = []
    missing: dict[str, str] = {}
    with loading_ahead(histories, members, environment):
        for number, member in enumerate(members):
            environment.progress("data", number, len(members), detail=f"loading {member.name}")
            try:
                loaded.append(histories.load(member, keep=keep))
            except ConfigError:
                raise
            except (SourceError, UsageError) as error:  # about this member alone
                missing[member.name] = error.messages[0]
    environment.progress("data", len(members), len(members))
    note = environment.note
    for name, reason in list(missing.items())[:_MAX_REASONS]:
        note(f"universe: left out {name}: {reason}")
    if len(missing) > _MAX_REASONS:
        note(f"universe: left out {', '.join(list(missing)[_MAX_REASONS:])}: for reasons like these")
    return loaded


def note_histories(loaded: Sequence[Checked], environment: Environment) -> None:
    """Note the data of several histories: a line for each, or one for all where there are many."""
    if len(loaded) <= _MAX_DETAILED:
        for checked in loaded:
            environment.note(data_line(checked.series, environment.today))
        return
    rows = [len(checked.series) for checked in loaded]
    last = [checked.series.dates[-1] for checked in loaded]
    environment.note(
        f"data: {len(loaded)} histories from {loaded[0].series.source}, {min(rows):,} to {max(rows):,} rows, "
        f"the last ones of {min(last)} to {max(last)}; every hash is in the manifest"
    )


def note_findings(loaded: Sequence[Checked], note: Callable[[str], None]) -> None:
    """Note the findings in the other histories of a panel: line by line, or counted where there are many histories."""
    if len(loaded) <= _MAX_DETAILED:
        for checked in loaded:
            for finding_note in checked.notes:
                note(str(finding_note.about(checked.series.instrument.name)))
        return
    counts = Counter(
        f"{finding.severity} {finding.code}"
        for checked in loaded
        for finding in checked.report.findings
        if not finding.is_about_age
    )
    if counts:
        summary = ", ".join(f"{kind} ({count})" for kind, count in counts.most_common())
        note(f"universe: findings in the {len(loaded)} other series: {summary}; see: forecast data show")


def data_line(series: PriceSeries, today: datetime.date, newest: np.datetime64 | None = None) -> str:
    """Line about the data in use: source, rows, first and last date, age, hash.

    Args:
        series: The rows that were used.
        today: The current date.
        newest: Date of the newest row, where `series` was cut before it.
    """
    last = series.dates[-1]
    if newest is not None and newest > last:
        return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} (of rows to {newest})"
    age = business_age(last, today)
    days = "up to date" if age <= 0 else f"{age} business day{'s' if age > 1 else ''} old"
    late = ", older than a week" if series.frequency == "1d" and age > _STALE_DAYS else ""
    state = "simulated" if source_traits(series.source).is_synthetic else days + late
    state += f", from {series.meta['endpoint']}" if "endpoint" in series.meta else ""
    return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} ({state})"
