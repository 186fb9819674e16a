"""Tasks computed in several processes of this machine."""

import contextlib
import dataclasses
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Generic

from forecaster.environment import Progress, no_progress
from forecaster.experiments.executors.base import Result, Session, Shared, Task, Work
from forecaster.experiments.executors.in_process import InProcess

__all__ = ["Processes"]

MIN_PROCESSES = 2  # that may be asked for on any machine


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
    def open(self, work: Work[Shared, Task, Result], shared: Shared, tasks: int) -> Iterator[Session[Task, Result]]:
        """See `Executor`."""
        count = min(self.count, tasks, max(os.cpu_count() or 1, MIN_PROCESSES))
        if count < 2:
            with InProcess(self.progress).open(work, shared, tasks) as session:
                yield session
            return
        others = multiprocessing.active_children()
        with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
            path = Path(folder) / "shared"
            path.write_bytes(pickle.dumps(shared))
            # Nothing large goes to a process as it starts: the pool would wait for ever for one that dies before it
            # has read.
            spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads, such as JAX's, may hang
            pool = ProcessPoolExecutor(count, spawn, _start, (str(path), self.prepare))
            try:
                yield _Session(pool, count, lambda task: work(shared, task, self.progress), work)
            except BaseException:
                for child in multiprocessing.active_children():  # nobody waits for tasks that are under way
                    if child not in others:
                        child.terminate()
                raise
            finally:
                pool.shutdown(cancel_futures=True)


class _Session(Generic[Task, Result]):
    """See `Session`.

    Args:
        pool: The processes.
        slots: Their number.
        here: Computes a task in this process.
        work: Computes a task in another one.
    """

    def __init__(
        self, pool: ProcessPoolExecutor, slots: int, here: Callable[[Task], Result], work: Work[Any, Task, Result]
    ) -> None:
        self.slots = slots
        self._pool = pool
        self._here = here
        self._work = work
        self._futures: dict[Future[Result], Task] = {}
        self._lost: list[Task] = []

    def submit(self, task: Task) -> None:
        try:
            with _interrupts_blocked():
                self._futures[self._pool.submit(_call, self._work, task)] = task
        except (BrokenProcessPool, OSError, ValueError):
            # No more processes can be started, or the pool broke meanwhile and closed a pipe of the one that starts.
            self._lost.append(task)

    def collect(self) -> tuple[Task, Result]:
        if self._futures:
            done, _ = wait(self._futures, return_when=FIRST_COMPLETED)
            future = next(future for future in self._futures if future in done)  # the one submitted first
            task = self._futures.pop(future)
            with contextlib.suppress(BrokenProcessPool):
                return task, future.result()
            self._lost.append(task)
        task = self._lost.pop(0)  # one task at a time needs less memory
        return task, self._here(task)


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


def _call(work: Work[Any, Task, Result], task: Task) -> Result:
    """One task; the shared object is read at the first one, from a folder that only this program can write."""
    if "object" not in _shared:
        _shared["object"] = pickle.loads(Path(_shared["path"]).read_bytes())
    return work(_shared["object"], task, no_progress)
