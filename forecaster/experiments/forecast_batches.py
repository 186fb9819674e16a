"""Forecasts of many histories: batches of one run each, computed here or in other processes while the next is read."""

import dataclasses
from pathlib import Path

from forecaster.environment import Progress
from forecaster.errors import ForecasterError
from forecaster.experiments.executors import Executor, InProcess, Processes
from forecaster.experiments.executors.capacity import default_processes
from forecaster.experiments.forecasting import Wanted, forecasts_together
from forecaster.experiments.predictions import Prediction
from forecaster.experiments.runs import Run, read_run

__all__ = ["ForecastBatch", "LoadedRuns", "batch_executor", "compute_batch"]

PROCESS_BYTES = 300_000_000
"""Memory of a process that forecasts batches of 32 series of 20 years."""


class LoadedRuns:
    """Runs by their folders, each read once in a process; other processes read them again."""

    def __init__(self) -> None:
        self._runs: dict[Path, Run] = {}

    def add(self, run: Run) -> None:
        """Remember a run that was read already."""
        self._runs[run.folder] = run

    def get(self, folder: Path) -> Run:
        """The run in a folder.

        Raises:
            DamageError: It has been damaged or removed.
        """
        if folder not in self._runs:
            self.add(read_run(folder))
        return self._runs[folder]

    def __reduce__(self) -> tuple[type["LoadedRuns"], tuple[()]]:
        return LoadedRuns, ()


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastBatch:
    """Forecasts of one run.

    Args:
        folder: Folder of the run.
        wanted: The forecasts.
    """

    folder: Path
    wanted: tuple[Wanted, ...]


def compute_batch(runs: LoadedRuns, batch: ForecastBatch, progress: Progress) -> list[Prediction | ForecasterError]:
    """The forecasts of a batch, or the error of each; see `forecasts_together`."""
    return forecasts_together(runs.get(batch.folder), batch.wanted)


def batch_executor(jobs: int | None) -> Executor:
    """Computes batches in `jobs` processes; None for as many as processors and memory allow."""
    count = default_processes(PROCESS_BYTES) if jobs is None else jobs
    return InProcess() if count < 2 else Processes(count, _prepare)


def _prepare() -> None:
    """Prepare nothing: a network forecasts in NumPy, or chooses its engine itself."""
