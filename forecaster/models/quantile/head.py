"""The Keras layer of the quantile forecaster behind its network, and its loss.

`forecaster.models.quantile.numpy_head` computes the same in NumPy.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from forecaster.models.quantile.location_gate import MAX_OUTCOME
from forecaster.quantiles import normal_scores

__all__ = ["QuantileHead", "QuantileLoss", "quantiles_around_zero"]


@keras.saving.register_keras_serializable(package="forecaster")
class QuantileHead(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Location and quantiles of the scaled return at several steps.

    The middle quantile is 0; the distance between neighbours is that of the normal distribution times
    ``exp(output)``. With zero weights, as at the start, the quantiles are exactly those of N(0, 1), which is
    the EWMA forecast, and whatever the weights are they cannot cross. The location has its own weights on
    top of a stopped gradient, so learning it cannot disturb the widths. It starts from a linear map of the
    inputs that is given, not trained (`forecaster.models.quantile.linear_location`).

    Args:
        num_steps: Number of steps K, at least 1.
        quantile_levels: (Q,) increasing in (0, 1), an odd number, at least 3, with 0.5 in the middle.
        per_step: True where the network has a state for each step; the steps then share their kernels.

    Call arguments:
        inputs: State of the network (..., U), with `per_step` (..., K, U), and the inputs of the network (..., F) in
            the same row.

    Returns:
        (..., K, 1 + Q): the location, then the quantiles around 0.

    Raises:
        ValueError: `num_steps` or `quantile_levels` are not as described.

    Example:
        A head without training, for 4 samples of 7 rows, a state of 16 units and 8 features:

        >>> import numpy as np
        >>> head = QuantileHead(num_steps=2, quantile_levels=(0.1, 0.5, 0.9))
        >>> output = head([np.zeros((4, 7, 16), "float32"), np.zeros((4, 7, 8), "float32")])
        >>> tuple(output.shape)
        (4, 7, 2, 4)
        >>> [round(float(value), 2) for value in output[0, 0, 0]]
        [0.0, -1.28, 0.0, 1.28]
    """

    def __init__(self, num_steps: int, quantile_levels: Sequence[float], per_step: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check_steps(num_steps)
        _check_levels(quantile_levels)
        self.num_steps = num_steps
        self.quantile_levels = tuple(quantile_levels)
        self.per_step = per_step
        scores = normal_scores(self.quantile_levels)
        self._gaps = [float(right - left) for left, right in itertools.pairwise(scores)]

    def build(self, input_shape: Sequence[tuple[int | None, ...]]) -> None:
        """Make the dense layers for inputs (..., U) or (..., K, U), and (..., F)."""
        steps = self.num_steps
        gaps = len(self._gaps)
        if self.per_step:
            self.spread = keras.layers.EinsumDense(
                "...ku,uq->...kq", (steps, gaps), bias_axes="kq", kernel_initializer="zeros", name="spread"
            )
            self.location = keras.layers.EinsumDense(
                "...ku,uq->...kq", (steps, 1), bias_axes="kq", kernel_initializer="zeros", name="location"
            )
        else:
            self.spread = keras.layers.Dense(steps * gaps, kernel_initializer="zeros", name="spread")
            self.location = keras.layers.Dense(steps, kernel_initializer="zeros", name="location")
        self.direct = keras.layers.Dense(
            steps, use_bias=False, kernel_initializer="zeros", trainable=False, name="direct"
        )
        self.spread.build(input_shape[0])
        self.location.build(input_shape[0])
        self.direct.build(input_shape[1])
        super().build(input_shape)

    def call(self, inputs: Sequence[Any]) -> Any:
        """See the class."""
        state, features = inputs
        raw = self.spread(state)
        moved = self.location(ops.stop_gradient(state))
        if self.per_step:
            moved = moved[..., 0]
        else:
            raw = ops.reshape(raw, (*ops.shape(raw)[:-1], self.num_steps, len(self._gaps)))
        location = (self.direct(features) + moved)[..., None]
        return ops.concatenate([location, quantiles_around_zero(raw, self._gaps)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        own = {"num_steps": self.num_steps, "quantile_levels": self.quantile_levels, "per_step": self.per_step}
        return {**super().get_config(), **own}


def quantiles_around_zero(raw: Any, gaps: Sequence[float]) -> Any:
    """Quantiles (..., Q) whose neighbours are ``gaps * exp(raw)`` apart, from raw (..., Q - 1); the middle one is 0."""
    half = len(gaps) // 2
    spacing = ops.convert_to_tensor(gaps, dtype=raw.dtype) * ops.exp(raw)
    upper = ops.cumsum(spacing[..., half:], axis=-1)
    lower = ops.flip(ops.cumsum(ops.flip(spacing[..., :half], axis=-1), axis=-1), axis=-1)
    return ops.concatenate([-lower, ops.zeros_like(upper[..., :1]), upper], axis=-1)


def _check_steps(num_steps: int) -> None:
    if isinstance(num_steps, bool) or not isinstance(num_steps, int) or num_steps < 1:
        raise ValueError(f"num_steps: expected an integer of at least 1; got {num_steps!r}")


def _check_levels(levels: Sequence[float]) -> None:
    increasing = all(left < right for left, right in itertools.pairwise(levels))
    inside = all(0 < level < 1 for level in levels)
    if not (len(levels) >= 3 and len(levels) % 2 and increasing and inside and levels[len(levels) // 2] == 0.5):
        raise ValueError(
            "quantile_levels: expected an odd number of increasing levels in (0, 1), at least 3, with 0.5 in the "
            f"middle; got {tuple(levels)}"
        )


class QuantileLoss:
    """Mean pinball loss over the levels, plus the squared error of the location; unknown outcomes do not count.

    The gradient of the second term reaches only the weights of the location (see `QuantileHead`).

    Args:
        quantile_levels: (Q,).

    Call arguments:
        outcome: (..., K) scaled returns, NaN where unknown or not to be scored.
        output: (..., K, 1 + Q) of `QuantileHead`.

    Returns:
        A scalar.
    """

    __name__ = "quantile_loss"

    def __init__(self, quantile_levels: tuple[float, ...]) -> None:
        self._levels = np.asarray(quantile_levels, dtype="float32")

    def __call__(self, outcome: Any, output: Any) -> Any:
        """See the class."""
        is_known = ops.logical_not(ops.isnan(outcome))
        mask = ops.cast(is_known, output.dtype)
        outcome = ops.where(is_known, outcome, ops.zeros_like(outcome))
        count = ops.maximum(ops.sum(mask), 1.0)
        error = outcome[..., None] - output[..., 1:]
        pinball = ops.mean(ops.maximum(self._levels * error, (self._levels - 1) * error), axis=-1)
        clipped = ops.clip(outcome, -MAX_OUTCOME, MAX_OUTCOME)
        squared = ops.square(clipped - output[..., 0])
        return ops.sum(mask * (pinball + squared)) / count
