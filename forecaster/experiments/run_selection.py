"""Selection of recorded runs: the run that fits an instrument, and the history to forecast from."""

import contextlib
import dataclasses
import datetime
import functools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from forecaster.config import FREQUENCIES, Config, DataConfig, load_config
from forecaster.data.calendars import SPANS, business_age
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.registry import chosen_source, default_source, source_traits
from forecaster.data.spellings import parse_frequency
from forecaster.datasets.covariates import EVENTS, Covariates, load_covariates
from forecaster.datasets.histories import Histories, data_line, loading_ahead
from forecaster.datasets.history_checker import Checked, HistoryChecker
from forecaster.datasets.selection import Selection, command_line, named_instruments
from forecaster.environment import Environment
from forecaster.errors import InputFileError, NotEnoughDataError, RunNotFoundError, SourceError, UsageError
from forecaster.experiments.changed_history import HistoryChange, change_since
from forecaster.experiments.manifest import SeriesFacts
from forecaster.experiments.pins import pinned_runs
from forecaster.experiments.run_index import RunIndex, indexed_runs
from forecaster.experiments.run_ranking import may_fit, ranked_runs, run_problems, with_configuration
from forecaster.experiments.run_summaries import RunSummary, covered_clause, some_names
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.pipeline import coming_days_of

__all__ = ["RunQuery", "RunSelector", "SelectedRun", "announce", "preferred_run", "select_runs"]

OLD_RUN_DAYS = 125  # business days; after half a year of new rows a training is worth repeating


@dataclasses.dataclass(frozen=True)
class RunQuery:
    """Conditions that a run must meet.

    Args:
        run_id: Id of the run, or its beginning; the best run that fits when None.
        horizon: Rows ahead that the run should forecast; a run that reaches them is preferred.
        frequency: Length of its rows; days where there is such a run when None.
        config: Configuration of its training, as `load_config` takes it, whatever its horizon; any when None.
    """

    run_id: str | None = None
    horizon: int | None = None
    frequency: str | None = None
    config: Config | str | Path | None = None

    def __post_init__(self) -> None:
        """Write the frequency as runs do; a run and a configuration are not given together."""
        if self.run_id is not None and self.config is not None:
            raise UsageError("--run and --config are given; expected one of them")
        if self.frequency is not None:
            object.__setattr__(self, "frequency", parse_frequency(self.frequency))


@dataclasses.dataclass(frozen=True)
class SelectedRun:
    """One instrument, the run that forecasts it, and its history in canonical orientation.

    Args:
        instrument: Instrument in the user's orientation.
        run: The run.
        histories: Histories of the source of the run, checked by its configuration.
        checked: Validated rows up to the cutoff.
        covariates: Covariates of the model.
        change: Changes of the history since the training, where they are known.
    """

    instrument: Instrument
    run: Run
    histories: Histories
    checked: Checked
    covariates: Covariates
    change: HistoryChange | None = None

    @functools.cached_property
    def series(self) -> PriceSeries:
        """Rows that the configuration of the run asks for, up to the cutoff, as they were known at the cutoff."""
        return self.covariates.attached(self.checked.series)

    @property
    def newest(self) -> np.datetime64:
        """Date of the newest row of the history, whatever the cutoff."""
        return self.checked.newest

    def until(self, as_of: datetime.date | None) -> "SelectedRun":
        """The same with rows up to `as_of` only, validated as they would have been then.

        Raises:
            NotEnoughDataError: The model cannot forecast from so few rows.
        """
        checked = self.checked
        if as_of is not None:
            # A cross is computed once more: its rows before a gap that comes after the cutoff are not left out then.
            again = self.histories.source.traits.depends_on_cutoff
            loaded = self.histories.whole(self.instrument, as_of) if again else checked.loaded
            checked = self.histories.checker.check(loaded, as_of)
        first = self.run.fitted.first_row
        if len(checked.series) <= first:
            advice = "give a longer history"
            if len(self.series) > first:
                advice = f"the earliest cutoff is {self.series.dates[first]}; change --as-of or {advice}"
            raise NotEnoughDataError(
                f"{self.instrument.name} has {len(checked.series)} rows up to {checked.series.dates[-1]}; "
                f"a forecast needs {first + 1}; {advice}"
            )
        return dataclasses.replace(self, checked=dataclasses.replace(checked, newest=self.newest))

    def notes(self) -> list[str]:
        """Messages about the run, its age and its data, one line each."""
        run = self.run
        cutoff = self.series.dates[-1]
        trained = self._member.last
        about = f"{run.manifest.model.model}, rows of a {SPANS[run.frequency]}, configuration {run.configuration.name}"
        text = f"run: {run.id} ({about}), weights fitted on rows to {run.fitted_until}"
        age = business_age(trained, cutoff.astype(object))
        if age > OLD_RUN_DAYS:
            text += f"; old: {age} business days of data have come since the training, train again"
        lines = [
            text,
            *(f"warning: this run {problem}" for problem in run_problems(RunSummary.of(run), self.instrument)),
        ]
        if self.in_sample:
            lines.append(
                f"warning: the run has seen rows to {run.seen_until}; a forecast from {cutoff} is in-sample, "
                "better than any forecast made then could have been"
            )
        if cutoff >= trained and run.history_changed(self.series):
            change = "it no longer begins with the same rows" if self.change is None else self.change.text
            lines.append(f"warning: {self.series.symbol} has changed since the training: {change}; train again")
        changed = self.covariates.changed(run.manifest.data.inputs, trained) if cutoff >= trained else []
        lines += [f"warning: covariate {name} has changed since the run was trained" for name in changed]
        lines += [f"warning: event {name} has no effect: the run has not learned it; train again" for name in self._new]
        return [*map(str, self.checked.notes), *self.covariates.lines(self.series), *lines]

    @property
    def in_sample(self) -> bool:
        """True if fitting or choosing has used rows after the cutoff."""
        return bool(self.series.dates[-1] < self.run.seen_until)

    @property
    def _new(self) -> list[str]:
        """Names of events in the user's file that the run has not learned."""
        learned = coming_days_of(self.run.fitted).events
        names = () if learned is None else learned.names
        return sorted({event.name for event in self.series.events} - set(names))

    @property
    def _member(self) -> SeriesFacts:
        return self.run.manifest.data.members[self.series.instrument.name]


def select_runs(choice: Selection, query: RunQuery, environment: Environment) -> list[SelectedRun]:
    """Every named instrument with the best run that fits it, or with the run of the query's id.

    Raises:
        RunNotFoundError: No run fits; the message says what to type.
        DamageError: The run with this id, or every run that might fit, is damaged.
    """
    selector = RunSelector(choice, query, environment)
    if choice.is_empty and choice.source is None:
        if query.run_id is None:
            named_instruments(DataConfig())  # raises the error about a missing instrument
        return [selector.select(instrument) for instrument in named_instruments(selector.given_run.config.data)]
    return [selector.select(instrument) for instrument in named_instruments(choice.applied())]


class RunSelector:
    """Selects runs for one instrument after another; each run and the index of all are read once.

    Args:
        choice: Source and its use.
        query: Conditions that a run must meet.
        environment: Home folder, clock and messages.
    """

    def __init__(self, choice: Selection, query: RunQuery, environment: Environment) -> None:
        self._choice = choice
        self._query = query
        self._environment = environment
        self._sources = choice.open_sources()
        self._runs: dict[str, Run] = {}
        self._last: SelectedRun | None = None

    def select(self, instrument: Instrument) -> SelectedRun:
        """The instrument with the best run that fits it, or with the run of the query's id.

        Raises:
            RunNotFoundError: No run fits; the message says what to type.
            DamageError: The run with this id, or every run that might fit, is damaged.
        """
        last = self._last
        if last is not None and last.instrument.canonical == instrument.canonical:  # a pair and its inverse
            return dataclasses.replace(last, instrument=instrument)
        if self._query.run_id is not None:
            self._last = self._load(self.given_run, instrument)
            return self._last
        self._sources.open(chosen_source(self._choice.applied().source, instrument))  # raises for an unknown source
        self._last = self._best(instrument)
        return self._last

    @contextlib.contextmanager
    def loading_ahead(self, instruments: Sequence[Instrument]) -> Iterator[None]:
        """Within the block, ask an online source for the next of `instruments` that a run has learned from."""
        runs = [self.given_run] if self._query.run_id is not None else self._index.runs
        members = frozenset[str]().union(*(_members(run) for run in runs))
        coming = [instrument.canonical for instrument in instruments if instrument.canonical.name in members]
        if not coming:
            yield
            return
        data = self._choice.applied()
        histories = Histories.of_section(self._environment, data, coming, self._choice.network, self._sources)
        with loading_ahead(histories, list(dict.fromkeys(coming)), self._environment):
            yield

    @functools.cached_property
    def given_run(self) -> Run:
        """The run of the query's id."""
        return find_run(runs_folder(self._environment.home), str(self._query.run_id))

    @functools.cached_property
    def _index(self) -> RunIndex:
        return indexed_runs(runs_folder(self._environment.home))

    @functools.cached_property
    def _pinned(self) -> Sequence[str]:
        pinned = pinned_runs(self._environment.home)
        for run_id in pinned:
            if not (runs_folder(self._environment.home) / run_id).is_dir():
                self._environment.note(
                    f"warning: the pinned run {run_id} is gone and not used; forecast runs use --none removes the pin"
                )
        return pinned

    def _read(self, run: RunSummary) -> Run:
        if run.id not in self._runs:
            self._runs[run.id] = run.read()
        return self._runs[run.id]

    def _able(self, instrument: Instrument) -> list[RunSummary]:
        """The runs that may fit an instrument, of any frequency, with the wanted configuration and events."""
        able = [run for run in self._index.runs if may_fit(run, instrument, self._choice.source)]
        if self._query.config is not None:
            able = with_configuration(able, load_config(self._query.config))
        if self._choice.events is not None:
            able = [run for run in able if _knows_events(self._read(run))]
        return able

    def _best(self, instrument: Instrument) -> SelectedRun:
        """The instrument with the first of the ranked runs that covers its history."""
        choice, query, environment, index = self._choice, self._query, self._environment, self._index
        able = self._able(instrument)
        frequencies = FREQUENCIES if query.frequency is None else (query.frequency,)
        refused: dict[str, InputFileError | NotEnoughDataError] = {}
        different: SelectedRun | None = None
        for frequency in frequencies:  # days first: longer rows only where there is no run of days
            fitting = [run for run in able if run.frequency == frequency]
            for run in ranked_runs(fitting, instrument, self._pinned, query.horizon):
                try:
                    selection = self._load(self._read(run), instrument)
                except (InputFileError, NotEnoughDataError) as error:  # such as a run of days for a file of weeks
                    refused[run.id] = error
                    continue
                if selection.run.covers(selection.series) or (selection.change is not None and selection.change.same):
                    for run_id, reason in refused.items():
                        environment.note(f"warning: passed over: run {run_id}: {reason.messages[0]}")
                    if different is not None:
                        environment.note(f"warning: passed over: {_different(different)}")
                    _note_choice(selection, query, index, environment)
                    return selection
                different = different or selection
        if index.damaged:
            raise index.damaged[0]
        if source_traits(default_source(instrument)).is_given:  # a history that cannot be read is reported first
            data = choice.applied()
            data = data.model_copy(update={"frequency": query.frequency or data.frequency})
            Histories.of_section(environment, data, [instrument], choice.network, self._sources).load(instrument)
        if refused:
            raise next(iter(refused.values()))
        clause = covered_clause(instrument, index.runs) if different is None else f"; {_different(different)}"
        raise _no_run(instrument, choice, query, environment, clause)

    def _load(self, run: Run, instrument: Instrument) -> SelectedRun:
        """The instrument with the history that `run` would read: its source, its options, its first row."""
        choice, environment = self._choice, self._environment
        if instrument.canonical.name not in run.manifest.data.members:
            members = list(run.manifest.data.members)
            raise RunNotFoundError(
                f"run {run.id} was not trained on {instrument.name}; it forecasts {some_names(members)}; "
                f"train one with: {command_line('train', instrument, choice, environment)}"
            )
        data = _with_events(run, choice)
        checker = HistoryChecker.of_section(choice.corrected(data).model_copy(update={"end": None}), environment.today)
        options = {**data.options, **choice.options}
        histories = Histories(environment, run.source, checker, options, choice.network, self._sources)
        checked = histories.load(instrument)
        try:
            covariates = load_covariates(data, [checked.series], histories, market=bool(data.market))
        except (InputFileError, SourceError) as error:
            problem = f"run {run.id} needs covariates or events that cannot be loaded"
            advice = "restore it, or choose another run with --run ID"
            raise type(error)(*(f"{problem}: {message}; {advice}" for message in error.messages)) from error
        changed = run.history_changed(checked.series)
        change = change_since(run, checked.whole, environment) if changed else None
        return SelectedRun(instrument, run, histories, checked, covariates, change)


def announce(selected: Sequence[SelectedRun], environment: Environment) -> None:
    """Note the data and the runs that are about to be used, each once."""
    lines: list[str] = []
    for selection in selected:
        lines += [data_line(selection.series, environment.today, selection.newest), *selection.notes()]
    for line in dict.fromkeys(lines):
        environment.note(line)


def _members(run: Run | RunSummary) -> Collection[str]:
    return run.members if isinstance(run, RunSummary) else run.manifest.data.members


def preferred_run(instrument: Instrument, query: RunQuery, source: str | None, home: Path) -> RunSummary | None:
    """The first of the ranked runs of an instrument, whatever its history is now; None where there is none."""
    runs = [run for run in indexed_runs(runs_folder(home)).runs if may_fit(run, instrument, source)]
    runs = [run for run in runs if query.frequency in (None, run.frequency)]
    return next(iter(ranked_runs(runs, instrument, pinned_runs(home), query.horizon)), None)


def _note_choice(selection: SelectedRun, query: RunQuery, index: RunIndex, environment: Environment) -> None:
    """Report damaged runs that were passed over, and rows that are longer than a day although nobody asked for them."""
    for damage in index.damaged:
        environment.note(f"warning: passed over: {damage.messages[0]}")
    frequency = selection.run.frequency
    if query.frequency is None and frequency != FREQUENCIES[0] and selection.checked.whole.frequency != frequency:
        span = SPANS[frequency]
        environment.note(f"warning: no run has daily rows; this forecast has rows of a {span}, as its run")


def _no_run(
    instrument: Instrument, choice: Selection, query: RunQuery, environment: Environment, reason: str
) -> RunNotFoundError:
    conditions = f" {query.horizon} rows ahead" if query.horizon else ""
    conditions += f" with --frequency {query.frequency}" if query.frequency else ""
    conditions += f" with --config {query.config}" if isinstance(query.config, str | Path) else ""
    flags = ["--horizon", str(query.horizon)] if query.horizon else []
    flags += ["--frequency", query.frequency] if query.frequency else []
    flags += ["--config", str(query.config)] if isinstance(query.config, str | Path) else []
    return RunNotFoundError(
        f"no run in {runs_folder(environment.home)} fits {instrument.name}{conditions}{reason}; "
        f"train one with: {command_line('train', instrument, choice, environment, *flags)}"
    )


def _different(selection: SelectedRun) -> str:
    """Clause about a run of the same name that was trained on other prices."""
    what = "" if selection.change is None else f" ({selection.change.text})"
    return f"run {selection.run.id} was trained on other prices of that name{what}"


def _knows_events(run: Run) -> bool:
    """True if a run has learned from a file of events."""
    return any(facts["name"] == EVENTS for facts in run.manifest.data.inputs)


def _with_events(run: Run, choice: Selection) -> DataConfig:
    """The section ``data`` of a run, with the newer file of events that the user names."""
    data = run.config.data
    if choice.events is None:
        return data
    if data.events is None:
        raise UsageError(
            f"run {run.id} has learned no events; expected one that was trained with --events; train it, or remove them"
        )
    return data.model_copy(update={"events": choice.events})
