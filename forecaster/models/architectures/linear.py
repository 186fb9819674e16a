"""Linear map of recent rows (DLinear, Zeng et al. 2023): the sanity check of every larger network.

The inputs are split into a moving average and the rest, and each is mapped by a causal convolution. There is no
nonlinearity before the head.
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.architectures.base import Architecture
from forecaster.models.bounds import LearningRate
from forecaster.models.numpy_dense import dense
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, TrainingOptions, Units

__all__ = ["DLinear", "Linear", "LinearOptions", "LinearPass"]

MAX_MAPPED_ROWS = 1000


@dataclasses.dataclass(frozen=True)
class LinearPass:
    """The network in NumPy: one linear map of the last rows; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        kernel: (R, F, U) weights of the last R rows, the newest one first.
        bias: (U,).
    """

    kernel: Float32Array
    bias: Float32Array

    @classmethod
    def of(cls, weights: Mapping[str, AnyArray], moving_average: int) -> "LinearPass":
        """Join the map of the moving average and that of the rest."""
        trend, rest = (weights[f"{name}/kernel"][::-1].astype(np.float64) for name in ("trend", "rest"))
        kernel = np.zeros((len(trend) + moving_average - 1, *trend.shape[1:]))
        kernel[: len(rest)] = rest
        for age in range(moving_average):
            kernel[age : age + len(trend)] += (trend - rest) / moving_average
        return cls(kernel.astype(np.float32), weights["trend/bias"])

    def histories(self, x: Float32Array) -> Float32Array:
        """State in every row of histories x (B, T, F), with zeros before them: (B, T, U)."""
        padded = np.pad(x, ((0, 0), (len(self.kernel), 0), (0, 0)))
        spans = np.lib.stride_tricks.sliding_window_view(padded, len(self.kernel), axis=1)[:, 1:]
        return np.stack([self._map(history) for history in spans])

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """State in the last row of each window of x (N, L, F), with zeros before it: (N, U)."""
        padded = np.pad(x, ((0, 0), (max(len(self.kernel) - x.shape[1], 0), 0), (0, 0)))
        return self._map(padded[:, padded.shape[1] - len(self.kernel) :].transpose(0, 2, 1), places)

    def _map(self, spans: Float32Array, places: IntArray | None = None) -> Float32Array:
        """States (N, U) of spans (N, F, R), the oldest row first."""
        kernel = self.kernel[::-1].transpose(1, 0, 2).reshape(-1, self.kernel.shape[2])
        return dense(spans.reshape(len(spans), len(kernel)), kernel, self.bias, places)


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

    def numpy_pass(self, weights: Mapping[str, AnyArray], options: Any) -> LinearPass:
        """See `Architecture`."""
        return LinearPass.of(weights, options.moving_average)

    def weight_shapes(self, inputs: int, options: Any) -> tuple[Mapping[str, tuple[int, ...]], int]:
        """See `Architecture`."""
        units = options.units[0]
        kernel = (options.kernel_size, inputs, units)
        return {"trend/kernel": kernel, "trend/bias": (units,), "rest/kernel": kernel}, units


class LinearTraining(TrainingOptions):
    """Training of a linear map: smaller steps, since each row of the sum has weights of its own."""

    learning_rate: LearningRate = 1e-3


class LinearOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: linear``."""

    architecture: ClassVar[Architecture] = DLinear()

    kind: Literal["linear"] = "linear"
    units: Annotated[Units, Field(max_length=1)] = (16,)
    kernel_size: Annotated[int, Field(ge=1, le=MAX_MAPPED_ROWS)] = 40
    moving_average: Annotated[int, Field(ge=1, le=MAX_MAPPED_ROWS)] = 25
    training: LinearTraining = LinearTraining()


class Linear(QuantileForecaster):
    """Quantile forecaster with a linear map of recent rows."""

    name = "linear"
    Options = LinearOptions
