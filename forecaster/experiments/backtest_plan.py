"""What a backtest is asked: everything that decides its numbers, and so the name of its folder."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forecaster
from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.evaluation.splits import Fold
from forecaster.models.base import Forecaster

__all__ = ["BacktestPlan", "backtests_folder"]

_SCHEMA = 2


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
        steps: Days ahead that are scored.
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
            "models": {name: model.options.model_dump(mode="json") for name, model in self.forecasters.items()},
            "folds": [[str(fold.start), str(fold.end)] for fold in self.folds],
            "steps": list(self.steps),
            "stride": self.stride,
            "engine": self.engine,
        }

    def panels(self, name: str) -> list[Panel]:
        """What the model `name` is fitted on at once: everything, or one series after the other."""
        return (
            [self.panel] if self.forecasters[name].traits.panel else [Panel((self.panel[one],)) for one in self.named]
        )

    def kept_steps(self, name: str) -> tuple[int, ...]:
        """Days ahead that the records of the model `name` hold: its own where calibrated ones decide those between."""
        knots: tuple[int, ...] = getattr(self.forecasters[name], "knots", ())
        return knots if self.forecasters[name].traits.calibrated and not set(self.steps) <= set(knots) else self.steps

    @property
    def id(self) -> str:
        """Name of the folder: the named series and a hash of `facts`."""
        digest = hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()
        label = "".join(c if c.isalnum() else "_" for c in self.named[0])[:24]
        more = f"-and-{len(self.named) - 1}" if len(self.named) > 1 else ""
        return f"{label}{more}-{digest[:12]}"


def _inputs_hash(panel: Panel) -> str | None:
    digest = hashlib.sha256()
    for series in panel:
        for name, values in series.inputs.items():
            digest.update(name.encode())
            digest.update(values.tobytes())
    return digest.hexdigest() if any(one.inputs for one in panel) else None
