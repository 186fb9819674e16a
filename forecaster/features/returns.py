"""Features of the return series alone: scale-free, causal."""

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.features.history import History
from forecaster.features.outcomes import returns_over
from forecaster.features.volatility import absolute_return_volatility, at_least, ewma_volatility, expanding_volatility

__all__ = [
    "absolute_mean",
    "absolute_return",
    "momentum",
    "scaled_return",
    "volatility_anchor",
    "volatility_ratio",
]


_MAX_RETURN = 6.0  # in volatilities; a single jump must not dominate a chunk
_MAX_MOMENTUM = 5.0
_MEAN_ABSOLUTE = 0.75  # typical size of a scaled return, subtracted to centre its magnitude


def scaled_return(history: History) -> FloatArray:
    """(T,) today's return in units of yesterday's volatility, within +-6."""
    scaled = np.zeros(len(history))
    scaled[1:] = history.log_return[1:] / history.volatility[:-1]
    return np.asarray(np.clip(scaled, -_MAX_RETURN, _MAX_RETURN))


def absolute_return(history: History) -> FloatArray:
    """(T,) magnitude of the scaled return, centred."""
    return np.asarray(np.abs(scaled_return(history)) - _MEAN_ABSOLUTE)


def momentum(history: History, days: int) -> FloatArray:
    """(T,) return over `days` days in units of its volatility under a random walk, within +-5."""
    returns = np.zeros(len(history))
    returns[days:] = returns_over(history.log_price, days)
    scaled = returns / (history.volatility * np.sqrt(days))
    return np.asarray(np.clip(scaled, -_MAX_MOMENTUM, _MAX_MOMENTUM))


def volatility_ratio(history: History, decay: float) -> FloatArray:
    """(T,) log of the EWMA volatility with another memory over the scaling volatility."""
    volatility = at_least(history.floor, ewma_volatility(history.log_return[1:], decay))
    return np.asarray(np.log(volatility / history.volatility))


def volatility_anchor(history: History) -> FloatArray:
    """(T,) log of the volatility of the whole past over the scaling volatility, as volatility reverts to it."""
    whole = at_least(history.floor, expanding_volatility(history.log_return[1:]))
    return np.asarray(np.log(whole / history.volatility))


def absolute_mean(history: History, days: int) -> FloatArray:
    """(T,) log of the mean absolute return of the last `days` days, as a volatility, over the scaling volatility."""
    volatility = np.maximum(absolute_return_volatility(history.log_return, days), history.floor)
    return np.asarray(np.log(volatility / history.volatility))
