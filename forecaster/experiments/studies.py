"""Studies of searches: a folder with what decides the search, and one file for each trial.

searches/<id>/
    study.json            data, configuration, space, folds; the id holds its hash
    trials/<number>.json  settings, state and losses of a trial
    lockbox.json          scores of the winner on the rows that no trial has seen, once they were opened
    lock                  held by the process that searches

The forecasts of the trials are the records of backtests (`forecaster.experiments.backtests`).
"""

import contextlib
import dataclasses
import datetime
import itertools
import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

from forecaster.errors import DamageError, ForecasterError, RunNotFoundError
from forecaster.experiments.search_space import Settings
from forecaster.experiments.stored_files import parse_json
from forecaster.files import check_writable, json_text, plain, read_regular_file, storage_faults, write_file

if sys.platform != "win32":
    import fcntl

__all__ = ["Study", "Trial", "TrialState", "searches_folder", "study_lock"]

TrialState = Literal["running", "complete", "pruned", "failed"]

MAX_STUDY_BYTES = 2**24


def searches_folder(home: Path) -> Path:
    """Folder of the searches of a project."""
    return home / "searches"


@dataclasses.dataclass(frozen=True)
class Trial:
    """One configuration that was tried.

    Args:
        number: Place in the study, from 0.
        settings: Keys that the trial sets, with their values; none for the starting configuration.
        state: ``running`` until all its folds are scored; ``pruned`` where it was clearly worse than the best one on
            its first folds; ``failed`` where it cannot be trained.
        losses: Loss of each fold that was scored.
        reason: Reason of a failure; empty for none.
    """

    number: int
    settings: Settings
    state: TrialState = "running"
    losses: tuple[float, ...] = ()
    reason: str = ""

    @property
    def mean_losses(self) -> list[float]:
        """Mean loss of the first fold, of the first two, and so on."""
        return [total / count for count, total in enumerate(itertools.accumulate(self.losses), start=1)]

    @property
    def loss(self) -> float:
        """Mean loss of all scored folds; infinite without one."""
        return self.mean_losses[-1] if self.losses else math.inf

    def to_json(self) -> dict[str, Any]:
        """The trial as JSON values."""
        return {**dataclasses.asdict(self), "settings": dict(self.settings), "losses": list(self.losses)}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The trial that `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
        trial = cls(
            number=document["number"],
            settings=document["settings"],
            state=document["state"],
            losses=tuple(float(loss) for loss in document["losses"]),
            reason=document["reason"],
        )
        if not isinstance(trial.number, int) or not isinstance(trial.settings, dict):
            raise ValueError("it is not a trial")
        if trial.state not in get_args(TrialState) or not isinstance(trial.reason, str):
            raise ValueError(f"its state is {trial.state!s:.40}")
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
            write_file(path, (json_text(document) + "\n").encode())
        study = cls.read(folder)
        if {**study.facts, "created": None} != {**plain(facts), "created": None}:
            raise DamageError(f"{path} is not what was written; expected the facts of this search; delete the folder")
        return study

    @classmethod
    def read(cls, folder: Path) -> Self:
        """A study and its trials.

        Raises:
            RunNotFoundError: There is none.
            DamageError: A file cannot be read, or is altered.
        """
        path = folder / "study.json"
        if not path.exists():
            names = (
                ", ".join(sorted(path.parent.name for path in folder.parent.glob("*/study.json"))) or "there is none"
            )
            raise RunNotFoundError(f"{folder.name} is no study; expected one of those in {folder.parent}: {names}")
        facts = _read(path, "delete the folder, and search again", dict)
        trials = {}
        for file in sorted((folder / "trials").glob("*.json")):
            trial = _read(file, "delete it, and the trial is made again", Trial.from_json)
            if file.stem != _stem(trial.number):
                raise DamageError(f"{file} is trial {trial.number}; expected {file.stem}; delete it")
            trials[trial.number] = trial
        return cls(folder, facts, trials)

    def put(self, trial: Trial) -> None:
        """Record a trial, in the place of what was recorded of it before.

        Raises:
            StorageError: The disk is full, or the folder refuses the write.
        """
        write_file(self.folder / "trials" / f"{_stem(trial.number)}.json", (json_text(trial.to_json()) + "\n").encode())
        self.trials[trial.number] = trial

    def before(self, number: int) -> list[Trial]:
        """Trials with a smaller number, in order."""
        return [self.trials[key] for key in sorted(self.trials) if key < number]

    def best(self, before: int | None = None) -> Trial | None:
        """The complete trial with the least loss, the first of equals; None where there is none.

        Args:
            before: Only trials with a smaller number; None for all.
        """
        complete = [
            trial
            for trial in (self.before(before) if before is not None else self.before(len(self.trials)))
            if trial.state == "complete"
        ]
        return min(complete, key=lambda trial: trial.loss, default=None)

    @property
    def lockbox(self) -> dict[str, Any] | None:
        """Record of the opened lockbox; None while it is closed.

        Raises:
            DamageError: It cannot be read.
        """
        path = self.folder / "lockbox.json"
        if not path.exists():
            return None
        record: dict[str, Any] = _read(path, "it cannot be made again", dict)
        return record

    def record_lockbox(self, record: Mapping[str, Any]) -> None:
        """Record that the lockbox was opened, and what was found."""
        write_file(self.folder / "lockbox.json", (json_text(record) + "\n").encode())


def _stem(number: int) -> str:
    return f"{number:06d}"


def _read(path: Path, advice: str, build: Any) -> Any:
    try:
        return build(parse_json(read_regular_file(path, MAX_STUDY_BYTES)))
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
