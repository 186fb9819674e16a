"""Modules that each command loads: one import in the wrong place makes every start slow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"arch", "jax", "keras", "matplotlib", "pandas", "scipy", "statsmodels", "tensorflow", "yfinance"}

_PROBE = """
import json, sys
sys.argv = ["forecast", *{arguments!r}]
from forecaster.cli import cli
try:
    cli.main()
except SystemExit as left:
    code = left.code
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print("\\n" + json.dumps([code, loaded]))
"""


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules in memory after a command ended well, in a process of its own."""
    program = _PROBE.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return set(loaded)


@pytest.mark.parametrize("arguments", [("--help",), ("train", "--help"), ("predict", "--help"), ("plot", "--help")])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & (HEAVY | {"numpy", "pydantic", "yaml", "rich"})


def test_version_loads_no_engine() -> None:
    assert not loaded_by("--version") & (HEAVY | {"numpy", "pydantic"})


def test_the_package_itself_loads_nothing_heavy() -> None:
    program = "import sys, forecaster; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not set(done.stdout.split()) & (HEAVY | {"numpy", "pydantic", "click"})


def test_predict_of_a_pair_loads_no_reader_of_files() -> None:
    program = "import sys, forecaster.workflows.predict; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not [name for name in done.stdout.split() if name.startswith("forecaster.data.tables")]


def test_predict_loads_nothing_that_scores() -> None:
    program = "import sys, forecaster.workflows.predict, forecaster.output.forecast_documents; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    scoring = {"daily_losses", "leakage", "metrics", "registry", "scores", "verdict"}
    assert not {f"forecaster.evaluation.{name}" for name in scoring} & set(done.stdout.split())


@pytest.mark.parametrize("output", ["table", "json"])
def test_predict_loads_no_framework(home: Path, output: str) -> None:
    loaded = loaded_by("predict", "--pair", "USDJPY", "--format", output, "--home", str(home))
    assert not loaded & (HEAVY | {"html", "six", "sqlite3"})


def test_odds_load_no_framework(home: Path) -> None:
    loaded = loaded_by("odds", "USDJPY", "--touch", "150", "--position", "1000000USD", "--home", str(home))
    assert not loaded & (HEAVY | {"html", "six", "sqlite3"})


def test_plot_loads_no_framework(home: Path, tmp_path: Path) -> None:
    loaded = loaded_by("plot", "--pair", "USDJPY", "--out", str(tmp_path / "plot.png"), "--home", str(home))
    assert "matplotlib" in loaded
    assert not loaded & (HEAVY - {"matplotlib"})


def test_keras_is_imported_without_what_it_only_looks_for() -> None:
    program = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'jax'; os.environ['JAX_PLATFORMS'] = 'cpu'\n"
        "from forecaster.models.keras_import import import_keras\n"
        "import_keras(); import keras\n"
        "keras.layers.Bidirectional(keras.layers.LSTM(2)); print(*sys.modules)\n"
        "import pandas, matplotlib.pyplot\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "keras" in loaded
    assert not loaded & {"pandas", "matplotlib", "tensorflow"}
