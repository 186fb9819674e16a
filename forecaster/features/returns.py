"""Features of the return series alone: scale-free, causal, each a function of a History."""

import dataclasses

import numpy as np
import numpy.typing as npt

from forecaster.data.series import PriceSeries
from forecaster.features.volatility import ewma_volatility, expanding_volatility, rounding_floor

__all__ = [
    "SCALE_DECAY",
    "WARM_UP",
    "History",
    "absolute_return",
    "momentum",
    "scaled_return",
    "volatility_anchor",
    "volatility_ratio",
]

FloatArray = npt.NDArray[np.float64]

SCALE_DECAY = 0.97  # of the volatility that divides every feature and target
WARM_UP = 201  # rows before the first one whose volatilities have settled: one lost to differencing, 200 returns
_LARGEST_RETURN, _LARGEST_MOMENTUM = 6.0, 5.0  # in volatilities; a single jump must not drown a chunk
_MEAN_ABSOLUTE = 0.75  # typical size of a scaled return, subtracted to centre its magnitude


@dataclasses.dataclass(frozen=True)
class History:
    """What every feature is made from; row t of each array uses rows up to t of the series.

    Args:
        log_price: (T,).
        log_return: (T,) with 0 in the first row.
        floor: (T,) smallest volatility that can be told from rounding.
        volatility: (T,) EWMA volatility of the daily log return, at least `floor`.
    """

    log_price: FloatArray
    log_return: FloatArray
    floor: FloatArray
    volatility: FloatArray

    @classmethod
    def of(cls, series: PriceSeries) -> "History":
        """The history of `series`, over all its rows (T,)."""
        log_price = np.log(series.close)
        returns = np.diff(log_price)
        floor = rounding_floor(series.rounding, len(returns))
        volatility = np.maximum(ewma_volatility(returns, SCALE_DECAY), floor)
        return cls(log_price, _pad(returns, 0.0), _pad(floor, floor[:1]), _pad(volatility, volatility[:1]))

    def __len__(self) -> int:
        return len(self.log_price)


def _pad(values: FloatArray, first: FloatArray | float) -> FloatArray:
    """One more row in front: a return belongs to the later of its two prices."""
    return np.concatenate([np.broadcast_to(first, (1,)), values])


def scaled_return(history: History) -> FloatArray:
    """(T,) today's return in units of yesterday's volatility, within +-6."""
    scaled = np.zeros(len(history))
    scaled[1:] = history.log_return[1:] / history.volatility[:-1]
    return np.clip(scaled, -_LARGEST_RETURN, _LARGEST_RETURN)


def absolute_return(history: History) -> FloatArray:
    """(T,) magnitude of the scaled return, centred."""
    return np.abs(scaled_return(history)) - _MEAN_ABSOLUTE


def momentum(history: History, days: int) -> FloatArray:
    """(T,) return over `days` days in units of its volatility under a random walk, within +-5."""
    moved = np.zeros(len(history))
    moved[days:] = history.log_price[days:] - history.log_price[:-days]
    return np.clip(moved / (history.volatility * np.sqrt(days)), -_LARGEST_MOMENTUM, _LARGEST_MOMENTUM)


def volatility_ratio(history: History, decay: float) -> FloatArray:
    """(T,) log of the EWMA volatility with another memory over the scaling volatility."""
    other = _pad(ewma_volatility(history.log_return[1:], decay), history.floor[:1])
    return np.log(np.maximum(other, history.floor) / history.volatility)


def volatility_anchor(history: History) -> FloatArray:
    """(T,) log of the volatility of the whole past over the scaling volatility: where volatility returns to."""
    whole = _pad(expanding_volatility(history.log_return[1:]), history.floor[:1])
    return np.log(np.maximum(whole, history.floor) / history.volatility)
