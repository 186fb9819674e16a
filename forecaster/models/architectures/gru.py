"""Stacked GRU (Cho et al. 2014): three gates in place of the four of an LSTM, and no cell state.

It has no NumPy pass, so it forecasts in Keras.
"""

from typing import Any, ClassVar, Literal

from forecaster.models.architectures.base import Architecture
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, Units

__all__ = ["GRU", "GRUOptions", "StackedGRU"]


class StackedGRU(Architecture):
    """GRU layers of the sizes `units`."""

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        hidden = inputs
        for index, units in enumerate(options.units):
            every_row = sequences or index < len(options.units) - 1
            hidden = seeds.recurrent(keras.layers.GRU, units, every_row, f"gru_{index}")(hidden)
        return hidden


class GRUOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: gru``."""

    architecture: ClassVar[Architecture] = StackedGRU()

    kind: Literal["gru"] = "gru"
    units: Units = (32, 32)


class GRU(QuantileForecaster):
    """Quantile forecaster with a stacked GRU."""

    name = "gru"
    Options = GRUOptions
