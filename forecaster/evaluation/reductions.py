"""Reductions of a statistic to one value, over any number of samples, and means of values over instruments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from forecaster.arrays import AnyArray, BoolArray, FloatArray
from forecaster.evaluation.metrics import HitRate, hit_rate, ratio, worst_rolling_coverage

__all__ = [
    "DefinedMean",
    "Directions",
    "Mean",
    "RatioOf",
    "Reduction",
    "RootMeanSquare",
    "Value",
    "WorstWindow",
    "all_directions",
    "least_of",
    "mean_of",
    "mean_of_all",
]

WINDOW = 250  # cutoffs, a year of trading days

Value = Any
"""Value of a metric as JSON: a number or None, a list, or a mapping of those."""


class Reduction(Protocol):
    """Running value of a statistic, over any number of samples in order of time."""

    def add(self, values: Any) -> None:
        """Add the statistics (..., N) of the next sample."""

    def result(self) -> Value:
        """The value so far; None before the first forecast."""


class Mean:
    """Mean over the forecasts, of each row where there are several."""

    def __init__(self) -> None:
        self._total: Any = 0.0
        self._count = 0

    def add(self, values: AnyArray) -> None:
        """Add statistics (N,) or (L, N)."""
        self._total = self._total + values.sum(axis=-1)
        self._count += values.shape[-1]

    def result(self) -> float | list[float] | None:
        """The mean, or a list of L means."""
        return np.divide(self._total, self._count).tolist() if self._count else None


class DefinedMean(Mean):
    """Mean over the forecasts; None where the statistic of any of them is undefined (NaN)."""

    def result(self) -> float | list[float] | None:
        """The mean."""
        return super().result() if np.isfinite(self._total).all() else None


class RootMeanSquare:
    """Root of the mean of squares."""

    def __init__(self) -> None:
        self._total = 0.0
        self._count = 0

    def add(self, values: FloatArray) -> None:
        """Add statistics (N,)."""
        self._total += float(values @ values)
        self._count += len(values)

    def result(self) -> float | None:
        """The root."""
        return (self._total / self._count) ** 0.5 if self._count else None


class RatioOf:
    """Ratio of a reduced statistic to that of a reference; None where the reference is 0."""

    def __init__(self, reduction: Callable[[], Reduction]) -> None:
        self._value = reduction()
        self._reference = reduction()

    def add(self, values: FloatArray) -> None:
        """Add statistics (2, N): of the forecast and of the reference."""
        self._value.add(values[0])
        self._reference.add(values[1])

    def result(self) -> float | None:
        """The ratio."""
        value = self._value.result()
        return None if value is None else ratio(value, self._reference.result())


class WorstWindow:
    """Lowest share of hits in any window of 250 consecutive cutoffs; None with fewer."""

    def __init__(self) -> None:
        self._worst: list[float | None] = []
        self._recent: BoolArray | None = None

    def add(self, values: BoolArray) -> None:
        """Add hits (L, N)."""
        rows = values if self._recent is None else np.concatenate([self._recent, values], axis=1)
        lowest = [worst_rolling_coverage(row, WINDOW) for row in rows]
        self._worst = [least_of(pair) for pair in zip(self._worst or lowest, lowest, strict=True)]
        self._recent = rows[:, max(rows.shape[1] - WINDOW + 1, 0) :]

    def result(self) -> list[float | None] | None:
        """L shares."""
        return self._worst or None


class Directions:
    """Hit rate of the direction, with its counts."""

    def __init__(self) -> None:
        self._counts = HitRate()

    def add(self, values: FloatArray) -> None:
        """Add forecasts and outcomes (2, N)."""
        self._counts += hit_rate(values[0], values[1])

    def result(self) -> dict[str, float | None]:
        """Hit rate, number of days with a direction, and number of days without."""
        counts = self._counts
        return {"hit_rate": counts.rate, "n": counts.n, "without_direction": counts.without_direction}


def mean_of(values: Sequence[Value]) -> Value:
    """Mean over instruments of the values that are not None, by key and by position."""
    present = [value for value in values if value is not None]
    if not present:
        return None
    if isinstance(present[0], Mapping):
        return {key: mean_of([value[key] for value in present]) for key in present[0]}
    mean: Value = np.mean(present, axis=0).tolist()
    return mean


def mean_of_all(values: Sequence[Value]) -> Value:
    """Mean over instruments; None where any of them has no value, since models are compared on the same ones."""
    return None if None in values else mean_of(values)


def least_of(values: Sequence[Value]) -> Value:
    """Least of the values that are not None, by key."""
    present = [value for value in values if value is not None]
    if present and isinstance(present[0], Mapping):
        return {key: least_of([value[key] for value in present]) for key in present[0]}
    return min(present, default=None)


def all_directions(values: Sequence[Value]) -> Value:
    """Share of all directions that were right, over all instruments."""
    counted = sum(value["n"] for value in values)
    right = sum(value["n"] * value["hit_rate"] for value in values if value["n"])
    return {
        "hit_rate": right / counted if counted else None,
        "n": counted,
        "without_direction": sum(value["without_direction"] for value in values),
    }
