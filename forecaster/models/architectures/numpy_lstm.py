"""The forward pass of a stacked LSTM in NumPy: no deep-learning framework is needed to predict.

It agrees with Keras to 1e-5 (checked at the end of a fit), and the bits of a row depend neither on how many rows or
windows are read nor on the rows after it (see `forecaster.models.numpy_dense`).
Formulas: Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000, in the
gate order of Keras (input, forget, cell, output).
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.numpy_dense import block_rows, blocks, dense

__all__ = ["LSTMPass", "LSTMWeights", "layer_outputs", "lstm_layers", "lstm_shapes"]


@dataclasses.dataclass(frozen=True)
class LSTMWeights:
    """One layer, its columns in the order input, forget, output, cell, the three gates halved.

    Half of the argument turns a sigmoid into a hyperbolic tangent, so that one call serves all four:
    ``sigmoid(x) = (1 + tanh(x / 2)) / 2``.
    """

    kernel: Float32Array
    recurrent: Float32Array
    bias: Float32Array

    @classmethod
    def from_keras(cls, kernel: Float32Array, recurrent: Float32Array, bias: Float32Array) -> "LSTMWeights":
        """Rearrange the arrays (F, 4U), (U, 4U), (4U,) of a `keras.layers.LSTM`."""
        units = recurrent.shape[0]
        i, f, c, o = (np.arange(units) + gate * units for gate in range(4))
        order = np.concatenate([i, f, o, c])
        scale = np.where(np.arange(4 * units) < 3 * units, 0.5, 1.0).astype(np.float32)
        parts = (np.ascontiguousarray(array[..., order] * scale) for array in (kernel, recurrent, bias))
        return cls(*parts)

    @property
    def units(self) -> int:
        """Size U of the layer."""
        return int(self.recurrent.shape[0])


def lstm_layers(arrays: Mapping[str, AnyArray]) -> list[LSTMWeights]:
    """The stack ``lstm_0, lstm_1, ...`` from `forecaster.models.keras_weights.named_weights`."""
    count = len({name.split("/")[0] for name in arrays if name.startswith("lstm_")})
    names = ("kernel", "recurrent_kernel", "bias")
    return [LSTMWeights.from_keras(*(arrays[f"lstm_{k}/lstm_cell/{name}"] for name in names)) for k in range(count)]


def lstm_shapes(inputs: int, units: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Shapes of the named weights of a stack with layers of the sizes `units` on `inputs` features."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, (below, size) in enumerate(itertools.pairwise((inputs, *units))):
        shapes |= {
            f"lstm_{k}/lstm_cell/kernel": (below, 4 * size),
            f"lstm_{k}/lstm_cell/recurrent_kernel": (size, 4 * size),
            f"lstm_{k}/lstm_cell/bias": (4 * size,),
        }
    return shapes


def layer_outputs(weights: LSTMWeights, x: Float32Array) -> Float32Array:
    """One layer over x (T, B, F), zero state before the first row: (T, B, U)."""
    rows, batch, features = x.shape
    units = weights.units
    gates_in = dense(x.reshape(rows * batch, features), weights.kernel, weights.bias).reshape(rows, batch, 4 * units)
    result = np.empty((rows, batch, units), dtype=np.float32)
    hidden, cell = (np.zeros((batch, units), dtype=np.float32) for _ in range(2))
    gates = np.empty((batch, 4 * units), dtype=np.float32)
    admitted = np.empty((batch, units), dtype=np.float32)
    sigmoids = gates[:, : 3 * units]
    input_gate, forget_gate, output_gate, candidate = (gates[:, k * units : (k + 1) * units] for k in range(4))
    half = np.full(sigmoids.shape, 0.5, dtype=np.float32)  # an array, as NumPy takes twice as long for a number
    for row_in, row_out in zip(gates_in, result, strict=True):
        hidden.dot(weights.recurrent, gates)
        gates += row_in
        np.tanh(gates, gates)
        sigmoids *= half
        sigmoids += half
        cell *= forget_gate
        np.multiply(input_gate, candidate, admitted)
        cell += admitted
        hidden = row_out
        np.tanh(cell, hidden)
        hidden *= output_gate
    return result


@dataclasses.dataclass(frozen=True)
class LSTMPass:
    """The stack with fixed weights; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        layers: Weights of the layers, the first one first.
    """

    layers: Sequence[LSTMWeights]

    def histories(self, x: Float32Array) -> Float32Array:
        """Output of the last layer in every row of histories x (B, T, F), from a zero state: (B, T, U)."""
        hidden = np.ascontiguousarray(x.transpose(1, 0, 2), dtype=np.float32)
        for weights in self.layers:
            hidden = layer_outputs(weights, hidden)
        return hidden.transpose(1, 0, 2)

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """Output of the last layer in the last row of each window of x (N, L, F), each from a zero state: (N, U).

        Args:
            x: The windows.
            places: (N,) row number of each window's last row in the history.
        """
        result = np.empty((len(x), self.layers[-1].units), dtype=np.float32)
        side_by_side = min(block_rows(weights.recurrent) for weights in self.layers)
        block = np.zeros((side_by_side, *x.shape[1:]), dtype=np.float32)
        for positions, slots in blocks(places, side_by_side):
            block[slots] = x[positions]
            result[positions] = self.histories(block)[slots, -1]
        return result
