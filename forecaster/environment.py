"""Where a project lives, what time it is, and who listens: what every workflow is given."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path

from forecaster.models.base import Progress, no_progress

__all__ = ["Project"]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Project:
    """Where a project lives, what time it is, and who listens.

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
