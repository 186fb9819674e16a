"""Random walk: tomorrow is today, give or take what the last 500 days show (historical simulation)."""

from typing import Any, Literal

import numpy as np
from pydantic import PositiveInt

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.outcomes import returns_over
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions, NothingToFit, check_rows
from forecaster.models.baselines.base import knots_up_to
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["RandomWalk", "RandomWalkOptions"]

_BLOCK = 512  # cutoffs whose windows are sorted together, to bound memory


class RandomWalkOptions(ModelOptions):
    """Options of the baseline ``random_walk``."""

    kind: Literal["random_walk"] = "random_walk"
    days: PositiveInt = 500


class RandomWalk(NothingToFit):
    """Baseline ``random_walk``.

    The distribution over h days is that of the last `days` returns over h days (overlapping) around their
    median, so that the median forecast is exactly the last price. Early cutoffs use what there is.

    Args:
        options: Length of the window.
        horizon: Longest step H.
    """

    Options = RandomWalkOptions
    name = "random_walk"

    def __init__(self, options: RandomWalkOptions, horizon: int) -> None:
        self.options, self.own_steps = options, horizon
        self.first_row = 2 * horizon  # at least as many returns over the horizon as it has days

    def least_training_rows(self) -> int:
        """A year, so that the outermost quantiles rest on a few observations."""
        return 250 + self.own_steps

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        log_price = series.log_price
        knots = knots_up_to(self.own_steps)
        scaled = np.stack([self._quantiles(log_price, rows, step) / np.sqrt(step) for step in knots], axis=1)
        return Forecasts("random_walk", rows, np.ones(len(rows)), knots, SCORING_LEVELS, scaled)

    def _quantiles(self, log_price: FloatArray, rows: IntArray, step: int) -> Any:
        """(N, Q) quantiles of the last returns over `step` days, their median taken off."""
        days = self.options.days
        moved = np.full(len(log_price) + days, np.nan)
        moved[days + step :] = returns_over(log_price, step)
        windows = np.lib.stride_tricks.sliding_window_view(moved, days)[1:]  # row t ends with the return to t
        result = np.empty((len(rows), len(SCORING_LEVELS)))
        for start in range(0, len(rows), _BLOCK):
            part = windows[rows[start : start + _BLOCK]]
            full = ~np.isnan(part[:, 0])
            quantile = np.quantile if full.all() else np.nanquantile
            result[start : start + _BLOCK] = quantile(part, SCORING_LEVELS, axis=1).T
        middle = SCORING_LEVELS.index(0.5)
        return result - result[:, middle : middle + 1]
