"""Backtests: what every model would have said at every cutoff, each fold fitted afresh on the rows before it.

A backtest is known by all that decides its numbers, so the same question finds the folder of the same answer: a
finished one is read, a broken one goes on where it stopped.

backtests/<id>/
    plan.json                  what was asked, on which data, with which versions
    <first cutoff>-<model>.npz one fold of one model: its quantiles, and what the fit said of itself
"""

import dataclasses
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

import forecaster
from forecaster.config import Config
from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import DamageError, NotEnoughDataError, UsageError
from forecaster.evaluation.folds import Fold
from forecaster.experiments.files import check_writable, json_text, write_file
from forecaster.forecast import SCORING_LEVELS, level_weights
from forecaster.models import PANEL_MODELS
from forecaster.models.base import Fitted, Forecaster, Progress, no_progress
from forecaster.models.location import LocationGains
from forecaster.pipeline import fit

__all__ = ["BacktestPlan", "FoldRecord", "backtests_folder", "read_fold", "run_backtest"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_SCHEMA = 1


def backtests_folder(home: Path) -> Path:
    """Where the backtests of a project are."""
    return home / "backtests"


@dataclasses.dataclass(frozen=True)
class BacktestPlan:
    """Everything that decides the numbers of a backtest.

    Args:
        panel: What a panel model learns from; the named series are among it.
        named: Names of the series that are forecast.
        config: Horizon and seed, and what else decides the data.
        forecasters: Registry key -> model, not yet fitted.
        folds: In order.
        steps: Days ahead that are kept.
        stride: Every so many rows is a cutoff.
        engine: Backend and device, since another one gives other last bits.
    """

    panel: Panel
    named: tuple[str, ...]
    config: Config
    forecasters: Mapping[str, Forecaster]
    folds: tuple[Fold, ...]
    steps: tuple[int, ...]
    stride: int
    engine: str

    def facts(self) -> dict[str, Any]:
        """The plan in JSON values."""
        return {
            "schema": _SCHEMA,
            "version": forecaster.__version__,
            "named": list(self.named),
            "data": {one.instrument.name: one.sha256 for one in self.panel},
            "inputs": _inputs_hash(self.panel),
            "config": self.config.model_dump(mode="json", exclude={"backend", "device", "refit", "split"}),
            "models": {name: _options(model) for name, model in self.forecasters.items()},
            "folds": [[str(fold.start), str(fold.end)] for fold in self.folds],
            "steps": list(self.steps),
            "stride": self.stride,
            "engine": self.engine,
        }

    @property
    def id(self) -> str:
        """Name of the folder: the named series and a hash of `facts`."""
        digest = hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()
        label = "".join(c if c.isalnum() else "_" for c in self.named[0])[:24]
        more = f"-and-{len(self.named) - 1}" if len(self.named) > 1 else ""
        return f"{label}{more}-{digest[:12]}"


def _options(model: Forecaster) -> dict[str, Any]:
    options: dict[str, Any] = model.options.model_dump(mode="json")  # type: ignore[attr-defined]
    return options


def _inputs_hash(panel: Panel) -> str | None:
    digest = hashlib.sha256()
    for series in panel:
        for name, values in series.inputs.items():
            digest.update(name.encode())
            digest.update(values.tobytes())
    return digest.hexdigest() if any(one.inputs for one in panel) else None


@dataclasses.dataclass(frozen=True)
class FoldRecord:
    """What one model said in one fold.

    Args:
        model: Registry key.
        fold: Which cutoffs.
        rows: Name -> (N,) row numbers of the cutoffs, none where the model cannot run.
        quantiles: Name -> (N, S, 9) quantiles of the log return at `SCORING_LEVELS`, as the model gives them.
        facts: What the fits said: ``skipped`` (name -> why there is no forecast) and ``states``.
        gains: Of the location, of this fold; None for a model without one.
    """

    model: str
    fold: Fold
    rows: Mapping[str, IntArray]
    quantiles: Mapping[str, FloatArray]
    facts: Mapping[str, Any]
    gains: LocationGains | None


def run_backtest(plan: BacktestPlan, folder: Path, progress: Progress = no_progress) -> list[FoldRecord]:
    """Fit and forecast what the folder does not hold yet.

    Args:
        plan: What to do.
        folder: Of this backtest; made where it does not exist.
        progress: Told after every fold of every model, and by the fits in between.

    Returns:
        One record for each model and fold, fold by fold.

    Raises:
        StorageError: A record cannot be written.
        DamageError: A record cannot be read.
    """
    check_writable(folder)
    write_file(folder / "plan.json", (json_text(plan.facts()) + "\n").encode())
    total = len(plan.forecasters) * len(plan.folds)
    records: list[FoldRecord] = []
    known: dict[str, list[LocationGains]] = {name: [] for name in plan.forecasters}
    progress("backtest", 0, total)
    for fold in plan.folds:  # not model by model: a network takes longest, and each fold as long as the next
        for name, model in plan.forecasters.items():
            path = folder / f"{fold.start}-{name}.npz"
            if path.exists():
                record = read_fold(path, name, fold, plan.named)
            else:
                record = _run_fold(plan, name, model, fold, known[name], progress)
                write_file(path, _fold_bytes(record, plan.named))
            if record.gains is not None:
                known[name].append(record.gains)
            records.append(record)
            progress("backtest", len(records), total)
    return records


def _run_fold(
    plan: BacktestPlan, name: str, model: Forecaster, fold: Fold, known: Sequence[LocationGains], progress: Progress
) -> FoldRecord:
    skipped: dict[str, str] = {}
    rows = {one: np.empty(0, dtype=np.intp) for one in plan.named}
    quantiles = {one: np.empty((0, len(plan.steps), len(SCORING_LEVELS))) for one in plan.named}
    states: list[dict[str, Any]] = []
    evidence: LocationGains | None = None
    for panel in _panels(plan, name):
        named = [one for one in panel if one.instrument.name in plan.named]
        try:
            fitted = fit(model, panel, fold.split, plan.config, progress, _decided(known, model))
        except (NotEnoughDataError, UsageError) as error:
            skipped |= {one.instrument.name: error.messages[0] for one in named}
            continue
        states.append(dict(fitted.state()))
        for series in named:
            cutoffs = fold.rows(series.dates, plan.stride)
            rows[series.instrument.name] = cutoffs = cutoffs[cutoffs >= fitted.first_row]
            quantiles[series.instrument.name] = _at_scoring_levels(fitted, series, cutoffs, plan.steps)
        if isinstance(model, Locating):
            settled = {one.instrument.name: fold.settled_rows(one.dates, plan.config.horizon) for one in panel}
            evidence = model.location_gains(fitted, panel, settled)
    return FoldRecord(name, fold, rows, quantiles, {"skipped": skipped, "states": states}, evidence)


@runtime_checkable
class Locating(Protocol):
    """A forecaster whose location is used only where forecasts that its weights had not seen support it."""

    knots: tuple[int, ...]

    def location_gains(self, fitted: Any, panel: Panel, rows: Mapping[str, IntArray]) -> LocationGains:
        """What the location gains at `rows`; see `forecaster.models.lstm.LSTM.location_gains`."""


def _decided(known: Sequence[LocationGains], model: Forecaster) -> dict[str, Any]:
    """What earlier folds decide for this one: there is no validation, since every row before it is learned from."""
    if not isinstance(model, Locating):
        return {}
    together = functools.reduce(LocationGains.then, known, LocationGains.none(model.knots))
    return {"location_steps": together.supported(model.knots)}


def _panels(plan: BacktestPlan, name: str) -> Iterator[Panel]:
    """What a model is fitted on at once: everything, or one series after the other."""
    if name in PANEL_MODELS:
        yield plan.panel
    else:
        yield from (Panel((plan.panel[one],)) for one in plan.named)


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
    arrays: dict[str, npt.NDArray[Any]] = {"facts": np.frombuffer(json_text(record.facts).encode(), dtype=np.uint8)}
    for number, name in enumerate(named):
        arrays[f"rows_{number}"], arrays[f"quantiles_{number}"] = record.rows[name], record.quantiles[name]
    if record.gains is not None:
        arrays |= {"gain_days": record.gains.days, "gains": record.gains.gains}
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # the stub types the keywords as flags
    return content.getvalue()


def read_fold(path: Path, model: str, fold: Fold, named: Sequence[str]) -> FoldRecord:
    """A record that `run_backtest` has written.

    Raises:
        DamageError: The file is no such record; zip members carry their own checksums.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(arrays["facts"].tobytes())
        rows = {name: arrays[f"rows_{number}"] for number, name in enumerate(named)}
        quantiles = {name: arrays[f"quantiles_{number}"] for number, name in enumerate(named)}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DamageError(
            f"{path} cannot be read: {error}; expected the record of a fold; delete it, and it is made anew"
        ) from error
    evidence = LocationGains(arrays["gain_days"], arrays["gains"]) if "gain_days" in arrays else None
    return FoldRecord(model, fold, rows, quantiles, facts, evidence)
