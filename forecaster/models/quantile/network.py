"""The Keras models of a quantile forecaster: the network that is trained, and the whole forecaster."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from forecaster.arrays import AnyArray
from forecaster.models.keras_weights import Seeds, load_weights
from forecaster.models.quantile.head import ForecastOutput, QuantileHead
from forecaster.models.quantile.options import QuantileOptions
from forecaster.models.volatility_regression import VolatilityRegression
from forecaster.quantiles import SCORING_LEVELS

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
    inputs = keras.Input((None, len(options.feature_names)))
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
    return keras.Model(network.inputs, network.get_layer("head").input[0])


def build_forecast_model(
    options: QuantileOptions, steps: Sequence[int], weights: Mapping[str, AnyArray], location_steps: Sequence[int]
) -> keras.Model:
    """The whole forecaster with fixed weights, from features to quantiles of the log return.

    Network, head, regression, location gate and scale: `ForecastFunction` is the same in NumPy.

    Args:
        options: Options of the model.
        steps: (K,) steps that are forecast.
        weights: Named arrays of the fitted model.
        location_steps: Steps at which the location moves the median.

    Returns:
        A model with the inputs ``features`` (B, T, F), the last T rows up to the cutoff, and ``volatility`` (B, 1),
        the daily volatility of the log return known at the cutoff. Its output is (B, K, Q).
    """
    network = build_network(options, steps, sequences=False)
    load_weights(network, weights)
    regression = VolatilityRegression.of(weights)
    share = 0.0 if regression is None else options.linear_share
    features = keras.Input((None, len(options.feature_names)), name="features")
    volatility = keras.Input((1,), name="volatility")
    output = ForecastOutput(steps, location_steps, share, name="forecast")
    quantiles = output([network(features), features[:, -1], volatility])
    if regression is not None:
        parts = (regression.kernel, regression.range, regression.shape)
        output.set_weights([part.astype(np.float32) for part in parts])
    return keras.Model({"features": features, "volatility": volatility}, quantiles)
