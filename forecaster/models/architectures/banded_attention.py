"""Attention within a band of rows, of Keras's own operations: a saved network opens without this package."""

from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["banded_attention"]

HIDDEN = 1e9
"""Distance in a score of rows that are not attended to; their weight is exactly 0."""


def banded_attention(projected: Any, heads: int, rows: int, name: str) -> Any:
    """Multi-head attention of each row to itself and the rows before it, without weights of its own.

    Formulas: Vaswani et al. 2017. The position of a row is its distance: head number h lowers the scores of a row by
    ``2 ** (-2 - 2 * h)`` times its age (Press, Smith and Lewis 2022), so that only distances matter, not where a
    sample begins.

    Args:
        projected: Queries, keys and values side by side (B, T, 3U), where H divides U.
        heads: Number of heads H.
        rows: Rows that a row attends to, itself included.
        name: Name of the output layer.

    Returns:
        (B, T, U).
    """
    units = projected.shape[-1] // 3
    parts = keras.layers.Reshape((-1, 3 * heads, units // heads))(projected)
    query, key, value = (parts[:, :, first : first + heads] for first in range(0, 3 * heads, heads))
    row = ops.cumsum(ops.ones_like(projected[:1, :, 0]), axis=1)
    age = ops.expand_dims(ops.expand_dims(row, 2) - ops.expand_dims(row, 1), 1)
    outside = ops.maximum(ops.maximum(-age, age - (rows - 1.0)), 0.0)
    slopes = np.array([2.0 ** (-2 - 2 * head) for head in range(heads)], np.float32)[None, :, None, None]
    scores = ops.einsum("bthd,bshd->bhts", query, key) * (units // heads) ** -0.5 - (age * slopes + outside * HIDDEN)
    mixed = ops.einsum("bhts,bshd->bthd", ops.softmax(scores, axis=-1), value)
    return keras.layers.Reshape((-1, units), name=name)(mixed)
