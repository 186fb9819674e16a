"""Student's t through standardised returns, by maximum likelihood."""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["LEAST_VALUES", "fit_student", "student_quantiles"]


LEAST_VALUES = 100  # with fewer the tails are a guess
_LEAST_FREEDOM, _MOST_FREEDOM = 2.05, 200.0  # a finite variance; a normal distribution for all purposes


def student_quantiles(scale: float, freedom: float) -> FloatArray:
    """(Q,) quantiles at `SCORING_LEVELS` of `scale` times Student's t; the median is exactly 0."""
    from scipy import special

    upper = special.stdtrit(freedom, np.asarray(SCORING_LEVELS)[len(SCORING_LEVELS) // 2 + 1 :]) * scale
    return np.concatenate([0.0 - upper[::-1], [0.0], upper])


def fit_student(values: FloatArray) -> tuple[float, float] | None:
    """Scale and degrees of freedom of a t around 0 (Lange, Little and Taylor 1989); None where that cannot be done.

    Args:
        values: (N,) finite numbers; too few, or such as do not vary, have no fit.
    """
    from scipy import optimize, special

    square = values**2
    spread = float(np.median(np.abs(values))) if len(values) >= LEAST_VALUES else 0.0
    if not spread > 0:
        return None

    def cost(point: FloatArray) -> tuple[float, FloatArray]:
        """Negative mean log likelihood and its gradient; the logs of scale and degrees of freedom."""
        scale, freedom = np.exp(point)
        ratio = square / (freedom * scale**2)
        mean_log, mean_share = np.log1p(ratio).mean(), (ratio / (1 + ratio)).mean()
        half = (freedom + 1) / 2
        constant = special.gammaln(half) - special.gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi)
        by_scale = 1 - (freedom + 1) * mean_share
        digamma = special.psi(half) - special.psi(freedom / 2) - 1 / freedom
        by_freedom = -freedom * (digamma / 2 - mean_log / 2) - half * mean_share
        return float(np.log(scale) + half * mean_log - constant), np.array([by_scale, by_freedom])

    start = np.log([spread / 0.72, 6.0])  # 0.72: half of a t with six degrees of freedom lies nearer to 0
    bounds = [(None, None), (np.log(_LEAST_FREEDOM), np.log(_MOST_FREEDOM))]
    found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    scale, freedom = np.exp(found.x).tolist()
    return (scale, freedom) if found.success and np.isfinite(found.x).all() else None
