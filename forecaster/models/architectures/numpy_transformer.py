"""The causal Transformer in NumPy: no deep-learning framework is needed to predict.

It agrees with Keras to 1e-5 (checked at the end of a fit). The bits of a row depend neither on how many rows or windows
are read nor on the rows after it (see `forecaster.models.numpy_dense`): sums over rows are no matrix products.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.activations import ACTIVATIONS
from forecaster.models.architectures.numpy_stack import LayerNorm
from forecaster.models.numpy_dense import dense

__all__ = ["TransformerPass", "attention", "transformer_shapes"]

BLOCK_ROWS = 512  # whose attention is computed at once: bounds the memory


def attention(projected: Float32Array, heads: int, rows: int) -> Float32Array:
    """`forecaster.models.architectures.banded_attention.banded_attention` of one sample (T, 3U): (T, U)."""
    query, key, value = np.split(projected, 3, axis=1)
    size = query.shape[1] // heads
    spans = [
        np.lib.stride_tricks.sliding_window_view(np.pad(part, ((rows, 0), (0, 0))), rows, axis=0)[1:].transpose(0, 2, 1)
        for part in (key, value)
    ]
    slopes = (2.0 ** (-2.0 - 2.0 * np.arange(heads))).astype(np.float32)
    penalty = slopes[:, None] * np.arange(rows - 1, -1, -1, dtype=np.float32)
    result = np.empty_like(query)
    for start in range(0, len(query), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        count = len(query[block])
        keys, values = (span[block].reshape(count, rows, heads, size) for span in spans)
        products = query[block].reshape(count, 1, heads, size) * keys
        scores = products.sum(axis=-1).transpose(0, 2, 1) / np.float32(size**0.5) - penalty
        exists = np.arange(rows) >= rows - 1 - np.arange(start, start + count)[:, None]
        scores = np.where(exists[:, None], scores, np.float32(-1e9))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        result[block] = (weights.transpose(0, 2, 1)[..., None] * values).sum(axis=1).reshape(count, -1)
    return result


@dataclasses.dataclass(frozen=True)
class TransformerPass:
    """The network with fixed weights; see `forecaster.models.architectures.base.ForwardPass`.

    Args:
        weights: Named weights.
        layers: Number of layers.
        heads: Heads of each layer.
        rows: Rows that a row attends to, itself included.
        activation: Activation of the network for each row, by its name in Keras.
    """

    weights: Mapping[str, AnyArray]
    layers: int
    heads: int
    rows: int
    activation: str

    def histories(self, x: Float32Array) -> Float32Array:
        """State in every row of histories x (B, T, F): (B, T, U)."""
        return np.stack([self._read(history) for history in x])

    def windows(self, x: Float32Array, places: IntArray) -> Float32Array:
        """State in the last row of each window of x (N, L, F): (N, U)."""
        states = [self._read(window)[-1] for window in x]
        return np.array(states, dtype=np.float32).reshape(len(x), len(self.weights["last_norm/gamma"]))

    def _read(self, x: Float32Array) -> Float32Array:
        """State in every row of one sample (T, F): (T, U)."""
        hidden = self._dense("embedding", x)
        for index in range(self.layers):
            projected = self._dense(f"projection_{index}", self._normalised(f"norm_{index}", hidden))
            hidden = hidden + self._dense(f"mixing_{index}", attention(projected, self.heads, self.rows))
            wide = self._dense(f"wide_{index}", self._normalised(f"second_norm_{index}", hidden))
            hidden = hidden + self._dense(f"narrow_{index}", ACTIVATIONS[self.activation](wide))
        return self._normalised("last_norm", hidden)

    def _dense(self, name: str, x: Float32Array) -> Float32Array:
        return dense(x, self.weights[f"{name}/kernel"], self.weights[f"{name}/bias"])

    def _normalised(self, name: str, x: Float32Array) -> Float32Array:
        norm = LayerNorm(self.weights[f"{name}/gamma"], self.weights[f"{name}/beta"])
        return norm(x)


def transformer_shapes(inputs: int, layers: int, units: int, wide: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the weights of a Transformer.

    Args:
        inputs: Number of features.
        layers: Number of layers.
        units: Size of each layer.
        wide: Size of the network for each row.
    """
    dense_shapes = {"embedding": (inputs, units)}
    norms = ["last_norm"]
    for index in range(layers):
        dense_shapes |= {f"projection_{index}": (units, 3 * units), f"mixing_{index}": (units, units)}
        dense_shapes |= {f"wide_{index}": (units, wide), f"narrow_{index}": (wide, units)}
        norms += [f"norm_{index}", f"second_norm_{index}"]
    shapes: dict[str, tuple[int, ...]] = {f"{name}/kernel": shape for name, shape in dense_shapes.items()}
    shapes |= {f"{name}/bias": shape[1:] for name, shape in dense_shapes.items()}
    shapes |= {f"{name}/{part}": (units,) for name in norms for part in ("gamma", "beta")}
    return shapes
