"""An encoder-decoder on one history, open to inspection; see `forecaster.models.inspection`."""

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.models.quantile.inspection import QuantileInspection
from forecaster.models.seq2seq.path_function import PathFunction

__all__ = ["PathInspection"]


class PathInspection(QuantileInspection):
    """See `forecaster.models.inspection.Inspection`; the states are those of the encoder.

    Args:
        function: The forecaster with fixed weights.
        series: The history.
    """

    is_fast = False  # a forecast is made of paths, drawn day after day

    def __init__(self, function: PathFunction, series: PriceSeries) -> None:
        super().__init__(function, series)
        self._paths = function

    @property
    def settling_rows(self) -> int:
        """See `Inspection`; the decoder may attend to states that lie further back."""
        return max(super().settling_rows, self._paths.options.memory_rows)

    def responses(self, x: Float32Array, rows: IntArray) -> tuple[Float32Array, FloatArray]:
        """See `Inspection`."""
        states = self._paths.chunk_states(x, rows)
        features = x[:, rows].reshape(-1, x.shape[2])
        scaled = self._paths.scaled(states.reshape(-1, *states.shape[2:]), features)
        newest = states[:, :, -1] if states.ndim > 3 else states
        return newest, scaled.reshape(len(x), len(rows), *scaled.shape[1:])
