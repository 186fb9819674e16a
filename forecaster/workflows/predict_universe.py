"""`predict --universe`: forecasts of many instruments, one batch after the other, in flat memory."""

import dataclasses
import datetime
import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Unpack

from forecaster.data.instruments import Instrument
from forecaster.data.universes import UniverseFile, listed, universe_sha256
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, exact_keywords, levels_of, selection_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError
from forecaster.experiments.executors import Executor, Session
from forecaster.experiments.forecast_batches import ForecastBatch, LoadedRuns, batch_executor, compute_batch
from forecaster.experiments.forecast_log import ForecastLog
from forecaster.experiments.forecasting import DEFAULT_LEVELS, Wanted
from forecaster.experiments.predictions import FailedPrediction, Prediction
from forecaster.experiments.run_selection import RunQuery, RunSelector, SelectedRun
from forecaster.experiments.runs import Run
from forecaster.workflows.predict import Until, forecast_request, reaching, wanted_horizon

__all__ = ["predict_universe"]

BATCH = 32  # histories that are read side by side; more gain little and need memory
MAX_SHOWN = 5  # failures, notes and runs that are written out


@exact_keywords
def predict_universe(
    universe: str,
    *,
    horizon: int | str | None = None,
    until: Day | None = None,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    level: float | Sequence[float] = DEFAULT_LEVELS,
    log: bool | None = None,
    jobs: int | None = 1,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **source: Unpack[InstrumentKeywords],
) -> Iterator[Prediction | FailedPrediction]:
    """Forecast every instrument of a universe; each forecast equals that of `forecaster.predict`, bit for bit.

    Args:
        universe: ``ecb-all``, ``currencies``, a file with one symbol a line, or the name of one in ``data/universes``.
        horizon: See `forecaster.predict`; likewise `until` to `level`.
        until: See `horizon`.
        as_of: See `horizon`.
        frequency: See `horizon`.
        run: See `horizon`.
        calibrate: See `horizon`.
        level: See `horizon`.
        log: See `horizon`; a forecast that the ledger refuses has the reason in ``unlogged``.
        jobs: Processes that compute forecasts; None for what processors and memory allow. A script that asks for more
            than one has to be guarded by ``if __name__ == "__main__"``.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        source: Source of the prices and its use; no instruments.

    Yields:
        The forecasts in the order of the universe; a failure in place of a forecast that cannot be made.

    Raises:
        UsageError: The universe is unknown, instruments are named besides, or `jobs` is below 1.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(source)
    if not choice.is_empty:
        raise UsageError("a universe and an instrument are given; expected one of them; remove --universe or the name")
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; expected 1 or more")
    wanted = wanted_horizon(horizon, until)
    members = listed(universe, environment.home)
    _note_universe(universe, members, environment)
    rows = wanted if isinstance(wanted, int) else None
    work = _Work(
        choice,
        RunQuery(run, rows, frequency),
        wanted,
        day_of(as_of, "as_of"),
        calibrate,
        levels_of(level or DEFAULT_LEVELS),
    )
    log_of_all = ForecastLog(log, choice, environment)
    return _forecasts(members.instruments, work, log_of_all, environment, batch_executor(jobs))


@dataclasses.dataclass(frozen=True)
class _Work:
    """Options of every forecast."""

    choice: Selection
    query: RunQuery
    wanted: Until
    as_of: datetime.date | None
    calibrate: bool
    levels: tuple[float, ...]


def _forecasts(
    instruments: Sequence[Instrument], work: _Work, ledger: ForecastLog, environment: Environment, executor: Executor
) -> Iterator[Prediction | FailedPrediction]:
    summary = _Summary(environment)
    selector = RunSelector(work.choice, work.query, summary.quiet)
    runs = LoadedRuns()
    batches = math.ceil(len(instruments) / BATCH)
    with selector.loading_ahead(instruments), executor.open(compute_batch, runs, batches) as session:
        waiting: deque[_Batch] = deque()
        for first in range(0, len(instruments), BATCH):
            environment.progress("predict", first, len(instruments))
            waiting.append(_Batch(instruments[first : first + BATCH]))
            for task in waiting[-1].tasks(work, selector, summary):
                runs.add(waiting[-1].run_of(task))
                session.submit(task)
            # The next batch is read while others are computed; in one process each is computed at once.
            while sum(batch.open for batch in waiting) > 2 * (session.slots - 1):
                _collect(session, waiting)
            yield from _finished(waiting, ledger, summary)
        while waiting:
            _collect(session, waiting)
            yield from _finished(waiting, ledger, summary)
    environment.progress("predict", len(instruments), len(instruments))
    summary.note()
    ledger.note()


class _Batch:
    """Some instruments whose histories are read side by side.

    Args:
        instruments: The instruments.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = instruments
        self._selected: dict[int, SelectedRun] = {}
        self._results: dict[int, Prediction | ForecasterError] = {}
        self._places: dict[ForecastBatch, list[int]] = {}

    @property
    def open(self) -> int:
        """Number of tasks that are not finished."""
        return len(self._places)

    def tasks(self, work: _Work, selector: RunSelector, summary: "_Summary") -> Sequence[ForecastBatch]:
        """Tasks that make the forecasts, those of each run together; an instrument without a run has failed."""
        by_run: dict[Path, list[tuple[int, Wanted]]] = {}
        for number, instrument in enumerate(self._instruments):
            try:
                selected = _selected(instrument, work, selector, summary.quiet)
                request = forecast_request(selected, work.wanted, work.choice, work.calibrate, summary.quiet)
            except ForecasterError as error:
                self._results[number] = error
                continue
            today = None if work.as_of else summary.quiet.today
            request = dataclasses.replace(request, levels=work.levels, today=today)
            summary.add_selected(selected)
            self._selected[number] = selected
            by_run.setdefault(selected.run.folder, []).append((number, Wanted(instrument, selected.series, request)))
        for folder, same in by_run.items():
            self._places[ForecastBatch(folder, tuple(wanted for _, wanted in same))] = [number for number, _ in same]
        return tuple(self._places)

    def run_of(self, task: ForecastBatch) -> Run:
        """The run of an open task."""
        return self._selected[self._places[task][0]].run

    def finish(self, task: ForecastBatch, results: Sequence[Prediction | ForecasterError]) -> bool:
        """Take the results of a task; False if it is one of another batch."""
        if task not in self._places:
            return False
        self._results |= zip(self._places.pop(task), results, strict=True)
        return True

    def outcomes(self, ledger: ForecastLog) -> list[Prediction | FailedPrediction]:
        """Outcomes in the order of the instruments, once no task is open, with their forecasts in the ledger."""
        outcomes: list[Prediction | FailedPrediction] = []
        for number, instrument in enumerate(self._instruments):
            result = self._results[number]
            if isinstance(result, ForecasterError):
                outcomes.append(FailedPrediction(instrument, result))
            else:
                outcomes.append(ledger.add(result, self._selected[number]))
        ledger.write()
        return outcomes


def _collect(session: Session[ForecastBatch, list[Prediction | ForecasterError]], waiting: Iterable[_Batch]) -> None:
    """Wait for one task, and give its results to its batch."""
    task, results = session.collect()
    any(batch.finish(task, results) for batch in waiting)


def _finished(
    waiting: deque[_Batch], ledger: ForecastLog, summary: "_Summary"
) -> Iterator[Prediction | FailedPrediction]:
    """Outcomes of the first batches, as far as they are finished."""
    while waiting and not waiting[0].open:
        for outcome in waiting.popleft().outcomes(ledger):
            summary.add(outcome)
            yield outcome


def _selected(instrument: Instrument, work: _Work, selector: RunSelector, quiet: Environment) -> SelectedRun:
    """The run of an instrument and its history up to the cutoff."""
    choice = work.choice.alone(instrument)
    return reaching(selector.select(instrument), choice, work.query, work.wanted, work.as_of, quiet)


def _note_universe(name: str, members: UniverseFile, environment: Environment) -> None:
    digest = universe_sha256(members.instruments)[:12]
    environment.note(f"universe: {name}@{digest}, {len(members.instruments)} instruments")
    if members.repeated:
        environment.note(f"universe: listed more than once, counted once: {_some(members.repeated)}")
    for mistake in members.mistakes[:MAX_SHOWN]:
        environment.note(f"universe: left out: {mistake}")
    if len(members.mistakes) > MAX_SHOWN:
        environment.note(f"universe: left out: {len(members.mistakes) - MAX_SHOWN} more lines that are no symbols")


class _Summary:
    """Counts of what single forecasts note line by line."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.quiet = dataclasses.replace(environment, note=self.add_line)
        self._lines: Counter[str] = Counter()
        self._runs: Counter[str] = Counter()
        self._findings: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    def add_line(self, text: str) -> None:
        """Count a note that several instruments may have; few different ones are remembered."""
        if text in self._lines or len(self._lines) < 2 * MAX_SHOWN:
            self._lines[text] += 1
        else:
            self._lines["..."] += 1

    def add_selected(self, selected: SelectedRun) -> None:
        """Count the run, the findings in the history and what speaks against it."""
        self._runs[f"{selected.run.id}, weights fitted on rows to {selected.run.fitted_until}"] += 1
        self._findings.update(
            f"{finding.severity} {finding.code}" for finding in selected.checked.findings if not finding.is_about_age
        )
        if selected.change is not None:
            self._warnings["histories have changed since the training"] += 1

    def add(self, outcome: Prediction | FailedPrediction) -> None:
        """Count a forecast, or note a failure."""
        if isinstance(outcome, FailedPrediction):
            self._failures[type(outcome.error).__name__] += 1
            if self._failures.total() <= MAX_SHOWN:
                self._environment.note(f"failed: {outcome.instrument.name}: {outcome.error.messages[0]}")
            return
        self._warnings["forecasts are in-sample"] += outcome.in_sample
        self._warnings["forecasts have steps scaled beyond the horizon of the run"] += (
            outcome.forecast.scaled_from is not None
        )
        self._warnings["forecasts have ranges that were too narrow at some step"] += (
            outcome.coverage is not None and any(step.outcome == "too_narrow" for step in outcome.coverage.steps)
        )

    def note(self) -> None:
        """Note the counts, each kind in one line."""
        note = self._environment.note
        for run, count in self._runs.most_common(MAX_SHOWN):
            note(f"run: {run}: {count} forecasts")
        if len(self._runs) > MAX_SHOWN:
            note(f"run: {len(self._runs) - MAX_SHOWN} more")
        if self._findings:
            counts = ", ".join(f"{kind} ({count})" for kind, count in self._findings.most_common())
            note(f"universe: findings in the histories: {counts}; see: forecast data show")
        for line, count in self._lines.most_common(MAX_SHOWN):
            note(line if count == 1 else f"{line} ({count} times)")
        for warning, count in self._warnings.items():
            if count:
                note(f"warning: {count} {warning}")
        if failures := self._failures.total():
            note(f"failed: {failures} of {failures + self._runs.total()} instruments")


def _some(names: Sequence[str]) -> str:
    more = len(names) - MAX_SHOWN
    return ", ".join(names[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
