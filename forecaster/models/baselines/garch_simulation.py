"""GARCH variances, and the distributions of simulated paths.

All variances are those of returns in percent, on which optimisers work best.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.forecast import Forecasts
from forecaster.models.base import check_rows
from forecaster.models.baselines.base import FIRST_ROW, knots_up_to, linear_quantiles, mirrored_quantiles
from forecaster.models.baselines.garch_fit import MIN_VARIANCE, PERCENT, Recursion, SkewedGARCH, StudentGARCH
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.skewed_student import skewed_student_quantiles, skewed_student_shocks

__all__ = ["PathSimulation", "next_variance", "simulated_quantiles"]

# Variances at which paths start, relative to the mean variance; between them the quantiles are interpolated.
_GRID = np.geomspace(0.01, 1000.0, 96)


def next_variance(series: PriceSeries, start: float, recursion: Recursion, mean: float = 0.0) -> FloatArray:
    """(T - 1,) variance of the day after each return of `series`; that of the first return itself is `start`.

    Args:
        series: The history.
        start: Variance of the first return.
        recursion: Recursion of the variance.
        mean: Mean of the returns, in percent.
    """
    omega, alpha, gamma, beta = recursion
    variance = max(start, MIN_VARIANCE)
    returns = np.diff(series.log_price) * PERCENT - mean
    shocks = (alpha + gamma * (returns < 0)) * returns**2
    result = []
    for shock in shocks.tolist():
        variance = max(omega + shock + beta * variance, MIN_VARIANCE)
        result.append(variance)
    return np.asarray(result)


def simulated_quantiles(
    recursion: Recursion, shocks: FloatArray, steps: Sequence[int], start: float, mirrored: bool
) -> FloatArray:
    """Quantiles of the sum of returns along paths.

    Args:
        recursion: Recursion of the variance.
        shocks: (S, M) innovations, a column for each path, a row for each step up to the last of `steps`.
        steps: (K,) at which the sums are taken.
        start: Variance of the first step.
        mirrored: True to count the mirror image of each path as well; without asymmetry it has the same variances.

    Returns:
        (K, Q) at `SCORING_LEVELS`, in units of the root of `start` times the step.
    """
    omega, alpha, gamma, beta = recursion
    quantiles = mirrored_quantiles if mirrored else linear_quantiles
    result = np.empty((len(steps), len(SCORING_LEVELS)))
    variance = np.full(shocks.shape[1], start)
    total = np.zeros(shocks.shape[1])
    change = np.empty_like(total)
    fall = np.empty_like(total)
    for step, shock in enumerate(shocks, start=1):  # all in place: the arrays stay in the cache of the processor
        np.multiply(np.sqrt(variance, out=change), shock, out=change)
        total += change
        if gamma:
            np.minimum(change, 0.0, out=fall)
            fall *= fall
            fall *= gamma
        change *= change
        change *= alpha
        change += omega
        variance *= beta
        variance += change
        if gamma:
            variance += fall
        if step in steps:
            result[steps.index(step)] = quantiles(total) / np.sqrt(start * step)
    return result


@dataclasses.dataclass(frozen=True)
class PathSimulation:
    """Settings of a simulation.

    Args:
        horizon: Longest step H.
        count: Number of paths, half of them antithetic to the other half.
        seed: Seed of the shocks.
    """

    horizon: int
    count: int
    seed: int

    @property
    def knots(self) -> tuple[int, ...]:
        """Steps at which quantiles of the paths are taken."""
        return knots_up_to(self.horizon)

    def student(self, name: str, garch: StudentGARCH, series: PriceSeries, rows: IntArray) -> Forecasts:
        """Forecasts of the model `name` at `rows` (N,): exact one day ahead, further ahead simulated."""
        check_rows(rows, FIRST_ROW)
        variance = next_variance(series, garch.typical, garch.recursion)[rows - 1]
        unit = np.sqrt((garch.freedom - 2) / garch.freedom)  # of innovations with a variance of 1
        scaled = np.empty((len(rows), len(self.knots), len(SCORING_LEVELS)))
        scaled[:, 0] = _student_quantiles(garch.freedom) * unit
        if self.horizon > 1 and len(rows):
            simulate = functools.partial(_garch_quantiles, self, garch, None)
            scaled[:, 1:] = self.quantiles(simulate, variance, garch.typical)[:, 1:]
        return self.forecasts(name, rows, variance, scaled)

    def skewed(self, name: str, parameters: SkewedGARCH, series: PriceSeries, rows: IntArray) -> Forecasts:
        """As `student`, with a constant mean and innovations of the skewed t."""
        check_rows(rows, FIRST_ROW)
        garch, mean, skew = parameters
        variance = next_variance(series, garch.typical, garch.recursion, mean)[rows - 1]
        scaled = np.empty((len(rows), len(self.knots), len(SCORING_LEVELS)))
        scaled[:, 0] = skewed_student_quantiles(SCORING_LEVELS, garch.freedom, skew)
        if self.horizon > 1 and len(rows):
            simulate = functools.partial(_garch_quantiles, self, garch, skew)
            scaled[:, 1:] = self.quantiles(simulate, variance, garch.typical)[:, 1:]
        drift = mean * np.sqrt(self.knots) / np.sqrt(variance)[:, None]
        return self.forecasts(name, rows, variance, scaled + drift[..., None])

    def quantiles(self, simulate: Callable[[float], FloatArray], variance: FloatArray, typical: float) -> FloatArray:
        """Quantiles at all knots of paths that start from each variance, interpolated on a grid of variances.

        Only the grid points next to a variance are simulated, which changes no bit of the result.

        Args:
            simulate: Quantiles (K, Q) of paths that start from a variance; see `simulated_quantiles`.
            variance: (N,) at which the paths start.
            typical: Mean variance, around which the grid lies; beyond it the quantiles are those at its ends.

        Returns:
            (N, K, Q) at `SCORING_LEVELS`, in units of the root of variance times step.
        """
        grid = typical * _GRID
        logs = np.log(variance)
        log_grid = np.log(grid)
        left = np.clip(np.searchsorted(log_grid, logs, side="right") - 1, 0, len(grid) - 2)
        table = np.zeros((len(grid), len(self.knots), len(SCORING_LEVELS)))
        for point in np.union1d(left, left + 1):
            table[point] = simulate(float(grid[point]))
        share = np.clip((logs - log_grid[left]) / (log_grid[left + 1] - log_grid[left]), 0, 1)[:, None, None]
        return np.asarray(table[left] + share * (table[left + 1] - table[left]))

    def forecasts(self, name: str, rows: IntArray, variance: FloatArray, scaled: FloatArray) -> Forecasts:
        """Forecasts whose scale is the volatility of the coming day; `variance` (N,), `scaled` (N, K, Q)."""
        return Forecasts(name, rows, np.sqrt(variance) / PERCENT, self.knots, SCORING_LEVELS, scaled)


@functools.lru_cache(maxsize=1024)
def _garch_quantiles(paths: PathSimulation, garch: StudentGARCH, skew: float | None, start: float) -> FloatArray:
    """Quantiles (K, Q) of paths of a GARCH that start from a variance; see `simulated_quantiles`.

    Training, validation and test rows need many of the same ones, and so does every model that averages a GARCH.

    Args:
        paths: Settings of the simulation.
        garch: Parameters.
        skew: Asymmetry of the skewed t; None for a symmetric t.
        start: Variance of the first step.
    """
    symmetric = skew is None and not garch.recursion.gamma
    shocks = _garch_shocks(paths, garch.freedom, skew, symmetric)
    return simulated_quantiles(garch.recursion, shocks, paths.knots, start, mirrored=symmetric)


@functools.lru_cache(maxsize=1)  # up to 40 MB for 250 steps
def _garch_shocks(paths: PathSimulation, freedom: float, skew: float | None, symmetric: bool) -> FloatArray:
    """(H, M) innovations; half of the paths where the other half is their mirror image."""
    rng = np.random.default_rng(paths.seed)
    shape = (paths.horizon, paths.count // 2)
    if skew is not None:
        return skewed_student_shocks(rng, shape, freedom, skew)
    shocks = rng.standard_t(freedom, shape) * np.sqrt((freedom - 2) / freedom)
    return shocks if symmetric else np.concatenate([shocks, -shocks], axis=1)


def _student_quantiles(freedom: float) -> FloatArray:
    from scipy import special

    return np.asarray(special.stdtrit(freedom, np.asarray(SCORING_LEVELS)))
