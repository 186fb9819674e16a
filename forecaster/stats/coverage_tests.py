"""Do intervals hold as often as they promise: Kupiec, Christoffersen, and a test for dependent outcomes.

The likelihood-ratio tests need outcomes that do not overlap. For a forecast over h days give them `step=h`: they then
use every h-th outcome from the first on, and lose h - 1 of h. `coverage_test` uses all and corrects for the overlap.
"""

import dataclasses
import math

from forecaster.arrays import BoolArray, FloatArray
from forecaster.stats.mean_tests import MeanTest, hac_degrees_of_freedom, hac_lags, long_run_variance, student

__all__ = ["LikelihoodRatio", "christoffersen", "coverage_test", "independence", "kupiec"]


@dataclasses.dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio test.

    Args:
        n: Number of outcomes that were used.
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
        level: Promised coverage, in (0, 1).
        step: Forecast step h; every h-th outcome is used.
    """
    used = inside[::step]
    hits, misses = int(used.sum()), int((~used).sum())
    if not len(used):
        return LikelihoodRatio(0, None, None, 1)
    found = hits / len(used)
    return _ratio(len(used), _likelihood(hits, misses, level), _likelihood(hits, misses, found), 1)


def independence(inside: BoolArray, step: int = 1) -> LikelihoodRatio:
    """Test that misses do not cluster: a miss is as likely after a miss as after a hit (Christoffersen 1998).

    Against a first-order Markov chain (Int. Economic Review 39). No p-value where all or none are misses.

    Args:
        inside: (N,) whether each outcome lay within its interval, in order of time.
        step: Forecast step h; every h-th outcome is used.
    """
    used = inside[::step]
    if len(used) < 2 or used.all() or not used.any():
        return LikelihoodRatio(len(used), None, None, 1)
    return _ratio(len(used), *_chain(used), 1)


def christoffersen(inside: BoolArray, level: float, step: int = 1) -> LikelihoodRatio:
    """Test conditional coverage: the right share of hits, and no clusters of misses (Christoffersen 1998).

    The sum of both ratios, with the first outcome left out of the likelihoods, on two degrees of freedom. Where
    nothing is known of clusters (all or none are misses) there is no p-value; see `kupiec` for the share.

    Args:
        inside: (N,) whether each outcome lay within its interval, in order of time.
        level: Promised coverage, in (0, 1).
        step: Forecast step h; every h-th outcome is used.
    """
    used = inside[::step]
    if len(used) < 2 or used.all() or not used.any():
        return LikelihoodRatio(len(used), None, None, 2)
    hits, misses = int(used[1:].sum()), int((~used[1:]).sum())
    return _ratio(len(used), _likelihood(hits, misses, level), _chain(used)[1], 2)


def _likelihood(hits: int, misses: int, probability: float) -> float:
    """Log likelihood of independent outcomes; what did not occur adds nothing."""
    first = hits * math.log(probability) if hits else 0.0
    return first + (misses * math.log1p(-probability) if misses else 0.0)


def _chain(inside: BoolArray) -> tuple[float, float]:
    """Log likelihoods of the second to the last outcome: all alike, and depending on the one before."""
    before, after = inside[:-1], inside[1:]
    alike = _likelihood(int(after.sum()), int((~after).sum()), float(after.mean()))
    chained = 0.0
    for state in (True, False):
        following = after[before == state]
        if len(following):
            chained += _likelihood(int(following.sum()), int((~following).sum()), float(following.mean()))
    return alike, chained


def _ratio(count: int, restricted: float, free: float, degrees_of_freedom: int) -> LikelihoodRatio:
    from scipy.special import chdtrc

    statistic = max(2 * (free - restricted), 0.0)  # rounding may leave less than nothing
    return LikelihoodRatio(count, statistic, float(chdtrc(degrees_of_freedom, statistic)), degrees_of_freedom)


def coverage_test(inside: FloatArray, level: float, step: int = 1) -> MeanTest:
    """Test the share of outcomes inside against `level`, with all outcomes, overlapping and clustered as they are.

    A score test: the variance is ``level (1 - level) / n`` as the promise has it, times the design effect, which is the
    HAC variance of the daily shares over what a coin with their mean would have. For independent outcomes of one
    instrument the design effect is 1 and the square of the statistic is Pearson's, the twin of Kupiec's ratio. Using
    the promised variance instead of the found one keeps the test honest where misses are few.

    Args:
        inside: (N,) share of a day's outcomes that lay within their intervals (0 or 1 for one instrument).
        level: Promised coverage, in (0, 1).
        step: Forecast step in days.

    Returns:
        `mean` is the share inside minus `level`.
    """
    count = len(inside)
    if count < 3:
        return MeanTest(count, float(inside.mean() - level) if count else 0.0)
    found = float(inside.mean())
    coin = found * (1 - found)
    effect = long_run_variance(inside, hac_lags(count, step)) / coin if coin > 0 else float(step)
    error = math.sqrt(level * (1 - level) * effect / count)
    if not error > 0:
        return MeanTest(count, found - level)
    return student(count, found - level, error, hac_degrees_of_freedom(count, hac_lags(count, step)))
