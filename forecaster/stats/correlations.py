"""Correlations of many series from few rows: normal scores of ranks, shrunk towards independence."""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.quantiles import normal_scores

__all__ = ["rank_scores", "shrunk_correlation", "square_root"]


def rank_scores(values: FloatArray) -> FloatArray:
    """Normal scores of the ranks of each column, so that a single large move does not decide about a correlation.

    Args:
        values: (T, K).

    Returns:
        (T, K) the normal quantiles at ``(rank - 1/2) / T``; equal values have the mean of their scores.

    >>> rank_scores(np.array([[3.0], [1.0], [3.0]])).round(3).ravel().tolist()
    [0.484, -0.967, 0.484]
    """
    count = len(values)
    scores = normal_scores(((np.arange(count) + 0.5) / count).tolist())
    result = np.empty(values.shape)
    for column in range(values.shape[1]):
        _, groups, sizes = np.unique(values[:, column], return_inverse=True, return_counts=True)
        sums = np.add.reduceat(scores, np.concatenate([[0], np.cumsum(sizes)[:-1]]))
        result[:, column] = (sums / sizes)[groups]
    return result


def shrunk_correlation(values: FloatArray) -> tuple[FloatArray, float]:
    """Correlations of the columns, all shrunk towards 0 by one share (Schäfer and Strimmer 2005, Stat. Appl. Genet.).

    The share is the sum of the estimated variances of the correlations over the sum of their squares: it is small for
    many rows or strong correlations, and 1 where the correlations are no larger than chance makes them.

    Args:
        values: (T, K), at least 3 rows.

    Returns:
        (K, K) correlations, and the share of the shrinkage, from 0 to 1. A constant column is independent.
    """
    count, series = values.shape
    centred = values - values.mean(axis=0)
    deviations = centred.std(axis=0)
    scores = np.divide(centred, deviations, out=np.zeros_like(centred), where=deviations > 0)
    correlation = scores.T @ scores / count
    squares = (scores**2).T @ scores**2 / count
    variances = np.maximum(squares - correlation**2, 0.0) * count / (count - 1) ** 2
    off = ~np.eye(series, dtype=bool)
    total = float((correlation[off] ** 2).sum())
    share = min(1.0, float(variances[off].sum()) / total) if total > 0 else 1.0
    return np.where(off, (1 - share) * correlation, 1.0), share


def square_root(correlation: FloatArray) -> FloatArray:
    """A matrix (K, K) whose product with its transpose is `correlation`, which may be singular."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
