"""The stacked LSTM as a Keras model, and its weights as named arrays."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.quantile.head import QuantileHead

__all__ = ["build_point_network", "build_quantile_network", "load_weights", "named_weights"]


class _Seeds:
    """Seeds for each random part of a network in turn; Keras's own global seed would import TensorFlow."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def next(self) -> int:
        """A new seed."""
        return int(self._rng.integers(2**31))

    def lstm(self, units: int, return_sequences: bool, name: str) -> keras.layers.LSTM:
        """An LSTM layer with Keras's default initialisation."""
        kernel = keras.initializers.GlorotUniform(seed=self.next())
        recurrent = keras.initializers.Orthogonal(seed=self.next())
        return keras.layers.LSTM(
            units,
            return_sequences=return_sequences,
            kernel_initializer=kernel,
            recurrent_initializer=recurrent,
            name=name,
        )

    def dense(self, units: int, name: str) -> keras.layers.Dense:
        """A dense layer with Keras's default initialisation."""
        kernel = keras.initializers.GlorotUniform(seed=self.next())
        return keras.layers.Dense(units, kernel_initializer=kernel, name=name)


def build_quantile_network(
    num_features: int, units: Sequence[int], dropout: float, sequences: bool, head: QuantileHead, seed: int
) -> keras.Model:
    """LSTM stack, dropout, `QuantileHead`.

    Args:
        num_features: F.
        units: Sizes of the LSTM layers.
        dropout: Share of the last layer's outputs that is dropped while training.
        sequences: Whether every row is forecast, (B, T, F) -> (B, T, K, 1 + Q), or only the last one,
            (B, T, F) -> (B, K, 1 + Q).
        head: The output layer.
        seed: Of the weights and of the dropout.
    """
    seeds = _Seeds(seed)
    inputs = hidden = keras.Input((None, num_features))
    for index, size in enumerate(units):
        hidden = seeds.lstm(size, sequences or index < len(units) - 1, f"lstm_{index}")(hidden)
    if dropout:
        hidden = keras.layers.Dropout(dropout, seed=seeds.next())(hidden)
    return keras.Model(inputs, head([hidden, inputs if sequences else inputs[:, -1]]))


def build_point_network(units: Sequence[int], dropout: float, dense_units: int, seed: int) -> keras.Model:
    """The tutorial's network: LSTM layers with dropout after each, a dense layer, one number: (B, L, 1) -> (B, 1).

    Args:
        units: Sizes of the LSTM layers.
        dropout: Share of each layer's outputs that is dropped while training.
        dense_units: Size of the layer before the output; 0 for none.
        seed: Of the weights and of the dropout.
    """
    seeds = _Seeds(seed)
    inputs = hidden = keras.Input((None, 1))
    for index, size in enumerate(units):
        hidden = seeds.lstm(size, index < len(units) - 1, f"lstm_{index}")(hidden)
        if dropout:
            hidden = keras.layers.Dropout(dropout, seed=seeds.next())(hidden)
    if dense_units:
        hidden = seeds.dense(dense_units, "dense")(hidden)
    return keras.Model(inputs, seeds.dense(1, "output")(hidden))


def named_weights(network: keras.Model) -> dict[str, Float32Array]:
    """Every weight of `network` by its path, such as ``lstm_0/lstm_cell/kernel``."""
    return {
        weight.path: np.array(keras.ops.convert_to_numpy(weight.value))
        for weight in network.weights
        if "seed" not in weight.path
    }


def load_weights(network: keras.Model, arrays: Mapping[str, AnyArray]) -> None:
    """Put the arrays of `named_weights` into a network of the same build."""
    for weight in network.weights:
        if "seed" not in weight.path:
            weight.assign(arrays[weight.path])
