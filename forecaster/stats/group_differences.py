"""Differences between groups: the share of a variance that the groups explain, and a permutation test of it."""

import numpy as np

from forecaster.arrays import FloatArray, IntArray

__all__ = ["explained_share", "permutation_p_value"]


def explained_share(values: FloatArray, groups: IntArray) -> float:
    """Share of the variance of `values` (N,) that the means of their `groups` (N,) explain, less that by chance.

    It is the omega squared of Hays 1963, and 0 at least.

    >>> round(explained_share(np.array([1.0, 2, 1, 2, 5, 6, 5, 6]), np.array([0, 0, 0, 0, 1, 1, 1, 1])), 2)
    0.92
    """
    count = len(values)
    labels, index = np.unique(groups, return_inverse=True)
    total = float(((values - values.mean()) ** 2).sum())
    if len(labels) < 2 or count <= len(labels) or not total > 0:
        return 0.0
    between = _between(values, index, len(labels))
    noise = (total - between) / (count - len(labels))
    return max((between - (len(labels) - 1) * noise) / (total + noise), 0.0)


def permutation_p_value(
    values: FloatArray, groups: IntArray, rng: np.random.Generator, repetitions: int = 999
) -> float:
    """P-value of "the groups have different means": the share of permutations that explain as much.

    Args:
        values: (N,) values.
        groups: (N,) number of the group of each.
        rng: Source of randomness.
        repetitions: Number of permutations.
    """
    labels, index = np.unique(groups, return_inverse=True)
    measured = _between(values, index, len(labels))
    as_large = sum(_between(rng.permutation(values), index, len(labels)) >= measured for _ in range(repetitions))
    return float(1 + as_large) / (1 + repetitions)


def _between(values: FloatArray, index: IntArray, count: int) -> float:
    """Sum of squares between the groups."""
    sizes = np.bincount(index, minlength=count)
    sums = np.bincount(index, values - values.mean(), count)
    return float((sums**2 / np.maximum(sizes, 1)).sum())
