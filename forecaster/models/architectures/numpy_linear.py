"""The linear map of recent rows in NumPy: no deep-learning framework is needed to predict."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.numpy_dense import dense

__all__ = ["LinearPass"]


@dataclasses.dataclass(frozen=True)
class LinearPass:
    """The network in NumPy: one linear map of the last rows; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        kernel: (R, F, U) weights of the last R rows, the newest one first.
        bias: (U,).
    """

    kernel: Float32Array
    bias: Float32Array

    @classmethod
    def of(cls, weights: Mapping[str, AnyArray], moving_average: int) -> "LinearPass":
        """Join the map of the moving average and that of the rest."""
        trend, rest = (weights[f"{name}/kernel"][::-1].astype(np.float64) for name in ("trend", "rest"))
        kernel = np.zeros((len(trend) + moving_average - 1, *trend.shape[1:]))
        kernel[: len(rest)] = rest
        for age in range(moving_average):
            kernel[age : age + len(trend)] += (trend - rest) / moving_average
        return cls(kernel.astype(np.float32), weights["trend/bias"])

    @property
    def lag_shares(self) -> Float32Array:
        """(R,) share of the weights of each row in the sum of their absolute values, the newest row first."""
        sizes = np.abs(self.kernel).sum(axis=(1, 2))
        return np.asarray(sizes / (sizes.sum() or 1))

    def histories(self, x: Float32Array) -> Float32Array:
        """State in every row of histories x (B, T, F), with zeros before them: (B, T, U)."""
        padded = np.pad(x, ((0, 0), (len(self.kernel), 0), (0, 0)))
        spans = np.lib.stride_tricks.sliding_window_view(padded, len(self.kernel), axis=1)[:, 1:]
        return np.stack([self._map(history) for history in spans])

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """State in the last row of each window of x (N, L, F), with zeros before it: (N, U)."""
        padded = np.pad(x, ((0, 0), (max(len(self.kernel) - x.shape[1], 0), 0), (0, 0)))
        return self._map(padded[:, padded.shape[1] - len(self.kernel) :].transpose(0, 2, 1), places)

    def _map(self, spans: Float32Array, places: IntArray | None = None) -> Float32Array:
        """States (N, U) of spans (N, F, R), the oldest row first."""
        kernel = self.kernel[::-1].transpose(1, 0, 2).reshape(-1, self.kernel.shape[2])
        return dense(spans.reshape(len(spans), len(kernel)), kernel, self.bias, places)
