"""Linear map from the antisymmetric inputs of a row to the location, estimated without training.

A linear dependence on returns needs no network. The training of a small panel ends after few steps (`max_passes`), too
few for an optimiser to find even the autocorrelation of an AR(1); a regression finds it at once. The network learns
the rest on top.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Float32Array
from forecaster.models.quantile.location_gate import MAX_OUTCOME, sum_of_last

__all__ = ["TrainingRows", "direct_kernel"]


PRIOR_EFFECT = 0.05  # effect of one standard deviation of an input, in volatilities: 0.25 % of the variance


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingRows:
    """Consecutive training rows of one series.

    Args:
        dates: (T,) datetime64[D].
        features: (T, F).
        targets: (T, K) scaled outcomes; a row with a NaN is left out.
    """

    dates: DateArray
    features: Float32Array
    targets: Float32Array


def direct_kernel(panel: Sequence[TrainingRows], antisymmetric: BoolArray, steps: Sequence[int]) -> Float32Array:
    """Weights from the features of a row to the location at each step, shrunk by their uncertainty.

    Only antisymmetric features have a weight and there is no constant, so that an inverted quotation has exactly the
    negative location. The weights b are the mean of their posterior distribution given the moments g = X'y: g is
    normal around X'X b, and the prior of each b is normal around 0 with a standard deviation of `PRIOR_EFFECT`. The
    variance of g is that under no predictability (Hodrick 1992, standard errors 1B): outcomes over h days overlap, so
    the outcome of one day meets the sum of the inputs of the last h days. Products of a day are summed over the series
    first: a day counts once however many crosses move together.

    Args:
        panel: The rows of each series.
        antisymmetric: (F,) True for features that change sign with the quotation.
        steps: (K,) days that each target covers; the first is 1.

    Returns:
        (F, K).
    """
    days = np.unique(np.concatenate([series.dates for series in panel]))
    count = int(antisymmetric.sum())
    rows = 0
    gram = np.zeros((count, count))
    moments = np.zeros((count, len(steps)))
    products = np.zeros((len(steps), len(days), count))
    for series in panel:
        complete = np.isfinite(series.targets).all(axis=1, keepdims=True)
        x = np.where(complete, series.features[:, antisymmetric], 0).astype(np.float64)
        y = np.where(complete, np.clip(series.targets, -MAX_OUTCOME, MAX_OUTCOME), 0).astype(np.float64)
        # Not a matrix product: the bits of a large one depend on how many threads a BLAS starts.
        gram += np.einsum("tf,tg->fg", x, x)
        moments += np.einsum("tf,tk->fk", x, y)
        rows += int(complete.sum())
        place = np.searchsorted(days, series.dates)
        for k, step in enumerate(steps):
            products[k, place] += y[:, :1] * sum_of_last(x, step) / np.sqrt(step)
    # Prior standard deviation of each weight; an input that never moves has none.
    size = np.sqrt(np.diag(gram) / max(rows, 1))
    prior = np.divide(PRIOR_EFFECT, size, out=np.zeros(count), where=size > 0)
    kernel = np.zeros((len(antisymmetric), len(steps)), dtype=np.float32)
    for k in range(len(steps)):
        noise = np.einsum("df,dg->fg", products[k], products[k])
        variance = (gram * prior) @ (gram * prior).T + noise  # of the moments, prior and sampling
        kernel[antisymmetric, k] = prior**2 * (gram @ np.linalg.lstsq(variance, moments[:, k], rcond=None)[0])
    return kernel
