"""Fits of trainings as tasks of an executor: the network learns elsewhere, scores and run are made here."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.environment import Progress
from forecaster.errors import UsageError
from forecaster.evaluation.splits import Split
from forecaster.experiments.executors import Executor, results_in_order
from forecaster.models.base import Fitted
from forecaster.pipeline import fit, forecaster_of

__all__ = ["FinishedFit", "Fitter", "TrainingFit", "fit_elsewhere", "fit_here", "fit_task", "next_of"]


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingFit:
    """Everything that a fit of a training needs.

    Args:
        config: Resolved configuration.
        panel: The series.
        split: Rows that may be learned from.
        chosen: Decisions of an earlier fit, for a refit; see `FitReport.chosen`.
    """

    config: Config
    panel: Panel
    split: Split
    chosen: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class FinishedFit:
    """A fitted model, and the seconds that the fit took where it was computed."""

    fitted: Fitted
    seconds: float


Fitter = Callable[[TrainingFit, Progress], FinishedFit]
"""Computes the fit of a training."""


def fit_here(needed: TrainingFit, progress: Progress) -> FinishedFit:
    """Fit in this process."""
    begun = time.perf_counter()
    model = forecaster_of(needed.config)
    fitted = fit(model, needed.panel, needed.split, needed.config, progress, chosen=needed.chosen)
    return FinishedFit(fitted, time.perf_counter() - begun)


def fit_task(shared: Sequence[TrainingFit], task: int, progress: Progress) -> FinishedFit | UsageError:
    """The fit number `task`; an error about it is a result, since other fits go on."""
    try:
        return fit_here(shared[task], progress)
    except UsageError as error:
        return error


def fit_elsewhere(executor: Executor) -> Fitter:
    """A fitter whose fits are tasks of `executor`, a session for each."""

    def fitter(needed: TrainingFit, progress: Progress) -> FinishedFit:
        with executor.open(fit_task, (needed,), 1) as session:
            return next_of(results_in_order(session, [0]))(needed, progress)

    return fitter


def next_of(results: Iterator[FinishedFit | UsageError]) -> Fitter:
    """A fitter that waits for the next of `results`."""

    def fitter(needed: TrainingFit, progress: Progress) -> FinishedFit:
        progress("fit", 0, 1, detail="elsewhere")
        result = next(results)
        progress("fit", 1, 1)
        if isinstance(result, UsageError):
            raise result
        return result

    return fitter
