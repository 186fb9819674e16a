"""Tasks computed in this process, one after the other."""

import contextlib
import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Any, Generic

from forecaster.environment import Progress, no_progress
from forecaster.experiments.executors.base import Result, Session, Shared, Task, Work

__all__ = ["InProcess"]


@dataclasses.dataclass(frozen=True)
class InProcess:
    """Computes each task when its result is collected.

    Args:
        progress: Receives the steps of each task.
    """

    progress: Progress = no_progress

    @contextlib.contextmanager
    def open(self, work: Work[Shared, Task, Result], shared: Shared, tasks: int) -> Iterator[Session[Task, Result]]:
        """See `Executor`."""
        yield _Session(work, shared, self.progress)


class _Session(Generic[Task, Result]):
    """See `Session`."""

    slots = 1

    def __init__(self, work: Work[Any, Task, Result], shared: object, progress: Progress) -> None:
        self._work = work
        self._shared = shared
        self._progress = progress
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def collect(self) -> tuple[Task, Result]:
        task = self._waiting.popleft()
        return task, self._work(self._shared, task, self._progress)
