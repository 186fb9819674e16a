"""Reuse of weights: a fit that a run has recorded is not repeated."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forecaster.config import Config
from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import ForecasterError
from forecaster.evaluation.splits import Split
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.runs import Run
from forecaster.files import plain, sha256_of
from forecaster.models.base import Fitted
from forecaster.models.engine import Engine, cpu_features, engine_versions

__all__ = ["ReusedFit", "fit_key", "recorded_fit"]


@dataclasses.dataclass(frozen=True, eq=False)
class ReusedFit:
    """Weights of a recorded run.

    Args:
        run: The run.
        fitted: Its model, with the learning curve.
    """

    run: Run
    fitted: Fitted


def fit_key(config: Config, panel: Panel, split: Split, engine: Engine, version: str) -> str:
    """Hash of all that decides the weights of a fit: model, seed, horizon, split, every input, software and processor.

    The named instruments are not part of it: one fit of a panel serves all its members.

    Args:
        config: Resolved configuration.
        panel: The series, with their covariates.
        split: Rows that may be learned from.
        engine: Backend and device.
        version: Version of this program.
    """
    facts = {
        "model": config.model.model_dump(mode="json"),
        "seed": config.seed,
        "members": config.members,
        "horizon": config.horizon,
        "split": [str(split.validation_start), str(split.test_start)],
        "panel": {member.instrument.name: _series_hash(member) for member in panel},
        "engine": [engine.backend, engine.device],
        "versions": {"forecaster": version, **engine_versions()},
        "processor": cpu_features(),
    }
    return sha256_of(json.dumps(plain(facts), sort_keys=True).encode())


def _series_hash(series: PriceSeries) -> str:
    """Hash of all numbers of a history, its covariates included; where it came from does not count."""
    parts = []
    for field in dataclasses.fields(series):
        value = getattr(series, field.name)
        if isinstance(value, np.ndarray):
            parts.append((field.name, sha256_of(value.tobytes())))
        elif isinstance(value, Mapping) and field.name != "meta":
            parts += [(f"{field.name}.{name}", sha256_of(column.tobytes())) for name, column in sorted(value.items())]
        elif field.name in ("frequency", "source", "events"):
            parts.append((field.name, str(value)))
    # The calendar decides on which days the calendar of volatility sees a move; pairs alone are inverted in a training.
    facts = (series.meta.get("calendar", ""), series.differences, series.instrument.kind)
    parts.append(("facts", repr(facts)))
    return sha256_of(repr(parts).encode())


def recorded_fit(folder: Path, key: str) -> ReusedFit | None:
    """The newest run whose weights are those of the fit `key`; None where there is none that can be read.

    A refit does not count: its weights are not those that were tested.
    """
    for summary in indexed_runs(folder).runs:
        if summary.fit_key != key or summary.refit:
            continue
        try:
            run = summary.read()
            fitted = run.fitted
            curve = tuple({**row, "step": int(row["step"])} for row in run.history())
            report = dataclasses.replace(fitted.report, curve=curve)
        except ForecasterError:  # damaged: it is reported where it is used
            continue
        fitted.report = report  # type: ignore[misc]
        return ReusedFit(run, fitted)
    return None
