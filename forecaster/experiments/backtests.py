"""Backtests: forecasts of every model at every cutoff, each fold fitted on the rows before it.

Each fit has a record, named by all that decides it. So a repeated backtest is read, an interrupted one resumes, and
one with more models or steps fits only what is not there yet.

backtests/
    <id>/plan.json                        a backtest: data, configuration, versions, and the names of its records
    fits/<first cutoff>-<model>-<hash>.npz  one model in one fold: its quantiles, and the reports of its fits
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.environment import Progress, no_progress
from forecaster.errors import ForecasterError, NotEnoughDataError, UsageError
from forecaster.experiments.backtest_plan import BacktestPlan, FitTask
from forecaster.experiments.executors import Executor, InProcess
from forecaster.experiments.fold_records import FoldRecord, check_plan, read_fold, record_bytes
from forecaster.files import check_writable, json_text, write_file
from forecaster.forecast import Forecasts
from forecaster.models.base import Fitted, LocatedForecaster
from forecaster.models.quantile.location_gate import LocationGains, supported_steps
from forecaster.pipeline import fit
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["FoldRecord", "fit_task", "run_backtest"]

FitOutcome = Fitted | NotEnoughDataError | UsageError


def run_backtest(
    plan: BacktestPlan, folder: Path, progress: Progress = no_progress, executor: Executor | None = None
) -> list[FoldRecord]:
    """Fit and forecast what has no record yet.

    Args:
        plan: Plan of the backtest.
        folder: Folder of all backtests; made where it does not exist.
        progress: Receives every model and fold that is fitted; those read from records take no time.
        executor: Computes the fits of networks; those of baselines take less time than sending them to a process.

    Returns:
        One record for each model and fold, fold by fold.

    Raises:
        StorageError: A record cannot be written.
        DamageError: The plan or a record is damaged, or is that of another backtest or fold.
        ForecasterError: A model gives quantiles that are not finite or do not increase; they are not recorded.
    """
    # Fold by fold, not model by model: a network takes longest, and each fold about as long as the next.
    jobs = list(itertools.product(range(len(plan.folds)), plan.forecasters))
    paths = {(number, name): plan.record_path(folder, name, number) for number, name in jobs}
    missing = {job for job, path in paths.items() if not path.exists()}
    if plan.plan_path(folder).exists():
        check_plan(plan, folder)
    if missing or not plan.plan_path(folder).exists():
        _prepare(plan, folder)
    fits = [
        task
        for number, name in jobs
        if (number, name) in missing and plan.forecasters[name].traits.engine
        for task in _tasks(plan, name, number)
    ]
    records: list[FoldRecord] = []
    earlier: dict[str, list[LocationGains]] = {name: [] for name in plan.forecasters}
    fits_done = 0
    progress("backtest", 0, max(len(missing), 1), detail="reading earlier fits")
    with (executor or InProcess(progress)).run(fit_task, plan, fits) as fitted:
        for number, name in jobs:
            path = paths[number, name]
            if (number, name) in missing:
                fold = f"{name}, fold {number + 1} of {len(plan.folds)}"
                progress("backtest", fits_done, len(missing), detail=fold)
                tasks = _tasks(plan, name, number)
                here = (fit_task(plan, task, progress) for task in tasks)
                outcomes = itertools.islice(fitted, len(tasks)) if plan.forecasters[name].traits.engine else here
                record = _record(plan, name, number, outcomes, earlier[name])
                write_file(path, record_bytes(record, number, plan))
                fits_done += 1
                progress("backtest", fits_done, len(missing), detail=fold)
            else:
                record = read_fold(path, name, number, plan)
            if record.gains is not None:
                earlier[name].append(record.gains)
            records.append(record)
    return records


def _prepare(plan: BacktestPlan, folder: Path) -> None:
    """Write the plan, and prove that records can be written."""
    path = plan.plan_path(folder)
    check_writable(path.parent)
    check_writable(plan.record_path(folder, next(iter(plan.forecasters)), 0).parent)
    write_file(path, (json_text(plan.facts()) + "\n").encode())


def _tasks(plan: BacktestPlan, name: str, number: int) -> list[FitTask]:
    return [FitTask(name, number, panel) for panel in range(len(plan.panels(name)))]


def fit_task(plan: BacktestPlan, task: FitTask, progress: Progress) -> FitOutcome:
    """The fitted model of a task, or the error that says why there is none."""
    panel = plan.panels(task.model)[task.panel]
    try:
        return fit(plan.forecasters[task.model], panel, plan.folds[task.fold].split, plan.config, progress)
    except (NotEnoughDataError, UsageError) as error:
        return error


def _record(
    plan: BacktestPlan, name: str, number: int, outcomes: Iterator[FitOutcome], earlier: Sequence[LocationGains]
) -> FoldRecord:
    """Forecasts of the fits of one model in one fold; `earlier` are the gains of its location before it."""
    model = plan.forecasters[name]
    fold = plan.folds[number]
    steps = plan.stored_steps(name)
    skipped: dict[str, str] = {}
    states: list[dict[str, Any]] = []
    rows = {series: np.empty(0, dtype=np.intp) for series in plan.named}
    quantiles = {series: np.empty((0, len(steps), len(SCORING_LEVELS))) for series in plan.named}
    gains: LocationGains | None = None
    widths: dict[str, FloatArray] = {}
    for panel, fitted in zip(plan.panels(name), outcomes, strict=True):
        named = [series for series in panel if series.instrument.name in plan.named]
        if isinstance(fitted, ForecasterError):
            skipped |= {series.instrument.name: fitted.messages[0] for series in named}
            continue
        if model.traits.located:
            located = cast(LocatedForecaster, model)
            # A fold has no validation, since it learns from all rows: earlier folds decide.
            fitted = located.with_location(fitted, supported_steps(earlier, located.knots))
        states.append(fitted.report.to_json())
        for series in named:
            cutoffs = fold.rows(series.dates, plan.stride)
            rows[series.instrument.name] = cutoffs = cutoffs[cutoffs >= fitted.first_row]
            forecasts = fitted.forecast(series, cutoffs, max(steps)) if len(cutoffs) else None
            if forecasts is not None:
                quantiles[series.instrument.name] = _at_scoring_levels(forecasts, steps)
                if forecasts.widths is not None:
                    widths[series.instrument.name] = forecasts.widths[:, : plan.config.horizon]
        if model.traits.located:
            settled = {series.instrument.name: fold.settled_rows(series.dates, plan.config.horizon) for series in panel}
            gains = located.location_gains(fitted, panel, settled)
    return FoldRecord(name, fold, rows, quantiles, {"skipped": skipped, "states": states}, gains, widths)


def _at_scoring_levels(forecasts: Forecasts, steps: Sequence[int]) -> FloatArray:
    """(N, S, 9)."""
    values = forecasts.log_returns(steps)
    if forecasts.quantile_levels == SCORING_LEVELS:
        return values
    return np.asarray(values @ level_weights(forecasts.quantile_levels, SCORING_LEVELS))
