"""The activity of all currencies, from the ECB's table to the forecast."""

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from short_trainings import TINY

from forecaster.cli import cli
from forecaster.config import load_config
from forecaster.data.instruments import parse_pair
from forecaster.data.sources import ecb
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.datasets.covariates import reads_market

WITH_MARKET = (*TINY, "--set", "data.market=true", "--start", "2012-01-01")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run that reads the market; nobody writes to it."""
    folder = tmp_path_factory.mktemp("market")
    result = CliRunner().invoke(cli, ["train", "--pair", "USDJPY", *WITH_MARKET, "--offline", "--home", str(folder)])
    assert result.exit_code == 0, result.stderr
    return folder


def predicted(forecast, home: Path, *flags: str) -> dict:
    result = forecast("predict", "--pair", "USDJPY", "--home", home, "--format", "json", *flags)
    assert result.exit_code == 0, result.stderr
    (document,) = json.loads(result.stdout)
    return document


def scramble_after(day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nonsense in every rate of the installed table after `day`."""
    table = ecb.installed_table()
    rng = np.random.default_rng(1)
    first = int(np.searchsorted(table.dates, np.datetime64(day), side="right"))
    cells = {
        name: np.array([*column[:first], *(b"%.4f" % value for value in rng.uniform(0.5, 2, len(column) - first))])
        for name, column in table.cells.items()
    }
    monkeypatch.setattr(ecb, "installed_table", lambda: dataclasses.replace(table, cells=cells, _parsed={}))


def test_rates_after_the_cutoff_change_no_bit_of_the_forecast(forecast, home, monkeypatch) -> None:
    before = predicted(forecast, home, "--as-of", "2025-03-03")
    later = predicted(forecast, home, "--as-of", "2025-06-03")
    scramble_after("2025-03-03", monkeypatch)
    assert predicted(forecast, home, "--as-of", "2025-03-03")["steps"] == before["steps"]
    assert predicted(forecast, home, "--as-of", "2025-06-03")["steps"] != later["steps"]


def test_the_forecast_reads_the_market(forecast, home, monkeypatch) -> None:
    """The two rates of the pair stay as they are; what all others do on the last day changes the forecast."""
    before = predicted(forecast, home)
    table = ecb.installed_table()
    louder = {
        name: np.array([*column[:-1], b"%.4f" % (1.2 * float(column[-1]))]) if name not in ("USD", "JPY") else column
        for name, column in table.cells.items()
        if column[-1] != b"N/A"
    }
    monkeypatch.setattr(ecb, "installed_table", lambda: dataclasses.replace(table, cells=louder, _parsed={}))
    after = predicted(forecast, home)
    assert after["last_price"] == before["last_price"]
    widths = [one["steps"][9]["quantiles"]["0.95"] - one["steps"][9]["quantiles"]["0.05"] for one in (before, after)]
    assert widths[0] != widths[1]


@pytest.mark.parametrize(
    ("name", "universe", "asked", "expected"),
    [
        ("default", "currencies", None, True),
        ("default", "currencies", False, False),
        ("default", "none", None, False),
        ("default", "none", True, True),
        ("classic", "currencies", None, False),
    ],
)
def test_it_is_read_where_all_crosses_learn_together(tmp_path, name, universe, asked, expected) -> None:
    flags = {"universe": universe, "data.market": asked}
    config = load_config(Path(name), flags={key: value for key, value in flags.items() if value is not None})
    series = get_source("ecb").load(LoadRequest(parse_pair("USDJPY"), tmp_path, datetime.date(2026, 1, 2))).series
    assert reads_market(config.kind, config.universe, config.data.market, [series]) is expected


def test_prices_of_another_clock_have_no_market(forecast) -> None:
    result = forecast(
        *("train", "--ticker", "SP500", "--source", "sample", "--set", "data.market=true", "--universe", "none")
    )
    assert result.exit_code == 2
    assert "data.market needs rates of the ECB" in result.stderr


def test_a_market_that_was_rewritten_is_warned_of(forecast, home, monkeypatch) -> None:
    told = "covariate market has changed since the run was trained"
    assert told not in forecast("predict", "--pair", "USDJPY", "--home", home).stderr
    table = ecb.installed_table()
    pound = table.cells["GBP"]
    cells = {**table.cells, "GBP": np.array([*pound[:5000], *pound[4999:-1]])}
    monkeypatch.setattr(ecb, "installed_table", lambda: dataclasses.replace(table, cells=cells, _parsed={}))
    assert told in forecast("predict", "--pair", "USDJPY", "--home", home).stderr
