"""Parameters of a GARCH: their estimation, its start values, and the fallback.

All variances are those of returns in percent, on which optimisers work best.
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import MIN_VOLATILITY

__all__ = [
    "MIN_ROWS",
    "MIN_VARIANCE",
    "PERCENT",
    "START_VALUES",
    "Recursion",
    "SkewedGARCH",
    "StudentGARCH",
    "fit_or_fallback",
    "fit_skewed_or_fallback",
]

PERCENT = 100.0
MIN_ROWS = 500  # two years; with fewer the likelihood is too flat to fit four parameters
MIN_VARIANCE = (MIN_VOLATILITY * PERCENT) ** 2
START_VALUES = ((0.06, 0.935, 8.0), (0.1, 0.88, 5.0), (0.15, 0.8, 4.0), (0.03, 0.965, 6.0), (0.3, 0.65, 3.0))
"""Alpha, beta and degrees of freedom of the further attempts; omega follows from the returns. The first are those of
the fallback."""

MAX_SLOPE = 10.0
"""Change of the log-likelihood for a relative change of a parameter, beyond which a fit has not converged.

In 816 fits to pairs of the ECB it was up to 1.3 where the optimiser ended at a maximum, and above 100 where not."""

_MIN_RETURNS = 50  # with fewer the optimiser is not started
_MIN_SCALE = 0.01  # of a parameter near 0, for relative changes
_ROUNDING = 1e-6  # of the bounds of a parameter
_MAX_EXCESS = 1e-4  # of the persistence over 1, by which the optimiser may miss it
_MIN_FREEDOM = 2.05  # bounds of the degrees of freedom in `arch`
_MAX_FREEDOM = {"t": 500.0, "skewt": 300.0}


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


class SkewedGARCH(NamedTuple):
    """Parameters of a GARCH with a constant mean and innovations of Hansen's skewed t.

    Args:
        garch: Variance and degrees of freedom.
        mean: Mean of the returns, in percent.
        skew: Asymmetry of the innovations in (-1, 1), below 0 where falls are larger than rises.
    """

    garch: StudentGARCH
    mean: float
    skew: float

    def to_array(self) -> FloatArray:
        """(8,) the parameters in order."""
        return np.array([*self.garch.to_array(), self.mean, self.skew])

    @classmethod
    def from_array(cls, array: AnyArray) -> Self:
        """The parameters that `to_array` returned."""
        *garch, mean, skew = array.tolist()
        return cls(StudentGARCH.from_array(np.array(garch)), mean, skew)


class _Kind(NamedTuple):
    """Kind of GARCH(1,1).

    Args:
        asymmetric: True where a fall adds more to the variance than a rise.
        skewed: True for a constant mean and innovations of the skewed t, False for a mean of 0 and those of the t.
    """

    asymmetric: bool = False
    skewed: bool = False

    @property
    def free(self) -> BoolArray:
        """(7,) True for the parameters that are estimated, in the order of `_Attempt`."""
        return np.array([self.skewed, True, True, self.asymmetric, True, True, self.skewed])

    @property
    def distribution(self) -> str:
        """Name of the distribution in `arch`."""
        return "skewt" if self.skewed else "t"


class _Attempt(NamedTuple):
    """Result of one start of the optimiser: (7,) mean, omega, alpha, gamma, beta, degrees of freedom, skew."""

    values: FloatArray
    likelihood: float
    converged: bool

    @property
    def is_feasible(self) -> bool:
        """True if the parameters are finite and make a variance that is positive and does not explode."""
        _, omega, alpha, gamma, beta, freedom, skew = self.values
        persistence = alpha + gamma / 2 + beta
        return bool(
            np.isfinite([*self.values, self.likelihood]).all()
            and min(omega, alpha, alpha + gamma, beta) >= 0
            and persistence <= 1 + _MAX_EXCESS
            and freedom > 2
            and abs(skew) < 1
        )


def fit_or_fallback(series: PriceSeries, rows: int, asymmetric: bool = False) -> tuple[StudentGARCH, bool]:
    """Maximum-likelihood parameters on the first `rows` rows, and True where no maximum was reached.

    An optimiser may stop on its way and report success, above all where prices hardly move and then jump. A result
    counts only if it is a maximum; where the first one is none, further starts are tried. Where none of them reaches a
    maximum, the most likely parameters are used, and typical ones where there are too few returns.
    """
    returns = np.diff(series.log_price[:rows]) * PERCENT
    fit, replaced = _best_fit(returns, _Kind(asymmetric))
    return fit.garch, replaced


def fit_skewed_or_fallback(series: PriceSeries, rows: int) -> tuple[SkewedGARCH, bool]:
    """As `fit_or_fallback`, for a GJR-GARCH with a constant mean and innovations of the skewed t."""
    return _best_fit(np.diff(series.log_price[:rows]) * PERCENT, _Kind(asymmetric=True, skewed=True))


def _best_fit(returns: FloatArray, kind: _Kind) -> tuple[SkewedGARCH, bool]:
    typical = max(float(returns @ returns) / max(len(returns), 1), MIN_VARIANCE)
    if len(returns) < _MIN_RETURNS or not returns.std():
        return _typical_parameters(typical), True
    first = _maximum_likelihood(returns, kind, None)
    attempts = [first] if first.converged else [first, *_further_attempts(returns, typical, kind)]
    usable = [attempt for attempt in attempts if attempt.is_feasible]
    if not usable:
        return _typical_parameters(typical), True
    best = max(usable, key=lambda attempt: (attempt.converged, attempt.likelihood))
    mean, *recursion, freedom, skew = best.values.tolist()
    return SkewedGARCH(StudentGARCH(Recursion(*recursion), freedom, typical), mean, skew), not best.converged


def _typical_parameters(typical: float) -> SkewedGARCH:
    alpha, beta, freedom = START_VALUES[0]
    recursion = Recursion((1 - alpha - beta) * typical, alpha, 0.0, beta)
    return SkewedGARCH(StudentGARCH(recursion, freedom, typical), mean=0.0, skew=0.0)


def _further_attempts(returns: FloatArray, typical: float, kind: _Kind) -> Iterator[_Attempt]:
    """Fits from `START_VALUES`, each repeated from where it ends, to returns with a variance of 1.

    Their parameters are of the same size, which helps the optimiser.
    """
    unit = np.sqrt(typical)
    for alpha, beta, freedom in START_VALUES:
        start = np.array([0.0, 1 - alpha - beta, alpha, 0.0, beta, freedom, 0.0])
        for _ in range(2):
            attempt = _maximum_likelihood(returns / unit, kind, start)
            values = attempt.values * [unit, typical, 1, 1, 1, 1, 1]
            yield attempt._replace(values=values, likelihood=attempt.likelihood - len(returns) * np.log(unit))
            if attempt.converged or not np.isfinite(attempt.values).all():
                break
            start = attempt.values


def _maximum_likelihood(returns: FloatArray, kind: _Kind, start: FloatArray | None) -> _Attempt:
    """One run of the optimiser from `start` (7,), or from where `arch` starts."""
    import warnings

    from arch import arch_model

    free = kind.free
    mean = "Constant" if kind.skewed else "Zero"
    order = {"p": 1, "o": int(kind.asymmetric), "q": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a failed fit sets its flag, which is read below
        model = arch_model(returns, mean=mean, vol="GARCH", dist=kind.distribution, rescale=False, **order)
        result = model.fit(disp="off", show_warning=False, starting_values=None if start is None else start[free])
    values = np.zeros(7)
    slopes = np.zeros(7)
    values[free] = np.asarray(result.params)
    slopes[free] = result.optimization_result.jac
    finite = bool(np.isfinite(values).all() and np.isfinite(slopes).all())
    converged = finite and result.convergence_flag == 0 and _slope(values, slopes, kind, returns.std()) <= MAX_SLOPE
    return _Attempt(values, float(result.loglikelihood), converged)


def _slope(values: FloatArray, slopes: FloatArray, kind: _Kind, unit: float) -> float:
    """Largest change of the log-likelihood for a relative change of a parameter within the constraints.

    Args:
        values: (7,) mean, omega, alpha, gamma, beta, degrees of freedom, skew.
        slopes: (7,) derivatives of the negative log-likelihood.
        kind: Kind of GARCH.
        unit: Standard deviation of the returns, in which the mean is measured.
    """
    from scipy.optimize import nnls

    _, omega, alpha, gamma, beta, freedom, _ = values
    # Left side of each constraint "... >= 0", and its derivatives. At a maximum the slopes are a sum of the
    # derivatives of the active ones with weights that are not negative (Karush, Kuhn and Tucker).
    constraints = (
        (omega, (0, 1, 0, 0, 0, 0, 0)),
        (alpha, (0, 0, 1, 0, 0, 0, 0)),
        (alpha + gamma, (0, 0, 1, 1, 0, 0, 0)),
        (beta, (0, 0, 0, 0, 1, 0, 0)),
        (1 - _MAX_EXCESS - alpha - gamma / 2 - beta, (0, 0, -1, -0.5, -1, 0, 0)),
        (freedom - _MIN_FREEDOM, (0, 0, 0, 0, 0, 1, 0)),
        (_MAX_FREEDOM[kind.distribution] - freedom, (0, 0, 0, 0, 0, -1, 0)),
    )
    least = _MIN_SCALE * np.array([unit, 0, 1, 1, 1, 0, 1])
    scale = np.maximum(np.abs(values), least)
    active = [derivatives for distance, derivatives in constraints if distance < _ROUNDING]
    matrix = (scale[:, None] * np.array(active, dtype=float).reshape(-1, 7).T)[kind.free]
    target = (scale * slopes)[kind.free]
    weights = nnls(matrix, target)[0] if active else np.empty(0)
    return float(np.abs(target - matrix @ weights).max())
