"""Tests of the coverage of intervals: Kupiec, Christoffersen, and a test for dependent outcomes.

The likelihood-ratio tests need outcomes that do not overlap. For a forecast over h days give them `step=h`: they then
use every h-th outcome from the first on, and lose h - 1 of h. `coverage_test` uses all and corrects for the overlap.
"""

import dataclasses
import math

from forecaster.arrays import BoolArray, FloatArray
from forecaster.stats.mean_tests import MeanTest, hac_degrees_of_freedom, hac_lags, long_run_variance, student

__all__ = ["LikelihoodRatio", "christoffersen", "coverage_error", "coverage_test", "kupiec"]


@dataclasses.dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Args:
        n: Number of outcomes in the test.
        statistic: Twice the gain in log likelihood; None where nothing can be tested.
        p_value: By the chi-squared limit; None likewise.
        degrees_of_freedom: Degrees of freedom.
    """

    n: int
    statistic: float | None
    p_value: float | None
    degrees_of_freedom: int


def kupiec(inside: BoolArray, level: float, step: int = 1) -> LikelihoodRatio:
    """Test unconditional coverage: each outcome is inside with probability `level` (Kupiec 1995, J. Derivatives 3).

    Args:
        inside: (N,) whether each outcome lay within its interval, in order of time.
        level: Nominal coverage, in (0, 1).
        step: Forecast step h; every h-th outcome is used.
    """
    used = inside[::step]
    hits = int(used.sum())
    misses = int((~used).sum())
    if not len(used):
        return LikelihoodRatio(0, None, None, 1)
    share = hits / len(used)
    return _ratio(len(used), _likelihood(hits, misses, level), _likelihood(hits, misses, share), 1)


def christoffersen(inside: BoolArray, level: float, step: int = 1) -> LikelihoodRatio:
    """Test conditional coverage: the right share of hits, and no clusters of misses (Christoffersen 1998).

    Against a first-order Markov chain (Int. Economic Review 39): the likelihood ratio of coverage and independence
    together, without the first outcome, on two degrees of freedom. Where all or none are misses there is no p-value;
    see `kupiec` for the share.

    Args:
        inside: (N,) whether each outcome lay within its interval, in order of time.
        level: Nominal coverage, in (0, 1).
        step: Forecast step h; every h-th outcome is used.
    """
    used = inside[::step]
    if len(used) < 2 or used.all() or not used.any():
        return LikelihoodRatio(len(used), None, None, 2)
    hits = int(used[1:].sum())
    misses = int((~used[1:]).sum())
    return _ratio(len(used), _likelihood(hits, misses, level), _chain(used), 2)


def _likelihood(hits: int, misses: int, probability: float) -> float:
    """Log likelihood of independent outcomes, with 0 log 0 = 0."""
    from_hits = hits * math.log(probability) if hits else 0.0
    from_misses = misses * math.log1p(-probability) if misses else 0.0
    return from_hits + from_misses


def _chain(inside: BoolArray) -> float:
    """Log likelihood of the second to the last outcome, each depending on the previous one."""
    total = 0.0
    for state in (True, False):
        following = inside[1:][inside[:-1] == state]
        if len(following):
            total += _likelihood(int(following.sum()), int((~following).sum()), float(following.mean()))
    return total


def _ratio(count: int, restricted: float, free: float, degrees_of_freedom: int) -> LikelihoodRatio:
    from scipy.special import chdtrc

    statistic = max(2 * (free - restricted), 0.0)  # rounding may leave less than 0
    return LikelihoodRatio(count, statistic, float(chdtrc(degrees_of_freedom, statistic)), degrees_of_freedom)


def coverage_test(inside: FloatArray, level: float, step: int = 1) -> MeanTest:
    """Test the share of outcomes inside against `level`, with all outcomes, overlapping and clustered as they are.

    A score test: the variance is ``level (1 - level) / n`` under the null, times the design effect: the HAC variance of
    the daily shares over that of independent draws with their mean. For independent outcomes of one instrument the
    design effect is 1 and the square of the statistic is Pearson's, the score form of Kupiec's ratio. The variance
    under the null instead of the sample's keeps the size of the test where misses are few.

    Args:
        inside: (N,) share of a day's outcomes that lay within their intervals (0 or 1 for one instrument).
        level: Nominal coverage, in (0, 1).
        step: Forecast step in days.

    Returns:
        `mean` is the share inside minus `level`.
    """
    count = len(inside)
    excess = float(inside.mean() - level) if count else 0.0
    error = coverage_error(inside, level, step)
    if error is None:
        return MeanTest(count, excess)
    return student(count, excess, error, hac_degrees_of_freedom(count, hac_lags(count, step)))


def coverage_error(inside: FloatArray, level: float, step: int = 1) -> float | None:
    """Standard error of the share of outcomes inside under the null of `coverage_test`; None where there is none."""
    count = len(inside)
    if count < 3:
        return None
    share = float(inside.mean())
    independent = share * (1 - share)
    design_effect = long_run_variance(inside, hac_lags(count, step)) / independent if independent > 0 else float(step)
    error = math.sqrt(level * (1 - level) * design_effect / count)
    return error if error > 0 else None
