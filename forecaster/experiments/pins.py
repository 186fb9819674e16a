"""Pinned runs: runs that the user prefers for the instruments that they scored."""

from collections.abc import Collection
from pathlib import Path

from forecaster.errors import DamageError
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run, runs_folder
from forecaster.experiments.stored_files import parse_sealed, sealed_json
from forecaster.files import read_regular_file, write_file

__all__ = ["pin_run", "pinned_runs", "remove_pins", "unpin_runs"]

SCHEMA = "pins/1"
MAX_BYTES = 2**20


def pinned_runs(home: Path) -> tuple[str, ...]:
    """Ids of the pinned runs, the newest pin last; none where nothing was pinned.

    Raises:
        DamageError: The file of pins was altered.
    """
    path = _path(home)
    try:
        document = parse_sealed(read_regular_file(path, MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except ValueError as error:
        raise DamageError(_damage(path)) from error
    ids = document.get("runs") if document.get("schema") == SCHEMA else None
    if not isinstance(ids, list) or not all(isinstance(run_id, str) for run_id in ids):
        raise DamageError(_damage(path))
    return tuple(ids)


def pin_run(home: Path, run: Run, others: tuple[RunSummary, ...]) -> None:
    """Prefer `run` for every instrument that it scored.

    Args:
        home: Project folder.
        run: The run.
        others: The readable runs of the project. A pin of one that scored the same instrument at the same frequency
            is replaced.

    Raises:
        DamageError: The file of pins was altered.
        StorageError: It cannot be written.
    """
    replaced = {other.id for other in others if other.frequency == run.frequency and other.scored & run.scored}
    ids = [run_id for run_id in pinned_runs(home) if run_id not in replaced and run_id != run.id]
    _write(home, [*ids, run.id])


def remove_pins(home: Path, run_ids: Collection[str]) -> tuple[str, ...]:
    """Remove the pins of runs that are no longer there; returns the ids of those that were pinned.

    Raises:
        DamageError: The file of pins was altered.
        StorageError: It cannot be written.
    """
    ids = pinned_runs(home)
    removed = tuple(run_id for run_id in ids if run_id in run_ids)
    if removed:
        _write(home, [run_id for run_id in ids if run_id not in removed])
    return removed


def unpin_runs(home: Path) -> tuple[str, ...]:
    """Remove every pin, those of a damaged file as well; returns the ids of the runs that were pinned."""
    try:
        ids = pinned_runs(home)
    except DamageError:
        ids = ()
    if _path(home).exists():
        _write(home, [])
    return ids


def _write(home: Path, ids: list[str]) -> None:
    write_file(_path(home), sealed_json({"schema": SCHEMA, "runs": ids}))


def _path(home: Path) -> Path:
    return runs_folder(home) / "pinned.json"


def _damage(path: Path) -> str:
    return f"{path} is not what this program wrote; expected a list of runs; remove it with: forecast runs use --none"
