"""Causal, scale-free inputs of a model, by name.

A feature is added by a function of a `History` and one line in `FEATURES`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from forecaster.arrays import BoolArray, Float32Array, FloatArray
from forecaster.data.series import Panel
from forecaster.features import ranges, returns
from forecaster.features.covariates import is_antisymmetric_covariate, is_covariate
from forecaster.features.history import History

__all__ = [
    "FEATURES",
    "RETURN_FEATURES",
    "Feature",
    "antisymmetric_features",
    "feature_matrix",
    "suitable_features",
]


class Feature(NamedTuple):
    """A registered input.

    Args:
        compute: History of T rows -> (T,) values; row t uses rows up to t only.
        antisymmetric: True if it changes sign when the quotation is inverted; other features stay as they are.
        usable: History -> (T,) rows on which the columns that it needs are usable; None where a close is enough.
        default: True if ``features: auto`` includes it where its columns are usable.
    """

    compute: Callable[[History], FloatArray]
    antisymmetric: bool
    usable: Callable[[History], BoolArray] | None = None
    default: bool = False


def _of_returns(compute: Callable[[History], FloatArray], antisymmetric: bool = False) -> Feature:
    return Feature(compute, antisymmetric, default=True)


def _of_ranges(compute: Callable[[History], FloatArray], antisymmetric: bool = False) -> Feature:
    return Feature(compute, antisymmetric, ranges.usable_ranges, default=True)


FEATURES: dict[str, Feature] = {
    "scaled_return": _of_returns(returns.scaled_return, antisymmetric=True),
    "momentum_5": _of_returns(functools.partial(returns.momentum, days=5), antisymmetric=True),
    "momentum_20": _of_returns(functools.partial(returns.momentum, days=20), antisymmetric=True),
    "absolute_return": _of_returns(returns.absolute_return),
    "volatility_fast": _of_returns(functools.partial(returns.volatility_ratio, decay=0.90)),
    "volatility_slow": _of_returns(functools.partial(returns.volatility_ratio, decay=0.99)),
    "volatility_slowest": _of_returns(functools.partial(returns.volatility_ratio, decay=0.997)),
    "volatility_anchor": _of_returns(returns.volatility_anchor),
    "absolute_5": _of_returns(functools.partial(returns.absolute_mean, days=5)),
    "absolute_22": _of_returns(functools.partial(returns.absolute_mean, days=22)),
    "absolute_66": _of_returns(functools.partial(returns.absolute_mean, days=66)),
    "range_day": _of_ranges(functools.partial(ranges.range_ratio, decay=0.0)),
    "range_fast": _of_ranges(functools.partial(ranges.range_ratio, decay=0.75)),
    "range_slow": _of_ranges(functools.partial(ranges.range_ratio, decay=0.94)),
    "overnight_gap": _of_ranges(ranges.overnight_gap, antisymmetric=True),
    "overnight_share": _of_ranges(ranges.overnight_share),
    "volume_ratio": Feature(ranges.volume_ratio, antisymmetric=False, usable=ranges.usable_volumes, default=True),
}

RETURN_FEATURES = (
    *("scaled_return", "momentum_5", "momentum_20", "absolute_return"),
    *("volatility_fast", "volatility_slow", "volatility_slowest", "volatility_anchor"),
)
"""Meaning of ``features: auto`` where no panel decides it: the inputs of the first released runs."""

_MIN_USABLE_SHARE = 0.9  # of the rows; a feature that is neutral more often would teach the absence of data


def suitable_features(panel: Panel, before: np.datetime64 | None = None) -> tuple[str, ...]:
    """The default features whose columns are usable in nine of ten rows of every series.

    Args:
        panel: The series.
        before: Only rows before this day decide; a series without any is not counted. None for all.

    Returns:
        Names in the order of `FEATURES`. A feature that needs columns is left out where no series has rows.
    """
    histories = [(History.of(series), slice(None) if before is None else series.dates < before) for series in panel]

    def is_usable(usable: Callable[[History], BoolArray]) -> bool:
        shares = [rows.mean() for history, seen in histories if len(rows := usable(history)[seen])]
        return bool(shares) and min(shares) >= _MIN_USABLE_SHARE

    checks = {feature.usable for feature in FEATURES.values() if feature.default and feature.usable is not None}
    passed = {check for check in checks if is_usable(check)}
    return tuple(
        name
        for name, feature in FEATURES.items()
        if feature.default and (feature.usable is None or feature.usable in passed)
    )


def feature_matrix(history: History, names: Sequence[str]) -> Float32Array:
    """Features of every row: (T, F) float32 in the order of `names`; rows before `history.WARM_UP` have not settled."""
    matrix = np.empty((len(history), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        matrix[:, column] = history.inputs[name] if is_covariate(name) else FEATURES[name].compute(history)
    return matrix


def antisymmetric_features(names: Sequence[str]) -> BoolArray:
    """(F,) True where the feature changes sign when the quotation is inverted."""
    return np.array(
        [is_antisymmetric_covariate(name) if is_covariate(name) else FEATURES[name].antisymmetric for name in names]
    )
