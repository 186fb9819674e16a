"""Index of the runs of a project: their summaries in one file, so that thousands of runs are listed at once.

``runs/.index.json`` is a cache. A run whose manifest is new or has changed is read again, and without the file, or
with a damaged one, every run is. The runs alone are the truth; people who share a folder need no lock.
"""

import contextlib
import dataclasses
import functools
import json
import operator
import os
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, NonNegativeInt, TypeAdapter

from forecaster.errors import DamageError, ForecasterError, NewerSchemaError, StorageError
from forecaster.experiments.annotations import FOLDER
from forecaster.experiments.configurations import ConfigurationFacts
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import folder_names, holds_files, read_run
from forecaster.files import plain, read_regular_file, sha256_of, write_file

__all__ = ["RunIndex", "indexed_runs"]

SCHEMA = "run-index/4"
MAX_INDEX_BYTES = 2**28
_NAME = ".index.json"

Version = tuple[int, int, int]
"""Times of the last change of a manifest and of the notes in nanoseconds, and the size of the manifest."""


@dataclasses.dataclass(frozen=True)
class RunIndex:
    """All runs of a project.

    Args:
        runs: Summaries of those that can be read, newest first.
        damaged: An error for each that cannot be read, newest first.
    """

    runs: tuple[RunSummary, ...]
    damaged: tuple[ForecasterError, ...]


def indexed_runs(folder: Path) -> RunIndex:
    """Every run in `folder`; the index is brought up to date where the folder can be written.

    Args:
        folder: Folder of all runs.
    """
    recorded = _recorded(folder)
    current: dict[str, _Entry] = {}
    damaged: list[ForecasterError] = []
    parent = str(folder)
    for name in folder_names(folder):
        version = _version(f"{parent}{os.sep}{name}")
        entry = recorded.get(name)
        try:
            if entry is None or entry.version != version:
                if not holds_files(folder / name):
                    continue
                entry = _Entry(version, RunSummary.of(read_run(folder / name)))
            current[name] = entry
        except (DamageError, NewerSchemaError) as error:
            damaged.append(error)
    if _versions(current) != _versions(recorded):
        with contextlib.suppress(StorageError):  # a folder of somebody else: the next command reads the runs again
            write_file(folder / _NAME, _index_bytes(current.values()))
    return RunIndex(tuple(entry.summary for entry in current.values()), tuple(damaged))


class _Entry(NamedTuple):
    version: Version
    summary: RunSummary


def _versions(entries: Mapping[str, _Entry]) -> dict[str, Version]:
    return {name: entry.version for name, entry in entries.items()}


def _version(folder: str) -> Version:
    try:
        facts = os.stat(f"{folder}{os.sep}manifest.json")
    except OSError:  # reading it says why
        return 0, 0, 0
    try:
        noted = os.stat(f"{folder}{os.sep}{FOLDER}").st_mtime_ns
    except OSError:
        noted = 0
    return facts.st_mtime_ns, noted, facts.st_size


_OWN = ("created", "fit_key", "metric_values")
"""Facts that no two runs share; every other value stands in the index once, however many runs have it."""

_SHARED = tuple(field.name for field in dataclasses.fields(RunSummary) if field.name not in ("id", "parent", *_OWN))

_NUMBER = r"(-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?|nan|-?inf)"


@functools.cache
def _types() -> tuple[Mapping[str, TypeAdapter[Any]], TypeAdapter[Any]]:
    """Types of the columns of shared values, and of the rows of the runs; a forged index is none."""
    hints = typing.get_type_hints(RunSummary)
    numbers = Annotated[str, Field(pattern=f"^({_NUMBER}( {_NUMBER})*)?$")]
    row = tuple[str, int, int, int, tuple[str, str, numbers], list[NonNegativeInt]]
    columns = {name: TypeAdapter(list[hints[name]]) for name in _SHARED}  # type: ignore[valid-type]
    return columns, TypeAdapter(list[row])


def _recorded(folder: Path) -> dict[str, _Entry]:
    """Name -> version and summary of the runs in the index; empty where there is no valid one."""
    try:
        head, _, body = read_regular_file(folder / _NAME, MAX_INDEX_BYTES).partition(b"\n")
        if head != _head(body):  # of another version, or damaged
            return {}
        document = json.loads(body)
        types, rows = _types()
        columns = [types[name].validate_python(document["shared"][name]) for name in _SHARED]
        entries = {
            name: _Entry(
                (changed, noted, size),
                RunSummary(name, folder, *own, *map(operator.getitem, columns, places)),
            )
            for name, changed, noted, size, own, places in rows.validate_python(document["runs"])
        }
        return entries if all(_has_value_for_each_metric(entry.summary) for entry in entries.values()) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}


def _has_value_for_each_metric(run: RunSummary) -> bool:
    values = run.metric_values.count(" ") + 1 if run.metric_values else 0
    return values == len(run.metric_names)


def _index_bytes(entries: Collection[_Entry]) -> bytes:
    places: dict[str, dict[str, int]] = {name: {} for name in _SHARED}
    runs = []
    for version, summary in entries:
        texts = {name: _text(getattr(summary, name)) for name in _SHARED}
        shared = [places[name].setdefault(text, len(places[name])) for name, text in texts.items()]
        runs.append([summary.id, *version, [getattr(summary, name) for name in _OWN], shared])
    values = {name: [json.loads(text) for text in column] for name, column in places.items()}
    body = json.dumps({"shared": values, "runs": runs}, allow_nan=False, separators=(",", ":")).encode()
    return _head(body) + b"\n" + body


def _head(body: bytes) -> bytes:
    """First line of the file: schema and SHA-256 of the rest."""
    return f"{SCHEMA} {sha256_of(body)}".encode()


def _text(value: Any) -> str:
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, ConfigurationFacts):
        value = value.to_json()
    return json.dumps(plain(value), allow_nan=False)
