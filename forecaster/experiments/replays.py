"""Comparison of a run with a repetition of its training: data, weights, forecasts and scores."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.data.series import Panel
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.run_differences import Difference, differences
from forecaster.experiments.run_summaries import metrics_of
from forecaster.experiments.runs import Run

__all__ = ["MAX_SCORE_DIFFERENCE", "ReplayedRun", "changed_members", "compared"]

MAX_SCORE_DIFFERENCE = 0.01
"""Largest relative difference of a CRPS on test rows between kinds of processors, engines and versions of libraries."""

_PLACES = ("data.exog", "data.events")  # paths of files, whose content is compared
_ENVIRONMENT = ("engine", "processor")


@dataclasses.dataclass(frozen=True)
class ReplayedRun:
    """A run and a repetition of its training.

    Args:
        run: The run.
        again: The repetition, a run in another folder.
        environment: Facts about software and processor that differ.
        others: Other facts that differ: data and configuration.
        weights: Largest difference of a weight, relative to the largest weight of its array.
        scores: Metric on test rows -> relative difference, of those that differ.
        forecasts: Largest difference of a quantile in the forecasts after the last rows, relative to the largest one.
    """

    run: Run
    again: Run
    environment: tuple[Difference, ...]
    others: tuple[Difference, ...]
    weights: float
    scores: Mapping[str, float]
    forecasts: float

    @property
    def is_identical(self) -> bool:
        """True if weights, forecasts, scores and the calibration that a refit takes over have the same bits."""
        same_calibration = self.run.manifest.carried == self.again.manifest.carried
        return self.weights == self.forecasts == 0 and not self.scores and same_calibration

    @property
    def is_repeated(self) -> bool:
        """True if the result is identical, or close enough where software or processor differ."""
        crps = [abs(value) for name, value in self.scores.items() if name.startswith("crps@")]
        close = bool(self.environment) and max(crps, default=0.0) <= MAX_SCORE_DIFFERENCE
        return not self.others and (self.is_identical or close)


def changed_members(run: Run, panel: Panel) -> dict[str, str]:
    """Name -> change, of the histories that are not those of the training.

    Args:
        run: The run.
        panel: The series that a repetition would use.
    """
    members = run.manifest.data.members
    changes = {name: "is missing" for name in members if name not in panel.names}
    for series in panel:
        name = series.instrument.name
        if name not in members:
            changes[name] = "was not part of the training"
        elif series.sha256 != members[name].sha256:
            before = members[name]
            changes[name] = (
                f"has {len(series)} rows to {series.dates[-1]} instead of {before.rows} to {before.last}"
                if (len(series), series.dates[-1]) != (before.rows, before.last)
                else "has other prices in the same rows"
            )
    return changes


def compared(run: Run, again: Run, forecasts: Sequence[tuple[Prediction, Prediction]]) -> ReplayedRun:
    """A run next to a repetition of its training.

    Args:
        run: The run.
        again: The repetition.
        forecasts: Pairs of a forecast of the run and that of the repetition.
    """
    labelled = {"run": run, "again": again}
    every = differences(labelled, sorted(run.scored & again.scored), {})
    environment = tuple(each for each in every if _is_environment(each) and each.subject not in _unrecorded(run))
    others = tuple(each for each in every if not _is_environment(each) and each.subject not in _PLACES)
    first = metrics_of(run)
    second = metrics_of(again)
    scores = {
        name: (second[name] - value) / (abs(value) or 1.0)
        for name, value in first.items()
        if name in second and second[name] != value
    }
    return ReplayedRun(run, again, environment, others, _weights(run, again), scores, _quantiles(forecasts))


def _is_environment(difference: Difference) -> bool:
    return difference.subject in _ENVIRONMENT or difference.subject.startswith(("version of ", "setting of "))


def _unrecorded(run: Run) -> set[str]:
    """Facts that the version of the training did not record."""
    return set() if "code" in run.manifest.engine.versions else {"version of code"}


def _weights(run: Run, again: Run) -> float:
    first = run.fitted.arrays()
    second = again.fitted.arrays()
    if {name: array.shape for name, array in first.items()} != {name: array.shape for name, array in second.items()}:
        return float("inf")
    return max((_largest(first[name], second[name]) for name in first), default=0.0)


def _quantiles(forecasts: Sequence[tuple[Prediction, Prediction]]) -> float:
    return max((_largest(first.forecast.values, second.forecast.values) for first, second in forecasts), default=0.0)


def _largest(first: np.ndarray, second: np.ndarray) -> float:
    if first.size == 0 or np.array_equal(first, second):
        return 0.0
    scale = float(np.abs(first).max()) or 1.0
    return float(np.abs(second.astype(float) - first).max() / scale)
