"""Architectures that the shipped ones are not: one reads later rows, one has a state for each step, one convolves."""

from typing import Any, ClassVar, Literal

from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.lstm import LSTMOptions
from forecaster.models.quantile.forecaster import QuantileForecaster
from forecaster.models.quantile.options import QuantileOptions, Units


class Bidirectional(Architecture):
    """A GRU that reads a window from both ends."""

    causal = False

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        import keras

        forward, backward = (
            keras.layers.GRU(
                units,
                kernel_initializer=keras.initializers.GlorotUniform(seeds.next()),
                recurrent_initializer=keras.initializers.Orthogonal(seeds.next()),
                go_backwards=backwards,
                name=name,
            )
            for units, backwards, name in ((options.units[0], False, "forward"), (options.units[0], True, "backward"))
        )
        assert not sequences
        return keras.layers.Concatenate()([forward(inputs), backward(inputs)])


class BidirectionalOptions(QuantileOptions):
    architecture: ClassVar[Architecture] = Bidirectional()
    kind: Literal["bidirectional"] = "bidirectional"
    units: Units = (32, 32)


class BidirectionalForecaster(QuantileForecaster):
    name = "bidirectional"
    Options = BidirectionalOptions


class StepStates(Architecture):
    """A linear layer of the row for each step."""

    per_step = True

    def build(self, inputs: Any, options: Any, seeds: Any, sequences: bool) -> Any:
        import keras

        shape = (len(options.knots), options.units[0])
        rows = inputs if sequences else inputs[:, -1]
        states = keras.layers.Activation("tanh")(seeds.dense(shape[0] * shape[1], "decoder")(rows))
        return keras.layers.Reshape((-1, *shape) if sequences else shape)(states)


class StepStatesOptions(QuantileOptions):
    architecture: ClassVar[Architecture] = StepStates()
    kind: Literal["step_states"] = "step_states"
    units: Units = (32, 32)


class StepStatesForecaster(QuantileForecaster):
    name = "step_states"
    Options = StepStatesOptions


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
    units: Units = (32, 32)


class Toy(QuantileForecaster):
    """Quantile forecaster with a convolution."""

    name = "toy"
    Options = ToyOptions


class TwinOptions(LSTMOptions):
    kind: Literal["twin"] = "twin"


class Twin(QuantileForecaster):
    """The stacked LSTM under another name: a second kind whose programs are compiled already."""

    name = "twin"
    Options = TwinOptions
