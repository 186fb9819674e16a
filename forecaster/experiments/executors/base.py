"""Protocol of executors: the places where the tasks of an experiment are computed."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from forecaster.environment import Progress

__all__ = ["Executor", "Session", "Work", "results_in_order"]

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
CollectedResult = TypeVar("CollectedResult", covariant=True)

Work = Callable[[Shared, Task, Progress], Result]
"""Function of a module, called with the shared object, a task, and the progress of its own steps."""


class Session(Protocol[Task, CollectedResult]):
    """Tasks under way. A task that is lost with its process or machine is computed again."""

    @property
    def slots(self) -> int:
        """Number of tasks that are computed at once."""

    def submit(self, task: Task) -> None:
        """Add a task."""

    def collect(self) -> tuple[Task, CollectedResult]:
        """Wait for a submitted task to end, in any order; each is returned once.

        Raises:
            Exception: What the work has raised; the task is not computed again.
        """


class Executor(Protocol):
    """Computes tasks. The results have the same bits with every executor."""

    def open(
        self, work: Work[Shared, Task, Result], shared: Shared, tasks: int
    ) -> contextlib.AbstractContextManager[Session[Task, Result]]:
        """A session; when the context ends, tasks that are not collected are cancelled and nothing is computed.

        Args:
            work: Computes one task.
            shared: Object that every task needs, such as a panel; it is sent once, not with each task.
            tasks: Largest number of tasks; a session of one needs no other process.
        """


def results_in_order(session: Session[Task, Result], tasks: Sequence[Task]) -> Iterator[Result]:
    """Results of `tasks` in their order, while later ones are computed.

    Args:
        session: An open session with no task.
        tasks: Tasks, each different from the others.
    """
    waiting = deque(tasks)
    done: dict[Task, Result] = {}
    under_way = 0
    for task in tasks:
        while task not in done:
            while waiting and under_way < 2 * session.slots - 1:  # one more each than is computed; here only one
                session.submit(waiting.popleft())
                under_way += 1
            finished, result = session.collect()
            done[finished] = result
            under_way -= 1
        yield done.pop(task)
