"""`runs`: the recorded trainings of a project: list, show, compare, annotate, pin and remove them."""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from forecaster.environment import Environment
from forecaster.errors import DamageError, ForecasterError, StorageError, UsageError
from forecaster.experiments.annotations import Annotations, add_note, annotations_of, change_tags
from forecaster.experiments.pins import pin_run, pinned_runs, remove_pins, unpin_runs
from forecaster.experiments.run_differences import RunPair, paired
from forecaster.experiments.run_filters import parse_condition, selected_runs
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run, find_run, run_folders, runs_folder
from forecaster.files import PARTIAL_PREFIX, storage_faults
from forecaster.frames import Row, Tabular

__all__ = [
    "RunDetails",
    "RunOverview",
    "annotate_run",
    "diff_runs",
    "named_folders",
    "note_run",
    "remove_runs",
    "runs",
    "show_run",
    "use_no_run",
    "use_run",
]


@dataclasses.dataclass(frozen=True)
class RunOverview(Tabular):
    """Runs of a project.

    Args:
        runs: Those that can be read and meet the conditions, in order.
        total: Number of all that can be read.
        pinned: Ids of pinned runs.
        damaged: An error for each run that cannot be read, or whose notes and tags cannot.
    """

    runs: tuple[RunSummary, ...]
    total: int
    pinned: tuple[str, ...]
    damaged: tuple[ForecasterError, ...]

    @property
    def title(self) -> str:
        """Name of the table."""
        return "runs"

    def table_rows(self) -> list[Row]:
        """A row for each run: facts, and metrics on the test rows."""
        return [
            {
                "run_id": run.id,
                "created": run.created,
                "instruments": ",".join(run.instruments),
                "model": run.model,
                "configuration": run.configuration.name,
                "frequency": run.frequency,
                "fitted_until": run.fitted_until,
                "tags": ",".join(run.tags),
                **run.metrics,
            }
            for run in self.runs
        ]


@dataclasses.dataclass(frozen=True)
class RunDetails:
    """One run with its notes and tags.

    Args:
        run: The run.
        summary: Its summary.
        annotations: Notes and tags.
        pinned: True if forecasts prefer it.
    """

    run: Run
    summary: RunSummary
    annotations: Annotations
    pinned: bool


def runs(
    *,
    where: str | Sequence[str] = (),
    sort: str | None = None,
    descending: bool = False,
    limit: int | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
) -> RunOverview:
    """Runs of the project.

    Args:
        where: Conditions that all have to hold, such as ``tag=best`` or ``crps_ratio.garch@1<1``.
        sort: Fact or metric to sort by, the smallest first; the newest run first when None.
        descending: True to reverse the order.
        limit: Largest number of runs.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.

    Raises:
        UsageError: A condition is not valid, or names a fact that no run has.
        DamageError: The file of pins was altered.
    """
    environment = environment or Environment.at(home)
    conditions = [where] if isinstance(where, str) else where
    index = indexed_runs(runs_folder(environment.home))
    chosen = selected_runs(index.runs, [parse_condition(text) for text in conditions], sort, descending)
    unreadable = [DamageError(run.unreadable_notes) for run in index.runs if run.unreadable_notes]
    return RunOverview(tuple(chosen[:limit]), len(chosen), pinned_runs(environment.home), (*index.damaged, *unreadable))


def show_run(run_id: str, environment: Environment) -> RunDetails:
    """One run with its notes and tags.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DamageError: It is damaged.
    """
    run = find_run(runs_folder(environment.home), run_id)
    pinned = run.id in pinned_runs(environment.home)
    return RunDetails(run, RunSummary.of(run), annotations_of(run.folder), pinned)


def diff_runs(first: str, second: str, environment: Environment) -> RunPair:
    """Facts and metrics in which two runs differ.

    Raises:
        RunNotFoundError: There is no such run, or several.
        UsageError: Both are the same run.
        DamageError: One of them is damaged.
    """
    runs = [find_run(runs_folder(environment.home), run_id) for run_id in (first, second)]
    if runs[0].id == runs[1].id:
        raise UsageError(f"{first} and {second} are the same run, {runs[0].id}; expected two runs; name another")
    return paired(*runs)


def note_run(run_id: str, text: str, author: str, environment: Environment) -> Run:
    """Add a note to a run.

    Raises:
        RunNotFoundError: There is no such run, or several.
        UsageError: The text is empty or too long.
        StorageError: The note cannot be written.
    """
    run = find_run(runs_folder(environment.home), run_id)
    add_note(run.folder, text, author, environment.clock())
    return run


def annotate_run(
    run_id: str, added: Sequence[str], removed: Sequence[str], author: str, environment: Environment
) -> tuple[Run, tuple[str, ...]]:
    """Add tags to a run and remove others; returns the run and its tags.

    Raises:
        RunNotFoundError: There is no such run, or several.
        UsageError: A tag is not valid, or one to remove is not there.
        StorageError: The change cannot be written.
    """
    run = find_run(runs_folder(environment.home), run_id)
    tags = annotations_of(run.folder).tags
    missing = [tag for tag in removed if tag not in tags]
    if missing:
        has = f"its tags are {', '.join(tags)}" if tags else "it has none"
        raise UsageError(f"run {run.id} has no tag {missing[0][:80]!r}; {has}; expected one of them; change --remove")
    new = [tag for tag in dict.fromkeys(added) if tag not in tags]
    if new or removed:
        change_tags(run.folder, new, removed, author, environment.clock())
    return run, annotations_of(run.folder).tags


def remove_runs(run_ids: Sequence[str], environment: Environment) -> tuple[list[str], tuple[str, ...]]:
    """Delete runs with their weights, and their pins; a damaged run can be deleted by its whole id.

    Each folder disappears at once, whatever happens meanwhile.

    Returns:
        The ids of the runs, and of those among them that were pinned.

    Raises:
        RunNotFoundError: There is no such run, or several; nothing is deleted.
        DamageError: The file of pins was altered; nothing is deleted.
        StorageError: A folder cannot be deleted.
    """
    folders = named_folders(run_ids, environment)
    pinned_runs(environment.home)  # a damaged file of pins is reported before anything is deleted
    for path in folders:
        partial = path.with_name(f"{PARTIAL_PREFIX}{os.getpid()}-{path.name}")
        with storage_faults(path), contextlib.suppress(FileNotFoundError):  # another process may delete it as well
            os.rename(path, partial)
        shutil.rmtree(partial, ignore_errors=True)
        if partial.exists():
            raise StorageError(f"{partial} cannot be deleted as a whole; delete the rest by hand")
    names = [path.name for path in folders]
    return names, remove_pins(environment.home, names)


def named_folders(run_ids: Sequence[str], environment: Environment) -> list[Path]:
    """Folders of runs, each once; a damaged run is named by its whole id.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DamageError: A damaged run is named by the beginning of its id.
    """
    folder = runs_folder(environment.home)
    return list(dict.fromkeys(_folder_of(folder, run_id) for run_id in run_ids))


def _folder_of(folder: Path, run_id: str) -> Path:
    try:
        return find_run(folder, run_id).folder
    except DamageError:
        matching = [path for path in run_folders(folder) if path.name == run_id]
        if not matching:
            raise
        return matching[0]


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
