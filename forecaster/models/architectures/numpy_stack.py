"""The forward pass of stacked recurrent layers in NumPy: no deep-learning framework is needed to predict.

It agrees with Keras to 1e-5 (checked at the end of a fit), and the bits of a row depend neither on how many rows or
windows are read nor on the rows after it (see `forecaster.models.numpy_dense`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.numpy_dense import block_rows, blocks

__all__ = ["LayerNorm", "RecurrentLayer", "StackPass"]


class RecurrentLayer(Protocol):
    """A layer with fixed weights."""

    @property
    def recurrent(self) -> Float32Array:
        """The largest kernel that is multiplied in every row."""

    def __call__(self, x: Float32Array, apart: bool = False) -> Float32Array:
        """Outputs for x (T, B, F), from a zero state before the first row: (T, B, U).

        Args:
            x: B histories or windows side by side.
            apart: True if each of them gets the bits that it has alone; see `forecaster.models.numpy_dense.product`.
        """

    def last(self, outputs: Float32Array) -> Float32Array:
        """Output for the whole of a sample, (B, U), from its `outputs` (T, B, U)."""

    def gates(self, name: str, x: Float32Array, outputs: Float32Array) -> list[LayerGates]:
        """Gates and states (T, B, U) in all rows of x (T, B, F), from the `outputs` (T, B, U) for it.

        Args:
            name: Name of the layer.
            x: Inputs of the layer.
            outputs: Its outputs.
        """


@dataclasses.dataclass(frozen=True)
class LayerNorm:
    """`keras.layers.LayerNormalization` with fixed weights (Ba, Kiros and Hinton 2016)."""

    gamma: Float32Array
    beta: Float32Array

    @classmethod
    def of(cls, weights: Mapping[str, AnyArray], name: str) -> "LayerNorm | None":
        """The layer `name`; None where there is none."""
        if f"{name}/gamma" not in weights:
            return None
        return cls(weights[f"{name}/gamma"], weights[f"{name}/beta"])

    def __call__(self, x: Float32Array) -> Float32Array:
        """`x` (..., U) with the mean and deviation of each row of units set by the weights."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        return np.asarray(centred / np.sqrt(variance + np.float32(1e-3)) * self.gamma + self.beta)


Layer = TypeVar("Layer", bound=RecurrentLayer, covariant=True)


@dataclasses.dataclass(frozen=True)
class StackPass(Generic[Layer]):
    """A stack with fixed weights; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        layers: The layers, the first one first.
        norms: Normalisation behind each layer; empty for none.
        residual: Every layer but the first adds its input to its output.
    """

    layers: Sequence[Layer]
    norms: Sequence[LayerNorm | None] = ()
    residual: bool = False

    def _read(self, x: Float32Array, last_row: bool) -> Float32Array:
        """Outputs of the last layer for x (B, T, F): (T, B, U), or (B, U) for the whole of each sample."""
        hidden = _rows_first(x)
        for index, layer in enumerate(self.layers):
            before = hidden
            hidden = layer(before, apart=not last_row)
            if last_row and index == len(self.layers) - 1:
                hidden = layer.last(hidden)
                before = before[-1]
            hidden = self._joined(index, before, hidden)
        return hidden

    def _joined(self, index: int, before: Float32Array, outputs: Float32Array) -> Float32Array:
        """Inputs of the next layer: the outputs of a layer, normalised, with its inputs added to them."""
        if self.norms and (norm := self.norms[index]) is not None:
            outputs = norm(outputs)
        return outputs + before if self.residual and index else outputs

    def gates(self, x: Float32Array, prefix: str) -> list[LayerGates]:
        """Gates and states (B, T, U) of every layer on histories x (B, T, F), each from a zero state.

        Args:
            x: The histories.
            prefix: Name of the layers, before their number.
        """
        hidden = _rows_first(x)
        result = []
        for index, layer in enumerate(self.layers):
            outputs = layer(hidden)
            result += layer.gates(f"{prefix}_{index}", hidden, outputs)
            hidden = self._joined(index, hidden, outputs)
        return [layer.mapped(lambda values: values.transpose(1, 0, 2)) for layer in result]

    def histories(self, x: Float32Array) -> Float32Array:
        """Output of the last layer in every row of histories x (B, T, F), from a zero state: (B, T, U).

        The bits of a history do not depend on the others.
        """
        return self._read(x, last_row=False).transpose(1, 0, 2)

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """Output of the last layer for each window of x (N, L, F), each from a zero state: (N, U).

        Args:
            x: The windows.
            places: (N,) row number of each window's last row in the history.
        """
        side_by_side = min(block_rows(layer.recurrent) for layer in self.layers)
        block = np.zeros((side_by_side, *x.shape[1:]), dtype=np.float32)
        parts = []
        for positions, slots in blocks(places, side_by_side):
            block[slots] = x[positions]
            parts.append((positions, self._read(block, last_row=True)[slots]))
        result = np.empty((len(x), parts[0][1].shape[1]), dtype=np.float32)
        for positions, values in parts:
            result[positions] = values
        return result


def _rows_first(x: Float32Array) -> Float32Array:
    """(T, B, F) of x (B, T, F)."""
    return np.ascontiguousarray(x.transpose(1, 0, 2), dtype=np.float32)
