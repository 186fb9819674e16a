"""Gates and states of recurrent layers: read from the outputs of the forward pass, which is left as it is.

The gates of row t are functions of its inputs and of the layer's output in row t - 1. Once a pass has computed all
outputs, the gates of all rows follow without another recursion.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from forecaster.arrays import Float32Array, FloatArray

__all__ = ["LayerGates", "Summary", "rows_before"]

SMALL = 0.1  # a gate below is called closed
LARGE = 0.9  # a gate above is called open
MIN_GATE = 1e-6  # its logarithm exists
MAX_GATE = 1 - 1e-6  # its logarithm is not 0


@dataclasses.dataclass(frozen=True)
class Summary:
    """Values of one gate, or sizes of a state, over all rows and units.

    Args:
        mean: Mean.
        low: Quantile at 10 %.
        high: Quantile at 90 %.
        below: Share below 0.1.
        above: Share above 0.9.
    """

    mean: float
    low: float
    high: float
    below: float
    above: float

    @classmethod
    def of(cls, values: Float32Array) -> Self:
        """The summary of values of any shape."""
        low, high = np.quantile(values, [0.1, 0.9]).tolist()
        shares = ((values < SMALL).mean(), (values > LARGE).mean())
        return cls(float(values.mean(dtype=float)), low, high, *map(float, shares))


@dataclasses.dataclass(frozen=True, eq=False)
class LayerGates:
    """Gates and state of one recurrent layer.

    Args:
        name: Name of the layer.
        gates: Gate -> (..., U) values from 0, closed, to 1, open; empty for a layer without gates.
        state: (..., U) what the layer keeps from row to row: its cells, or its outputs where it has no cells.
        state_name: `cell` or `output`.
        kept_by: Gate whose value is the share of the state that stays in a row; None without gates.
    """

    name: str
    gates: Mapping[str, Float32Array]
    state: Float32Array
    state_name: str = "output"
    kept_by: str | None = None

    def mapped(self, change: Callable[[Float32Array], Float32Array]) -> "LayerGates":
        """The same with all arrays changed."""
        gates = {gate: change(values) for gate, values in self.gates.items()}
        return dataclasses.replace(self, gates=gates, state=change(self.state))

    def at(self, index: Any) -> "LayerGates":
        """The values at an index of the arrays."""
        return self.mapped(lambda values: values[index])

    @property
    def state_size(self) -> Float32Array:
        """(..., U) absolute values of the state."""
        return np.abs(self.state)

    @property
    def summaries(self) -> dict[str, Summary]:
        """Gate -> its summary."""
        return {gate: Summary.of(values) for gate, values in self.gates.items()}

    @property
    def half_lives(self) -> FloatArray | None:
        """(U,) rows after which the gate that keeps the state alone has halved it; None without gates."""
        if self.kept_by is None:
            return None
        logs = np.log(np.clip(self.gates[self.kept_by].astype(float), MIN_GATE, MAX_GATE))
        return np.asarray(np.log(0.5) / logs.reshape(-1, logs.shape[-1]).mean(axis=0))


def rows_before(outputs: Float32Array) -> Float32Array:
    """(T, B, U) the output of the row before each row of `outputs` (T, B, U), zero before the first one."""
    return np.concatenate([np.zeros_like(outputs[:1]), outputs[:-1]])
