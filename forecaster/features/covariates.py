"""Covariate features: other prices and dated columns, used from the day on which each value is known.

A `Covariate` keeps its own dates. `aligned` takes, for each row of a history, the newest value known on that day. A
value that is too old counts as missing, and a missing value is a neutral zero.
"""

import bisect
import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import SCALE_DECAY
from forecaster.features.market_volatility import MARKET_FEATURES
from forecaster.features.volatility import MIN_VOLATILITY, ewma, ewma_volatility

__all__ = [
    "Covariate",
    "aligned",
    "column_covariate",
    "covariate_features",
    "is_antisymmetric_covariate",
    "is_covariate",
    "known_hash",
    "missing_rows",
    "price_covariate",
]

_PREFIX = "input:"
_MOVE, _LEVEL, _SPREAD = "move", "level", "spread"
_SLOW_DECAY = 0.997
_MAX_MOVE, _MAX_LEVEL, _MAX_SPREAD = 6.0, 5.0, 3.0
_MIN_AGE_LIMIT = 10  # days; a value counts at least so long, and three times the median wait for the next value
_WAITS_PER_AGE_LIMIT = 3.0
_FIRST_AGE_LIMIT = 93  # days; of the first value, after which no wait is known yet: as for a monthly column


@dataclasses.dataclass(frozen=True, eq=False)
class Covariate:
    """One series of values besides the forecast series. Entry n of each array depends on values up to n only.

    Args:
        name: The user's name for it.
        known_from: (N,) datetime64[D], increasing: first day on which each value may be used.
        value: (N,) the quantity whose changes count: a log price, or the column itself.
        scale: (N,) typical size of one change.
        level: (N,) distance from the mean of all values so far, in standard deviations.
        spread: (N,) log of the recent over the long-run size of changes.
        age_limit: (N,) days from `known_from` for which each value is used while no newer one is known.
    """

    name: str
    known_from: DateArray
    value: FloatArray
    scale: FloatArray
    level: FloatArray
    spread: FloatArray
    age_limit: Int64Array


def price_covariate(series: PriceSeries, lag_days: int) -> Covariate:
    """Log prices of another instrument; a row is known `lag_days` days after its date."""
    return _covariate(series.instrument.name, series.dates, series.log_price, lag_days)


def column_covariate(name: str, dates: DateArray, values: FloatArray, lag_days: int) -> Covariate:
    """A dated column: `values` (N,) finite, at `dates` (N,) increasing, each known `lag_days` days later."""
    return _covariate(name, dates, values, lag_days)


def _covariate(name: str, dates: DateArray, value: FloatArray, lag_days: int) -> Covariate:
    changes = np.diff(value, prepend=value[:1])
    recent_size = np.maximum(ewma_volatility(changes, SCALE_DECAY), MIN_VOLATILITY)
    slow_size = np.maximum(ewma_volatility(changes, _SLOW_DECAY), MIN_VOLATILITY)
    mean = ewma(value, _SLOW_DECAY)
    deviation = np.sqrt(np.maximum(ewma((value - mean) ** 2, _SLOW_DECAY), MIN_VOLATILITY**2))
    return Covariate(
        name=name,
        known_from=np.asarray(dates.astype("datetime64[D]") + np.timedelta64(lag_days, "D")),
        value=value,
        scale=recent_size,
        level=np.clip((value - mean) / deviation, -_MAX_LEVEL, _MAX_LEVEL),
        spread=np.clip(np.log(recent_size / slow_size), -_MAX_SPREAD, _MAX_SPREAD),
        age_limit=_age_limits(dates),
    )


def _age_limits(dates: DateArray) -> Int64Array:
    """(N,) days for which each value is used: from the median of the waits between the values up to it.

    Later waits are not used: a column that turns from monthly to daily is monthly until then.
    """
    limits = np.full(len(dates), _FIRST_AGE_LIMIT, dtype=np.int64)
    ordered: list[int] = []
    for n, wait in enumerate(np.diff(dates.astype("datetime64[D]")).astype(np.int64).tolist(), start=1):
        bisect.insort(ordered, wait)
        median = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
        limits[n] = max(_MIN_AGE_LIMIT, int(_WAITS_PER_AGE_LIMIT * median))
    return limits


def covariate_features(name: str) -> tuple[str, str, str]:
    """Names of the features that the covariate `name` gives."""
    return f"{_PREFIX}{name}:{_MOVE}", f"{_PREFIX}{name}:{_LEVEL}", f"{_PREFIX}{name}:{_SPREAD}"


def is_covariate(feature: str) -> bool:
    """True if a feature comes from a covariate or the market, not from the forecast series itself."""
    named = feature.startswith(_PREFIX) and feature.rpartition(":")[2] in (_MOVE, _LEVEL, _SPREAD)
    return named or feature in MARKET_FEATURES


def is_antisymmetric_covariate(feature: str) -> bool:
    """True if a covariate feature changes sign when the quotation is inverted: moves do, other features do not.

    Inverting a history and its covariates' moves together keeps the relation between them.
    """
    return feature.endswith(f":{_MOVE}")


def aligned(covariates: Sequence[Covariate], dates: DateArray) -> Mapping[str, FloatArray]:
    """Features of `covariates` at the rows of a history.

    Args:
        covariates: Each with its own dates.
        dates: (T,) datetime64, increasing, of the history.

    Returns:
        Name -> (T,). Row t holds the newest value known on its day: its change since the value used in row t - 1, in
        units of the typical change, its level and its spread; 0 where no value is known.
    """
    features: dict[str, FloatArray] = {}
    for covariate in covariates:
        newest = _newest(covariate, dates)
        missing = _missing(covariate, newest, dates)
        now = np.maximum(newest, 0)
        before = np.concatenate([now[:1], now[:-1]])
        steps = np.maximum(now - before, 1)
        move = (covariate.value[now] - covariate.value[before]) / (covariate.scale[before] * np.sqrt(steps))
        # A move needs a value at both of its ends.
        move[missing | np.concatenate([[True], missing[:-1]])] = 0.0
        names = covariate_features(covariate.name)
        features[names[0]] = np.clip(move, -_MAX_MOVE, _MAX_MOVE)
        features[names[1]] = np.where(missing, 0.0, covariate.level[now])
        features[names[2]] = np.where(missing, 0.0, covariate.spread[now])
    return features


def known_hash(covariate: Covariate, until: np.datetime64) -> str:
    """SHA-256 of the values known on `until` and before, relative to the first, rounded to a millionth."""
    rows = covariate.known_from <= until
    days = covariate.known_from[rows].astype("datetime64[D]").astype("<i8")
    values = np.round(covariate.value[rows] - covariate.value[:1], 6) + 0.0
    return hashlib.sha256(days.tobytes() + values.astype("<f8").tobytes()).hexdigest()


def missing_rows(covariate: Covariate, dates: DateArray) -> BoolArray:
    """(T,) True on the `dates` (T,) on which no value of a covariate is known, or only one that is too old."""
    return _missing(covariate, _newest(covariate, dates), dates)


def _newest(covariate: Covariate, dates: DateArray) -> IntArray:
    """(T,) index of the newest value known on each of `dates`, -1 where there is none."""
    return np.searchsorted(covariate.known_from, dates.astype("datetime64[D]"), side="right") - 1


def _missing(covariate: Covariate, newest: IntArray, dates: DateArray) -> BoolArray:
    value = np.maximum(newest, 0)
    age = (dates.astype("datetime64[D]") - covariate.known_from[value]).astype(np.int64)
    return np.asarray((newest < 0) | (age > covariate.age_limit[value]))
