"""EWMA variance with the tails of a Student t that is fitted to the training rows."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster, ewma_of
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import MIN_VALUES, fit_student, student_quantiles

__all__ = ["EWMAT", "EWMATOptions", "ScaledStudent"]

_WARM_UP = 100  # returns after which the volatility has settled


class ScaledStudent(NamedTuple):
    """Student t of the returns in units of the EWMA volatility.

    Args:
        scale: Factor of the t.
        freedom: Degrees of freedom.
    """

    scale: float
    freedom: float

    def to_array(self) -> FloatArray:
        """(2,) the parameters in order."""
        return np.array(self)


_FALLBACK = ScaledStudent(0.8, 6.0)  # about the values of the major currencies


class EWMATOptions(ModelOptions):
    """Options of the baseline ``ewma_t``."""

    kind: Literal["ewma_t"] = "ewma_t"
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94


class EWMAT(SeriesForecaster[ScaledStudent]):
    """Forecaster: returns over the EWMA volatility of the day before follow a t, fitted by maximum likelihood.

    Over h days the same t is used, sqrt(h) times as wide. On the 16 development pairs (cutoffs 2011 to 2020, yearly
    refits) that has a lower CRPS at 5, 10 and 20 days than tails that shrink towards a normal distribution, than a
    t for each step, and than empirical quantiles for each step; on two stock indices (2005 to 2018) a t for each
    step would be 0.1 to 0.3 % better.
    """

    Options = EWMATOptions
    name = "ewma_t"

    def least_training_rows(self) -> int:
        """Enough standardised returns for their tails."""
        return 1 + _WARM_UP + MIN_VALUES

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[ScaledStudent, bool]:
        """See `SeriesForecaster`."""
        if rows <= _WARM_UP:
            return _FALLBACK, True
        returns = np.diff(series.log_price[:rows])
        volatility = ewma_of(series, self.options.decay)
        student = fit_student(returns[_WARM_UP:] / volatility[_WARM_UP - 1 : rows - 2])
        return (_FALLBACK, True) if student is None else (ScaledStudent(*student), False)

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> ScaledStudent:
        """See `SeriesForecaster`."""
        return ScaledStudent(*array.tolist())

    def forecast_series(self, parameters: ScaledStudent, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        knots = (1, self.horizon) if self.horizon > 1 else (1,)
        shape = (len(rows), len(knots), len(SCORING_LEVELS))
        scaled = np.broadcast_to(student_quantiles(*parameters), shape)
        volatility = ewma_of(series, self.options.decay)
        return Forecasts(self.name, rows, volatility[rows - 1], knots, SCORING_LEVELS, scaled)
