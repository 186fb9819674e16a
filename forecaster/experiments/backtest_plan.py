"""Plan of a backtest: everything that decides its numbers, and the records that hold them."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import forecaster
from forecaster.config import WITHOUT_EFFECT, Config
from forecaster.data.events import known_hash
from forecaster.data.series import Panel, PriceSeries
from forecaster.evaluation.splits import Fold
from forecaster.experiments.stored_files import parse_json
from forecaster.files import read_regular_file
from forecaster.models.base import Forecaster
from forecaster.models.baselines.base import knots_up_to

__all__ = ["MAX_PLAN_BYTES", "BacktestPlan", "FitTask", "backtests_folder", "old_backtests"]

SCHEMA = 5
"""Number of the layout of plans and records; since 4 records carry what they are, since 5 all evidence of the gate."""

MAX_PLAN_BYTES = 2**26

_RECORDS = "fits"


def backtests_folder(home: Path) -> Path:
    """Folder of the backtests of a project."""
    return home / "backtests"


def old_backtests(folder: Path) -> list[Path]:
    """Folders of backtests that an earlier version has written: their records are not read."""
    with_records = {path.parent for path in folder.glob("*/*.npz") if path.parent.name != _RECORDS}
    return sorted(with_records | {path.parent for path in folder.glob("*/plan.json") if _is_old(path)})


def _is_old(path: Path) -> bool:
    """True for the plan of an earlier schema; not for a file that cannot be read as a plan."""
    try:
        return int(parse_json(read_regular_file(path, MAX_PLAN_BYTES))["schema"]) < SCHEMA
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclasses.dataclass(frozen=True)
class FitTask:
    """One fit of a backtest.

    Args:
        model: Registry key.
        fold: Number of the fold.
        panel: Number of the panel among those that the model is fitted on.
    """

    model: str
    fold: int
    panel: int


@dataclasses.dataclass(frozen=True)
class BacktestPlan:
    """Everything that decides the numbers of a backtest.

    Args:
        panel: Series that panel models learn from; the named series are among them.
        named: Names of the series that are forecast.
        config: Horizon, seed, and the settings of the data.
        forecasters: Registry key -> model, not yet fitted.
        folds: Folds, in order.
        steps: Rows ahead that are scored.
        stride: Only every so many rows is a cutoff.
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
        """The plan in JSON values, with the names of its records."""
        return {
            "schema": SCHEMA,
            "version": forecaster.__version__,
            "named": list(self.named),
            "data": {series.instrument.name: series.sha256 for series in self.panel},
            "config": self.config.model_dump(
                mode="json", exclude={"backend", "device", "refit", "split", *WITHOUT_EFFECT}
            ),
            "models": {name: model.options.model_dump(mode="json") for name, model in self.forecasters.items()},
            "folds": [[str(fold.start), str(fold.end)] for fold in self.folds],
            "steps": list(self.steps),
            "stride": self.stride,
            "engine": self.engine,
            "records": {
                name: [self.record_name(name, number) for number in range(len(self.folds))] for name in self.forecasters
            },
        }

    def panels(self, name: str) -> list[Panel]:
        """Panels that the model `name` is fitted on: the whole one, or one for each named series."""
        if self.forecasters[name].traits.panel:
            return [self.panel]
        return [Panel((self.panel[series],)) for series in self.named]

    def stored_steps(self, name: str) -> tuple[int, ...]:
        """Steps that the records of the model `name` hold; any step up to the horizon is interpolated from them."""
        knots: tuple[int, ...] = getattr(self.forecasters[name], "knots", ()) or knots_up_to(self.config.horizon)
        return knots

    @property
    def id(self) -> str:
        """Name of the folder of the plan: the first named series and a hash of `facts`."""
        label = "".join(c if c.isalnum() else "_" for c in self.named[0])[:24]
        more = f"-and-{len(self.named) - 1}" if len(self.named) > 1 else ""
        return f"{label}{more}-{_digest(self.facts())[:12]}"

    def plan_path(self, folder: Path) -> Path:
        """File of the plan among the backtests in `folder`."""
        return folder / self.id / "plan.json"

    def record_path(self, folder: Path, name: str, number: int) -> Path:
        """File of the record of the model `name` in a fold, among the backtests in `folder`."""
        return folder / _RECORDS / self.record_name(name, number)

    def record_name(self, name: str, number: int) -> str:
        """Name of the record of the model `name` in fold `number`.

        It depends on everything that decides the fit and its forecasts, and on nothing else: neither on the other
        models, nor on the steps that are scored, nor on rows after the fold.
        """
        model = self.forecasters[name]
        fold = self.folds[number]
        learned = self.panel.names if model.traits.panel else self.named
        facts = {
            "schema": SCHEMA,
            "version": forecaster.__version__,
            "model": name,
            "options": model.options.model_dump(mode="json"),
            "horizon": self.config.horizon,
            "seed": self.config.seed,
            "engine": self.engine if model.traits.engine else None,
            "named": list(self.named),
            "data": {series: self._hashes[series][number] for series in learned},
            "fold": [str(fold.start), str(fold.end)],
            # Gains of the location in earlier folds decide where it is used in this one.
            "earlier": [str(earlier.start) for earlier in self.folds[:number]] if model.traits.located else [],
            "stride": self.stride,
            "steps": list(self.stored_steps(name)),
            **({"members": self.config.members} if model.traits.engine and self.config.members > 1 else {}),
        }
        return f"{fold.start}-{name}-{_digest(facts)[:16]}.npz"

    @functools.cached_property
    def _hashes(self) -> dict[str, list[str]]:
        ends = [fold.end for fold in self.folds]
        return {series.instrument.name: _prefix_hashes(series, ends) for series in self.panel}


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _prefix_hashes(series: PriceSeries, ends: Sequence[np.datetime64]) -> list[str]:
    """SHA-256 of the rows before each of `ends`, which increase: dates, columns and covariates."""
    columns = {**series.columns, **{f"input {name}": values for name, values in series.inputs.items()}}
    names = [f"{series.source}/{series.symbol}/{series.frequency}", *sorted(columns)]
    if series.events:
        names.append(known_hash(series.events, series.events[-1].day))
    days = series.dates.astype("datetime64[D]").astype("<i8").astype("<f8")
    rows = np.column_stack([days, *(columns[name].astype("<f8") + 0.0 for name in sorted(columns))])
    rows[np.isnan(rows)] = np.nan  # one pattern of bits
    digest = hashlib.sha256("\0".join(names).encode())
    hashes = []
    first = 0
    for last in np.searchsorted(series.dates, ends).tolist():
        digest.update(np.ascontiguousarray(rows[first:last]).tobytes())
        hashes.append(digest.copy().hexdigest())
        first = last
    return hashes
