"""Options of the quantile forecasters."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError
from toy_architectures import BidirectionalOptions

from forecaster.data.series import Panel
from forecaster.features import RETURN_FEATURES
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.base import FitReport


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": ["momentum_5", "rsi"]}, "unknown feature rsi"),
        ({"features": ["momentum_5", "momentum_5"]}, "listed twice"),
        ({"features": []}, "expected auto, or a list of at least 1 feature"),
        ({"features": "rsi"}, "expected auto, or a list of at least 1 feature"),
        ({"features": 3}, "expected auto, or a list of at least 1 feature"),
        ({"features": [["momentum_5"]]}, "unknown feature"),
        ({"knots": [5, 10]}, "begin with 1"),
        ({"knots": [1, 5, 5]}, "increasing"),
        ({"windows": {"chunk": 128, "burn_in": 128}}, "leave no row to score"),
        ({"units": []}, "at least 1"),
        ({"layers": 2}, "Extra inputs"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LSTMOptions.model_validate(options)


def test_features_that_are_not_settled_are_those_of_the_returns(helpers: SimpleNamespace) -> None:
    options = helpers.lstm_options()
    assert options.features == "auto"
    assert options.feature_names == RETURN_FEATURES
    named = helpers.lstm_options(features=RETURN_FEATURES)
    arrays, series, rows = helpers.oracles.lstm_arrays(8, (4,), 2), helpers.oracles.bars(300), np.array([250, 299])
    found, expected = (
        LSTM(one, 5).restore(arrays, FitReport()).forecast(series, rows).scaled for one in (options, named)
    )
    np.testing.assert_array_equal(found, expected)


def test_features_that_were_named_stay(helpers: SimpleNamespace) -> None:
    options = helpers.lstm_options(features=("momentum_5", "range_day"))
    panel = Panel((helpers.oracles.walk(300),))
    assert options.resolved(panel, panel.series[0].dates[-1]).features == ("momentum_5", "range_day")
    assert LSTMOptions.model_validate(options.model_dump(mode="json")) == options


def test_the_burn_in_of_dense_supervision_does_not_bind_the_other() -> None:
    options = LSTMOptions.model_validate({"windows": {"supervision": "last", "chunk": 5, "burn_in": 9}})
    assert options.windows.supervision == "last"


def test_a_network_that_reads_later_rows_is_not_supervised_in_every_row(helpers: SimpleNamespace) -> None:
    with pytest.raises(ValidationError, match=r"bidirectional reads later rows of a sample.*got dense; use last"):
        BidirectionalOptions()
    assert helpers.options_of(BidirectionalOptions, "last").windows.supervision == "last"
