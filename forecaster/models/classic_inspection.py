"""The classic model on one history, open to inspection; see `forecaster.models.inspection`."""

from collections.abc import Callable, Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.architectures.numpy_lstm import LSTMWeights
from forecaster.models.architectures.numpy_stack import StackPass

__all__ = ["ClassicInspection"]


class ClassicInspection:
    """See `forecaster.models.inspection.Inspection`.

    Args:
        input_names: (F,) names of the inputs.
        inputs: (T, F) scaled inputs.
        length: Rows L of a window; each is read from a zero state.
        stack: The LSTM layers.
        output: Layers on top of them: (N, U) and places (N,) to the scaled price of the next row (N, 1).
    """

    first_row = 0
    is_fast = False

    def __init__(
        self,
        input_names: Sequence[str],
        inputs: Float32Array,
        length: int,
        stack: StackPass[LSTMWeights],
        output: Callable[[Float32Array, IntArray], Float32Array],
    ) -> None:
        self.input_names = input_names
        self.inputs = inputs
        self.longest_lag = self.settling_rows = length - 1
        self._stack = stack
        self._output = output

    def responses(self, x: Float32Array, rows: IntArray) -> tuple[Float32Array, FloatArray]:
        """See `Inspection`."""
        windows = self._windows(x, rows)
        flat = windows.reshape(-1, *windows.shape[2:])
        places = np.arange(len(flat))
        states = self._stack.windows(flat, places)
        forecasts = self._output(states, places).astype(float)
        return states.reshape(len(x), len(rows), -1), forecasts.reshape(len(x), len(rows), 1)

    def gates(self, rows: IntArray) -> Sequence[LayerGates]:
        """See `Inspection`: gates in the last row of each window."""
        windows = self._windows(self.inputs[None], rows)[0]
        return [layer.at((slice(None), -1)) for layer in self._stack.gates(windows, "lstm")]

    def lag_weights(self, rows: IntArray) -> Sequence[LagWeights]:
        """See `Inspection`; an LSTM has none."""
        return ()

    def _windows(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """(B, N, L, F) windows of x (B, T, F) that end in `rows` (N,)."""
        length = self.settling_rows + 1
        views = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)
        return np.asarray(views[:, rows - length + 1].swapaxes(2, 3))
