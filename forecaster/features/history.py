"""History: the arrays that every feature is computed from."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.data.series import PriceSeries
from forecaster.features.volatility import at_least, ewma_volatility, rounding_floor

__all__ = ["SCALE_DECAY", "WARM_UP", "WARM_UP_OF_FREQUENCY", "History"]

SCALE_DECAY = 0.97  # of the volatility that divides every feature and target
WARM_UP = 201  # rows before volatilities have settled: one lost to differencing and 200 returns
WARM_UP_OF_FREQUENCY: Mapping[str, int] = {"1wk": 104, "1mo": 60}  # of rows longer than a day, of which there are fewer


@dataclasses.dataclass(frozen=True)
class History:
    """Arrays of one series that features are computed from; row t of each uses rows up to t of the series.

    Args:
        log_price: (T,); its differences are total returns.
        log_return: (T,) with 0 in the first row.
        floor: (T,) smallest volatility that can be distinguished from rounding.
        volatility: (T,) EWMA volatility of the daily log return, at least `floor`.
        open: (T,) raw price of the day, NaN where the source has none; likewise `high`, `low`, `close`.
        high: (T,).
        low: (T,).
        close: (T,).
        volume: (T,) traded volume, NaN where the source has none.
        inputs: Name -> (T,): covariate features, see `forecaster.features.covariates`.
    """

    log_price: FloatArray
    log_return: FloatArray
    floor: FloatArray
    volatility: FloatArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    inputs: Mapping[str, FloatArray]

    @classmethod
    def of(cls, series: PriceSeries) -> "History":
        """The history of `series`, over all its rows (T,)."""
        log_price = series.log_price
        log_return = np.diff(log_price, prepend=log_price[:1])
        floor = rounding_floor(series.rounding, len(series))
        volatility = at_least(floor, ewma_volatility(log_return[1:], SCALE_DECAY))
        missing = np.full(len(series), np.nan)
        bars = {name: series.columns.get(name, missing) for name in ("open", "high", "low", "close", "volume")}
        return cls(log_price, log_return, floor, volatility, **bars, inputs=series.inputs)

    def __len__(self) -> int:
        return len(self.log_price)
