"""Constants of the decoder that Keras and NumPy share: the recursive width of a day, and the scale of its inputs."""

import itertools

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.features.history import SCALE_DECAY
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, normal_scores

__all__ = ["LEVEL_DRAWS", "MAX_INPUT", "MEAN_ABSOLUTE", "quantile_gaps", "spacing_matrix", "width_weights"]

MAX_INPUT = 6.0  # in widths of the day
MEAN_ABSOLUTE = 0.75  # typical size of a scaled return, subtracted to centre it
LEVEL_DRAWS = tuple((np.arange(64) + 0.5) / 64)
"""Levels of which scheduled sampling draws one."""


def width_weights(steps: int) -> tuple[Float32Array, Float32Array]:
    """Weights of the squared width of each day: ``carried`` (H,) and ``admitted`` (H, H).

    The squared width of day k is ``carried[k] + squares @ admitted[:, k]``, with the squared returns of the path. It
    follows the EWMA recursion of the volatility that scales all features, which is 1 at the cutoff.
    """
    day = np.arange(steps)
    age = day[None, :] - 1 - day[:, None]
    admitted = np.where(age >= 0, (1 - SCALE_DECAY) * np.power(SCALE_DECAY, np.maximum(age, 0)), 0.0)
    return np.power(SCALE_DECAY, day).astype(np.float32), admitted.astype(np.float32)


def quantile_gaps() -> list[float]:
    """Distances between neighbouring quantiles of the normal distribution."""
    return [float(right - left) for left, right in itertools.pairwise(normal_scores(SCORING_LEVELS))]


def spacing_matrix() -> FloatArray:
    """(Q, Q - 1): ``matrix @ spacing`` are the quantiles with these distances, the median at 0."""
    gap = np.arange(len(SCORING_LEVELS) - 1)
    level = np.arange(len(SCORING_LEVELS))[:, None]
    above = (gap >= MEDIAN) & (gap < level)
    below = (gap < MEDIAN) & (gap >= level)
    return np.asarray(above.astype(float) - below.astype(float))
