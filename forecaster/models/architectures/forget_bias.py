"""Start values of forget gates: how long a new network remembers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np

from forecaster.arrays import Float32Array
from forecaster.models.architectures.recurrent import RecurrentOptions, RecurrentStack

__all__ = ["LSTM_BIAS_SIGNS", "GatedOptions", "GatedStack", "chrono_bias"]

LSTM_BIAS_SIGNS: Mapping[str, int] = MappingProxyType({"input": -1, "forget": 1, "candidate": 0, "output": 0})
"""A cell that forgets slowly also admits little."""

MIN_CHRONO_ROWS = 3  # of log(uniform(1, rows - 1))


def chrono_bias(units: int, rows: int, seed: int) -> Float32Array:
    """(U,) forget biases whose units remember 1 to `rows` rows, evenly spread (Tallec and Ollivier 2018).

    A gate `sigmoid(log(n))` keeps the share ``n / (n + 1)`` of a cell in a row, so it forgets over about n rows.

    Args:
        units: Number U of units.
        rows: Rows of the longest dependency.
        seed: Seed of the random numbers.
    """
    longest = max(rows, MIN_CHRONO_ROWS) - 1
    return np.log(np.random.default_rng(seed).uniform(1, longest, units)).astype(np.float32)


class GatedStack(RecurrentStack):
    """Recurrent layers with a gate that forgets.

    Attributes:
        bias_signs: Gate -> factor of the forget bias, for the gates of a cell in their order in its bias.
    """

    bias_signs: ClassVar[Mapping[str, int]]

    def initialise(self, layer: Any, options: Any, seeds: Any) -> None:
        """See `RecurrentStack`."""
        if options.forget_bias == "default":
            return
        for cell in self.cells(layer):
            forget = chrono_bias(cell.units, options.windows.sample_rows, seeds.next())
            bias = np.zeros(cell.bias.shape, dtype=np.float32)
            bias.reshape(-1, len(self.bias_signs), cell.units)[0] = np.outer(list(self.bias_signs.values()), forget)
            cell.bias.assign(bias)

    def cells(self, layer: Any) -> tuple[Any, ...]:
        """Keras cells of a layer."""
        return (layer.cell,)


class GatedOptions(RecurrentOptions):
    """Options of recurrent layers with a gate that forgets.

    Attributes:
        forget_bias: Start value of its bias: `default` is that of Keras, 1 of an LSTM and 0 of a GRU; see
            `chrono_bias`, whose rows are those of a sample.
    """

    forget_bias: Literal["default", "chrono"] = "default"
