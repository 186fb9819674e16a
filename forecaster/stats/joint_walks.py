"""Correlated Gaussian random walks, each on a clock of its own, and the quantiles that their levels mean."""

import functools
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.quantiles import normal_scores, student_scores
from forecaster.stats.correlations import square_root

__all__ = ["correlation_at_end", "stratified_scores", "values_at_scores", "walk_scores"]


def walk_scores(
    correlation: FloatArray, clocks: FloatArray, steps: Sequence[int], count: int, rng: np.random.Generator
) -> FloatArray:
    """Standard normal scores of correlated random walks at some steps of their paths.

    Each step of a walk has the variance by which its clock proceeds; the steps of a day are correlated, those of
    different days independent. The scores of each walk at a step are then replaced, in their order, by equally likely
    normal scores: each price has exactly its own distribution on the paths, and sampling decides about the joint one.

    Args:
        correlation: (K, K) correlations of the steps of a day.
        clocks: (K, H) variances at each step, increasing.
        steps: (S,) steps whose scores are returned, increasing.
        count: Even number of paths N.
        rng: Source of randomness.

    Returns:
        (N, S, K).
    """
    root = square_root(correlation)
    deviations = np.sqrt(np.diff(clocks, axis=1, prepend=0.0))
    walks = np.zeros((count // 2, len(clocks)))
    scores = np.empty((count, len(steps), len(clocks)))
    likely = _likely_scores(count)
    places = {step: place for place, step in enumerate(steps)}
    for step in range(1, max(steps) + 1):
        walks += (rng.standard_normal(walks.shape) @ root.T) * deviations[:, step - 1]
        if step in places:
            order = np.concatenate([walks, -walks]).argsort(axis=0, kind="stable")
            np.put_along_axis(scores[:, places[step]], order, likely[:, None], axis=0)
    return scores


def stratified_scores(count: int, columns: int, rng: np.random.Generator) -> FloatArray:
    """Independent normal scores whose columns each hold the same equally likely values (Latin hypercube).

    Returns:
        (N, K), N = `count`; sums of columns vary less from draw to draw than those of plain draws.
    """
    return np.column_stack([rng.permutation(_likely_scores(count)) for _ in range(columns)])


@functools.lru_cache(maxsize=4)
def _likely_scores(count: int) -> FloatArray:
    """Normal scores of the middles of `count` equally likely classes, increasing."""
    from scipy.special import ndtri

    scores: FloatArray = ndtri((np.arange(count) + 0.5) / count)
    scores.setflags(write=False)
    return scores


def correlation_at_end(correlation: FloatArray, clocks: FloatArray) -> FloatArray:
    """Correlations (K, K) of the walks at the last step of their clocks (K, H).

    Two walks whose days have the same sizes keep the correlation of a day; others have less.
    """
    deviations = np.sqrt(np.diff(clocks, axis=1, prepend=0.0))
    lengths = np.sqrt(clocks[:, -1])
    return np.asarray(correlation * (deviations @ deviations.T) / np.outer(lengths, lengths))


def values_at_scores(values: FloatArray, levels: Sequence[float], scores: FloatArray) -> FloatArray:
    """Quantiles at the levels of normal scores: the inverse of `forecaster.quantiles.cumulative_probability`.

    Args:
        values: (Q,) increasing quantiles.
        levels: (Q,) their levels.
        scores: (N,) normal scores of the wanted levels.

    Returns:
        (N,) linear in the score between the levels, and by Student's t with four degrees of freedom beyond them.
    """
    from scipy.special import ndtr

    axis, tails = _axes(tuple(levels))
    result = np.interp(scores, axis, values)
    for outside, first, second, side in ((scores < axis[0], 0, 1, 1), (scores > axis[-1], -1, -2, -1)):
        places = side * student_scores(ndtr(side * scores[outside]))  # a probability near 0 has all its digits
        slope = (values[second] - values[first]) / (tails[second] - tails[first])
        result[outside] = values[first] + (places - tails[first]) * slope
    return result


@functools.lru_cache(maxsize=16)
def _axes(levels: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Normal and Student's t scores of the levels."""
    return normal_scores(levels), student_scores(levels)
