"""Loss of the EWMA baseline beside a learning curve, against the loss of the training itself."""

from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.data.series import Panel
from forecaster.features.history import History
from forecaster.models import create
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.panel_members import members_of
from forecaster.models.quantile.head import QuantileLoss
from forecaster.models.quantile.reference_losses import reference_losses
from forecaster.quantiles import SCORING_LEVELS


@pytest.mark.parametrize("supervision", ["dense", "last"])
def test_it_is_the_loss_of_the_forecasts_of_the_baseline(helpers: SimpleNamespace, supervision: str) -> None:
    series = helpers.oracles.walk(900)
    options = helpers.options_of(LSTMOptions, supervision)
    model = LSTM(options, 20)
    rows = np.arange(700, 760)
    request = helpers.request_of(Panel((series,)), validation_rows={"USDJPY": rows})
    (member,) = members_of(request, options.feature_names, model.knots)
    losses = reference_losses([member], request.validation_rows, model.sampling, options.windows.warm_up)

    forecasts = create("ewma", 20).forecast(series, rows)
    unit = History.of(series).volatility[rows, None, None] * np.sqrt(model.knots)[:, None]
    quantiles = forecasts.log_returns(model.knots) / unit
    output = np.concatenate([np.zeros_like(quantiles[..., :1]), quantiles], axis=-1).astype(np.float32)
    scored = min(len(rows), model.sampling.scored_rows) if supervision == "dense" else len(rows)
    expected = QuantileLoss(SCORING_LEVELS)(member.targets[rows[:scored]], output[:scored])
    assert losses == {"ewma": pytest.approx(float(expected), rel=1e-4)}


def test_without_a_validation_it_is_that_of_the_training_rows(helpers: SimpleNamespace) -> None:
    options = helpers.options_of(LSTMOptions, "dense")
    model = LSTM(options, 20)
    request = helpers.request_of(Panel((helpers.oracles.walk(900),)))
    (member,) = members_of(request, options.feature_names, model.knots)
    (loss,) = reference_losses([member], {}, model.sampling, options.windows.warm_up).values()
    later = reference_losses([member], {}, model.sampling, member.training_rows - 50)["ewma"]
    assert np.isfinite([loss, later]).all()
    assert loss != later
