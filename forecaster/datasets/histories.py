"""Histories of instruments: obtained from a source or the store, cut to a span, validated and repaired."""

import dataclasses
import datetime
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster.config import DataConfig
from forecaster.data.calendars import business_age, future_dates
from forecaster.data.instruments import Instrument
from forecaster.data.markets import market_of
from forecaster.data.resampling import resampled
from forecaster.data.series import PriceSeries
from forecaster.data.sources import LoadRequest, Network, OnlineSource, Source, default_source, get_source
from forecaster.data.store import Store, Version, store_path
from forecaster.data.validation import RawRows, Report, repaired, validate
from forecaster.environment import Environment
from forecaster.errors import ConfigError, InputFileError, NotEnoughDataError, SourceError, UnreachableError, UsageError

__all__ = ["Checked", "Histories", "HistoryChecker", "data_line", "load_members", "tell_findings"]

_STALE_DAYS = 5  # business days; a week without a new price is worth a word
_UNREACHABLE_LIMIT = 2  # histories in a row for which a source does not answer; then it is not asked any more
_REASONS = 5  # left out members whose reasons are told
_TOLD_ONE_BY_ONE = 20  # members of which every finding is told


@dataclasses.dataclass(frozen=True, eq=False)
class Checked:
    """A history that may be used.

    Args:
        whole: All daily rows that there are.
        series: The rows up to the cutoff, repaired, one for each period of the interval.
        report: What was found in the daily rows behind it.
        newest: Date of the newest row that there is, whatever the cutoff.
        stored: The newest version in the store, where it was put there.
        is_new: Whether that version was not there before.
    """

    whole: PriceSeries
    series: PriceSeries
    report: Report
    newest: np.datetime64
    stored: Version | None = None
    is_new: bool = False

    @property
    def lines(self) -> list[str]:
        """What the source repaired, and what was found in the rows afterwards, in one line each."""
        told = [f"{one['severity']}: {one['text']}" for one in json.loads(self.whole.meta.get("findings", "[]"))]
        # The age of the newest row stands in the line about the data.
        told += [f"{one.severity}: {one.text}" for one in self.report.findings if one.code != "old_data"]
        return [f"data: {line}" for line in dict.fromkeys(told)]


@dataclasses.dataclass(frozen=True)
class HistoryChecker:
    """Cuts a history to a span, validates and repairs it, and aggregates its rows.

    Args:
        today: The current date.
        start: First row to use; the oldest when None.
        end: Last row to use; the newest when None.
        interval: Length of a row of the result.
        strict: Whether warnings are errors.
    """

    today: datetime.date
    start: datetime.date | None = None
    end: datetime.date | None = None
    interval: str = "1d"
    strict: bool = False

    def check(
        self, whole: PriceSeries, until: datetime.date | None = None, previous: PriceSeries | None = None
    ) -> Checked:
        """Rows of `whole` from `start` to `until`, validated as they would have been on that day.

        Args:
            whole: All daily rows, as `Histories.whole` returns them.
            until: Last date that may be used; `end` when None.
            previous: The version that was used before, for reporting what has changed.

        Raises:
            NotEnoughDataError: No row is left.
            InputFileError, SourceError: A finding forbids the use of the rows.
        """
        end = until or self.end
        span = self._cut(whole, end)
        today = min(self.today, end) if end else self.today
        before = None if previous is None else previous.between(end=span.dates[-1])
        report = validate(RawRows.of(span), today=today, market=market_of(span), previous=before)
        kind = InputFileError if whole.source == "csv" else SourceError
        report.require_good(whole.symbol, kind, strict=self.strict)
        series = resampled(_repaired(span, report), self.interval)
        return Checked(whole, series, report, whole.dates[-1] if self.interval == "1d" else series.dates[-1])

    def _cut(self, series: PriceSeries, end: datetime.date | None) -> PriceSeries:
        first, last = (None if day is None else np.datetime64(day) for day in (self.start, end))
        span = series.between(first, last)
        if not len(span):
            raise NotEnoughDataError(
                f"{series.symbol} has no rows from {self.start or 'the first'} to {end or 'the last'}; "
                f"it runs from {series.dates[0]} to {series.dates[-1]}; change --start or --end"
            )
        return span


def _repaired(span: PriceSeries, report: Report) -> PriceSeries:
    """`span` with the repairs of `report`: rows left out, values removed."""
    rows = repaired(RawRows.of(span), report)
    if len(rows) < len(span):
        remaining = np.isin(span.dates, rows.dates)
        rounding = None if span.rounding is None else span.rounding[remaining]
        return dataclasses.replace(span, dates=rows.dates, columns=rows.columns, rounding=rounding)
    return dataclasses.replace(span, columns=rows.columns) if report.repairs else span


class Histories:
    """Histories of one source, from the source itself or from the store.

    Args:
        environment: Home folder, clock and messages.
        source: Registry key of the source.
        checker: Checks the histories before they are used.
        options: Options of the source.
        network: Whether prices may, or have to, come over the network.
        sources: Sources that are open already, by name; a new one is added to them.
    """

    def __init__(
        self,
        environment: Environment,
        source: str,
        checker: HistoryChecker,
        options: Mapping[str, object] | None = None,
        network: Network = "auto",
        sources: dict[str, Source] | None = None,
    ) -> None:
        opened = {} if sources is None else sources
        if source not in opened:
            opened[source] = get_source(source)
        self.source = opened[source]
        self.checker = checker
        self.stored: dict[str, str] = {}
        """Name -> hash of the whole history, of those that were put into the store or taken from it."""
        self._environment = environment
        self._options = options or {}
        self._network = network
        self._sources = opened
        self._noted: set[str] = set()
        self._unanswered = 0

    @classmethod
    def of_section(
        cls,
        environment: Environment,
        data: DataConfig,
        instruments: Sequence[Instrument],
        network: Network = "auto",
        sources: dict[str, Source] | None = None,
    ) -> "Histories":
        """The histories that the section ``data`` of a configuration describes.

        Args:
            environment: Home folder, clock and messages.
            data: Source, its options, first and last row, frequency.
            instruments: The named instruments, whose kind decides the source if it is ``auto``.
            network: Whether prices may, or have to, come over the network.
            sources: Sources that are open already, by name.
        """
        source = default_source(instruments[0]) if data.source == "auto" else data.source
        checker = HistoryChecker(environment.today, data.start, data.end, data.interval, data.strict)
        return cls(environment, source, checker, data.options, network, sources)

    def whole(self, instrument: Instrument, until: datetime.date | None = None) -> PriceSeries:
        """All daily rows of an instrument, in canonical orientation.

        A source that needs the network is asked only if newer prices should exist. The newest version in the store
        serves if the source cannot be reached, with a warning about its age.

        Args:
            instrument: In either orientation.
            until: The last date that will be used; the end of the checked span when None.

        Raises:
            SourceError: The source has no such history, or cannot be reached and the store has none.
        """
        request = LoadRequest(
            instrument=instrument.canonical,
            home=self._environment.home,
            today=self._environment.today,
            options=self._options,
            network=self._network,
            until=until or self.checker.end,
        )
        if isinstance(self.source, OnlineSource):
            series = self._from_store_or_network(self.source, request)
        else:
            series = self.source.load(request)
        for text in json.loads(series.meta.get("notes", "[]")):
            if text not in self._noted:
                self._noted.add(text)
                self._environment.note(f"data: {text}")
        return series

    def _from_store_or_network(self, source: OnlineSource, request: LoadRequest) -> PriceSeries:
        stored = self._newest_stored(source, request.instrument)
        silent = self._unanswered >= _UNREACHABLE_LIMIT
        if stored is None and silent:
            raise UnreachableError(f"{source.name} does not answer, and was not asked for {request.instrument.name}")
        if self._network == "never" and stored is None:
            raise SourceError(
                f"the store {store_path(self._environment.home)} has no prices of {request.instrument.name} from "
                f"{source.name}, and --offline forbids to ask; load them once without --offline"
            )
        if stored is not None and (silent or self._network == "never" or self._is_fresh(stored)):
            return stored
        try:
            series = source.load(request)
        except SourceError as error:
            self._unanswered = self._unanswered + 1 if isinstance(error, UnreachableError) else 0
            if stored is None or self._network == "refresh":
                raise
            self._environment.note(f"warning: {error.messages[0]}")
            self._environment.note(f"warning: the prices in the store are used instead, to {stored.dates[-1]}")
            return stored
        self._unanswered = 0
        return series

    def _newest_stored(self, source: OnlineSource, instrument: Instrument) -> PriceSeries | None:
        """The newest version of a history from the server that would be asked now, if there is one."""
        path = store_path(self._environment.home)
        symbol = source.symbol(instrument)
        if not path.exists():
            return None
        with Store.open(path, clock=self._environment.clock) as store:
            stored = store.load(source.name, symbol) if store.versions(source.name, symbol) else None
        if stored is None or stored.meta.get("endpoint") == source.endpoint:
            return stored
        self._environment.note(
            f"warning: the store has prices of {symbol} from {stored.meta.get('endpoint', source.name)}; passed over"
        )
        return None

    def _is_fresh(self, stored: PriceSeries) -> bool:
        """Whether no trading day that the store lacks has ended since its newest row."""
        return self._network == "auto" and self._environment.today <= future_dates(stored, 1)[0].astype(datetime.date)

    def load(self, instrument: Instrument, *, keep: bool = False) -> Checked:
        """A checked history.

        Args:
            instrument: In either orientation.
            keep: Whether to put the history into the store; what came over the network is put there in any case.

        Raises:
            NotEnoughDataError: It has no rows in the span.
            InputFileError, SourceError: A finding forbids its use; then nothing is put into the store.
        """
        return self.accept(self.whole(instrument), keep=keep)

    def accept(self, whole: PriceSeries, *, keep: bool = False) -> Checked:
        """Check the history `whole` and put it into the store; see `load`."""
        if not (keep or isinstance(self.source, OnlineSource)):
            return self.checker.check(whole)
        with Store.open(store_path(self._environment.home), clock=self._environment.clock) as store:
            versions = store.versions(whole.source, whole.symbol, whole.interval)
            changed = versions and versions[-1].sha256 != whole.sha256
            previous = store.load_version(versions[-1]) if changed else None
            checked = self.checker.check(whole, previous=previous)
            saved = store.save(whole)
            if saved is None and versions:
                store.load_version(versions[-1])  # rows that were damaged since would not be seen otherwise
            stored = saved or store.versions(whole.source, whole.symbol, whole.interval)[-1]
        self.stored[whole.instrument.name] = whole.sha256
        return dataclasses.replace(checked, stored=stored, is_new=saved is not None)

    def load_covariate(self, source: str, instrument: Instrument) -> Checked:
        """All daily rows of another instrument from `source`; use `Checked.whole`, which has no late repair.

        Raises:
            InputFileError, SourceError: The source has no such history, or a finding forbids its use.
        """
        histories = self._of_source(source, instrument)
        checked = histories.load(instrument, keep=True)
        self.stored |= histories.stored
        return checked

    def _of_source(self, source: str, instrument: Instrument) -> "Histories":
        """Uncut daily histories of another source, which share the open sources."""
        checker = HistoryChecker(self._environment.today, strict=self.checker.strict)
        return Histories(self._environment, source, checker, network=self._network, sources=self._sources)


def load_members(
    histories: Histories, members: Sequence[Instrument], note: Callable[[str], None], *, keep: bool = False
) -> list[Checked]:
    """The histories of `members`; one that cannot be had is told and left out, and so is what was found in the others.

    Args:
        histories: Histories of their source.
        members: In canonical orientation.
        note: Told, in one line each.
        keep: Whether to put them into the store.
    """
    loaded: list[Checked] = []
    missing: dict[str, str] = {}
    for member in members:
        try:
            loaded.append(histories.load(member, keep=keep))
        except ConfigError:
            raise
        except (SourceError, UsageError) as error:  # about this member alone
            missing[member.name] = error.messages[0]
    for name, reason in list(missing.items())[:_REASONS]:
        note(f"universe: left out {name}: {reason}")
    if len(missing) > _REASONS:
        note(f"universe: left out {', '.join(list(missing)[_REASONS:])}: for reasons like these")
    return loaded


def tell_findings(loaded: Sequence[Checked], note: Callable[[str], None]) -> None:
    """What was found in histories that stand beside the named ones: line by line, or counted where they are many."""
    if len(loaded) <= _TOLD_ONE_BY_ONE:
        for one in loaded:
            for line in one.lines:
                note(f"{line.partition(': ')[0]}: {one.series.instrument.name}: {line.partition(': ')[2]}")
        return
    counts = Counter(
        f"{found.severity} {found.code}" for one in loaded for found in one.report.findings if found.code != "old_data"
    )
    if counts:
        told = ", ".join(f"{what} in {count}" for what, count in counts.most_common())
        note(f"universe: found in {len(loaded)} series beside the named: {told}; forecast data show tells more of each")


def data_line(series: PriceSeries, today: datetime.date, newest: np.datetime64 | None = None) -> str:
    """Which data was used: source, rows, first and last date, age, hash.

    Args:
        series: The rows that were used.
        today: The current date.
        newest: Date of the newest row that there is, where `series` was cut before it.
    """
    last = series.dates[-1]
    if newest is not None and newest > last:
        return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} (of rows to {newest})"
    age = business_age(last, today)
    days = "up to date" if age <= 0 else f"{age} business day{'s' if age > 1 else ''} old"
    late = ", older than a week" if series.interval == "1d" and age > _STALE_DAYS else ""
    told = "made up" if series.source == "synthetic" else days + late
    told += f", from {series.meta['endpoint']}" if "endpoint" in series.meta else ""
    return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} ({told})"
