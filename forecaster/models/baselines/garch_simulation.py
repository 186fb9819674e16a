"""Variances that follow GARCH, and the distributions of simulated paths that start from them.

All variances are those of returns in percent, on which optimisers work best.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import MIN_VOLATILITY
from forecaster.forecast import Forecasts
from forecaster.models.base import check_rows
from forecaster.models.baselines.base import FIRST_ROW, knots_up_to, linear_quantiles, mirrored_quantiles
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["LEAST_ROWS", "PERCENT", "Paths", "Recursion", "StudentFit", "fit_or_fallback", "next_variance"]


PERCENT = 100.0
LEAST_ROWS = 500  # two years; with fewer the likelihood is too flat to fit four parameters
_LEAST_RETURNS = 50  # with fewer nothing is tried
# Variances at which paths start, relative to the mean one; in between their quantiles are smooth.
_GRID = np.geomspace(0.01, 1000.0, 96)
_FALLBACK = (0.06, 0.935, 8.0)  # alpha, beta, degrees of freedom; omega makes the mean variance that of the returns
_LEAST_VARIANCE = (MIN_VOLATILITY * PERCENT) ** 2


class Recursion(NamedTuple):
    """How a variance v moves on after a return r: ``omega + (alpha + gamma * [r < 0]) * r**2 + beta * v``."""

    omega: float
    alpha: float
    gamma: float
    beta: float


class StudentFit(NamedTuple):
    """A recursion with Student-t innovations of unit variance, and the mean square of the training returns."""

    recursion: Recursion
    freedom: float
    typical: float


def fit_or_fallback(series: PriceSeries, rows: int, asymmetric: bool = False) -> tuple[StudentFit, bool]:
    """Maximum-likelihood parameters on the first `rows` rows, and whether they had to be replaced by usual ones."""
    returns = np.diff(series.log_price[:rows]) * PERCENT
    typical = max(float(returns @ returns) / max(len(returns), 1), _LEAST_VARIANCE)
    alpha, beta, freedom = _FALLBACK
    usual = StudentFit(Recursion((1 - alpha - beta) * typical, alpha, 0.0, beta), freedom, typical)
    values = None
    if len(returns) >= _LEAST_RETURNS and returns.std():
        starts = (None, (*usual.recursion, freedom))  # where the optimiser begins; its own choice suits most series
        values = next(filter(None, (_maximum_likelihood(returns, asymmetric, start) for start in starts)), None)
    if values is None:
        return usual, True
    return StudentFit(Recursion(*values[:4]), values[4], typical), False


def _maximum_likelihood(
    returns: FloatArray, asymmetric: bool, start: tuple[float, ...] | None
) -> tuple[float, ...] | None:
    """Omega, alpha, gamma, beta, degrees of freedom; None where the optimiser does not converge."""
    import warnings

    from arch import arch_model

    if start is not None and not asymmetric:
        start = (*start[:2], *start[3:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a failed fit is told by its flag, and handled by the caller
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
    variance = max(start, _LEAST_VARIANCE)
    returns = np.diff(series.log_price) * PERCENT
    shocks = (alpha + gamma * (returns < 0)) * returns**2
    result = []
    for shock in shocks.tolist():
        variance = max(omega + shock + beta * variance, _LEAST_VARIANCE)
        result.append(variance)
    return np.asarray(result)


def simulated_quantiles(
    recursion: Recursion, shocks: FloatArray, steps: Sequence[int], start: float, mirrored: bool
) -> FloatArray:
    """Quantiles of the sum of returns along paths.

    Args:
        recursion: How the variance moves on.
        shocks: (S, M) innovations, a column for each path, a row for each step up to the last of `steps`.
        steps: (K,) when to look.
        start: Variance of the first step.
        mirrored: Each path stands for its mirror image as well: where signs play no part, that has the same variances.

    Returns:
        (K, Q) at `SCORING_LEVELS`, in units of the root of `start` times the step.
    """
    omega, alpha, gamma, beta = recursion
    quantiles = mirrored_quantiles if mirrored else linear_quantiles
    result = np.empty((len(steps), len(SCORING_LEVELS)))
    variance, total = np.full(shocks.shape[1], start), np.zeros(shocks.shape[1])
    moved, fallen = np.empty_like(total), np.empty_like(total)
    for step, shock in enumerate(shocks, start=1):  # all in place: the arrays stay in the cache of the processor
        np.multiply(np.sqrt(variance, out=moved), shock, out=moved)
        total += moved
        if gamma:
            np.minimum(moved, 0.0, out=fallen)
            fallen *= fallen
            fallen *= gamma
        moved *= moved
        moved *= alpha
        moved += omega
        variance *= beta
        variance += moved
        if gamma:
            variance += fallen
        if step in steps:
            result[steps.index(step)] = quantiles(total) / np.sqrt(start * step)
    return result


@dataclasses.dataclass(frozen=True)
class Paths:
    """How many paths are simulated, how far, from which seed.

    Args:
        horizon: Longest step H.
        count: Number of paths, half of them antithetic to the other half.
        seed: Of their shocks.
    """

    horizon: int
    count: int
    seed: int

    @property
    def knots(self) -> tuple[int, ...]:
        """Steps at which the paths are looked at."""
        return knots_up_to(self.horizon)

    def student(self, name: str, fit: StudentFit, series: PriceSeries, rows: IntArray) -> Forecasts:
        """Forecasts of the model `name` at `rows` (N,): exact one day ahead, further ahead simulated."""
        check_rows(rows, FIRST_ROW)
        variance = next_variance(series, fit.typical, fit.recursion)[rows - 1]
        unit = np.sqrt((fit.freedom - 2) / fit.freedom)  # of innovations with a variance of 1
        scaled = np.empty((len(rows), len(self.knots), len(SCORING_LEVELS)))
        scaled[:, 0] = _student_quantiles(fit.freedom) * unit
        if self.horizon > 1 and len(rows):
            rng, symmetric = np.random.default_rng(self.seed), not fit.recursion.gamma
            shocks = rng.standard_t(fit.freedom, (self.horizon, self.count // 2)) * unit
            both = shocks if symmetric else np.concatenate([shocks, -shocks], axis=1)
            scaled[:, 1:] = self.quantiles(fit.recursion, both, variance, fit.typical, mirrored=symmetric)[:, 1:]
        return self.forecasts(name, rows, variance, scaled)

    def quantiles(
        self, recursion: Recursion, shocks: FloatArray, variance: FloatArray, typical: float, mirrored: bool
    ) -> FloatArray:
        """Quantiles at all knots of paths that start from each variance, interpolated on a grid of variances.

        Only the points of the grid beside a variance are simulated, which changes no bit of the result.

        Args:
            recursion: How the variance moves on.
            shocks: (H, M) innovations.
            variance: (N,) at which the paths start.
            typical: Mean variance, around which the grid lies; beyond it the quantiles are those at its ends.
            mirrored: See `simulated_quantiles`.

        Returns:
            (N, K, Q) at `SCORING_LEVELS`, in units of the root of variance times step.
        """
        grid = typical * _GRID
        place, known = np.log(variance), np.log(grid)
        left = np.clip(np.searchsorted(known, place, side="right") - 1, 0, len(grid) - 2)
        table = np.zeros((len(grid), len(self.knots), len(SCORING_LEVELS)))
        for point in np.union1d(left, left + 1):
            table[point] = simulated_quantiles(recursion, shocks, self.knots, float(grid[point]), mirrored)
        share = np.clip((place - known[left]) / (known[left + 1] - known[left]), 0, 1)[:, None, None]
        return np.asarray(table[left] + share * (table[left + 1] - table[left]))

    def forecasts(self, name: str, rows: IntArray, variance: FloatArray, scaled: FloatArray) -> Forecasts:
        """Forecasts whose scale is the volatility of the coming day; `variance` (N,), `scaled` (N, K, Q)."""
        return Forecasts(name, rows, np.sqrt(variance) / PERCENT, self.knots, SCORING_LEVELS, scaled)


def _student_quantiles(freedom: float) -> FloatArray:
    from scipy import special

    return np.asarray(special.stdtrit(freedom, np.asarray(SCORING_LEVELS)))
