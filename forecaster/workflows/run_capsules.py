"""`runs export` and `runs import`: a run and its data as one file for another machine."""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import NoReturn

from forecaster.data.leases import version_lease
from forecaster.data.sources.registry import source_traits
from forecaster.data.store import Store
from forecaster.data.store_versions import store_path
from forecaster.environment import Environment
from forecaster.errors import DamageError, ForecasterError, StorageError
from forecaster.experiments.annotations import FOLDER, annotations_of
from forecaster.experiments.capsules import Capsule, capsule_bytes, read_capsule, recorded_histories
from forecaster.experiments.lockboxes import openings, record_opening
from forecaster.experiments.recorded_data import recorded_files, recorded_versions
from forecaster.experiments.runs import Run, find_run, read_run, runs_folder
from forecaster.files import check_target, storage_faults, write_file, write_folder

__all__ = ["ExportedRun", "ImportedRun", "export_run", "import_run"]


@dataclasses.dataclass(frozen=True)
class ExportedRun:
    """A run as one file.

    Args:
        path: The file.
        run: The run.
        histories: Names of the histories in it.
        missing: Names and hashes of the histories, and of the files of columns and events, that are not in it.
    """

    path: Path
    run: Run
    histories: tuple[str, ...]
    missing: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ImportedRun:
    """A run that came as a file.

    Args:
        run: The run, in the project.
        is_new: False if the project had it already; then new notes were added.
        histories: Names of histories that were put into the store.
        missing: Names and hashes of histories and files that it did not hold.
    """

    run: Run
    is_new: bool
    histories: tuple[str, ...]
    missing: tuple[str, ...]


def export_run(
    run_id: str, environment: Environment, path: Path | None = None, *, with_data: bool = True
) -> ExportedRun:
    """Write a run and its data as one file.

    Args:
        run_id: Id of the run, or its beginning; ``latest`` is the newest.
        environment: Home folder.
        path: File to write; the id of the run with the ending ``.capsule`` in the working directory when None.
        with_data: False to leave out all prices.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DamageError: The run or the store is damaged.
        StorageError: The file cannot be written.
    """
    run = find_run(runs_folder(environment.home), run_id)
    path = Path(f"{run.id}.capsule") if path is None else path
    check_target(path)
    with version_lease(environment.home):
        histories, missing = recorded_histories(run, environment.home, with_data=with_data)
    missing = [*missing, *(f"{path}: {sha256}" for path, sha256 in recorded_files(run).items())]
    names = set(run.manifest.data.instruments)
    opened = [opening for opening in openings(environment.home) if names & set(opening.instruments)]
    write_file(path, capsule_bytes(run, histories, missing, opened))
    return ExportedRun(path, run, tuple(loaded.series.name for loaded in histories), tuple(missing))


def import_run(path: Path, environment: Environment) -> ImportedRun:
    """Put the run in a file into the project, and its data into the store.

    Args:
        path: File of `export_run`.
        environment: Home folder and clock.

    Raises:
        DamageError: It is not such a file, is damaged or too large; nothing is written. Or another run has its id.
        StorageError: The project cannot be written.
    """
    capsule = read_capsule(path)
    _require_valid(capsule, path)
    folder = runs_folder(environment.home) / capsule.run_id
    # Prices first: without its run a history is useless but valid.
    names = _stored(capsule, environment) if capsule.histories else ()
    for opening in capsule.openings:
        record_opening(environment.home, opening)
    is_new = _put(capsule, folder)
    return ImportedRun(read_run(folder), is_new, names, capsule.missing)


def _put(capsule: Capsule, folder: Path) -> bool:
    """Write the run, or what is new of it; True if the project did not have it."""
    if not folder.exists():
        try:
            write_folder(folder, capsule.files)
        except StorageError:
            if not folder.exists():
                raise
        else:
            return True
    # It was there, or another process was faster.
    _merge(capsule, read_run(folder))
    return False


def _stored(capsule: Capsule, environment: Environment) -> tuple[str, ...]:
    """Put histories that the store does not have into it; returns their names."""
    names = []
    with Store.open(store_path(environment.home), clock=environment.clock) as store:
        for loaded in capsule.histories:
            series = loaded.series
            versions = store.versions(series.source, series.symbol, series.frequency)
            if series.sha256 not in {version.sha256 for version in versions}:
                store.save(series, loaded.findings)
                names.append(series.name)
    return tuple(names)


def _require_valid(capsule: Capsule, path: Path) -> None:
    """Refuse a capsule whose run cannot be read; it is tried outside the project.

    Raises:
        DamageError: Its manifest, configuration, weights, curve, notes or tags are not valid, or a history is not
            that of the training or may not be passed on.
    """
    with tempfile.TemporaryDirectory(prefix="forecast-import-") as name:
        folder = Path(name) / capsule.run_id
        write_folder(folder, capsule.files)
        try:
            run = read_run(folder)
            run.require_readable()
            annotations_of(folder)
        except ForecasterError as error:
            message = error.messages[0].replace(f"{folder}/", "").replace(str(folder), capsule.run_id)
            raise DamageError(f"{path} cannot be imported: {message}; nothing was written") from error
    versions = recorded_versions(run)
    for loaded in capsule.histories:
        series = loaded.series
        if series.sha256 != versions.get(series.source, {}).get(series.instrument.name):
            _refuse(path, f"{series.name[:80]} is not a history of its run")
        if not source_traits(series.source).redistributable:
            _refuse(path, f"it holds prices of {series.source[:40]}, whose terms do not allow it")


def _refuse(path: Path, problem: str) -> NoReturn:
    raise DamageError(
        f"{path} cannot be imported: {problem}; expected a file of forecast runs export; nothing was written"
    )


def _merge(capsule: Capsule, run: Run) -> None:
    """Add notes and tags that the project does not have to a run that it has.

    Raises:
        DamageError: The run of the project is another one.
    """
    manifest = json.loads((run.folder / "manifest.json").read_bytes())
    if json.loads(capsule.files["manifest.json"]) != manifest:
        raise DamageError(
            f"{run.folder} is another run with the id of the imported one; expected the same run; "
            "import it into another project with --home"
        )
    for name, content in capsule.files.items():
        target = run.folder / name
        if name.startswith(f"{FOLDER}/") and not target.exists():
            with storage_faults(target):
                target.parent.mkdir(exist_ok=True)
            write_file(target, content)
