from pathlib import Path

import numpy as np
import oracles
import pytest

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.evaluation.calibration import calibrate_forecasts
from forecaster.evaluation.splits import folds
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import what_was_said
from forecaster.experiments.backtests import run_backtest
from forecaster.forecast import Forecasts
from forecaster.models import create
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.quantiles import SCORING_LEVELS

WINDOWS = {"chunk": 64, "burn_in": 16, "warm_up": 60}
OPTIONS = LSTMOptions.model_validate({"units": (4,), "windows": WINDOWS, "training": {"steps": 4, "batch_size": 2}})


def plan(steps: tuple[int, ...]) -> BacktestPlan:
    series = oracles.walk(1100, seed=1)
    return BacktestPlan(
        panel=Panel((series,)),
        named=("USDJPY",),
        config=Config(model=OPTIONS, horizon=5),
        forecasters={"lstm": LSTM(OPTIONS, 5), "ewma": create("ewma", 5)},
        folds=folds(series.dates, series.dates[700], 200),
        steps=steps,
        stride=1,
        engine="jax on cpu",
    )


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_step_between_those_of_the_network_is_what_predict_would_say(tmp_path: Path, calibrated: bool) -> None:
    own, between = plan((1, 5)), plan((2, 3))
    assert own.stored_steps("lstm") == between.stored_steps("lstm") == (1, 5)
    assert between.stored_steps("ewma") == (1, 5)
    series = own.panel["USDJPY"]
    rows, said = what_was_said(own, run_backtest(own, tmp_path / "own"), "lstm", series, calibrated=False)
    scaled = said / np.sqrt([[1.0], [5.0]])
    made = Forecasts("lstm", rows, np.ones(len(rows)), (1, 5), SCORING_LEVELS, scaled)
    expected = (calibrate_forecasts(made, series.log_price) if calibrated else made).log_returns([2, 3])
    records = run_backtest(between, tmp_path / "between")
    rows_between, found = what_was_said(between, records, "lstm", series, calibrated)
    np.testing.assert_array_equal(rows_between, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    if calibrated:
        assert not np.allclose(found, made.log_returns([2, 3]), rtol=1e-3)
