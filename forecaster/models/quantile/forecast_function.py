"""The whole quantile forecaster with fixed weights as one function."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecaster.arrays import AnyArray, Float32Array, FloatArray, IntArray
from forecaster.features.windows import DenseWindows, LastWindows
from forecaster.models.architectures.base import ForwardPass
from forecaster.models.quantile.keras_pass import KerasPass
from forecaster.models.quantile.numpy_head import DIRECT, Blend, quantile_head
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.quantile.sampling import sampling_of
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["ForecastFunction"]


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastFunction:
    """The whole forecaster with fixed weights as one function, from features to scaled quantiles.

    Network, head, mean with the volatility regression, location gate. `keras_model` is the same function in Keras.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        weights: Named arrays of the network, its head and the regression.
        location_steps: Steps at which the location moves the median.
        network: The forward pass, made from `weights`.
    """

    options: QuantileOptions
    steps: tuple[int, ...]
    weights: Mapping[str, AnyArray]
    location_steps: tuple[int, ...]
    network: ForwardPass

    @classmethod
    def of(
        cls,
        options: QuantileOptions,
        steps: tuple[int, ...],
        weights: Mapping[str, AnyArray],
        location_steps: Sequence[int] = (),
    ) -> "ForecastFunction":
        """The function with the weights of a run; one older than the linear path to the location gets it with zeros."""
        direct = np.zeros((len(options.feature_names), len(steps)), dtype=np.float32)
        weights = {DIRECT: direct, **weights}
        network = options.architecture.numpy_pass(weights, options) or KerasPass(options, steps, weights)
        return cls(options, steps, weights, tuple(location_steps), network)

    def __call__(self, features: Float32Array, rows: IntArray) -> FloatArray:
        """Quantiles (N, K, Q) of the log return after the rows `rows` (N,), in units of the volatility and sqrt(step).

        Args:
            features: (T, F) of a history, from its first row on.
            rows: (N,) row numbers.
        """
        state = sampling_of(self.options.windows).states(self.network, features, rows)
        return self.scaled(state, features[rows], rows)

    def scaled(self, state: Float32Array, features: Float32Array, places: IntArray | None = None) -> FloatArray:
        """Scaled quantiles (N, K, Q) from the states (N, ...) and features (N, F) of the same rows; see `head`."""
        location, quantiles = self.head(state, features, places)
        regression = VolatilityRegression.of(self.weights)
        blend = Blend(regression, self.options.linear_share, np.isin(self.steps, self.location_steps))
        return blend(location, quantiles, features)

    def first_row_of(self, row: int) -> int:
        """First row that is read for a forecast at `row`, of a window, a chunk of Keras or the whole history."""
        windows = self.options.windows
        if windows.supervision == "last":
            return row + 1 - windows.context_length
        if isinstance(self.network, KerasPass):
            return windows.warm_up + self.network.chunk_start(row - windows.warm_up)
        return windows.warm_up

    def head(
        self, state: Float32Array, features: Float32Array, places: IntArray | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """Locations (N, K) and quantiles around 0 (N, K, Q); see `quantile_head`."""
        return quantile_head(state, features, self.weights, SCORING_LEVELS, places)

    def locate(self, x: Float32Array) -> Float32Array:
        """Locations (B, T, K) in every row of histories x (B, T, F), whether or not the gate is open."""
        state = self.network.histories(x)
        location, _ = self.head(state.reshape(-1, *state.shape[2:]), x.reshape(-1, x.shape[-1]))
        return location.reshape(*x.shape[:2], -1)

    def parity(self, network: Any, samples: DenseWindows | LastWindows) -> float | None:
        """Largest difference between the Keras `network` and NumPy on one training sample; None without a NumPy pass.

        Args:
            network: The network that was trained, see `forecaster.models.quantile.network.build_network`.
            samples: Samples of one series.
        """
        if isinstance(self.network, KerasPass):
            return None
        x, _ = samples.batch(np.array([len(samples) // 2]))
        expected = network.predict_on_batch(x)[0]  # compiled: eager layers would compile some fifty small programs
        skipped_rows = sampling_of(self.options.windows).skipped_rows
        if expected.ndim == 3:
            location, quantiles = self.head(self.network.histories(x)[0, skipped_rows:], x[0, skipped_rows:])
        else:
            location, quantiles = self.head(self.network.windows(x, np.zeros(1, np.intp)), x[:, -1])
        return float(np.abs(np.concatenate([location[..., None], quantiles], axis=-1) - expected).max())

    def keras_model(self) -> Any:
        """This function as a Keras model; see `forecaster.models.quantile.network.build_forecast_model`."""
        from forecaster.models.quantile.network import build_forecast_model

        return build_forecast_model(self.options, self.steps, self.weights, self.location_steps)
