"""ONNX graphs of layers and whole forecasters, against Keras."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from toy_architectures import BidirectionalForecaster, StepStatesForecaster, Toy

from forecaster.errors import UsageError
from forecaster.models import model_class, network_names, traits_of

TOYS = {"bidirectional": BidirectionalForecaster, "step_states": StepStatesForecaster}
KINDS = [*(name for name in network_names() if traits_of(name).exportable), *TOYS]
SIZES = {"linear": (6,), "transformer": (6, 6)}


def outputs(model: Any, **inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of the Keras model and of its ONNX graph."""
    from forecaster.models.exports.onnx_graph import onnx_model

    session = onnxruntime.InferenceSession(onnx_model(model).SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(model(inputs, training=False)), session.run(None, inputs)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_forecasters_are_the_same_in_onnx(helpers: SimpleNamespace, kind: str) -> None:
    """With large random weights; the layers are also those of plain Keras."""
    from forecaster.models.exports.keras_file import require_plain_layers
    from forecaster.models.keras_weights import named_weights
    from forecaster.models.quantile.network import build_forecast_model

    forecaster_class: Any = TOYS.get(kind) or model_class(kind)
    supervision = "dense" if forecaster_class.Options.architecture.causal else "last"
    options = helpers.options_of(forecaster_class.Options, supervision, units=SIZES.get(kind, (5, 3)))
    rng = np.random.default_rng(1)
    names = named_weights(forecaster_class(options, 5).network())
    weights = {name: rng.normal(0, 0.4, array.shape).astype("f4") for name, array in names.items()}
    model = build_forecast_model(options, (1, 5), weights, [5])
    require_plain_layers(model)
    features = rng.normal(size=(2, 90, len(options.feature_names))).astype("f4")
    volatility = np.full((2, 1), 0.01, "f4")
    in_keras, in_onnx = outputs(model, features=features, volatility=volatility)
    assert in_onnx.shape == (2, 2, 9)
    np.testing.assert_allclose(in_onnx, in_keras, rtol=1e-5, atol=1e-7)
    reach = options.architecture.reach(options)
    if reach is not None:
        rows = features[:, -reach - 1 :]
        np.testing.assert_allclose(
            outputs(model, features=rows, volatility=np.full((2, 1), 0.01, "f4"))[1], in_onnx, rtol=1e-5, atol=1e-7
        )


def test_layers_that_architectures_may_have() -> None:
    import keras

    layers = keras.layers
    random = keras.initializers.RandomNormal(seed=3)
    x = keras.Input((None, 4), name="features")
    rows = layers.LSTM(3, return_sequences=True, use_bias=False)(x)
    rows = layers.LayerNormalization(gamma_initializer=random, beta_initializer=random)(rows)
    rows = layers.Concatenate()([layers.GRU(3, return_sequences=True, reset_after=False)(rows), rows])
    rows = layers.Dropout(0.5)(layers.SimpleRNN(4, activation="relu", return_sequences=True)(rows) + x)
    rows = layers.Dense(4, activation="softplus", bias_initializer=random)(rows[:, 1:]) - x[:, 1:]
    model = keras.Model({"features": x}, layers.LSTM(2, go_backwards=True, bias_initializer=random)(rows))
    sample = np.random.default_rng(0).normal(size=(3, 11, 4)).astype(np.float32)
    in_keras, in_onnx = outputs(model, features=sample)
    np.testing.assert_allclose(in_onnx, in_keras, atol=1e-6)


def test_a_layer_without_a_form_is_refused_by_its_name(helpers: SimpleNamespace) -> None:
    import keras

    from forecaster.models.exports.onnx_graph import onnx_model

    x = keras.Input((None, 4), name="features")
    for layer, message in (
        (keras.layers.MaxPooling1D(), "it has the layer MaxPooling1D; choose --format keras"),
        (keras.layers.Conv1D(2, 3), "other settings than causal rows"),
        (keras.layers.LSTM(2, activation="gelu"), "it has the activation gelu"),
        (keras.layers.Dense(2, activation="hard_tanh"), "it has the activation hard_tanh"),
        (keras.layers.LSTM(2, return_sequences=True, go_backwards=True), "reversed rows"),
    ):
        with pytest.raises(UsageError, match=message):
            onnx_model(keras.Model({"features": x}, layer(x)))
    assert Toy.traits.exportable
