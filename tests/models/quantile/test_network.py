"""The whole forecaster as one Keras model, against the NumPy function that `forecast` calls."""

from types import SimpleNamespace

import numpy as np
import pytest
from toy_architectures import BidirectionalForecaster, StepStatesForecaster

from forecaster.data.series import Panel
from forecaster.features import feature_matrix
from forecaster.features.history import WARM_UP, History
from forecaster.models.architectures.gru import GRU
from forecaster.models.architectures.lstm import LSTM

KINDS = {"lstm": LSTM, "gru": GRU, "bidirectional": BidirectionalForecaster, "step_states": StepStatesForecaster}


@pytest.mark.parametrize(
    ("kind", "supervision"),
    [("lstm", "dense"), ("lstm", "last"), ("gru", "dense"), ("bidirectional", "last"), ("step_states", "dense")],
)
@pytest.mark.parametrize("instrument", ["pair", "ticker"])
@pytest.mark.parametrize("share", [0.4, 0.0])
def test_the_keras_model_is_the_forecast(
    helpers: SimpleNamespace, kind: str, supervision: str, instrument: str, share: float
) -> None:
    series = helpers.oracles.walk(700) if instrument == "pair" else helpers.oracles.bars(700)
    options = helpers.options_of(KINDS[kind].Options, supervision, linear_share=share, training={"steps": 2})
    model = KINDS[kind](options, 5)
    fitted = model.fit(helpers.request_of(Panel((series,)), 5)).with_location([5])
    rows = np.array([WARM_UP + 60, WARM_UP + 90])  # within the first chunk, where dense networks read every row
    expected = fitted.forecast(series, rows).log_returns(model.knots)
    history = History.of(series)
    features = feature_matrix(history, options.feature_names)
    network = fitted.forecast_model()
    for row, wanted in zip(rows, expected, strict=True):
        first = WARM_UP if supervision == "dense" else row + 1 - options.windows.context_length
        inputs = {"features": features[None, first : row + 1], "volatility": history.volatility[None, row, None]}
        found = np.asarray(network(inputs, training=False))
        assert found.shape == (1, 2, 9)
        np.testing.assert_allclose(found[0], wanted, atol=1e-7)
        scaled = np.asarray(network(inputs | {"volatility": np.ones((1, 1), np.float32)}, training=False))[0]
        np.testing.assert_allclose(scaled, wanted / history.volatility[row], atol=1e-5)
    assert (expected[:, 1, 4] != 0).all()
    assert (expected[:, 0, 4] == 0).all() == (instrument == "pair" or not share)


def test_a_share_of_nothing_and_shut_gates_leave_the_head(helpers: SimpleNamespace) -> None:
    from forecaster.models.quantile.head import ForecastOutput

    rng = np.random.default_rng(0)
    output = rng.normal(size=(3, 2, 10)).astype(np.float32)
    features, volatility = np.ones((3, 4), np.float32), np.full((3, 1), 0.5, np.float32)
    found = np.asarray(ForecastOutput((1, 4), ())([output, features, volatility]))
    np.testing.assert_allclose(found, output[..., 1:] * np.array([0.5, 1.0])[:, None], rtol=1e-6)
    opened = np.asarray(ForecastOutput((1, 4), (4,))([output, features, volatility]))
    np.testing.assert_allclose(opened[:, 1], found[:, 1] + output[:, 1, :1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(opened[:, 0], found[:, 0])


def test_the_output_layer_comes_back_from_its_configuration() -> None:
    from forecaster.models.quantile.head import ForecastOutput

    layer = ForecastOutput((1, 5), (5,), 0.4, name="forecast")
    again = ForecastOutput.from_config(layer.get_config())
    assert (again.steps, again.location_steps, again.regression_share) == ((1, 5), (5,), 0.4)
