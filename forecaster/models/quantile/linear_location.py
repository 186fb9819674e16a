"""The direct path: a linear map from the odd inputs of a row to the middle of what follows, found without training.

What is linear in a return needs no network. The training of a small panel ends after few steps (`max_passes`), too
few for an optimiser to find even the autocorrelation of an AR(1); a regression finds it at once. The network learns
the rest on top.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Float32Array, FloatArray
from forecaster.models.quantile.location_gate import LARGEST_OUTCOME

__all__ = ["TrainingRows", "direct_kernel"]


_USUAL = 0.05  # what one standard deviation of an input is worth, in volatilities: it explains 0.25 % of the variance


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingRows:
    """Consecutive rows of one series that may be learned from.

    Args:
        dates: (T,) datetime64[D].
        features: (T, F).
        targets: (T, K) scaled outcomes; a row where one is NaN is passed over.
    """

    dates: DateArray
    features: Float32Array
    targets: Float32Array


def direct_kernel(panel: Sequence[TrainingRows], odd: BoolArray, steps: Sequence[int]) -> Float32Array:
    """Weights that turn the features of a row into a location at each step, as far as the panel proves them.

    Only odd features have a weight and there is no constant, so that an inverted quotation has the negative
    location, exactly. The weights b are the mean of their distribution given the moments g = X'y: g is normal around
    X'X b, and before anything is seen each b is normal around 0 with a standard deviation of `_USUAL`. The variance
    of g is that under no predictability (Hodrick 1992, standard errors 1B): outcomes over h days
    overlap, so the outcome of one day meets the sum of the inputs of the last h days. Products of a day
    are summed over the series first: a day counts once however many crosses move together.

    Args:
        panel: The rows of each series.
        odd: (F,) True for features that change sign with the quotation.
        steps: (K,) days that each target covers; the first is 1.

    Returns:
        (F, K).
    """
    days = np.unique(np.concatenate([one.dates for one in panel]))
    count, rows = int(odd.sum()), 0
    gram, moments = np.zeros((count, count)), np.zeros((count, len(steps)))
    products = np.zeros((len(steps), len(days), count))
    for one in panel:
        known = np.isfinite(one.targets).all(axis=1, keepdims=True)
        x = np.where(known, one.features[:, odd], 0).astype(np.float64)
        y = np.where(known, np.clip(one.targets, -LARGEST_OUTCOME, LARGEST_OUTCOME), 0).astype(np.float64)
        # Not a matrix product: the bits of a large one depend on how many threads a BLAS starts.
        gram += np.einsum("tf,tg->fg", x, x)
        moments += np.einsum("tf,tk->fk", x, y)
        rows += int(known.sum())
        place = np.searchsorted(days, one.dates)
        for k, step in enumerate(steps):
            products[k, place] += y[:, :1] * _sum_of_last(x, step) / np.sqrt(step)
    # Standard deviation of each weight beforehand; an input that never moves has none.
    size = np.sqrt(np.diag(gram) / max(rows, 1))
    usual = np.divide(_USUAL, size, out=np.zeros(count), where=size > 0)
    kernel = np.zeros((len(odd), len(steps)), dtype=np.float32)
    for k in range(len(steps)):
        noise = np.einsum("df,dg->fg", products[k], products[k])
        variance = (gram * usual) @ (gram * usual).T + noise  # of the moments, before anything is seen
        kernel[odd, k] = usual**2 * (gram @ np.linalg.lstsq(variance, moments[:, k], rcond=None)[0])
    return kernel


def _sum_of_last(x: FloatArray, rows: int) -> FloatArray:
    """Sum of each column of x (T, F) over the last `rows` rows up to each one, fewer at the start."""
    total = np.cumsum(x, axis=0)
    total[rows:] -= total[:-rows].copy()
    return total
