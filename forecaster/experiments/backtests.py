"""Backtests: forecasts of every model at every cutoff, each fold fitted on the rows before it.

Each fit has a record, named by all that decides it. So a repeated backtest is read, an interrupted one resumes, and
one with more models or steps fits only what is not there yet.

backtests/
    <id>/plan.json                        a backtest: data, configuration, versions, and the names of its records
    fits/<first cutoff>-<model>-<hash>.npz  one model in one fold: its quantiles, and the reports of its fits
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.environment import Progress, no_progress
from forecaster.errors import ForecasterError, NotEnoughDataError, UsageError
from forecaster.experiments.backtest_plan import BacktestPlan, FitTask
from forecaster.experiments.executors import Executor, InProcess, results_in_order
from forecaster.experiments.fold_records import FoldRecord, check_plan, read_fold, record_bytes
from forecaster.files import check_writable, json_text, write_file
from forecaster.forecast import Forecasts
from forecaster.models.base import Fitted, LocatedForecaster
from forecaster.models.quantile.location_gate import LocationGains, supported_steps
from forecaster.pipeline import fit
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["FoldPart", "FoldRecord", "fit_tasks", "fold_part", "fold_record", "run_backtest"]


@dataclasses.dataclass(frozen=True, eq=False)
class FoldPart:
    """One fit of a fold and its forecasts.

    Args:
        rows: Name -> (N,) row numbers of the cutoffs of each named series of the panel.
        quantiles: Name -> (N, S, 9); see `FoldRecord`.
        widths: Name -> (N, H); see `FoldRecord`.
        fitted: The fitted model, or the error that says why there is none.
        gains: Gains of the location; None for a model without one.
    """

    rows: Mapping[str, IntArray]
    quantiles: Mapping[str, FloatArray]
    widths: Mapping[str, FloatArray]
    fitted: Fitted | NotEnoughDataError | UsageError
    gains: LocationGains | None = None


def run_backtest(
    plan: BacktestPlan, folder: Path, progress: Progress = no_progress, executor: Executor | None = None
) -> list[FoldRecord]:
    """Fit and forecast what has no record yet.

    Args:
        plan: Plan of the backtest.
        folder: Folder of all backtests; made where it does not exist.
        progress: Receives every model and fold that is fitted; those read from records take no time.
        executor: Computes fits and forecasts; in this process when None.

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
    fits = [task for number, name in jobs if (number, name) in missing for task in fit_tasks(plan, name, number)]
    records: list[FoldRecord] = []
    earlier: dict[str, list[LocationGains]] = {name: [] for name in plan.forecasters}
    fits_done = 0
    progress("backtest", 0, max(len(missing), 1), detail="reading earlier fits")
    with (executor or InProcess(progress)).open(fold_part, plan, len(fits)) as session:
        parts = results_in_order(session, fits)
        for number, name in jobs:
            path = paths[number, name]
            if (number, name) in missing:
                fold = f"{name}, fold {number + 1} of {len(plan.folds)}"
                progress("backtest", fits_done, len(missing), detail=fold)
                tasks = fit_tasks(plan, name, number)
                record = fold_record(plan, tasks, itertools.islice(parts, len(tasks)), earlier[name])
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


def fit_tasks(plan: BacktestPlan, name: str, number: int) -> list[FitTask]:
    """Fits of the model `name` in fold `number`: one for each of its panels."""
    return [FitTask(name, number, panel) for panel in range(len(plan.panels(name)))]


def fold_part(plan: BacktestPlan, task: FitTask, progress: Progress) -> FoldPart:
    """The fit of a task and its forecasts, without a location: earlier folds decide about it."""
    model = plan.forecasters[task.model]
    panel = plan.panels(task.model)[task.panel]
    fold = plan.folds[task.fold]
    try:
        fitted = fit(model, panel, fold.split, plan.config, progress)
    except (NotEnoughDataError, UsageError) as error:
        return FoldPart({}, {}, {}, error)
    if not model.traits.located:
        return _forecast_part(plan, task, fitted)
    located = cast(LocatedForecaster, model)
    settled = {series.instrument.name: fold.settled_rows(series.dates, plan.config.horizon) for series in panel}
    gains = located.location_gains(fitted, panel, settled)
    return dataclasses.replace(_forecast_part(plan, task, located.with_location(fitted, ())), gains=gains)


def _forecast_part(plan: BacktestPlan, task: FitTask, fitted: Fitted) -> FoldPart:
    """Forecasts of the named series of a panel at the cutoffs of a fold."""
    steps = plan.stored_steps(task.model)
    rows: dict[str, IntArray] = {}
    quantiles: dict[str, FloatArray] = {}
    widths: dict[str, FloatArray] = {}
    for series in plan.panels(task.model)[task.panel]:
        name = series.instrument.name
        if name not in plan.named:
            continue
        cutoffs = plan.folds[task.fold].rows(series.dates, plan.stride)
        rows[name] = cutoffs = cutoffs[cutoffs >= fitted.first_row]
        if not len(cutoffs):
            continue
        forecasts = fitted.forecast(series, cutoffs, max(steps))
        quantiles[name] = _at_scoring_levels(forecasts, steps)
        if forecasts.widths is not None:
            widths[name] = forecasts.widths[:, : plan.config.horizon]
    return FoldPart(rows, quantiles, widths, fitted)


def fold_record(
    plan: BacktestPlan, tasks: Sequence[FitTask], parts: Iterator[FoldPart], earlier: Sequence[LocationGains]
) -> FoldRecord:
    """The record of the fits of one model in one fold; `earlier` are the gains of its location before it."""
    name = tasks[0].model
    fold = plan.folds[tasks[0].fold]
    skipped: dict[str, str] = {}
    states: list[dict[str, Any]] = []
    rows = {series: np.empty(0, dtype=np.intp) for series in plan.named}
    quantiles = {series: np.empty((0, len(plan.stored_steps(name)), len(SCORING_LEVELS))) for series in plan.named}
    widths: dict[str, FloatArray] = {}
    gains: LocationGains | None = None
    for task, unlocated in zip(tasks, parts, strict=True):
        if isinstance(unlocated.fitted, ForecasterError):
            members = [series for series in plan.panels(name)[task.panel].names if series in plan.named]
            skipped |= dict.fromkeys(members, unlocated.fitted.messages[0])
            continue
        part = _with_location(plan, task, unlocated, earlier)
        states.append(cast(Fitted, part.fitted).report.to_json())
        rows |= part.rows
        quantiles |= part.quantiles
        widths |= part.widths
        gains = unlocated.gains
    return FoldRecord(name, fold, rows, quantiles, {"skipped": skipped, "states": states}, gains, widths)


def _with_location(plan: BacktestPlan, task: FitTask, part: FoldPart, earlier: Sequence[LocationGains]) -> FoldPart:
    """`part` with the location that earlier folds support: a fold has no validation, since it learns from all rows."""
    if part.gains is None:
        return part
    located = cast(LocatedForecaster, plan.forecasters[task.model])
    steps = supported_steps(earlier, located.knots)
    if not steps:
        return part
    return _forecast_part(plan, task, located.with_location(cast(Fitted, part.fitted), steps))


def _at_scoring_levels(forecasts: Forecasts, steps: Sequence[int]) -> FloatArray:
    """(N, S, 9)."""
    values = forecasts.log_returns(steps)
    if forecasts.quantile_levels == SCORING_LEVELS:
        return values
    return np.asarray(values @ level_weights(forecasts.quantile_levels, SCORING_LEVELS))
