"""Truncated backpropagation through time: a long sample is read in pieces, and the state is carried on between them.

The optimiser makes a step after each piece (Williams and Peng 1990). The state at its start is a constant, so gradients
and memory end at the piece, while the state itself has read the sample from its first row on.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from forecaster.arrays import BoolArray, Float32Array, IntArray
from forecaster.models.training import PanelBatches

__all__ = ["CarriedBatches", "CarriedState"]


class CarriedState(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """A recurrent layer that begins a training batch with the state after the batch before.

    It begins every sample with a state of zeros, as it does everything outside of training.

    Args:
        layer: The recurrent layer, with an output in every row. It is built, so its weights have names of their own.
        batch_size: Samples of a training batch.
        pieces: Batches in which a sample is read.
    """

    def __init__(self, layer: keras.layers.Layer, batch_size: int, pieces: int) -> None:
        super().__init__(name=f"carried_{layer.name}")
        layer.return_state = True
        self.layer = layer
        self._batch_size = batch_size
        self._pieces = pieces

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the states (B, U), and the number of batches that were read."""
        self._states = [
            self.add_weight((self._batch_size, units), "zeros", trainable=False, name=f"state_{number}")
            for number, units in enumerate(self.layer.state_size)
        ]
        self._batches = self.add_weight((), "zeros", dtype="int32", trainable=False, name="batches")

    def call(self, x: Any, training: bool = False) -> Any:
        """Outputs (B, T, U) for inputs (B, T, F)."""
        if not training:
            return self.layer(x, training=False)[0]
        is_later = ops.cast(self._batches % self._pieces > 0, x.dtype)
        before = [ops.stop_gradient(state * is_later) for state in self._states]
        outputs, *after = self.layer(x, initial_state=before, training=True)
        for state, value in zip(self._states, after, strict=True):
            state.assign(value)
        self._batches.assign(self._batches + 1)
        return outputs


class CarriedBatches(PanelBatches):
    """Batches of pieces: all pieces of the first B chunks in their order, then those of the next B chunks.

    Args:
        windows: `CarriedWindows` of each series.
        samples: (N, 3) series, window, sign of chunks.
        batch_size: B.
        antisymmetric: (F,) True for features that change sign with the quotation.
        epochs: Epochs, which may end within a chunk; the next one goes on.
        steps: Batches of all epochs together.
        pieces: Pieces of a chunk.
    """

    def __init__(
        self,
        windows: Sequence[Any],
        samples: IntArray,
        batch_size: int,
        antisymmetric: BoolArray,
        epochs: int,
        steps: int,
        pieces: int,
    ) -> None:
        super().__init__(windows, samples, batch_size, antisymmetric)
        self.epochs = epochs
        self._steps = steps
        self._pieces = pieces

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._steps // self.epochs

    def _chosen(self, index: int) -> IntArray:
        first = (self._epoch * len(self) + index) // self._pieces * self._batch_size
        return self._samples[0, first : first + self._batch_size]

    def _cut(self, windows: Any, positions: IntArray, index: int) -> tuple[Float32Array, Float32Array]:
        x, y = windows.piece(positions, (self._epoch * len(self) + index) % self._pieces)
        return x, y
