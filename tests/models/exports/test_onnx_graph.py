"""ONNX graphs of layers and whole forecasters, against Keras."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toy_architectures import BidirectionalForecaster, StepStatesForecaster, Toy

from forecaster.data.series import Panel
from forecaster.errors import UsageError

pytest.importorskip("onnx", reason="the extra export is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")

KINDS = {
    "bidirectional": BidirectionalForecaster,
    "step_states": StepStatesForecaster,
}


def outputs(model: Any, **inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of the Keras model and of its ONNX graph."""
    from forecaster.models.exports.onnx_graph import onnx_model

    session = onnxruntime.InferenceSession(onnx_model(model).SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(model(inputs, training=False)), session.run(None, inputs)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_forecasters_are_the_same_in_onnx(helpers: SimpleNamespace, kind: str) -> None:
    options = helpers.options_of(KINDS[kind].Options, "last", training={"steps": 1}, units=(5, 3))
    series = helpers.oracles.walk(700)
    fitted = KINDS[kind](options, 5).fit(helpers.request_of(Panel((series,)), 5)).with_location([5])
    sample = fitted.export_sample(series, 650)
    features = np.concatenate([sample.features, sample.features[:, ::-1]])
    volatility = np.full((2, 1), sample.volatility[0, 0])
    in_keras, in_onnx = outputs(fitted.forecast_model(), features=features, volatility=volatility)
    assert in_onnx.shape == (2, 2, 9)
    np.testing.assert_allclose(in_onnx, in_keras, atol=1e-7)
    assert sample.difference(in_onnx[:1]) < 1e-5


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
        (keras.layers.Conv1D(2, 3), "it has the layer Conv1D; choose --format keras"),
        (keras.layers.LSTM(2, activation="gelu"), "it has the activation gelu"),
        (keras.layers.LSTM(2, return_sequences=True, go_backwards=True), "reversed rows"),
    ):
        with pytest.raises(UsageError, match=message):
            onnx_model(keras.Model({"features": x}, layer(x)))
    assert Toy.traits.exportable
