"""Stacked simple RNN (Elman 1990): no gates, so its memory fades fast; it shows what an LSTM is for."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.activations import ACTIVATIONS
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.recurrent import RecurrentOptions, RecurrentStack, cell_settings
from forecaster.models.numpy_dense import dense_rows, product
from forecaster.models.quantile.forecaster import QuantileForecaster

__all__ = ["RNN", "RNNOptions", "RNNWeights", "StackedRNN"]


@dataclasses.dataclass(frozen=True)
class RNNWeights:
    """One layer in NumPy, with kernels (F, U) and (U, U); see `forecaster.models.architectures.numpy_stack`."""

    kernel: Float32Array
    recurrent: Float32Array
    bias: Float32Array
    activation: str = "tanh"

    def __call__(self, x: Float32Array, apart: bool = False) -> Float32Array:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`."""
        activation = ACTIVATIONS[self.activation]
        inputs = dense_rows(x, self.kernel, self.bias, apart)
        result = np.empty((*x.shape[:2], self.kernel.shape[1]), dtype=np.float32)
        hidden = np.zeros(result.shape[1:], dtype=np.float32)
        multiplied = np.empty_like(hidden)
        multiply = product(x.shape[1], apart)
        for row_in, row_out in zip(inputs, result, strict=True):
            multiply(hidden, self.recurrent, multiplied)
            multiplied += row_in
            row_out[:] = activation(multiplied)
            hidden = row_out
        return result

    def last(self, outputs: Float32Array) -> Float32Array:
        """Output for the whole of a sample, (B, U), from its `outputs` (T, B, U)."""
        return np.asarray(outputs[-1])

    def gates(self, name: str, x: Float32Array, outputs: Float32Array) -> list[LayerGates]:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`; the outputs alone."""
        return [LayerGates(name, {}, outputs)]


class StackedRNN(RecurrentStack):
    """Simple recurrent layers."""

    prefix = "rnn"

    def layer(self, units: int, options: Any, seeds: Any, every_row: bool, name: str) -> Any:
        """See `RecurrentStack`."""
        import keras

        return seeds.recurrent(keras.layers.SimpleRNN, units, every_row, name, **cell_settings(options, seeds))

    def numpy_layer(self, weights: Mapping[str, AnyArray], name: str, options: Any) -> RNNWeights:
        """See `RecurrentStack`."""
        kernel, recurrent, bias = (weights[part] for part in self.layer_shapes(1, 1, name))
        return RNNWeights(kernel, recurrent, bias, options.activation)

    def layer_shapes(self, inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """See `RecurrentStack`."""
        cell = f"{name}/simple_rnn_cell"
        return {
            f"{cell}/kernel": (inputs, units),
            f"{cell}/recurrent_kernel": (units, units),
            f"{cell}/bias": (units,),
        }


class RNNOptions(RecurrentOptions):
    """Section ``model`` of a configuration with ``kind: rnn``."""

    architecture: ClassVar[RecurrentStack] = StackedRNN()

    kind: Literal["rnn"] = "rnn"


class RNN(QuantileForecaster):
    """Quantile forecaster with a stacked simple RNN."""

    name = "rnn"
    Options = RNNOptions
