"""Attention of Keras layers within a band of rows; written with `keras.ops`, so it runs on every engine."""

from typing import Any

import keras
from keras import ops

__all__ = ["BandedAttention"]


@keras.saving.register_keras_serializable(package="forecaster")
class BandedAttention(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Multi-head attention of each row to itself and the rows before it, without weights of its own.

    Formulas: Vaswani et al. 2017. The position of a row is its distance: each head lowers the scores of a row by a
    slope times its age (Press, Smith and Lewis 2022), so that only distances matter, not where a sample begins.

    Args:
        heads: Number of heads H; head number h has the slope ``2 ** (-2 - 2 * h)``.
        rows: Rows that a row attends to, itself included.

    Call arguments:
        inputs: Queries, keys and values side by side (B, T, 3U), where H divides U.

    Returns:
        (B, T, U).
    """

    def __init__(self, heads: int, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.rows = rows

    def call(self, inputs: Any) -> Any:
        """See the class."""
        length = ops.shape(inputs)[1]
        size = inputs.shape[-1] // 3 // self.heads
        query, key, value = ops.split(ops.reshape(inputs, (-1, length, 3 * self.heads, size)), 3, axis=2)
        scores = ops.einsum("bthd,bshd->bhts", query, key) / size**0.5
        rows = ops.arange(length)
        age = rows[:, None] - rows[None, :]
        slopes = ops.convert_to_tensor([2.0 ** (-2 - 2 * head) for head in range(self.heads)], dtype=scores.dtype)
        scores = scores - slopes[:, None, None] * ops.cast(age, scores.dtype)
        scores = ops.where(ops.logical_and(age >= 0, age < self.rows), scores, -1e9)
        mixed = ops.einsum("bhts,bshd->bthd", ops.softmax(scores, axis=-1), value)
        return ops.reshape(mixed, (-1, length, self.heads * size))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(B, T, U)."""
        return (*input_shape[:-1], input_shape[-1] // 3)  # type: ignore[operator]  # the last size is known

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "heads": self.heads, "rows": self.rows}
