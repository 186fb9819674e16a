"""The LSTM layer in NumPy; see `forecaster.models.architectures.numpy_stack`.

Formulas: Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000, in the
gate order of Keras (input, forget, cell, output).
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.activations import ACTIVATIONS
from forecaster.models.architectures.gates import LayerGates, rows_before
from forecaster.models.numpy_dense import dense_rows, product

__all__ = ["LSTMWeights", "layer_shapes", "lstm_layer", "lstm_layers", "lstm_shapes"]


@dataclasses.dataclass(frozen=True)
class LSTMWeights:
    """One layer, its columns in the order input, forget, output, cell, the three gates halved.

    Half of the argument turns a sigmoid into a hyperbolic tangent, so that one call serves all four:
    ``sigmoid(x) = (1 + tanh(x / 2)) / 2``.
    """

    kernel: Float32Array
    recurrent: Float32Array
    bias: Float32Array
    activation: str = "tanh"

    @classmethod
    def from_keras(
        cls, kernel: Float32Array, recurrent: Float32Array, bias: Float32Array, activation: str = "tanh"
    ) -> "LSTMWeights":
        """Rearrange the arrays (F, 4U), (U, 4U), (4U,) of a `keras.layers.LSTM`."""
        units = recurrent.shape[0]
        i, f, c, o = (np.arange(units) + gate * units for gate in range(4))
        order = np.concatenate([i, f, o, c])
        scale = np.where(np.arange(4 * units) < 3 * units, 0.5, 1.0).astype(np.float32)
        parts = [np.ascontiguousarray(array[..., order] * scale) for array in (kernel, recurrent, bias)]
        return cls(parts[0], parts[1], parts[2], activation)

    @property
    def units(self) -> int:
        """Size U of the layer."""
        return int(self.recurrent.shape[0])

    def __call__(self, x: Float32Array, apart: bool = False) -> Float32Array:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`.

        The loop computes twice each gate, ``1 + tanh(x / 2)``, and twice each output, and halves them where that costs
        least; a factor of two changes no other bit. The gates of one kind lie together, for long rows.
        """
        rows, batch, _ = x.shape
        units = self.units
        inputs = dense_rows(x, self.kernel, self.bias, apart)
        result = np.empty((rows, batch, units), dtype=np.float32)
        hidden, cell, admitted = (np.zeros((batch, units), dtype=np.float32) for _ in range(3))
        arguments = np.empty((batch, 4 * units), dtype=np.float32)
        by_gate = arguments.reshape(batch, 4, units).transpose(1, 0, 2)
        gates = np.empty((4, batch, units), dtype=np.float32)
        sigmoids = gates[:3]
        input_gate, forget_gate, output_gate, candidate = gates
        activation = ACTIVATIONS[self.activation]
        multiply = product(batch, apart)
        is_tanh = self.activation == "tanh"  # the default, in place
        half = np.float32(0.5)
        recurrent = self.recurrent * half
        halves = np.full_like(cell, half)  # an array, as NumPy takes twice as long for a number
        ones = np.ones_like(sigmoids)
        for row_in, row_out in zip(inputs, result, strict=True):
            multiply(hidden, recurrent, arguments)
            arguments += row_in
            if is_tanh:
                np.tanh(by_gate, gates)
            else:
                np.tanh(by_gate[:3], sigmoids)
                candidate[:] = activation(by_gate[3])
            sigmoids += ones
            cell *= forget_gate
            np.multiply(input_gate, candidate, admitted)
            cell += admitted
            cell *= halves
            hidden = row_out
            if is_tanh:
                np.tanh(cell, hidden)
            else:
                hidden[:] = activation(cell)
            hidden *= output_gate
        result *= half
        return result

    def last(self, outputs: Float32Array) -> Float32Array:
        """Output for the whole of a sample, (B, U), from its `outputs` (T, B, U)."""
        return np.asarray(outputs[-1])

    def gates(self, name: str, x: Float32Array, outputs: Float32Array) -> list[LayerGates]:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`."""
        arguments: Float32Array = x @ self.kernel + rows_before(outputs) @ self.recurrent + self.bias
        half = np.float32(0.5)
        sigmoids = half * np.tanh(arguments[..., : 3 * self.units]) + half
        input_gate, forget_gate, output_gate = np.split(sigmoids, 3, axis=-1)
        admitted = input_gate * ACTIVATIONS[self.activation](arguments[..., 3 * self.units :])
        cell = np.empty_like(outputs)
        before = np.zeros_like(outputs[0])
        for row, (factor, addition) in enumerate(zip(forget_gate, admitted, strict=True)):
            cell[row] = before = factor * before + addition
        gates = {"forget": forget_gate, "input": input_gate, "output": output_gate}
        return [LayerGates(name, gates, cell, state_name="cell", kept_by="forget")]


def lstm_layers(arrays: Mapping[str, AnyArray], activation: str = "tanh") -> list[LSTMWeights]:
    """The stack ``lstm_0, lstm_1, ...`` from `forecaster.models.keras_weights.named_weights`."""
    count = len({name.split("/")[0] for name in arrays if name.startswith("lstm_")})
    return [lstm_layer(arrays, f"lstm_{k}", activation) for k in range(count)]


def lstm_layer(arrays: Mapping[str, AnyArray], name: str, activation: str) -> LSTMWeights:
    """The layer `name` of the named weights `arrays`."""
    kernel, recurrent, bias = (arrays[f"{name}/lstm_cell/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
    return LSTMWeights.from_keras(kernel, recurrent, bias, activation)


def lstm_shapes(inputs: int, units: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Shapes of the named weights of a stack with layers of the sizes `units` on `inputs` features."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, (below, size) in enumerate(itertools.pairwise((inputs, *units))):
        shapes |= layer_shapes(below, size, f"lstm_{k}")
    return shapes


def layer_shapes(inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the named weights of one layer."""
    return {
        f"{name}/lstm_cell/kernel": (inputs, 4 * units),
        f"{name}/lstm_cell/recurrent_kernel": (units, 4 * units),
        f"{name}/lstm_cell/bias": (4 * units,),
    }
