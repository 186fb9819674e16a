"""Fixtures that many tests share: an invoked command line and a home with small trained runs."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

# As the command line does, before anything imports NumPy: the number of threads decides about the last bits.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from click.testing import CliRunner, Result
from hypothesis import settings
from short_trainings import TINY, TINY_CLASSIC
from toy_searches import ToyFits

from forecaster.cli import cli
from forecaster.models.engine import use_engine

# A program is compiled once for all processes of the tests; the folder of whoever runs them is left alone.
COMPILED_PREFIX = "forecaster-tests-"
if COMPILED_PREFIX not in os.environ.get("JAX_COMPILATION_CACHE_DIR", ""):
    COMPILED = tempfile.TemporaryDirectory(prefix=COMPILED_PREFIX)
    atexit.register(COMPILED.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
settings.load_profile("unhurried")
use_engine("jax", "cpu")  # before the collection of doctests imports keras on whatever it takes for its default

Forecast = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the project folder of whoever runs it."""
    monkeypatch.delenv("FORECAST_HOME", raising=False)
    monkeypatch.setenv("FORECAST_OFFLINE", "1")  # or the ECB would be asked for newer fixings
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of a backtest are fitted where a test can patch and count them, unless it asks for --jobs."""
    monkeypatch.setattr("forecaster.experiments.executors.capacity._processors", lambda: 1)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network may be used: for tests that bring a server of their own, or go where nobody listens."""
    monkeypatch.delenv("FORECAST_OFFLINE")


@pytest.fixture
def forecast() -> Forecast:
    """The command line in this process; stdout and stderr apart."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(cli, [str(one) for one in arguments])

    return invoke


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one run of the sine wave and, newer, one of USDJPY; nobody writes to it."""
    home = tmp_path_factory.mktemp("home")
    for arguments in (TINY_CLASSIC, ("--pair", "USDJPY", *TINY)):
        result = CliRunner().invoke(cli, ["train", *arguments, "--home", str(home)])
        assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def home(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of `trained_once` that a test may change."""
    copy = tmp_path / "home"
    shutil.copytree(trained_once, copy)
    return copy


@pytest.fixture
def toy_fits(monkeypatch: pytest.MonkeyPatch) -> ToyFits:
    """Fits of backtests and searches without networks."""
    fits = ToyFits()
    monkeypatch.setattr("forecaster.experiments.backtests.fit", fits)
    return fits
