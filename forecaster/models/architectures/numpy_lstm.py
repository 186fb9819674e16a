"""The forward pass of a stacked LSTM in NumPy: no deep-learning framework is needed to predict.

It agrees with Keras to 1e-5 (checked whenever a run is saved) and its bits depend neither on how many rows
or windows are asked for nor on what comes after them. For that, matrix products run on blocks of one fixed shape,
and a row always stands at the same place of its block: a BLAS computes the last rows of a block in another order
than the first. Blocks are so small that a BLAS does not spread them over threads, which would change bits as well.
Formulas: Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber and Cummins 2000, in the
gate order of Keras (input, forget, cell, output).
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, IntArray
from forecaster.quantiles import normal_scores

__all__ = ["LSTMWeights", "dense", "lstm_layers", "quantile_head", "run_batch", "run_scan", "run_windows"]


_MOST_ROWS = 64  # of one block
_LEAST_ROWS = 8  # a matrix so large that it is spread over threads even so gains nothing from smaller blocks
_LARGEST_PRODUCT = 2**18  # multiplications that OpenBLAS does in one thread


@dataclasses.dataclass(frozen=True)
class LSTMWeights:
    """One layer, its columns in the order input, forget, output, cell, the three gates halved.

    Half of the argument turns a sigmoid into a hyperbolic tangent, so that one call serves all four:
    ``sigmoid(x) = (1 + tanh(x / 2)) / 2``.
    """

    kernel: Float32Array
    recurrent: Float32Array
    bias: Float32Array

    @classmethod
    def from_keras(cls, kernel: Float32Array, recurrent: Float32Array, bias: Float32Array) -> "LSTMWeights":
        """Rearrange the arrays (F, 4U), (U, 4U), (4U,) of a `keras.layers.LSTM`."""
        units = recurrent.shape[0]
        i, f, c, o = (np.arange(units) + gate * units for gate in range(4))
        order = np.concatenate([i, f, o, c])
        scale = np.where(np.arange(4 * units) < 3 * units, 0.5, 1.0).astype(np.float32)
        parts = (np.ascontiguousarray(array[..., order] * scale) for array in (kernel, recurrent, bias))
        return cls(*parts)

    @property
    def units(self) -> int:
        """Size U of the layer."""
        return int(self.recurrent.shape[0])


def lstm_layers(arrays: Mapping[str, AnyArray]) -> list[LSTMWeights]:
    """The stack ``lstm_0, lstm_1, ...`` out of `forecaster.models.architectures.lstm.named_weights`."""
    count = len({name.split("/")[0] for name in arrays if name.startswith("lstm_")})
    names = ("kernel", "recurrent_kernel", "bias")
    return [LSTMWeights.from_keras(*(arrays[f"lstm_{k}/lstm_cell/{name}"] for name in names)) for k in range(count)]


def _block_rows(kernel: Float32Array) -> int:
    """Rows of a block that is multiplied by `kernel`."""
    return max(min(_LARGEST_PRODUCT // kernel.size, _MOST_ROWS), _LEAST_ROWS)


def _blocks(places: IntArray, rows: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Positions in `places` (N,) that share a block of `rows` rows, and where each one stands in it."""
    order = np.argsort(places, kind="stable")
    for positions in np.split(order, np.flatnonzero(np.diff(places[order] // rows)) + 1):
        yield positions, places[positions] % rows


def dense(x: Float32Array, kernel: Float32Array, bias: Float32Array, places: IntArray | None = None) -> Float32Array:
    """``x @ kernel + bias`` in blocks of one fixed shape.

    Args:
        x: (N, F).
        kernel: (F, U).
        bias: (U,).
        places: (N,) number of each row in the history that it comes from; None where x is all of it. A row's bits
            depend on its number and its values alone.
    """
    result = np.empty((len(x), kernel.shape[1]), dtype=np.float32)
    rows = _block_rows(kernel)
    block = np.zeros((rows, x.shape[1]), dtype=np.float32)
    if places is None:
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            block[: len(part)] = part
            result[start : start + len(part)] = (block @ kernel)[: len(part)]
    else:
        for positions, slots in _blocks(places, rows):
            block[slots] = x[positions]
            result[positions] = (block @ kernel)[slots]
    return result + bias


def _layer(weights: LSTMWeights, x: Float32Array) -> Float32Array:
    """One layer over x (T, B, F), zero state before the first row: (T, B, U)."""
    rows, batch, units = len(x), x.shape[1], weights.units
    gates_in = dense(x.reshape(rows * batch, x.shape[2]), weights.kernel, weights.bias).reshape(rows, batch, 4 * units)
    result = np.empty((rows, batch, units), dtype=np.float32)
    hidden, cell = (np.zeros((batch, units), dtype=np.float32) for _ in range(2))
    gates, kept = np.empty((batch, 4 * units), dtype=np.float32), np.empty((batch, units), dtype=np.float32)
    sigmoids = gates[:, : 3 * units]
    enter, forget, leave, candidate = (gates[:, k * units : (k + 1) * units] for k in range(4))
    half = np.float32(0.5)
    for row in range(rows):
        np.dot(hidden, weights.recurrent, out=gates)
        gates += gates_in[row]
        np.tanh(gates, out=gates)
        sigmoids *= half
        sigmoids += half
        cell *= forget
        np.multiply(enter, candidate, out=kept)
        cell += kept
        hidden = result[row]
        np.tanh(cell, out=hidden)
        hidden *= leave
    return result


def run_scan(layers: Sequence[LSTMWeights], x: Float32Array) -> Float32Array:
    """Read a history once, in order, from a zero state.

    Args:
        layers: The stack.
        x: (T, F).

    Returns:
        (T, U) output of the last layer; row t depends on rows up to t alone.
    """
    return np.asarray(run_batch(layers, x[None])[0])


def run_batch(layers: Sequence[LSTMWeights], x: Float32Array) -> Float32Array:
    """Read several histories of one length side by side: x (B, T, F) -> (B, T, U)."""
    hidden = np.ascontiguousarray(x.transpose(1, 0, 2), dtype=np.float32)
    for weights in layers:
        hidden = _layer(weights, hidden)
    return hidden.transpose(1, 0, 2)


def run_windows(layers: Sequence[LSTMWeights], windows: Float32Array, places: IntArray) -> Float32Array:
    """Read many windows, each from a zero state.

    Args:
        layers: The stack.
        windows: (N, L, F).
        places: (N,) number of each window's last row in the history; see `dense`.

    Returns:
        (N, U) output of the last layer in the last row of each window.
    """
    result = np.empty((len(windows), layers[-1].units), dtype=np.float32)
    side_by_side = min(_block_rows(weights.recurrent) for weights in layers)
    block = np.zeros((side_by_side, *windows.shape[1:]), dtype=np.float32)
    for positions, slots in _blocks(places, side_by_side):
        block[slots] = windows[positions]
        result[positions] = run_batch(layers, block)[slots, -1]
    return result


def quantile_head(
    hidden: Float32Array,
    features: Float32Array,
    arrays: Mapping[str, AnyArray],
    num_steps: int,
    quantile_levels: Sequence[float],
    places: IntArray | None = None,
) -> tuple[Float32Array, Float32Array]:
    """What `forecaster.models.quantile.head.QuantileHead` computes.

    Args:
        hidden: (N, U).
        features: (N, F) inputs of the network in the same rows.
        arrays: Named weights that hold ``head/spread/...``, ``head/location/...`` and, unless the run is older
            than it, ``head/direct/kernel``.
        num_steps: K.
        quantile_levels: (Q,).
        places: (N,) row numbers; see `dense`.

    Returns:
        Locations (N, K) and quantiles around 0 (N, K, Q).
    """
    gaps = np.array([b - a for a, b in itertools.pairwise(normal_scores(quantile_levels))], dtype=np.float32)
    raw = dense(hidden, arrays["head/spread/kernel"], arrays["head/spread/bias"], places)
    spacing = gaps * np.exp(raw.reshape(len(hidden), num_steps, len(gaps)))
    half = len(gaps) // 2
    upper = np.cumsum(spacing[..., half:], axis=-1)
    lower = np.cumsum(spacing[..., half - 1 :: -1], axis=-1)[..., ::-1]
    middle = np.zeros((len(hidden), num_steps, 1), dtype=np.float32)
    location = dense(hidden, arrays["head/location/kernel"], arrays["head/location/bias"], places)
    if (direct := arrays.get("head/direct/kernel")) is not None:
        location += dense(features, direct, np.zeros(num_steps, dtype=np.float32), places)
    return location, np.concatenate([-lower, middle, upper], axis=-1)
