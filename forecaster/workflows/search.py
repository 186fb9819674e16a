"""`search`: many configurations on past folds, the best one tested once on rows that none of them has seen."""

import dataclasses
import datetime
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.config import UNRECORDED, Config, load_config, recorded_config
from forecaster.data.leases import version_lease
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import BacktestKeywords, config_of, exact_keywords, is_given, selection_of, steps_of
from forecaster.datasets.selection import Selection, command_line
from forecaster.datasets.training import Dataset, resolve
from forecaster.environment import Environment
from forecaster.errors import DataChangedError, UsageError, did_you_mean
from forecaster.evaluation.splits import Fold, search_folds
from forecaster.experiments.backtest_plan import BacktestPlan, backtests_folder
from forecaster.experiments.executors import Executor
from forecaster.experiments.search import BATCH, Search, SearchPlan
from forecaster.experiments.search_findings import FILE as FINDINGS
from forecaster.experiments.search_findings import Findings
from forecaster.experiments.search_proposals import require_optuna
from forecaster.experiments.search_results import effects, measured_luck, open_lockbox
from forecaster.experiments.search_space import Space, declared_space, read_space, space_of_document
from forecaster.experiments.studies import Study, Trial, find_study, searches_folder, study_lock
from forecaster.experiments.tracker_choice import tracker_of
from forecaster.experiments.tracking import Tracker
from forecaster.models import baseline_names
from forecaster.models.engine import Engine
from forecaster.pipeline import default_forecaster, forecaster_of
from forecaster.workflows.executor_choice import engine_of, executor_of
from forecaster.workflows.search_tracking import TrackedSearch
from forecaster.workflows.studies import SearchResult

__all__ = ["DEFAULT_BASELINE", "DEFAULT_FOLDS", "DEFAULT_SEARCH_STEPS", "DEFAULT_TRIALS", "SearchResult", "search"]

DEFAULT_TRIALS = 50
DEFAULT_FOLDS = 3
DEFAULT_BASELINE = "ewma"
DEFAULT_SEARCH_STEPS = (1, 5)
FOLD_ROWS = {"1d": 500, "1wk": 104, "1mo": 12}
LOCKBOX_ROWS = {"1d": 500, "1wk": 104, "1mo": 24}
MIN_TRAINING_ROWS = 250

_DEFAULTS = {
    "folds": DEFAULT_FOLDS,
    "lockbox": None,
    "step": DEFAULT_SEARCH_STEPS,
    "baseline": DEFAULT_BASELINE,
}
"""Option that decides about a study -> its default; `--study` takes no other value."""


@dataclasses.dataclass(frozen=True)
class _Request:
    """Request of a search.

    Args:
        config: Starting configuration.
        choice: Instruments.
        space: Space of the trials.
        folds: Number of folds before the lockbox, or the folds of a study, its lockbox the last one.
        lockbox_rows: Rows of the lockbox; None for the default ones.
        steps: Rows ahead that are scored.
        baseline: Registry key of the baseline.
    """

    config: Config
    choice: Selection
    space: Space
    folds: int | tuple[Fold, ...]
    lockbox_rows: int | None
    steps: tuple[int, ...]
    baseline: str


@exact_keywords
def search(
    *,
    trials: int = DEFAULT_TRIALS,
    space: str | Path | None = None,
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    folds: int = DEFAULT_FOLDS,
    lockbox: int | None = None,
    keep_lockbox: bool = False,
    step: int | Sequence[int] = DEFAULT_SEARCH_STEPS,
    baseline: str = DEFAULT_BASELINE,
    study: str | None = None,
    jobs: int | None = None,
    executor: str = "local",
    address: str | None = None,
    gpu_share: float | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[BacktestKeywords],
) -> SearchResult:
    """Search for a better configuration; a search that was interrupted goes on where it stopped.

    Args:
        trials: Trials of the study, those of earlier commands among them.
        space: YAML file of keys and values; those that the options of the kind declare when None.
        config: Starting configuration: an object, a YAML file or a shipped name. It is the first trial.
        set: Key of the configuration -> value, for all trials.
        folds: Folds of a trial, in order of time.
        lockbox: Last rows, which no trial sees; 500 days, 104 weeks or 24 months when None.
        keep_lockbox: True to leave the lockbox closed.
        step: Rows ahead that are scored.
        baseline: Model in whose CRPS losses are measured.
        study: Id of a study to go on with, in place of instruments and configuration.
        jobs: Fits of networks at once, each in a process of its own; those that the machine can compute when None.
        executor: ``local`` or ``ray``, a Ray cluster.
        address: Address of the cluster; see `executor_of`.
        gpu_share: Share of a GPU of the cluster for each fit.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: ``pair``, ``ticker`` or ``csv``, and more; see `BacktestKeywords`.

    Raises:
        UsageError: Optuna is missing, the space has mistakes, or the baseline is unknown.
        NotEnoughDataError: The history is too short for the folds and the lockbox.
        ForecasterError: Another process searches in the same study.
        DataChangedError: The histories are not those of `study`.
    """
    require_optuna()
    environment = environment or Environment.at(home)
    environment.progress("data", 0, 1, detail="loading histories")
    if study is not None:
        given = [name for name, value in {**keywords, "space": space, "config": config}.items() if is_given(value)]
        choices = {"folds": folds, "lockbox": lockbox, "step": step, "baseline": baseline}
        given += [name for name, value in choices.items() if value != _DEFAULTS[name]]
        request = _of_study(study, given, set, environment)
    else:
        steps = steps_of(step)
        start = config_of(config, set, keywords)
        values = declared_space(start.kind) if space is None else read_space(Path(space), start)
        request = _Request(start, selection_of(keywords), values, folds, lockbox, steps, _checked(baseline))
    tracker = tracker_of(request.config, environment.home, environment.note)
    with version_lease(environment.home):
        engine = engine_of(executor, request.config.backend, request.config.device)
        plan, data = _plan(request, engine, environment)
        if study is not None:
            _require_same(plan, find_study(environment.home, study).id)
        base = None if isinstance(config, Config) else config
        train = functools.partial(_training_command, data, request.choice, environment, base)
        computed_by = executor_of(executor, jobs, address, engine, environment, gpu_share)
        return _searched(plan, trials, computed_by, tracker, environment, train, opens=not keep_lockbox)


def _require_same(plan: SearchPlan, study: str) -> None:
    """Refuse to go on with a study of other histories.

    Raises:
        DataChangedError: Something that decides the trials has changed.
    """
    if plan.id != study:
        raise DataChangedError(
            f"the histories or the program are no longer those of the study {study}; expected the same; "
            "start a new study, with instruments in place of --study"
        )


def _of_study(
    name: str, given: Sequence[str], set: Mapping[str, Any] | Sequence[str], environment: Environment
) -> _Request:
    """The request that made a study, with the rows that it used.

    Args:
        name: Id of the study.
        given: Names of options that decide about a study.
        set: Assignments, of keys that decide nothing about it.
        environment: Home folder.
    """
    if given:
        raise UsageError(f"--study names data and configuration; got --{given[0]} too; remove one of them")
    facts = find_study(environment.home, name).facts
    bounds = [(np.datetime64(start), np.datetime64(end)) for start, end in [*facts["folds"], facts["lockbox"]]]
    folds = tuple(Fold(start, end) for start, end in bounds)
    last: datetime.date = (folds[-1].end - np.timedelta64(1, "D")).astype(datetime.date)
    sections: dict[str, Any] = {**facts["config"], "data": {**facts["config"]["data"], "end": str(last)}}
    recorded = load_config(None, {}, sections)
    config = load_config(recorded, set)
    if recorded_config(config) != recorded_config(recorded):
        raise UsageError(
            "--study names data and configuration; got --set too; expected no other keys than "
            f"{', '.join(sorted(UNRECORDED))}; remove one of them"
        )
    return _Request(
        config=config,
        choice=Selection(),
        space=space_of_document(facts["space"]),
        folds=folds,
        lockbox_rows=None,
        steps=tuple(facts["steps"]),
        baseline=facts["baseline"],
    )


def _checked(baseline: str) -> str:
    """The name of a baseline.

    Raises:
        UsageError: It is unknown.
    """
    if baseline not in baseline_names():
        names = baseline_names()
        hint = did_you_mean(baseline, names)
        raise UsageError(f"--baseline {baseline:.40} is unknown; expected one of {', '.join(names)}{hint}")
    return baseline


def _plan(request: _Request, engine: Engine, environment: Environment) -> tuple[SearchPlan, Dataset]:
    """The plan of the search, with all histories loaded."""
    steps = request.steps
    if not steps or min(steps) < 1:
        raise UsageError(f"--step is {', '.join(map(str, steps)) or 'empty'}; expected days ahead from 1, such as 1,5")
    horizon = max(request.config.horizon, *steps)
    cut = functools.partial(_folds, request, horizon)
    data = resolve(request.config, request.choice, environment, lambda named: cut(named)[0].start, min_horizon=horizon)
    environment.progress("data", 1, 1)
    *folds, lockbox = cut(data.named)
    before = data.panel.between(end=lockbox.start - np.timedelta64(1, "D"))
    baseline = default_forecaster(request.baseline, data.config, before, folds[0].start)
    base = BacktestPlan(
        panel=before,
        named=tuple(series.instrument.name for series in data.named),
        config=data.config,
        forecasters={data.config.kind: forecaster_of(data.config), request.baseline: baseline},
        folds=tuple(folds),
        steps=tuple(sorted(steps)),
        stride=1,
        engine=f"{engine.backend} on {engine.device}",
    )
    return SearchPlan(base, data.panel, request.space, request.baseline, lockbox, BATCH), data


def _folds(request: _Request, horizon: int, named: Sequence[PriceSeries]) -> tuple[Fold, ...]:
    """Folds of the trials, and the lockbox."""
    if not isinstance(request.folds, int):
        return request.folds
    frequency = request.config.data.frequency
    rows = LOCKBOX_ROWS[frequency] if request.lockbox_rows is None else request.lockbox_rows
    needed = max(MIN_TRAINING_ROWS, forecaster_of(request.config).least_training_rows() + horizon)
    dates = np.unique(np.concatenate([series.dates for series in named]))
    return search_folds(dates, request.folds, FOLD_ROWS[frequency], rows, needed)


def _searched(
    plan: SearchPlan,
    trials: int,
    executor: Executor,
    tracker: Tracker,
    environment: Environment,
    train: Callable[[Trial | None], str],
    *,
    opens: bool,
) -> SearchResult:
    """The result of a search, with its study locked meanwhile."""
    folder = searches_folder(environment.home) / plan.id
    with study_lock(folder):
        study = Study.open(folder, plan.facts(), environment.clock())
        done = sum(trial.state != "running" for trial in study.trials.values())
        environment.note(f"study {plan.id}: {done} trials are done, {max(trials - done, 0)} are left")
        search = Search(plan, study, backtests_folder(environment.home), environment.progress)
        tracked = TrackedSearch(tracker, search, environment)
        try:
            search.run(trials, executor, tracked.tell)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("finished cells are kept, and the same command goes on from there") from stop
        environment.progress("evaluate", 0, 1, detail=f"{len(study.trials)} trials")
        winner = study.best()
        was_open = study.lockbox is not None
        can_be_compared = winner is not None and study.trials[0].state == "complete"
        if winner is not None and can_be_compared and (opens or was_open):
            open_lockbox(search, winner, backtests_folder(environment.home), executor, environment)
        findings = Findings(measured_luck(search), tuple(effects(search)), train(winner))
        study.write_document(FINDINGS, findings.to_json())
        environment.progress("evaluate", 1, 1)
        result = SearchResult(study, findings, opened_now=not was_open and study.lockbox is not None)
        tracked.close(result)
    return result


def _training_command(
    data: Dataset, choice: Selection, environment: Environment, source: str | Path | None, trial: Trial | None
) -> str:
    """Command line that trains the configuration of a trial on all rows but those of its own test."""
    wanted = _leaves(load_config(data.requested, {} if trial is None else trial.settings))
    given = _leaves(load_config(source, [f"model.kind={data.config.kind}"] if source is None else ()))
    named = ("data.pair", "data.ticker", "data.csv", "data.source", "data.name")
    flags: list[str] = []
    for other in data.instruments[1:]:
        flags += [f"--{other.kind}", str(other.path) if other.kind == "csv" else other.name]
    flags += [] if source is None else ["--config", str(source)]
    for key, value in wanted.items():
        if value != given.get(key) and key not in named and not key.startswith("data.options"):
            flags += ["--set", f"{key}={json.dumps(value) if not isinstance(value, str) else value}"]
    return command_line("train", data.instruments[0], choice, environment, *flags)


def _leaves(config: Config) -> dict[str, Any]:
    """Dotted key -> JSON value."""
    leaves: dict[str, Any] = {}

    def visit(section: Mapping[str, Any], prefix: str) -> None:
        for name, value in section.items():
            if isinstance(value, dict) and value:
                visit(value, f"{prefix}{name}.")
            else:
                leaves[prefix + name] = value

    visit(config.model_dump(mode="json"), "")
    return leaves
