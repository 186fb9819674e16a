"""Integrals of distribution functions, for scores of whole distributions: of the normal and of Student's t (4)."""

import math

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["normal_integral", "normal_square_integral", "tail_integral", "tail_square_integral"]


def normal_integral(z: FloatArray) -> FloatArray:
    """Integral of the standard normal distribution function from minus infinity to `z`."""
    from scipy.special import ndtr

    return np.asarray(z * ndtr(z) + _normal_density(z))


def _normal_density(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


def normal_square_integral(z: FloatArray) -> FloatArray:
    """Integral of the squared standard normal distribution function from minus infinity to `z`."""
    from scipy.special import ndtr

    below = ndtr(z)
    return np.asarray(z * below**2 + 2 * below * _normal_density(z) - ndtr(math.sqrt(2) * z) / math.sqrt(math.pi))


def _tail_probability(depth: FloatArray) -> FloatArray:
    """Probability of Student's t with four degrees of freedom beyond `depth`."""
    root = np.sqrt(4 + depth * depth)
    # 1 - depth / root without its cancellation at large depths.
    rest = np.where(depth > 0, 4 / (root * (root + np.abs(depth))), 1 - depth / root)
    return np.asarray(rest**2 * (3 - rest) / 4)


def tail_integral(depth: FloatArray) -> FloatArray:
    """Integral from `depth` to infinity of the probability of Student's t (4) beyond."""
    return np.asarray(4 * (4 + depth * depth) ** -1.5 - depth * _tail_probability(depth))


def tail_square_integral(depth: float) -> float:
    """Integral from `depth` to infinity of the squared probability of Student's t (4) beyond, by parts."""
    tail = float(_tail_probability(np.array(depth)))
    angle = math.atan(depth / 2)
    waves = math.sin(2 * angle) * 15 / 64 + math.sin(4 * angle) * 3 / 64 + math.sin(6 * angle) / 192
    sixth_power = 5 / 16 * (math.pi / 2 - angle) - waves  # integral of cos^6 from the angle to a right one
    return float(8 * (4 + depth * depth) ** -1.5 * tail - depth * tail**2 - 0.75 * sixth_power)
