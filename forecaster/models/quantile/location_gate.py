"""Location gate: the steps at which the learned location moves the median, by evidence from the validation.

Daily returns are so close to unpredictable that a learned location costs more than it gains unless evidence says
otherwise; without evidence the median stays at the last price.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import DateArray, Float32Array, FloatArray, Int64Array, IntArray
from forecaster.stats.mean_tests import long_run_variance

__all__ = ["MAX_OUTCOME", "MIN_T", "LocationGains", "ValidationRows", "gather_gains", "mean_t_statistic"]


MIN_T = 2.0
MAX_OUTCOME = 6.0  # in volatilities: one crash must not decide the location
MIN_DAYS = 100
SETTLING_ROWS = 512  # rows that are read before the validation, enough for the state to forget its start


class ValidationRows:
    """The validation of one series, with the rows before it that settle the network's state.

    Args:
        dates: (T,) of the series.
        features: (T, F).
        targets: (T, K) scaled outcomes.
        rows: (N,) consecutive cutoffs of the validation, at least one.
        warm_up: First row that the network reads.
    """

    def __init__(
        self,
        dates: DateArray,
        features: Float32Array,
        targets: Float32Array,
        rows: IntArray,
        warm_up: int,
    ) -> None:
        first = max(int(rows[0]) - SETTLING_ROWS, warm_up)
        self.x = features[first : int(rows[-1]) + 1]
        self.days = dates[rows].astype(np.int64)
        self.outcome = targets[rows].astype(np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class LocationGains:
    """Gain of the location over the last price on each day, from forecasts that the weights had not seen.

    Args:
        days: (D,) increasing, as days since 1970.
        gains: (D, K) gain in squared scaled error at each knot, averaged over the series of the day, so that a day
            counts once however many crosses move together.
    """

    days: Int64Array
    gains: FloatArray

    @classmethod
    def none(cls, knots: Sequence[int]) -> "LocationGains":
        """No day."""
        return cls(np.empty(0, dtype=np.int64), np.empty((0, len(knots))))

    def then(self, later: "LocationGains") -> "LocationGains":
        """These days, and after them those of `later`."""
        return LocationGains(np.concatenate([self.days, later.days]), np.concatenate([self.gains, later.gains]))

    @property
    def means(self) -> list[float]:
        """(K,) mean gain at each knot, none without a day."""
        return [float(mean) for mean in self.gains.mean(axis=0)] if len(self.days) else []

    def supported(self, knots: Sequence[int]) -> list[int]:
        """Those of `knots` (K,) at which the mean gain is `MIN_T` standard errors above zero."""
        if len(self.days) < MIN_DAYS:
            return []
        return [h for k, h in enumerate(knots) if mean_t_statistic(self.gains[:, k], lags=h - 1) > MIN_T]


def gather_gains(
    knots: Sequence[int], members: Sequence[ValidationRows], locate: Callable[[Float32Array], Float32Array]
) -> LocationGains:
    """Gains of the location on rows that the weights have not seen.

    Args:
        knots: (K,) steps.
        members: Those rows of each series.
        locate: Maps histories (B, T, F) to locations (B, T, K).
    """
    if not members:
        return LocationGains.none(knots)
    x = np.zeros((len(members), max(len(member.x) for member in members), members[0].x.shape[1]), dtype=np.float32)
    for row, member in zip(x, members, strict=True):
        row[: len(member.x)] = member.x
    days = []
    gains = []
    for location, member in zip(locate(x), members, strict=True):
        used = location[len(member.x) - len(member.days) : len(member.x)]
        days.append(member.days)
        gains.append(member.outcome**2 - (member.outcome - used) ** 2)
    unique, place, count = np.unique(np.concatenate(days), return_inverse=True, return_counts=True)
    daily = np.zeros((len(unique), len(knots)))
    np.add.at(daily, place, np.concatenate(gains))
    return LocationGains(unique, daily / count[:, None])


def mean_t_statistic(values: FloatArray, lags: int) -> float:
    """Mean of `values` (N,) over its standard error, robust to autocorrelation up to `lags` (Newey and West 1987)."""
    error = np.sqrt(long_run_variance(values, lags) / len(values))
    # An error of 0, or of rounding, belongs to values that are all the same: they prove nothing.
    return float(values.mean() / error) if error > 1e-12 * np.abs(values).max() else 0.0
