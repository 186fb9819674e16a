"""Ctrl-C, SIGTERM and SIGHUP at any moment of a training, and a backtest without standard streams."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="other signals there")]

# The console script, which takes over the signals with its first import. A file shows the test that it has.
SCRIPT = """
import sys
def note(event, arguments):
    if event == "import" and arguments[0] == "forecaster.cli":
        open("begun", "w").close()
sys.addaudithook(note)
sys.argv[0] = "forecast"
from forecaster.__main__ import main
main()
"""
FORECAST = [sys.executable, "-c", SCRIPT]
# The tests may run with nohup; a `preexec_fn` would fork this process, which may have the threads of an engine.
HANGUP = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
SERIES = ("--source", "synthetic", "--ticker", "ar1", "--set", "data.options.rows=900", "--home", "home")
LONG = ("--set", "model.training.steps=100000", "--set", "model.training.max_passes=100000")  # half a minute at least
MODEL = (*LONG, "--set", "model.units=[4]", "--backend", "jax")


def moments(count: int) -> list[float]:
    """Seconds after the program has begun to load, most of them while the engine loads."""
    draw = random.Random(7)
    return [round(draw.uniform(0.0, 5.0), 2) for _ in range(count)]


def started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """A command that has begun to load, however busy the machine is."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    return process


@pytest.mark.parametrize("seconds", moments(5))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_is_one_line(tmp_path: Path, seconds: float, number: signal.Signals) -> None:
    process = started([sys.executable, "-c", HANGUP + SCRIPT, "train", *SERIES, *MODEL], tmp_path)
    time.sleep(seconds)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.splitlines()[-1] == "interrupted; unfinished work was not saved"
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert stdout == ""
    assert not list(tmp_path.glob("home/runs/*"))
    assert not list(tmp_path.rglob(".partial-*"))


def test_nohup_is_respected(tmp_path: Path) -> None:
    """A command that ignores SIGHUP goes on when its terminal is closed."""
    quick = ("--config", "quick", "--set", "model.training.steps=2")
    process = started(["nohup", *FORECAST, "train", *SERIES, *quick], tmp_path)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=100)
    assert process.returncode == 0, stderr
    assert len(list(tmp_path.glob("home/runs/2*"))) == 1


def test_a_backtest_works_without_standard_streams(tmp_path: Path) -> None:
    small = ("--models", "lstm,ewma", "--set", "model.training.steps=4", "--set", "model.units=[4]")
    folds = ("--start", "2020-11-02", "--schedule", "monthly", "--jobs", "2", "--backend", "jax")
    command = [*FORECAST, "backtest", *SERIES, *small, *folds]
    done = subprocess.run(
        ["bash", "-c", '"$@" <&- 2>&-', "bash", *command],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "ewma" in done.stdout
    assert len(list(tmp_path.glob("home/backtests/fits/*.npz"))) >= 4
