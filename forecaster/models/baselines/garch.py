"""GARCH(1,1) with Student-t innovations, zero mean: the density baseline that is hard to beat (Bollerslev 1987)."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, PositiveInt

from forecaster.data.series import PriceSeries
from forecaster.features.volatility import SMALLEST_VOLATILITY
from forecaster.forecast import SCORING_LEVELS, Forecasts
from forecaster.models.base import FitRequest, check_rows

__all__ = ["GARCH", "FittedGARCH", "GARCHOptions"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_KNOTS = (1, 5, 10, 20)
_PERCENT = 100.0  # arch optimises best on returns in percent
# Variances at which the paths are simulated, relative to the mean one; in between their quantiles are smooth.
_GRID = np.geomspace(0.01, 1000.0, 96)
_FALLBACK = (0.06, 0.935, 8.0)  # alpha, beta, degrees of freedom; omega makes the mean variance that of the returns
_LEAST_VARIANCE = (SMALLEST_VOLATILITY * _PERCENT) ** 2


class GARCHOptions(BaseModel):
    """Options of the baseline ``garch``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["garch"] = "garch"
    paths: PositiveInt = 20_000


class GARCH:
    """Forecaster: one GARCH(1,1)-t a series, fitted by maximum likelihood on all its training rows.

    One day ahead the distribution is exact; further ahead it is that of simulated paths, each shock used with
    both signs (antithetic), over a grid of starting variances between which the quantiles are interpolated.

    Args:
        options: Number of paths.
        horizon: Longest step H.
    """

    Options = GARCHOptions
    parameters = 4

    def __init__(self, options: GARCHOptions, horizon: int) -> None:
        self.options, self.horizon = options, horizon

    def least_training_rows(self) -> int:
        """Two years of returns; with fewer the likelihood is too flat to fit four parameters."""
        return 500

    def fit(self, request: FitRequest) -> "FittedGARCH":
        """See `forecaster.models.base.Forecaster`."""
        fits, fallbacks = {}, []
        for number, series in enumerate(request.panel):
            name = series.instrument.name
            rows = request.training_rows[name]
            returns = np.diff(series.log_price[:rows]) * _PERCENT
            typical = max(float(returns @ returns) / max(len(returns), 1), _LEAST_VARIANCE)
            parameters = _maximum_likelihood(returns)
            if parameters is None:
                fallbacks.append(name)
                alpha, beta, freedom = _FALLBACK
                parameters = ((1 - alpha - beta) * typical, alpha, beta, freedom)
            fits[name] = np.array([*parameters, typical])
            request.progress("garch", number + 1, len(request.panel))
        return FittedGARCH(fits, fallbacks, self.horizon, self.options.paths, request.seed)

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], state: Mapping[str, Any]) -> "FittedGARCH":
        """See `forecaster.models.base.Forecaster`."""
        return FittedGARCH(dict(arrays), list(state["fallbacks"]), self.horizon, self.options.paths, state["seed"])


def _maximum_likelihood(returns: FloatArray) -> tuple[float, ...] | None:
    """Omega, alpha, beta, degrees of freedom; None where the optimiser does not converge."""
    import warnings

    from arch import arch_model

    if len(returns) < 50 or not returns.std():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a failed fit is told by its flag, and handled by the caller
        model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
        result = model.fit(disp="off", show_warning=False)
    values = tuple(float(value) for value in result.params)
    return values if result.convergence_flag == 0 and np.isfinite(values).all() else None


class FittedGARCH:
    """Fitted parameters of each series; forecasts by filtering the variance up to each cutoff.

    Args:
        fits: Name -> (5,) omega (percent squared), alpha, beta, degrees of freedom, mean square of the training
            returns (percent squared), at which the variance starts.
        fallbacks: Names whose fit did not converge and that use RiskMetrics-like parameters instead.
        horizon: Longest step H.
        paths: Number of simulated paths.
        seed: Of their shocks.
    """

    name = "garch"
    first_row = 1

    def __init__(self, fits: dict[str, FloatArray], fallbacks: list[str], horizon: int, paths: int, seed: int) -> None:
        self.fits, self.fallbacks, self.own_steps = fits, fallbacks, horizon
        self.history: list[dict[str, float]] = []
        self._paths, self._seed = paths, seed

    def forecast(self, series: PriceSeries, rows: IntArray, longest: int | None = None) -> Forecasts:
        """See `forecaster.models.base.Fitted`."""
        from scipy import stats

        check_rows(rows, self.first_row)
        omega, alpha, beta, freedom, typical = self.fits[series.instrument.name].tolist()
        returns = np.diff(series.log_price) * _PERCENT
        variance = _next_variance(returns, typical, (omega, alpha, beta))[rows - 1]
        knots = (*(knot for knot in _KNOTS if knot < self.own_steps), self.own_steps)
        unit = stats.t.ppf(SCORING_LEVELS, freedom) * np.sqrt((freedom - 2) / freedom)
        scaled = np.empty((len(rows), len(knots), len(SCORING_LEVELS)))
        scaled[:, 0] = unit
        if len(knots) > 1 and len(rows):
            grid = typical * _GRID
            table = self._simulate(grid, knots[1:], (omega, alpha, beta, freedom))
            place = np.log(variance)
            for k, level in np.ndindex(table.shape[1:]):
                scaled[:, k + 1, level] = np.interp(place, np.log(grid), table[:, k, level])
        return Forecasts("garch", rows, np.sqrt(variance) / _PERCENT, knots, SCORING_LEVELS, scaled)

    def _simulate(self, grid: FloatArray, steps: tuple[int, ...], parameters: tuple[float, ...]) -> FloatArray:
        """(G, S, Q) quantiles of the return over each of `steps`, in units of the root of variance times step."""
        omega, alpha, beta, freedom = parameters
        rng = np.random.default_rng(self._seed)
        shocks = rng.standard_t(freedom, (steps[-1], self._paths // 2)) * np.sqrt((freedom - 2) / freedom)
        table = np.empty((len(grid), len(steps), len(SCORING_LEVELS)))
        for row, start in enumerate(grid):
            variance, total = np.full(shocks.shape[1], start), np.zeros(shocks.shape[1])
            for step, shock in enumerate(shocks, start=1):
                moved = np.sqrt(variance) * shock
                total += moved
                variance = omega + alpha * moved**2 + beta * variance
                if step in steps:
                    both = np.concatenate([total, -total])
                    table[row, steps.index(step)] = np.quantile(both, SCORING_LEVELS) / np.sqrt(start * step)
        return table

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """See `forecaster.models.base.Fitted`."""
        return dict(self.fits)

    def state(self) -> dict[str, Any]:
        """See `forecaster.models.base.Fitted`."""
        return {"fallbacks": self.fallbacks, "seed": self._seed}


def _next_variance(returns: FloatArray, start: float, parameters: tuple[float, float, float]) -> FloatArray:
    """(T,) variance of the day after each return; `start` is that of the first, `parameters` omega, alpha, beta."""
    omega, alpha, beta = parameters
    variance = max(start, _LEAST_VARIANCE)
    result = []
    for squared in (returns**2).tolist():
        variance = max(omega + alpha * squared + beta * variance, _LEAST_VARIANCE)
        result.append(variance)
    return np.asarray(result)
