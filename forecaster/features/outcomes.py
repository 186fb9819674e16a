"""Outcomes: log returns, prices and volatility over the h rows after a cutoff.

Row arithmetic on outcomes is in this file: everything that learns from an outcome or is scored on one asks here.
The outcome of row t uses rows t to t + h of a history, so it is known at row t + h and at no row before.
"""

from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import absolute_return_volatility

__all__ = [
    "daily_returns_after",
    "forward_returns",
    "forward_volatility",
    "prices_after",
    "returns_after",
    "returns_over",
    "rows_with_outcome",
]

_MIN_RATIO = 0.01  # of the realised volatility to the scaling one: a price that stood still has no log


def rows_with_outcome(rows: IntArray, step: int, count: int) -> IntArray:
    """Those of `rows` whose outcome `step` rows later is known in a history of `count` rows.

    >>> rows_with_outcome(np.array([3, 5, 7]), step=2, count=8).tolist()
    [3, 5]
    """
    return np.asarray(rows[rows + step < count])


def returns_over(log_price: FloatArray, step: int) -> FloatArray:
    """Log return over `step` rows from each row that has one.

    Args:
        log_price: (T,).
        step: Rows h, at least 1.

    Returns:
        (T - h,) ``log_price[t + h] - log_price[t]``.

    >>> returns_over(np.array([0.0, 1.0, 4.0, 9.0]), step=2).tolist()
    [4.0, 8.0]
    """
    return np.asarray(log_price[step:] - log_price[:-step])


def returns_after(log_price: FloatArray, rows: IntArray, steps: Sequence[int]) -> FloatArray:
    """Log returns over several steps from some cutoffs.

    Args:
        log_price: (T,).
        rows: (N,) row numbers of the cutoffs.
        steps: (S,) rows ahead.

    Returns:
        (N, S) ``log_price[row + step] - log_price[row]``, NaN where that row lies beyond the history.

    >>> returns_after(np.array([0.0, 1.0, 4.0, 9.0]), np.array([1, 2]), steps=(1, 2)).tolist()
    [[3.0, 8.0], [5.0, nan]]
    """
    ends = rows[:, None] + np.asarray(steps, dtype=np.intp)
    returns = log_price[np.minimum(ends, len(log_price) - 1)] - log_price[rows, None]
    return np.where(ends < len(log_price), returns, np.nan)


def prices_after(series: PriceSeries, rows: IntArray, step: int) -> FloatArray:
    """Prices after some cutoffs, to compare with the closing prices at these cutoffs.

    Args:
        series: The history.
        rows: (N,) row numbers of the cutoffs, each with `step` rows after it.
        step: Rows ahead.

    Returns:
        (N,) total-return prices scaled to the close of the cutoff: dividends paid in between are added.
    """
    total_return = series.total_return_price
    if series.differences:
        return np.asarray(total_return[rows + step])
    return np.asarray(total_return[rows + step] * (series.close[rows] / total_return[rows]))


def forward_returns(log_price: FloatArray, volatility: FloatArray, steps: Sequence[int]) -> Float32Array:
    """Log returns after each row, in units of the volatility known at that row.

    Args:
        log_price: (T,).
        volatility: (T,) daily, positive.
        steps: (K,) rows ahead h.

    Returns:
        (T, K) float32: ``(log_price[t + h] - log_price[t]) / (volatility[t] * sqrt(h))``, NaN in the last h rows.
    """
    scaled = np.full((len(log_price), len(steps)), np.nan, dtype=np.float32)
    for column, step in enumerate(steps):
        scaled[:-step, column] = returns_over(log_price, step) / (volatility[:-step] * np.sqrt(step))
    return scaled


def daily_returns_after(log_return: FloatArray, volatility: FloatArray, days: int) -> Float32Array:
    """Log return of each day after each row, in units of the volatility known at that row.

    Args:
        log_return: (T,).
        volatility: (T,) daily, positive.
        days: Number H of days.

    Returns:
        (T, H) float32: ``log_return[t + 1 + k] / volatility[t]``, NaN beyond the last row.

    >>> daily_returns_after(np.array([0.0, 2.0, 4.0, 8.0]), np.ones(4), days=2).tolist()
    [[2.0, 4.0], [4.0, 8.0], [8.0, nan], [nan, nan]]
    """
    padded = np.concatenate([log_return[1:], np.full(days, np.nan)])
    coming = np.lib.stride_tricks.sliding_window_view(padded, days)
    return (coming / volatility[:, None]).astype(np.float32)


def forward_volatility(log_return: FloatArray, volatility: FloatArray, spans: Sequence[int]) -> FloatArray:
    """Log of the volatility realised after each row over the volatility known at that row.

    Args:
        log_return: (T,).
        volatility: (T,) daily, positive.
        spans: (K,) numbers of rows over which absolute returns are averaged.

    Returns:
        (T, K) ``log(sqrt(pi / 2) * mean(abs(log_return[t + 1 : t + 1 + span])) / volatility[t])``, NaN in the last
        `span` rows. The ratio is at least 0.01. Normal returns with the known volatility give values around 0.
    """
    log_ratio = np.full((len(log_return), len(spans)), np.nan)
    for column, span in enumerate(spans):
        realised = absolute_return_volatility(log_return, span)[span:]
        log_ratio[:-span, column] = np.log(np.maximum(realised / volatility[:-span], _MIN_RATIO))
    return log_ratio
