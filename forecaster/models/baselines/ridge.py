"""Ridge autoregression: a linear point forecast with the width of an EWMA.

Golub, Heath and Wahba 1979, "Generalized cross-validation as a method for choosing a good ridge parameter",
Technometrics 21.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import History
from forecaster.features.returns import scaled_return
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster, ewma_of, knots_up_to
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["LagWeights", "Ridge", "RidgeOptions"]

_PENALTIES = np.geomspace(1e-2, 1e3, 26)  # times the number of targets, whose variance is about 1
_MIN_TARGETS = 100
_MAX_POINT = 1.0  # in volatilities of the step, in case a sum of iterated forecasts diverges


class RidgeOptions(ModelOptions):
    """Options of the baseline ``ridge``."""

    kind: Literal["ridge"] = "ridge"
    lags: PositiveInt = 20
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94


class LagWeights(NamedTuple):
    """Weights of the scaled returns of the last days.

    Args:
        weights: (L,) the newest day first; all zero where cross-validation prefers the random walk.
    """

    weights: FloatArray

    def to_array(self) -> FloatArray:
        """(L,) the weights."""
        return self.weights


class Ridge(SeriesForecaster[LagWeights]):
    """Forecaster: the scaled return of the next day is linear in those of the last days, without an intercept.

    The penalty has the least generalised cross-validation error on the training rows; an infinite one, which is
    the random walk, is among the candidates. Further ahead the forecast of one day is iterated and summed: targets
    over several days overlap, and cross-validation would mistake their overlap for skill.

    Args:
        options: Number of lags; decay of the width.
        horizon: Longest step H.
    """

    Options = RidgeOptions
    name = "ridge"

    def __init__(self, options: RidgeOptions, horizon: int) -> None:
        super().__init__(options, horizon)
        self.first_row = options.lags

    def least_training_rows(self) -> int:
        """Two years, so that there are many more targets than lags."""
        return 500 + int(self.options.lags)

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[LagWeights, bool]:
        """See `SeriesForecaster`."""
        lags = self.options.lags
        scaled = scaled_return(History.of(series))[1:rows]
        if len(scaled) < lags + _MIN_TARGETS or not scaled.any():
            return LagWeights(np.zeros(lags)), True
        return LagWeights(_ridge(scaled, lags)), False

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> LagWeights:
        """See `SeriesForecaster`."""
        return LagWeights(array)

    def forecast_series(self, parameters: LagWeights, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        knots = knots_up_to(self.horizon)
        history = History.of(series)
        past = scaled_return(history)
        summed = _summed(parameters.weights, knots)
        point = np.zeros((len(rows), len(knots)))
        for lag in range(summed.shape[1]):  # number by number: the bits do not depend on the number of rows
            point += past[rows - lag, None] * summed[:, lag]
        point = np.clip(point / np.sqrt(knots), -_MAX_POINT, _MAX_POINT)
        scale = ewma_of(series, self.options.decay)[rows - 1]
        center = point * (history.volatility[rows] / scale)[:, None]
        scaled = center[:, :, None] + normal_scores(SCORING_LEVELS)
        return Forecasts(self.name, rows, scale, knots, SCORING_LEVELS, scaled)


def _ridge(scaled: FloatArray, lags: int) -> FloatArray:
    """(L,) weights of the last returns, the newest first, with the penalty of least cross-validation error."""
    inputs = np.lib.stride_tricks.sliding_window_view(scaled[:-1], lags)[:, ::-1]
    target = scaled[lags:]
    count = len(target)
    eigenvalues, eigenvectors = np.linalg.eigh(inputs.T @ inputs)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    shared = eigenvectors.T @ (inputs.T @ target)
    best = float(target @ target) / count  # count * RSS / (count - degrees of freedom)^2
    weights = np.zeros(lags)
    for penalty in _PENALTIES * count:
        part = shared / (eigenvalues + penalty)
        unexplained = float(target @ target - 2 * shared @ part + eigenvalues @ part**2)
        error = count * unexplained / (count - float((eigenvalues / (eigenvalues + penalty)).sum())) ** 2
        if error < best:
            best = error
            weights = eigenvectors @ part
    return np.asarray(weights)


def _summed(weights: FloatArray, knots: Sequence[int]) -> FloatArray:
    """(K, L) weights of the last returns in the sum of the forecasts of all days up to each of `knots`."""
    lags = len(weights)
    days = list(np.eye(lags))  # each day as a combination of the last returns, the newest first
    total = np.zeros(lags)
    result = []
    for step in range(1, knots[-1] + 1):
        following = np.sum([weight * day for weight, day in zip(weights, days, strict=True)], axis=0)
        days = [following, *days[:-1]]
        total = total + following
        if step in knots:
            result.append(total)
    return np.array(result)
