"""GARCH(1,1) with Student-t innovations and a mean of zero, a strong density baseline (Bollerslev 1987)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster
from forecaster.models.baselines.garch_fit import MIN_ROWS, StudentGARCH, fit_or_fallback
from forecaster.models.baselines.garch_simulation import PathSimulation

__all__ = ["GARCH", "GARCHOptions"]


class GARCHOptions(ModelOptions):
    """Options of the baseline ``garch``."""

    kind: Literal["garch"] = "garch"
    paths: Annotated[int, Field(ge=100)] = 20_000


class GARCH(SeriesForecaster[StudentGARCH]):
    """Forecaster: one GARCH(1,1)-t for each series, fitted by maximum likelihood on all its training rows.

    One day ahead the distribution is exact; further ahead it is that of simulated paths, each shock used with
    both signs (antithetic), over a grid of starting variances between which the quantiles are interpolated.

    Args:
        options: Number of paths.
        horizon: Longest step H.

    Attributes:
        asymmetric: True where a fall adds more to the variance than a rise.
    """

    Options: ClassVar[type[ModelOptions]] = GARCHOptions
    name = "garch"
    asymmetric: ClassVar[bool] = False

    def least_training_rows(self) -> int:
        """Two years of returns."""
        return MIN_ROWS

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[StudentGARCH, bool]:
        """See `SeriesForecaster`."""
        return fit_or_fallback(series, rows, self.asymmetric)

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> StudentGARCH:
        """See `SeriesForecaster`."""
        return StudentGARCH.from_array(array)

    def learned_facts(self, parameters: Mapping[str, StudentGARCH], seed: int) -> Mapping[str, Any]:
        """See `SeriesForecaster`."""
        return {"seed": seed}

    def forecast_series(self, parameters: StudentGARCH, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        paths = PathSimulation(self.horizon, self.options.paths, seed)
        return paths.student(self.name, parameters, series, rows)
