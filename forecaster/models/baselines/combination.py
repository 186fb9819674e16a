"""Plain combination of two baselines whose errors differ: the mean of the quantiles of ``garch`` and ``har``."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster
from forecaster.models.baselines.garch import GARCH, GARCHOptions
from forecaster.models.baselines.garch_fit import StudentGARCH
from forecaster.models.baselines.har import HAR, HARFit, HAROptions, StepRegression

__all__ = ["Combination", "CombinationOptions", "CombinedParameters"]

_GARCH_PARAMETERS = 6  # numbers in the array of a `StudentGARCH`


class CombinationOptions(ModelOptions):
    """Options of the baseline ``combination``."""

    kind: Literal["combination"] = "combination"
    paths: Annotated[int, Field(ge=100)] = 20_000


class CombinedParameters(NamedTuple):
    """Parameters of both baselines for one series."""

    garch: StudentGARCH
    har: HARFit

    def to_array(self) -> FloatArray:
        """(6 + 8 K,) the parameters of ``garch``, then those of ``har``, step by step."""
        return np.concatenate([self.garch.to_array(), self.har.to_array().reshape(-1)])


class Combination(SeriesForecaster[CombinedParameters]):
    """Forecaster: at each level and step the mean of the quantiles of ``garch`` and ``har``, with equal weights.

    Both are fitted as they are alone, which takes about 0.03 seconds a series. No weight is estimated: equal weights
    are hard to beat (Timmermann 2006, "Forecast combinations", Handbook of Economic Forecasting 1).

    Args:
        options: Number of paths of ``garch``.
        horizon: Longest step H.
    """

    Options = CombinationOptions
    name = "combination"

    def __init__(self, options: CombinationOptions, horizon: int) -> None:
        super().__init__(options, horizon)
        self._garch = GARCH(GARCHOptions(paths=options.paths), horizon)
        self._har = HAR(HAROptions(), horizon)
        self.first_row = max(self._garch.first_row, self._har.first_row)

    def least_training_rows(self) -> int:
        """Rows that are enough for both."""
        return max(self._garch.least_training_rows(), self._har.least_training_rows())

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[CombinedParameters, bool]:
        """See `SeriesForecaster`; True where either could not be estimated."""
        garch, garch_failed = self._garch.fit_series(series, rows)
        har, har_failed = self._har.fit_series(series, rows)
        return CombinedParameters(garch, har), garch_failed or har_failed

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> CombinedParameters:
        """See `SeriesForecaster`."""
        garch = self._garch.restore_series(array[:_GARCH_PARAMETERS], name, learned)
        regressions = array[_GARCH_PARAMETERS:].reshape(-1, len(StepRegression._fields))
        return CombinedParameters(garch, self._har.restore_series(regressions, name, learned))

    def learned_facts(self, parameters: Mapping[str, CombinedParameters], seed: int) -> Mapping[str, Any]:
        """See `SeriesForecaster`."""
        garch = self._garch.learned_facts({name: both.garch for name, both in parameters.items()}, seed)
        return {**garch, **self._har.learned_facts({name: both.har for name, both in parameters.items()}, seed)}

    def forecast_series(
        self, parameters: CombinedParameters, series: PriceSeries, rows: IntArray, seed: int
    ) -> Forecasts:
        """See `SeriesForecaster`."""
        garch = self._garch.forecast_series(parameters.garch, series, rows, seed)
        har = self._har.forecast_series(parameters.har, series, rows, seed)
        # The steps are the same, and between them both are linear in the log of the step: so is their mean.
        share = (har.scale / garch.scale)[:, None, None]
        scaled = (garch.scaled + share * har.scaled) / 2
        return Forecasts(self.name, rows, garch.scale, garch.knots, garch.quantile_levels, scaled)
