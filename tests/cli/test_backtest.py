"""`forecast backtest` from the outside."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

TINY = (
    *("--universe", "none", "--offline", "--backend", "jax"),
    *("--set", "model.training.steps=5", "--set", "model.units=[4]"),
)
SPAN = ("--start", "2020-01-01", "--end", "2020-12-31")
ALONE = ("backtest", "--pair", "USDJPY", *SPAN, *TINY)


def document(forecast, *arguments: object) -> dict:
    result = forecast(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_document(forecast) -> None:
    made = document(forecast, *ALONE)
    assert made["schema"] == "backtest/1"
    assert made["models"] == ["lstm", "random_walk", "ewma", "garch"]
    assert [fold["start"] for fold in made["folds"]] == ["2020-01-02"]
    assert made["last_cutoff"] <= "2020-12-31"
    assert {(row["model"], row["step"]) for row in made["rows"]} == {
        (model, step) for model in made["models"] for step in (1, 5, 10, 20)
    }
    row = next(row for row in made["rows"] if (row["model"], row["step"]) == ("lstm", 1))
    assert set(row["crps_ratio"]) == {"random_walk", "ewma", "garch"}
    assert set(row["coverage"]) == {"0.8", "0.9", "0.95"}
    assert 0.9 < row["crps_ratio"]["ewma"] < 1.1
    low, high = row["crps_ratio_interval"]["ewma"]
    assert low < row["crps_ratio"]["ewma"] < high
    assert sum(row["pit"]) == pytest.approx(1)
    assert [one["step"] for one in made["confidence_set"]] == [one["step"] for one in made["spa"]] == [1, 5, 10, 20]
    assert all(set(one["models"]) <= set(made["models"]) == set(one["p_values"]) for one in made["confidence_set"])
    assert all(0 <= one["p_value"] <= 1 for one in made["spa"])
    garch = next(row for row in made["rows"] if (row["model"], row["step"]) == ("garch", 1))
    assert row["crps_ratio"]["garch"] == pytest.approx(row["crps"] / garch["crps"])
    for kind in ("point", "direction", "density", "coverage"):
        assert {"outcome", "against", "p_value", "detectable", "text"} <= set(made["verdict"][kind])


def test_the_same_question_is_answered_at_once(forecast, monkeypatch) -> None:
    first = document(forecast, *ALONE, "--models", "ewma,random_walk")
    monkeypatch.setattr("forecaster.experiments.backtest.fit", None)
    assert document(forecast, *ALONE, "--models", "ewma,random_walk") == first


def test_several_instruments_are_judged_together(forecast) -> None:
    made = document(
        forecast, "backtest", "--pair", "USDJPY,EURUSD", *SPAN, *TINY, "--models", "ewma_t,ewma", "--step", "1"
    )
    assert {row["instrument"] for row in made["rows"]} == {"USDJPY", "EURUSD", "pooled"}
    assert made["verdict"]["name"] == "pooled"
    assert set(made["verdicts"]) == {"USDJPY", "EURUSD", "pooled"}
    pooled = next(row for row in made["rows"] if row["instrument"] == "pooled" and row["model"] == "ewma_t")
    single = [row for row in made["rows"] if row["instrument"] != "pooled" and row["model"] == "ewma_t"]
    assert pooled["crps_ratio"]["ewma"] == pytest.approx(np.mean([row["crps_ratio"]["ewma"] for row in single]))
    assert pooled["crps_ratio_worst"]["ewma"][0] == max(row["crps_ratio"]["ewma"] for row in single)


def test_table_csv_and_picture(forecast, tmp_path: Path) -> None:
    asked = (*ALONE, "--models", "ewma,random_walk,garch")
    table = forecast(*asked, "--out", "picture.png")
    assert table.exit_code == 0
    assert "verdict on USDJPY, ewma, step 1" in table.stdout
    assert "worst 250 in 90 %" in table.stdout.splitlines()[0]
    assert "\n90 % model confidence set, the best is among them: 1 day ahead " in table.stdout
    assert "\nis any better than ewma? superior predictive ability: 1 day ahead p = " in table.stdout
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(forecast(*asked, "--format", "csv").stdout)))
    assert len(rows) == 12
    assert {row["model"] for row in rows} == {"ewma", "random_walk", "garch"}
    ends = (float(rows[0][f"crps_ratio_interval_{end}_garch"]) for end in ("low", "high"))
    assert next(ends) < float(rows[0]["crps_ratio_garch"]) < next(ends)


def test_the_tutorials_model_goes_through_the_same(forecast) -> None:
    classic = ("--models", "classic,random_walk", "--set", "horizon=5", "--step", "1")
    made = document(forecast, "backtest", "--pair", "USDJPY", "--start", "2020-10-01", *SPAN[2:], *TINY[:5], *classic)
    assert made["models"] == ["classic", "random_walk"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--models", "lstm,prophet"), "model prophet is unknown; expected some of classic, lstm"),
        (("--refit", "weekly"), "--refit is 'weekly'; expected never, yearly, monthly or a number of rows"),
        (("--step", "0"), "expected days ahead from 1 to 250"),
        (("--step", "1,x"), "expected days ahead from 1 to 250"),
        (("--start", "2031-01-01"), "0 rows from 2031-01-01 to 2020-12-31; a backtest needs at least 2"),
        (("--start", "1999-01-04", "--models", "lstm", "--refit", "never"), "no model could forecast anything"),
        (("--stride", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_asked(forecast, flags: tuple[str, ...], message: str) -> None:
    result = forecast(*ALONE, *flags)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_constant_series_and_one_with_gaps_and_jumps(forecast, tmp_path: Path) -> None:
    days = np.busday_offset("2014-01-01", np.arange(1500), roll="forward")
    (tmp_path / "flat.csv").write_text("date,close\n" + "".join(f"{day},7\n" for day in days))
    rng = np.random.default_rng(0)
    prices = np.exp(rng.normal(0, 0.01, 1500).cumsum())
    prices[700:] *= 3
    kept = np.r_[0:600, 650:1500]
    rows = "".join(f"{days[k]},{prices[k]:.9f}\n" for k in kept.tolist())
    (tmp_path / "wild.csv").write_text("date,close\n" + rows)
    for name in ("flat", "wild"):
        asked = ("backtest", "--csv", f"{name}.csv", "--start", "2019-01-01", *TINY)
        made = document(forecast, *asked, "--models", "ewma,random_walk,garch,har,fhs")
        assert made["verdict"]["density"]["outcome"] in ("no_difference", "worse", "better", "not_applicable")
        assert all(row["crps"] is None or np.isfinite(row["crps"]) for row in made["rows"])
