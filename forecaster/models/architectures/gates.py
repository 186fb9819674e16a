"""Gates and cell states of recurrent layers: read from the outputs of the forward pass, which is left as it is.

The gates of row t are functions of its inputs and of the layer's output in row t - 1. Once a pass has computed all
outputs, the gates of all rows follow without another recursion.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.models.architectures.numpy_lstm import LSTMWeights

__all__ = ["GateSummary", "LayerGates", "lstm_gates"]

CLOSED = 0.1  # a gate below is called closed
OPEN = 0.9  # a gate above is called open
MIN_GATE = 1e-6  # its logarithm exists
MAX_GATE = 1 - 1e-6  # its logarithm is not 0


@dataclasses.dataclass(frozen=True)
class GateSummary:
    """Values of one gate over all rows and units.

    Args:
        mean: Mean.
        low: Quantile at 10 %.
        high: Quantile at 90 %.
        closed: Share below 0.1.
        open: Share above 0.9.
    """

    mean: float
    low: float
    high: float
    closed: float
    open: float

    @classmethod
    def of(cls, values: Float32Array) -> Self:
        """The summary of values of any shape."""
        low, high = np.quantile(values, [0.1, 0.9]).tolist()
        shares = ((values < CLOSED).mean(), (values > OPEN).mean())
        return cls(float(values.mean(dtype=float)), low, high, *map(float, shares))


@dataclasses.dataclass(frozen=True, eq=False)
class LayerGates:
    """Gates and cell state of one layer.

    Args:
        name: Name of the layer.
        gates: Gate -> (..., U) values from 0, closed, to 1, open.
        cell: (..., U) cell state.
    """

    name: str
    gates: Mapping[str, Float32Array]
    cell: Float32Array

    def at(self, index: Any) -> "LayerGates":
        """The values at an index of the arrays."""
        return LayerGates(self.name, {gate: values[index] for gate, values in self.gates.items()}, self.cell[index])

    @property
    def summaries(self) -> dict[str, GateSummary]:
        """Gate -> its summary."""
        return {gate: GateSummary.of(values) for gate, values in self.gates.items()}

    @property
    def half_lives(self) -> FloatArray:
        """(U,) rows after which the forget gate alone has halved the content of a cell."""
        logs = np.log(np.clip(self.gates["forget"].astype(float), MIN_GATE, MAX_GATE))
        return np.asarray(np.log(0.5) / logs.reshape(-1, logs.shape[-1]).mean(axis=0))


def lstm_gates(layers: Sequence[LSTMWeights], x: Float32Array) -> list[LayerGates]:
    """Gates of a stacked LSTM on histories x (B, T, F), each from a zero state: arrays (B, T, U)."""
    below = np.ascontiguousarray(x.transpose(1, 0, 2), dtype=np.float32)
    result = []
    for number, weights in enumerate(layers):
        outputs = weights(below)
        result.append(_gates(f"lstm_{number}", weights, below, outputs))
        below = outputs
    return result


def _gates(name: str, weights: LSTMWeights, x: Float32Array, outputs: Float32Array) -> LayerGates:
    """Gates of a layer with the given outputs (T, B, U) on x (T, B, F); see `LSTMWeights` for the halved arguments."""
    before = np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])
    values: Float32Array = np.tanh(x @ weights.kernel + before @ weights.recurrent + weights.bias)
    units = weights.units
    half = np.float32(0.5)
    input_gate, forget_gate, output_gate = (half * values[..., k * units : (k + 1) * units] + half for k in range(3))
    admitted = input_gate * values[..., 3 * units :]
    cell = np.empty_like(outputs)
    state = np.zeros_like(outputs[0])
    for row, (factor, addition) in enumerate(zip(forget_gate, admitted, strict=True)):
        state = factor * state + addition
        cell[row] = state
    gates = {"forget": forget_gate, "input": input_gate, "output": output_gate}
    return LayerGates(name, {gate: array.transpose(1, 0, 2) for gate, array in gates.items()}, cell.transpose(1, 0, 2))
