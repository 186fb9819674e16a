"""Small causal Transformer (Vaswani et al. 2017, normalised before each part as in Xiong et al. 2020).

Its layers together look back as far as the burn-in of a chunk, so the state of a scored row does not depend on where
its chunk begins.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.activations import Activation
from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.architectures.numpy_transformer import TransformerPass, transformer_shapes
from forecaster.models.bounds import LearningRate, Rows
from forecaster.models.memory import attention_training_bytes
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, TrainingOptions, Units, WindowOptions
from forecaster.models.search_values import Choices

__all__ = ["CausalTransformer", "Transformer", "TransformerOptions"]


class CausalTransformer(Architecture):
    """Layers of attention and of a network for each row."""

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        from forecaster.models.architectures.banded_attention import banded_attention

        def normalised(x: Any, name: str) -> Any:
            return keras.layers.LayerNormalization(name=name)(x)

        units = options.units[0]
        hidden = seeds.dense(units, "embedding")(inputs)
        for index in range(len(options.units)):
            projected = seeds.dense(3 * units, f"projection_{index}")(normalised(hidden, f"norm_{index}"))
            attended = banded_attention(projected, options.heads, options.attention_rows, f"attention_{index}")
            hidden = keras.layers.Add()([hidden, seeds.dense(units, f"mixing_{index}")(attended)])
            wide = seeds.dense(options.feedforward_units, f"wide_{index}")(normalised(hidden, f"second_norm_{index}"))
            active = keras.layers.Activation(options.activation)(wide)
            hidden = keras.layers.Add()([hidden, seeds.dense(units, f"narrow_{index}")(active)])
        state = normalised(hidden, "last_norm")
        return state if sequences else state[:, -1]

    def reach(self, options: Any) -> int:
        """See `Architecture`."""
        return len(options.units) * (int(options.attention_rows) - 1)

    def numpy_pass(self, weights: Mapping[str, AnyArray], options: Any) -> TransformerPass:
        """See `Architecture`."""
        return TransformerPass(
            weights, len(options.units), options.heads, options.attention_rows, activation=options.activation
        )

    def lag_weights(self, weights: Mapping[str, AnyArray], x: Float32Array, options: Any) -> Sequence[LagWeights]:
        """See `Architecture`; the mean attention of the heads."""
        layers = self.numpy_pass(weights, options).attention_by_lag(x)
        return [LagWeights(f"attention_{index}", layer) for index, layer in enumerate(layers)]

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int]:
        """See `Architecture`."""
        units = options.units[0]
        return transformer_shapes(inputs, len(options.units), units, options.feedforward_units), units


class TransformerWindows(WindowOptions):
    """Samples of a Transformer; the cost of a chunk rises with the square of its length."""

    chunk: Rows = 192
    context_length: Rows = 64


class TransformerTraining(TrainingOptions):
    """Training of a Transformer."""

    learning_rate: LearningRate = 1e-3


class TransformerOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: transformer``; the length of `units` is its depth."""

    architecture: ClassVar[Architecture] = CausalTransformer()

    kind: Literal["transformer"] = "transformer"
    units: Units = (32, 32)
    heads: Annotated[int, Field(ge=1, le=64), Choices((1, 2, 4))] = 2
    feedforward_units: Annotated[int, Field(ge=1, le=4096)] = 64
    activation: Activation = "gelu"
    windows: TransformerWindows = TransformerWindows()
    training: TransformerTraining = TransformerTraining()

    @model_validator(mode="after")
    def _layers_have_one_size(self) -> Self:
        if len(set(self.units)) > 1:
            sizes = ", ".join(map(str, self.units))
            raise ValueError(f"units: a layer is added to the one before it; expected equal sizes; got [{sizes}]")
        if self.units[0] % self.heads:
            raise ValueError(f"heads: expected a divisor of the {self.units[0]} units; got {self.heads}")
        return self

    @property
    def attention_rows(self) -> int:
        """Rows that a row of a layer attends to, itself included: all layers together reach over the burn-in."""
        windows = self.windows
        reach = windows.burn_in if windows.supervision == "dense" else windows.context_length
        return reach // len(self.units) + 1

    @property
    def training_bytes(self) -> int:
        """Memory of a training, a low estimate."""
        attention = attention_training_bytes(
            len(self.units) * self.heads, self.windows.sample_rows, self.training.batch_size
        )
        return super().training_bytes + attention


class Transformer(QuantileForecaster):
    """Quantile forecaster with a causal Transformer."""

    name = "transformer"
    Options = TransformerOptions
