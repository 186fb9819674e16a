"""Where a short training starts: at the shape that the outcomes of its panel have on the whole.

The training of a small panel ends after few steps (`max_passes`), too few for an optimiser to carry the biases of
the head from the normal distribution to fat tails and skew. A shape needs no optimiser: it is counted.
"""

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["counted_shape"]


_USUAL = 0.2  # how far distances between quantiles are from those of the normal distribution, as a log
_LEAST_GAP = 1e-3  # of outcomes that never move


def counted_shape(outcomes: Sequence[Float32Array], steps: Sequence[int]) -> FloatArray:
    """Raw outputs of the quantile head at which its quantiles have the shape of the outcomes, as far as they prove it.

    Each log of a distance between neighbouring quantiles, over that of the normal distribution, is shrunk towards 0
    by its sampling variance: that of sample quantiles of a normal distribution (Mosteller 1946), where outcomes
    over h days, which overlap, count as one in h.

    Args:
        outcomes: (T, K) scaled outcomes of each series, NaN where unknown.
        steps: (K,) days that they cover.

    Returns:
        (K, Q - 1).
    """
    levels, scores = np.array(SCORING_LEVELS), normal_scores(SCORING_LEVELS)
    gaps, density = np.diff(scores), np.exp(-(scores**2) / 2) / np.sqrt(2 * np.pi)
    covariance = (np.minimum.outer(levels, levels) - np.outer(levels, levels)) / np.outer(density, density)
    contrast = np.diff(np.eye(len(levels)), axis=0)
    variance = np.diag(contrast @ covariance @ contrast.T) / gaps**2
    together = np.concatenate(outcomes).astype(np.float64)
    shape = np.zeros((len(steps), len(gaps)))
    for k, step in enumerate(steps):
        known = together[np.isfinite(together[:, k]), k]
        if len(known):
            found = np.maximum(np.diff(np.quantile(known, levels)), _LEAST_GAP)
            shape[k] = np.log(found / gaps) * _USUAL**2 / (_USUAL**2 + variance * step / len(known))
    return shape
