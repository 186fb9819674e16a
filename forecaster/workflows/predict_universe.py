"""`predict --universe`: forecasts of many instruments, one batch after the other, in flat memory."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Unpack

from forecaster.data.instruments import Instrument
from forecaster.data.universes import UniverseFile, listed, universe_sha256
from forecaster.datasets.keywords import Day, InstrumentKeywords, day_of, selection_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import ForecasterError, UsageError
from forecaster.experiments.forecast_log import ForecastLog
from forecaster.experiments.forecasting import DEFAULT_LEVELS, Wanted, forecasts_together
from forecaster.experiments.predictions import FailedPrediction, Prediction
from forecaster.experiments.run_selection import RunQuery, RunSelector, SelectedRun
from forecaster.workflows.predict import Until, forecast_request, reaching, wanted_horizon

__all__ = ["predict_universe"]

BATCH = 32  # histories that are read side by side; more gain little and need memory
MAX_SHOWN = 5  # failures, notes and runs that are written out


def predict_universe(
    universe: str,
    *,
    horizon: int | str | None = None,
    until: Day | None = None,
    as_of: Day | None = None,
    frequency: str | None = None,
    run: str | None = None,
    calibrate: bool = True,
    level: Sequence[float] = DEFAULT_LEVELS,
    log: bool | None = None,
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
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        source: Source of the prices and its use; no instruments.

    Yields:
        The forecasts in the order of the universe; a failure in place of a forecast that cannot be made.

    Raises:
        UsageError: The universe is unknown, or instruments are named besides.
    """
    environment = environment or Environment.at(home)
    choice = selection_of(source)
    if not choice.is_empty:
        raise UsageError("a universe and an instrument are given; expected one of them; remove --universe or the name")
    wanted = wanted_horizon(horizon, until)
    members = listed(universe, environment.home)
    _note_universe(universe, members, environment)
    rows = wanted if isinstance(wanted, int) else None
    work = _Work(choice, RunQuery(run, rows, frequency), wanted, day_of(as_of, "as_of"), calibrate, tuple(level))
    return _forecasts(members.instruments, work, ForecastLog(log, choice, environment), environment)


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
    instruments: Sequence[Instrument], work: _Work, ledger: ForecastLog, environment: Environment
) -> Iterator[Prediction | FailedPrediction]:
    summary = _Summary(environment)
    selector = RunSelector(work.choice, work.query, summary.quiet)
    with selector.loading_ahead(instruments):
        for first in range(0, len(instruments), BATCH):
            batch = instruments[first : first + BATCH]
            environment.progress("predict", first, len(instruments))
            outcomes = _batch(batch, work, selector, ledger, summary)
            ledger.write()
            for outcome in outcomes:
                summary.add(outcome)
                yield outcome
    environment.progress("predict", len(instruments), len(instruments))
    summary.note()
    ledger.note()


def _batch(
    instruments: Sequence[Instrument], work: _Work, selector: RunSelector, ledger: ForecastLog, summary: "_Summary"
) -> list[Prediction | FailedPrediction]:
    """Forecasts of a few instruments, those of each run together."""
    outcomes: dict[int, Prediction | FailedPrediction] = {}
    quiet = summary.quiet
    by_run: dict[str, list[tuple[int, SelectedRun, Wanted]]] = {}
    for number, instrument in enumerate(instruments):
        try:
            selected = _selected(instrument, work, selector, quiet)
            request = forecast_request(selected, work.wanted, work.choice, work.calibrate, quiet)
        except ForecasterError as error:
            outcomes[number] = FailedPrediction(instrument, error)
            continue
        today = None if work.as_of else quiet.today
        request = dataclasses.replace(request, levels=work.levels, today=today)
        summary.add_selected(selected)
        wanted = Wanted(instrument, selected.series, request)
        by_run.setdefault(selected.run.id, []).append((number, selected, wanted))
    for same in by_run.values():
        results = forecasts_together(same[0][1].run, [wanted for _, _, wanted in same])
        for (number, selected, wanted), result in zip(same, results, strict=True):
            if isinstance(result, ForecasterError):
                outcomes[number] = FailedPrediction(wanted.instrument, result)
            else:
                outcomes[number] = ledger.add(result, selected)
    return [outcomes[number] for number in range(len(instruments))]


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
