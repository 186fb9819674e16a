"""Scores of point and distribution forecasts: pure functions of arrays.

``error = forecast - actual`` throughout. `forecaster.evaluation.registry` makes metrics of them.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from forecaster.arrays import BoolArray, FloatArray
from forecaster.quantiles import level_weights

__all__ = [
    "PIT_BINS",
    "HitRate",
    "hit_rate",
    "interval_score",
    "level_shares",
    "mae",
    "mape",
    "pit_bins",
    "ratio",
    "rmse",
    "rolling_coverage",
    "weighted_quantile_loss",
    "worst_rolling_coverage",
]


PIT_BINS = 10
_GOLDEN_RATIO = (5**0.5 - 1) / 2  # its multiples modulo 1 fill (0, 1) evenly, however many there are


def rmse(error: FloatArray) -> float:
    """Root mean square of `error` (N,), in its units; the best value is 0."""
    return float(np.sqrt(np.mean(error**2)))


def mae(error: FloatArray) -> float:
    """Mean absolute `error` (N,), in its units; the best value is 0."""
    return float(np.mean(np.abs(error)))


def mape(error: FloatArray, actual: FloatArray) -> float | None:
    """Mean absolute `error` (N,) in percent of the `actual` price (N,); None where a price is not positive.

    100 minus it is the "accuracy" of many tutorials. It says little: the price of tomorrow differs from that of today
    by less than a percent on most days, so that the last price as forecast is as "accurate".
    """
    return float(100 * np.mean(np.abs(error) / actual)) if (actual > 0).all() else None


def ratio(loss: float, reference: float) -> float | None:
    """Mean loss over that of a reference such as the random walk, on the same rows: below 1 is better.

    None where the loss of the reference is 0.
    """
    return loss / reference if reference > 0 else None


def level_shares(levels: Sequence[float]) -> FloatArray:
    """(Q,) share of the interval (0, 1) that each level represents: half the way to its neighbours."""
    centers = np.asarray(levels, dtype=float)
    return np.diff(np.concatenate([[0.0], (centers[1:] + centers[:-1]) / 2, [1.0]]))


def weighted_quantile_loss(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Twice the pinball loss, averaged over the levels by their shares.

    ``2 * sum_i w_i * max(level_i * (actual - q_i), (level_i - 1) * (actual - q_i))``. It judges the quantiles at these
    levels alone, and needs no distribution between them. With ever more levels it becomes the CRPS
    (`forecaster.evaluation.distribution_scores`); with nine it is some percent below.

    Args:
        quantiles: (..., Q).
        levels: (Q,).
        actual: (...,) in the same units.

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    tau = np.asarray(levels, dtype=float)
    gap = actual[..., None] - quantiles
    return np.asarray(2 * np.maximum(tau * gap, (tau - 1) * gap) @ level_shares(levels))


def interval_score(lower: FloatArray, upper: FloatArray, actual: FloatArray, level: float) -> FloatArray:
    """Width of a central interval plus ``2 / (1 - level)`` times how far the outcome lies outside.

    Gneiting and Raftery 2007 (JASA 102), section 6.2: proper, so it is least for the true quantiles.

    Args:
        lower: (...,) quantiles at ``(1 - level) / 2``.
        upper: (...,) quantiles at ``(1 + level) / 2``.
        actual: (...,) in the same units.
        level: Nominal coverage, in (0, 1).

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return np.asarray(upper - lower + 2 / (1 - level) * outside)


def pit_bins(
    quantiles: FloatArray, levels: Sequence[float], actual: FloatArray, bins: int = PIT_BINS
) -> npt.NDArray[np.int8]:
    """Bin of the probability integral transform (PIT): the forecast's distribution function at the outcome.

    The PIT is uniform on (0, 1) when the distributions are right (Dawid 1984, JRSS A 147), so that the bins are equally
    frequent. A slope means a shift, a U too narrow a distribution, a hump too wide a one (Diebold, Gunther and Tay
    1998, Int. Economic Review 39). Found without the distribution function, by comparing with the quantiles at the
    edges of the bins.

    An outcome on edges, such as an unchanged price, has a range of PIT values: the bins at these edges take such
    outcomes in turns, so that each has its share (a randomized PIT without random numbers; Czado, Gneiting and Held
    2009, Biometrics 65).

    Args:
        quantiles: (N, Q) non-decreasing.
        levels: (Q,).
        actual: (N,) in the same units.
        bins: Number of bins B of the same width.

    Returns:
        (B, N) 1 in the bin of each outcome, else 0.
    """
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    inner = quantiles @ level_weights(levels, tuple(edges.tolist()))
    last = (actual[:, None] >= inner).sum(axis=1)
    first = (actual[:, None] > inner).sum(axis=1)
    tied = np.flatnonzero(last > first)
    turns = (0.5 + _GOLDEN_RATIO * np.arange(len(tied))) % 1
    # The range begins within the first bin and ends within the last one: half of each, as far as the edges show.
    last[tied] = np.floor(first[tied] + 0.5 + turns * (last[tied] - first[tied])).astype(np.intp)
    return np.asarray(np.arange(bins)[:, None] == last, dtype=np.int8)


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
    """Minimum of `rolling_coverage`; None with fewer than `window` outcomes."""
    shares = rolling_coverage(inside, window)
    return float(shares.min()) if len(shares) else None


@dataclasses.dataclass(frozen=True)
class HitRate:
    """Counts of right and wrong directions.

    Args:
        hits: Forecasts with the sign of their outcome.
        n: Forecasts and outcomes that both have a direction.
        without_direction: Rows left out because the forecast or the outcome is "no change".
    """

    hits: int = 0
    n: int = 0
    without_direction: int = 0

    def __add__(self, other: "HitRate") -> "HitRate":
        return HitRate(self.hits + other.hits, self.n + other.n, self.without_direction + other.without_direction)

    @property
    def rate(self) -> float | None:
        """Share of hits; None where nothing has a direction."""
        return self.hits / self.n if self.n else None


def hit_rate(forecast: FloatArray, actual: FloatArray) -> HitRate:
    """Compare the signs of predicted and true changes, both (N,); a change of exactly 0 has none."""
    directed = (forecast != 0) & (actual != 0)
    hits = np.count_nonzero(((forecast > 0) == (actual > 0)) & directed)
    return HitRate(int(hits), int(directed.sum()), int((~directed).sum()))
