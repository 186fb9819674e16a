"""Ridge autoregression: the linear point forecast, around which an EWMA makes the width.

Golub, Heath and Wahba 1979, "Generalized cross-validation as a method for choosing a good ridge parameter",
Technometrics 21.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import History
from forecaster.features.returns import scaled_return
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.baselines.base import FittedEach, ewma_of, knots_up_to
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["FittedRidge", "Ridge", "RidgeOptions"]


_PENALTIES = np.geomspace(1e-2, 1e3, 26)  # times the number of targets, of variance about 1; and none at all, by zeros
_LEAST_TARGETS = 100
_LARGEST_POINT = 1.0  # in volatilities of the step, should a sum of iterated forecasts run away


class RidgeOptions(ModelOptions):
    """Options of the baseline ``ridge``."""

    kind: Literal["ridge"] = "ridge"
    lags: PositiveInt = 20
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94


class Ridge:
    """Forecaster: tomorrow's scaled return is linear in those of the last days, without an intercept.

    The penalty has the least generalised cross-validation error on the training rows; an infinite one, which is
    the random walk, is among the candidates. Further ahead the forecast of one day is iterated and summed: targets
    over several days overlap, and cross-validation would take their overlap for skill.

    Args:
        options: Number of lags; decay of the width.
        horizon: Longest step H.
    """

    Options = RidgeOptions
    traits: ClassVar[Traits] = Traits()

    def __init__(self, options: RidgeOptions, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """Two years, so that there are many more targets than lags."""
        return 500 + self.options.lags

    def fit(self, request: FitRequest) -> "FittedRidge":
        """See `forecaster.models.base.Forecaster`."""
        fits, fallbacks = {}, []
        for number, series in enumerate(request.panel, start=1):
            name, lags = series.instrument.name, self.options.lags
            scaled = scaled_return(History.of(series))[1 : request.training_rows[name]]
            found = _ridge(scaled, lags) if len(scaled) >= lags + _LEAST_TARGETS and scaled.any() else None
            fallbacks += [name] if found is None else []
            fits[name] = np.zeros(lags) if found is None else found
            request.progress("ridge", number, len(request.panel))
        return FittedRidge(fits, fallbacks, self.options, self.horizon)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedRidge":
        """See `forecaster.models.base.Forecaster`."""
        return FittedRidge(arrays, report.fallbacks, self.options, self.horizon)


def _ridge(scaled: FloatArray, lags: int) -> FloatArray:
    """(L,) weights of the last returns, the newest first, with the penalty of least cross-validation error."""
    inputs = np.lib.stride_tricks.sliding_window_view(scaled[:-1], lags)[:, ::-1]
    target, count = scaled[lags:], len(scaled) - lags
    size, turned = np.linalg.eigh(inputs.T @ inputs)
    size, shared = np.maximum(size, 0.0), turned.T @ (inputs.T @ target)
    best, weights = float(target @ target) / count, np.zeros(lags)  # count * RSS / (count - degrees of freedom)^2
    for penalty in _PENALTIES * count:
        part = shared / (size + penalty)
        unexplained = float(target @ target - 2 * shared @ part + size @ part**2)
        error = count * unexplained / (count - float((size / (size + penalty)).sum())) ** 2
        if error < best:
            best, weights = error, turned @ part
    return np.asarray(weights)


def _summed(weights: FloatArray, knots: Sequence[int]) -> FloatArray:
    """(K, L) weights of the last returns in the sum of the forecasts of all days up to each of `knots`."""
    lags = len(weights)
    known = list(np.eye(lags))  # each day as a combination of the last returns, the newest first
    total, result = np.zeros(lags), []
    for step in range(1, knots[-1] + 1):
        coming = np.sum([weight * day for weight, day in zip(weights, known, strict=True)], axis=0)
        known, total = [coming, *known[:-1]], total + coming
        if step in knots:
            result.append(total)
    return np.array(result)


class FittedRidge(FittedEach):
    """Weights of each series.

    Args:
        fits: Name -> (L,) weights of the scaled returns of the last days, the newest first; all zero where
            cross-validation prefers the random walk.
        fallbacks: Names of series too short or too still for a fit: random walks.
        options: Of the baseline.
        horizon: Longest step H.
    """

    def __init__(
        self, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], options: RidgeOptions, horizon: int
    ) -> None:
        super().__init__("ridge", fits, fallbacks, horizon)
        self.first_row = options.lags
        self._decay = options.decay

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        knots, history = knots_up_to(self.own_steps), History.of(series)
        past, summed = scaled_return(history), _summed(self.fit_of(series), knots)
        point = np.zeros((len(rows), len(knots)))
        for lag in range(summed.shape[1]):  # number by number: the bits do not depend on how many rows are asked for
            point += past[rows - lag, None] * summed[:, lag]
        point = np.clip(point / np.sqrt(knots), -_LARGEST_POINT, _LARGEST_POINT)
        scale = ewma_of(series, self._decay)[rows - 1]
        moved = point * (history.volatility[rows] / scale)[:, None]
        scaled = moved[:, :, None] + normal_scores(SCORING_LEVELS)
        return Forecasts(self.name, rows, scale, knots, SCORING_LEVELS, scaled)
