"""Stacked LSTM: the default model."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from forecaster.arrays import AnyArray
from forecaster.models.architectures.forget_bias import LSTM_BIAS_SIGNS, GatedOptions, GatedStack
from forecaster.models.architectures.numpy_lstm import LSTMWeights, layer_shapes, lstm_layer
from forecaster.models.architectures.recurrent import cell_settings
from forecaster.models.quantile.forecaster import QuantileForecaster

__all__ = ["LSTM", "LSTMOptions", "StackedLSTM"]


class StackedLSTM(GatedStack):
    """LSTM layers."""

    prefix = "lstm"
    bias_signs: ClassVar = LSTM_BIAS_SIGNS

    def layer(self, units: int, options: Any, seeds: Any, every_row: bool, name: str) -> Any:
        """See `RecurrentStack`."""
        import keras

        return seeds.recurrent(keras.layers.LSTM, units, every_row, name, **cell_settings(options, seeds))

    def numpy_layer(self, weights: Mapping[str, AnyArray], name: str, options: Any) -> LSTMWeights:
        """See `RecurrentStack`."""
        return lstm_layer(weights, name, options.activation)

    def layer_shapes(self, inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """See `RecurrentStack`."""
        return layer_shapes(inputs, units, name)


class LSTMOptions(GatedOptions):
    """Section ``model`` of a configuration with ``kind: lstm``."""

    architecture: ClassVar[GatedStack] = StackedLSTM()

    kind: Literal["lstm"] = "lstm"


class LSTM(QuantileForecaster):
    """Quantile forecaster with a stacked LSTM."""

    name = "lstm"
    Options = LSTMOptions
