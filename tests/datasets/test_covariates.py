"""Covariates, from the command line to the forecast."""

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from short_trainings import TINY

from forecaster.config import load_config
from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import OpenSources
from forecaster.data.sources.sample import SampleSource
from forecaster.datasets.covariates import covariate_instruments, load_covariates, recorded_covariates
from forecaster.datasets.histories import Histories
from forecaster.datasets.history_checker import HistoryChecker
from forecaster.environment import Environment
from forecaster.errors import InstrumentError

DAYS = np.busday_offset("2016-01-04", np.arange(1500), roll="forward")
CUTOFF = 1400


def write_prices(path: Path, seed: int, changed_after: int | None = None) -> None:
    rng = np.random.default_rng(seed)
    prices = 100 * np.exp(rng.normal(0, 0.01, size=len(DAYS)).cumsum())
    if changed_after is not None:
        prices[changed_after + 1 :] *= np.random.default_rng(99).uniform(0.95, 1.05, size=len(DAYS) - changed_after - 1)
    rows = "".join(f"{day},{price!r}\n" for day, price in zip(DAYS, prices.tolist(), strict=True))
    path.write_text("date,close\n" + rows)


def write_columns(path: Path, changed_after: int | None = None) -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=(len(DAYS), 2)).cumsum(axis=0)
    if changed_after is not None:
        values[changed_after + 1 :] = np.random.default_rng(98).normal(0, 9, size=values[changed_after + 1 :].shape)
    rows = "".join(f"{day},{a!r},{b!r}\n" for day, (a, b) in zip(DAYS, values.tolist(), strict=True))
    path.write_text("date,rate,mood\n" + rows)


@pytest.fixture
def trained(forecast, tmp_path: Path):
    write_prices(tmp_path / "main.csv", 1)
    write_prices(tmp_path / "other.csv", 2)
    write_columns(tmp_path / "columns.csv")
    lags = "rate=0,mood=3"
    inputs = ("--with", "other.csv", "--exog", "columns.csv", "--lag", lags)
    result = forecast("train", "--csv", "main.csv", *inputs, *TINY, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return result


def predicted(forecast, *flags: str) -> dict:
    result = forecast("predict", "--csv", "main.csv", "--offline", "--run", "latest", "--format", "json", *flags)
    assert result.exit_code == 0, result.stderr
    (document,) = json.loads(result.stdout)
    return document


def test_every_input_is_told_with_its_timing(trained, tmp_path: Path) -> None:
    lines = trained.stderr
    assert f"covariate other: 1500 rows, {DAYS[0]} to {DAYS[-1]}, known 1 day after its date" in lines
    assert "covariate rate: 1500 rows" in lines
    assert "known on its own day" in lines
    assert "known 3 days after its date" in lines
    manifest = json.loads(next(tmp_path.glob("runs/*/manifest.json")).read_text())
    assert [(one["name"], one["lag"]) for one in manifest["inputs"]] == [("other", 1), ("rate", 0), ("mood", 3)]


def test_inputs_after_the_cutoff_change_no_bit_of_the_forecast(trained, forecast, tmp_path: Path) -> None:
    as_of = ("--as-of", str(DAYS[CUTOFF]))
    before = predicted(forecast, *as_of)["steps"]
    write_prices(tmp_path / "main.csv", 1, changed_after=CUTOFF)
    write_prices(tmp_path / "other.csv", 2, changed_after=CUTOFF)
    write_columns(tmp_path / "columns.csv", changed_after=CUTOFF)
    assert predicted(forecast, *as_of)["steps"] == before
    # The same change three days earlier reaches the input that is known at once, or the test would prove nothing.
    write_columns(tmp_path / "columns.csv", changed_after=CUTOFF - 3)
    assert predicted(forecast, *as_of)["steps"] != before


def test_an_input_is_read_no_earlier_than_its_lag_says(trained, forecast, tmp_path: Path) -> None:
    as_of = ("--as-of", str(DAYS[CUTOFF]))
    before = predicted(forecast, *as_of)["steps"]
    write_prices(tmp_path / "other.csv", 2, changed_after=CUTOFF - 1)  # today's price of another clock is not known yet
    assert predicted(forecast, *as_of)["steps"] == before
    write_prices(tmp_path / "other.csv", 2, changed_after=CUTOFF - 2)
    assert predicted(forecast, *as_of)["steps"] != before


def test_a_column_that_ends_early_is_told(trained, forecast, tmp_path: Path) -> None:
    lines = (tmp_path / "columns.csv").read_text().splitlines()
    (tmp_path / "columns.csv").write_text("\n".join(lines[:1000]) + "\n")
    result = forecast("predict", "--csv", "main.csv", "--offline", "--run", "latest")
    assert result.exit_code == 0
    assert f"warning: covariate rate has no value after {lines[999][:10]}; later rows get a 0" in result.stderr


def test_one_member_with_another_clock_makes_an_input_a_day_late_for_all(forecast, tmp_path: Path) -> None:
    """What a run decides for its panel is what its forecasts use later, whichever member they are of."""
    flags = ("--ticker", "SP500", "--source", "sample", "--with", "sample:NASDAQ", *TINY)
    assert "covariate NASDAQ: 5031 rows" in forecast("train", *flags).stderr
    manifest = json.loads(next(tmp_path.glob("runs/*/manifest.json")).read_text())
    assert manifest["inputs"][0]["lag"] == 0  # two closes in New York
    sources = {"SP500": sample("SP500"), "elsewhere": dataclasses.replace(sample("SP500"), source="yahoo")}
    checker = HistoryChecker(datetime.date(2026, 11, 20))
    histories = Histories(
        Environment(home=tmp_path), "yahoo", checker, network="never", sources=OpenSources({"yahoo": SampleSource()})
    )
    data = load_config(flags={"data.inputs": ["sample:NASDAQ"], "data.source": "sample"}).data
    alone = load_covariates(data, [sources["SP500"]], histories)
    together = load_covariates(data, list(sources.values()), histories)
    assert [covariates.members[0].lag for covariates in (alone, together)] == [0, 1]
    assert recorded_covariates(data, together)["lags"] == {"NASDAQ": 1}


def test_an_input_that_was_rewritten_is_warned_of(trained, forecast, tmp_path: Path) -> None:
    asked = ("predict", "--csv", "main.csv", "--offline", "--run", "latest")
    assert "has changed since" not in forecast(*asked).stderr
    write_columns(tmp_path / "columns.csv", changed_after=700)
    assert "warning: covariate rate has changed since the run was trained" in forecast(*asked).stderr


def test_an_input_that_is_gone_is_told_with_the_run(trained, forecast, tmp_path: Path) -> None:
    (tmp_path / "columns.csv").unlink()
    result = forecast("predict", "--csv", "main.csv", "--offline", "--run", "latest")
    assert result.exit_code == 2
    assert "needs covariates or events that cannot be loaded" in result.stderr
    assert "choose another run with --run ID" in result.stderr


def test_files_of_inputs_are_found_from_anywhere(trained, forecast, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = forecast("predict", "--csv", "../main.csv", "--offline", "--run", "latest", "--home", "..")
    assert result.exit_code == 0, result.stderr


def sample(name: str) -> PriceSeries:
    return SampleSource().load(LoadRequest(parse_ticker(name), Path(), datetime.date(2026, 11, 20))).series


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--exog", "columns.csv"), "no lag for 'rate', 'mood'; expected for each column"),
        (("--exog", "columns.csv", "--lag", "rate=0"), "no lag for 'mood'"),
        (("--exog", "columns.csv", "--lag", "rate=0,moood=1,mood=1"), "lag of 'moood': no covariate has this name"),
        (("--exog", "columns.csv", "--lag", "rate=-1,mood=1"), "expected NAME=DAYS with 0 or more days"),
        (("--exog", "nothing.csv", "--lag", "x=1"), "nothing.csv does not exist"),
        (("--with", "other.csv,../a b"), "--with: ticker '../a b' is malformed"),
        (("--with", "other.csv,other.csv", "--lag", "other=99999"), "should be less than or equal to 3660"),
        (("--with", "old.csv"), "covariate old runs from 1990-01-01 to 1990-01-02 and has no value for main"),
        (("--with", "main.csv"), "covariate main is the series itself; expected another one"),
    ],
)
def test_what_cannot_be_an_input(forecast, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    write_prices(tmp_path / "main.csv", 1)
    write_prices(tmp_path / "other.csv", 2)
    write_columns(tmp_path / "columns.csv")
    (tmp_path / "old.csv").write_text("date,close\n1990-01-01,1\n1990-01-02,2\n")
    result = forecast("train", "--csv", "main.csv", "--offline", *flags)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.glob("runs/2*"))


def test_names_of_inputs() -> None:
    found = covariate_instruments(["EURUSD", "^vix", "sample:SP500", "7203.T", "x/gold.csv"])
    assert [(source, one.kind, one.name) for source, one in found] == [
        (None, "pair", "EURUSD"),
        (None, "ticker", "^VIX"),
        ("sample", "ticker", "SP500"),
        (None, "ticker", "7203.T"),
        (None, "csv", "gold"),
    ]
    assert found[0][1] == parse_pair("EURUSD")
    assert found[1][1] == parse_ticker("^VIX")
    with pytest.raises(InstrumentError) as caught:
        covariate_instruments(["a b", "c d"])
    assert len(caught.value.messages) == 2
