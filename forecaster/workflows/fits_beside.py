"""Fits of baselines in a thread, while the caller fits a network."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

from forecaster.data.series import PriceSeries
from forecaster.environment import Progress
from forecaster.pipeline_evaluation import Baselines

__all__ = ["fits_beside"]


@contextlib.contextmanager
def fits_beside(baselines: Baselines, members: Sequence[PriceSeries], progress: Progress) -> Iterator[Progress]:
    """Fit `baselines` for `members` in a thread, from the first report of progress in this context on.

    A network computes outside of Python's lock once it reports progress, so both take the time of one. The context
    ends when the thread does. `Baselines.of` gives the same bits either way. A fit that fails in the thread is made
    again by `Baselines.of`, which raises its error. After an exception in the context nobody waits for the thread.

    Args:
        baselines: Baselines to fit.
        members: Series that they are fitted for.
        progress: Receives the reports.

    Yields:
        The progress to report to.
    """
    unwanted = threading.Event()

    def fit_all() -> None:
        with contextlib.suppress(Exception):
            for series in members:
                if unwanted.is_set():
                    return
                baselines.of(series)

    thread = threading.Thread(target=fit_all, name="baselines", daemon=True)

    def report(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        if thread.ident is None:
            thread.start()
        progress(stage, done, total, loss, detail)

    try:
        yield report
    except BaseException:
        unwanted.set()
        raise
    if thread.ident is not None:
        thread.join()
