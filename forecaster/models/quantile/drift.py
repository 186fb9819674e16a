"""Drift: the mean return of one series, where its own past proves one.

A currency that its central bank lets fall by a little every day moves in one direction, and a median at the last price
is wrong on every day. A panel cannot learn this: the other series have no drift. The drift of a series is estimated
from its own returns, at each row from those up to it, and moves the median only after a test at that row.

**Estimate.** The exponentially weighted mean of the scaled returns, with a memory of some 800 days. An inverted
quotation has exactly the negative drift.

**Test.** The mean over its standard error, for the returns of five days together, so that autocorrelated returns of
some days do not look like a drift. It is looked at in every row of every series, so the limit is far above that of one
test: a GARCH walk reaches it in any row of ten years with a probability of 0.02 % (`benchmarks/gate.py`), one of 16
such series with 0.3 %.

**Shrinkage.** The estimate is multiplied by ``1 - (MIN_T / |t|)**4``. It begins at 0 where the test opens, so the
median does not jump, and tends to the mean where the evidence is strong.

The constants were chosen on rates of the ECB up to 2020.
"""

import functools
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.features.history import WARM_UP, History
from forecaster.features.returns import scaled_return
from forecaster.features.volatility import ewma
from forecaster.models.quantile.location_gate import sum_of_last

__all__ = ["MIN_T", "drift_locations", "drift_statistics"]

MIN_T = 5.0
DECAY = 0.9975  # of the mean return
MIN_ROWS = 100  # after the warm-up
SPAN = 5  # days over which returns may be autocorrelated
SHRINKAGE = 4  # power of the ratio of the limit to the statistic
_MIN_VARIANCE = 1e-6  # of a scaled return: a price that moves by the same ratio every day has none


def drift_locations(history: History, steps: Sequence[int]) -> FloatArray:
    """(T, K) drift over each of `steps`, in units of the volatility and of the square root of the step; 0 where closed.

    Row t depends on rows up to t only.
    """
    mean, statistic = drift_statistics(history)
    size = np.maximum(np.abs(statistic), MIN_T)
    daily = mean * (1 - (MIN_T / size) ** SHRINKAGE)
    return np.asarray(np.multiply.outer(daily, np.sqrt(np.asarray(steps, dtype=float))))


def drift_statistics(history: History) -> tuple[FloatArray, FloatArray]:
    """Mean scaled return (T,) and its t-statistic (T,); both are 0 before there are enough rows."""
    count = len(history)
    mean = np.zeros(count)
    statistic = np.zeros(count)
    if count <= WARM_UP + MIN_ROWS:
        return mean, statistic
    returns = scaled_return(history)[WARM_UP:]
    average = ewma(returns, DECAY)
    variance = ewma(returns**2, DECAY) - average**2
    together = ewma(sum_of_last(returns, SPAN) ** 2, DECAY) / SPAN - SPAN * average**2
    error = np.sqrt(np.maximum(np.maximum(variance, together), _MIN_VARIANCE) / _effective_count(len(returns)))
    mean[WARM_UP:] = average
    statistic[WARM_UP + MIN_ROWS :] = (average / error)[MIN_ROWS:]
    return mean, statistic


@functools.lru_cache(maxsize=32)
def _effective_count(count: int) -> FloatArray:
    """(N,) number of values that equal weights would need for the variance of each exponentially weighted mean."""
    number = np.arange(1.0, count + 1)
    weights = (1 - DECAY**number) / (1 - DECAY)
    squares = (1 - DECAY ** (2 * number)) / (1 - DECAY**2)
    return np.asarray(weights**2 / squares)
