"""Random walk: the last price, with the width of past returns (historical simulation)."""

import bisect
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.outcomes import returns_over
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions, NothingToFit, check_rows
from forecaster.models.baselines.base import knots_up_to
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = ["RandomWalk", "RandomWalkConstant", "RandomWalkConstantOptions", "RandomWalkOptions"]


class RandomWalkOptions(ModelOptions):
    """Options of the baseline ``random_walk``; `days` is the number of past returns, None for all."""

    kind: Literal["random_walk"] = "random_walk"
    days: PositiveInt | None = 500


class RandomWalkConstantOptions(ModelOptions):
    """Options of the baseline ``random_walk_constant``, which always uses all past returns."""

    kind: Literal["random_walk_constant"] = "random_walk_constant"
    days: None = None


class RandomWalk(NothingToFit):
    """Baseline ``random_walk``.

    The distribution over h days is that of the last `days` returns over h days (overlapping) around their
    median, so that the median forecast is exactly the last price. Early cutoffs use the returns that exist.

    Args:
        options: Length of the window.
        horizon: Longest step H.
    """

    Options: ClassVar[type[ModelOptions]] = RandomWalkOptions
    name = "random_walk"

    def __init__(self, options: RandomWalkOptions | RandomWalkConstantOptions, horizon: int) -> None:
        self.options = options
        self.own_steps = horizon
        self.first_row = 2 * horizon  # at least as many returns over the horizon as it has days

    def least_training_rows(self) -> int:
        """A year, so that the outermost quantiles rest on a few observations."""
        return 250 + self.own_steps

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        knots = knots_up_to(self.own_steps)
        scaled = np.stack([self._quantiles(series.log_price, rows, step) / np.sqrt(step) for step in knots], axis=1)
        return Forecasts(self.name, rows, np.ones(len(rows)), knots, SCORING_LEVELS, scaled)

    def _quantiles(self, log_price: FloatArray, rows: IntArray, step: int) -> FloatArray:
        """(N, Q) quantiles of past returns over `step` days minus their median."""
        quantiles = _past_quantiles(log_price, rows, step, self.options.days)
        return quantiles - quantiles[:, MEDIAN : MEDIAN + 1]


class RandomWalkConstant(RandomWalk):
    """Baseline ``random_walk_constant``: all past returns, as if volatility did not change."""

    Options = RandomWalkConstantOptions
    name = "random_walk_constant"


def _past_quantiles(log_price: FloatArray, rows: IntArray, step: int, days: int | None) -> FloatArray:
    """Quantiles (N, Q) of the last `days` returns over `step` days up to each row, or of all of them where it is None.

    The returns are kept sorted: each further day is one insertion and one removal, and the quantiles are read by
    position.
    """
    returns = returns_over(log_price, step).tolist()
    ends, places = np.unique(rows, return_inverse=True)
    totals = ends + 1 - step
    counts = totals if days is None else np.minimum(totals, days)
    positions = np.asarray(SCORING_LEVELS) * (counts[:, None] - 1)  # linear interpolation, as NumPy does
    low = positions.astype(np.intp)
    high = np.minimum(low + 1, counts[:, None] - 1)
    picks = np.concatenate([low, high], axis=1).tolist()
    values = np.empty((len(ends), 2 * len(SCORING_LEVELS)))
    ordered: list[float] = []
    begin = end = int(totals[0] - counts[0]) if len(ends) else 0
    for number, (last, count) in enumerate(zip(totals.tolist(), counts.tolist(), strict=True)):
        for value in returns[end:last]:
            bisect.insort(ordered, value)
        for value in returns[begin : last - count]:
            del ordered[bisect.bisect_left(ordered, value)]
        begin = last - count
        end = last
        values[number] = [ordered[pick] for pick in picks[number]]
    below, above = np.split(values, 2, axis=1)
    return np.asarray((below + (positions - low) * (above - below))[places])
