"""Initial biases of the quantile head for a short training: the shape of all outcomes of the panel together.

The training of a small panel ends after few steps (`max_passes`), too few for an optimiser to carry the biases of
the head from the normal distribution to fat tails and skew. Sample quantiles need no optimiser.
"""

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["counted_shape"]


PRIOR_DEVIATION = 0.2  # of the log of a distance between quantiles over that of the normal distribution
MIN_GAP = 1e-3  # between quantiles of outcomes that never move


def counted_shape(outcomes: Sequence[Float32Array], steps: Sequence[int]) -> FloatArray:
    """Raw outputs of the quantile head whose quantiles have the shape of the outcomes, shrunk by their uncertainty.

    Each log of a distance between neighbouring quantiles, over that of the normal distribution, is shrunk towards 0
    by its sampling variance: that of sample quantiles of a normal distribution (Mosteller 1946), where outcomes
    over h days, which overlap, count as one in h.

    Args:
        outcomes: (T, K) scaled outcomes of each series, NaN where unknown.
        steps: (K,) days that they cover.

    Returns:
        (K, Q - 1).
    """
    levels = np.array(SCORING_LEVELS)
    scores = normal_scores(SCORING_LEVELS)
    gaps = np.diff(scores)
    density = np.exp(-(scores**2) / 2) / np.sqrt(2 * np.pi)
    covariance = (np.minimum.outer(levels, levels) - np.outer(levels, levels)) / np.outer(density, density)
    contrast = np.diff(np.eye(len(levels)), axis=0)
    variance = np.diag(contrast @ covariance @ contrast.T) / gaps**2
    pooled = np.concatenate(outcomes).astype(np.float64)
    shape = np.zeros((len(steps), len(gaps)))
    for k, step in enumerate(steps):
        sample = pooled[np.isfinite(pooled[:, k]), k]
        if len(sample):
            sample_gaps = np.maximum(np.diff(np.quantile(sample, levels)), MIN_GAP)
            shape[k] = (
                np.log(sample_gaps / gaps) * PRIOR_DEVIATION**2 / (PRIOR_DEVIATION**2 + variance * step / len(sample))
            )
    return shape
