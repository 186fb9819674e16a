"""Weeks and months, peers and files of symbols, through the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from short_trainings import SMALL_NETWORK

TINY = (*SMALL_NETWORK, "--offline")


def document(forecast, *arguments: object) -> dict:
    result = forecast(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    return document[0] if isinstance(document, list) else document


def test_weeks_from_the_training_to_the_picture(forecast, tmp_path: Path) -> None:
    trained = document(forecast, "train", "--pair", "USDJPY", "--interval", "1wk", "--universe", "none", *TINY)
    assert trained["interval"] == "1wk"
    assert trained["data"][0]["series"].startswith("ecb/USDJPY/1wk@")
    assert trained["splits"]["test"]["rows"] == 150
    made = document(forecast, "predict", "--pair", "USDJPY", "--offline")
    days = np.array([step["date"] for step in made["steps"]], dtype="datetime64[D]")
    assert made["interval"] == "1wk"
    assert set(np.diff(days).astype(int)) <= {6, 7, 8}
    assert document(forecast, "predict", "--pair", "JPYUSD", "--interval", "1wk", "--offline")["interval"] == "1wk"
    assert forecast("predict", "--pair", "USDJPY", "--interval", "1d", "--offline").exit_code == 1
    assert forecast("plot", "--pair", "USDJPY", "--offline").exit_code == 0
    assert (tmp_path / "USDJPY-forecast.png").stat().st_size > 10_000


def test_a_cutoff_in_the_middle_of_a_week_sees_the_week_before(forecast) -> None:
    document(forecast, "train", "--pair", "USDJPY", "--interval", "1wk", "--universe", "none", *TINY)
    made = document(forecast, "predict", "--pair", "USDJPY", "--as-of", "2024-06-13", "--offline")
    assert made["cutoff"] == "2024-06-07"
    assert made["steps"][0]["date"] == "2024-06-14"


def test_months(forecast) -> None:
    trained = document(forecast, "train", "--pair", "USDJPY", "--interval", "1mo", "--universe", "none", *TINY)
    assert trained["splits"]["test"]["rows"] == 36
    steps = document(forecast, "predict", "--pair", "USDJPY", "--offline")["steps"]
    months = np.array([step["date"] for step in steps], dtype="datetime64[M]")
    assert np.diff(months).astype(int).tolist() == [1] * 11


@pytest.mark.parametrize("verb", ["train", "predict", "plot"])
def test_finer_than_a_day_is_refused(forecast, verb: str) -> None:
    result = forecast(verb, "--pair", "USDJPY", "--interval", "1h")
    assert result.exit_code == 2
    assert "'1h': expected one of 1d, 1wk, 1mo: prices of days and longer spans only" in result.stderr


def test_finer_than_a_day_is_refused_in_a_file(forecast, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("data: {interval: 5m}\n")
    result = forecast("train", "--pair", "USDJPY", "--config", "c.yaml")
    assert result.exit_code == 2
    told = "c.yaml:1: data.frequency: expected one of 1d, 1wk, 1mo: prices of days and longer spans only"
    assert told in result.stderr


def test_peers_learn_together_and_are_served(forecast) -> None:
    trained = document(forecast, "train", "--ticker", "SP500", "--source", "sample", "--peers", "NASDAQ", *TINY)
    assert trained["series"] == 2
    assert trained["instruments"] == ["SP500"]
    assert document(forecast, "predict", "--ticker", "NASDAQ", "--offline")["source"] == "sample"
    # Of an index, whose bars have ranges and volume, these are read.
    (config,) = Path("runs").glob("*/config.yaml")
    assert "range_day" in config.read_text()
    assert "volume_ratio" in config.read_text()


def write(path: Path, first: str, rows: int, seed: int) -> None:
    days = np.busday_offset(first, np.arange(rows), roll="forward")
    prices = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.01, size=rows).cumsum())
    path.write_text("date,close\n" + "".join(f"{d},{p!r}\n" for d, p in zip(days, prices.tolist(), strict=True)))


def test_a_file_of_symbols_trains_what_can_be_had(forecast, tmp_path: Path) -> None:
    write(tmp_path / "long.csv", "2016-01-04", 1500, 1)
    write(tmp_path / "short.csv", "2021-01-04", 190, 2)
    write(tmp_path / "longest.csv", "2014-01-06", 2021, 3)
    (tmp_path / "broken.csv").write_text("date,close\n2020-01-01,none\n")
    (tmp_path / "list.txt").write_text("long.csv\nshort.csv # new\nbroken.csv\nmissing.csv\nlongest.csv\nlong.csv\n")
    result = forecast("train", "--universe", "list.txt", *TINY, "--format", "json")
    assert result.exit_code == 0, result.stderr
    trained = json.loads(result.stdout)
    assert trained["instruments"] == ["longest", "long", "short"]
    assert {row["instrument"] for row in trained["scores"]} == {"longest", "long"}
    assert "universe: left out broken: " in result.stderr
    assert "universe: left out missing: " in result.stderr
    assert "universe: listed more than once, counted once: long" in result.stderr


def test_a_file_of_symbols_of_which_none_can_be_had(forecast, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("AAPL\nMSFT\nGOOG\n")
    result = forecast("train", "--universe", "list.txt", *TINY)
    assert result.exit_code == 3
    assert "error: none of the 3 symbols of the universe has a usable history" in result.stderr


def test_offline_and_refresh_exclude_each_other(forecast) -> None:
    result = forecast("predict", "--pair", "USDJPY", "--offline", "--refresh")
    assert result.exit_code == 2
    assert "--refresh needs the network and --offline forbids it" in result.stderr


def test_strict_refuses_what_would_be_warned_of(forecast, tmp_path: Path) -> None:
    write(tmp_path / "x.csv", "2016-01-04", 1500, 1)
    assert forecast("train", "--csv", "x.csv", "--strict", *TINY).exit_code == 2  # it ended years ago
