"""`forecast init`: a configuration that equals what trains without it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from short_trainings import TINY

from forecaster.config import load_config, shipped_configs
from forecaster.workflows.init import configuration_text

Forecast = Callable[..., Result]


@pytest.mark.parametrize("name", shipped_configs())
def test_a_written_configuration_is_read_back(name: str, tmp_path: Path) -> None:
    for frequency in ("1d", "1mo"):
        config = load_config(name, {"data.frequency": frequency, "data.pair": ["USDJPY"]})
        (tmp_path / "written.yaml").write_text(configuration_text(config, "written.yaml"), encoding="utf-8")
        assert load_config(tmp_path / "written.yaml") == config


def test_every_key_is_there_with_meaning_and_values(forecast: Forecast, tmp_path: Path) -> None:
    result = forecast("init", "USDJPY", "--set", "seed=3", "--out", "mine.yaml")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == ["written: mine.yaml", "next: forecast train --config mine.yaml"]
    assert load_config("mine.yaml") == load_config(None, {"data.pair": ["USDJPY"], "seed": 3})
    lines = Path("mine.yaml").read_text(encoding="utf-8").splitlines()
    assert max(map(len, lines)) <= 100
    number = lines.index("seed: 3")
    assert lines[number - 1].endswith("[whole number, 0 or more, below 2147483648; default: 0]")
    keys = [line for line in lines if line.strip() and not line.lstrip().startswith("#") and not line.endswith(":")]
    assert all(lines[lines.index(line) - 1].lstrip().startswith("# ") for line in keys)


def test_instruments_and_the_way_to_read_them_are_in_the_file(forecast: Forecast) -> None:
    assert forecast("init", "prices.csv", "--decimal", "comma", "--config", "gru").exit_code == 0
    config = load_config("forecast.yaml")
    assert (config.kind, config.data.csv, config.data.options) == ("gru", ("prices.csv",), {"decimal": "comma"})
    assert forecast("init", "AAPL", "--out", "my\nstock.yaml").stderr.endswith("--config 'my\\nstock.yaml'\n")
    assert load_config("my\nstock.yaml").data.ticker == ("AAPL",)
    assert forecast("init", "AAPL", "--out", "stock.yaml").exit_code == 0
    assert load_config("stock.yaml").data.ticker == ("AAPL",)
    odd = "x\udcff\x1b[31m\n.csv"  # bytes that are no text, and control characters
    assert forecast("init", "--csv", odd, "--name", "x", "--out", "odd.yaml").exit_code == 0
    assert load_config("odd.yaml").data.csv == (odd,)
    assert Path("odd.yaml").read_text(encoding="utf-8").replace("\n", "").isprintable()


def test_a_file_is_replaced_with_yes_alone(forecast: Forecast) -> None:
    Path("forecast.yaml").write_text("mine")
    refused = forecast("init", "USDJPY")
    assert refused.exit_code == 2
    assert "replace it with --yes" in refused.stderr
    assert Path("forecast.yaml").read_text() == "mine"
    assert forecast("init", "USDJPY", "--yes").exit_code == 0
    assert load_config("forecast.yaml").data.pair == ("USDJPY",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no instrument given"),
        (("USDJPX",), "nearest: USDJPY"),
        (("USDJPY", "--config", "gruu"), "did you mean gru?"),
        (("USDJPY", "--set", "sed=1"), "did you mean seed?"),
        (("USDJPY", "--out", "missing/x.yaml"), "missing"),
    ],
)
def test_a_mistake_writes_no_file(forecast: Forecast, arguments: tuple[str, ...], message: str) -> None:
    result = forecast("init", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not Path("forecast.yaml").exists()


@pytest.mark.slow
def test_a_training_with_the_file_is_the_same_to_the_bit(forecast: Forecast, tmp_path: Path) -> None:
    assert forecast("init", "USDJPY", *TINY[:-2], "--out", "mine.yaml").exit_code == 0
    weights = []
    for name, arguments in (("a", ("USDJPY", *TINY)), ("b", ("--config", "mine.yaml", "--backend", "jax"))):
        assert forecast("train", *arguments, "--home", tmp_path / name).exit_code == 0
        (path,) = (tmp_path / name).glob("runs/2*/weights.npz")
        with np.load(path) as arrays:
            weights.append({key: arrays[key] for key in arrays.files})
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])
