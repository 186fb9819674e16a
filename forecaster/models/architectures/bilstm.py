"""Bidirectional LSTM (Schuster and Paliwal 1997): two LSTMs read a window, one from each end.

The backward one carries later rows into earlier outputs, so only the last row of a window may be scored, and every
forecast reads a window of its own.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.architectures.forget_bias import LSTM_BIAS_SIGNS, GatedOptions, GatedStack
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.numpy_lstm import LSTMWeights, layer_shapes, lstm_layer
from forecaster.models.architectures.recurrent import cell_settings
from forecaster.models.bounds import BatchSize, LearningRate, Rows, Steps
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import TrainingOptions, Units, WindowOptions

__all__ = ["BiLSTM", "BiLSTMOptions", "BothDirections", "StackedBiLSTM"]


@dataclasses.dataclass(frozen=True)
class BothDirections:
    """One layer in NumPy; see `forecaster.models.architectures.numpy_stack`."""

    forward: LSTMWeights
    backward: LSTMWeights

    @property
    def recurrent(self) -> Float32Array:
        """The kernel that is multiplied in every row, of the size of both."""
        return self.forward.recurrent

    def __call__(self, x: Float32Array, apart: bool = False) -> Float32Array:
        """Outputs of both for x (T, B, F), side by side: (T, B, 2U)."""
        return np.concatenate([self.forward(x, apart), self.backward(x[::-1], apart)[::-1]], axis=-1)

    def last(self, outputs: Float32Array) -> Float32Array:
        """Outputs of each direction after the whole sample, (B, 2U), from `outputs` (T, B, 2U)."""
        units = self.forward.units
        return np.concatenate([outputs[-1, :, :units], outputs[0, :, units:]], axis=-1)

    def gates(self, name: str, x: Float32Array, outputs: Float32Array) -> list[LayerGates]:
        """See `forecaster.models.architectures.numpy_stack.RecurrentLayer`; rows in the order of each direction."""
        units = self.forward.units
        forward = self.forward.gates(f"{name}/forward", x, outputs[..., :units])
        return forward + self.backward.gates(f"{name}/backward", x[::-1], outputs[::-1, :, units:])


class StackedBiLSTM(GatedStack):
    """Bidirectional LSTM layers; each has twice its units as outputs."""

    causal = False
    carries_state = False
    prefix = "bilstm"
    width = 2
    bias_signs: ClassVar = LSTM_BIAS_SIGNS

    def layer(self, units: int, options: Any, seeds: Any, every_row: bool, name: str) -> Any:
        """See `RecurrentStack`."""
        import keras

        forward, backward = (
            seeds.recurrent(
                keras.layers.LSTM,
                units,
                every_row,
                "lstm" if direction == "forward" else "backward_lstm",  # Keras adds "forward_" to the name
                go_backwards=direction == "backward",
                **cell_settings(options, seeds),
            )
            for direction in ("forward", "backward")
        )
        return keras.layers.Bidirectional(forward, backward_layer=backward, name=name)

    def cells(self, layer: Any) -> tuple[Any, ...]:
        """See `GatedStack`."""
        return layer.forward_layer.cell, layer.backward_layer.cell

    def numpy_layer(self, weights: Mapping[str, AnyArray], name: str, options: Any) -> BothDirections:
        """See `RecurrentStack`."""
        layers = (lstm_layer(weights, layer, options.activation) for layer in _names(name))
        return BothDirections(*layers)

    def layer_shapes(self, inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """See `RecurrentStack`."""
        forward, backward = (layer_shapes(inputs, units, layer) for layer in _names(name))
        return forward | backward


def _names(name: str) -> tuple[str, str]:
    """Names of the two layers of the bidirectional layer `name`."""
    return f"{name}/forward_lstm", f"{name}/backward_lstm"


class BiLSTMWindows(WindowOptions):
    """Windows of a bidirectional LSTM."""

    supervision: Literal["dense", "last"] = "last"
    context_length: Rows = 64


class BiLSTMTraining(TrainingOptions):
    """Training of a bidirectional LSTM: a window has one target, so a step needs many windows."""

    steps: Steps = 300
    batch_size: BatchSize = 128
    learning_rate: LearningRate = 2e-3


class BiLSTMOptions(GatedOptions):
    """Section ``model`` of a configuration with ``kind: bilstm``."""

    architecture: ClassVar[GatedStack] = StackedBiLSTM()

    kind: Literal["bilstm"] = "bilstm"
    units: Units = (32,)
    windows: BiLSTMWindows = BiLSTMWindows()
    training: BiLSTMTraining = BiLSTMTraining()


class BiLSTM(QuantileForecaster):
    """Quantile forecaster with a stacked bidirectional LSTM."""

    name = "bilstm"
    Options = BiLSTMOptions
