"""`forecast export`: whole forecasters for programs that do not have this package."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Forecast
from documented_keys import differences, missing

from forecaster.models.exports import FORMATS, base
from forecaster.models.exports.keras_file import KerasFile

HIDDEN = "import runpy, sys; sys.modules['forecaster'] = None; runpy.run_path(sys.argv[1])"
ENGINES = {"keras": "jax", "onnx": "none", "saved-model": "tensorflow"}


CASES = ["keras", "onnx", pytest.param("saved-model", marks=pytest.mark.slow)]


def prices_without_the_package(folder: Path, format: str) -> np.ndarray:
    """Numbers that the example prints where no `forecaster` can be imported."""
    variables = {"KERAS_BACKEND": ENGINES[format], "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", HIDDEN, str(folder / "example.py")]
    done = subprocess.run(
        command, env=os.environ | variables, cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return np.array([line.split() for line in done.stdout.splitlines()], dtype=float)


@pytest.mark.parametrize("format", CASES)
def test_an_exported_forecaster_gives_the_forecast_without_this_package(
    forecast: Forecast, home: Path, tmp_path: Path, format: str
) -> None:
    folder = tmp_path / "exported"
    result = forecast("export", "latest", "--format", format, "--folder", folder, "--home", home)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{folder}\n"
    assert "checked: 3 forecasts of USDJPY differ from those of predict by at most" in result.stderr
    about = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
    assert differences("forecast export: inputs.json", about) == []
    assert missing("forecast export: inputs.json", [about]) in ([], ["output.location_steps[]"])
    assert (folder / about["file"]).exists()
    assert about["check"]["largest_difference"] <= 1e-5
    with np.load(folder / "example.npz") as arrays:
        example = dict(arrays)
    assert example["features"].shape == (1, 512, len(about["inputs"][0]["columns"]))
    steps = about["output"]["steps"]
    expected = about["example"]["last_price"] * np.exp(example["forecast"][0])
    printed = prices_without_the_package(folder, format)
    np.testing.assert_array_equal(printed[:, 0], steps)
    np.testing.assert_allclose(printed[:, 1:], expected, rtol=2e-5)


def test_the_example_is_the_forecast_of_predict(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    """Without calibration, and with the widths of coming days taken out."""
    result = forecast("export", "latest", "--home", home)
    (folder,) = (home / "exports").iterdir()
    assert result.stdout == f"{folder}\n"
    assert folder.name.endswith("-keras")
    about = json.loads((folder / "inputs.json").read_text(encoding="utf-8"))
    arguments = ("--as-of", about["example"]["cutoff"], "--no-calibration", "--format", "json")
    (document,) = json.loads(forecast("predict", "USDJPY", *arguments, "--home", home).stdout)
    assert document["last_price"] == about["example"]["last_price"]
    with np.load(folder / "example.npz") as arrays:
        values = arrays["forecast"][0]
    by_step = {step["step"]: step for step in document["steps"]}
    for step, exported in zip(about["output"]["steps"], values, strict=True):
        predicted = np.array(
            [by_step[step]["quantiles"][format(level, "g")] for level in about["output"]["quantile_levels"]]
        )
        predicted = np.log(predicted / document["last_price"])
        ratio = predicted[[0, -1]] / exported[[0, -1]]  # the width of the coming days
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
        assert 0.5 < ratio[0] < 2
        np.testing.assert_allclose(predicted, exported * ratio[0], atol=1e-6)
    names = [part["name"] for part in about["not_contained"]]
    assert {"coming_days", "calibration", "drift"} <= {*names}


def refused(result: Any, code: int, *parts: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith(("error:", "Error:"))]
    assert all(part in line for part in parts), line


def test_unknown_formats_runs_and_models(forecast: Forecast, home: Path) -> None:
    assert forecast("export", "latest", "--format", "onxx", "--home", home).exit_code == 2
    assert (
        "expected one of keras, onnx, saved-model"
        in forecast("export", "latest", "--format", "onxx", "--home", home).stderr
    )
    refused(forecast("export", "2001", "--home", home), 1, "no run is called '2001'")
    classic = next(path.name for path in (home / "runs").iterdir() if "sine" in path.name)
    refused(forecast("export", "SINE", "--home", home), 1, f"did you mean {classic}?")
    refused(forecast("export", classic, "--home", home), 2, "expected a run of lstm, gru, rnn")
    assert not (home / "exports").exists()


def test_an_existing_folder_stays_as_it_is(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    refused(forecast("export", "latest", "--folder", tmp_path / "mine", "--home", home), 2, "exists", "--folder")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    refused(forecast("export", "latest", "--folder", home / "runs" / "x", "--home", home), 2, "has recorded")


def test_a_missing_extra_is_named_with_the_command(
    forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base.importlib.util, "find_spec", lambda name: None)
    result = forecast("export", "latest", "--format", "onnx", "--home", home)
    refused(result, 2, "needs onnx and onnxruntime", "pip install 'forecaster[export]'")


def test_a_difference_from_predict_leaves_nothing(
    forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def wrong(self: KerasFile, model: Any, folder: Path, samples: Any) -> list[np.ndarray]:
        (folder / self.file).write_bytes(b"x")
        written.append(folder)
        return [sample.quantiles * (1 + 2e-5) for sample in samples]

    monkeypatch.setattr(KerasFile, "write", wrong)
    refused(forecast("export", "latest", "--home", home), 1, "differs from predict", "nothing was exported")
    assert not written[0].exists()
    assert not (home / "exports").exists()


def test_a_full_disk_leaves_nothing(forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: KerasFile, model: Any, folder: Path, samples: Any) -> list[np.ndarray]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(KerasFile, "write", full)
    refused(forecast("export", "latest", "--home", home), 1, "free some space")

    def written(self: KerasFile, model: Any, folder: Path, samples: Any) -> list[np.ndarray]:
        return [sample.quantiles for sample in samples]

    def failing(descriptor: int, content: bytes) -> None:
        os.close(descriptor)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(KerasFile, "write", written)
    monkeypatch.setattr("forecaster.files._fill", failing)
    refused(forecast("export", "latest", "--home", home), 1, "free some space")
    assert list((home / "exports").iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_described(forecast: Forecast, format: str) -> None:
    assert format in forecast("export", "--help").stdout


def test_an_ensemble_is_refused(forecast: Forecast, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.workflows.export.members_of", lambda fitted: (fitted, fitted))
    refused(forecast("export", "latest", "--home", home), 2, "is an ensemble of 2", "expected a run of one network")
