"""Random walk of constant width: tomorrow is today, give or take what the whole past shows."""

import bisect
from typing import Any, Literal

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions, NothingToFit, check_rows
from forecaster.models.baselines.base import knots_up_to
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["RandomWalkConstant", "RandomWalkConstantOptions"]


class RandomWalkConstantOptions(ModelOptions):
    """Options of the baseline ``random_walk_constant``; it has none."""

    kind: Literal["random_walk_constant"] = "random_walk_constant"


class RandomWalkConstant(NothingToFit):
    """Baseline ``random_walk_constant``.

    The distribution over h days is that of all returns over h days (overlapping) up to the cutoff, around their
    median, so that the median forecast is exactly the last price: what there is to say without any idea that
    volatility changes.

    Args:
        options: None.
        horizon: Longest step H.
    """

    Options = RandomWalkConstantOptions
    name = "random_walk_constant"

    def __init__(self, options: RandomWalkConstantOptions, horizon: int) -> None:
        self.options, self.own_steps = options, horizon
        self.first_row = 2 * horizon  # at least as many returns over the horizon as it has days

    def least_training_rows(self) -> int:
        """A year, so that the outermost quantiles rest on a few observations."""
        return 250 + self.own_steps

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        knots = knots_up_to(self.own_steps)
        scaled = np.stack([_quantiles(series.log_price, rows, step) / np.sqrt(step) for step in knots], axis=1)
        return Forecasts(self.name, rows, np.ones(len(rows)), knots, SCORING_LEVELS, scaled)


def _quantiles(log_price: FloatArray, rows: IntArray, step: int) -> FloatArray:
    """(N, Q) quantiles of all returns over `step` days up to each row, their median taken off.

    The returns are kept sorted: one more day is one more insertion, and the quantiles are read off.
    """
    moved = (log_price[step:] - log_price[:-step]).tolist()
    ends, places = np.unique(rows, return_inverse=True)
    counts = ends + 1 - step
    exact = np.asarray(SCORING_LEVELS) * (counts[:, None] - 1)  # the linear kind of NumPy
    low = exact.astype(np.intp)
    high = np.minimum(low + 1, counts[:, None] - 1)
    picks, found = np.concatenate([low, high], axis=1).tolist(), np.empty((len(ends), 2 * len(SCORING_LEVELS)))
    ordered = sorted(moved[: counts[0]]) if len(ends) else []
    for number, count in enumerate(counts.tolist()):
        for value in moved[len(ordered) : count]:
            bisect.insort(ordered, value)
        found[number] = [ordered[pick] for pick in picks[number]]
    below, above = np.split(found, 2, axis=1)
    result: Any = below + (exact - low) * (above - below)
    middle = SCORING_LEVELS.index(0.5)
    return np.asarray((result - result[:, middle : middle + 1])[places])
