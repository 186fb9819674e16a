"""Features of the daily bar: its range, its overnight gap and its volume, each a function of a History.

The range of a day estimates its volatility more precisely than its return does (Parkinson 1980). Ranges are ratios of
raw prices within one day, so splits and dividends do not affect them. A day without a usable value leaves averages
unchanged; a series without any gets neutral zeros.
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


_MAX_GAP = 6.0  # in volatilities
_MAX_LOG_RATIO = 3.0  # a factor of 20
_TOLERANCE = 1e-6  # relative; open and close may lie outside the range by rounding
_MEAN_SHARE = 0.25  # typical overnight share of the variance, subtracted to centre it
_VOLUME_DECAY = 0.99


def usable_ranges(history: History) -> BoolArray:
    """(T,) True where open, high, low and close form a possible bar of positive width.

    A bar without width is a single quotation: one trade, or a source that has only the close.
    """
    inside = np.ones(len(history), dtype=np.bool_)
    for price in (history.open, history.close):
        inside &= (price >= history.low * (1 - _TOLERANCE)) & (price <= history.high * (1 + _TOLERANCE))
    return np.asarray(inside & (history.low > 0) & np.isfinite(history.high) & (history.high > history.low))


def usable_volumes(history: History) -> BoolArray:
    """(T,) True where the traded volume is positive."""
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

    With a decay of 0 only the day itself counts, by the Parkinson volatility, which is never zero for a usable bar.
    """
    variance = garman_klass_variance(history) if decay else parkinson_variance(history)
    usable = np.isfinite(variance)
    mean = ewma(variance[usable], decay) if decay else variance[usable]
    volatility = _carried(np.sqrt(np.maximum(mean, MIN_VOLATILITY**2)), usable)
    ratio = np.log(np.maximum(volatility, history.floor) / history.volatility)
    return _neutral(np.clip(ratio, -_MAX_LOG_RATIO, _MAX_LOG_RATIO))


def overnight_gap(history: History) -> FloatArray:
    """(T,) return from yesterday's close to today's open in units of yesterday's volatility, within +-6.

    It is the total return of the day less the return from open to close, so a dividend is no gap.
    """
    scaled = np.zeros(len(history))
    scaled[1:] = _gaps(history)[1:] / history.volatility[:-1]
    return _neutral(np.clip(scaled, -_MAX_GAP, _MAX_GAP))


def overnight_share(history: History) -> FloatArray:
    """(T,) share of the overnight gaps in the variance of days (gap and Garman-Klass range), centred."""
    overnight = _gaps(history) ** 2
    day = garman_klass_variance(history)
    usable = np.isfinite(overnight) & np.isfinite(day)
    gap, whole = (ewma(values[usable], SCALE_DECAY) for values in (overnight, overnight + day))
    return _neutral(_carried(gap / np.maximum(whole, MIN_VOLATILITY**2), usable) - _MEAN_SHARE)


def volume_ratio(history: History) -> FloatArray:
    """(T,) log of today's volume over its slow geometric mean, within +-3; 0 on a day without volume."""
    usable = usable_volumes(history)
    ratio = np.full(len(history), np.nan)
    traded = np.log(history.volume[usable])
    ratio[usable] = traded - ewma(traded, _VOLUME_DECAY)
    return _neutral(np.clip(ratio, -_MAX_LOG_RATIO, _MAX_LOG_RATIO))


def _bars(history: History) -> tuple[FloatArray, FloatArray]:
    """(T,) log of high over low, and of close over open; NaN where the bar is not usable."""
    usable = usable_ranges(history)
    height = np.full(len(history), np.nan)
    body = np.full(len(history), np.nan)
    height[usable] = np.log(history.high[usable] / history.low[usable])
    body[usable] = np.log(history.close[usable] / history.open[usable])
    return height, body


def _gaps(history: History) -> FloatArray:
    """(T,) total log return from the close before to the open; NaN in the first row and without an open."""
    gaps = np.full(len(history), np.nan)
    has_open = np.isfinite(history.open) & (history.open > 0)
    has_open[:1] = False
    gaps[has_open] = history.log_return[has_open] - np.log(history.close[has_open] / history.open[has_open])
    return gaps


def _carried(states: FloatArray, usable: BoolArray) -> FloatArray:
    """(T,) the last of `states` (one for each usable row) at each row; NaN before the first."""
    return np.concatenate([[np.nan], states])[np.cumsum(usable)]


def _neutral(values: FloatArray) -> FloatArray:
    return np.where(np.isnan(values), 0.0, values)
