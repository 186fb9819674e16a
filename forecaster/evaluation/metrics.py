"""Scores of point and distribution forecasts: pure functions of arrays, lower is better.

``error = forecast - actual`` throughout.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["coverage", "crps", "crps_weights", "mae", "rmse"]

FloatArray = npt.NDArray[np.float64]


def rmse(error: FloatArray) -> float:
    """Root of the mean square of `error` (N,), in its units; the best value is 0."""
    return float(np.sqrt(np.mean(error**2)))


def mae(error: FloatArray) -> float:
    """Mean absolute `error` (N,), in its units; the best value is 0."""
    return float(np.mean(np.abs(error)))


def crps_weights(levels: Sequence[float]) -> FloatArray:
    """(Q,) share of the interval (0, 1) that each level stands for: half the way to its neighbours."""
    known = np.asarray(levels, dtype=float)
    return np.diff(np.concatenate([[0.0], (known[1:] + known[:-1]) / 2, [1.0]]))


def crps(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Continuous ranked probability score: twice the pinball loss, integrated over the level.

    ``2 * sum_i w_i * max(level_i * (actual - q_i), (level_i - 1) * (actual - q_i))``; for one level that is
    the absolute error, and with ever more levels it becomes the integral of Gneiting and Raftery 2007 (JASA 102).

    Args:
        quantiles: (..., Q).
        levels: (Q,).
        actual: (...,) in the same units.

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    tau = np.asarray(levels, dtype=float)
    gap = actual[..., None] - quantiles
    return np.asarray(2 * np.maximum(tau * gap, (tau - 1) * gap) @ crps_weights(levels))


def coverage(lower: FloatArray, upper: FloatArray, actual: FloatArray) -> float:
    """Share of `actual` (N,) within [lower, upper]."""
    return float(np.mean((lower <= actual) & (actual <= upper)))
