"""`forecast audit` from the outside."""

import csv
import io
import json
import sqlite3

import numpy as np
import pytest

from forecaster.features import FEATURES
from forecaster.workflows.audit import audit

TINY = (
    *("--universe", "none", "--backend", "jax", "--start", "2018-01-01"),
    *("--set", "model.units=[4]", "--set", "model.training.steps=8", "--set", "model.training.batch_size=4"),
    *("--set", "model.windows.chunk=96", "--set", "model.windows.burn_in=32"),
)
CHECKS = [
    *("data", "validation", "features", "weights", "choices", "forecasts", "calibration", "scores", "folds", "placebo"),
    "persistence",
]


def test_the_program_is_clean_and_says_what_was_done(forecast, tmp_path):
    """A row that the validation warns of is named, and is no leak."""
    rng = np.random.default_rng(1)
    days = np.busday_offset("2018-01-01", np.arange(900), roll="forward")
    close = 100 * np.exp(rng.normal(0, 0.01, 900).cumsum())
    close[500:] *= 1.5  # an unexplained jump
    lines = [f"{day},{price:.6f}" for day, price in zip(days, close, strict=True)]
    (tmp_path / "jump.csv").write_text("\n".join(["date,close", *lines]))
    result = forecast("audit", "--csv", tmp_path / "jump.csv", *TINY, "--home", tmp_path, "--format", "json")
    assert result.exit_code == 0, result.stdout + result.stderr
    made = json.loads(result.stdout)
    assert (made["schema"], made["instruments"], made["model"], made["clean"]) == ("audit/1", ["jump"], "lstm", True)
    assert [one["name"] for one in made["checks"]] == CHECKS
    assert all(one["what"] and one["seconds"] >= 0 for one in made["checks"])
    data, *others = made["checks"]
    assert data["outcome"] == "named"
    assert any("large_move" in one["column"] and one["row"] == str(days[500]) for one in data["findings"])
    assert {one["outcome"] for one in others} == {"passed"}
    assert all(one["findings"] == [] for one in others)
    assert not (tmp_path / "runs").exists()


def test_a_leak_ends_with_exit_code_4_and_names_its_place(forecast, tmp_path, monkeypatch):
    true = FEATURES["momentum_5"].compute
    leaky = FEATURES["momentum_5"]._replace(compute=lambda history: np.append(true(history)[1:], 0))
    monkeypatch.setitem(FEATURES, "momentum_5", leaky)
    audits = []

    def audit_once(**keywords):
        if not audits:
            audits.append(audit(**keywords))
        return audits[0]

    monkeypatch.setattr("forecaster.workflows.audit.audit", audit_once)
    result = forecast("audit", "--pair", "USDJPY", *TINY, "--home", tmp_path)
    assert result.exit_code == 4
    assert "leak or damage in: features, forecasts, calibration, scores, folds, placebo" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("features: ")]
    assert "momentum_5, from 20" in line
    assert "rows after" in line
    listed = forecast("audit", "--pair", "USDJPY", *TINY, "--home", tmp_path, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(listed.stdout)))
    assert {row["check"] for row in rows} == set(CHECKS)
    assert [row["column"] for row in rows if row["check"] == "features"] == ["momentum_5"]


def test_a_damaged_history_is_found(forecast, tmp_path):
    assert forecast("data", "fetch", "--pair", "USDJPY", "--home", tmp_path).exit_code == 0
    (store,) = (tmp_path / "data").glob("*.sqlite")
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE bar SET close = close * 1.5 WHERE close > 150")
    connection.close()
    result = forecast("audit", "--pair", "USDJPY", *TINY, "--home", tmp_path, "--format", "json")
    assert result.exit_code == 4
    made = json.loads(result.stdout)
    (check,) = made["checks"]
    assert (check["name"], check["outcome"], made["clean"]) == ("data", "failed", False)
    assert check["findings"][0]["file"] == store.name
    assert "is damaged" in check["findings"][0]["detail"]


@pytest.mark.slow
def test_the_tutorials_model_is_named(forecast, tmp_path):
    asked = ("--config", "classic", "--set", "model.units=[8]", "--set", "model.epochs=2", "--start", "2010-01-01")
    result = forecast("audit", "--pair", "USDJPY", *asked, "--home", tmp_path, "--format", "json")
    assert result.exit_code == 0, result.stdout
    made = json.loads(result.stdout)
    (named,) = [one for one in made["checks"] if one["outcome"] == "named"]
    assert named["name"] == "persistence"
    assert "merely repeats " in named["findings"][0]["detail"]
    assert made["clean"] is True


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--pair", "XXXYYY"), "XXX"),
        ((), "no instrument given"),
        (("--csv", "nothing.csv"), "nothing.csv"),
        (("--pair", "USDJPY", "--config", "nothing"), "nothing"),
        (("--pair", "USDJPY", "--with", ""), "empty"),
        (("--pair", "USDJPY", "--start", "2026-09-01"), "rows"),
    ],
)
def test_what_cannot_be_audited(forecast, tmp_path, flags, message):
    result = forecast("audit", *flags, "--home", tmp_path)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert message in line


def test_weeks_of_which_the_last_day_is_missing_are_no_leak(forecast, tmp_path):
    rng = np.random.default_rng(1)
    days = np.busday_offset("2012-01-02", np.arange(1500), roll="forward")
    days = days[(np.arange(1500) % 5 != 4) | (np.arange(1500) % 3 == 0)]  # most Fridays are missing
    close = 100 * np.exp(rng.normal(0, 0.01, len(days)).cumsum())
    lines = [f"{day},{price:.6f}" for day, price in zip(days, close, strict=True)]
    (tmp_path / "weeks.csv").write_text("\n".join(["date,close", *lines]))
    asked = ("--csv", tmp_path / "weeks.csv", "--interval", "1wk", *TINY[:4], *TINY[6:], "--home", tmp_path)
    result = forecast("audit", *asked, "--set", "model.windows.warm_up=60", "--format", "csv")
    assert result.exit_code == 0, result.stdout + result.stderr
