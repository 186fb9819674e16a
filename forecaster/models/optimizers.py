"""Optimisers and schedules of the learning rate by name."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from forecaster.models.optimizer_options import OptimizerName, OptimizerOptions, ScheduleName

__all__ = ["OPTIMIZERS", "SCHEDULES", "optimizer_of"]

FINAL_SHARE = 0.01  # of the rate, at the end of the schedule `exponential`


def optimizer_of(options: OptimizerOptions, steps: int) -> keras.optimizers.Optimizer:
    """The optimiser that `options` describe.

    Args:
        options: Name, rate, schedule, weight decay and clipping.
        steps: Number of optimiser steps, over which the rate changes.
    """
    optimizer = OPTIMIZERS[options.optimizer]
    decays = options.weight_decay > 0 or optimizer is keras.optimizers.AdamW  # AdamW alone has a decay of its own
    return optimizer(
        SCHEDULES[options.schedule](options.learning_rate, steps),
        weight_decay=options.weight_decay if decays else None,
        clipnorm=options.clip_norm,
        clipvalue=options.clip_value,
        global_clipnorm=options.global_clip_norm,
    )


def _exponential(rate: float, steps: int) -> Any:
    """Falls by the same share at every step, to a hundredth at the last one."""
    return keras.optimizers.schedules.ExponentialDecay(rate, steps, FINAL_SHARE)


def _linear(rate: float, steps: int) -> Any:
    """Falls by the same amount at every step, to zero."""
    return keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0.0)


def _step(rate: float, steps: int) -> Any:
    """Falls to a tenth after half of the steps, and to a hundredth after three quarters."""
    ends = [steps // 2, steps * 3 // 4]
    return keras.optimizers.schedules.PiecewiseConstantDecay(ends, [rate, rate / 10, rate / 100])


def _warmup_cosine(rate: float, steps: int) -> Any:
    """Rises for a tenth of the steps, then falls along a cosine, to 2 % of the peak at the last one."""
    return keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=rate, warmup_steps=max(steps // 10, 1))


OPTIMIZERS: Mapping[OptimizerName, Any] = {
    "adadelta": keras.optimizers.Adadelta,
    "adafactor": keras.optimizers.Adafactor,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "adamw": keras.optimizers.AdamW,
    "ftrl": keras.optimizers.Ftrl,
    "lamb": keras.optimizers.Lamb,
    "lion": keras.optimizers.Lion,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
SCHEDULES: Mapping[ScheduleName, Callable[[float, int], Any]] = {
    "constant": lambda rate, steps: rate,
    "cosine": keras.optimizers.schedules.CosineDecay,
    "exponential": _exponential,
    "linear": _linear,
    "step": _step,
    "warmup_cosine": _warmup_cosine,
}
"""Name -> function of the highest rate and the number of steps."""
