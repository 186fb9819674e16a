"""Capsules: one file with a run and the data of its training, to repeat it on another machine.

A capsule is a zip archive. Nothing in it is code, and its names say nothing about where its contents are written:

    capsule.json            schema, id of the run, and the histories that are not in it
    manifest.json, config.yaml, weights.npz, history.csv
    annotations/<name>.json
    data/<number>.npz       histories whose licence allows it
    lockboxes/<name>.json   openings of lockboxes with rows of its instruments
"""

import dataclasses
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from forecaster.data.series_files import history_bytes, history_of
from forecaster.data.sources.base import Loaded
from forecaster.data.sources.pinned import stored_histories
from forecaster.data.sources.registry import source_traits
from forecaster.errors import DamageError, ForecasterError, InputFileError, StorageError
from forecaster.experiments.annotations import FOLDER, NAME, annotation_files
from forecaster.experiments.annotations import MAX_BYTES as MAX_ANNOTATION_BYTES
from forecaster.experiments.lockboxes import FOLDER as LOCKBOXES
from forecaster.experiments.lockboxes import MAX_BYTES as MAX_OPENING_BYTES
from forecaster.experiments.lockboxes import NAME as LOCKBOX_NAME
from forecaster.experiments.lockboxes import Opening
from forecaster.experiments.recorded_data import recorded_versions
from forecaster.experiments.runs import Run
from forecaster.experiments.stored_files import (
    MAX_TEXT_BYTES,
    parse_arrays,
    parse_json,
    read_member,
    reported_as_value_error,
)
from forecaster.files import json_text, read_regular_file, require_bounded_packing, sha256_of

__all__ = ["RUN_FILES", "Capsule", "capsule_bytes", "read_capsule", "recorded_histories"]

SCHEMA = "capsule/1"
MAX_CAPSULE_BYTES = 2**28
MAX_UNPACKED_BYTES = 2**29
MAX_MEMBERS = 20_000
RUN_FILES = ("manifest.json", "config.yaml", "weights.npz", "history.csv")
_MAX_BYTES = {
    r"capsule\.json|config\.yaml": 2**20,
    r"manifest\.json|history\.csv": MAX_TEXT_BYTES,
    rf"{FOLDER}/{NAME.pattern}": MAX_ANNOTATION_BYTES,
    rf"{LOCKBOXES}/{LOCKBOX_NAME.pattern}": MAX_OPENING_BYTES,
    r"weights\.npz|data/[0-9]{1,6}\.npz": MAX_UNPACKED_BYTES,
}
"""Pattern of the names of members -> largest size of each; a capsule has no others."""

_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-\w{1,24}-[0-9a-f]{6}")
_DATE = (1980, 1, 1, 0, 0, 0)  # the same run gives the same bytes


@dataclasses.dataclass(frozen=True, eq=False)
class Capsule:
    """Content of a capsule.

    Args:
        run_id: Id of the run.
        files: Name in the folder of the run -> content.
        histories: Histories of the training.
        missing: Names of histories that the capsule does not hold, ``source/symbol/frequency@sha256``.
        openings: Openings of lockboxes with rows of the instruments.
    """

    run_id: str
    files: Mapping[str, bytes]
    histories: tuple[Loaded, ...]
    missing: tuple[str, ...]
    openings: tuple[Opening, ...] = ()


def recorded_histories(run: Run, home: Path, *, with_data: bool = True) -> tuple[list[Loaded], list[str]]:
    """Histories of a training that may be passed on, and the names of the others.

    Args:
        run: The run.
        home: Project folder, whose store holds the histories.
        with_data: False for no history at all.

    Returns:
        The histories, and ``source/name: SHA-256`` of those that the store lacks or whose source does not allow it.
    """
    histories: list[Loaded] = []
    missing: list[str] = []
    for source, versions in recorded_versions(run).items():
        may_be_passed_on = with_data and source_traits(source).redistributable
        stored = stored_histories(home, source, versions) if may_be_passed_on else {}
        histories += stored.values()
        missing += [f"{source}/{name}: {sha256}" for name, sha256 in versions.items() if name not in stored]
    return histories, sorted(missing)


def capsule_bytes(
    run: Run, histories: Sequence[Loaded], missing: Sequence[str], openings: Sequence[Opening] = ()
) -> bytes:
    """Content of the file of a capsule.

    Args:
        run: The run; its files have to agree with its manifest.
        histories: Histories to include.
        missing: Names of those that are left out.
        openings: Openings of lockboxes with rows of its instruments.

    Raises:
        DamageError: A file of the run cannot be read, or was altered.
        StorageError: The content is too large for an import.
    """
    members = {"capsule.json": _facts(run, missing)}
    for name in RUN_FILES:
        members[name] = _file_of(run, name)
    for path in annotation_files(run.folder):
        members[f"{FOLDER}/{path.name}"] = _content(path, MAX_ANNOTATION_BYTES)
    for number, loaded in enumerate(histories):
        members[f"data/{number}.npz"] = history_bytes(loaded)
    for opening in openings:
        members[f"{LOCKBOXES}/{opening.name}"] = opening.content()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            packing = zipfile.ZIP_STORED if name.endswith(".npz") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, packing)
    if len(file.getvalue()) > MAX_CAPSULE_BYTES:
        raise StorageError(
            f"run {run.id} has {len(file.getvalue()) // 2**20} MB as one file; expected up to "
            f"{MAX_CAPSULE_BYTES // 2**20}; leave out the prices with --no-data, or copy its folder"
        )
    return file.getvalue()


def _facts(run: Run, missing: Sequence[str]) -> bytes:
    facts = {"schema": SCHEMA, "run_id": run.id, "missing": list(missing)}
    return (json_text(facts) + "\n").encode()


def _file_of(run: Run, name: str) -> bytes:
    content = _content(run.folder / name, MAX_UNPACKED_BYTES)
    if name != "manifest.json" and sha256_of(content) != run.manifest.files.get(name):
        raise DamageError(
            f"{run.folder / name} is not what the manifest recorded; expected the file of the training; choose another"
        )
    return content


def _content(path: Path, limit: int) -> bytes:
    try:
        return read_regular_file(path, limit)
    except (OSError, ValueError) as error:
        raise DamageError(f"{path} cannot be read: {error}; expected the files of the run; choose another") from error


def read_capsule(path: Path) -> Capsule:
    """The content of a capsule; nothing is written, and nothing in it is executed.

    Raises:
        InputFileError: There is no such file, or it must not be read.
        DamageError: It is not a capsule, is damaged, or is too large.
    """
    try:
        members = _members(read_regular_file(path, MAX_CAPSULE_BYTES))
        facts = parse_json(members.pop("capsule.json"))
        if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
            raise ValueError(f"expected the schema {SCHEMA}")
        run_id, missing = facts["run_id"], facts["missing"]
        if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
            raise ValueError("the id of its run is not valid")
        if not isinstance(missing, list) or not all(isinstance(name, str) for name in missing):
            raise ValueError("what it lacks is not a list of names")
        histories = tuple(_history(content) for name, content in members.items() if name.startswith("data/"))
        openings = tuple(Opening.of_content(members[name]) for name in members if name.startswith(f"{LOCKBOXES}/"))
        files = {name: members[name] for name in members if not name.startswith(("data/", f"{LOCKBOXES}/"))}
        _check_files(files)
        return Capsule(run_id, files, histories, tuple(missing), openings)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise InputFileError(
            f"{path} cannot be read: {error.strerror}; expected a file of forecast runs export; check its name and mode"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ForecasterError) as error:
        reason = error.messages[0] if isinstance(error, ForecasterError) else error
        reason = f"it lacks {error}" if isinstance(error, KeyError) else reason
        raise DamageError(
            f"{path} cannot be imported: {reason}; expected a file of forecast runs export; nothing was written"
        ) from error


def _members(content: bytes) -> dict[str, bytes]:
    """Name -> content of every member of an archive, all names expected and all sizes bounded."""
    with reported_as_value_error(), zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        require_bounded_packing(member.compress_type for member in members)
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
            raise ValueError("it is too large")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("it holds a name twice")
        for member in members:
            _check_member(member)
        return {member.filename: read_member(archive, member) for member in members}


def _check_member(member: zipfile.ZipInfo) -> None:
    limits = [limit for pattern, limit in _MAX_BYTES.items() if re.fullmatch(pattern, member.filename)]
    if not limits:
        raise ValueError(f"it holds {member.filename[:80]!r}, which no capsule does")
    if member.file_size > limits[0]:
        raise ValueError(f"{member.filename!r} is too large")


def _history(content: bytes) -> Loaded:
    arrays = parse_arrays(content)
    return history_of(arrays, parse_json(arrays["facts"].tobytes()))


def _check_files(files: Mapping[str, bytes]) -> None:
    """Refuse files that do not agree with the manifest among them."""
    hashes = parse_json(files["manifest.json"])["files"]
    for name in RUN_FILES[1:]:
        if sha256_of(files[name]) != hashes[name]:
            raise ValueError(f"{name} is not what its manifest recorded")
