"""The network in the middle of a quantile forecaster, from the inputs to the state that the head reads.

An architecture is added by one file of this folder (see `forecaster.models.architectures.gru`) and one line in
`forecaster.models`. This file does not import Keras: a model with a NumPy pass forecasts without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights

__all__ = ["Architecture", "ForwardPass"]


class ForwardPass(Protocol):
    """A network with fixed weights, from features to states.

    A state has the shape (U,), or (K, U) where the architecture has one for each forecast step. Its bits depend
    neither on how many rows are asked for nor on the rows after it.
    """

    def histories(self, x: Float32Array) -> Float32Array:
        """State in every row of histories x (B, T, F), read from their first rows on: (B, T, ..., U).

        Only a causal architecture has it.
        """

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """State in the last row of each window of x (N, L, F): (N, ..., U).

        Args:
            x: Windows, each read by itself.
            places: (N,) row number of each window's last row in its history.
        """


class Architecture(ABC):
    """A network without its head.

    Attributes:
        causal: The state in row t depends on rows up to t only. Then every row of a sample is scored in training, and
            a forecast reads a history once. Any other architecture reads one window for each forecast.
        per_step: There is a state for each forecast step, as of a decoder.
        carries_state: A sample can be read in pieces, each from the state after the one before.
    """

    causal: ClassVar[bool] = True
    per_step: ClassVar[bool] = False
    carries_state: ClassVar[bool] = False

    @abstractmethod
    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """Connect Keras layers to `inputs`.

        Args:
            inputs: Keras tensor (B, T, F).
            options: `QuantileOptions` of the model; its knots are the K steps that are forecast.
            seeds: `forecaster.models.keras_weights.Seeds` for initialisers, and for dropout between layers.
            sequences: True for a state in every row, False for one in the last row.

        Returns:
            Keras tensor of the states, before the dropout of the head's inputs: (B, T, U) with `sequences`, else
            (B, U); with `per_step` (B, T, K, U) and (B, K, U).
        """

    def reach(self, options: Any) -> int | None:
        """Rows before a row that its state depends on; None where the state keeps all of them."""
        return None

    @property
    def has_numpy_pass(self) -> bool:
        """True if a fitted model forecasts without Keras."""
        return type(self).numpy_pass is not Architecture.numpy_pass

    def numpy_pass(self, weights: Mapping[str, AnyArray], options: Any) -> ForwardPass | None:
        """The same network in NumPy, from its named weights; None where it is not written: then Keras forecasts."""
        return None

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int] | None:
        """Name -> shape of every weight that `numpy_pass` reads, and the size U of a state.

        None where there is no NumPy pass: then Keras compares the shapes.

        Args:
            inputs: Number F of features.
            options: `QuantileOptions` of the model.
        """
        return None

    def gates(self, weights: Mapping[str, AnyArray], x: Float32Array, options: Any) -> Sequence[LayerGates]:
        """Gates and states (B, T, U) of every recurrent layer on histories x (B, T, F).

        Rows come in the order in which a layer reads them.
        """
        return ()

    def lag_weights(self, weights: Mapping[str, AnyArray], x: Float32Array, options: Any) -> Sequence[LagWeights]:
        """Weights (B, T, L + 1) of past rows in every layer that reads them at once, on histories x (B, T, F)."""
        return ()
