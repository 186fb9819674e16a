"""Weights that a network without a state gives to past rows."""

import dataclasses
from typing import Any

import numpy as np

from forecaster.arrays import Float32Array, FloatArray

__all__ = ["LagWeights"]


@dataclasses.dataclass(frozen=True, eq=False)
class LagWeights:
    """Weights of one layer.

    Args:
        name: Name of the layer.
        weights: (..., L + 1) weight of the lags 0 to L, not negative and with the sum 1.
    """

    name: str
    weights: Float32Array

    def at(self, index: Any) -> "LagWeights":
        """The weights at an index of the array."""
        return LagWeights(self.name, self.weights[index])

    @property
    def mean(self) -> FloatArray:
        """(L + 1,) mean over all rows."""
        return np.asarray(self.weights.reshape(-1, self.weights.shape[-1]).mean(axis=0, dtype=float))

    def rows_to(self, share: float) -> int:
        """Number of newest rows that have at least `share` of the weight.

        >>> LagWeights("attention_0", np.array([[0.5, 0.3, 0.2]], np.float32)).rows_to(0.6)
        2
        """
        mean = self.mean
        return min(int(np.searchsorted(mean.cumsum(), share)) + 1, len(mean))
