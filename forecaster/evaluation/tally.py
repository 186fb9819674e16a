"""Scores of any number of forecasts in bounded memory: chunks go in, what stays are sums and counts."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from forecaster.arrays import BoolArray, FloatArray
from forecaster.evaluation.metrics import (
    PIT_BINS,
    crps,
    hit_rate,
    interval_score,
    pit_histogram,
    ratio,
    worst_rolling_coverage,
)
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["COVERED", "Tally"]


COVERED = {0.8: (2, 6), 0.9: (1, 7), 0.95: (0, 8)}  # coverage -> columns of the two ends among SCORING_LEVELS
_MIDDLE = SCORING_LEVELS.index(0.5)
_CHUNK = 4096  # rows that are scored at once: their temporaries stay within a processor's cache
_WINDOW = 250


@dataclasses.dataclass
class _Interval:
    """Sums of one central interval; `recent` are the last outcomes, over which the worst window continues."""

    inside: float = 0.0
    width: float = 0.0
    score: float = 0.0
    worst: float | None = None
    recent: BoolArray = dataclasses.field(default_factory=lambda: np.empty(0, dtype=np.bool_))


class Tally:
    """Running scores of one model for one series at one step, fed in order of time.

    Point forecasts are the medians; they and the outcomes are log returns from the last price, so that the random
    walk's error is the outcome itself.
    """

    def __init__(self) -> None:
        self.n = 0
        self._sums = dict.fromkeys(("crps", "squared", "squared_naive", "absolute", "absolute_naive"), 0.0)
        self._histogram = np.zeros(PIT_BINS, dtype=np.int64)
        self._hits = np.zeros(3, dtype=np.int64)
        self._intervals = {level: _Interval() for level in COVERED}

    def add(self, quantiles: FloatArray, actual: FloatArray) -> None:
        """Score the next forecasts.

        Args:
            quantiles: (N, 9) at `SCORING_LEVELS`, non-decreasing.
            actual: (N,) outcomes in the same units.

        Raises:
            ValueError: The shapes do not fit.
        """
        if quantiles.shape != (len(actual), len(SCORING_LEVELS)):
            raise ValueError(f"expected quantiles of shape {(len(actual), len(SCORING_LEVELS))}; got {quantiles.shape}")
        for start in range(0, len(actual), _CHUNK):
            self._add(quantiles[start : start + _CHUNK], actual[start : start + _CHUNK])

    def _add(self, quantiles: FloatArray, actual: FloatArray) -> None:
        point = quantiles[:, _MIDDLE]
        error = point - actual
        self.n += len(actual)
        self._sums["crps"] += float(crps(quantiles, SCORING_LEVELS, actual).sum())
        self._sums["squared"] += float(error @ error)
        self._sums["squared_naive"] += float(actual @ actual)
        self._sums["absolute"] += float(np.abs(error).sum())
        self._sums["absolute_naive"] += float(np.abs(actual).sum())
        self._histogram += pit_histogram(quantiles, SCORING_LEVELS, actual)[1]
        self._hits += dataclasses.astuple(hit_rate(point, actual))
        for level, (low, high) in COVERED.items():
            self._cover(self._intervals[level], level, (quantiles[:, low], quantiles[:, high]), actual)

    @staticmethod
    def _cover(one: _Interval, level: float, ends: tuple[FloatArray, FloatArray], actual: FloatArray) -> None:
        lower, upper = ends
        inside = (lower <= actual) & (actual <= upper)
        one.inside += float(inside.sum())
        one.width += float((upper - lower).sum())
        one.score += float(interval_score(lower, upper, actual, level).sum())
        joined = np.concatenate([one.recent, inside])
        one.worst = _least(one.worst, worst_rolling_coverage(joined, _WINDOW))
        one.recent = joined[max(len(joined) - _WINDOW + 1, 0) :]

    def results(self) -> dict[str, Any]:
        """Scores as JSON values; all that is a mean is None before the first forecast.

        ``crps``, ``rmse``, ``mae`` and, as ratios to the random walk's, ``rmse_ratio_random_walk`` and
        ``mae_ratio_random_walk``; by level ``coverage``, ``width``, ``interval_score`` and
        ``worst_coverage_250``; ``pit`` counts; ``direction`` with ``hit_rate``, ``n``, ``without_direction``.
        """
        mean = {name: value / self.n if self.n else None for name, value in self._sums.items()}
        root = {name: None if value is None else value**0.5 for name, value in mean.items()}
        hits, directed, without = self._hits.tolist()
        return {
            "n": self.n,
            "crps": mean["crps"],
            "rmse": root["squared"],
            "mae": mean["absolute"],
            "rmse_ratio_random_walk": _ratio(root["squared"], root["squared_naive"]),
            "mae_ratio_random_walk": _ratio(mean["absolute"], mean["absolute_naive"]),
            "coverage": self._by_level("inside"),
            "width": self._by_level("width"),
            "interval_score": self._by_level("score"),
            "worst_coverage_250": {format(level, "g"): one.worst for level, one in self._intervals.items()},
            "pit": self._histogram.tolist(),
            "direction": {
                "hit_rate": hits / directed if directed else None,
                "n": directed,
                "without_direction": without,
            },
        }

    def _by_level(self, name: str) -> dict[str, float | None]:
        found = {format(level, "g"): getattr(one, name) for level, one in self._intervals.items()}
        return {level: value / self.n if self.n else None for level, value in found.items()}

    @classmethod
    def total(cls, tallies: Iterable["Tally"]) -> "Tally":
        """All forecasts of several tallies together; the worst window is that of the worst of them.

        For reading only: what is added afterwards would not continue any of their windows.
        """
        result = cls()
        for one in tallies:
            result.n += one.n
            result._histogram += one._histogram
            result._hits += one._hits
            for name, value in one._sums.items():
                result._sums[name] += value
            for level, theirs in one._intervals.items():
                ours = result._intervals[level]
                ours.inside, ours.width = ours.inside + theirs.inside, ours.width + theirs.width
                ours.score, ours.worst = ours.score + theirs.score, _least(ours.worst, theirs.worst)
        return result


def _least(first: float | None, second: float | None) -> float | None:
    known = [value for value in (first, second) if value is not None]
    return min(known, default=None)


def _ratio(loss: float | None, reference: float | None) -> float | None:
    return None if loss is None or reference is None else ratio(loss, reference)
