"""Runs of every kind are repeated with the same bits."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import local_yahoo
import oracles
import pytest
from conftest import Forecast
from short_trainings import SMALL_NETWORK, TINY, TINY_CLASSIC

from forecaster.environment import Environment
from forecaster.workflows.replay import replay
from forecaster.workflows.train import train

pytestmark = pytest.mark.slow

SHORT = ("--set", "model.training.steps=10", "--backend", "jax", "--universe", "none", "--horizon", "5")
MEMBERS = "model.members=[{kind: gru, units: [6], training: {steps: 10}}, {kind: linear, training: {steps: 10}}]"
KINDS = {
    "gru": (*TINY, "--horizon", "5", "--set", "model.kind=gru"),
    "rnn": (*TINY, "--horizon", "5", "--set", "model.kind=rnn"),
    "bilstm": (*TINY, "--horizon", "5", "--set", "model.kind=bilstm"),
    "transformer": (*TINY, "--horizon", "5", "--set", "model.kind=transformer"),
    "seq2seq": (*TINY, "--horizon", "5", "--set", "model.kind=seq2seq"),
    "linear": (*SHORT, "--set", "model.kind=linear"),
    "kinds": (
        "--backend",
        "jax",
        "--universe",
        "none",
        "--horizon",
        "5",
        "--set",
        "model.kind=ensemble",
        "--set",
        MEMBERS,
    ),
    "seeds": (*TINY, "--horizon", "5", "--set", "members=2"),
    "refit": (*TINY, "--horizon", "5", "--refit"),
    "differences": (*TINY, "--horizon", "5", "--differences"),
    "an earlier end": (*TINY, "--horizon", "5", "--end", "2006-01-01"),
}


def prices(path: Path, seed: int = 3, rows: int = 1800) -> Path:
    series = oracles.walk(rows, seed=seed)
    lines = [f"{day},{price:.5f}" for day, price in zip(series.dates, series.columns["close"], strict=True)]
    path.write_text("\n".join(["date,close", *lines]) + "\n")
    return path


def require_same_bits(forecast: Forecast, home: Path) -> None:
    result = forecast("replay", "latest", "--home", home, "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["identical"]
    assert document["environment"] == document["differences"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_any_kind_is_repeated(kind: str, forecast: Forecast, tmp_path: Path) -> None:
    file = prices(tmp_path / "prices.csv")
    result = forecast("train", "--csv", file, *KINDS[kind], "--home", tmp_path)
    assert result.exit_code == 0, result.output
    file.unlink()
    require_same_bits(forecast, tmp_path)


def test_the_classic_model_and_peers_are_repeated(forecast: Forecast, tmp_path: Path) -> None:
    pairs = (
        "--pair",
        "USDJPY",
        "--peers",
        "EURUSD",
        "--with",
        "GBPUSD",
        "--end",
        "2010-12-31",
        *TINY,
        "--frequency",
        "1wk",
    )
    for arguments in (TINY_CLASSIC, pairs):
        result = forecast("train", *arguments, "--home", tmp_path)
        assert result.exit_code == 0, result.output
        require_same_bits(forecast, tmp_path)


def test_reused_weights_are_fitted_again(forecast: Forecast, tmp_path: Path) -> None:
    file = prices(tmp_path / "prices.csv")
    for _ in range(2):
        result = forecast("train", "--csv", file, *TINY, "--horizon", "5", "--home", tmp_path)
        assert result.exit_code == 0, result.output
    assert "weights: those of run" in result.stderr
    require_same_bits(forecast, tmp_path)


def test_a_week_that_was_not_over_has_no_row_later(tmp_path: Path) -> None:
    file = prices(tmp_path / "prices.csv", rows=5403)
    last = oracles.walk(5403, seed=3).dates[-1].astype(datetime.date)
    assert last.weekday() < 4
    now = datetime.datetime.combine(last, datetime.time(20), datetime.UTC)
    settings = {"model.training.steps": 10, "model.units": [6]}
    train(
        environment=Environment(home=tmp_path, clock=lambda: now),
        csv=str(file),
        universe="none",
        frequency="1wk",
        horizon=4,
        backend="jax",
        set=settings,
    )
    assert replay(run="latest", environment=Environment(home=tmp_path)).is_identical


def test_prices_of_yahoo_are_asked_for_elsewhere(
    forecast: Forecast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, online: None
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    capsule = tmp_path / "run.capsule"
    with local_yahoo.LocalYahoo(local_yahoo.any_chart) as server:
        monkeypatch.setenv("FORECAST_YAHOO_ENDPOINT", server.endpoint)
        trained = forecast("train", "--ticker", "AAPL", "--source", "yahoo", *SMALL_NETWORK, "--home", here)
        assert trained.exit_code == 0, trained.output
        exported = forecast("runs", "export", "latest", "--out", capsule, "--home", here)
        assert "left out: yahoo/AAPL" in exported.stderr
        imported = forecast("runs", "import", capsule, "--home", there)
        assert "replay asks yahoo for its rows" in imported.stderr
        offline = forecast("replay", "latest", "--offline", "--home", there)
        assert (offline.exit_code, offline.stdout) == (3, "")
        require_same_bits(forecast, there)
        assert forecast("data", "fetch", "--ticker", "AAPL", "--source", "yahoo", "--home", there).exit_code == 0
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    require_same_bits(forecast, there)


def test_another_engine_repeats_a_run_within_the_tolerance(forecast: Forecast, tmp_path: Path) -> None:
    """In a process of its own, since Keras keeps the engine that it began with."""
    here, there = tmp_path / "here", tmp_path / "there"
    trained = forecast("train", "--csv", prices(tmp_path / "prices.csv"), *TINY, "--horizon", "5", "--home", here)
    assert trained.exit_code == 0, trained.output
    assert forecast("runs", "export", "latest", "--out", tmp_path / "a.capsule", "--home", here).exit_code == 0
    assert forecast("runs", "import", tmp_path / "a.capsule", "--home", there).exit_code == 0
    command = ["replay", "latest", "--backend", "tensorflow", "--home", str(there), "--format", "json"]
    result = subprocess.run(
        [sys.executable, "-m", "forecaster", *command],
        capture_output=True,
        text=True,
        timeout=250,
        env={**os.environ, "TF_NUM_INTRAOP_THREADS": "2"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["repeated"], document["identical"]) == (True, False)
    assert {fact["subject"] for fact in document["environment"]} == {"engine", "setting of threads"}
