"""Changes of the regime of volatility, each detected from the returns up to its own day: a CUSUM test."""

import dataclasses
import math
from typing import Literal, NamedTuple

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["BURN_IN", "FACTOR", "THRESHOLD", "VolatilityChange", "volatility_changes"]

FACTOR = 2.0
"""Ratio of two volatilities that the test is built for; it detects others too."""

THRESHOLD = 25.0
"""Log likelihood ratio at which a change is reported. `benchmarks/anomalies.py` prints the rate of false alarms."""

BURN_IN = 250
"""Returns from which the first regime is measured."""

_MIN_REGIME = 60  # returns from which a later regime is measured, before it is tested
_FREEDOM = 5.0  # of the t in the likelihood: no single day counts for more than its tails allow
_MEAN_SIZE = 0.949  # of a t with five degrees of freedom and scale 1
_DEVIATION = math.sqrt(5 / 3) / _MEAN_SIZE  # its standard deviation over its mean size
_MAX_SIZE = 5.0  # of a return in the level of a regime, relative to the level before
_MIN_SIZE = 1e-6  # of a return: the smallest volatility of a forecast


@dataclasses.dataclass(frozen=True)
class VolatilityChange:
    """One change of the regime.

    Args:
        onset: Return with which the new regime began, as estimated on the day of the alarm.
        alarm: Return after which it was known.
        before: Standard deviation of the regime before.
        after: Standard deviation from the onset to the alarm.
    """

    onset: int
    alarm: int
    before: float
    after: float

    @property
    def direction(self) -> Literal["up", "down"]:
        """``up`` for a rise of volatility."""
        return "up" if self.after > self.before else "down"


class _Sum(NamedTuple):
    """CUSUM: largest log likelihood ratio of any onset so far, and that onset."""

    value: float
    onset: int

    def after(self, ratio: float, place: int) -> "_Sum":
        """The sum after the return at `place`."""
        return _Sum(self.value + ratio, self.onset) if self.value + ratio > 0 else _Sum(0.0, place + 1)


def volatility_changes(returns: FloatArray, threshold: float = THRESHOLD) -> list[VolatilityChange]:
    """Detect changes of the volatility of `returns` (N,) one by one, as they became known.

    Two CUSUM tests (Page 1954, Biometrika 41) run side by side: for a volatility `FACTOR` times as high as that of the
    regime, and for one `FACTOR` times as low. The likelihood is that of a t, so that one extreme day cannot make a
    regime. The volatility of a regime is the mean size of its returns so far. After an alarm the new regime is measured
    from its onset on; until it has 60 returns, no other change is reported.

    Args:
        returns: (N,) in order of time.
        threshold: Log likelihood ratio at which a change is reported.
    """
    sizes = np.maximum(np.abs(returns), _MIN_SIZE).tolist()
    changes: list[VolatilityChange] = []
    start = 0
    tested_from = BURN_IN
    while tested_from < len(sizes):
        level = _level(sizes[start:tested_from])
        change = _first_change(sizes, start, tested_from, level, threshold)
        if change is None:
            break
        changes.append(change)
        start = change.onset
        tested_from = max(change.alarm + 1, start + _MIN_REGIME)
    return changes


def _first_change(
    sizes: list[float], start: int, tested_from: int, level: float, threshold: float
) -> VolatilityChange | None:
    count = tested_from - start
    higher = lower = _Sum(0.0, tested_from)
    for place in range(tested_from, len(sizes)):
        size = sizes[place]
        ratio = size * _MEAN_SIZE / level
        higher = higher.after(_log_ratio(ratio, FACTOR), place)
        lower = lower.after(_log_ratio(ratio, 1 / FACTOR), place)
        reached = higher if higher.value > threshold else lower
        if reached.value > threshold:
            after = _level(sizes[reached.onset : place + 1])
            return VolatilityChange(reached.onset, place, level * _DEVIATION, after * _DEVIATION)
        count += 1
        level += (min(size, _MAX_SIZE * level) - level) / count
    return None


def _log_ratio(ratio: float, factor: float) -> float:
    """Log likelihood of a return for a scale `factor` times as high, over that for the scale itself."""
    square = ratio * ratio / _FREEDOM
    return -math.log(factor) - (_FREEDOM + 1) / 2 * (math.log1p(square / factor**2) - math.log1p(square))


def _level(sizes: list[float]) -> float:
    """Mean size, in which no return counts for more than `_MAX_SIZE` times the mean of the smaller nine tenths."""
    values = np.sort(sizes)
    mean = float(values[: max(9 * len(values) // 10, 1)].mean())
    return float(np.minimum(values, _MAX_SIZE * mean).mean())
