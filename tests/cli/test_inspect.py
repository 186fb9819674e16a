"""`forecast inspect`, and the figure of an inspection."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Forecast
from documented_keys import differences, missing

import forecaster
from forecaster.models.architectures.base import Architecture
from forecaster.models.architectures.gates import LayerGates
from forecaster.models.architectures.lag_weights import LagWeights
from forecaster.models.architectures.lstm import StackedLSTM
from forecaster.models.architectures.numpy_lstm import LSTMWeights

COMMAND = "forecast inspect --format json"
LAG_WEIGHTS = {f"lag_weights[].{key}" for key in ("layer", "rows_to.half", "rows_to.nine_tenths", "weights[]")}


def test_an_lstm_shows_gates_memory_importances_and_curve(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "inspection.png"
    result = forecast("inspect", "USDJPY", "--home", home, "--last", 30, "--out", picture, "--format", "json")
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    assert differences(COMMAND, document) == []
    assert set(missing(COMMAND, [document])) <= {"missing.<section>", *LAG_WEIGHTS}
    assert len(document["days"]) == 30
    assert document["missing"] == {}
    (layer,) = document["layers"]
    assert set(layer["gates"]) == {"forget", "input", "output"}
    assert all(0 <= values["low"] <= values["mean"] <= values["high"] <= 1 for values in layer["gates"].values())
    assert max(document["memory"]["influence"]["state"]) == 1
    assert document["part"] == "test"
    names = [row["input"] for row in document["importance"]]
    assert names[0] == "all inputs"
    assert {"scaled_return", "volatility_anchor"} < set(names)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_table_fits_a_terminal(forecast: Forecast, home: Path) -> None:
    result = forecast("inspect", "JPYUSD", "--home", home, "--step", "1,5")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("JPYUSD: run ")
    tables = [line for line in result.stdout.splitlines() if not line.startswith(("memory", "importance", "training"))]
    assert max(map(len, tables)) <= 80
    assert "h=5" in result.stdout
    assert "increase of the CRPS with a shuffled input, test rows" in result.stdout


def test_the_id_of_a_run_stands_without_a_flag(forecast: Forecast, home: Path) -> None:
    (run_id,) = (path.name for path in (home / "runs").iterdir() if "sine" in path.name)
    result = forecast("inspect", run_id, "--home", home)
    assert result.exit_code == 0, result.output
    assert "no importance: the inputs of kind classic are prices, which are not shuffled" in result.stdout
    assert "lstm_0" in result.stdout
    assert "memory in rows" in result.stdout
    assert forecast("inspect", "latest", run_id, "--home", home).exit_code == 2
    assert forecast("inspect", "20000101-000000", "--home", home).exit_code == 1


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No importances, which take most of the time."""
    monkeypatch.setattr("forecaster.experiments.inspections.MIN_CUTOFFS", 10**6)


def without_gates(weights: Any, name: str, x: Any, outputs: Any) -> list[LayerGates]:
    return [LayerGates(name, {}, outputs)]


@pytest.mark.usefixtures("_fast")
def test_a_layer_without_gates_shows_the_size_of_its_state(
    forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LSTMWeights, "gates", without_gates)
    picture = home / "inspection.png"
    result = forecast("inspect", "USDJPY", "--home", home, "--out", picture)
    assert result.exit_code == 0, result.output
    assert "\nlstm_0  |output|  " in result.stdout
    assert "\nno gates: the network has none; the size of the states is shown" in result.stdout
    assert picture.exists()
    (document,) = json.loads(forecast("inspect", "USDJPY", "--home", home, "--format", "json").stdout)
    assert differences(COMMAND, document) == []
    assert document["layers"][0]["half_life"] is None


@pytest.mark.usefixtures("_fast")
def test_a_network_without_layers_of_states_shows_the_weights_of_past_rows(
    forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights_of_two_rows(stack: Any, weights: Any, x: np.ndarray, options: Any) -> list[LagWeights]:
        return [LagWeights("attention_0", np.broadcast_to(np.float32([0.75, 0.25]), (*x.shape[:2], 2)))]

    monkeypatch.setattr(StackedLSTM, "gates", Architecture.gates)
    monkeypatch.setattr(StackedLSTM, "lag_weights", weights_of_two_rows)
    picture = home / "inspection.png"
    result = forecast("inspect", "USDJPY", "--home", home, "--out", picture)
    assert result.exit_code == 0, result.output
    assert "attention_0 has half of them on the newest 1, nine tenths on the newest 2" in result.stdout
    assert "\nno gates: the network has none; the weights of past rows are shown" in result.stdout
    assert "half-life" not in result.stdout
    assert picture.exists()
    (document,) = json.loads(forecast("inspect", "USDJPY", "--home", home, "--format", "json").stdout)
    assert differences(COMMAND, document) == []
    assert document["lag_weights"][0]["weights"] == [0.75, 0.25]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "text"), [("gru", "update"), ("bilstm", "bilstm_0/backward"), ("transformer", "weights of past rows")]
)
def test_other_kinds_are_inspected(forecast: Forecast, tmp_path: Path, kind: str, text: str) -> None:
    small = ("--set", "model.training.steps=5", "--set", "model.windows.chunk=128")
    arguments = ("--pair", "USDJPY", "--universe", "none", "--config", kind, *small, "--home", tmp_path)
    assert forecast("train", *arguments).exit_code == 0
    result = forecast("inspect", "USDJPY", "--home", tmp_path, "--out", tmp_path / "inspection.png")
    assert result.exit_code == 0, result.output
    assert text in result.stdout
    assert "importance: increase of the CRPS" in result.stdout
    assert "memory in rows" in result.stdout


def test_a_word_that_is_no_run_is_met_with_the_instruments_of_the_runs(forecast: Forecast, home: Path) -> None:
    result = forecast("inspect", "nonsense", "--home", home)
    assert result.exit_code == 1
    assert "fits NONSENSE; its runs forecast " in result.stderr
    assert "fits USDJPX; did you mean USDJPY; train" in forecast("inspect", "--ticker", "USDJPX", "--home", home).stderr


def test_a_step_beyond_the_horizon_is_refused(forecast: Forecast, home: Path) -> None:
    result = forecast("inspect", "USDJPY", "--home", home, "--step", 21)
    assert result.exit_code == 2
    assert "looks 20 rows ahead" in result.stderr


def test_importances_are_rows_of_csv_and_of_a_frame(forecast: Forecast, home: Path) -> None:
    result = forecast("inspect", "USDJPY", "--home", home, "--format", "csv")
    assert result.stdout.splitlines()[0] == "instrument,run_id,input,step,n,increase,low,high"
    (inspection,) = forecaster.inspect(pair="USDJPY", home=home)
    assert len(inspection.to_frame()) == len(result.stdout.splitlines()) - 1
    np.testing.assert_array_equal(inspection.dates, inspection.series.dates[-500:])


@pytest.mark.usefixtures("_fast")
def test_plot_draws_the_inspection_of_a_run(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "inspection.svg"
    result = forecast("plot", "USDJPY", "--home", home, "--kind", "inspection", "--last", 60, "--out", picture)
    assert result.exit_code == 0, result.output
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<?xml")


def test_an_lstm_is_inspected_without_a_framework(home: Path) -> None:
    code = (
        "import sys, forecaster; forecaster.inspect(pair='USDJPY', home=sys.argv[1]);"
        "print([name for name in ('keras', 'jax', 'tensorflow') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(home)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
