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
    ("kind", "supervision", "instrument", "share"),
    [
        ("lstm", "dense", "pair", 0.4),
        ("lstm", "dense", "pair", 0.0),
        ("lstm", "dense", "ticker", 0.4),
        ("lstm", "dense", "ticker", 0.0),
        ("lstm", "last", "pair", 0.4),
        ("gru", "dense", "pair", 0.4),
        ("bidirectional", "last", "ticker", 0.4),
        ("step_states", "dense", "pair", 0.4),
    ],
)
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
