"""Stages of a command: how much is done, and how long the rest will take."""

import time

__all__ = ["Stage", "clock_text"]


class Stage:
    """A stage of equal steps, such as the fits of a backtest.

    The time left follows from the mean time of the steps that are done: a network takes minutes, a baseline a moment,
    and they take turns.
    """

    def __init__(self) -> None:
        self.done = self.total = 0
        self.text = ""
        self._begin = self._reached = time.monotonic()

    def reach(self, done: int, total: int, text: str) -> None:
        """Note that `done` of `total` steps are done now, and what comes next."""
        if done > self.done:
            self._reached = time.monotonic()
        self.done, self.total, self.text = done, total, text

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the other steps will take; None where none is done yet."""
        if not self.done:
            return None
        whole = (self._reached - self._begin) / self.done * (self.total - self.done)
        return max(0.0, whole - (time.monotonic() - self._reached))

    def line(self, name: str) -> str:
        """The stage in one line, such as ``backtest: 2 of 10, lstm, fold 2 of 5, 0:01:20 left``."""
        left = self.seconds_left
        remaining = [] if left is None else [f"{clock_text(left)} left"]
        return f"{name}: " + ", ".join([f"{self.done} of {self.total}", *filter(None, [self.text]), *remaining])


def clock_text(seconds: float | None) -> str:
    """A time in hours, minutes and seconds.

    >>> clock_text(3725.4), clock_text(None)
    ('1:02:05', '-:--:--')
    """
    if seconds is None:
        return "-:--:--"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
