"""The GRU layer in NumPy; see `forecaster.models.architectures.numpy_stack`.

Formulas: Cho et al. 2014, with the reset after the product, as in Keras, cuDNN and the order update, reset, candidate.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.activations import ACTIVATIONS
from forecaster.models.architectures.gates import LayerGates, rows_before
from forecaster.models.numpy_dense import dense_rows, product

__all__ = ["GRUWeights"]


@dataclasses.dataclass(frozen=True)
class GRUWeights:
    """One layer: kernels (F, 3U) and (U, 3U) and the biases (2, 3U) of both, the two gates halved.

    ``sigmoid(x) = (1 + tanh(x / 2)) / 2``.
    """

    kernel: Float32Array
    recurrent: Float32Array
    bias: Float32Array
    activation: str = "tanh"

    @classmethod
    def of(cls, weights: Mapping[str, AnyArray], name: str, activation: str) -> "GRUWeights":
        """The layer `name` of the named weights of a network."""
        arrays = [weights[f"{name}/gru_cell/{part}"] for part in ("kernel", "recurrent_kernel", "bias")]
        columns = arrays[0].shape[1]
        scale = np.where(np.arange(columns) < 2 * columns // 3, 0.5, 1.0).astype(np.float32)
        parts = [np.ascontiguousarray(array * scale) for array in arrays]
        return cls(parts[0], parts[1], parts[2], activation)

    @staticmethod
    def shapes(inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """Name -> shape of the weights of a layer."""
        return {
            f"{name}/gru_cell/kernel": (inputs, 3 * units),
            f"{name}/gru_cell/recurrent_kernel": (units, 3 * units),
            f"{name}/gru_cell/bias": (2, 3 * units),
        }

    def __call__(self, x: Float32Array, apart: bool = False) -> Float32Array:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`."""
        rows, batch, _ = x.shape
        units = self.recurrent.shape[0]
        activation = ACTIVATIONS[self.activation]
        inputs = dense_rows(x, self.kernel, self.bias[0], apart)
        result = np.empty((rows, batch, units), dtype=np.float32)
        hidden = np.zeros((batch, units), dtype=np.float32)
        inner = np.empty((batch, 3 * units), dtype=np.float32)
        update, reset, candidate = (inner[:, k * units : (k + 1) * units] for k in range(3))
        gates = inner[:, : 2 * units]
        multiply = product(batch, apart)
        half = np.full(gates.shape, 0.5, dtype=np.float32)  # an array, as NumPy takes twice as long for a number
        for row_in, row_out in zip(inputs, result, strict=True):
            multiply(hidden, self.recurrent, inner)
            inner += self.bias[1]
            gates += row_in[:, : 2 * units]
            np.tanh(gates, gates)
            gates *= half
            gates += half
            candidate *= reset
            candidate += row_in[:, 2 * units :]
            new = activation(candidate)
            np.subtract(hidden, new, row_out)
            row_out *= update
            row_out += new
            hidden = row_out
        return result

    def last(self, outputs: Float32Array) -> Float32Array:
        """Output for the whole of a sample, (B, U), from its `outputs` (T, B, U)."""
        return np.asarray(outputs[-1])

    def gates(self, name: str, x: Float32Array, outputs: Float32Array) -> list[LayerGates]:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`; an update gate of 1 keeps the output."""
        columns = slice(2 * outputs.shape[2])
        arguments: Float32Array = x @ self.kernel[:, columns] + rows_before(outputs) @ self.recurrent[:, columns]
        arguments += self.bias[:, columns].sum(axis=0)
        half = np.float32(0.5)
        update, reset = np.split(half * np.tanh(arguments) + half, 2, axis=-1)
        return [LayerGates(name, {"update": update, "reset": reset}, outputs, kept_by="update")]
