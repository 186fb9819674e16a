"""Luck of the best: how good the best of many trials would look if none were better than the start.

The p-value is that of the largest studentised mean gain, by a stationary bootstrap of days in which every gain is
centred (White 2000, Econometrica 68, studentised as in Hansen 2005). A trial that was stopped early counts with the
days that it has, and one without any day as an independent normal statistic. So each trial makes the best of them
less surprising.
"""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.stats.bootstrap import block_length, shortest_block, variance_correction

__all__ = ["best_of_many"]

MIN_OUTCOMES = 100
"""Outcomes that do not overlap, below which the errors of many trials are too uncertain to compare their best."""

_REPETITIONS = 2000
_SIZE = 0.05
_ROUNDING = 1e-12


def best_of_many(
    gains: FloatArray, untested: int = 0, overlap: int = 1, seed: int = 0, repetitions: int = _REPETITIONS
) -> float | None:
    """Test the best of many trials: the null hypothesis is that none has a mean gain above zero.

    Args:
        gains: (N, K) loss of the starting configuration minus loss of a trial, day by day in order of time; NaN after
            the days on which a trial was stopped. Only a trial with every day can be the best.
        untested: Trials without any day.
        overlap: Number of neighbouring days whose outcomes share days; 1 where each has its own.
        seed: Seed of the bootstrap.
        repetitions: Number of draws.

    Returns:
        The p-value; None where no complete trial differs from the start, or with too few days.
    """
    days = len(gains)
    tested = gains[:, [_varies(column[np.isfinite(column)]) for column in gains.T]]
    complete = np.isfinite(tested).all(axis=0)
    if days < MIN_OUTCOMES * overlap or not complete.any():
        return None
    rng = np.random.default_rng(seed)
    longest = max(block_length(column - column.mean()) for column in tested[:, complete].T)
    block = max(shortest_block(overlap), longest)
    present = np.isfinite(tested)
    means = np.nanmean(tested, axis=0)
    centred = np.where(present, tested - means, 0.0)
    draws = np.stack([np.bincount(index, minlength=days) for index in _stationary(days, block, repetitions, rng)])
    counts = draws @ present.astype(np.float64)
    drawn = (draws @ centred) / np.maximum(counts, 1.0)
    errors = drawn.std(axis=0)
    statistics = drawn / np.where(errors > 0, errors, 1.0)
    if untested:
        statistics = np.column_stack([statistics, rng.standard_normal((repetitions, untested))])
    tail = _SIZE / statistics.shape[1]  # of a single statistic, where the largest of all decides
    best = float((means / errors)[complete].max()) * variance_correction(days, overlap, block, tail)
    return float(1 + (statistics.max(axis=1) >= best).sum()) / (1 + repetitions)


def _stationary(days: int, block: int, repetitions: int, rng: np.random.Generator) -> FloatArray:
    """(R, N) numbers of days, drawn in blocks of geometric length with the mean `block` (Politis and Romano 1994)."""
    starts = rng.integers(days, size=(repetitions, days))
    begins = rng.random((repetitions, days)) < 1 / block
    begins[:, 0] = True
    place = np.arange(days)
    since = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    first = np.take_along_axis(starts, since, axis=1)
    return np.asarray((first + place - since) % days)


def _varies(values: FloatArray) -> bool:
    return len(values) > 1 and bool(np.ptp(values) > _ROUNDING * max(float(np.abs(values).max()), _ROUNDING))
