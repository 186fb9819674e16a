"""History, what features are made from, and the features of the return series alone: scale-free, causal."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import ewma_volatility, expanding_volatility, rounding_floor

__all__ = [
    "SCALE_DECAY",
    "WARM_UP",
    "History",
    "absolute_mean",
    "absolute_return",
    "momentum",
    "scaled_return",
    "volatility_anchor",
    "volatility_ratio",
]


SCALE_DECAY = 0.97  # of the volatility that divides every feature and target
WARM_UP = 201  # rows before the first one whose volatilities have settled: one lost to differencing, 200 returns
_LARGEST_RETURN, _LARGEST_MOMENTUM = 6.0, 5.0  # in volatilities; a single jump must not drown a chunk
_NORMAL = np.sqrt(np.pi / 2)  # volatility over mean absolute return of a normal distribution
_MEAN_ABSOLUTE = 0.75  # typical size of a scaled return, subtracted to centre its magnitude


@dataclasses.dataclass(frozen=True)
class History:
    """What every feature is made from; row t of each array uses rows up to t of the series.

    Args:
        log_price: (T,) whose differences are total returns.
        log_return: (T,) with 0 in the first row.
        floor: (T,) smallest volatility that can be told from rounding.
        volatility: (T,) EWMA volatility of the daily log return, at least `floor`.
        open: (T,) raw price of the day, NaN where the source has none; likewise `high`, `low`, `close`.
        high: (T,).
        low: (T,).
        close: (T,).
        volume: (T,) what was traded, NaN where the source has none.
        inputs: Name -> (T,): features from outside, see `forecaster.features.covariates`.
    """

    log_price: FloatArray
    log_return: FloatArray
    floor: FloatArray
    volatility: FloatArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    inputs: Mapping[str, FloatArray]

    @classmethod
    def of(cls, series: PriceSeries) -> "History":
        """The history of `series`, over all its rows (T,)."""
        log_price = series.log_price
        log_return = np.diff(log_price, prepend=log_price[:1])
        floor = rounding_floor(series.rounding, len(series))
        volatility = _at_least(floor, ewma_volatility(log_return[1:], SCALE_DECAY))
        missing = np.full(len(series), np.nan)
        bars = {name: series.columns.get(name, missing) for name in ("open", "high", "low", "close", "volume")}
        return cls(log_price, log_return, floor, volatility, **bars, inputs=series.inputs)

    def __len__(self) -> int:
        return len(self.log_price)


def _at_least(floor: FloatArray, volatility: FloatArray) -> FloatArray:
    """(T,) the volatility after each of T - 1 returns, at least `floor` (T,), which alone is known in the first row."""
    result = floor.copy()
    result[1:] = np.maximum(volatility, floor[1:])
    return result


def scaled_return(history: History) -> FloatArray:
    """(T,) today's return in units of yesterday's volatility, within +-6."""
    scaled = np.zeros(len(history))
    scaled[1:] = history.log_return[1:] / history.volatility[:-1]
    return np.asarray(np.clip(scaled, -_LARGEST_RETURN, _LARGEST_RETURN))


def absolute_return(history: History) -> FloatArray:
    """(T,) magnitude of the scaled return, centred."""
    return np.asarray(np.abs(scaled_return(history)) - _MEAN_ABSOLUTE)


def momentum(history: History, days: int) -> FloatArray:
    """(T,) return over `days` days in units of its volatility under a random walk, within +-5."""
    moved = np.zeros(len(history))
    moved[days:] = history.log_price[days:] - history.log_price[:-days]
    scaled = moved / (history.volatility * np.sqrt(days))
    return np.asarray(np.clip(scaled, -_LARGEST_MOMENTUM, _LARGEST_MOMENTUM))


def volatility_ratio(history: History, decay: float) -> FloatArray:
    """(T,) log of the EWMA volatility with another memory over the scaling volatility."""
    other = _at_least(history.floor, ewma_volatility(history.log_return[1:], decay))
    return np.asarray(np.log(other / history.volatility))


def volatility_anchor(history: History) -> FloatArray:
    """(T,) log of the volatility of the whole past over the scaling volatility: where volatility returns to."""
    whole = _at_least(history.floor, expanding_volatility(history.log_return[1:]))
    return np.asarray(np.log(whole / history.volatility))


def absolute_mean(history: History, days: int) -> FloatArray:
    """(T,) log of the mean absolute return of the last `days` days, as a volatility, over the scaling volatility."""
    total, place = np.cumsum(np.abs(history.log_return)), np.arange(len(history))
    start = np.maximum(place - days, 0)
    mean = (total - total[start]) / np.maximum(place - start, 1) * _NORMAL
    return np.asarray(np.log(np.maximum(mean, history.floor) / history.volatility))
