"""Executors: where the tasks of an experiment are computed, in this process or in several.

The results have the same bits either way. An executor knows nothing about what it computes: it calls
``work(shared, task, progress)`` for each task, with one object that all tasks share.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, TypeVar

from forecaster.environment import Progress, no_progress

__all__ = ["Executor", "InProcess", "Processes"]

MIN_PROCESSES = 2  # that may be asked for on any machine

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")


class Executor(Protocol):
    """Computes many tasks."""

    def run(
        self, work: Callable[[Shared, Task, Progress], Result], shared: Shared, tasks: Sequence[Task]
    ) -> contextlib.AbstractContextManager[Iterator[Result]]:
        """A context with the results of `tasks`, in order; when it ends, nothing is computed any more.

        Args:
            work: Function of a module, called with the shared object, a task, and the progress of its own steps.
            shared: Object that every task needs, such as a panel.
            tasks: Small objects that describe what to compute.
        """


@dataclasses.dataclass(frozen=True)
class InProcess:
    """Computes each task in this process when its result is asked for.

    Args:
        progress: Receives the steps of each task.
    """

    progress: Progress = no_progress

    @contextlib.contextmanager
    def run(
        self, work: Callable[[Shared, Task, Progress], Result], shared: Shared, tasks: Sequence[Task]
    ) -> Iterator[Iterator[Result]]:
        """See `Executor`."""
        yield (work(shared, task, self.progress) for task in tasks)


@dataclasses.dataclass(frozen=True)
class Processes:
    """Computes several tasks at once, each in a process of its own; a network trains on one processor.

    A task whose process is killed, as for want of memory, is computed in this process. An error in the context ends
    every process at once. A script that uses this class has to be guarded by ``if __name__ == "__main__"``.

    Args:
        count: Number of processes, at most that of the processors or two; with fewer than two tasks none is started.
        prepare: Function of a module, called in each process before its first task, such as the choice of an engine.
        progress: Receives the steps of the tasks that are computed in this process.
    """

    count: int
    prepare: Callable[[], object]
    progress: Progress = no_progress

    @contextlib.contextmanager
    def run(
        self, work: Callable[[Shared, Task, Progress], Result], shared: Shared, tasks: Sequence[Task]
    ) -> Iterator[Iterator[Result]]:
        """See `Executor`."""
        count = min(self.count, len(tasks), max(os.cpu_count() or 1, MIN_PROCESSES))
        if count < 2:
            with InProcess(self.progress).run(work, shared, tasks) as results:
                yield results
            return
        others = multiprocessing.active_children()
        with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
            path = Path(folder) / "shared"
            path.write_bytes(pickle.dumps(shared))
            # Nothing large goes to a process as it starts: the pool would wait for ever for one that dies before it
            # has read. The pool also starts the tracker of its semaphores here, which would lift the mask below.
            spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads, such as JAX's, may hang
            pool = ProcessPoolExecutor(count, spawn, _start, (str(path), self.prepare))
            try:
                futures = _submit(pool, work, tasks)
                yield self._results(work, shared, tasks, futures)
            except BaseException:
                for child in multiprocessing.active_children():  # nobody waits for tasks that are under way
                    if child not in others:
                        child.terminate()
                raise
            finally:
                pool.shutdown(cancel_futures=True)

    def _results(
        self,
        work: Callable[[Shared, Task, Progress], Result],
        shared: Shared,
        tasks: Sequence[Task],
        futures: Sequence["Future[Result]"],
    ) -> Iterator[Result]:
        for number, task in enumerate(tasks):
            try:
                result = futures[number].result() if number < len(futures) else work(shared, task, self.progress)
            except BrokenProcessPool:  # one task at a time needs less memory
                result = work(shared, task, self.progress)
            yield result


def _submit(
    pool: ProcessPoolExecutor, work: Callable[[Shared, Task, Progress], Result], tasks: Sequence[Task]
) -> list["Future[Result]"]:
    """The tasks as futures, in order; fewer where no more processes can be started, or the pool broke meanwhile."""
    futures: list[Future[Result]] = []
    with _interrupts_blocked(), contextlib.suppress(BrokenProcessPool, OSError):
        for task in tasks:
            futures.append(pool.submit(_call, work, task))
    return futures


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes started in this context never receive Ctrl-C; this process receives it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in the other processes.

_shared: dict[str, Any] = {}


def _start(path: str, prepare: Callable[[], object]) -> None:
    """Leave Ctrl-C to the parent, on Windows too, and end this process when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _shared["path"] = path
    prepare()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(work: Callable[[Any, Task, Progress], Result], task: Task) -> Result:
    """One task; the shared object is read at the first one, from a folder that only this program can write."""
    if "object" not in _shared:
        _shared["object"] = pickle.loads(Path(_shared["path"]).read_bytes())
    return work(_shared["object"], task, no_progress)
