"""Activations by the names of Keras, and the same functions in NumPy for a forecast that does not load Keras."""

from collections.abc import Callable, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from forecaster.arrays import Float32Array
from forecaster.models.optimizer_options import named

__all__ = ["ACTIVATIONS", "Activation"]

Function = Callable[[Float32Array], Float32Array]


def _sigmoid(x: Float32Array) -> Float32Array:
    return np.asarray(np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * x))


def _softplus(x: Float32Array) -> Float32Array:
    return np.maximum(x, np.float32(0)) + np.log1p(np.exp(-np.abs(x)))


def _elu(x: Float32Array) -> Float32Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, np.float32(0))))


def _selu(x: Float32Array) -> Float32Array:
    """Klambauer et al. 2017."""
    negative = np.float32(1.6732632423543772) * np.expm1(np.minimum(x, np.float32(0)))
    return np.float32(1.0507009873554805) * np.where(x > 0, x, negative)


def _gelu(x: Float32Array) -> Float32Array:
    """``x`` times the normal distribution function, to 1.5e-7 by Abramowitz and Stegun, formula 7.1.26."""
    size = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for coefficient in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    error = np.copysign(1 - series * np.exp(-size * size), x)
    return np.asarray(np.float32(0.5) * x * (1 + error))


ACTIVATIONS: Mapping[str, Function] = {
    "elu": _elu,
    "gelu": _gelu,
    "hard_sigmoid": lambda x: np.clip(x / np.float32(6) + np.float32(0.5), np.float32(0), np.float32(1)),
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.2) * x),
    "linear": lambda x: x,
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "relu6": lambda x: np.clip(x, np.float32(0), np.float32(6)),
    "selu": _selu,
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "swish": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
}
"""Name in Keras -> the function in NumPy."""


Activation = Annotated[str, named(tuple(ACTIVATIONS)), Field(json_schema_extra={"enum": list(ACTIVATIONS)})]
"""Name of an activation."""
