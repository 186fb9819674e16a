"""Luck of the best: how often the best of many trials would look this good if none were better than the start.

The gains of the trials are transformed into their mean and the first cosine waves of the days (Müller 2007, J.
Econometrics 141; Lazarus, Lewis, Stock and Watson 2018, J. Bus. Econ. Stat. 36). Under the null hypothesis all of these
are normal with the same covariances between trials, so that a rotation of them changes nothing in distribution. The
p-value is the share of random rotations whose largest statistic of all trials reaches that of the best trial (Langsrud
2005, Statistics and Computing 15). It needs no estimate of the covariances and is exact for any number of trials.

The trials have to be proposed without the days that are tested. A search that has seen these days climbs their luck:
where the loss changes smoothly with the settings, its best trial is far better than that of as many random ones.
"""

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["MIN_WAVES", "best_of_many", "waves_of"]

MIN_WAVES = 8
"""Waves below which the errors of many trials are too uncertain to compare their best."""

_REPETITIONS = 10_000
_AT_ONCE = 500  # rotations, so that many trials need little memory
_ROUNDING = 1e-12


def waves_of(days: int, overlap: int) -> int:
    """Number of waves from which a standard error is estimated, the degrees of freedom of Student's t.

    ``0.4 N^(2/3)`` (Lazarus et al. 2018). Outcomes that overlap have less variance in waves that are nearly as short as
    the overlap: those of ten times the overlap and more lose at most 3 % of it.
    """
    return min(int(0.4 * days ** (2 / 3)), days // (5 * overlap))


def best_of_many(
    gains: FloatArray, best: int | None = None, overlap: int = 1, seed: int = 0, repetitions: int = _REPETITIONS
) -> float | None:
    """Test the best of many trials: the null hypothesis is that none has a mean gain above zero.

    Args:
        gains: (N, K) loss of the starting configuration minus loss of a trial, day by day in order of time.
        best: Column of the best trial, however it was chosen; the largest statistic of all when None.
        overlap: Number of neighbouring days whose outcomes share days; 1 where each has its own.
        seed: Seed of the rotations.
        repetitions: Number of rotations.

    Returns:
        The p-value; None where the best trial differs from the start by the same every day, or with too few days.
    """
    waves = waves_of(len(gains), overlap)
    varies = np.array([_varies(column) for column in gains.T])
    if waves < MIN_WAVES or not (varies.any() if best is None else varies[best]):
        return None
    from scipy.fft import dct

    spectrum = dct(gains, norm="ortho", axis=0)[: waves + 1]
    directions = spectrum / np.where(varies, np.linalg.norm(spectrum, axis=0), np.inf)
    reached = float(directions[0].max() if best is None else directions[0, best])
    rng = np.random.default_rng(seed)
    exceeded = 0
    for first in range(0, repetitions, _AT_ONCE):
        rotated = rng.standard_normal((min(_AT_ONCE, repetitions - first), waves + 1))
        rotated /= np.linalg.norm(rotated, axis=1, keepdims=True)
        exceeded += int(((rotated @ directions).max(axis=1) >= reached).sum())
    return (1 + exceeded) / (1 + repetitions)


def _varies(values: FloatArray) -> bool:
    return bool(np.ptp(values) > _ROUNDING * max(float(np.abs(values).max()), _ROUNDING))
