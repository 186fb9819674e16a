"""Stacked GRU (Cho et al. 2014): three gates in place of the four of an LSTM, and no cell state."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from forecaster.arrays import AnyArray
from forecaster.models.architectures.forget_bias import GatedOptions, GatedStack
from forecaster.models.architectures.numpy_gru import GRUWeights
from forecaster.models.architectures.recurrent import cell_settings
from forecaster.models.quantile.forecaster import QuantileForecaster

__all__ = ["GRU", "GRUOptions", "StackedGRU"]


class StackedGRU(GatedStack):
    """GRU layers."""

    prefix = "gru"
    bias_signs: ClassVar = {"update": 1, "reset": 0, "candidate": 0}  # an open update gate keeps the state

    def layer(self, units: int, options: Any, seeds: Any, every_row: bool, name: str) -> Any:
        """See `RecurrentStack`."""
        import keras

        return seeds.recurrent(keras.layers.GRU, units, every_row, name, **cell_settings(options, seeds))

    def numpy_layer(self, weights: Mapping[str, AnyArray], name: str, options: Any) -> GRUWeights:
        """See `RecurrentStack`."""
        return GRUWeights.of(weights, name, options.activation)

    def layer_shapes(self, inputs: int, units: int, name: str) -> dict[str, tuple[int, ...]]:
        """See `RecurrentStack`."""
        return GRUWeights.shapes(inputs, units, name)


class GRUOptions(GatedOptions):
    """Section ``model`` of a configuration with ``kind: gru``."""

    architecture: ClassVar[GatedStack] = StackedGRU()

    kind: Literal["gru"] = "gru"


class GRU(QuantileForecaster):
    """Quantile forecaster with a stacked GRU."""

    name = "gru"
    Options = GRUOptions
