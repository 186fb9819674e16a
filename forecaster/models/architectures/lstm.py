"""Stacked LSTM: the default model."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.gates import LayerGates, lstm_gates
from forecaster.models.architectures.numpy_lstm import LSTMPass, lstm_layers, lstm_shapes
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, Units

__all__ = ["LSTM", "LSTMOptions", "StackedLSTM"]


class StackedLSTM(Architecture):
    """LSTM layers of the sizes `units`."""

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        hidden = inputs
        for index, units in enumerate(options.units):
            every_row = sequences or index < len(options.units) - 1
            hidden = seeds.recurrent(keras.layers.LSTM, units, every_row, f"lstm_{index}")(hidden)
        return hidden

    def numpy_pass(self, weights: Mapping[str, AnyArray]) -> LSTMPass:
        """See `Architecture`."""
        return LSTMPass(lstm_layers(weights))

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int]:
        """See `Architecture`."""
        return lstm_shapes(inputs, options.units), options.units[-1]

    def gates(self, weights: Mapping[str, AnyArray], x: Float32Array) -> Sequence[LayerGates]:
        """See `Architecture`."""
        return lstm_gates(lstm_layers(weights), x)


class LSTMOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: lstm``."""

    architecture: ClassVar[Architecture] = StackedLSTM()

    kind: Literal["lstm"] = "lstm"
    units: Units = (32, 32)


class LSTM(QuantileForecaster):
    """Quantile forecaster with a stacked LSTM."""

    name = "lstm"
    Options = LSTMOptions
