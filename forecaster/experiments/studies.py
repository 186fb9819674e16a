"""Studies of searches: a folder with what decides the search, and one file for each trial.

searches/<id>/
    study.json            data, configuration, space, folds; the id holds its hash
    trials/<number>.json  settings, state and losses of a trial
    lockbox.json          scores of the winner on the rows that no trial has seen, once they were opened
    findings.json         luck and effects of the trials, once all were finished
    lock                  held by the process that searches

Each file holds a checksum of its content and of its place, so that an altered one is refused, and one of another trial
or study as well.

The forecasts of the trials are the records of backtests (`forecaster.experiments.backtests`).
"""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import itertools
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

from forecaster.errors import DamageError, ForecasterError, RunNotFoundError
from forecaster.experiments.search_space import Settings, is_inside, space_of_document
from forecaster.experiments.stored_files import parse_json, parse_sealed, sealed_json
from forecaster.files import check_writable, read_regular_file, storage_faults, write_file

if sys.platform != "win32":
    import fcntl

__all__ = [
    "SCHEMA",
    "Study",
    "Trial",
    "TrialState",
    "find_study",
    "searches_folder",
    "study_folders",
    "study_id",
    "study_lock",
]

TrialState = Literal["running", "complete", "pruned", "failed"]

SCHEMA = 3
MAX_STUDY_BYTES = 2**24
_FACTS = ("named", "config", "space", "baseline", "steps", "folds", "lockbox")


def searches_folder(home: Path) -> Path:
    """Folder of the searches of a project."""
    return home / "searches"


def study_folders(home: Path) -> list[Path]:
    """Folders of all studies of a project, by name."""
    return sorted(path.parent for path in searches_folder(home).glob("*/study.json"))


def find_study(home: Path, name: str) -> "Study":
    """The study with an id.

    Args:
        home: Project folder.
        name: The id, its beginning if no other study begins so, or ``latest``.

    Raises:
        RunNotFoundError: There is no such study, or several.
        DamageError: A file of it cannot be read, or is altered; for ``latest`` a file of any study.
    """
    folders = study_folders(home)
    fitting = [folder for folder in folders if folder.name == name]
    if name == "latest":
        studies = map(Study.read, folders)
        fitting = [study.folder for study in sorted(studies, key=lambda study: study.created)[-1:]]
    fitting = fitting or [folder for folder in folders if folder.name.startswith(name)]
    if len(fitting) != 1:
        names = ", ".join(folder.name for folder in fitting or folders) or "there is none"
        count = "several studies" if fitting else "no study"
        raise RunNotFoundError(f"{name:.80} names {count}; expected one of those in searches: {names}")
    return Study.read(fitting[0])


def study_id(facts: Mapping[str, Any]) -> str:
    """Name of a study: its first instrument, its kind of network, and a hash of all facts that decide its trials."""
    label = "".join(c if c.isalnum() else "_" for c in facts["named"][0])[:24]
    content = json.dumps({key: value for key, value in facts.items() if key != "created"}, sort_keys=True)
    return f"{label}-{facts['config']['model']['kind']}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


@dataclasses.dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Args:
        number: Place in the study, from 0.
        settings: Keys that the trial sets, with their values; none for the starting configuration.
        state: ``running`` until all its folds are scored; ``pruned`` where it was clearly worse than the best one on
            its first folds; ``failed`` where it cannot be trained.
        losses: Loss of each fold that was scored, all days.
        steering: Loss of each on the days that steer the search.
        reason: Reason of a failure; empty for none.
    """

    number: int
    settings: Settings
    state: TrialState = "running"
    losses: tuple[float, ...] = ()
    steering: tuple[float, ...] = ()
    reason: str = ""

    @property
    def steering_means(self) -> list[float]:
        """Mean steering loss of the first fold, of the first two, and so on."""
        return [total / count for count, total in enumerate(itertools.accumulate(self.steering), start=1)]

    @property
    def loss(self) -> float:
        """Mean loss of all scored folds; infinite without one."""
        return statistics.fmean(self.losses) if self.losses else math.inf

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The trial that `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
        trial = cls(
            number=document["number"],
            settings=document["settings"],
            state=document["state"],
            losses=tuple(float(loss) for loss in document["losses"]),
            steering=tuple(float(loss) for loss in document["steering"]),
            reason=document["reason"],
        )
        if not isinstance(trial.number, int) or not isinstance(trial.settings, dict):
            raise ValueError("it is not a trial")
        if trial.state not in get_args(TrialState) or not isinstance(trial.reason, str):
            raise ValueError(f"its state is {trial.state!s:.40}")
        if len(trial.losses) != len(trial.steering) or (trial.state == "complete" and not trial.losses):
            raise ValueError("its losses are not those of folds")
        return trial


class Study:
    """A study on the disk, and its trials in memory.

    Args:
        folder: Folder of the study.
        facts: Content of ``study.json``.
        trials: Number -> trial.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], trials: Mapping[int, Trial]) -> None:
        self.folder = folder
        self.facts = facts
        self.trials = dict(trials)

    @classmethod
    def open(cls, folder: Path, facts: Mapping[str, Any], now: datetime.datetime) -> Self:
        """The study with these facts; it is made where it does not exist.

        Args:
            folder: Folder of the study.
            facts: Everything that decides its trials, in JSON values.
            now: Time at which it is made.

        Raises:
            DamageError: A file is damaged, or is that of another study.
            StorageError: The folder cannot be written.
        """
        path = folder / "study.json"
        check_writable(folder / "trials")
        if not path.exists():
            document = {**facts, "created": now.isoformat(timespec="seconds")}
            _write(folder, path.name, document)
        return cls.read(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """A study and its trials.

        Raises:
            DamageError: A file cannot be read, or is altered.
        """
        build = functools.partial(_facts, name=folder.name)
        facts = _read(folder, "study.json", "delete the folder, and search again", build)
        space = space_of_document(facts["space"])
        trials = {}
        for file in sorted((folder / "trials").glob("*.json")):
            trial = _read(folder, f"trials/{file.name}", "delete it, and the trial is made again", Trial.from_json)
            if trial.settings and not is_inside(trial.settings, space):
                raise DamageError(f"{file} is damaged: it has other settings than the space; delete it")
            trials[trial.number] = trial
        return cls(folder, facts, trials)

    def put(self, trial: Trial) -> None:
        """Record a trial, in the place of what was recorded of it before.

        Raises:
            StorageError: The disk is full, or the folder refuses the write.
        """
        self.write_document(_trial_file(trial.number), trial.to_json())
        self.trials[trial.number] = trial

    def before(self, number: int) -> list[Trial]:
        """Trials with a smaller number, in order."""
        return [self.trials[key] for key in sorted(self.trials) if key < number]

    def best(self) -> Trial | None:
        """The complete trial with the least loss, the first of equals; None where there is none."""
        return min(self.complete(), key=lambda trial: trial.loss, default=None)

    def leader(self, before: int) -> Trial | None:
        """The complete trial with the least steering loss among those with a smaller number; None likewise."""
        earlier = [trial for trial in self.complete() if trial.number < before]
        return min(earlier, key=lambda trial: sum(trial.steering), default=None)

    def complete(self) -> list[Trial]:
        """Trials that are scored in every fold, in order."""
        return [self.trials[number] for number in sorted(self.trials) if self.trials[number].state == "complete"]

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def created(self) -> str:
        """Time at which it was made, ISO 8601."""
        return str(self.facts.get("created", ""))

    @property
    def is_finished(self) -> bool:
        """True if no trial is under way."""
        return bool(self.trials) and all(trial.state != "running" for trial in self.trials.values())

    @property
    def lockbox(self) -> dict[str, Any] | None:
        """Record of the opened lockbox; None while it is closed.

        Raises:
            DamageError: It cannot be read.
        """
        record: dict[str, Any] | None = self.read_document("lockbox.json", _lockbox, "it cannot be made again")
        return record

    def record_lockbox(self, record: Mapping[str, Any]) -> None:
        """Record that the lockbox was opened, and what was found."""
        self.write_document("lockbox.json", record)

    def read_document(
        self, name: str, build: Callable[[Any], Any], advice: str = "delete it, and it is made again"
    ) -> Any:
        """A JSON file of the study, as `build` reads it; None where there is none.

        Raises:
            DamageError: It cannot be read, or `build` raises a ValueError, KeyError or TypeError.
        """
        return _read(self.folder, name, advice, build) if os.path.lexists(self.folder / name) else None

    def write_document(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file of the study.

        Raises:
            StorageError: The disk is full, or the folder refuses the write.
        """
        _write(self.folder, name, document)


def _lockbox(document: Any) -> dict[str, Any]:
    """The record of an opened lockbox; KeyError or ValueError for anything else."""
    numbers = [document["winner"], document["trials"], document["earlier_openings"]]
    if "losses" in document:
        numbers += [document["days"], document["losses"]["winner"], document["losses"]["start"]]
        tests = [document["p_against_start"], document["p_against_baseline"]]
        numbers += [value for value in tests if value is not None]
    if not all(isinstance(value, int | float) for value in numbers) or not isinstance(document["opened"], str):
        raise ValueError("it is not the record of a lockbox")
    return dict(document)


def _facts(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Content of ``study.json`` in the folder `name`; KeyError, TypeError or ValueError for anything else."""
    if not all(fact in document for fact in _FACTS) or study_id(document) != name:
        raise ValueError(f"it is not what this program has written as {name}")
    space_of_document(document["space"])
    for start, end in (*document["folds"], document["lockbox"]):
        if not datetime.date.fromisoformat(start) < datetime.date.fromisoformat(end):
            raise ValueError(f"the rows from {start} to {end} are none")
    if not all(isinstance(text, str) for text in (*document["named"], document["baseline"])):
        raise ValueError("names of instruments or of the baseline are no texts")
    if not all(isinstance(step, int) for step in document["steps"]):
        raise ValueError("steps are no numbers of rows")
    return document


def _trial_file(number: int) -> str:
    return f"trials/{number:06d}.json"


def _write(folder: Path, name: str, document: Mapping[str, Any]) -> None:
    write_file(folder / name, sealed_json(document, f"{folder.name}/{name}"))


def _read(folder: Path, name: str, advice: str, build: Callable[[Any], Any]) -> Any:
    """A JSON file of a study, as `build` reads it.

    Raises:
        DamageError: It cannot be read, was altered or is that of another place, or `build` raises an error.
    """
    path = folder / name
    try:
        content = read_regular_file(path, MAX_STUDY_BYTES)
        if parse_json(content).get("schema", SCHEMA) != SCHEMA:
            raise ValueError("it is a study of another version of the program")
        return build(parse_sealed(content, f"{folder.name}/{name}"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamageError(
            f"{path} is damaged: {error!s:.100}; expected what this program has written; {advice}"
        ) from error


@contextlib.contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a study; a process that ends, however it ends, gives it up.

    Raises:
        ForecasterError: Another process searches in this study.
        StorageError: The folder cannot be written.
    """
    path = folder / "lock"
    with storage_faults(path):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ForecasterError(
                f"another search works on the study {folder.name}; expected one at a time; wait for it, or end it"
            ) from None
        except OSError:  # a file system without locks
            return
