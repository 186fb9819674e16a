"""GJR-GARCH(1,1) with a constant mean and innovations of the skewed Student's t (Hansen 1994)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from forecaster.arrays import AnyArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster
from forecaster.models.baselines.garch_fit import MIN_ROWS, SkewedGARCH, fit_skewed_or_fallback
from forecaster.models.baselines.garch_simulation import PathSimulation

__all__ = ["GJRGARCHSkewT", "GJRGARCHSkewTOptions"]


class GJRGARCHSkewTOptions(ModelOptions):
    """Options of the baseline ``gjr_garch_skewt``."""

    kind: Literal["gjr_garch_skewt"] = "gjr_garch_skewt"
    paths: Annotated[int, Field(ge=100)] = 20_000


class GJRGARCHSkewT(SeriesForecaster[SkewedGARCH]):
    """Forecaster: one GJR-GARCH(1,1,1) for each series, fitted by maximum likelihood on all its training rows.

    It has two parameters more than ``gjr_garch``: the mean of the returns, and the skew of the innovations. One day
    ahead the distribution is exact; further ahead it is that of simulated paths, half of them antithetic.

    Args:
        options: Number of paths.
        horizon: Longest step H.
    """

    Options = GJRGARCHSkewTOptions
    name = "gjr_garch_skewt"

    def least_training_rows(self) -> int:
        """Two years of returns."""
        return MIN_ROWS

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[SkewedGARCH, bool]:
        """See `SeriesForecaster`."""
        return fit_skewed_or_fallback(series, rows)

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> SkewedGARCH:
        """See `SeriesForecaster`."""
        return SkewedGARCH.from_array(array)

    def learned_facts(self, parameters: Mapping[str, SkewedGARCH], seed: int) -> Mapping[str, Any]:
        """See `SeriesForecaster`."""
        return {"seed": seed}

    def forecast_series(self, parameters: SkewedGARCH, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        paths = PathSimulation(self.horizon, self.options.paths, seed)
        return paths.skewed(self.name, parameters, series, rows)
