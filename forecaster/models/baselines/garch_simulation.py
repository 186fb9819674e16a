"""GARCH variances, their estimation, and the distributions of simulated paths.

All variances are those of returns in percent, on which optimisers work best.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import MIN_VOLATILITY
from forecaster.forecast import Forecasts
from forecaster.models.base import check_rows
from forecaster.models.baselines.base import FIRST_ROW, knots_up_to, linear_quantiles, mirrored_quantiles
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["MIN_ROWS", "PERCENT", "Paths", "Recursion", "StudentGARCH", "fit_or_fallback", "next_variance"]

PERCENT = 100.0
MIN_ROWS = 500  # two years; with fewer the likelihood is too flat to fit four parameters
_MIN_RETURNS = 50  # with fewer the optimiser is not started
# Variances at which paths start, relative to the mean variance; between them the quantiles are interpolated.
_GRID = np.geomspace(0.01, 1000.0, 96)
# Alpha, beta, degrees of freedom of the second attempt and of the fallback; omega gives the variance of the returns.
_START_VALUES = (0.06, 0.935, 8.0)
_MIN_VARIANCE = (MIN_VOLATILITY * PERCENT) ** 2


class Recursion(NamedTuple):
    """Next variance after a variance v and a return r: ``omega + (alpha + gamma * [r < 0]) * r**2 + beta * v``."""

    omega: float
    alpha: float
    gamma: float
    beta: float


class StudentGARCH(NamedTuple):
    """Parameters of a GARCH with Student-t innovations.

    Args:
        recursion: Recursion of the variance, in percent squared.
        freedom: Degrees of freedom of the innovations, whose variance is 1.
        typical: Mean square of the training returns (percent squared), at which the variance starts.
    """

    recursion: Recursion
    freedom: float
    typical: float

    def to_array(self) -> FloatArray:
        """(6,) the parameters in order."""
        return np.array([*self.recursion, self.freedom, self.typical])

    @classmethod
    def from_array(cls, array: AnyArray) -> Self:
        """The parameters that `to_array` returned."""
        *recursion, freedom, typical = array.tolist()
        return cls(Recursion(*recursion), freedom, typical)


def fit_or_fallback(series: PriceSeries, rows: int, asymmetric: bool = False) -> tuple[StudentGARCH, bool]:
    """Maximum-likelihood parameters on the first `rows` rows, and True where typical ones replace them."""
    returns = np.diff(series.log_price[:rows]) * PERCENT
    typical = max(float(returns @ returns) / max(len(returns), 1), _MIN_VARIANCE)
    alpha, beta, freedom = _START_VALUES
    fallback = StudentGARCH(Recursion((1 - alpha - beta) * typical, alpha, 0.0, beta), freedom, typical)
    if len(returns) < _MIN_RETURNS or not returns.std():
        return fallback, True
    for start in (None, (*fallback.recursion, freedom)):  # None: the optimiser's own choice, which suits most series
        values = _maximum_likelihood(returns, asymmetric, start)
        if values is not None:
            return StudentGARCH(Recursion(*values[:4]), values[4], typical), False
    return fallback, True


def _maximum_likelihood(
    returns: FloatArray, asymmetric: bool, start: tuple[float, ...] | None
) -> tuple[float, ...] | None:
    """Omega, alpha, gamma, beta, degrees of freedom; None where the optimiser does not converge."""
    import warnings

    from arch import arch_model

    if start is not None and not asymmetric:
        start = (*start[:2], *start[3:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a failed fit sets its flag, which is read below
        model = arch_model(returns, mean="Zero", vol="GARCH", p=1, o=int(asymmetric), q=1, dist="t", rescale=False)
        result = model.fit(disp="off", show_warning=False, starting_values=start)
    values = [float(value) for value in result.params]
    if result.convergence_flag != 0 or not np.isfinite(values).all():
        return None
    if not asymmetric:
        values.insert(2, 0.0)
    return tuple(values)


def next_variance(series: PriceSeries, start: float, recursion: Recursion) -> FloatArray:
    """(T - 1,) variance of the day after each return of `series`; that of the first return itself is `start`."""
    omega, alpha, gamma, beta = recursion
    variance = max(start, _MIN_VARIANCE)
    returns = np.diff(series.log_price) * PERCENT
    shocks = (alpha + gamma * (returns < 0)) * returns**2
    result = []
    for shock in shocks.tolist():
        variance = max(omega + shock + beta * variance, _MIN_VARIANCE)
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
class Paths:
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
            rng = np.random.default_rng(self.seed)
            symmetric = not garch.recursion.gamma
            shocks = rng.standard_t(garch.freedom, (self.horizon, self.count // 2)) * unit
            both = shocks if symmetric else np.concatenate([shocks, -shocks], axis=1)
            scaled[:, 1:] = self.quantiles(garch.recursion, both, variance, garch.typical, mirrored=symmetric)[:, 1:]
        return self.forecasts(name, rows, variance, scaled)

    def quantiles(
        self, recursion: Recursion, shocks: FloatArray, variance: FloatArray, typical: float, mirrored: bool
    ) -> FloatArray:
        """Quantiles at all knots of paths that start from each variance, interpolated on a grid of variances.

        Only the grid points next to a variance are simulated, which changes no bit of the result.

        Args:
            recursion: Recursion of the variance.
            shocks: (H, M) innovations.
            variance: (N,) at which the paths start.
            typical: Mean variance, around which the grid lies; beyond it the quantiles are those at its ends.
            mirrored: See `simulated_quantiles`.

        Returns:
            (N, K, Q) at `SCORING_LEVELS`, in units of the root of variance times step.
        """
        grid = typical * _GRID
        logs = np.log(variance)
        log_grid = np.log(grid)
        left = np.clip(np.searchsorted(log_grid, logs, side="right") - 1, 0, len(grid) - 2)
        table = np.zeros((len(grid), len(self.knots), len(SCORING_LEVELS)))
        for point in np.union1d(left, left + 1):
            table[point] = simulated_quantiles(recursion, shocks, self.knots, float(grid[point]), mirrored)
        share = np.clip((logs - log_grid[left]) / (log_grid[left + 1] - log_grid[left]), 0, 1)[:, None, None]
        return np.asarray(table[left] + share * (table[left + 1] - table[left]))

    def forecasts(self, name: str, rows: IntArray, variance: FloatArray, scaled: FloatArray) -> Forecasts:
        """Forecasts whose scale is the volatility of the coming day; `variance` (N,), `scaled` (N, K, Q)."""
        return Forecasts(name, rows, np.sqrt(variance) / PERCENT, self.knots, SCORING_LEVELS, scaled)


def _student_quantiles(freedom: float) -> FloatArray:
    from scipy import special

    return np.asarray(special.stdtrit(freedom, np.asarray(SCORING_LEVELS)))
