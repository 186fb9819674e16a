"""Arrays that a quantile forecaster computes from one series before its network reads it, each of them once."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features import feature_matrix
from forecaster.features.history import History
from forecaster.models.quantile.drift import drift_locations
from forecaster.models.quantile.options import QuantileOptions

__all__ = ["SeriesInputs"]


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesInputs:
    """Arrays of one series of T rows; row t of each depends on rows up to t only.

    Args:
        series: The series.
        options: Options of the model.
        steps: (K,) steps that are forecast.
        location_steps: Steps at which a learned location moves the median.
    """

    series: PriceSeries
    options: QuantileOptions
    steps: tuple[int, ...]
    location_steps: Sequence[int]

    @functools.cached_property
    def history(self) -> History:
        """The history."""
        return History.of(self.series)

    @functools.cached_property
    def features(self) -> Float32Array:
        """(T, F) features."""
        return feature_matrix(self.history, self.options.feature_names)

    @functools.cached_property
    def drift(self) -> FloatArray:
        """(T, K) drift of the series itself, in units of the volatility; 0 at steps with a learned location."""
        if self.options.location == "never":
            return np.zeros((len(self.series), len(self.steps)))
        drift = drift_locations(self.history, self.steps)
        return np.where(np.isin(self.steps, self.location_steps), 0.0, drift)
