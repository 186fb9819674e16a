"""Skewed Student's t with mean 0 and variance 1 (Hansen 1994, International Economic Review 35).

Left of its mode it is the half of a t that is ``1 - skew`` times as wide, with the probability ``(1 - skew) / 2``, and
right of it the half of one that is ``1 + skew`` times as wide. With a skew of 0 it is Student's t.
"""

import math
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["skewed_student_quantiles", "skewed_student_shocks"]


def skewed_student_quantiles(levels: Sequence[float], degrees_of_freedom: float, skew: float) -> FloatArray:
    """(Q,) quantiles at `levels`.

    Args:
        levels: (Q,) probabilities.
        degrees_of_freedom: Above 2.
        skew: In (-1, 1), below 0 for a longer left tail.
    """
    from scipy import special

    probability = np.asarray(levels)
    left = (1 - skew) / 2
    is_left = probability < left
    inner = np.where(is_left, probability / (1 - skew), 0.5 + (probability - left) / (1 + skew))
    unit = np.sqrt((degrees_of_freedom - 2) / degrees_of_freedom)
    width = np.where(is_left, 1 - skew, 1 + skew)
    return _standardised(special.stdtrit(degrees_of_freedom, inner) * unit * width, degrees_of_freedom, skew)


def skewed_student_shocks(
    rng: np.random.Generator, shape: tuple[int, int], degrees_of_freedom: float, skew: float
) -> FloatArray:
    """Random numbers, each column with an antithetic one: the same distance from the mode, the opposite rank of side.

    Args:
        rng: Random generator.
        shape: (S, M).
        degrees_of_freedom: Above 2.
        skew: In (-1, 1).

    Returns:
        (S, 2 M).
    """
    distance = np.abs(rng.standard_t(degrees_of_freedom, shape))
    distance *= np.sqrt((degrees_of_freedom - 2) / degrees_of_freedom)
    rank = rng.random(shape)
    left = (1 - skew) / 2
    halves = [
        np.where(side < left, -(1 - skew), 1 + skew) * distance  # a side for each rank and for its opposite
        for side in (rank, 1 - rank)
    ]
    return _standardised(np.concatenate(halves, axis=1), degrees_of_freedom, skew)


def _standardised(values: FloatArray, degrees_of_freedom: float, skew: float) -> FloatArray:
    """`values` less their mean, over their standard deviation."""
    log_constant = math.lgamma((degrees_of_freedom + 1) / 2) - math.lgamma(degrees_of_freedom / 2)
    constant = math.exp(log_constant) / math.sqrt(math.pi * (degrees_of_freedom - 2))
    mean = 4 * skew * constant * (degrees_of_freedom - 2) / (degrees_of_freedom - 1)
    return np.asarray((values - mean) / math.sqrt(1 + 3 * skew**2 - mean**2))
