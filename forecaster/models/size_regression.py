"""Log-linear regression of the size of a move on features that are true or false, such as those of its day."""

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray

__all__ = ["log_size", "weighted"]

_NEWTON_ROUNDS = 8
_NEWTON_TOLERANCE = 1e-6
_BLOCK = 32  # rows of one product; small enough that no BLAS library splits it over threads, which could change bits


def log_size(patterns: BoolArray, count: FloatArray, total: FloatArray, ridge: FloatArray) -> FloatArray:
    """(F,) b of the mean size ``exp(x b)``: the least of ``sum(x b + size exp(-x b)) + ridge b^2 / 2``, by Newton.

    This is the deviance of an exponential distribution, and convex.

    Args:
        patterns: (P, F) distinct rows x.
        count: (P,) number of sizes.
        total: (P,) their sum.
        ridge: (F,).
    """
    rows = patterns[count > 0]
    x = rows.astype(float)
    b = np.zeros(x.shape[1])
    for _ in range(_NEWTON_ROUNDS):
        expected = total[count > 0] * np.exp(-weighted(rows, b))
        gradient = weighted(x.T, expected - count[count > 0]) - ridge * b
        step = np.linalg.solve(_gram(x, expected) + np.diag(ridge), gradient)
        b = b + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    return b


def weighted(rows: AnyArray, weights: FloatArray) -> FloatArray:
    """(N,) sum of each row of `rows` (N, F), weighted; no bit of a row depends on other rows."""
    return np.asarray((rows * weights).sum(axis=1))


def _gram(x: FloatArray, weights: FloatArray) -> FloatArray:
    """(F, F) sum of ``weights x x'`` in small blocks, whose bits do not depend on the number of threads."""
    padded = -(-len(x) // _BLOCK) * _BLOCK
    rows = np.zeros((padded, x.shape[1]))
    rows[: len(x)] = x
    scaled = np.zeros_like(rows)
    scaled[: len(x)] = x * weights[:, None]
    left = scaled.reshape(-1, _BLOCK, x.shape[1]).transpose(0, 2, 1)
    return np.asarray(np.matmul(left, rows.reshape(-1, _BLOCK, x.shape[1])).sum(axis=0))
