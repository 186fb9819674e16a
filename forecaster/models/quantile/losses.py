"""Losses of the quantile head; outcomes that are not known are NaN and do not count."""

from typing import Any

import numpy as np
from keras import ops

from forecaster.models.quantile.location_gate import LARGEST_OUTCOME

__all__ = ["QuantileLoss"]


class QuantileLoss:
    """Mean pinball loss over the levels, plus the squared error of the location.

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
        known = ops.logical_not(ops.isnan(outcome))
        mask = ops.cast(known, output.dtype)
        outcome = ops.where(known, outcome, ops.zeros_like(outcome))
        count = ops.maximum(ops.sum(mask), 1.0)
        error = outcome[..., None] - output[..., 1:]
        pinball = ops.mean(ops.maximum(self._levels * error, (self._levels - 1) * error), axis=-1)
        clipped = ops.clip(outcome, -LARGEST_OUTCOME, LARGEST_OUTCOME)
        squared = ops.square(clipped - output[..., 0])
        return ops.sum(mask * (pinball + squared)) / count
