"""The forward pass in Keras: the bits of a row do not depend on the rows that are asked for, nor on later rows."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from toy_architectures import Toy, ToyOptions

from forecaster.data.series import Panel
from forecaster.features import RETURN_FEATURES
from forecaster.features.history import WARM_UP
from forecaster.models.architectures.lstm import LSTMOptions
from forecaster.models.architectures.numpy_lstm import lstm_layers
from forecaster.models.architectures.numpy_stack import StackPass
from forecaster.models.base import FitReport
from forecaster.models.quantile import keras_pass
from forecaster.models.quantile.forecaster import FittedQuantileModel
from forecaster.models.quantile.keras_pass import KerasPass

CUTOFFS = (WARM_UP + 23, WARM_UP + 127, WARM_UP + 128, 425, 512)  # around the chunks of 128 rows


def random_network(helpers: SimpleNamespace, supervision: str) -> FittedQuantileModel:
    """Random weights and an open location."""
    options = helpers.options_of(ToyOptions, supervision)
    model, rng = Toy(options, 20), np.random.default_rng(0)
    from forecaster.models.keras_weights import named_weights

    arrays = {
        name: rng.normal(0, 0.3, array.shape).astype(np.float32)
        for name, array in named_weights(model.network()).items()
    }
    return model.restore(arrays, FitReport({"location_steps": [1, 5, 20]}))


@pytest.mark.parametrize("supervision", ["dense", "last"])
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
def test_rows_after_a_cutoff_change_no_bit_before_it(helpers: SimpleNamespace, supervision: str, change: str) -> None:
    fitted, series = random_network(helpers, supervision), helpers.oracles.walk(600)
    every = np.arange(fitted.first_row, 600)
    expected = fitted.forecast(series, every).scaled
    for cutoff in CUTOFFS:
        rows = every[every <= cutoff]
        altered = getattr(helpers.oracles, change)(series, cutoff)
        for asked in (rows, rows[-1:], rows[[-1, 0]]):
            found = fitted.forecast(altered, asked).scaled
            np.testing.assert_array_equal(found, expected[asked - fitted.first_row])
    assert fitted.forecast(series, every[:0]).scaled.shape == (0, 4, 9)


def test_chunks_overlap_by_the_burn_in(helpers: SimpleNamespace) -> None:
    """Against the NumPy pass, chunk by chunk: rows 128 to 223 are those of the chunk that begins in row 96."""
    options = helpers.options_of(LSTMOptions, "dense")
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    x = np.random.default_rng(0).normal(size=(2, 300, len(RETURN_FEATURES))).astype(np.float32)
    found = KerasPass(options, (1, 5), arrays).histories(x)
    numpy_pass = StackPass(lstm_layers(arrays))
    assert found.shape == (2, 300, 4)
    np.testing.assert_allclose(found[:, :128], numpy_pass.histories(x[:, :128]), atol=1e-5)
    for start, end in ((96, 224), (192, 300)):
        np.testing.assert_allclose(found[:, start + 32 : end], numpy_pass.histories(x[:, start:end])[:, 32:], atol=1e-5)
    np.testing.assert_array_equal(KerasPass(options, (1, 5), arrays).histories(x[1:, :20]), found[1:, :20])


def test_windows_are_those_of_numpy_in_any_number_of_calls(
    helpers: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = helpers.options_of(LSTMOptions, "last")
    arrays = helpers.oracles.lstm_arrays(8, (4,), 2)
    x = np.random.default_rng(0).normal(size=(50, 24, len(RETURN_FEATURES))).astype(np.float32)
    places = np.arange(50) + 3
    expected = StackPass(lstm_layers(arrays)).windows(x, places)
    monkeypatch.setattr(keras_pass, "MAX_ROWS", 24 * 16)
    found = KerasPass(options, (1, 5), arrays)
    np.testing.assert_allclose(found.windows(x, places), expected, atol=1e-5)
    np.testing.assert_array_equal(found.windows(x[[40, 7]], places[[40, 7]]), found.windows(x, places)[[40, 7]])
    assert found.windows(x[:0], places[:0]).shape == (0, 4)


def test_a_fitted_model_goes_to_another_process_without_its_network(helpers: SimpleNamespace, panel: Panel) -> None:
    fitted, rows = random_network(helpers, "dense"), np.array([300, 400])
    expected = fitted.forecast(panel["USDJPY"], rows).scaled
    sent = pickle.dumps(fitted)
    assert b"keras" not in sent.replace(b"keras_pass", b"").replace(b"KerasPass", b"")
    np.testing.assert_array_equal(pickle.loads(sent).forecast(panel["USDJPY"], rows).scaled, expected)
