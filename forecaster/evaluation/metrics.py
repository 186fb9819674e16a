"""Scores of point and distribution forecasts: pure functions of arrays.

``error = forecast - actual`` throughout. `forecaster.evaluation.tally` adds them up for any number of forecasts.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, FloatArray, IntArray
from forecaster.quantiles import cumulative_probability, level_weights

__all__ = [
    "PIT_BINS",
    "HitRate",
    "coverage",
    "crps",
    "crps_weights",
    "hit_rate",
    "interval_score",
    "mae",
    "mean_width",
    "pit",
    "pit_histogram",
    "ratio",
    "rmse",
    "rolling_coverage",
    "worst_rolling_coverage",
]


PIT_BINS = 10


def rmse(error: FloatArray) -> float:
    """Root of the mean square of `error` (N,), in its units; the best value is 0."""
    return float(np.sqrt(np.mean(error**2)))


def mae(error: FloatArray) -> float:
    """Mean absolute `error` (N,), in its units; the best value is 0."""
    return float(np.mean(np.abs(error)))


def ratio(loss: float, reference: float) -> float | None:
    """Mean loss over that of a reference such as the random walk, on the same rows: below 1 is better.

    None where the reference loses nothing: there is no ratio to perfection.
    """
    return loss / reference if reference > 0 else None


def crps_weights(levels: Sequence[float]) -> FloatArray:
    """(Q,) share of the interval (0, 1) that each level stands for: half the way to its neighbours."""
    known = np.asarray(levels, dtype=float)
    return np.diff(np.concatenate([[0.0], (known[1:] + known[:-1]) / 2, [1.0]]))


def crps(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Continuous ranked probability score: twice the pinball loss, integrated over the level.

    ``2 * sum_i w_i * max(level_i * (actual - q_i), (level_i - 1) * (actual - q_i))``; for one level that is
    the absolute error, and with ever more levels it becomes the integral of Gneiting and Raftery 2007 (JASA 102).

    Args:
        quantiles: (..., Q).
        levels: (Q,).
        actual: (...,) in the same units.

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    tau = np.asarray(levels, dtype=float)
    gap = actual[..., None] - quantiles
    return np.asarray(2 * np.maximum(tau * gap, (tau - 1) * gap) @ crps_weights(levels))


def coverage(lower: FloatArray, upper: FloatArray, actual: FloatArray) -> float:
    """Share of `actual` (N,) within [lower, upper]."""
    return float(np.mean((lower <= actual) & (actual <= upper)))


def mean_width(lower: FloatArray, upper: FloatArray) -> float:
    """Mean length of the intervals [lower, upper] (N,), in their units; among intervals that hold, less is better."""
    return float(np.mean(upper - lower))


def interval_score(lower: FloatArray, upper: FloatArray, actual: FloatArray, level: float) -> FloatArray:
    """Width of a central interval plus ``2 / (1 - level)`` times how far the outcome lies outside.

    Gneiting and Raftery 2007 (JASA 102), section 6.2: proper, so it is least for the true quantiles.

    Args:
        lower: (...,) quantiles at ``(1 - level) / 2``.
        upper: (...,) quantiles at ``(1 + level) / 2``.
        actual: (...,) in the same units.
        level: Promised coverage, in (0, 1).

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return np.asarray(upper - lower + 2 / (1 - level) * outside)


def pit(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Probability integral transform: the forecast's distribution function at the outcome (Dawid 1984, JRSS A 147).

    Uniform on (0, 1) when the distributions are right, and independent as well one step ahead.

    Args:
        quantiles: (..., Q) non-decreasing.
        levels: (Q,); what lies between and beyond follows `forecaster.quantiles.cumulative_probability`.
        actual: (...,) in the same units.
    """
    return cumulative_probability(quantiles, levels, actual)


def pit_histogram(
    quantiles: FloatArray, levels: Sequence[float], actual: FloatArray, bins: int = PIT_BINS
) -> tuple[FloatArray, IntArray]:
    """How often `pit` falls into each of `bins` bins of the same width; the counts are alike when all is right.

    A slope means a shift, a U too narrow a distribution, a hump too wide a one (Diebold, Gunther and Tay 1998, Int.
    Economic Review 39). Counted without the distribution function, by comparing with the quantiles at the edges;
    an outcome on an edge belongs to the bin above.

    Args:
        quantiles: (N, Q) non-decreasing.
        levels: (Q,).
        actual: (N,) in the same units.
        bins: Number of bins B.

    Returns:
        (B + 1,) edges from 0 to 1, and (B,) counts.
    """
    edges = np.linspace(0, 1, bins + 1)
    inner = quantiles @ level_weights(levels, tuple(edges[1:-1].tolist()))
    at_least = np.count_nonzero(actual[:, None] >= inner, axis=0)
    return edges, -np.diff(np.concatenate([[len(actual)], at_least, [0]])).astype(np.intp)


def rolling_coverage(inside: BoolArray, window: int = 250) -> FloatArray:
    """(N - window + 1,) share of hits in each `window` consecutive outcomes; empty when there are fewer.

    Args:
        inside: (N,) whether each outcome lay within its interval, in order of time.
        window: Number of outcomes; 250 is a year of trading days.
    """
    if len(inside) < window:
        return np.empty(0)
    total = np.concatenate([[0], np.cumsum(inside, dtype=np.int64)])
    return np.asarray((total[window:] - total[:-window]) / window)


def worst_rolling_coverage(inside: BoolArray, window: int = 250) -> float | None:
    """The least of `rolling_coverage`: what an average over years hides. None with fewer than `window` outcomes."""
    shares = rolling_coverage(inside, window)
    return float(shares.min()) if len(shares) else None


@dataclasses.dataclass(frozen=True)
class HitRate:
    """How often the direction was right.

    Args:
        hits: Forecasts with the sign of their outcome.
        n: Forecasts and outcomes that both have a direction.
        without_direction: Rows left out because the forecast or the outcome is "no change".
    """

    hits: int
    n: int
    without_direction: int

    @property
    def rate(self) -> float | None:
        """Share of hits; None where nothing has a direction."""
        return self.hits / self.n if self.n else None


def hit_rate(forecast: FloatArray, actual: FloatArray) -> HitRate:
    """Compare the signs of predicted and true changes, both (N,); a change of exactly 0 has none."""
    known = (forecast != 0) & (actual != 0)
    hits = np.count_nonzero(((forecast > 0) == (actual > 0)) & known)
    return HitRate(int(hits), int(known.sum()), int((~known).sum()))
