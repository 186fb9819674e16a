"""A quantile forecaster on one history, open to inspection; see `forecaster.models.inspection`."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.data.series import PriceSeries
from forecaster.features import feature_matrix
from forecaster.features.history import History
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.quantile.forecast_function import ForecastFunction
from forecaster.models.quantile.keras_pass import KerasPass

__all__ = ["QuantileInspection"]

SETTLING_ROWS = 256
LONGEST_LAG = 250  # rows, about a year


class QuantileInspection:
    """See `forecaster.models.inspection.Inspection`.

    Args:
        function: The forecaster with fixed weights.
        series: The history.
    """

    def __init__(self, function: ForecastFunction, series: PriceSeries) -> None:
        self._function = function
        self._series = series
        self._windows = function.options.windows

    @property
    def input_names(self) -> Sequence[str]:
        """See `Inspection`."""
        return self._function.options.feature_names

    @functools.cached_property
    def inputs(self) -> Float32Array:
        """See `Inspection`."""
        return feature_matrix(History.of(self._series), self.input_names)

    @property
    def first_row(self) -> int:
        """See `Inspection`."""
        return self._windows.warm_up

    @property
    def settling_rows(self) -> int:
        """See `Inspection`; Keras reads a history in chunks."""
        if not self._is_dense:
            return self._windows.context_length - 1
        return SETTLING_ROWS if self._reads_histories else self._windows.burn_in

    @property
    def longest_lag(self) -> int:
        """See `Inspection`; no state lasts longer than the chunk or window that it is computed in."""
        if not self._is_dense:
            return min(LONGEST_LAG, self._windows.context_length - 1)
        if self._reads_histories:
            return LONGEST_LAG
        return min(LONGEST_LAG, self._windows.chunk - self._windows.burn_in - 1)

    @property
    def is_fast(self) -> bool:
        """See `Inspection`."""
        return self._reads_histories

    @property
    def _reads_histories(self) -> bool:
        """True if the network reads any number of rows in one pass."""
        return self._is_dense and not isinstance(self._function.network, KerasPass)

    @property
    def _is_dense(self) -> bool:
        return self._windows.supervision == "dense"

    def responses(self, x: Float32Array, rows: IntArray) -> tuple[Float32Array, FloatArray]:
        """See `Inspection`."""
        states = self._states(np.ascontiguousarray(x), rows)
        features = x[:, rows].reshape(-1, x.shape[2])
        flat = states.reshape(-1, *states.shape[2:])
        scaled = self._function.scaled(flat, features)
        return states.reshape(len(x), len(rows), -1), scaled.reshape(len(x), len(rows), *scaled.shape[1:])

    def _states(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """States (B, N, ...) in `rows` (N,) of histories x (B, T, F)."""
        network = self._function.network
        if self._is_dense:
            return np.asarray(network.histories(x)[:, rows])
        windows = self._window_views(x, rows)
        flat = windows.reshape(-1, *windows.shape[2:])
        states = network.windows(flat, np.arange(len(flat)))
        return states.reshape(len(x), len(rows), *states.shape[1:])

    def _window_views(self, x: Float32Array, rows: IntArray) -> Float32Array:
        """(B, N, L, F) windows of x (B, T, F) that end in `rows` (N,)."""
        length = self._windows.context_length
        views = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)
        return np.asarray(views[:, rows - length + 1].swapaxes(2, 3))

    def gates(self, rows: IntArray) -> Sequence[LayerGates]:
        """See `Inspection`."""
        options = self._function.options
        x, index = self._read(rows)
        return [layer.at(index) for layer in options.architecture.gates(self._function.weights, x, options)]

    def lag_weights(self, rows: IntArray) -> Sequence[LagWeights]:
        """See `Inspection`."""
        options = self._function.options
        x, index = self._read(rows)
        return [layer.at(index) for layer in options.architecture.lag_weights(self._function.weights, x, options)]

    def _read(self, rows: IntArray) -> tuple[Float32Array, Any]:
        """Histories (B, T, F) that the network reads for `rows` (N,), and the index of these rows in them."""
        x = self.inputs[None, self.first_row : int(rows.max()) + 1]
        places = rows - self.first_row
        if self._is_dense:
            return x, (0, places)
        return self._window_views(x, places)[0], (slice(None), -1)
