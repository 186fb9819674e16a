"""The causal Transformer in NumPy: no deep-learning framework is needed to predict.

It agrees with Keras to 1e-5 (checked at the end of a fit). The bits of a row depend neither on how many rows or windows
are read nor on the rows after it (see `forecaster.models.numpy_dense`): sums over rows are no matrix products.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.models.activations import ACTIVATIONS
from forecaster.models.architectures.numpy_stack import LayerNorm
from forecaster.models.numpy_dense import dense

__all__ = ["TransformerPass", "attention", "transformer_shapes"]

BLOCK_ROWS = 512  # whose attention is computed at once: bounds the memory


def attention(projected: Float32Array, heads: int, rows: int) -> Float32Array:
    """`forecaster.models.architectures.banded_attention.banded_attention` of one sample (T, 3U): (T, U)."""
    spans = _spans(projected[:, 2 * projected.shape[1] // 3 :], rows)
    result = np.empty((len(projected), spans.shape[2]), dtype=np.float32)
    for block, weights in _block_weights(projected, heads, rows):
        values = spans[block].reshape(len(weights), rows, heads, -1)
        result[block] = (weights.transpose(0, 2, 1)[..., None] * values).sum(axis=1).reshape(len(weights), -1)
    return result


def _block_weights(projected: Float32Array, heads: int, rows: int) -> Iterator[tuple[slice, Float32Array]]:
    """Blocks of the rows of one sample (T, 3U), and the weights (N, H, R) of each, the oldest row first."""
    query, key, _ = np.split(projected, 3, axis=1)
    size = query.shape[1] // heads
    spans = _spans(key, rows)
    slopes = (2.0 ** (-2.0 - 2.0 * np.arange(heads))).astype(np.float32)
    penalty = slopes[:, None] * np.arange(rows - 1, -1, -1, dtype=np.float32)
    for start in range(0, len(query), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        count = len(query[block])
        products = query[block].reshape(count, 1, heads, size) * spans[block].reshape(count, rows, heads, size)
        scores = products.sum(axis=-1).transpose(0, 2, 1) / np.float32(size**0.5) - penalty
        exists = np.arange(rows) >= rows - 1 - np.arange(start, start + count)[:, None]
        scores = np.where(exists[:, None], scores, np.float32(-1e9))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        yield block, weights


def _spans(part: Float32Array, rows: int) -> Float32Array:
    """(T, R, U) the last R rows of each row of a part (T, U), with zeros before the first one."""
    padded = np.pad(part, ((rows, 0), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, rows, axis=0)[1:].transpose(0, 2, 1)


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
            hidden = self._layer(index, hidden, self._projected(index, hidden))
        return self._normalised("last_norm", hidden)

    def attention_by_lag(self, x: Float32Array) -> list[Float32Array]:
        """(B, T, R) mean weight of the heads of each layer, in histories x (B, T, F), the newest row first."""
        result = [np.empty((*x.shape[:2], self.rows), dtype=np.float32) for _ in range(self.layers)]
        for number, history in enumerate(x):
            hidden = self._dense("embedding", history)
            for index, layer in enumerate(result):
                projected = self._projected(index, hidden)
                for block, weights in _block_weights(projected, self.heads, self.rows):
                    layer[number, block] = weights.mean(axis=1)[:, ::-1]
                hidden = self._layer(index, hidden, projected)
        return result

    def _projected(self, index: int, hidden: Float32Array) -> Float32Array:
        """(T, 3U) queries, keys and values of a layer on `hidden` (T, U)."""
        return self._dense(f"projection_{index}", self._normalised(f"norm_{index}", hidden))

    def _layer(self, index: int, hidden: Float32Array, projected: Float32Array) -> Float32Array:
        """(T, U) output of a layer for `hidden` (T, U) and its queries, keys and values."""
        hidden = hidden + self._dense(f"mixing_{index}", attention(projected, self.heads, self.rows))
        wide = self._dense(f"wide_{index}", self._normalised(f"second_norm_{index}", hidden))
        return hidden + self._dense(f"narrow_{index}", ACTIVATIONS[self.activation](wide))

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
