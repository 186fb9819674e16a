"""An architecture that a test registers by one line: a causal convolution, without a NumPy pass."""

from typing import Any, ClassVar, Literal

from forecaster.models.architectures.base import Architecture
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions


class Convolution(Architecture):
    """One causal convolution over eight rows."""

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        """See `Architecture`."""
        import keras

        kernel = keras.initializers.GlorotUniform(seed=seeds.next())
        layer = keras.layers.Conv1D(options.units[-1], 8, padding="causal", kernel_initializer=kernel, name="toy")
        hidden = layer(inputs)
        return hidden if sequences else hidden[:, -1]


class ToyOptions(QuantileOptions):
    """Section ``model`` of a configuration with ``kind: toy``."""

    architecture: ClassVar[Architecture] = Convolution()

    kind: Literal["toy"] = "toy"


class Toy(QuantileForecaster):
    """Quantile forecaster with a convolution."""

    name = "toy"
    Options = ToyOptions
