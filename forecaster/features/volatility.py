"""Causal volatility estimates: exponentially weighted, expanding, and over a number of last rows.

Row t of every result depends on rows up to t only, bit for bit. Sums run in blocks of one fixed size that start at
the first row, so appending rows never changes the order of an addition.
"""

import functools

import numpy as np

from forecaster.arrays import FloatArray

__all__ = [
    "MIN_VOLATILITY",
    "VOLATILITY_PER_ABSOLUTE_RETURN",
    "absolute_return_volatility",
    "at_least",
    "ewma",
    "ewma_volatility",
    "expanding_volatility",
    "relative_sizes",
    "rounding_floor",
    "trailing_mean",
]

MIN_VOLATILITY = 1e-6  # of a daily log return: a hundredth of a basis point, below any quotation
VOLATILITY_PER_ABSOLUTE_RETURN = np.sqrt(np.pi / 2)  # standard deviation over mean absolute value, normal distribution
_BLOCK = 64  # rows of one product; small enough that no BLAS library splits it over threads, which could change bits


@functools.lru_cache(maxsize=32)
def _block_weights(decay: float) -> tuple[FloatArray, FloatArray]:
    age = np.arange(float(_BLOCK))[:, None] - np.arange(float(_BLOCK))[None, :]
    within = np.where(age >= 0, np.power(decay, np.maximum(age, 0)), 0.0)
    carried = np.power(decay, np.arange(_BLOCK) + 1.0)
    return np.asarray(within), np.asarray(carried)


def ewma(values: FloatArray, decay: float) -> FloatArray:
    """Exponentially weighted mean of all values so far, the weights divided by their sum.

    ``mean[t] = sum_k decay**k values[t - k] / sum_k decay**k`` over k = 0..t.

    Args:
        values: (T,) finite numbers.
        decay: Weight of yesterday relative to today, in (0, 1).

    Returns:
        (T,) means; row t depends on ``values[:t + 1]`` only.
    """
    within, carried = _block_weights(decay)
    blocks = np.zeros((-(-len(values) // _BLOCK), _BLOCK, 1))
    blocks.reshape(-1)[: len(values)] = values
    sums = np.matmul(within, blocks)[..., 0]  # each block by itself, with the bits that it has alone
    factor = float(carried[-1])
    totals = [0.0]  # of all blocks before each one
    for last in sums[:-1, -1].tolist():
        totals.append(last + factor * totals[-1])
    sums += carried * np.array(totals[: len(sums)])[:, None]
    return np.asarray(sums.reshape(-1)[: len(values)] / _sums_of_weights(decay, len(values)))


@functools.lru_cache(maxsize=32)
def _sums_of_weights(decay: float, count: int) -> FloatArray:
    return np.asarray((1 - decay ** np.arange(1.0, count + 1)) / (1 - decay))


def ewma_volatility(returns: FloatArray, decay: float) -> FloatArray:
    """Root of the exponentially weighted mean square of `returns` (T,), mean taken as zero (RiskMetrics 1996)."""
    return np.sqrt(ewma(returns**2, decay))


def expanding_volatility(returns: FloatArray) -> FloatArray:
    """Root of the mean square of all `returns` (T,) so far."""
    return np.sqrt(np.cumsum(returns**2) / np.arange(1, len(returns) + 1))


def trailing_mean(values: FloatArray, count: int) -> FloatArray:
    """Mean of the last `count` values, or of all since row 1 where there are fewer.

    Args:
        values: (T,) one for each interval between two rows, at the row that ends it; row 0 ends none and is left out.
        count: Number of values, at least 1.

    Returns:
        (T,) ``mean(values[max(t - count, 0) + 1 : t + 1])``, 0 in row 0.

    >>> trailing_mean(np.array([9.0, 1.0, 3.0, 5.0]), count=2).tolist()
    [0.0, 1.0, 2.0, 4.0]
    """
    total = np.cumsum(values)
    row = np.arange(len(values))
    start = np.maximum(row - count, 0)
    return np.asarray((total - total[start]) / np.maximum(row - start, 1))


def absolute_return_volatility(log_return: FloatArray, count: int) -> FloatArray:
    """(T,) volatility from the mean absolute value of the last `count` log returns (T,), 0 in row 0."""
    return np.asarray(trailing_mean(np.abs(log_return), count) * VOLATILITY_PER_ABSOLUTE_RETURN)


def rounding_floor(rounding: FloatArray | None, count: int) -> FloatArray:
    """Smallest volatility that can be distinguished from rounding at each row.

    Args:
        rounding: (T,) standard deviation of the rounding of each log price, or None.
        count: Number of rows T.

    Returns:
        (T,) rounding noise of the return that ends in each row, at least `MIN_VOLATILITY`; the first row, where no
        return ends, counts its own rounding twice. A pegged currency moves less than the rounding of its quotation,
        and dividing by its volatility alone would amplify that noise.
    """
    if rounding is None:
        return np.full(count, MIN_VOLATILITY)
    before = np.concatenate([rounding[:1], rounding[:-1]])
    noise = np.sqrt(rounding**2 + before**2)
    return np.asarray(np.maximum(noise, MIN_VOLATILITY))


def at_least(floor: FloatArray, volatility: FloatArray) -> FloatArray:
    """(T,) the volatility after each of T - 1 returns, at least `floor` (T,); the floor itself in the first row."""
    result = floor.copy()
    result[1:] = np.maximum(volatility, floor[1:])
    return result


_SETTLED_RETURNS = 250  # at the start of a history, after which sizes are compared
_RECENT_DECAY = 0.97
_MAX_SIZE = 5.0  # of a move relative to the recent ones; beyond it a single day would be the whole estimate


def relative_sizes(moves: FloatArray) -> FloatArray:
    """(M,) sizes of moves (M,) relative to the recent ones before each; NaN until these have settled."""
    sizes = np.full(len(moves), np.nan)
    if len(moves) > _SETTLED_RETURNS:
        recent = np.sqrt(ewma(moves**2, _RECENT_DECAY))
        ratio = np.abs(moves[1:]) / np.maximum(recent[:-1], MIN_VOLATILITY)
        sizes[_SETTLED_RETURNS:] = np.minimum(ratio, _MAX_SIZE)[_SETTLED_RETURNS - 1 :]
    return sizes
