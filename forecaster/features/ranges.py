"""Features of the daily bar: its range, its overnight gap and its volume, each a function of a History.

A day's high and low tell more about its volatility than its close does (Parkinson 1980). Ranges are ratios of
raw prices within one day, so that neither splits nor dividends touch them. A day without a usable value leaves
the state as it was; a series without any gets neutral zeros.
"""

import numpy as np

from forecaster.arrays import BoolArray, FloatArray
from forecaster.features.history import SCALE_DECAY, History
from forecaster.features.volatility import MIN_VOLATILITY, ewma

__all__ = [
    "garman_klass_variance",
    "overnight_gap",
    "overnight_share",
    "parkinson_variance",
    "range_ratio",
    "usable_ranges",
    "usable_volumes",
    "volume_ratio",
]


_LARGEST_GAP, _LARGEST_RATIO = 6.0, 3.0  # in volatilities; of logs: a factor of 20
_TOLERANCE = 1e-6  # relative: how far open and close may lie outside the range by rounding
_MEAN_SHARE = 0.25  # typical overnight share of the variance, subtracted to centre it
_VOLUME_DECAY = 0.99


def usable_ranges(history: History) -> BoolArray:
    """(T,) True where open, high, low and close make a possible bar of some width.

    A bar without width is a quotation, not a range: one trade, or a source that knows only the close.
    """
    most, least = 1 + _TOLERANCE, 1 - _TOLERANCE
    inside = np.ones(len(history), dtype=np.bool_)
    for price in (history.open, history.close):
        inside &= (price >= history.low * least) & (price <= history.high * most)
    return np.asarray(inside & (history.low > 0) & np.isfinite(history.high) & (history.high > history.low))


def usable_volumes(history: History) -> BoolArray:
    """(T,) True where something was traded."""
    return np.asarray(np.isfinite(history.volume) & (history.volume > 0))


def parkinson_variance(history: History) -> FloatArray:
    """(T,) variance of the day from its range, ``log(H/L)^2 / (4 log 2)`` (Parkinson 1980); NaN where there is none."""
    height, _ = _bars(history)
    return np.asarray(height**2 / (4 * np.log(2)))


def garman_klass_variance(history: History) -> FloatArray:
    """(T,) variance of the day from its whole bar; NaN where there is no usable one.

    ``log(H/L)^2 / 2 - (2 log 2 - 1) log(C/O)^2`` (Garman and Klass 1980, their practical estimator).
    """
    height, body = _bars(history)
    return np.asarray(0.5 * height**2 - (2 * np.log(2) - 1) * body**2)


def range_ratio(history: History, decay: float) -> FloatArray:
    """(T,) log of the Garman-Klass volatility with the memory `decay` over the scaling volatility, within +-3.

    A decay of 0 is the day alone; its volatility is that of Parkinson, which no bar makes zero.
    """
    variance = garman_klass_variance(history) if decay else parkinson_variance(history)
    usable = np.isfinite(variance)
    mean = ewma(variance[usable], decay) if decay else variance[usable]
    volatility = _carried(np.sqrt(np.maximum(mean, MIN_VOLATILITY**2)), usable)
    ratio = np.log(np.maximum(volatility, history.floor) / history.volatility)
    return _neutral(np.clip(ratio, -_LARGEST_RATIO, _LARGEST_RATIO))


def overnight_gap(history: History) -> FloatArray:
    """(T,) return from yesterday's close to today's open in units of yesterday's volatility, within +-6.

    It is the total return of the day less that from open to close, so a dividend makes no gap.
    """
    scaled = np.zeros(len(history))
    scaled[1:] = _gaps(history)[1:] / history.volatility[:-1]
    return _neutral(np.clip(scaled, -_LARGEST_GAP, _LARGEST_GAP))


def overnight_share(history: History) -> FloatArray:
    """(T,) share of the overnight gaps in the variance of days (gap and Garman-Klass range), centred."""
    overnight, day = _gaps(history) ** 2, garman_klass_variance(history)
    usable = np.isfinite(overnight) & np.isfinite(day)
    gap, whole = (ewma(values[usable], SCALE_DECAY) for values in (overnight, overnight + day))
    return _neutral(_carried(gap / np.maximum(whole, MIN_VOLATILITY**2), usable) - _MEAN_SHARE)


def volume_ratio(history: History) -> FloatArray:
    """(T,) log of today's volume over its slow geometric mean, within +-3; 0 on a day without volume."""
    usable = usable_volumes(history)
    ratio = np.full(len(history), np.nan)
    traded = np.log(history.volume[usable])
    ratio[usable] = traded - ewma(traded, _VOLUME_DECAY)
    return _neutral(np.clip(ratio, -_LARGEST_RATIO, _LARGEST_RATIO))


def _bars(history: History) -> tuple[FloatArray, FloatArray]:
    """(T,) log of high over low, and of close over open; NaN where the bar is not usable."""
    usable = usable_ranges(history)
    height, body = np.full(len(history), np.nan), np.full(len(history), np.nan)
    height[usable] = np.log(history.high[usable] / history.low[usable])
    body[usable] = np.log(history.close[usable] / history.open[usable])
    return height, body


def _gaps(history: History) -> FloatArray:
    """(T,) total log return from the close before to the open; NaN in the first row and where it is not known."""
    gaps = np.full(len(history), np.nan)
    known = np.isfinite(history.open) & (history.open > 0)
    known[:1] = False
    gaps[known] = history.log_return[known] - np.log(history.close[known] / history.open[known])
    return gaps


def _carried(states: FloatArray, usable: BoolArray) -> FloatArray:
    """(T,) the last of `states` (one for each usable row) at each row; NaN before the first."""
    place = np.cumsum(usable)
    return np.concatenate([[np.nan], states])[place]


def _neutral(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), 0.0, values)
