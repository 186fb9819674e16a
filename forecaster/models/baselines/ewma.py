"""EWMA: normal returns with an exponentially weighted variance (RiskMetrics 1996)."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from forecaster.arrays import IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions, NothingToFit, check_rows
from forecaster.models.baselines.base import FIRST_ROW, ewma_of
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["EWMA", "EWMAOptions"]


class EWMAOptions(ModelOptions):
    """Options of the baseline ``ewma``."""

    kind: Literal["ewma"] = "ewma"
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.94


class EWMA(NothingToFit):
    """Baseline ``ewma``.

    Args:
        options: Decay of the variance; 0.94 is the RiskMetrics value for daily data.
        horizon: Longest step H. No knots are needed in between: the width grows with the square root of the step.
    """

    Options = EWMAOptions
    name = "ewma"
    first_row = FIRST_ROW

    def __init__(self, options: EWMAOptions, horizon: int) -> None:
        self.options = options
        self.own_steps = horizon

    def least_training_rows(self) -> int:
        """Two prices, which make a return."""
        return 2

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        volatility = ewma_of(series, self.options.decay)
        knots = (1, self.own_steps) if self.own_steps > 1 else (1,)
        scaled = np.broadcast_to(normal_scores(SCORING_LEVELS), (len(rows), len(knots), len(SCORING_LEVELS)))
        return Forecasts(self.name, rows, volatility[rows - 1], knots, SCORING_LEVELS, scaled)
