"""Tests of point, direction and density forecasts, and their minimum detectable effects.

All are tests of means of daily series, robust to heteroscedasticity and autocorrelation (HAC). A series that cannot be
tested (all zero, constant, too short) has no statistic and no p-value: None, never NaN.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from forecaster.arrays import FloatArray

__all__ = [
    "MIN_DAYS",
    "POWER",
    "MeanTest",
    "detectable_gain",
    "detectable_shift",
    "diebold_mariano",
    "excess_hits",
    "hac_degrees_of_freedom",
    "hac_lags",
    "holm",
    "long_run_variance",
    "mean_test",
    "normal_test",
    "pesaran_timmermann",
    "student",
    "student_quantile",
    "unpredictable_lags",
]


MIN_DAYS = 30  # with fewer, neither the normal limit nor the estimate of the variance holds
POWER = 0.8  # of a test against its minimum detectable effect
_ROUNDING = 1e-12  # a standard error below this share of the largest value is rounding


@dataclasses.dataclass(frozen=True)
class MeanTest:
    """A test of whether the mean of a series is zero.

    Args:
        n: Number of values that were tested.
        mean: Their mean, in their units.
        standard_error: Standard error of the mean, corrected where the test says so; None where nothing can be tested.
        statistic: Mean over standard error; None likewise.
        p_below: One-sided p-value of "the mean is below zero"; None likewise.
        p_above: One-sided p-value of "the mean is above zero"; None likewise.
        degrees_of_freedom: Degrees of freedom of Student's t; infinite for the normal limit.
    """

    n: int
    mean: float
    standard_error: float | None = None
    statistic: float | None = None
    p_below: float | None = None
    p_above: float | None = None
    degrees_of_freedom: float = math.inf

    @property
    def p_two_sided(self) -> float | None:
        """P-value of "the mean is not zero"."""
        if self.p_below is None or self.p_above is None:
            return None
        return min(1.0, 2 * min(self.p_below, self.p_above))


def hac_lags(count: int, step: int = 1) -> int:
    """Number of autocovariances in the variance of a test over `count` days, for outcomes over `step` days.

    ``1.3 sqrt(n)``, the rule of Lazarus, Lewis, Stock and Watson 2018 (J. Bus. Econ. Stat. 36), and at least three
    times the overlap ``step - 1``, since the Bartlett weights take a third off the variance of overlapping outcomes
    when the window ends with the overlap. The shorter textbook windows are not safe here: the gain of one model over
    another varies with volatility, in episodes of months, and a window of a week understates its variance.
    """
    return max(0, min(max(int(1.3 * math.sqrt(count)), 3 * (step - 1)), count - 1))


def long_run_variance(values: FloatArray, lags: int) -> float:
    """Variance of sqrt(N) times the mean of `values` (N,), with Bartlett weights (Newey and West 1987).

    ``g_0 + 2 sum_k (1 - k / (lags + 1)) g_k`` with autocovariances ``g_k`` that divide by N. That is the sum of the
    squared sums of ``lags + 1`` neighbours, with zeros around the centred values, over ``N (lags + 1)``, never
    negative, in a time that does not depend on the lags.
    """
    count = len(values)
    width = lags + 1
    total = np.zeros(width + count + lags)
    np.cumsum(values - values.mean(), out=total[width : width + count])
    total[width + count :] = total[width + count - 1]
    sums = total[width:] - total[:-width]
    return float(sums @ sums) / (width * count)


def mean_test(values: FloatArray, step: int = 1, lags: int | None = None) -> MeanTest:
    """Test the mean of a daily series against zero with a HAC standard error.

    Args:
        values: (N,) in order of time.
        step: Days that the outcomes overlap, plus one.
        lags: Autocovariances to count; None for `hac_lags`.
    """
    return _student_test(values, hac_lags(len(values), step) if lags is None else lags, 1.0)


def hac_degrees_of_freedom(count: int, lags: int) -> float:
    """Degrees of freedom of a test with a HAC standard error: n - 1, and no more than n over the lags.

    With a long window the estimate of the variance is uncertain; Student's t with ``n / lags`` degrees comes close to
    the critical values that account for this (Kiefer and Vogelsang 2005, Econometric Theory 21): 2.08 against 2.10 at
    97.5 % for 35 lags of 750 days. With both, one-sided tests at 5 % reject a true null of independent days in 5 to
    5.5 % of samples, at 1.25 % in 1.2 %; of outcomes over 20 days, 750 of them, in 7 and 2 %.
    """
    return float(max(1.0, min(count - 1, count / lags if lags else count)))


def _student_test(values: FloatArray, lags: int, correction: float) -> MeanTest:
    """Test a mean by Student's t; `correction` multiplies the statistic."""
    count = len(values)
    mean = float(values.mean()) if count else 0.0
    if count < 3:
        return MeanTest(count, mean)
    error = math.sqrt(long_run_variance(values, lags) / count) / correction
    if not error > _ROUNDING * float(np.abs(values).max()):
        return MeanTest(count, mean)
    return student(count, mean, error, hac_degrees_of_freedom(count, lags))


def student(count: int, mean: float, error: float, degrees_of_freedom: float) -> MeanTest:
    """Test a mean with a standard error above 0 by Student's t, on both sides."""
    from scipy.special import stdtr

    statistic = mean / error
    p_below = float(stdtr(degrees_of_freedom, statistic))
    p_above = float(stdtr(degrees_of_freedom, -statistic))
    return MeanTest(count, mean, error, statistic, p_below, p_above, degrees_of_freedom)


def student_quantile(level: float, degrees_of_freedom: float) -> float:
    """Quantile of Student's t by its expansion around the normal one (Abramowitz and Stegun 1964, 26.7.5).

    The error is below 0.5 % up to 99.5 % from five degrees of freedom on. It needs no SciPy, which a forecast does not
    load.

    >>> round(student_quantile(0.975, 20), 3)
    2.086
    """
    z = NormalDist().inv_cdf(level)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees_of_freedom**power for power, term in enumerate(terms, start=1))


def diebold_mariano(difference: FloatArray, step: int = 1, lags: int | None = None) -> MeanTest:
    """Test whether two forecasts have the same mean loss (Diebold and Mariano 1995, J. Bus. Econ. Stat. 13).

    With the small-sample correction of Harvey, Leybourne and Newbold 1997 (Int. J. Forecasting 13): the statistic is
    multiplied by ``sqrt((n + 1 - 2 h + h (h - 1) / n) / n)`` and compared with Student's t, with n - 1 degrees of
    freedom when one step ahead with ``lags=0``, as in their paper, else with those of `hac_degrees_of_freedom`.
    The null hypothesis concerns the forecasts as they were made, not the models behind them (Giacomini and White 2006,
    Econometrica 74), so estimated parameters need no correction.

    Args:
        difference: (N,) loss of the first minus loss of the second, in order of time; below zero the first is better.
        step: Forecast step h in cutoffs: number of neighbouring cutoffs whose outcomes overlap.
        lags: Autocovariances to count; None for `hac_lags`.
    """
    count = len(difference)
    if count <= step:
        return MeanTest(count, float(difference.mean()) if count else 0.0)
    factor = (count + 1 - 2 * step + step * (step - 1) / count) / count
    return _student_test(difference, hac_lags(count, step) if lags is None else lags, math.sqrt(factor))


def unpredictable_lags(count: int, step: int) -> int:
    """Autocovariances of a series that is unpredictable under the null: none one step ahead, else `hac_lags`."""
    return 0 if step == 1 else hac_lags(count, step)


def pesaran_timmermann(forecast: FloatArray, actual: FloatArray) -> MeanTest:
    """Test whether the signs of forecast and outcome are independent (Pesaran and Timmermann 1992).

    ``(P - P*) / sqrt(V(P) - V(P*))`` with P the share of hits and P* the share that independent signs with the same
    frequencies would have (J. Bus. Econ. Stat. 10), standard normal. For one step ahead only: outcomes over
    several days overlap, their signs are correlated, and the variance no longer holds. Use `mean_test` of
    `excess_hits` there. Days on which either is zero have no direction and are left out.

    Args:
        forecast: (N,) predicted changes.
        actual: (N,) changes.

    Returns:
        `mean` is P - P*. No p-value where one side of either never occurs.
    """
    excess, variance = excess_hits(forecast, actual)
    return normal_test(excess[np.isfinite(excess)], variance)


def normal_test(values: FloatArray, variance: float) -> MeanTest:
    """Test the mean of `values` (N,) against zero when the `variance` of the mean is known, by the normal limit."""
    count = len(values)
    mean = float(values.mean()) if count else 0.0
    if not count or variance <= 0:
        return MeanTest(count, mean)
    error = math.sqrt(variance)
    tail = NormalDist().cdf
    return MeanTest(count, mean, error, mean / error, tail(mean / error), tail(-mean / error))


def excess_hits(forecast: FloatArray, actual: FloatArray) -> tuple[FloatArray, float]:
    """Hits of the direction minus the hits expected by chance, day by day.

    Args:
        forecast: (N,) predicted changes.
        actual: (N,) changes.

    Returns:
        (N,) series whose mean is P - P* of Pesaran and Timmermann, NaN where either is zero; and the variance of that
        mean, ``V(P) - V(P*)``, under the null for independent days (0 where one side of either never occurs).
    """
    directed = (forecast != 0) & (actual != 0)
    excess = np.full(len(actual), np.nan)
    count = int(directed.sum())
    if not count:
        return excess, 0.0
    rises = actual[directed] > 0
    predicted_rises = forecast[directed] > 0
    x = float(predicted_rises.mean())
    y = float(rises.mean())
    # hit - P* has the same mean as this product; the product has no autocorrelation when the outcomes have none.
    excess[directed] = 2 * (predicted_rises - x) * (rises - y)
    # V(P) - V(P*) of the paper, multiplied out; exactly 0 where one side of either never occurs.
    return excess, 4 * x * (1 - x) * y * (1 - y) * (count - 1) / count**2


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Adjust p-values: claiming those up to `a` makes any false claim with probability at most `a`.

    The k-th smallest of m is multiplied by m - k + 1, and none is less than the one before (Holm 1979, Scand. J.
    Stat. 6); no independence is needed. A missing p-value (None) stays None and counts as 1, so that the number of
    tests never depends on the data.
    """
    ordered = sorted((value, key) for key, value in p_values.items() if value is not None)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    largest = 0.0
    for index, (value, key) in enumerate(ordered):
        largest = max(largest, min(1.0, value * (len(p_values) - index)))
        adjusted[key] = largest
    return adjusted


def detectable_shift(standard_error: float, level: float, degrees_of_freedom: float = math.inf) -> float:
    """Minimum detectable mean: the true mean that a one-sided test at `level` detects with probability `POWER`.

    ``(z_(1-level) + z_power) * se`` for the normal limit; with Student's t the shift at which the noncentral t
    exceeds its critical value that often, a little more.
    """
    if math.isinf(degrees_of_freedom):
        inverse = NormalDist().inv_cdf
        return (inverse(1 - level) + inverse(POWER)) * standard_error
    from scipy.special import nctdtrinc, stdtrit

    return float(nctdtrinc(degrees_of_freedom, 1 - POWER, stdtrit(degrees_of_freedom, 1 - level))) * standard_error


def detectable_gain(
    standard_errors: Sequence[float], leads: Sequence[float], level: float, degrees_of_freedom: float
) -> float:
    """Minimum detectable gain over the best of k rivals, for one-sided tests against *all* of them.

    The probability of missing at least one is bounded by the sum of the probabilities of missing each (Bonferroni), so
    the power is at least as stated, whatever the dependence of the tests. With one rival it is `detectable_shift`.

    Args:
        standard_errors: (k,) standard errors of the mean difference from each rival.
        leads: (k,) lead of the best rival over each, at least 0.
        level: Level of each test.
        degrees_of_freedom: Degrees of freedom of Student's t of each test.
    """
    from scipy.special import nctdtr, stdtrit

    errors = np.asarray(standard_errors)
    critical = float(stdtrit(degrees_of_freedom, 1 - level))
    low = 0.0
    high = detectable_shift(float(errors.max()), level, degrees_of_freedom) * (1 + math.log(len(errors)))
    for _ in range(50):  # halves the interval to rounding
        middle = (low + high) / 2
        missed = float(nctdtr(degrees_of_freedom, (middle + np.asarray(leads)) / errors, critical).sum())
        low, high = (middle, high) if missed > 1 - POWER else (low, middle)
    return high
