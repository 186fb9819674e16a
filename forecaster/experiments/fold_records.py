"""Records of a backtest: the forecasts of one model in one fold, in a file that names what it holds.

A record carries its own name, model and fold and a SHA-256 of all its arrays. A record of another model, fold or
backtest under its name, a damaged one, and one whose rows or quantiles cannot be those of its fold are refused.
"""

import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.errors import DamageError, ForecasterError
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import MAX_PLAN_BYTES, BacktestPlan
from forecaster.experiments.stored_files import MAX_FILE_BYTES, arrays_checksum, parse_arrays, parse_json
from forecaster.files import json_text, plain, read_regular_file
from forecaster.models.base import FitReport
from forecaster.models.quantile.location_gate import LocationGains
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FoldRecord", "check_plan", "read_fold", "record_bytes"]

_CHECKSUM = "sha256"


@dataclasses.dataclass(frozen=True)
class FoldRecord:
    """Forecasts of one model in one fold.

    Args:
        model: Registry key.
        fold: Cutoffs of the record.
        rows: Name -> (N,) row numbers of the cutoffs, none where the model cannot run.
        quantiles: Name -> (N, S, 9) quantiles of the log return at `SCORING_LEVELS` and at the stored steps of the
            plan, as the model gives them.
        facts: ``skipped`` (name -> reason why there is no forecast) and ``states`` (reports of the fits).
        gains: Gains of the location in this fold; None for a model without one.
        widths: Name -> (N, H) factors of the widths of the steps 1 to H, with which steps between the stored ones are
            interpolated; none for a model to which all days are alike.
    """

    model: str
    fold: Fold
    rows: Mapping[str, IntArray]
    quantiles: Mapping[str, FloatArray]
    facts: Mapping[str, Any]
    gains: LocationGains | None
    widths: Mapping[str, FloatArray] = dataclasses.field(default_factory=dict)


def record_bytes(record: FoldRecord, number: int, plan: BacktestPlan) -> bytes:
    """Content of the file of a record.

    Args:
        record: The record.
        number: Number of its fold.
        plan: Plan of the backtest.

    Raises:
        ForecasterError: Its quantiles are not finite, or do not increase.
    """
    try:
        _check_values(record, plan)
    except ValueError as error:
        raise ForecasterError(
            f"{record.model} in the fold from {record.fold.start}: {error}; expected finite, increasing quantiles; "
            "nothing was recorded for this fold; leave the model out with --models, or lower its learning rate"
        ) from error
    facts = {**_identity(record.model, number, plan), **record.facts}
    arrays: dict[str, AnyArray] = {"facts": np.frombuffer(json_text(facts).encode(), dtype=np.uint8)}
    for place, name in enumerate(plan.named):
        arrays[f"rows_{place}"] = record.rows[name]
        arrays[f"quantiles_{place}"] = record.quantiles[name]
        if name in record.widths:
            arrays[f"widths_{place}"] = record.widths[name]
    if record.gains is not None:
        arrays |= {
            "gain_days": record.gains.days,
            "gains": record.gains.gains,
            "gain_products": record.gains.products,
            "gain_series": np.array(record.gains.series),
        }
    arrays[_CHECKSUM] = np.frombuffer(bytes.fromhex(arrays_checksum(arrays)), dtype=np.uint8)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _identity(model: str, number: int, plan: BacktestPlan) -> dict[str, Any]:
    """Facts that say which record it is; its name contains a hash of all that decides its numbers."""
    fold = plan.folds[number]
    return {"record": plan.record_name(model, number), "model": model, "fold": [str(fold.start), str(fold.end)]}


def read_fold(path: Path, name: str, number: int, plan: BacktestPlan) -> FoldRecord:
    """The record of the model `name` in fold `number`, as `record_bytes` has written it.

    Raises:
        DamageError: The file cannot be read, is altered, or is the record of something else.
    """
    try:
        arrays = parse_arrays(read_regular_file(path, MAX_FILE_BYTES))
        checksum = arrays.pop(_CHECKSUM).tobytes().hex()
        if checksum != arrays_checksum(arrays):
            raise ValueError("it is not what was written (SHA-256 differs)")
        facts = parse_json(arrays.pop("facts").tobytes())
        _check_identity(facts, _identity(name, number, plan))
        record = FoldRecord(
            model=name,
            fold=plan.folds[number],
            rows={series: arrays.pop(f"rows_{place}") for place, series in enumerate(plan.named)},
            quantiles={series: arrays.pop(f"quantiles_{place}") for place, series in enumerate(plan.named)},
            facts={key: facts[key] for key in ("skipped", "states")},
            gains=_read_gains(arrays) if "gain_days" in arrays else None,
            widths={
                series: arrays.pop(f"widths_{place}")
                for place, series in enumerate(plan.named)
                if f"widths_{place}" in arrays
            },
        )
        if arrays:
            raise ValueError(f"it holds more than a record: {', '.join(arrays):.100}")
        _check_facts(record, plan)
        _check_values(record, plan)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamageError(
            f"{path} cannot be used: {error}; expected the record of {name} in the fold from "
            f"{plan.folds[number].start}; delete it, and it is made anew"
        ) from error
    return record


def _read_gains(arrays: dict[str, AnyArray]) -> LocationGains:
    series = arrays.pop("gain_series")
    if series.shape or series.dtype.kind != "i" or series < 0:
        raise ValueError("its number of series is not a whole number")
    return LocationGains(arrays.pop("gain_days"), arrays.pop("gains"), arrays.pop("gain_products"), int(series))


def _check_identity(facts: Any, expected: Mapping[str, Any]) -> None:
    if not isinstance(facts, dict):
        raise ValueError("its facts are not those of a fit")
    for key, value in expected.items():
        if facts.get(key) != value:
            raise ValueError(f"it is the record of another fit ({key} is {facts.get(key)!s:.100})")


def _check_facts(record: FoldRecord, plan: BacktestPlan) -> None:
    """Raise ValueError, or what `FitReport.from_json` raises, where the facts are not those of a fit."""
    skipped = record.facts["skipped"]
    if not isinstance(skipped, dict) or not all(isinstance(reason, str) for reason in skipped.values()):
        raise ValueError("its reasons for missing forecasts are not texts")
    if not skipped.keys() <= set(plan.named):
        raise ValueError("it names series that the backtest does not forecast")
    for state in record.facts["states"]:
        FitReport.from_json(state)


def _check_values(record: FoldRecord, plan: BacktestPlan) -> None:
    """Raise ValueError where rows or quantiles cannot be those of the fold."""
    steps = plan.stored_steps(record.model)
    for name in plan.named:
        rows = record.rows[name]
        quantiles = record.quantiles[name]
        cutoffs = record.fold.rows(plan.panel[name].dates, plan.stride)
        # A model may need more rows than there are before the first cutoffs.
        if (
            rows.ndim != 1
            or rows.dtype.kind != "i"
            or not np.array_equal(rows, cutoffs[max(len(cutoffs) - len(rows), 0) :])
        ):
            raise ValueError(f"its rows of {name} are not cutoffs of the fold")
        if quantiles.shape != (len(rows), len(steps), len(SCORING_LEVELS)) or quantiles.dtype != np.float64:
            raise ValueError(f"it holds quantiles {quantiles.shape} of {name} for {len(rows)} cutoffs")
        if not np.isfinite(quantiles).all():
            raise ValueError(f"quantiles of {name} are not finite")
        if (np.diff(quantiles, axis=-1) < 0).any():
            raise ValueError(f"quantiles of {name} do not increase")
        if name in record.widths:
            _check_widths(record.widths[name], (len(rows), plan.config.horizon), name)
    if record.gains is not None:
        _check_gains(record.gains, len(steps))


def _check_widths(widths: FloatArray, shape: tuple[int, int], name: str) -> None:
    if widths.shape != shape or widths.dtype != np.float64:
        raise ValueError(f"it holds factors {widths.shape} of the widths of {name}; expected {shape}")
    if not (np.isfinite(widths).all() and (widths > 0).all()):
        raise ValueError(f"factors of the widths of {name} are not positive")


def _check_gains(gains: LocationGains, steps: int) -> None:
    if gains.days.ndim != 1 or gains.days.dtype != np.int64 or (np.diff(gains.days) <= 0).any():
        raise ValueError("days of the location gains do not increase")
    for values in (gains.gains, gains.products):
        if values.shape != (len(gains.days), steps) or values.dtype != np.float64 or np.isinf(values).any():
            raise ValueError("location gains are infinite, or do not fit the steps")


def check_plan(plan: BacktestPlan, folder: Path) -> None:
    """Compare the recorded plan with `plan`, from whose hash the name of its folder is made.

    Raises:
        DamageError: It is altered, or cannot be read.
    """
    path = plan.plan_path(folder)
    try:
        if parse_json(read_regular_file(path, MAX_PLAN_BYTES)) == plain(plan.facts()):
            return
        problem = "it is not what was written"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise DamageError(
        f"{path} is damaged: {problem}; expected the plan of this backtest; delete it, and it is made anew"
    )
