"""The linear kind against Keras and against its definition."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.errors import ConfigError
from forecaster.models.architectures.linear import Linear, LinearOptions
from forecaster.models.architectures.numpy_linear import LinearPass

FEATURES = 8


def random_network(helpers: SimpleNamespace, supervision: str) -> tuple[Any, Any, dict[str, np.ndarray]]:
    from forecaster.models.keras_weights import load_weights, named_weights

    options = helpers.options_of(LinearOptions, supervision, units=(3,), kernel_size=5, moving_average=4)
    network = Linear(options, 10).network()
    rng = np.random.default_rng(1)
    arrays = {name: rng.normal(0, 0.4, array.shape).astype("f4") for name, array in named_weights(network).items()}
    load_weights(network, arrays)
    return options, network, arrays


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_numpy_agrees_with_keras(helpers: SimpleNamespace, supervision: str, rows: int) -> None:
    from forecaster.models.quantile.network import state_model

    options, network, arrays = random_network(helpers, supervision)
    x = np.random.default_rng(0).normal(size=(2, rows, FEATURES)).astype(np.float32)
    expected = state_model(network).predict_on_batch(x)
    forward = options.architecture.numpy_pass(arrays, options)
    result = forward.histories(x) if supervision == "dense" else forward.windows(x, np.arange(2))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_a_state_is_a_map_of_the_moving_average_and_of_the_rest(helpers: SimpleNamespace) -> None:
    """Row by row, with zeros before the first one."""
    _, _, arrays = random_network(helpers, "dense")
    x = np.random.default_rng(0).normal(size=(20, FEATURES))
    before = np.concatenate([np.zeros((8, FEATURES)), x])
    trend = np.array([before[t + 5 : t + 9].mean(axis=0) for t in range(20)])
    parts = {"trend": trend, "rest": x - trend}
    expected = np.tile(arrays["trend/bias"].astype(float), (20, 1))
    for name, values in parts.items():
        padded = np.concatenate([np.zeros((4, FEATURES)), values])
        for t in range(20):
            expected[t] += np.einsum("tf,tfu->u", padded[t : t + 5], arrays[f"{name}/kernel"])
    result = LinearPass.of(arrays, 4).histories(x[None].astype(np.float32))[0]
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_a_linear_map_has_one_layer() -> None:
    with pytest.raises(ConfigError, match=r"model.units: .*at most 1 item"):
        load_config(None, ["model.kind=linear", "model.units=[8,8]"])
    assert load_config(None, ["model.kind=linear", "model.units=8"]).model.units == (8,)


def test_a_map_of_more_rows_than_a_chunk_is_refused() -> None:
    """The weights of rows that no chunk holds would stay random, and a forecast would read them."""
    message = (
        r"expected at most the 256 rows of windows.chunk; got 257, the oldest of which a training would never read"
    )
    with pytest.raises(ConfigError, match=message):
        load_config(None, ["model.kind=linear", "model.kernel_size=200", "model.moving_average=58"])
    load_config(None, ["model.kind=linear", "model.kernel_size=200", "model.moving_average=57"])
