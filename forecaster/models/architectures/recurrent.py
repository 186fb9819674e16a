"""Stacks of recurrent layers: what LSTM, GRU, simple RNN and bidirectional LSTM share."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.activations import Activation
from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.numpy_stack import LayerNorm, RecurrentLayer, StackPass
from forecaster.models.quantile.options import QuantileOptions, Units
from forecaster.models.search_values import Choices

__all__ = ["RecurrentOptions", "RecurrentStack", "cell_settings"]


class RecurrentStack(Architecture):
    """Recurrent layers of the sizes `units`, each with an optional normalisation and residual connection.

    Attributes:
        prefix: Name of the layers, before their number.
        width: Outputs of a layer for each of its units.
    """

    carries_state: ClassVar[bool] = True
    prefix: ClassVar[str]
    width: ClassVar[int] = 1

    def layer(self, units: int, options: Any, seeds: Any, every_row: bool, name: str) -> Any:
        """A Keras layer with an output in every row or in the last one; see `cell_settings`."""
        raise NotImplementedError

    def initialise(self, layer: Any, options: Any, seeds: Any) -> None:
        """Change the start values of a Keras layer that was built."""

    def numpy_layer(self, weights: Mapping[str, AnyArray], name: str, options: Any) -> RecurrentLayer:
        """The same layer in NumPy, from named weights."""
        raise NotImplementedError

    def layer_shapes(self, inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """Name -> shape of the weights of a layer."""
        raise NotImplementedError

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        hidden = inputs
        for index, units in enumerate(options.units):
            before = hidden
            every_row = sequences or index < len(options.units) - 1
            layer = self.layer(units, options, seeds, every_row, f"{self.prefix}_{index}")
            layer.build(before.shape)
            self.initialise(layer, options, seeds)
            if options.windows.truncation and sequences:
                layer = _carried(layer, options)
            hidden = layer(before)
            if options.layer_norm:
                hidden = keras.layers.LayerNormalization(name=f"norm_{index}")(hidden)
            if options.residual and index:
                hidden = keras.layers.Add()([hidden, before if every_row else before[:, -1]])
        return hidden

    def numpy_pass(self, weights: Mapping[str, AnyArray], options: Any) -> StackPass[RecurrentLayer]:
        """See `Architecture`."""
        count = len(options.units)
        layers = [self.numpy_layer(weights, f"{self.prefix}_{index}", options) for index in range(count)]
        norms = [LayerNorm.of(weights, f"norm_{index}") for index in range(count)]
        return StackPass(layers, norms, options.residual)

    def gates(self, weights: Mapping[str, AnyArray], x: Float32Array, options: Any) -> Sequence[LayerGates]:
        """See `Architecture`."""
        return self.numpy_pass(weights, options).gates(x, self.prefix)

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int]:
        """See `Architecture`."""
        shapes: dict[str, tuple[int, ...]] = {}
        sizes = [inputs, *(self.width * units for units in options.units)]
        for index, (below, size) in enumerate(itertools.pairwise(sizes)):
            shapes |= self.layer_shapes(below, options.units[index], f"{self.prefix}_{index}")
            if options.layer_norm:
                shapes |= {f"norm_{index}/{part}": (size,) for part in ("gamma", "beta")}
        return shapes, sizes[-1]


def _carried(layer: Any, options: Any) -> Any:
    """`layer`, which carries its state between the pieces of a chunk in the training."""
    from forecaster.models.carried_state import CarriedState

    return CarriedState(layer, options.training.batch_size, options.windows.chunk // options.windows.truncation)


def cell_settings(options: Any, seeds: Any) -> dict[str, Any]:
    """Arguments of a recurrent layer of Keras that `options` decide."""
    if not options.recurrent_dropout:
        return {"activation": options.activation}
    return {
        "activation": options.activation,
        "recurrent_dropout": options.recurrent_dropout,
        "seed": seeds.next(),
    }


class RecurrentOptions(QuantileOptions):
    """Options of a stack of recurrent layers; the length of `units` is its depth."""

    architecture: ClassVar[RecurrentStack]

    units: Units = (32, 32)
    activation: Activation = "tanh"
    recurrent_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layer_norm: Annotated[bool, Choices((False, True))] = False
    residual: bool = False

    @model_validator(mode="after")
    def _residuals_have_two_layers_of_one_size(self) -> Self:
        if self.residual and (len(self.units) == 1 or len(set(self.units)) > 1):
            sizes = ", ".join(map(str, self.units))
            raise ValueError(
                f"residual: a layer is added to the one before it; expected several layers of one size; got units "
                f"[{sizes}]; give equal units"
            )
        return self

    @model_validator(mode="after")
    def _normalised_layers_vary(self) -> Self:
        if self.layer_norm and self.architecture.width * min(self.units) == 1:
            raise ValueError("layer_norm: one normalised unit is a constant; expected layers of 2 or more units")
        return self
