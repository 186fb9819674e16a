"""Bootstrap comparisons of many models: model confidence set, superior predictive ability, intervals of loss ratios.

Days are drawn in blocks of random length (stationary bootstrap, Politis and Romano 1994, J. Am. Stat. Assoc. 89), which
preserves the dependence over time. Where outcomes overlap, blocks are at least three times as long as the overlap, and
results are corrected for the variance that blocks of this length lose (`variance_correction`). With fewer than
`MIN_OUTCOMES` that do not overlap there is no result. Results are functions of the losses and the seed.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import FloatArray

__all__ = [
    "MIN_OUTCOMES",
    "ConfidenceSet",
    "Interval",
    "block_length",
    "mean_ratio_intervals",
    "model_confidence_set",
    "shortest_block",
    "superior_ability",
    "variance_correction",
]


MIN_OUTCOMES = 50
"""Outcomes that do not overlap, below which nothing is estimated."""

Interval = tuple[float, float]
"""Lower and upper end."""

_REPETITIONS = 1000
_TAIL = 0.01  # tail at which normal and Student quantiles are compared: the largest of several statistics decides
_ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class ConfidenceSet:
    """Models among which the best one lies.

    Args:
        p_values: Model -> p-value; those above `size` are in the set.
        included: Names in the set, in the order given.
        size: One minus the confidence.
    """

    p_values: Mapping[str, float]
    included: tuple[str, ...]
    size: float


def block_length(values: FloatArray) -> int:
    """Optimal mean block length for the mean of `values` (N,), at least 1.

    Politis and White 2004 (Econometric Reviews 23) with the correction of Patton, Politis and White 2009; no more
    than a tenth of the values.
    """
    from arch.bootstrap import optimal_block_length

    if len(values) < 10 or not _varies(values):
        return 1
    optimal = float(optimal_block_length(values)["stationary"].iloc[0])
    longest = len(values) // 10
    return int(np.clip(np.ceil(optimal), 1, longest)) if np.isfinite(optimal) else longest


def model_confidence_set(
    losses: Mapping[str, FloatArray],
    size: float = 0.1,
    seed: int = 0,
    repetitions: int = _REPETITIONS,
    overlap: int = 1,
) -> ConfidenceSet | None:
    """Compute the set that contains the best model with confidence ``1 - size`` (Hansen, Lunde and Nason 2011).

    Econometrica 79.

    Args:
        losses: Model -> (N,) daily losses on the same days, in order of time.
        size: One minus the confidence.
        seed: Seed of the bootstrap.
        repetitions: Number of draws.
        overlap: Number of neighbouring cutoffs whose outcomes share days; 1 where each has its own.

    Returns:
        None with fewer than `MIN_OUTCOMES`.
    """
    from arch.bootstrap import MCS

    if len(next(iter(losses.values()))) < MIN_OUTCOMES * overlap:
        return None
    # A difference that is the same every day cannot be studentised: the best of such models represents all.
    best = {name: _best_alike(name, losses) for name in losses}
    distinct = [name for name in losses if best[name] == name]
    if len(distinct) < 2:
        return _confidence_set(losses, best, {distinct[0]: 1.0}, size)
    table = np.stack([losses[name] for name in distinct], axis=1)
    blocks = max(shortest_block(overlap), _common_block_length(table))
    means = table.mean(axis=0)
    table = table - (1 - variance_correction(len(table), overlap, blocks)) * (means - means.mean())
    test = MCS(table, size, reps=repetitions, block_size=blocks, seed=seed)
    test.compute()
    by_column = test.pvalues["Pvalue"].to_dict()
    return _confidence_set(losses, best, {name: float(by_column[k]) for k, name in enumerate(distinct)}, size)


def _best_alike(name: str, losses: Mapping[str, FloatArray]) -> str:
    """The model with the least loss among those that differ from a model by the same every day; first of equals."""
    alike = [other for other in losses if not _differ(losses[other], losses[name])]
    least = min(alike, key=lambda other: float(losses[other].mean()))
    return next(other for other in alike if _same_mean(losses[other], losses[least]))


def _confidence_set(
    losses: Mapping[str, FloatArray], best: Mapping[str, str], p_values: Mapping[str, float], size: float
) -> ConfidenceSet:
    """Give each model the p-value of its best alike, or 0 where it loses more than that by the same every day."""
    by_name = {name: p_values[best[name]] if _same_mean(losses[name], losses[best[name]]) else 0.0 for name in losses}
    return ConfidenceSet(by_name, tuple(name for name in losses if by_name[name] > size), size)


def superior_ability(
    benchmark: FloatArray,
    rivals: Mapping[str, FloatArray],
    seed: int = 0,
    repetitions: int = _REPETITIONS,
    overlap: int = 1,
) -> float | None:
    """Test superior predictive ability: the null hypothesis is that no rival is better than the benchmark.

    Consistent version (Hansen 2005, J. Bus. Econ. Stat. 23), valid for any number of rivals.

    Args:
        benchmark: (N,) daily losses, in order of time.
        rivals: Model -> (N,) losses on the same days.
        seed: Seed of the bootstrap.
        repetitions: Number of draws.
        overlap: Number of neighbouring cutoffs whose outcomes share days.

    Returns:
        The p-value; None where no rival differs from the benchmark, or each by the same every day, or with fewer than
        `MIN_OUTCOMES`.
    """
    from arch.bootstrap import SPA

    if len(benchmark) < MIN_OUTCOMES * overlap:
        return None
    differing = [losses for losses in rivals.values() if _differ(benchmark, losses)]
    if not differing:
        return None
    table = np.stack(differing, axis=1)
    blocks = max(shortest_block(overlap), *(block_length(benchmark - losses) for losses in differing))
    gains = (benchmark[:, None] - table).mean(axis=0)
    table = table + (1 - variance_correction(len(table), overlap, blocks)) * gains
    test = SPA(benchmark, table, block_size=blocks, reps=repetitions, seed=seed)
    test.compute()
    return float(test.pvalues["consistent"])


def mean_ratio_intervals(
    losses: Mapping[str, FloatArray],
    size: float = 0.95,
    seed: int = 0,
    repetitions: int = _REPETITIONS,
    overlap: int = 1,
) -> dict[str, dict[str, Interval | None]]:
    """Compute percentile intervals for the mean loss of each model over that of each other one.

    Whole days are drawn, so that all means are drawn jointly. With several instruments the ratio is the mean of theirs.

    Args:
        losses: Model -> (N,) daily losses on the same days, in order of time; or (N, I) of I instruments, NaN where
            an instrument does not have a day.
        size: Confidence of the intervals.
        seed: Seed of the bootstrap.
        repetitions: Number of draws R.
        overlap: Number of neighbouring cutoffs whose outcomes share days.

    Returns:
        Model -> other model -> lower and upper end; None where the ratio is not defined, or with fewer
        than `MIN_OUTCOMES`.
    """
    intervals: dict[str, dict[str, Interval | None]] = {
        name: {other: None for other in losses if other != name} for name in losses
    }
    if len(next(iter(losses.values()))) < MIN_OUTCOMES * overlap:
        return intervals
    table = np.stack([np.nan_to_num(daily.reshape(len(daily), -1)) for daily in losses.values()], axis=2)  # (N, I, M)
    sums, correction = _drawn_sums(table, repetitions, seed, overlap)
    drawn = dict(zip(losses, np.moveaxis(sums, 2, 0), strict=True))
    whole = dict(zip(losses, table.sum(axis=0).T, strict=True))
    for other, theirs in drawn.items():
        if (theirs > 0).all():
            for name in intervals[other]:
                ratio = (whole[name] / whole[other]).mean()
                ends = np.quantile((drawn[name] / theirs).mean(axis=1), [(1 - size) / 2, (1 + size) / 2])
                low, high = ratio + (ends - ratio) / correction
                intervals[name][other] = max(float(low), 0.0), float(high)
    return intervals


def _drawn_sums(table: FloatArray, repetitions: int, seed: int, overlap: int) -> tuple[FloatArray, float]:
    """(R, I, M) sums of a table (N, I, M) over the days of each draw, and the `variance_correction` of these draws."""
    from arch.bootstrap import StationaryBootstrap

    days, instruments, models = table.shape
    mean = table.mean(axis=0)
    # To first order, the error of a ratio is that of each loss in units of its mean.
    relative = (table / np.where(mean > 0, mean, 1)).mean(axis=1)
    blocks = max(shortest_block(overlap), _common_block_length(relative))
    flat = table.reshape(days, -1)
    draws = StationaryBootstrap(blocks, np.arange(days), seed=np.random.default_rng(seed)).bootstrap(repetitions)
    sums = [np.bincount(index, minlength=days) @ flat for (index,), _ in draws]
    return np.stack(sums).reshape(repetitions, instruments, models), variance_correction(days, overlap, blocks)


def shortest_block(overlap: int) -> int:
    """Least mean length of a block for outcomes that overlap, see the head of this file."""
    return 1 + 3 * (overlap - 1)


def variance_correction(count: int, overlap: int, block: int, tail: float = _TAIL) -> float:
    """Factor that shrinks a difference of means, so that draws of blocks do not understate its uncertainty.

    Blocks of mean length b weight the autocovariance k by ``(1 - k/n) (1 - 1/b)^k + (k/n) (1 - 1/b)^(n-k)`` (Politis
    and Romano 1994), and centring takes one part in n of the long-run variance. This gives the share of the variance
    that the draws reproduce for overlapping outcomes, whose autocorrelations decrease linearly. With n / b blocks, the
    estimate is as uncertain as Student's t with n / b degrees of freedom; quantiles are compared at `tail`.
    """
    from scipy.special import ndtri, stdtrit

    lag = np.arange(1, overlap)
    autocorrelation = 1 - lag / overlap
    stay = 1 - 1 / block  # probability that the next day belongs to the same block
    weight = (1 - lag / count) * stay**lag + lag / count * stay ** (count - lag)
    whole = 1 + 2 * float(autocorrelation.sum())
    share = (1 + 2 * float((autocorrelation * weight).sum())) / whole - whole / count
    level = 1 - tail
    return float(np.sqrt(max(share, 0.1)) * ndtri(level) / stdtrit(count / block, level))


def _common_block_length(table: FloatArray) -> int:
    """The longest `block_length` of the columns (N, M), each minus their mean."""
    return max(block_length(column) for column in (table - table.mean(axis=1, keepdims=True)).T)


def _differ(first: FloatArray, second: FloatArray) -> bool:
    """True where the difference of two losses varies by more than rounding."""
    return bool(np.ptp(first - second) > _ROUNDING * max(np.abs(first).max(), np.abs(second).max()))


def _same_mean(first: FloatArray, second: FloatArray) -> bool:
    """True where the means of two losses agree up to rounding."""
    return bool(abs(np.mean(first - second)) <= _ROUNDING * max(np.abs(first).max(), np.abs(second).max()))


def _varies(values: FloatArray) -> bool:
    """True where values differ by more than rounding."""
    return len(values) > 0 and bool(np.ptp(values) > _ROUNDING * np.abs(values).max())
