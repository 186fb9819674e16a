"""Features from outside: other prices and dated columns, told to each row only from the day on which they are known.

An `Input` keeps its own dates. `aligned` looks, for every row of a history, for the newest value that was known on
that day; a value that has become too old counts as missing, and what is missing is a neutral zero.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features.history import SCALE_DECAY
from forecaster.features.market_volatility import MARKET_FEATURES
from forecaster.features.volatility import MIN_VOLATILITY, ewma, ewma_volatility

__all__ = [
    "Input",
    "aligned",
    "column_input",
    "input_names",
    "is_input",
    "is_odd_input",
    "known_hash",
    "missing_rows",
    "price_input",
]


_PREFIX = "input:"
_MOVE, _LEVEL, _SPREAD = "move", "level", "spread"
_SLOW = 0.997
_LARGEST_MOVE, _LARGEST_LEVEL, _LARGEST_SPREAD = 6.0, 5.0, 3.0
_LEAST_AGE_DAYS = 10  # a value is believed at least so long, and three times the usual wait for the next one
_AGE_SPACINGS = 3.0


@dataclasses.dataclass(frozen=True, eq=False)
class Input:
    """One series of values from outside, each row made of rows up to it alone.

    Args:
        name: As the user names it.
        known_from: (N,) datetime64[D], increasing: the first day on which each value may be used.
        value: (N,) what moves: a log price, or the column itself.
        scale: (N,) typical size of one move.
        level: (N,) where the value stands among all before it, in standard deviations.
        spread: (N,) log of the recent over the usual size of its moves.
        most_days: For how long the newest value is believed.
    """

    name: str
    known_from: DateArray
    value: FloatArray
    scale: FloatArray
    level: FloatArray
    spread: FloatArray
    most_days: int


def price_input(series: PriceSeries, lag_days: int) -> Input:
    """The prices of another instrument, a row known `lag_days` days after its date."""
    return _input(series.instrument.name, series.dates, series.log_price, lag_days)


def column_input(name: str, dates: DateArray, values: FloatArray, lag_days: int) -> Input:
    """A dated column: `values` (N,) finite, at `dates` (N,) increasing, each known `lag_days` days later."""
    return _input(name, dates, values, lag_days)


def _input(name: str, dates: DateArray, value: FloatArray, lag_days: int) -> Input:
    moves = np.diff(value, prepend=value[:1])
    size = np.maximum(ewma_volatility(moves, SCALE_DECAY), MIN_VOLATILITY)
    usual = np.maximum(ewma_volatility(moves, _SLOW), MIN_VOLATILITY)
    mean = ewma(value, _SLOW)
    deviation = np.sqrt(np.maximum(ewma((value - mean) ** 2, _SLOW), MIN_VOLATILITY**2))
    return Input(
        name=name,
        known_from=np.asarray(dates.astype("datetime64[D]") + np.timedelta64(lag_days, "D")),
        value=value,
        scale=size,
        level=np.clip((value - mean) / deviation, -_LARGEST_LEVEL, _LARGEST_LEVEL),
        spread=np.clip(np.log(size / usual), -_LARGEST_SPREAD, _LARGEST_SPREAD),
        most_days=_most_days(dates),
    )


def _most_days(dates: DateArray) -> int:
    # The first waits alone decide, so that rows that come later change nothing before them.
    waits = np.diff(dates[:50].astype("datetime64[D]").astype(np.int64))
    usual = float(np.median(waits)) if len(waits) else 0.0
    return max(_LEAST_AGE_DAYS, int(_AGE_SPACINGS * usual))


def input_names(name: str) -> tuple[str, str, str]:
    """The features that the input called `name` gives."""
    return f"{_PREFIX}{name}:{_MOVE}", f"{_PREFIX}{name}:{_LEVEL}", f"{_PREFIX}{name}:{_SPREAD}"


def is_input(feature: str) -> bool:
    """Whether a feature comes from outside."""
    outside = feature.startswith(_PREFIX) and feature.rpartition(":")[2] in (_MOVE, _LEVEL, _SPREAD)
    return outside or feature in MARKET_FEATURES


def is_odd_input(feature: str) -> bool:
    """Whether a feature from outside is turned when the quotation is: moves are, levels and spreads are not.

    Turning a history and the moves beside it together keeps what they say of each other.
    """
    return feature.endswith(f":{_MOVE}")


def aligned(inputs: Sequence[Input], dates: DateArray) -> Mapping[str, FloatArray]:
    """The features of `inputs` for a history with `dates` (T,) increasing: name -> (T,), 0 where nothing is known.

    Row t holds what was known on its day: the move since what was known at row t - 1, in units of its usual size,
    and the level and the spread of the newest value.
    """
    found: dict[str, FloatArray] = {}
    for one in inputs:
        newest = np.searchsorted(one.known_from, dates.astype("datetime64[D]"), side="right") - 1
        missing = _missing(one, newest, dates)
        place = np.maximum(newest, 0)
        before = np.concatenate([place[:1], place[:-1]])
        steps = np.maximum(place - before, 1)
        move = (one.value[place] - one.value[before]) / (one.scale[before] * np.sqrt(steps))
        # A move needs a value at both of its ends.
        move[missing | np.concatenate([[True], missing[:-1]])] = 0.0
        names = input_names(one.name)
        found[names[0]] = np.clip(move, -_LARGEST_MOVE, _LARGEST_MOVE)
        found[names[1]] = np.where(missing, 0.0, one.level[place])
        found[names[2]] = np.where(missing, 0.0, one.spread[place])
    return found


def known_hash(one: Input, until: np.datetime64) -> str:
    """SHA-256 of what an input said of the days up to `until`, to a millionth of its unit, its level aside."""
    kept = one.known_from <= until
    days = one.known_from[kept].astype("datetime64[D]").astype("<i8")
    values = np.round(one.value[kept] - one.value[:1], 6) + 0.0
    return hashlib.sha256(days.tobytes() + values.astype("<f8").tobytes()).hexdigest()


def missing_rows(one: Input, dates: DateArray) -> BoolArray:
    """(T,) True on the `dates` (T,) on which no value of an input is known, or only one that is too old."""
    newest = np.searchsorted(one.known_from, dates.astype("datetime64[D]"), side="right") - 1
    return _missing(one, newest, dates)


def _missing(one: Input, newest: IntArray, dates: DateArray) -> BoolArray:
    age = dates.astype("datetime64[D]") - one.known_from[np.maximum(newest, 0)]
    return np.asarray((newest < 0) | (age > np.timedelta64(one.most_days, "D")))
