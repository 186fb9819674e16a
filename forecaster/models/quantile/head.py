"""The quantile head: starts at the baseline and cannot cross."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from forecaster.quantiles import normal_scores

__all__ = ["QuantileHead"]


@keras.saving.register_keras_serializable(package="forecaster")
class QuantileHead(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Location and quantiles of the scaled return at several steps.

    The middle quantile is 0; the distance between neighbours is that of the normal distribution times
    ``exp(output)``. With zero weights, as at the start, the quantiles are exactly those of N(0, 1), which is
    the EWMA forecast, and whatever the weights are they cannot cross. The location has its own weights on
    top of a stopped gradient, so learning it cannot disturb the widths. It starts from a linear map of the
    inputs that is given, not trained (`forecaster.models.quantile.linear_location`).

    Args:
        num_steps: Number of steps K.
        quantile_levels: (Q,) increasing, an odd number, 0.5 in the middle.

    Call arguments:
        inputs: (..., U) output of the last LSTM layer, and (..., F) inputs of the network in the same row.

    Returns:
        (..., K, 1 + Q): the location, then the quantiles around 0.
    """

    def __init__(self, num_steps: int, quantile_levels: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_steps, self.quantile_levels = num_steps, tuple(quantile_levels)
        scores = normal_scores(self.quantile_levels)
        self._gaps = [float(b - a) for a, b in itertools.pairwise(scores)]

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Make the dense layers for inputs (..., U) and (..., F)."""
        self.spread = keras.layers.Dense(self.num_steps * len(self._gaps), kernel_initializer="zeros", name="spread")
        self.location = keras.layers.Dense(self.num_steps, kernel_initializer="zeros", name="location")
        self.direct = keras.layers.Dense(
            self.num_steps, use_bias=False, kernel_initializer="zeros", trainable=False, name="direct"
        )
        self.spread.build(input_shape[0])
        self.location.build(input_shape[0])
        self.direct.build(input_shape[1])
        super().build(input_shape)

    def call(self, inputs: Sequence[Any]) -> Any:
        """See the class."""
        hidden, features = inputs
        half = len(self._gaps) // 2
        raw = self.spread(hidden)
        raw = ops.reshape(raw, (*ops.shape(raw)[:-1], self.num_steps, len(self._gaps)))
        gaps = ops.convert_to_tensor(self._gaps, dtype=raw.dtype) * ops.exp(raw)
        upper = ops.cumsum(gaps[..., half:], axis=-1)
        lower = ops.flip(ops.cumsum(ops.flip(gaps[..., :half], axis=-1), axis=-1), axis=-1)
        location = (self.direct(features) + self.location(ops.stop_gradient(hidden)))[..., None]
        return ops.concatenate([location, -lower, ops.zeros_like(location), upper], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What the constructor needs."""
        return {**super().get_config(), "num_steps": self.num_steps, "quantile_levels": self.quantile_levels}
