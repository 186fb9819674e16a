"""The classic model as tutorials use it: several columns, covariates, several seeds, and its accuracy."""

import json
from pathlib import Path

import numpy as np
import pytest

from forecaster.config import load_config

DAYS = np.arange("2015-01-01", "2017-01-01", dtype="datetime64[D]")
TUTORIAL = (
    *("--config", "classic", "--set", "model.units=[4]", "--set", "model.epochs=2", "--set", "model.window=12"),
    *("--set", "model.dense_units=0", "--horizon", "2", "--set", "split.test_rows=120", "--backend", "jax"),
)


def write_bars(path: Path, seed: int, *, volume: bool = True) -> np.ndarray:
    """A CSV of daily bars; returns the closes."""
    rng = np.random.default_rng(seed)
    days = DAYS[np.is_busday(DAYS)]
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), 4)
    rows = ["date,open,high,low,close" + (",volume" if volume else "")]
    for day, price, traded in zip(days, close, rng.integers(1000, 2000, len(days)), strict=True):
        bar = f"{day},{price * 0.999:.4f},{price * 1.01:.4f},{price * 0.99:.4f},{price}"
        rows.append(bar + (f",{traded}" if volume else ""))
    path.write_text("\n".join(rows) + "\n")
    return close


def test_bars_covariates_and_seeds_of_a_classic_run(forecast, tmp_path: Path) -> None:
    close = write_bars(tmp_path / "main.csv", 1)
    write_bars(tmp_path / "other.csv", 2)
    inputs = ("--set", "model.features=auto", "--with", "other.csv", "--set", "members=2", "--set", "model.patience=1")
    result = forecast("train", "--csv", "main.csv", *TUTORIAL, *inputs, "--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    with np.load(tmp_path / "runs" / document["run_id"] / "weights.npz") as weights:
        kernels = [weights[f"member_{number}/lstm_0/lstm_cell/kernel"] for number in range(2)]
    assert [kernel.shape for kernel in kernels] == [(5 + 3, 16)] * 2  # columns, and features of the covariate
    assert (kernels[0] != kernels[1]).any()

    (test,) = (score for score in document["scores"] if (score["part"], score["step"]) == ("test", 1))
    outcomes = close[-test["n"] :]
    naive = 100 - 100 * np.mean(np.abs(close[-test["n"] - 1 : -1] - outcomes) / outcomes)
    assert document["accuracy"]["naive"] == pytest.approx(naive, abs=0.02)  # the last rows are purged
    assert document["accuracy"]["model"] == pytest.approx(100 - test["mape"])
    (members,) = document["members"]
    assert members["crps"] == pytest.approx(test["crps"]["classic"])
    assert members["crps"] <= np.mean(members["crps_of_members"]) + 1e-12
    assert len(members["crps_of_members"]) == 2

    assert all(epoch in (1, 2) for epoch in document["kept_epochs"])
    assert len(document["kept_epochs"]) == 2

    again = forecast("train", "--csv", "main.csv", *TUTORIAL, *inputs)
    assert "weights: those of run" in again.stderr
    assert '"accuracy" (100 % - MAPE): classic' in again.stdout
    assert "early stopping: weights of epochs" in again.stdout
    assert "2 seeds on the test rows of main: CRPS" in again.stdout
    predicted = forecast("predict", "--csv", "main.csv", "--format", "json")
    assert predicted.exit_code == 0, predicted.stderr
    assert len(json.loads(predicted.stdout)[0]["steps"]) == 2


def test_names_of_keras_and_scikit_learn_are_known() -> None:
    names = ["model.loss=mean_absolute_error", "model.scaler=StandardScaler", "model.optimizer=SGD"]
    options = load_config("classic", names).model
    assert (options.loss, options.scaler, options.optimizer) == ("mae", "standard", "sgd")
    assert load_config("classic", ["model.loss=pinball"]).model.loss == "mae"


def test_a_column_that_the_file_lacks_is_one_line(forecast, tmp_path: Path) -> None:
    write_bars(tmp_path / "main.csv", 1, volume=False)
    result = forecast("train", "--csv", "main.csv", *TUTORIAL, "--set", "model.features=[close,volume]")
    assert result.exit_code == 2
    assert "model.features: main has no column volume; it has close, open, high, low" in result.stderr
