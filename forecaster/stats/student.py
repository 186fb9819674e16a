"""Student's t through standardised returns, by maximum likelihood."""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = ["MIN_VALUES", "fit_student", "student_quantiles"]


MIN_VALUES = 100  # with fewer the tails are not estimated reliably
_MIN_DEGREES_OF_FREEDOM = 2.05  # a finite variance
_MAX_DEGREES_OF_FREEDOM = 200.0  # practically a normal distribution


def student_quantiles(scale: float, degrees_of_freedom: float) -> FloatArray:
    """(Q,) quantiles at `SCORING_LEVELS` of `scale` times Student's t; the median is exactly 0."""
    from scipy import special

    upper = special.stdtrit(degrees_of_freedom, np.asarray(SCORING_LEVELS[MEDIAN + 1 :])) * scale
    return np.concatenate([0.0 - upper[::-1], [0.0], upper])


def fit_student(values: FloatArray) -> tuple[float, float] | None:
    """Fit scale and degrees of freedom of a t around 0 (Lange, Little and Taylor 1989); None where that fails.

    Args:
        values: (N,) finite numbers; without a fit where they are too few or all near 0.
    """
    from scipy import optimize, special

    square = values**2
    spread = float(np.median(np.abs(values))) if len(values) >= MIN_VALUES else 0.0
    if not spread > 0:
        return None

    def cost(point: FloatArray) -> tuple[float, FloatArray]:
        """Negative mean log likelihood and its gradient; the logs of scale and degrees of freedom."""
        scale, degrees_of_freedom = np.exp(point)
        ratio = square / (degrees_of_freedom * scale**2)
        mean_log = np.log1p(ratio).mean()
        mean_share = (ratio / (1 + ratio)).mean()
        half = (degrees_of_freedom + 1) / 2
        constant = (
            special.gammaln(half) - special.gammaln(degrees_of_freedom / 2) - 0.5 * np.log(degrees_of_freedom * np.pi)
        )
        by_scale = 1 - (degrees_of_freedom + 1) * mean_share
        digamma = special.psi(half) - special.psi(degrees_of_freedom / 2) - 1 / degrees_of_freedom
        by_freedom = -degrees_of_freedom * (digamma / 2 - mean_log / 2) - half * mean_share
        return float(np.log(scale) + half * mean_log - constant), np.array([by_scale, by_freedom])

    start = np.log([spread / 0.72, 6.0])  # 0.72: half of a t with six degrees of freedom lies nearer to 0
    bounds = [(None, None), (np.log(_MIN_DEGREES_OF_FREEDOM), np.log(_MAX_DEGREES_OF_FREEDOM))]
    result = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    scale, degrees_of_freedom = np.exp(result.x).tolist()
    return (scale, degrees_of_freedom) if result.success and np.isfinite(result.x).all() else None
