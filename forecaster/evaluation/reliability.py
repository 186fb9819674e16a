"""Reliability of probabilities: how often the events have happened, by tenths."""

import dataclasses

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray
from forecaster.stats.mean_tests import hac_lags, long_run_variance

__all__ = ["BINS", "MIN_SEPARATE", "Reliability", "ReliabilityBin", "reliability"]

BINS = 10
"""Number of classes of probability."""

MIN_SEPARATE = 5
"""Fewest answers without a common day that say something about a class."""


@dataclasses.dataclass(frozen=True)
class ReliabilityBin:
    """Answers of one class of probability.

    Args:
        low: Lowest probability.
        high: Highest probability.
        n: Number of days with such an answer.
        separate: Number of these days that can be chosen without a common day in the spans after them.
        probability: Mean probability.
        happened: Number of days after which the answer was yes.
        error: Standard error of the share, which allows for the overlap; None where it cannot be estimated.
    """

    low: float
    high: float
    n: int
    separate: int
    probability: float
    happened: int
    error: float | None

    @property
    def share(self) -> float:
        """Share of days after which the answer was yes."""
        return self.happened / self.n

    @property
    def is_meagre(self) -> bool:
        """True if the class has too few separate days to say something."""
        return self.separate < MIN_SEPARATE


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Probabilities of a question at earlier cutoffs, and what happened.

    Args:
        since: First cutoff.
        until: Last cutoff.
        step: Rows from a cutoff to its outcome.
        stride: Rows from one cutoff to the next.
        n: Number of cutoffs.
        happened: Number of cutoffs after which the answer was yes.
        probability: Mean probability.
        bins: The classes that have answers, increasing.
    """

    since: np.datetime64
    until: np.datetime64
    step: int
    stride: int
    n: int
    happened: int
    probability: float
    bins: tuple[ReliabilityBin, ...]

    def bin_of(self, probability: float) -> ReliabilityBin | None:
        """The class of a probability; None where there was no such answer."""
        place = min(int(probability * BINS), BINS - 1) / BINS
        return next((each for each in self.bins if each.low == place), None)


def reliability(
    probabilities: FloatArray, happened: BoolArray, dates: DateArray, step: int, stride: int = 1
) -> Reliability:
    """Sort answers into classes of probability.

    Args:
        probabilities: (N,).
        happened: (N,) outcomes.
        dates: (N,) cutoffs, increasing.
        step: Rows from a cutoff to its outcome.
        stride: Rows from one cutoff to the next.
    """
    classes = np.minimum((probabilities * BINS).astype(np.intp), BINS - 1)
    overlap = -(-step // stride)
    bins = []
    for number in np.unique(classes).tolist():
        places = np.flatnonzero(classes == number)
        yes = happened[places]
        bins.append(
            ReliabilityBin(
                low=number / BINS,
                high=(number + 1) / BINS,
                n=len(places),
                separate=_separate(places, overlap),
                probability=float(probabilities[places].mean()),
                happened=int(yes.sum()),
                error=_error(probabilities[places], yes, overlap),
            )
        )
    return Reliability(
        since=dates[0],
        until=dates[-1],
        step=step,
        stride=stride,
        n=len(probabilities),
        happened=int(happened.sum()),
        probability=float(probabilities.mean()),
        bins=tuple(bins),
    )


def _separate(places: np.ndarray, overlap: int) -> int:
    """Most of `places` that are at least `overlap` apart."""
    count = 0
    last = -overlap
    for place in places.tolist():
        if place - last >= overlap:
            count += 1
            last = place
    return count


def _error(probabilities: FloatArray, happened: BoolArray, overlap: int) -> float | None:
    """Standard error of the share that happened, from the deviations from the probabilities (Newey and West)."""
    count = len(probabilities)
    if count < 3:
        return None
    variance = long_run_variance(happened - probabilities, hac_lags(count, overlap)) / count
    return float(np.sqrt(variance)) if variance > 0 else None
