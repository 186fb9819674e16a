"""Many models at once, by the bootstrap: model confidence set, superior predictive ability, intervals of ratios.

Days are drawn in blocks of random length (stationary bootstrap, Politis and Romano 1994, J. Am. Stat. Assoc. 89), so
that what is close in time stays together. Where outcomes overlap a block is meant to be three times as long as they do,
and what blocks still lose of the variance is made good (`_certainty`). With fewer than `MIN_OUTCOMES` that do not
overlap there is nothing to draw from, and no answer. All is a function of the losses and the seed.
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
    "superior_ability",
]


MIN_OUTCOMES = 50
"""Outcomes that do not overlap, below which nothing is estimated."""

Interval = tuple[float, float]
"""Lower and upper end."""

_REPETITIONS = 1000
_TAIL = 0.01  # where a normal and a Student quantile are compared: the largest of several statistics decides
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
    """Mean length of a block that suits the mean of `values` (N,), at least 1.

    Politis and White 2004 (Econometric Reviews 23) with the correction of Patton, Politis and White 2009; no more
    than a tenth of the values.
    """
    from arch.bootstrap import optimal_block_length

    if len(values) < 10 or not _varies(values):
        return 1
    found = float(optimal_block_length(values)["stationary"].iloc[0])
    longest = len(values) // 10
    return int(np.clip(np.ceil(found), 1, longest)) if np.isfinite(found) else longest


def model_confidence_set(
    losses: Mapping[str, FloatArray],
    size: float = 0.1,
    seed: int = 0,
    repetitions: int = _REPETITIONS,
    overlap: int = 1,
) -> ConfidenceSet | None:
    """The models among which the best is, with confidence ``1 - size`` (Hansen, Lunde, Nason 2011, Econometrica 79).

    Args:
        losses: Model -> (N,) daily losses on the same days, in order of time.
        size: One minus the confidence.
        seed: Of the bootstrap.
        repetitions: Number of draws.
        overlap: Of so many neighbouring days the outcomes share days; 1 where each has its own.

    Returns:
        None with fewer than `MIN_OUTCOMES`.
    """
    from arch.bootstrap import MCS

    if len(next(iter(losses.values()))) < MIN_OUTCOMES * overlap:
        return None
    # A difference that is the same every day cannot be studentised: the best of such models stands for all.
    best = {name: _best_alike(name, losses) for name in losses}
    distinct = [name for name in losses if best[name] == name]
    if len(distinct) < 2:
        return _confidence_set(losses, best, {distinct[0]: 1.0}, size)
    table = np.stack([losses[name] for name in distinct], axis=1)
    blocks = max(_shortest_block(overlap), _common_block_length(table))
    means = table.mean(axis=0)
    table = table - (1 - _certainty(len(table), overlap, blocks)) * (means - means.mean())
    test = MCS(table, size, reps=repetitions, block_size=blocks, seed=seed)
    test.compute()
    by_column = test.pvalues["Pvalue"].to_dict()
    return _confidence_set(losses, best, {name: float(by_column[k]) for k, name in enumerate(distinct)}, size)


def _best_alike(name: str, losses: Mapping[str, FloatArray]) -> str:
    """The model of the least loss among those whose difference from a model is the same every day; first of equals."""
    alike = [one for one in losses if not _differ(losses[one], losses[name])]
    least = min(alike, key=lambda one: float(losses[one].mean()))
    return next(one for one in alike if _same_mean(losses[one], losses[least]))


def _confidence_set(
    losses: Mapping[str, FloatArray], best: Mapping[str, str], p_values: Mapping[str, float], size: float
) -> ConfidenceSet:
    """Every model has the p-value of its best alike; one that loses more every day by the same is worse for certain."""
    found = {name: p_values[best[name]] if _same_mean(losses[name], losses[best[name]]) else 0.0 for name in losses}
    return ConfidenceSet(found, tuple(name for name in losses if found[name] > size), size)


def superior_ability(
    benchmark: FloatArray,
    rivals: Mapping[str, FloatArray],
    seed: int = 0,
    repetitions: int = _REPETITIONS,
    overlap: int = 1,
) -> float | None:
    """P-value of "some rival is better than the benchmark", however many were tried.

    The test of superior predictive ability, consistent version (Hansen 2005, J. Bus. Econ. Stat. 23).

    Args:
        benchmark: (N,) daily losses, in order of time.
        rivals: Model -> (N,) losses on the same days.
        seed: Of the bootstrap.
        repetitions: Number of draws.
        overlap: Of so many neighbouring days the outcomes share days.

    Returns:
        None where no rival differs from the benchmark, or each by the same every day, or with fewer
        than `MIN_OUTCOMES`.
    """
    from arch.bootstrap import SPA

    if len(benchmark) < MIN_OUTCOMES * overlap:
        return None
    differing = [losses for losses in rivals.values() if _differ(benchmark, losses)]
    if not differing:
        return None
    table = np.stack(differing, axis=1)
    blocks = max(_shortest_block(overlap), *(block_length(benchmark - losses) for losses in differing))
    gains = (benchmark[:, None] - table).mean(axis=0)
    table = table + (1 - _certainty(len(table), overlap, blocks)) * gains
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
    """Interval for the mean loss of each model over that of each other one.

    Whole days are drawn, so all means move together; percentile interval. With several instruments the ratio is the
    mean of theirs.

    Args:
        losses: Model -> (N,) daily losses on the same days, in order of time; or (N, I) of I instruments, NaN where
            an instrument does not have a day.
        size: Confidence.
        seed: Of the bootstrap.
        repetitions: Number of draws R.
        overlap: Of so many neighbouring days the outcomes share days.

    Returns:
        Model -> other model -> lower and upper end; None where the ratio is not defined, or with fewer
        than `MIN_OUTCOMES`.
    """
    found: dict[str, dict[str, Interval | None]] = {
        name: {other: None for other in losses if other != name} for name in losses
    }
    if len(next(iter(losses.values()))) < MIN_OUTCOMES * overlap:
        return found
    table = np.stack([np.nan_to_num(one.reshape(len(one), -1)) for one in losses.values()], axis=2)  # (N, I, M)
    sums, certainty = _drawn_sums(table, repetitions, seed, overlap)
    drawn = dict(zip(losses, np.moveaxis(sums, 2, 0), strict=True))
    whole = dict(zip(losses, table.sum(axis=0).T, strict=True))
    for other, theirs in drawn.items():
        if (theirs > 0).all():
            for name in found[other]:
                middle = (whole[name] / whole[other]).mean()
                ends = np.quantile((drawn[name] / theirs).mean(axis=1), [(1 - size) / 2, (1 + size) / 2])
                low, high = middle + (ends - middle) / certainty
                found[name][other] = max(float(low), 0.0), float(high)
    return found


def _drawn_sums(table: FloatArray, repetitions: int, seed: int, overlap: int) -> tuple[FloatArray, float]:
    """(R, I, M) sums of a table (N, I, M) over the days of each draw, and the `_certainty` of these draws."""
    from arch.bootstrap import StationaryBootstrap

    days, instruments, models = table.shape
    mean = table.mean(axis=0)
    # What the error of a ratio is made of, to first order: each loss in units of its mean.
    relative = (table / np.where(mean > 0, mean, 1)).mean(axis=1)
    blocks = max(_shortest_block(overlap), _common_block_length(relative))
    flat = table.reshape(days, -1)
    draws = StationaryBootstrap(blocks, np.arange(days), seed=np.random.default_rng(seed)).bootstrap(repetitions)
    sums = [np.bincount(index, minlength=days) @ flat for (index,), _ in draws]
    return np.stack(sums).reshape(repetitions, instruments, models), _certainty(days, overlap, blocks)


def _shortest_block(overlap: int) -> int:
    return 1 + 3 * (overlap - 1)


def _certainty(count: int, overlap: int, block: int) -> float:
    """Factor by which a difference of means has to shrink, for draws of blocks not to be too sure of it.

    Blocks of mean length b count the autocovariance k only ``(1 - k/n) (1 - 1/b)^k + (k/n) (1 - 1/b)^(n-k)`` times
    (Politis and Romano 1994), and centring takes one part in n of the long-run variance: so much of the variance
    of outcomes that overlap is seen, whose autocorrelations fall in a line. And n / b blocks leave its estimate as
    uncertain as Student's t with so many degrees of freedom.
    """
    from scipy.special import ndtri, stdtrit

    lag = np.arange(1, overlap)
    line, kept = 1 - lag / overlap, 1 - 1 / block
    counted = (1 - lag / count) * kept**lag + lag / count * kept ** (count - lag)
    whole = 1 + 2 * float(line.sum())
    seen = (1 + 2 * float((line * counted).sum())) / whole - whole / count
    tail = 1 - _TAIL
    return float(np.sqrt(max(seen, 0.1)) * ndtri(tail) / stdtrit(count / block, tail))


def _common_block_length(table: FloatArray) -> int:
    """The longest `block_length` of the columns (N, M), each minus their mean."""
    return max(block_length(column) for column in (table - table.mean(axis=1, keepdims=True)).T)


def _differ(first: FloatArray, second: FloatArray) -> bool:
    """Whether the difference of two losses changes from day to day by more than rounding."""
    return bool(np.ptp(first - second) > _ROUNDING * max(np.abs(first).max(), np.abs(second).max()))


def _same_mean(first: FloatArray, second: FloatArray) -> bool:
    """Whether two losses agree on average, but for rounding."""
    return bool(abs(np.mean(first - second)) <= _ROUNDING * max(np.abs(first).max(), np.abs(second).max()))


def _varies(values: FloatArray) -> bool:
    """Whether values differ by more than rounding."""
    return len(values) > 0 and bool(np.ptp(values) > _ROUNDING * np.abs(values).max())
