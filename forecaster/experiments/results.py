"""Results of trainings, audits and exports. `forecaster.output.documents` turns them into JSON."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from forecaster.evaluation.leakage.types import Check
from forecaster.evaluation.scores import MemberScores, Score
from forecaster.evaluation.verdict import Verdict
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_differences import RunPair
from forecaster.experiments.runs import Run
from forecaster.frames import Row, Tabular, flat
from forecaster.models.engine import Engine
from forecaster.models.exports.base import ExportInputs

__all__ = [
    "AuditResult",
    "ExportResult",
    "TrainResult",
]


@dataclasses.dataclass(frozen=True)
class TrainResult(Tabular):
    """A recorded training and its scores.

    Args:
        run: The run as recorded.
        scores: Scores of the named instruments, by part and step.
        verdict: Verdict on all named instruments together; None where the test has no rows.
        verdicts: Name -> verdict on one instrument.
        engine: Backend and device.
        seconds: ``data``, ``fit``, ``evaluate`` and ``total``.
        next_command: Command line of the forecast.
        fallbacks: Baseline -> instruments for which its parameters could not be estimated; see `FitReport.fallbacks`.
        predictions: Forecasts of the first of the named instruments, from the recorded run.
        weights_of: Id of the run whose weights were taken over instead of a new fit; None after a fit.
        member_scores: Scores of the members of an ensemble, for the first of the named instruments.
        change: The run whose configuration and data were used, and this one; None for a training of its own.
    """

    run: Run
    scores: Sequence[Score]
    verdict: Verdict | None
    verdicts: Mapping[str, Verdict]
    engine: Engine
    seconds: Mapping[str, float]
    next_command: str
    fallbacks: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    predictions: Sequence[Prediction] = ()
    weights_of: str | None = None
    member_scores: Sequence[MemberScores] = ()
    change: RunPair | None = None

    @property
    def title(self) -> str:
        """Id of the run."""
        return f"run {self.run.id}"

    def table_rows(self) -> list[Row]:
        """A row for each instrument, part of the split, step and model, with every metric."""
        rows: list[Row] = []
        for score in self.scores:
            about = {"instrument": score.instrument, "part": score.part, "step": score.step}
            for model in score.metrics["crps"]:
                columns = [flat(name, values[model]) for name, values in score.metrics.items() if model in values]
                rows.append({**about, "model": model, "n": score.n, **dict(itertools.chain.from_iterable(columns))})
        return rows


@dataclasses.dataclass(frozen=True)
class AuditResult(Tabular):
    """Outcome of an audit.

    Args:
        instruments: Names of the instruments.
        model: Registry key.
        shortened: Ways in which the fits were made shorter than configured.
        checks: Checks, in order.
        seconds: Seconds of each check.
    """

    instruments: Sequence[str]
    model: str
    shortened: Sequence[str]
    checks: Sequence[Check]
    seconds: Sequence[float]

    @property
    def clean(self) -> bool:
        """True if no check failed; a model that repeats yesterday is named, and is not a leak."""
        return all(check.outcome != "failed" for check in self.checks)

    @property
    def title(self) -> str:
        """Instruments and outcome."""
        return f"audit of {', '.join(self.instruments)}: {'clean' if self.clean else 'failed'}"

    def table_rows(self) -> list[Row]:
        """A row for each check, with its number of findings."""
        return [
            {"check": check.name, "outcome": check.outcome, "findings": len(check.findings), "seconds": seconds}
            for check, seconds in zip(self.checks, self.seconds, strict=True)
        ]


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """An exported forecaster, and its comparison with `predict`.

    Args:
        folder: Folder with all files.
        file: Name of the file or folder of the model in it.
        format: Registry key of the format.
        run_id: Run that was exported.
        model: Registry key of the model.
        instrument: Name of the series of the comparison, in canonical orientation.
        frequency: Length of a row.
        differences: True if the output is a change of the price instead of a log return.
        inputs: Description of inputs and output.
        forecasts: Number of forecasts that were compared.
        difference: Largest difference from `predict`, in units of the daily volatility.
        tolerance: Difference from which on nothing is exported.
        settled_difference: Largest difference where only the last rows are read; see `ExportInputs.settled`.
        cutoff: Last row of the example.
        last_price: Its price.
    """

    folder: Path
    file: str
    format: str
    run_id: str
    model: str
    instrument: str
    frequency: str
    differences: bool
    inputs: ExportInputs
    forecasts: int
    difference: float
    tolerance: float
    settled_difference: float
    cutoff: np.datetime64
    last_price: float
