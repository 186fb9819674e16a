"""Fits of a backtest, several at once: each in a process of its own, with the bits that it has in this one.

A network trains on one processor, so that its bits do not depend on how many there are; a second processor is of use
for the next fold. Baselines are fitted here: that takes less time than sending them.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Self

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.environment import Progress, no_progress
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.models.base import Fitted, Forecaster
from forecaster.pipeline import fit

__all__ = ["FoldFits", "Task"]

Task = tuple[str, Fold]
"""Registry key and fold."""

Outcome = Fitted | NotEnoughDataError | UsageError


class FoldFits:
    """The fits of the folds of a plan; a context, at whose end no process is left.

    An error inside it ends every process that this one has started in the meantime.

    Args:
        plan: What is fitted.
        tasks: What will be asked for, in this order.
        processes: How many fits of networks at once; 1 fits them here.
        progress: Told by the fits that are made here.
    """

    def __init__(
        self, plan: BacktestPlan, tasks: Sequence[Task], processes: int = 1, progress: Progress = no_progress
    ) -> None:
        self._plan, self._progress = plan, progress
        self._tasks = [(name, fold) for name, fold in tasks if plan.forecasters[name].traits.engine]
        self._processes = min(processes, len(self._tasks))
        self._pool: ProcessPoolExecutor | None = None
        self._made: dict[Task, list[Future[Outcome]]] = {}

    def __enter__(self) -> Self:
        self._others = multiprocessing.active_children()
        if self._processes > 1:
            try:
                self._fill()
            except BaseException as error:
                self.__exit__(error)
                raise
        return self

    def _fill(self) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads, such as JAX's, may hang
        # Nothing large goes to a process as it starts: one that dies before it has read would be waited for for ever.
        # The pool also starts the tracker of its semaphores here, which would lift the mask below.
        self._pool = ProcessPoolExecutor(self._processes, spawn, _begin)
        # What cannot be begun is fitted here: no more processes, or the pool broke while it was filled.
        with _interrupts_kept_off(), contextlib.suppress(BrokenProcessPool, OSError):
            for name, fold in self._tasks:
                work = [
                    (self._plan.forecasters[name], panel, fold, self._plan.config) for panel in self._plan.panels(name)
                ]
                self._made[name, fold] = [self._pool.submit(_fit, *one) for one in work]

    def __exit__(self, *raised: object) -> None:
        if self._pool is not None:
            if any(raised):  # nobody waits for fits that are under way
                for child in multiprocessing.active_children():
                    if child not in self._others:
                        child.terminate()
            self._pool.shutdown(cancel_futures=True)

    def __call__(self, name: str, fold: Fold) -> Iterator[tuple[Panel, Outcome]]:
        """Each panel that the model `name` learns at once in `fold`, and the fitted model, or why there is none."""
        panels = self._plan.panels(name)
        futures = self._made.pop((name, fold), [None] * len(panels))
        for panel, future in zip(panels, futures, strict=True):
            try:
                yield panel, self._fit(name, fold, panel) if future is None else future.result()
            except BrokenProcessPool:  # killed, as for want of memory; one fit at a time needs less
                yield panel, self._fit(name, fold, panel)

    def _fit(self, name: str, fold: Fold, panel: Panel) -> Outcome:
        return _fit(self._plan.forecasters[name], panel, fold, self._plan.config, self._progress)


def _fit(model: Forecaster, panel: Panel, fold: Fold, config: Config, progress: Progress = no_progress) -> Outcome:
    try:
        return fit(model, panel, fold.split, config, progress)
    except (NotEnoughDataError, UsageError) as error:
        return error


@contextlib.contextmanager
def _interrupts_kept_off() -> Iterator[None]:
    """Processes begun in here never see Ctrl-C, which is the parent's to answer; it does so afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Ctrl-C is left to the parent, on Windows too, and a process whose parent was killed ends itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
