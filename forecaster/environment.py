"""The environment of a command: home folder, clock, progress and messages."""

import dataclasses
import datetime
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

__all__ = [
    "BACKEND_VARIABLE",
    "HOME_VARIABLE",
    "OFFLINE_VARIABLE",
    "WINDOW_VARIABLE",
    "Environment",
    "Progress",
    "no_progress",
]

HOME_VARIABLE = "FORECAST_HOME"
"""Environment variable with the project folder."""

OFFLINE_VARIABLE = "FORECAST_OFFLINE"
"""Environment variable that forbids the network, unless it is empty, 0, false, no or off."""

BACKEND_VARIABLE = "MPLBACKEND"
"""Environment variable with the user's toolkit of matplotlib."""

WINDOW_VARIABLE = "FORECAST_WINDOW_BACKEND"
"""Environment variable in which the command line keeps it until a window is opened."""


class Progress(Protocol):
    """Receiver of the progress of a long job."""

    def __call__(self, stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        """Report `done` of `total` steps of `stage`, the loss where there is one, and the next task in `detail`."""


def no_progress(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
    """Ignore the progress."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Environment:
    """Home folder, clock, progress and messages of a command.

    Args:
        home: Folder that holds ``data/`` and ``runs/``.
        clock: Gives the current time.
        progress: Receives the progress of long jobs.
        note: Receives messages of one line each: data, choices, warnings.
        own_process: True in a process that runs nothing but this command.
    """

    home: Path = Path()
    clock: Callable[[], datetime.datetime] = _now
    progress: Progress = no_progress
    note: Callable[[str], None] = lambda text: None
    own_process: bool = False

    @classmethod
    def at(cls, home: str | Path | None = None) -> Self:
        """The environment of a Python program: messages go to the logger ``forecaster``, at level INFO.

        Args:
            home: Project folder; None for the variable FORECAST_HOME, or else the working directory.
        """
        folder = os.environ.get(HOME_VARIABLE, "") if home is None else home
        return cls(home=Path(folder), note=logging.getLogger("forecaster").info)

    @property
    def today(self) -> datetime.date:
        """The current date."""
        return self.clock().date()
