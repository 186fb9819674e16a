"""Causal, scale-free inputs of a model, each known by name.

A feature is added by writing a function of a `History` and one line in `FEATURES`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecaster.features import returns
from forecaster.features.returns import History

__all__ = ["FEATURES", "Feature", "feature_matrix", "odd_features"]


class Feature(NamedTuple):
    """A named input: how it is computed, and whether it changes sign when the quotation is inverted."""

    compute: Callable[[History], npt.NDArray[np.float64]]
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
}


def feature_matrix(history: History, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """The features `names` of every row: (T, F) float32; rows before `returns.WARM_UP` have not settled."""
    matrix = np.empty((len(history), len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        matrix[:, column] = FEATURES[name].compute(history)
    return matrix


def odd_features(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(F,) True where the feature changes sign with the direction of the quotation."""
    return np.array([FEATURES[name].odd for name in names])
