"""Linear map of recent rows (DLinear, Zeng et al. 2023): the sanity check of every larger network.

The inputs are split into a moving average and the rest, and each is mapped by a causal convolution. There is no
nonlinearity before the head.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from forecaster.arrays import AnyArray, Float32Array
from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.architectures.numpy_linear import LinearPass
from forecaster.models.bounds import LearningRate
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, TrainingOptions, Units
from forecaster.models.search_values import Choices

__all__ = ["DLinear", "Linear", "LinearOptions"]

MAX_MAPPED_ROWS = 1000


class DLinear(Architecture):
    """One linear map of the moving average of the inputs, and one of their distance to it."""

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        layers = keras.layers
        average = options.moving_average
        trend = layers.AveragePooling1D(average, strides=1)(layers.ZeroPadding1D((average - 1, 0))(inputs))
        rest = layers.Subtract()([inputs, trend])
        maps = []
        for name, part in (("trend", trend), ("rest", rest)):
            initializer = keras.initializers.GlorotUniform(seed=seeds.next())
            settings = {"padding": "causal", "use_bias": name == "trend", "kernel_initializer": initializer}
            maps.append(layers.Conv1D(options.units[0], options.kernel_size, name=name, **settings)(part))
        state = layers.Add()(maps)
        return state if sequences else state[:, -1]

    def reach(self, options: Any) -> int:
        """See `Architecture`."""
        return int(options.kernel_size + options.moving_average) - 2

    def numpy_pass(self, weights: Mapping[str, AnyArray], options: Any) -> LinearPass:
        """See `Architecture`."""
        return LinearPass.of(weights, options.moving_average)

    def lag_weights(self, weights: Mapping[str, AnyArray], x: Float32Array, options: Any) -> Sequence[LagWeights]:
        """See `Architecture`."""
        shares = self.numpy_pass(weights, options).lag_shares
        return [LagWeights("linear", np.broadcast_to(shares, (*x.shape[:2], len(shares))))]

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int]:
        """See `Architecture`."""
        units = options.units[0]
        kernel = (options.kernel_size, inputs, units)
        return {"trend/kernel": kernel, "trend/bias": (units,), "rest/kernel": kernel}, units


class LinearTraining(TrainingOptions):
    """Training of a linear map; its steps are smaller, since each row of the sum has weights of its own."""

    learning_rate: LearningRate = 1e-3


class LinearOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: linear``."""

    architecture: ClassVar[Architecture] = DLinear()

    kind: Literal["linear"] = "linear"
    units: Annotated[Units, Field(max_length=1), Choices(((8,), (16,), (32,), (64,)))] = (16,)
    kernel_size: Annotated[int, Field(ge=1, le=MAX_MAPPED_ROWS)] = 40
    moving_average: Annotated[int, Field(ge=1, le=MAX_MAPPED_ROWS)] = 25
    training: LinearTraining = LinearTraining()

    @model_validator(mode="after")
    def _every_weight_is_trained(self) -> Self:
        rows = self.kernel_size + self.moving_average - 1
        if rows > self.windows.chunk and self.windows.supervision == "dense":
            raise ValueError(
                f"kernel_size: with moving_average - 1, expected at most the {self.windows.chunk} rows of "
                f"windows.chunk; got {rows}, the oldest of which a training would never read"
            )
        return self


class Linear(QuantileForecaster):
    """Quantile forecaster with a linear map of recent rows."""

    name = "linear"
    Options = LinearOptions
