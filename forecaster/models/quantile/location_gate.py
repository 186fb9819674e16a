"""Location gate: the steps at which the learned location moves the median, by evidence from unseen rows.

Daily returns are so close to unpredictable that a learned location costs more than it gains unless evidence says
otherwise; without evidence the median stays at the last price.

A series whose price often stands still is no evidence: its median is the last price, whatever its mean.

A location is used at a step if two conditions hold: it predicts the return, by a test that accounts for every step and
every look, and it lowered the squared error in the sample.

**Test.** If returns are unpredictable, the product of a return and a location that was known before it has a mean of
0, whatever the location (Clark and West 2007, J. Econometrics 138, without the squared location). Outcomes over h days
overlap, so the return of each single day is multiplied by the sum of the locations of the last h days (Hodrick 1992,
Rev. Financ. Stud. 5): products of different days are then uncorrelated, and Student's t has its nominal level in small
samples, which no long-run variance of outcomes over 20 days has.

**Looks.** Holm's correction limits the error of one look over all steps. A backtest looks before every fold, and each
look spends a part of `MAX_FALSE_OPENINGS` that depends on the days of evidence alone (Lan and DeMets 1983, Biometrika
70): all looks together spend at most the whole, however many there are.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import DateArray, Float32Array, FloatArray, Int64Array, IntArray
from forecaster.stats.mean_tests import hac_lags, holm, mean_test

__all__ = [
    "MAX_FALSE_OPENINGS",
    "MAX_OUTCOME",
    "SETTLING_ROWS",
    "LocationGains",
    "ValidationRows",
    "decisions",
    "gather_gains",
    "sum_of_last",
    "supported_steps",
]


MAX_FALSE_OPENINGS = 0.01
"""Probability that the gate opens at any step, in a training or in any fold of a backtest, without predictability."""

MAX_OUTCOME = 6.0  # in volatilities: one crash must not decide the location
MAX_UNMOVED_SHARE = 0.2
MIN_DAYS = 100
HALF_SPENT_DAYS = 250  # days of evidence after which half of the probability is spent
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

    @property
    def often_unmoved(self) -> bool:
        """True if the most likely price is the last one itself, which a location would leave."""
        return bool(np.mean(self.outcome[:, 0] == 0) >= MAX_UNMOVED_SHARE)


@dataclasses.dataclass(frozen=True, eq=False)
class LocationGains:
    """Evidence about the location on each day, from forecasts that the weights had not seen.

    Args:
        days: (D,) increasing, as days since 1970.
        gains: (D, K) gain over the last price in squared scaled error at each knot, averaged over the series of the
            day, so that a day counts once however many crosses move together.
        products: (D, K) return of the next day times the sum of the locations of the last h days, over the square root
            of h, averaged in the same way.
        series: Largest number of series of a day.
    """

    days: Int64Array
    gains: FloatArray
    products: FloatArray
    series: int

    @classmethod
    def none(cls, knots: Sequence[int]) -> "LocationGains":
        """No day."""
        empty = np.empty((0, len(knots)))
        return cls(np.empty(0, dtype=np.int64), empty, empty, 0)

    def then(self, later: "LocationGains") -> "LocationGains":
        """These days, and after them those of `later`."""
        return LocationGains(
            np.concatenate([self.days, later.days]),
            np.concatenate([self.gains, later.gains]),
            np.concatenate([self.products, later.products]),
            max(self.series, later.series),
        )

    @property
    def means(self) -> list[float]:
        """(K,) mean gain at each knot, none without a day."""
        return [float(mean) for mean in self.gains.mean(axis=0)] if len(self.days) else []

    def predictive(self, knots: Sequence[int], level: float) -> list[int]:
        """Those of `knots` (K,) at which the location predicts the return: any false one has probability `level`."""
        if len(self.days) < MIN_DAYS:
            return []
        adjusted = holm({str(h): self._p_value(self.products[:, k], level) for k, h in enumerate(knots)})
        return [h for h in knots if (p_value := adjusted[str(h)]) is not None and p_value <= level]

    def _p_value(self, products: FloatArray, level: float) -> float | None:
        """One-sided p-value of "the mean of `products` (D,) is above 0"; None where nothing can be tested.

        Days of one series are uncorrelated without predictability. Those of several need not be: markets in other time
        zones follow one another. Far in the tail a test by a long-run variance rejects too often, so both must reject.
        """
        independent = mean_test(products, lags=0).p_above
        if self.series == 1 or independent is None or independent > level:
            return independent
        return max(independent, mean_test(products, lags=hac_lags(len(products))).p_above or 0.0)

    def supported(self, knots: Sequence[int], level: float = MAX_FALSE_OPENINGS) -> list[int]:
        """Those of `knots` (K,) at which the location predicts the return and has lowered the squared error."""
        return self.gaining(knots, self.predictive(knots, level))

    def gaining(self, knots: Sequence[int], steps: Sequence[int]) -> list[int]:
        """Those of `knots` (K,) that are among `steps` and at which the squared error was lower."""
        return [h for mean, h in zip(self.means, knots, strict=False) if h in steps and mean > 0]


def supported_steps(parts: Sequence[LocationGains], knots: Sequence[int]) -> list[int]:
    """Steps that the evidence of all `parts` supports; see `decisions`."""
    return decisions(parts, knots)[-1] if parts else []


def decisions(parts: Sequence[LocationGains], knots: Sequence[int]) -> list[list[int]]:
    """Steps that the evidence supports after each of `parts`, with a look after each.

    A step whose test has rejected once stays open while its mean gain is above 0.

    Args:
        parts: Evidence of the earlier folds, in order of time.
        knots: (K,) steps.
    """
    evidence = LocationGains.none(knots)
    rejected: set[int] = set()
    spent = 0.0
    supported = []
    for part in parts:
        evidence = evidence.then(part)
        days = len(evidence.days)
        if days >= MIN_DAYS:
            level = MAX_FALSE_OPENINGS * days / (days + HALF_SPENT_DAYS)
            rejected |= set(evidence.predictive(knots, level - spent))
            spent = level
        supported.append(evidence.gaining(knots, sorted(rejected)))
    return supported


def gather_gains(
    knots: Sequence[int], members: Sequence[ValidationRows], locate: Callable[[Float32Array], Float32Array]
) -> LocationGains:
    """Evidence about the location on rows that the weights have not seen.

    Args:
        knots: (K,) steps; the first is 1.
        members: Those rows of each series.
        locate: Maps histories (B, T, F) to locations (B, T, K).
    """
    members = [member for member in members if not member.often_unmoved]
    if not members:
        return LocationGains.none(knots)
    x = np.zeros((len(members), max(len(member.x) for member in members), members[0].x.shape[1]), dtype=np.float32)
    for row, member in zip(x, members, strict=True):
        row[: len(member.x)] = member.x
    unique, place, count = np.unique(
        np.concatenate([member.days for member in members]), return_inverse=True, return_counts=True
    )
    evidence = np.zeros((len(unique), 2 * len(knots)))
    parts = []
    for location, member in zip(locate(x), members, strict=True):
        used = location[len(member.x) - len(member.days) : len(member.x)].astype(np.float64)
        gains = member.outcome**2 - (member.outcome - used) ** 2
        parts.append(np.concatenate([gains, _products(knots, member.outcome[:, 0], used)], axis=1))
    np.add.at(evidence, place, np.concatenate(parts))
    gains, products = np.split(evidence / count[:, None], 2, axis=1)
    return LocationGains(unique, gains, products, int(count.max()))


def _products(knots: Sequence[int], next_return: FloatArray, location: FloatArray) -> FloatArray:
    """(N, K) scaled return of the next day (N,) times the sum of the last h locations (N, K), over the root of h."""
    clipped = np.clip(next_return, -MAX_OUTCOME, MAX_OUTCOME)
    sums = np.stack([sum_of_last(location[:, k], h) / np.sqrt(h) for k, h in enumerate(knots)], axis=1)
    return np.asarray(clipped[:, None] * sums)


def sum_of_last(x: FloatArray, rows: int) -> FloatArray:
    """Sum of each column of x (T, ...) over the last `rows` rows up to each one, fewer at the start."""
    total = np.cumsum(x, axis=0)
    total[rows:] -= total[:-rows].copy()
    return np.asarray(total)
