"""The Keras models of a quantile forecaster: the network that is trained, and the whole forecaster."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from forecaster.arrays import AnyArray, FloatArray
from forecaster.models.keras_weights import Seeds, load_weights
from forecaster.models.quantile.head import QuantileHead
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS, normal_scores

__all__ = ["build_forecast_model", "build_network", "state_model"]


def build_network(
    options: QuantileOptions, steps: Sequence[int], sequences: bool, seed: int = 0, skipped_rows: int = 0
) -> keras.Model:
    """Architecture, dropout and head with fresh weights.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        sequences: True for an output in every row, (B, T, F) -> (B, T, K, 1 + Q), False for one in the last row,
            (B, T, F) -> (B, K, 1 + Q).
        seed: Seed of the weights and of the dropout.
        skipped_rows: First rows without an output, if there is one in every row: those that only settle the state.
    """
    architecture = options.architecture
    seeds = Seeds(seed)
    inputs = keras.Input((None, len(options.feature_names)), name="features")
    options = options.model_copy(update={"knots": tuple(steps)})
    state = architecture.build(inputs, options, seeds, sequences)
    features = inputs[:, skipped_rows:] if sequences else inputs[:, -1]
    if sequences and skipped_rows:
        state = state[:, skipped_rows:]
    if options.dropout:
        state = keras.layers.Dropout(options.dropout, seed=seeds.next())(state)
    head = QuantileHead(len(steps), SCORING_LEVELS, architecture.per_step, name="head")
    return keras.Model(inputs, head([state, features]))


def state_model(network: keras.Model) -> keras.Model:
    """The part of `build_network` before the head: its output is the state."""
    return keras.Model(network.input, network.get_layer("head").input[0])


def build_forecast_model(
    options: QuantileOptions, steps: Sequence[int], weights: Mapping[str, AnyArray], location_steps: Sequence[int]
) -> keras.Model:
    """The whole forecaster with fixed weights, from features to quantiles of the log return.

    Network, head, regression, location gate and scale: `ForecastFunction` is the same in NumPy. There is no class of
    this package in it, so that a saved model opens without the package.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        weights: Named arrays of the fitted model.
        location_steps: Steps at which the location moves the median.

    Returns:
        A model with the inputs ``features`` (B, T, F), the last T rows up to the cutoff, and ``volatility`` (B, 1),
        the daily volatility of the log return known at the cutoff. Its output is (B, K, Q).
    """
    network = build_network(options.model_copy(update={"dropout": 0.0}), steps, sequences=False)
    load_weights(network, weights)
    regression = VolatilityRegression.of(weights)
    share = 0.0 if regression is None else options.linear_share
    head = network.get_layer("head")
    state, row = head.input
    volatility = keras.Input((1,), name="volatility")
    spacing = head.spread(state)
    if not options.architecture.per_step:
        spacing = keras.layers.Reshape((len(steps), len(SCORING_LEVELS) - 1))(spacing)
    spacing = keras.layers.Activation("exponential")(spacing)
    quantiles = _fixed((1 - share) * _cumulation(), "quantiles")(spacing)
    location = keras.layers.Reshape((len(steps),))(head.location(state))
    center = keras.layers.Add()([location, head.direct(row)]) * np.isin(steps, location_steps).astype(np.float32)
    quantiles = keras.layers.Add()([quantiles, keras.layers.Reshape((len(steps), 1))(center)])
    if regression is not None and share:
        quantiles = keras.layers.Add()([quantiles, _regression_part(regression, share, row)])
    units = _fixed(np.sqrt([steps]), "units")(volatility)
    forecast = keras.layers.Multiply(name="forecast")([quantiles, keras.layers.Reshape((len(steps), 1))(units)])
    return keras.Model({"features": network.inputs[0], "volatility": volatility}, forecast)


def _regression_part(regression: VolatilityRegression, share: float, row: keras.KerasTensor) -> keras.KerasTensor:
    """Quantiles (B, K, Q) of the regression around their medians, times its share, and these medians, for (B, F)."""
    log_ratio = _fixed(regression.kernel[1:], "regression", regression.kernel[0])(row)
    low, high = regression.range.astype(np.float32)
    ratio = keras.layers.Activation("exponential")(ops.minimum(ops.maximum(log_ratio, low), high))
    median = regression.shape[:, [regression.shape.shape[1] // 2]]
    shape = share * (regression.shape - median) + median
    return keras.layers.Reshape((len(shape), 1))(ratio) * shape[None].astype(np.float32)


def _cumulation() -> FloatArray:
    """(Q - 1, Q) sums of the distances between neighbouring quantiles, from the median outwards."""
    gaps = np.diff(normal_scores(SCORING_LEVELS))
    middle = len(gaps) // 2
    from_median = np.arange(len(SCORING_LEVELS)) - middle
    distance = np.arange(len(gaps)) - middle
    above = (distance[:, None] >= 0) & (distance[:, None] < from_median)
    below = (distance[:, None] < 0) & (distance[:, None] >= from_median)
    return np.asarray(gaps[:, None] * (above.astype(float) - below))


def _fixed(kernel: AnyArray, name: str, bias: AnyArray | None = None) -> keras.layers.Dense:
    """A dense layer with given weights (inputs, outputs), which no training changes."""
    layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, trainable=False, name=name)
    layer.build((None, kernel.shape[0]))
    layer.set_weights([np.asarray(part, np.float32) for part in (kernel, bias) if part is not None])
    return layer
