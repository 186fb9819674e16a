"""The forward pass of a network in Keras, for an architecture that has none in NumPy.

It runs on the engine of the process; `forecaster.models.engine.use_engine` must have been called. Every call of the
network has one fixed shape and a row always has the same place in it, so that the bits of a row do not depend on how
many rows are asked for.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.numpy_dense import blocks
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.quantile.sampling import sampling_of

__all__ = ["KerasPass"]


MAX_ROWS = 8192  # of one call of the network: bounds its memory


class KerasPass:
    """The network of a quantile forecaster with fixed weights; see `forecaster.models.architectures.base.ForwardPass`.

    The network is built at the first call, and once more after the object was sent to another process.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        weights: Named arrays of the network.
    """

    def __init__(self, options: QuantileOptions, steps: Sequence[int], weights: Mapping[str, AnyArray]) -> None:
        self._options = options
        self._steps = steps
        self._weights = weights

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_network"}

    @functools.cached_property
    def _network(self) -> Any:
        from forecaster.models.keras_weights import load_weights
        from forecaster.models.quantile.network import build_network, state_model

        network = build_network(self._options, self._steps, sampling_of(self._options.windows).sequences)
        load_weights(network, self._weights)
        return state_model(network)

    def build(self) -> None:
        """Build the network now.

        Raises:
            ValueError: The weights lack an array of the network, or one has another shape.
        """
        try:
            _ = self._network
        except KeyError as error:
            raise ValueError(f"{error} is missing; expected the weights of the configured network") from error

    def histories(self, x: Float32Array) -> Float32Array:
        """State in every row of histories x (B, T, F): (B, T, ..., U).

        A history is read in chunks as long as those of the training; they overlap by the burn-in, and the rows of the
        burn-in are taken from the chunk before.
        """
        windows = self._options.windows
        stride = windows.chunk - windows.burn_in
        starts = np.arange(0, max(x.shape[1] - windows.burn_in, 1), stride)
        result = np.empty((*x.shape[:2], *self._network.output_shape[2:]), dtype=np.float32)
        for history, states in zip(x, result, strict=True):
            chunks = np.zeros((len(starts), windows.chunk, x.shape[2]), dtype=np.float32)
            for chunk, start in zip(chunks, starts, strict=True):
                rows = history[start : start + windows.chunk]
                chunk[: len(rows)] = rows
            for start, outputs in zip(starts, self.windows(chunks, starts // stride), strict=True):
                first = windows.burn_in if start else 0
                rows = states[start + first : start + windows.chunk]
                rows[:] = outputs[first : first + len(rows)]
        return result

    def chunk_start(self, row: int) -> int:
        """First row of the chunk from which `histories` takes the state in `row`."""
        windows = self._options.windows
        stride = windows.chunk - windows.burn_in
        return max(row - windows.burn_in, 0) // stride * stride

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """Outputs (N, ...) of the network for windows x (N, L, F); `places` (N,) orders them into calls."""
        side_by_side = max(MAX_ROWS // x.shape[1], 1)
        shape = [x.shape[1] if size is None else size for size in self._network.output_shape[1:]]
        result = np.empty((len(x), *shape), dtype=np.float32)
        block = np.zeros((side_by_side, *x.shape[1:]), dtype=np.float32)
        for positions, slots in blocks(places, side_by_side):
            if len(positions):
                block[slots] = x[positions]
                result[positions] = self._network.predict_on_batch(block)[slots]
        return result
