"""The environment of a command: home folder, clock, progress and messages."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

__all__ = ["Environment", "Progress", "no_progress"]


class Progress(Protocol):
    """Told how far a long job is: `done` of `total` steps of `stage`, and the loss where there is one."""

    def __call__(self, stage: str, done: int, total: int, loss: float | None = None) -> None:
        """`done` of `total` steps of `stage` are over."""


def no_progress(stage: str, done: int, total: int, loss: float | None = None) -> None:
    """A `Progress` that says nothing."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Environment:
    """Home folder, clock, progress and messages of a command.

    Args:
        home: Folder that holds ``data/`` and ``runs/``.
        clock: Gives the current time.
        progress: Told how far long jobs are.
        note: Told, in one line each, what a user should know on the way: data, choices, warnings.
    """

    home: Path = Path()
    clock: Callable[[], datetime.datetime] = _now
    progress: Progress = no_progress
    note: Callable[[str], None] = lambda text: None

    @property
    def today(self) -> datetime.date:
        """The current date."""
        return self.clock().date()
