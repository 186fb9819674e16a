"""`runs`: the recorded trainings of a project, and which of them forecasts use first."""

import dataclasses
from pathlib import Path

from forecaster.environment import Environment
from forecaster.errors import ForecasterError
from forecaster.experiments.pins import pin_run, pinned_runs, unpin_runs
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run, find_run, runs_folder

__all__ = ["RunOverview", "overview", "use_no_run", "use_run"]


@dataclasses.dataclass(frozen=True)
class RunOverview:
    """Runs of a project.

    Args:
        runs: Those that can be read, newest first.
        pinned: Ids of pinned runs.
        damaged: An error for each run that cannot be read.
    """

    runs: tuple[RunSummary, ...]
    pinned: tuple[str, ...]
    damaged: tuple[ForecasterError, ...]


def overview(environment: Environment) -> RunOverview:
    """Every run of the project.

    Raises:
        DamageError: The file of pins was altered.
    """
    index = indexed_runs(runs_folder(environment.home))
    return RunOverview(index.runs, pinned_runs(environment.home), index.damaged)


def use_run(run_id: str, environment: Environment) -> Run:
    """Pin a run: forecasts of the instruments that it scored use it, whatever other runs there are.

    Args:
        run_id: Id of the run or its beginning; ``latest`` is the newest.
        environment: Home folder.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DamageError: The run, or the file of pins, is damaged.
    """
    home: Path = environment.home
    run = find_run(runs_folder(home), run_id)
    pin_run(home, run, indexed_runs(runs_folder(home)).runs)
    return run


def use_no_run(environment: Environment) -> tuple[str, ...]:
    """Remove all pins; returns the ids of the runs that were pinned."""
    return unpin_runs(environment.home)
