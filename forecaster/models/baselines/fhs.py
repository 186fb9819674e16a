"""Filtered historical simulation: past shocks, freed of their volatility, drawn again on today's (Barone-Adesi 1999).

Barone-Adesi, Giannopoulos and Vosper, "VaR without correlations for portfolios of derivative securities",
Journal of Futures Markets 19.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import FitReport, FitRequest, ModelOptions, check_rows
from forecaster.models.baselines.base import FittedEach, linear_quantiles
from forecaster.models.baselines.garch_simulation import (
    LEAST_ROWS,
    PERCENT,
    Paths,
    Recursion,
    StudentFit,
    fit_or_fallback,
    next_variance,
)
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["FHS", "FHSOptions", "FittedFHS"]


_LEAST_SHOCKS = 100  # with fewer the tails are a guess


class FHSOptions(ModelOptions):
    """Options of the baseline ``fhs``."""

    kind: Literal["fhs"] = "fhs"
    paths: Annotated[int, Field(ge=100)] = 20_000


class FHS:
    """Forecaster: the variance of ``garch``, the shocks of the training rows as they were.

    One day ahead the distribution is that of the standardised training returns themselves; further ahead it is that
    of paths which draw from them with replacement, each rank together with its opposite (antithetic). The shocks have
    a mean of zero and keep their skewness, so the median need not be the last price. Taking the median off would
    make CRPS 0.2 to 0.4 % worse on two stock indices (2005 to 2018), and up to 0.06 % better on the 16 development
    pairs (2011 to 2020).

    Args:
        options: Number of paths.
        horizon: Longest step H.
    """

    Options = FHSOptions
    traits: ClassVar[Traits] = Traits()

    def __init__(self, options: FHSOptions, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """Two years of returns."""
        return LEAST_ROWS

    def fit(self, request: FitRequest) -> "FittedFHS":
        """See `forecaster.models.base.Forecaster`."""
        fits, fallbacks = {}, []
        for number, series in enumerate(request.panel, start=1):
            name = series.instrument.name
            rows = request.training_rows[name]
            found, replaced = fit_or_fallback(series, rows)
            shocks = _shocks(series, rows, found)
            if shocks is None:
                shocks, replaced = _usual_shocks(found.freedom), True
            fits[name] = np.array([*found.recursion, found.typical, *shocks])
            fallbacks += [name] if replaced else []
            request.progress("fhs", number, len(request.panel))
        return FittedFHS(fits, fallbacks, self._paths(request.seed))

    def restore(self, arrays: Mapping[str, AnyArray], report: FitReport) -> "FittedFHS":
        """See `forecaster.models.base.Forecaster`."""
        return FittedFHS(arrays, report.fallbacks, self._paths(report.learned["seed"]))

    def _paths(self, seed: int) -> Paths:
        return Paths(self.horizon, self.options.paths, seed)


def _shocks(series: PriceSeries, rows: int, fit: StudentFit) -> FloatArray | None:
    """Sorted returns of the first `rows` rows in units of the volatility known the day before, their mean taken off."""
    if rows < _LEAST_SHOCKS + 2:
        return None
    returns = np.diff(series.log_price[:rows]) * PERCENT
    variance = next_variance(series, fit.typical, fit.recursion)[: rows - 2]
    found = np.sort(returns[1:] / np.sqrt(variance))
    return found - found.mean() if found[0] < found[-1] else None


def _usual_shocks(freedom: float) -> FloatArray:
    """Sorted shocks of a t with a variance of 1, where a series has none of its own."""
    from scipy import special

    found = special.stdtrit(freedom, (np.arange(999) + 0.5) / 999)
    return np.asarray(found * np.sqrt((freedom - 2) / freedom))


class FittedFHS(FittedEach):
    """Filter and shocks of each series.

    Args:
        fits: Name -> (5 + N,) omega (percent squared), alpha, gamma, beta, mean square of the training returns
            (percent squared), and N sorted standardised returns.
        fallbacks: Names whose filter or shocks could not be estimated and are usual ones.
        paths: How the paths are simulated.
    """

    def __init__(self, fits: Mapping[str, FloatArray], fallbacks: Sequence[str], paths: Paths) -> None:
        super().__init__("fhs", fits, fallbacks, paths.horizon)
        self._paths = paths

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        check_rows(rows, self.first_row)
        fit = self.fit_of(series)
        recursion, typical, past = Recursion(*fit[:4].tolist()), float(fit[4]), fit[5:]
        variance = next_variance(series, typical, recursion)[rows - 1]
        scaled = np.empty((len(rows), len(self._paths.knots), len(SCORING_LEVELS)))
        scaled[:, 0] = linear_quantiles(past)
        if self.own_steps > 1 and len(rows):
            rng = np.random.default_rng(self._paths.seed)
            rank = rng.integers(len(past), size=(self.own_steps, self._paths.count // 2))
            shocks = past[np.concatenate([rank, len(past) - 1 - rank], axis=1)]
            scaled[:, 1:] = self._paths.quantiles(recursion, shocks, variance, typical, mirrored=False)[:, 1:]
        return self._paths.forecasts(self.name, rows, variance, scaled)

    @property
    def report(self) -> FitReport:
        """See `forecaster.models.base.Fitted`."""
        return FitReport(learned={"seed": self._paths.seed}, fallbacks=self.fallbacks)
