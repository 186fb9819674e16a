"""Weights of a Keras network: seeded initialisers, and the trained values as named arrays."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from forecaster.arrays import AnyArray, Float32Array

__all__ = ["Seeds", "load_weights", "named_weights"]


class Seeds:
    """Seeds for the random parts of a network, in the order of its layers.

    Keras's own global seed would import TensorFlow.

    Args:
        seed: Seed of the whole network.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def next(self) -> int:
        """A new seed."""
        return int(self._rng.integers(2**31))

    def recurrent(
        self, layer: type[keras.layers.Layer], units: int, return_sequences: bool, name: str, **settings: Any
    ) -> keras.layers.Layer:
        """A recurrent layer such as `keras.layers.LSTM` with Keras's default initialisation.

        Args:
            layer: Class of the layer.
            units: Size U of its output.
            return_sequences: True for an output in every row, False for one in the last row only.
            name: Name of the layer, the first part of the paths of its weights.
            settings: Further arguments of `layer`.
        """
        kernel = keras.initializers.GlorotUniform(seed=self.next())
        recurrent = keras.initializers.Orthogonal(seed=self.next())
        return layer(
            units,
            return_sequences=return_sequences,
            kernel_initializer=kernel,
            recurrent_initializer=recurrent,
            name=name,
            **settings,
        )

    def dense(self, units: int, name: str) -> keras.layers.Dense:
        """A dense layer with Keras's default initialisation."""
        kernel = keras.initializers.GlorotUniform(seed=self.next())
        return keras.layers.Dense(units, kernel_initializer=kernel, name=name)


def named_weights(network: keras.Model) -> dict[str, Float32Array]:
    """Every weight of `network` by its path, such as ``lstm_0/lstm_cell/kernel``, without seeds and carried states."""
    return {
        weight.path: np.array(keras.ops.convert_to_numpy(weight.value))
        for weight in network.weights
        if _is_learned(weight)
    }


def load_weights(network: keras.Model, arrays: Mapping[str, AnyArray]) -> None:
    """Assign the arrays of `named_weights` to a network of the same build.

    Raises:
        KeyError: `arrays` lacks a weight of the network.
    """
    for weight in network.weights:
        if _is_learned(weight):
            weight.assign(arrays[weight.path])


def _is_learned(weight: keras.Variable) -> bool:
    return "seed" not in weight.path and not weight.path.startswith("carried_")
