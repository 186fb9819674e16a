"""Activations in NumPy against Keras."""

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.models.activations import ACTIVATIONS


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_that_of_keras(name: str) -> None:
    import keras

    x = np.concatenate([np.linspace(-6, 6, 401), [-40.0, 0.0, 40.0]]).astype(np.float32)
    expected = np.asarray(keras.activations.get(name)(x))
    result = ACTIVATIONS[name](x)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "meant"), [("rleu", "relu"), ("softpluss", "softplus")])
def test_an_unknown_activation_is_told_with_the_nearest_one(name: str, meant: str) -> None:
    message = rf"model.activation: expected one of elu.*did you mean {meant}\? \(got '{name}'\)"
    with pytest.raises(ConfigError, match=message):
        load_config(None, [f"model.activation={name}"])


def test_names_are_read_in_any_case() -> None:
    assert load_config(None, ["model.activation=Tanh"]).model.activation == "tanh"
