import functools
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.evaluation import comparison
from forecaster.evaluation.calibration import calibrate_forecasts
from forecaster.evaluation.splits import folds
from forecaster.experiments import backtest_scores
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtest_scores import evaluate_backtest, model_forecasts
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
    rows, said = model_forecasts(own, run_backtest(own, tmp_path / "own"), "lstm", series, calibrated=False)
    scaled = said / np.sqrt([[1.0], [5.0]])
    made = Forecasts("lstm", rows, np.ones(len(rows)), (1, 5), SCORING_LEVELS, scaled)
    expected = (calibrate_forecasts(made, series.log_price) if calibrated else made).log_returns([2, 3])
    records = run_backtest(between, tmp_path / "between")
    rows_between, found = model_forecasts(between, records, "lstm", series, calibrated)
    np.testing.assert_array_equal(rows_between, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    if calibrated:
        assert not np.allclose(found, made.log_returns([2, 3]), rtol=1e-3)


def test_a_backtest_calibrates_each_model_once_and_computes_each_days_loss_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[str, int] = {}

    def count(module: Any, name: str) -> None:
        true = getattr(module, name)

        @functools.wraps(true)
        def counted(*arguments: Any, **named: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return true(*arguments, **named)

        monkeypatch.setattr(module, name, counted)

    for module, name in (
        (backtest_scores, "calibrate"),
        (backtest_scores, "model_forecasts"),
        (comparison, "daily_losses"),
    ):
        count(module, name)
    made = plan((1, 2, 5))
    result = evaluate_backtest(made, run_backtest(made, tmp_path), made.panel.series, calibrated=True)
    assert sorted(result.samples) == [1, 2, 5]
    assert len(result.scores) == 6
    assert counts == {"calibrate": 1, "model_forecasts": 2, "daily_losses": 3}
