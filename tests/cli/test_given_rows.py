"""Files of spreads, of weeks and of coarse prices, from the training to the picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from short_trainings import TINY


def written(path: Path, dates: np.ndarray, prices: np.ndarray) -> Path:
    rows = [f"{day},{price:.8f}" for day, price in zip(dates, prices, strict=True)]
    path.write_text("\n".join(["date,close", *rows]) + "\n")
    return path


def spread(path: Path, size: float = 2.0) -> Path:
    random = np.random.default_rng(2)
    dates = np.busday_offset("2022-01-03", np.arange(1000))
    return written(path, dates, size * np.cumsum(random.standard_normal(1000) - 0.001))


def test_a_spread_needs_differences(forecast, tmp_path) -> None:
    result = forecast("train", "--csv", spread(tmp_path / "s.csv"), *TINY, "--home", tmp_path)
    assert result.exit_code == 2
    assert "add --differences to model its changes" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pair", "EURUSD", "--differences"), "--differences is for prices that the user gives"),
        (("--config", "classic", "--differences"), "the model classic reads positive prices"),
        (("--calendar", "NYES"), "did you mean NYSE?"),
        (("--split", "2024-06-10"), "expected DATE=RATIO such as 2024-06-10=4"),
        (("--drop", "june"), "expected days such as 2024-03-01"),
    ],
)
def test_options_that_do_not_fit_are_one_line(forecast, tmp_path, arguments, words) -> None:
    file = () if "--pair" in arguments else ("--csv", spread(tmp_path / "s.csv"))
    result = forecast("train", *file, *arguments, "--home", tmp_path)
    assert result.exit_code == 2, result.stderr
    assert words in result.stderr


def test_changes_that_are_too_small_are_refused(forecast, tmp_path) -> None:
    result = forecast("train", "--csv", spread(tmp_path / "s.csv", 5e-5), "--differences", *TINY, "--home", tmp_path)
    assert result.exit_code == 2
    assert "--differences expects changes of at least 0.0001; multiply the prices" in result.stderr


def test_weekly_rows_are_refused_as_days(forecast, tmp_path) -> None:
    dates = np.datetime64("2012-01-06", "D") + 7 * np.arange(700)
    path = written(tmp_path / "w.csv", dates, 100 + np.arange(700) % 9)
    for command in ("train", "predict"):
        result = forecast(command, "--csv", path, "--home", tmp_path)
        assert "w has weekly rows" in result.stderr
        assert "add --frequency 1wk to forecast weeks" in result.stderr


def test_a_run_of_days_is_passed_over_for_a_file_of_weeks(forecast, tmp_path) -> None:
    prices = 100 * np.exp(0.01 * np.random.default_rng(1).standard_normal(900).cumsum())
    path = written(tmp_path / "p.csv", np.busday_offset("2020-01-06", np.arange(900)), prices)
    arguments = ("--csv", path, "--home", tmp_path)
    assert forecast("train", *arguments, *TINY).exit_code == 0
    written(path, np.datetime64("2008-01-04", "D") + 7 * np.arange(900), prices)
    refused = forecast("predict", *arguments)
    assert "p has weekly rows" in refused.stderr
    assert "add --frequency 1wk to forecast weeks" in refused.stderr
    assert forecast("train", *arguments, *TINY, "--frequency", "1wk").exit_code == 0
    result = forecast("predict", *arguments)
    assert result.exit_code == 0, result.stderr
    assert "warning: passed over: run" in result.stderr
    assert "weekly rows; run" in result.stdout


@pytest.mark.slow
def test_a_spread_is_trained_forecast_drawn_and_tested(forecast, tmp_path) -> None:
    path = spread(tmp_path / "s.csv")
    home = ("--home", tmp_path)
    trained = forecast("train", "--csv", path, "--differences", *TINY, *home)
    assert trained.exit_code == 0, trained.stderr
    assert f"forecast predict --csv {path} --differences" in trained.stderr
    result = forecast("predict", "--csv", path, *home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    (document,) = json.loads(result.stdout)
    assert document["differences"] is True
    last = document["last_price"]
    first = document["steps"][0]["quantiles"]
    assert first["0.025"] < last < first["0.975"]
    assert 2 < first["0.975"] - first["0.025"] < 16  # four standard deviations of 2
    returns = forecast("predict", "--csv", path, "--units", "return", *home)
    assert (returns.exit_code, "has no returns" in returns.stderr) == (2, True)
    assert forecast("plot", "--csv", path, "--out", tmp_path / "s.png", *home).exit_code == 0
    tested = ("--models", "lstm,ewma", "--start", "2025-01-01", "--schedule", "never")
    backtest = forecast("backtest", "--csv", path, "--differences", *TINY, *tested, *home)
    assert backtest.exit_code == 0, backtest.stderr
    assert forecast("data", "verify", *home).exit_code == 0
