"""Backtests: what every model would have said at every cutoff, each fold fitted afresh on the rows before it.

A backtest is known by all that decides its numbers, so the same question finds the folder of the same answer: a
finished one is read, a broken one goes on where it stopped.

backtests/<id>/
    plan.json                  what was asked, on which data, with which versions
    <first cutoff>-<model>.npz one fold of one model: its quantiles, and what the fit said of itself
"""

import dataclasses
import functools
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.environment import Progress, no_progress
from forecaster.errors import DamageError, ForecasterError
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.executors import FoldFits
from forecaster.files import check_writable, json_text, write_file
from forecaster.models.base import Fitted, LocatedForecaster
from forecaster.models.quantile.location_gate import LocationGains
from forecaster.quantiles import SCORING_LEVELS, level_weights

__all__ = ["FoldRecord", "read_fold", "run_backtest"]


@dataclasses.dataclass(frozen=True)
class FoldRecord:
    """What one model said in one fold.

    Args:
        model: Registry key.
        fold: Which cutoffs.
        rows: Name -> (N,) row numbers of the cutoffs, none where the model cannot run.
        quantiles: Name -> (N, S, 9) quantiles of the log return at `SCORING_LEVELS` and the kept steps of the plan,
            as the model gives them.
        facts: What the fits said: ``skipped`` (name -> why there is no forecast) and ``states``.
        gains: Of the location, of this fold; None for a model without one.
    """

    model: str
    fold: Fold
    rows: Mapping[str, IntArray]
    quantiles: Mapping[str, FloatArray]
    facts: Mapping[str, Any]
    gains: LocationGains | None


def run_backtest(
    plan: BacktestPlan, folder: Path, progress: Progress = no_progress, processes: int = 1
) -> list[FoldRecord]:
    """Fit and forecast what the folder does not hold yet.

    Args:
        plan: What to do.
        folder: Of this backtest; made where it does not exist.
        progress: Told after every fold of every model, and by the fits in between that are made in this process.
        processes: How many fits of networks at once, each in a process of its own; 1 makes them in this one. The
            numbers are the same.

    Returns:
        One record for each model and fold, fold by fold.

    Raises:
        StorageError: A record cannot be written.
        DamageError: A record cannot be read.
    """
    # Not model by model: a network takes longest, and each fold as long as the next.
    tasks = [(name, fold) for fold in plan.folds for name in plan.forecasters]
    records: list[FoldRecord] = []
    known: dict[str, list[LocationGains]] = {name: [] for name in plan.forecasters}
    progress("backtest", 0, len(tasks))
    missing = [(name, fold) for name, fold in tasks if not _path(folder, name, fold).exists()]
    if missing:  # a finished one can be read where nothing can be written
        check_writable(folder)
        write_file(folder / "plan.json", (json_text(plan.facts()) + "\n").encode())
    with FoldFits(plan, missing, processes, progress) as fits:
        for name, fold in tasks:
            path = _path(folder, name, fold)
            if path.exists():
                record = read_fold(path, name, fold, plan)
            else:
                record = _run_fold(plan, name, fold, fits, known[name])
                write_file(path, _fold_bytes(record, plan.named))
            if record.gains is not None:
                known[name].append(record.gains)
            records.append(record)
            progress("backtest", len(records), len(tasks))
    return records


def _path(folder: Path, name: str, fold: Fold) -> Path:
    return folder / f"{fold.start}-{name}.npz"


def _run_fold(plan: BacktestPlan, name: str, fold: Fold, fits: FoldFits, known: Sequence[LocationGains]) -> FoldRecord:
    model = plan.forecasters[name]
    skipped: dict[str, str] = {}
    rows = {one: np.empty(0, dtype=np.intp) for one in plan.named}
    steps = plan.kept_steps(name)
    quantiles = {one: np.empty((0, len(steps), len(SCORING_LEVELS))) for one in plan.named}
    states: list[dict[str, Any]] = []
    evidence: LocationGains | None = None
    for panel, fitted in fits(name, fold):
        named = [one for one in panel if one.instrument.name in plan.named]
        if isinstance(fitted, ForecasterError):
            skipped |= {one.instrument.name: fitted.messages[0] for one in named}
            continue
        if model.traits.located:
            located = cast(LocatedForecaster, model)
            fitted = located.with_location(fitted, _supported(known, located))
        states.append(fitted.report.to_json())
        for series in named:
            cutoffs = fold.rows(series.dates, plan.stride)
            rows[series.instrument.name] = cutoffs = cutoffs[cutoffs >= fitted.first_row]
            quantiles[series.instrument.name] = _at_scoring_levels(fitted, series, cutoffs, steps)
        if model.traits.located:
            settled = {one.instrument.name: fold.settled_rows(one.dates, plan.config.horizon) for one in panel}
            evidence = located.location_gains(fitted, panel, settled)
    return FoldRecord(name, fold, rows, quantiles, {"skipped": skipped, "states": states}, evidence)


def _supported(known: Sequence[LocationGains], model: LocatedForecaster) -> list[int]:
    """What earlier folds decide for this one: there is no validation, since every row before it is learned from."""
    return functools.reduce(LocationGains.then, known, LocationGains.none(model.knots)).supported(model.knots)


def _at_scoring_levels(fitted: Fitted, series: PriceSeries, rows: IntArray, steps: Sequence[int]) -> FloatArray:
    """(N, S, 9)."""
    if not len(rows):
        return np.empty((0, len(steps), len(SCORING_LEVELS)))
    made = fitted.forecast(series, rows, max(steps))
    values = made.log_returns(steps)
    if made.quantile_levels == SCORING_LEVELS:
        return values
    return np.asarray(values @ level_weights(made.quantile_levels, SCORING_LEVELS))


def _fold_bytes(record: FoldRecord, named: Sequence[str]) -> bytes:
    arrays: dict[str, AnyArray] = {"facts": np.frombuffer(json_text(record.facts).encode(), dtype=np.uint8)}
    for number, name in enumerate(named):
        arrays[f"rows_{number}"], arrays[f"quantiles_{number}"] = record.rows[name], record.quantiles[name]
    if record.gains is not None:
        arrays |= {"gain_days": record.gains.days, "gains": record.gains.gains}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read_fold(path: Path, model: str, fold: Fold, plan: BacktestPlan) -> FoldRecord:
    """A record that `run_backtest` has written.

    Raises:
        DamageError: The file is no such record; zip members carry their own checksums.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(arrays["facts"].tobytes())
        rows = {name: arrays[f"rows_{number}"] for number, name in enumerate(plan.named)}
        quantiles = {name: arrays[f"quantiles_{number}"] for number, name in enumerate(plan.named)}
        _check_record(facts, rows, quantiles, len(plan.kept_steps(model)))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DamageError(
            f"{path} cannot be read: {error}; expected the record of a fold; delete it, and it is made anew"
        ) from error
    evidence = LocationGains(arrays["gain_days"], arrays["gains"]) if "gain_days" in arrays else None
    return FoldRecord(model, fold, rows, quantiles, facts, evidence)


def _check_record(facts: Any, rows: Mapping[str, IntArray], quantiles: Mapping[str, FloatArray], steps: int) -> None:
    """Raise ValueError where the arrays of a record do not fit each other or the plan."""
    if not isinstance(facts, dict) or not {"skipped", "states"} <= facts.keys():
        raise ValueError("its facts are not those of a fit")
    for name, one in quantiles.items():
        if one.shape != (*rows[name].shape, steps, len(SCORING_LEVELS)):
            raise ValueError(f"it holds quantiles {one.shape} of {name} for cutoffs {rows[name].shape}")
