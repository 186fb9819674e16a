"""EWMA with the tails of a Student t: the variance of RiskMetrics, the shape of the training rows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.baselines.base import FittedEach, ewma_of
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import LEAST_VALUES, fit_student, student_quantiles

__all__ = ["EWMAT", "EWMATOptions", "FittedEWMAT"]


_WARM_UP = 100  # returns after which the volatility has settled
_FALLBACK = (0.8, 6.0)  # scale and degrees of freedom, about those of the major currencies


class EWMATOptions(ModelOptions):
    """Options of the baseline ``ewma_t``."""

    kind: Literal["ewma_t"] = "ewma_t"
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94


class EWMAT:
    """Forecaster: returns over yesterday's EWMA volatility follow a t, fitted by maximum likelihood for each series.

    Over h days the same t is used, sqrt(h) times as wide. On the 16 development pairs (cutoffs 2011 to 2020, yearly
    refits) that has a lower CRPS at 5, 10 and 20 days than tails that shrink towards a normal distribution, than a
    t for each step, and than empirical quantiles for each step; on two stock indices (2005 to 2018) a t for each
    step would be 0.1 to 0.3 % better.

    Args:
        options: The decay.
        horizon: Longest step H.
    """

    Options = EWMATOptions
    traits: ClassVar[Traits] = Traits()

    def __init__(self, options: EWMATOptions, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """Enough standardised returns for their tails."""
        return 1 + _WARM_UP + LEAST_VALUES

    def fit(self, request: FitRequest) -> "FittedEWMAT":
        """See `forecaster.models.base.Forecaster`."""
        fits, fallbacks = {}, []
        for number, series in enumerate(request.panel, start=1):
            name = series.instrument.name
            rows = request.training_rows[name]
            returns = np.diff(series.log_price[:rows])
            volatility = ewma_of(series, self.options.decay)
            found = fit_student(returns[_WARM_UP:] / volatility[_WARM_UP - 1 : rows - 2]) if rows > _WARM_UP else None
            fallbacks += [name] if found is None else []
            fits[name] = np.array(found or _FALLBACK)
            request.progress("ewma_t", number, len(request.panel))
        return FittedEWMAT(fits, fallbacks, self.options.decay, self.horizon)

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedEWMAT":
        """See `forecaster.models.base.Forecaster`."""
        return FittedEWMAT(dict(arrays), report.fallbacks, self.options.decay, self.horizon)


class FittedEWMAT(FittedEach):
    """Scale and degrees of freedom of each series.

    Args:
        fits: Name -> (2,) scale in units of the EWMA volatility, degrees of freedom.
        fallbacks: Names of series too short or too still for a fit, which use usual values.
        decay: Of the volatility.
        horizon: Longest step H.
    """

    def __init__(self, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], decay: float, horizon: int) -> None:
        super().__init__("ewma_t", fits, fallbacks, horizon)
        self._decay = decay

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        scale, freedom = self.fit_of(series).tolist()
        knots = (1, self.own_steps) if self.own_steps > 1 else (1,)
        shape = (len(rows), len(knots), len(SCORING_LEVELS))
        scaled = np.broadcast_to(student_quantiles(scale, freedom), shape)
        return Forecasts(self.name, rows, ewma_of(series, self._decay)[rows - 1], knots, SCORING_LEVELS, scaled)
