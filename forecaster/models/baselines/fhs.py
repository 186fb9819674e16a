"""Filtered historical simulation: past returns over their volatility, drawn at random and scaled with today's.

Barone-Adesi, Giannopoulos and Vosper, "VaR without correlations for portfolios of derivative securities",
Journal of Futures Markets 19 (1999).
"""

import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions
from forecaster.models.baselines.base import SeriesForecaster, linear_quantiles
from forecaster.models.baselines.garch_fit import MIN_ROWS, PERCENT, Recursion, StudentGARCH, fit_or_fallback
from forecaster.models.baselines.garch_simulation import PathSimulation, next_variance, simulated_quantiles
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FHS", "FHSOptions", "FilteredShocks"]

_MIN_SHOCKS = 100  # fewer do not show the tails
_TYPICAL_SHOCKS = 999


class FHSOptions(ModelOptions):
    """Options of the baseline ``fhs``."""

    kind: Literal["fhs"] = "fhs"
    paths: Annotated[int, Field(ge=100)] = 20_000


class FilteredShocks(NamedTuple):
    """Variance of a series and its past shocks.

    Args:
        recursion: Recursion of the variance, in percent squared.
        typical: Mean square of the training returns (percent squared), at which the variance starts.
        shocks: (N,) sorted standardised returns.
    """

    recursion: Recursion
    typical: float
    shocks: FloatArray

    def to_array(self) -> FloatArray:
        """(5 + N,) the parameters in order."""
        return np.array([*self.recursion, self.typical, *self.shocks])

    @classmethod
    def from_array(cls, array: AnyArray) -> Self:
        """The parameters that `to_array` returned."""
        return cls(Recursion(*array[:4].tolist()), float(array[4]), array[5:])


class FHS(SeriesForecaster[FilteredShocks]):
    """Forecaster: the variance of ``garch`` with the empirical shocks of the training rows.

    One day ahead the distribution is that of the standardised training returns themselves; further ahead it is that
    of paths which draw from them with replacement, each rank together with its opposite (antithetic). The shocks have
    a mean of zero and keep their skewness, so the median may differ from the last price. Subtracting the median would
    make CRPS 0.2 to 0.4 % worse on two stock indices (2005 to 2018), and up to 0.06 % better on the 16 development
    pairs (2011 to 2020).

    Args:
        options: Number of paths.
        horizon: Longest step H.
    """

    Options = FHSOptions
    name = "fhs"

    def least_training_rows(self) -> int:
        """Two years of returns."""
        return MIN_ROWS

    def fit_series(self, series: PriceSeries, rows: int) -> tuple[FilteredShocks, bool]:
        """See `SeriesForecaster`."""
        garch, replaced = fit_or_fallback(series, rows)
        shocks = _shocks(series, rows, garch)
        if shocks is None:
            return FilteredShocks(garch.recursion, garch.typical, _typical_shocks(garch.freedom)), True
        return FilteredShocks(garch.recursion, garch.typical, shocks), replaced

    def restore_series(self, array: AnyArray, name: str, learned: Mapping[str, Any]) -> FilteredShocks:
        """See `SeriesForecaster`."""
        return FilteredShocks.from_array(array)

    def learned_facts(self, parameters: Mapping[str, FilteredShocks], seed: int) -> Mapping[str, Any]:
        """See `SeriesForecaster`."""
        return {"seed": seed}

    def forecast_series(self, parameters: FilteredShocks, series: PriceSeries, rows: IntArray, seed: int) -> Forecasts:
        """See `SeriesForecaster`."""
        recursion, typical, past = parameters
        paths = PathSimulation(self.horizon, self.options.paths, seed)
        variance = next_variance(series, typical, recursion)[rows - 1]
        scaled = np.empty((len(rows), len(paths.knots), len(SCORING_LEVELS)))
        scaled[:, 0] = linear_quantiles(past)
        if self.horizon > 1 and len(rows):
            rng = np.random.default_rng(seed)
            rank = rng.integers(len(past), size=(self.horizon, paths.count // 2))
            shocks = past[np.concatenate([rank, len(past) - 1 - rank], axis=1)]
            simulate = functools.partial(simulated_quantiles, recursion, shocks, paths.knots, mirrored=False)
            scaled[:, 1:] = paths.quantiles(simulate, variance, typical)[:, 1:]
        return paths.forecasts(self.name, rows, variance, scaled)


def _shocks(series: PriceSeries, rows: int, garch: StudentGARCH) -> FloatArray | None:
    """Sorted, centred returns of the first `rows` rows over the volatility known the day before; None for too few."""
    if rows < _MIN_SHOCKS + 2:
        return None
    returns = np.diff(series.log_price[:rows]) * PERCENT
    variance = next_variance(series, garch.typical, garch.recursion)[: rows - 2]
    shocks = np.sort(returns[1:] / np.sqrt(variance))
    return shocks - shocks.mean() if shocks[0] < shocks[-1] else None


def _typical_shocks(freedom: float) -> FloatArray:
    """Sorted shocks of a t with a variance of 1, for a series that has too few of its own."""
    from scipy import special

    shocks = special.stdtrit(freedom, (np.arange(_TYPICAL_SHOCKS) + 0.5) / _TYPICAL_SHOCKS)
    return np.asarray(shocks * np.sqrt((freedom - 2) / freedom))
