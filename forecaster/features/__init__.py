"""Causal, scale-free inputs of a model, each known by name.

A feature is added by writing a function of a `History` and one line in `FEATURES`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from forecaster.arrays import BoolArray, Float32Array, FloatArray
from forecaster.data.series import Panel
from forecaster.features import ranges, returns
from forecaster.features.covariates import is_input, is_odd_input
from forecaster.features.history import History

__all__ = [
    "AVERAGE_FEATURES",
    "FEATURES",
    "RANGE_FEATURES",
    "RETURN_FEATURES",
    "VOLUME_FEATURES",
    "Feature",
    "feature_matrix",
    "odd_features",
    "suitable_features",
]


class Feature(NamedTuple):
    """A named input: how it is computed, and whether it changes sign when the quotation is inverted."""

    compute: Callable[[History], FloatArray]
    odd: bool


FEATURES: dict[str, Feature] = {
    "scaled_return": Feature(returns.scaled_return, odd=True),
    "momentum_5": Feature(functools.partial(returns.momentum, days=5), odd=True),
    "momentum_20": Feature(functools.partial(returns.momentum, days=20), odd=True),
    "absolute_return": Feature(returns.absolute_return, odd=False),
    "volatility_fast": Feature(functools.partial(returns.volatility_ratio, decay=0.90), odd=False),
    "volatility_slow": Feature(functools.partial(returns.volatility_ratio, decay=0.99), odd=False),
    "volatility_slowest": Feature(functools.partial(returns.volatility_ratio, decay=0.997), odd=False),
    "volatility_anchor": Feature(returns.volatility_anchor, odd=False),
    "absolute_5": Feature(functools.partial(returns.absolute_mean, days=5), odd=False),
    "absolute_22": Feature(functools.partial(returns.absolute_mean, days=22), odd=False),
    "absolute_66": Feature(functools.partial(returns.absolute_mean, days=66), odd=False),
    "range_day": Feature(functools.partial(ranges.range_ratio, decay=0.0), odd=False),
    "range_fast": Feature(functools.partial(ranges.range_ratio, decay=0.75), odd=False),
    "range_slow": Feature(functools.partial(ranges.range_ratio, decay=0.94), odd=False),
    "overnight_gap": Feature(ranges.overnight_gap, odd=True),
    "overnight_share": Feature(ranges.overnight_share, odd=False),
    "volume_ratio": Feature(ranges.volume_ratio, odd=False),
}

AVERAGE_FEATURES = ("absolute_5", "absolute_22", "absolute_66")
RANGE_FEATURES = ("range_day", "range_fast", "range_slow", "overnight_gap", "overnight_share")
VOLUME_FEATURES = ("volume_ratio",)
RETURN_FEATURES = tuple(name for name in FEATURES if name not in (*AVERAGE_FEATURES, *RANGE_FEATURES, *VOLUME_FEATURES))

_NEEDED_SHARE = 0.9  # of the rows: features that are neutral more often would teach what missing data look like


def suitable_features(panel: Panel, before: np.datetime64 | None = None) -> tuple[str, ...]:
    """The features that every series of `panel` has the columns for: all that can be made of a close, and more.

    Ranges and volume join where each series has a usable one in nine of ten rows.

    Args:
        panel: The series.
        before: Only rows before this day decide; a series without any has no say. None for all.
    """
    histories = [(History.of(one), one.dates < before if before is not None else slice(None)) for one in panel]
    names = (*RETURN_FEATURES, *AVERAGE_FEATURES)
    for group, usable in ((RANGE_FEATURES, ranges.usable_ranges), (VOLUME_FEATURES, ranges.usable_volumes)):
        known = [found for history, rows in histories if len(found := usable(history)[rows])]
        if known and all(found.mean() >= _NEEDED_SHARE for found in known):
            names += group
    return names


def feature_matrix(history: History, names: Sequence[str]) -> Float32Array:
    """The features `names` of every row: (T, F) float32; rows before `returns.WARM_UP` have not settled."""
    matrix = np.empty((len(history), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        matrix[:, column] = history.inputs[name] if is_input(name) else FEATURES[name].compute(history)
    return matrix


def odd_features(names: Sequence[str]) -> BoolArray:
    """(F,) True where the feature changes sign with the direction of the quotation."""
    return np.array([is_odd_input(name) if is_input(name) else FEATURES[name].odd for name in names])
