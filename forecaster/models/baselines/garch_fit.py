"""Parameters of a GARCH: their estimation, its start values, and the fallback.

All variances are those of returns in percent, on which optimisers work best.
"""

from typing import NamedTuple, Self

import numpy as np

from forecaster.arrays import AnyArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import MIN_VOLATILITY

__all__ = ["MIN_ROWS", "MIN_VARIANCE", "PERCENT", "START_VALUES", "Recursion", "StudentGARCH", "fit_or_fallback"]

PERCENT = 100.0
MIN_ROWS = 500  # two years; with fewer the likelihood is too flat to fit four parameters
MIN_VARIANCE = (MIN_VOLATILITY * PERCENT) ** 2
START_VALUES = (0.06, 0.935, 8.0)
"""Alpha, beta and degrees of freedom of the second attempt and of the fallback; omega follows from the returns."""

_MIN_RETURNS = 50  # with fewer the optimiser is not started


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
    typical = max(float(returns @ returns) / max(len(returns), 1), MIN_VARIANCE)
    alpha, beta, freedom = START_VALUES
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
