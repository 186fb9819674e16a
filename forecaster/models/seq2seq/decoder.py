"""The decoder in NumPy: it writes many paths side by side, and reads each day the return that it has drawn.

A block of cutoffs has one fixed shape, and so has every matrix product, so the bits of a path depend neither on how
many cutoffs are asked for nor on the number of threads (see `forecaster.models.numpy_dense`).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np

from forecaster.arrays import AnyArray, Float32Array
from forecaster.features.history import SCALE_DECAY
from forecaster.models.architectures.numpy_lstm import lstm_layer
from forecaster.models.numpy_dense import block_rows
from forecaster.models.seq2seq.widths import MAX_INPUT, MEAN_ABSOLUTE, quantile_gaps
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["Choose", "Decoder", "decoder_shapes"]

_INPUTS = 3
_SPREAD = len(SCORING_LEVELS) - 1

Choose = Callable[[int, Float32Array], Float32Array]
"""Day and distances of its quantiles (C, P, Q - 1) -> returns (C, P), all in widths of the day."""


def decoder_shapes(encoded: int, units: int, attention: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the weights of a decoder of the size `units` behind an encoder of the size `encoded`."""
    layers = {"bridge": (encoded, 2 * units), "spread": (units, _SPREAD)}
    if attention != "none":
        layers |= {"memory": (encoded, units), "mix": (2 * units, units)}
    if attention == "bahdanau":
        layers |= {"query": (units, units), "score": (units, 1)}
    shapes: dict[str, tuple[int, ...]] = {
        "decoder/lstm/lstm_cell/kernel": (_INPUTS, 4 * units),
        "decoder/lstm/lstm_cell/recurrent_kernel": (units, 4 * units),
        "decoder/lstm/lstm_cell/bias": (4 * units,),
    }
    for name, shape in layers.items():
        shapes |= {f"decoder/{name}/kernel": shape, f"decoder/{name}/bias": shape[-1:]}
    return shapes


@dataclasses.dataclass(frozen=True, eq=False)
class Decoder:
    """The decoder with fixed weights.

    Args:
        attention: Option of the model.
        weights: Named arrays of the network; those of the decoder begin with ``decoder/``.
        cell: Kernels of the LSTM side by side, (U + 4, 4 U): state, inputs, bias.
    """

    attention: str
    weights: Mapping[str, AnyArray]
    cell: Float32Array

    @classmethod
    def of(cls, attention: str, weights: Mapping[str, AnyArray]) -> Self:
        """The decoder among the named `weights` of a network."""
        layer = lstm_layer(weights, "decoder/lstm", "tanh")
        return cls(attention, weights, np.concatenate([layer.recurrent, layer.kernel, layer.bias[None]]))

    def paths(
        self, start: Float32Array, memory: Float32Array | None, size: tuple[int, int], choose: Choose
    ) -> Float32Array:
        """Returns (C, P, H) of the days after C cutoffs, in units of the volatility at the cutoff.

        Args:
            start: (C, U) states of the encoder at the cutoffs.
            memory: (C, A, U) its states in the rows up to them; None without attention.
            size: Numbers P of paths, written side by side, and H of days.
            choose: Draws the returns of a day.
        """
        count = len(start)
        paths, days = size
        units = self.cell.shape[1] // 4
        bridged = np.tanh(self._layer("bridge", start[:, None]))
        joined = np.zeros((count, paths, units + _INPUTS + 1), dtype=np.float32)
        joined[..., :units] = bridged[..., :units]
        joined[..., -1] = 1
        cell = np.repeat(bridged[..., units:], paths, axis=1)
        keys = None if memory is None else self._layer("memory", memory)
        gaps = np.array(quantile_gaps(), dtype=np.float32)
        variance = np.ones((count, paths), dtype=np.float32)
        result = np.empty((count, paths, days), dtype=np.float32)
        for day in range(days):
            hidden = self._step(joined, cell)
            state = hidden if keys is None else self._attend(hidden, keys)
            width = np.sqrt(variance)
            scaled = choose(day, gaps * np.exp(self._layer("spread", state)))
            result[..., day] = scaled * width
            variance = np.float32(SCALE_DECAY) * variance + np.float32(1 - SCALE_DECAY) * result[..., day] ** 2
            joined[..., :units] = hidden
            joined[..., units:-1] = _inputs(scaled, variance)
        return result

    def _step(self, joined: Float32Array, cell: Float32Array) -> Float32Array:
        """Output (C, P, U) of the LSTM for states and inputs (C, P, U + 4); `cell` (C, P, U) is changed."""
        units = cell.shape[-1]
        gates = np.tanh(_product(joined, self.cell))
        gates[..., : 3 * units] *= np.float32(0.5)
        gates[..., : 3 * units] += np.float32(0.5)
        input_gate, forget_gate, output_gate, candidate = (gates[..., k * units : (k + 1) * units] for k in range(4))
        cell *= forget_gate
        cell += input_gate * candidate
        return np.asarray(output_gate * np.tanh(cell))

    def _attend(self, hidden: Float32Array, keys: Float32Array) -> Float32Array:
        """(C, P, U) from states (C, P, U) and keys (C, A, U)."""
        if self.attention == "luong":
            scores = hidden @ keys.transpose(0, 2, 1)
        else:
            moved = np.tanh(self._layer("query", hidden)[:, :, None] + keys[:, None])
            scores = moved @ self.weights["decoder/score/kernel"][:, 0]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return np.tanh(self._layer("mix", np.concatenate([hidden, weights @ keys], axis=-1)))

    def _layer(self, name: str, x: Float32Array) -> Float32Array:
        return _product(x, self.weights[f"decoder/{name}/kernel"]) + self.weights[f"decoder/{name}/bias"]


def _inputs(scaled: Float32Array, variance: Float32Array) -> Float32Array:
    """(C, P, 3) inputs after a day: its return in widths, the size of the return, and the log of the next width."""
    clipped = np.clip(scaled, -MAX_INPUT, MAX_INPUT)
    return np.stack([clipped, np.abs(clipped) - np.float32(MEAN_ABSOLUTE), np.log(variance) / 2], axis=-1)


def _product(x: Float32Array, kernel: Float32Array) -> Float32Array:
    """``x @ kernel`` for x (C, P, I), in blocks of rows of one fixed shape that a BLAS does not spread over threads."""
    count, paths, _ = x.shape
    rows = min(1 << (block_rows(kernel).bit_length() - 1), paths)
    if paths % rows:
        return np.asarray(x @ kernel)
    return (x.reshape(count * paths // rows, rows, -1) @ kernel).reshape(count, paths, -1)
