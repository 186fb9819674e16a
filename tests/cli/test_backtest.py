"""`forecast backtest` from the outside."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from short_trainings import TINY

from forecaster.cli.terminal import _Bar
from forecaster.evaluation import DEFAULT_BASELINES
from forecaster.experiments.executors import InProcess
from forecaster.pipeline import fit

CLASSIC = ("--config", "classic", "--set", "model.epochs=1", "--set", "model.units=[4]", "--set", "horizon=5")
SPAN = ("--start", "2020-01-01", "--end", "2020-12-31")
ALONE = ("backtest", "--pair", "USDJPY", *SPAN, *TINY)


def document(forecast, *arguments: object) -> dict:
    result = forecast(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_document(forecast) -> None:
    full_document = document(forecast, *ALONE)
    assert full_document["schema"] == "backtest/1"
    assert full_document["models"] == ["lstm", *DEFAULT_BASELINES]
    assert [fold["start"] for fold in full_document["folds"]] == ["2020-01-02"]
    assert full_document["last_cutoff"] <= "2020-12-31"
    assert {(row["model"], row["step"]) for row in full_document["rows"]} == {
        (model, step) for model in full_document["models"] for step in (1, 5, 10, 20)
    }
    row = next(row for row in full_document["rows"] if (row["model"], row["step"]) == ("lstm", 1))
    assert set(row["crps_ratio"]) == set(DEFAULT_BASELINES)
    assert set(row["coverage"]) == {"0.8", "0.9", "0.95"}
    assert 0.9 < row["crps_ratio"]["ewma"] < 1.1
    low, high = row["crps_ratio_interval"]["ewma"]
    assert low < row["crps_ratio"]["ewma"] < high
    assert sum(row["pit"]) == pytest.approx(1)
    assert (
        [one["step"] for one in full_document["confidence_set"]]
        == [one["step"] for one in full_document["spa"]]
        == [1, 5, 10, 20]
    )
    for one, test in zip(full_document["confidence_set"], full_document["spa"], strict=True):
        if one["step"] > 5:  # a year has too few outcomes that do not overlap
            assert one["models"] is one["p_values"] is test["p_value"] is None
        else:
            assert set(one["models"]) <= set(full_document["models"]) == set(one["p_values"])
            assert 0 <= test["p_value"] <= 1
    assert set(row["coverage_tests"]["0.9"]) == {"kupiec", "christoffersen"}
    garch = next(row for row in full_document["rows"] if (row["model"], row["step"]) == ("garch", 1))
    assert row["crps_ratio"]["garch"] == pytest.approx(row["crps"] / garch["crps"])
    for kind in ("point", "direction", "density", "coverage"):
        assert {"outcome", "against", "p_value", "detectable", "text"} <= set(full_document["verdict"][kind])


def test_the_same_question_is_answered_at_once(forecast, monkeypatch) -> None:
    first = document(forecast, *ALONE, "--models", "ewma,random_walk")
    monkeypatch.setattr("forecaster.experiments.backtests.fit", None)
    assert document(forecast, *ALONE, "--models", "ewma,random_walk") == first


def test_more_models_and_steps_fit_only_what_is_new(forecast, monkeypatch) -> None:
    first = document(forecast, *ALONE, "--models", "lstm,ewma", "--step", "1,5")
    fits = []
    monkeypatch.setattr(
        "forecaster.experiments.backtests.fit", lambda model, *rest: fits.append(model.traits) or fit(model, *rest)
    )
    full_document = document(forecast, *ALONE, "--models", "lstm,ewma,ewma_t", "--step", "1,3,5,10")
    assert len(fits) == 1
    assert not fits[0].engine
    rows = {(row["model"], row["step"]): row["crps"] for row in full_document["rows"]}
    assert all(rows[row["model"], row["step"]] == row["crps"] for row in first["rows"])
    assert {step for _, step in rows} == {1, 3, 5, 10}


def test_an_interrupted_backtest_goes_on_to_the_same_numbers(forecast, monkeypatch, tmp_path: Path) -> None:
    request = (*ALONE, "--start", "2018-01-01", "--models", "lstm,ewma", "--step", "1,5")
    whole = document(forecast, *request, "--home", tmp_path / "whole")
    fits = []

    def stopped(*arguments: object) -> object:
        fits.append(arguments)
        if len(fits) == 3:
            raise KeyboardInterrupt
        return fit(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr("forecaster.experiments.backtests.fit", stopped)
        result = forecast(*request, "--home", tmp_path / "broken")
    assert result.exit_code == 130
    assert result.stdout == ""
    kept = "interrupted; finished folds are kept, and the same command goes on from there"
    assert result.stderr.splitlines()[-1] == kept
    files = sorted((tmp_path / "broken" / "backtests").glob("fits/*"))
    assert [file.name.rpartition("-")[0] for file in files] == ["2018-01-02-ewma", "2018-01-02-lstm"]
    jobs = []
    monkeypatch.setattr(
        "forecaster.workflows.executor_choice.Processes",
        lambda number, prepare, progress: jobs.append(number) or InProcess(progress),
    )
    assert document(forecast, *request, "--jobs", "2", "--home", tmp_path / "broken") == whole
    assert jobs == [2]


def test_several_instruments_are_judged_together(forecast) -> None:
    full_document = document(
        forecast, "backtest", "--pair", "USDJPY,EURUSD", *SPAN, *TINY, "--models", "ewma_t,ewma", "--step", "1"
    )
    assert {row["instrument"] for row in full_document["rows"]} == {"USDJPY", "EURUSD", "pooled"}
    assert full_document["verdict"]["name"] == "pooled"
    assert set(full_document["verdicts"]) == {"USDJPY", "EURUSD", "pooled"}
    pooled = next(row for row in full_document["rows"] if row["instrument"] == "pooled" and row["model"] == "ewma_t")
    single = [row for row in full_document["rows"] if row["instrument"] != "pooled" and row["model"] == "ewma_t"]
    assert pooled["crps_ratio"]["ewma"] == pytest.approx(np.mean([row["crps_ratio"]["ewma"] for row in single]))
    assert pooled["crps_ratio_worst"]["ewma"][0] == max(row["crps_ratio"]["ewma"] for row in single)
    told = forecast(
        "backtest", "--pair", "USDJPY,EURUSD", *SPAN, *TINY, "--models", "ewma_t,ewma", "--step", "1"
    ).stdout.splitlines()
    assert sum(line.startswith("verdict on ") for line in told) == 3
    (line,) = [line for line in told if line.startswith("verdict on EURUSD, ewma_t, ")]
    assert "; direction not applicable; density " in line


def test_peers_and_covariates_of_a_training_can_be_backtested(forecast) -> None:
    request = ("backtest", "--pair", "USDJPY", *SPAN, *TINY, "--models", "lstm,ewma", "--step", "1")
    alone = document(forecast, *request)
    full_document = document(forecast, *request, "--peers", "EURUSD", "--with", "GBPUSD", "--lag", "GBPUSD=2")
    assert (alone["series"], full_document["series"]) == (1, 2)
    crps = [next(row["crps"] for row in found["rows"] if row["model"] == "lstm") for found in (alone, full_document)]
    assert crps[0] != crps[1]


def test_table_csv_and_picture(forecast, tmp_path: Path) -> None:
    request = (*ALONE, "--models", "ewma,random_walk,garch")
    table = forecast(*request, "--out", "picture.png")
    assert table.exit_code == 0
    assert "verdict on USDJPY, ewma, step 1" in table.stdout
    assert table.stdout.splitlines()[0].split() == [
        "step",
        "model",
        "n",
        "CRPS",
        "ratio",
        "p",
        "RMSE",
        "in",
        "80",
        "%",
        "in",
        "95",
        "%",
        "worst",
    ]
    assert max(map(len, table.stdout.partition("\nn: ")[0].splitlines())) <= 80
    assert "\n90 % model confidence set: " in table.stdout
    assert '\nSPA test, H0 "no model beats ewma": p = ' in table.stdout
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(forecast(*request, "--format", "csv").stdout)))
    assert len(rows) == 12
    assert {row["model"] for row in rows} == {"ewma", "random_walk", "garch"}
    ends = (float(rows[0][f"crps_ratio_interval_{end}_garch"]) for end in ("low", "high"))
    assert next(ends) < float(rows[0]["crps_ratio_garch"]) < next(ends)


def test_the_tutorials_model_goes_through_the_same(forecast) -> None:
    span = ("--set", "data.start=2018-01-01", "--start", "2020-10-01", *SPAN[2:])
    full_document = document(
        forecast, "backtest", "--pair", "USDJPY", *span, *CLASSIC, "--step", "1", "--models", "classic,random_walk"
    )
    assert full_document["models"] == ["classic", "random_walk"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--models", "lstm,prophet"), "model prophet is unknown; expected some of classic, lstm"),
        (("--schedule", "weekly"), "--schedule is 'weekly'; expected never, yearly, monthly or up to 999999 rows"),
        (("--step", "0"), "expected days ahead from 1 to 250"),
        (("--step", "1,x"), "expected days ahead from 1 to 250"),
        (("--start", "2031-01-01"), "0 rows from 2031-01-01 to 2020-12-31; a backtest needs at least 2"),
        (("--start", "1999-01-04", "--models", "lstm", "--schedule", "never"), "no model could forecast anything"),
        (("--stride", "0"), "0 is not in the range"),
        (("--stride", "100000", "--models", "ewma"), "rows from 2020-01-02 on is a cutoff at --stride 100000"),
        (("--models", ","), "expected names separated by commas; got an empty one"),
        (("--out", "picture.bmp"), "the ending '.bmp' names no format; expected one of .png, .svg, .pdf, .csv"),
        (("--start", "2020-12-31", "--end", "2020-01-01"), "0 rows from 2020-12-31 to 2019-12-31"),
    ],
)
def test_what_cannot_be_asked(forecast, flags: tuple[str, ...], message: str) -> None:
    result = forecast(*ALONE, *flags)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_picture_that_cannot_be_written_is_told_before_the_work(forecast, monkeypatch) -> None:
    monkeypatch.setattr("forecaster.workflows.backtest.run_backtest", None)
    result = forecast(*ALONE, "--out", "nowhere/picture.png")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: nowhere/picture.png cannot be written: No such file or directory;")
    assert result.stderr.count("\n") == 1


def walk(seed: int, count: int) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, 0.01, count).cumsum())


def write_prices(file: Path, prices: np.ndarray, end: str = "2020-12-31") -> None:
    days = np.busday_offset(end, np.arange(1 - len(prices), 1), roll="backward")
    rows = "".join(f"{day},{price:.9f}\n" for day, price in zip(days, prices.tolist(), strict=True))
    file.write_text("date,close\n" + rows)


def test_a_model_that_cannot_run_on_a_series_is_told_and_the_others_go_on(forecast, tmp_path: Path) -> None:
    """The first-named model alone is judged together: where it is missing, a series stands for itself."""
    for seed, (name, count) in enumerate({"long": 900, "longer": 1000, "short": 60}.items()):
        write_prices(tmp_path / f"{name}.csv", walk(seed, count))
    how = ("--start", "2020-11-01", *TINY, "--models", "lstm,ewma,random_walk", "--step", "1,2")
    request = ("backtest", "--csv", "short.csv,long.csv,longer.csv", *how)
    full_document = document(forecast, *request)
    assert full_document["skipped"] == {"lstm": {"short": "too few rows before its cutoffs for the model to begin"}}
    assert full_document["verdict"]["name"] == "pooled"
    assert full_document["verdict"]["instruments"] == 2
    assert full_document["verdicts"]["short"]["model"] == "ewma"
    found = {row["instrument"] for row in full_document["rows"] if row["model"] == "ewma"}
    assert found == {"short", "long", "longer", "pooled"}
    table = forecast(*request, "--out", "together.png")
    assert table.exit_code == 0
    assert "means, also of the ratios, over 2 instruments: long, longer\n" in table.stdout
    assert "left out: lstm of short: too few rows" in table.stdout
    alone = forecast("backtest", "--csv", "short.csv,long.csv", *how, "--out", "alone.png")
    assert alone.exit_code == 0
    assert "long alone: lstm could forecast no other\n" in alone.stdout


def test_a_series_that_ended_before_the_window_is_left_out(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "ended.csv", walk(0, 600), "2018-12-31")
    write_prices(tmp_path / "alive.csv", walk(1, 600))
    request = ("backtest", "--csv", "alive.csv,ended.csv", "--start", "2020-06-01", *TINY, "--models", "ewma,garch")
    full_document = document(forecast, *request, "--step", "1")
    reason = "it has no row from 2020-06-01 to 2020-12-31"
    assert full_document["skipped"] == {"ewma": {"ended": reason}, "garch": {"ended": reason}}
    assert {row["instrument"] for row in full_document["rows"]} == {"alive"}
    assert full_document["verdict"]["name"] == "alive"
    assert "alive alone: ewma could forecast no other\n" in forecast(*request, "--step", "1").stdout


def test_folds_without_a_model_are_counted(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "growing.csv", walk(3, 900))
    request = (
        "backtest",
        "--csv",
        "growing.csv",
        "--start",
        "2018-06-01",
        *TINY,
        "--models",
        "lstm,ewma",
        "--step",
        "1",
    )
    full_document = document(forecast, *request)
    assert full_document["skipped"]["lstm"]["growing"].endswith("give a longer history (in 1 of 3 folds)")
    assert {row["n"] for row in full_document["rows"]} == {522}  # those of the last two folds, for both models


def test_classic_without_rows_to_learn_from_is_left_out(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "growing.csv", walk(3, 500))
    request = ("backtest", "--csv", "growing.csv", "--start", "2019-01-01", *CLASSIC, "--models", "ewma,classic")
    full_document = document(forecast, *request, "--step", "1")
    assert "rows before the validation are too few for windows of 60" in full_document["skipped"]["classic"]["growing"]


def test_a_short_history_begins_where_there_is_something_to_learn_from(forecast, tmp_path: Path) -> None:
    """Ten years before its end it had not begun."""
    write_prices(tmp_path / "young.csv", walk(3, 1200))
    days = np.busday_offset("2020-12-31", np.arange(1 - 1200, 1), roll="backward")
    for models, row in (("ewma,garch", 250), ("lstm,ewma", 349)):
        full_document = document(forecast, "backtest", "--csv", "young.csv", *TINY, "--models", models, "--step", "1")
        assert full_document["folds"][0]["start"] == str(days[row])


def test_a_step_without_an_outcome_is_told(forecast) -> None:
    request = ("backtest", "--pair", "USDJPY", "--start", "2020-12-14", *SPAN[2:], *TINY, "--models", "ewma,garch")
    full_document = document(forecast, *request, "--step", "1,60")
    assert full_document["unscored_steps"] == [60]
    assert "\nno outcome is known yet 60 days ahead\n" in forecast(*request, "--step", "1,60").stdout


def test_where_the_first_model_cannot_run_the_next_is_judged(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "short.csv", walk(0, 300))
    request = ("backtest", "--csv", "short.csv", "--start", "2020-06-01", *TINY)
    table = forecast(*request)
    assert table.exit_code == 0
    assert "lstm could not forecast anything here; garch is evaluated instead" in table.stdout
    assert "verdict on short, garch, step 1" in table.stdout


def test_the_order_of_instruments_decides_nothing(forecast, tmp_path: Path) -> None:
    """One that ended years ago, named first, once took its window for that of all."""
    write_prices(tmp_path / "ended.csv", walk(0, 600), "2017-12-29")
    write_prices(tmp_path / "alive.csv", walk(1, 1500))
    request = (*TINY, "--models", "ewma,garch", "--step", "1", "--schedule", "never")
    one, other = (
        document(forecast, "backtest", "--csv", names, *request)
        for names in ("ended.csv,alive.csv", "alive.csv,ended.csv")
    )
    assert one["folds"] == other["folds"]
    assert one["last_cutoff"] == other["last_cutoff"] == "2020-12-30"
    assert one["verdict"] == other["verdict"]
    assert {(row["instrument"], row["model"]): row for row in one["rows"]} == {
        (row["instrument"], row["model"]): row for row in other["rows"]
    }


def test_csv_tells_beside_the_rows_what_they_cannot(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "short.csv", walk(0, 300))
    found = forecast("backtest", "--csv", "short.csv", "--start", "2020-06-01", *TINY, "--format", "csv")
    assert found.exit_code == 0
    assert found.stdout.startswith("instrument,model,step,")
    assert len({line.count(",") for line in found.stdout.splitlines()}) == 1
    assert "left out: lstm of short: " in found.stderr
    assert "lstm could not forecast anything here; garch is evaluated instead" in found.stderr
    assert "density: " in found.stderr


def test_fallbacks_are_those_of_series_that_are_scored(forecast, tmp_path: Path) -> None:
    write_prices(tmp_path / "tiny.csv", walk(0, 50), "2018-01-31")
    write_prices(tmp_path / "still.csv", np.r_[np.ones(500), walk(2, 100)])
    write_prices(tmp_path / "long.csv", walk(1, 900))
    how = ("--start", "2020-06-01", *TINY, "--models", "garch,ewma", "--step", "1", "--schedule", "never")
    full_document = document(forecast, "backtest", "--csv", "long.csv,tiny.csv,still.csv", *how)
    assert full_document["fallbacks"] == {"garch": 1}
    assert full_document["fallbacks_of"] == {"garch": {"still": 1}}
    told = forecast("backtest", "--csv", "long.csv,tiny.csv,still.csv", *how).stdout
    assert "garch: 1 fit of still did not converge or had too few rows, and used substitute parameters" in told


def test_a_narrow_terminal_cuts_no_number(forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ("backtest", "--pair", "USDJPY", *SPAN, *TINY, "--models", "ewma,garch", "--step", "1,5")
    plain = forecast(*request).stdout
    monkeypatch.setattr("forecaster.cli.terminal.has_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", forecast(*request).stdout)
    assert "\u2026" not in shown
    assert set(plain.split()) <= set(shown.split())


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
        request = ("backtest", "--csv", f"{name}.csv", "--start", "2019-01-01", *TINY)
        request = (*request, "--models", "ewma,random_walk,garch,har,fhs", "--out", f"{name}.png")
        full_document = document(forecast, *request)
        assert full_document["verdict"]["density"]["outcome"] in ("no_difference", "worse", "better", "not_applicable")
        assert all(row["crps"] is None or np.isfinite(row["crps"]) for row in full_document["rows"])
        if name == "flat":
            for kind in ("point", "density", "coverage"):
                assert full_document["verdict"][kind]["text"] == f"{kind}: not tested: the price is constant"
            assert full_document["fallbacks"]["garch"] == 1
            assert full_document["confidence_set"][0]["models"] == ["random_walk"]  # it alone says that nothing moves
            told = forecast(*request).stdout
            assert "garch: 1 fit did not converge or had too few rows, and used substitute parameters" in told


def test_rows_of_weeks_and_months_and_refits_finer_than_they_are(forecast) -> None:
    for span, refit, folds in (("1wk", "5", 11), ("1mo", "monthly", 12), ("1wk", "monthly", 12)):
        request = (*ALONE, "--interval", span, "--schedule", refit, "--models", "ewma,random_walk", "--step", "1")
        full_document = document(forecast, *request)
        assert len(full_document["folds"]) == folds
        assert full_document["interval"] == span


def test_forecasts_of_every_cutoff_are_exported_and_give_the_scores(forecast, tmp_path: Path) -> None:
    """The coverage of the document follows from the exported quantiles and outcomes."""
    request = ("--models", "ewma,random_walk", "--step", "1,5", "--forecasts", tmp_path / "f.csv")
    full_document = document(forecast, "backtest", "USDJPY", "EURUSD", *SPAN, *TINY, *request)
    table = pd.read_csv(tmp_path / "f.csv")
    assert set(table["instrument"]) == {"USDJPY", "EURUSD"}
    outcomes = table[table["price"].notna()]
    inside = (outcomes["price"] >= outcomes["q0.1"]) & (outcomes["price"] <= outcomes["q0.9"])
    shares = inside.groupby([outcomes["instrument"], outcomes["model"], outcomes["step"]]).mean()
    for row in full_document["rows"]:
        if row["instrument"] != "pooled":
            share = shares[row["instrument"], row["model"], row["step"]]
            assert share == pytest.approx(row["coverage"]["0.8"], abs=1e-9)
    dates = outcomes[(outcomes["step"] == 1) & (outcomes["model"] == "ewma")]
    assert (dates["date"] > dates["cutoff"]).all()


def test_the_table_has_rows_for_each_instrument(forecast, tmp_path: Path) -> None:
    request = ("--models", "ewma,random_walk", "--step", "1,5", "--out", tmp_path / "scores.csv")
    lines = forecast("backtest", "USDJPY,EURUSD", *SPAN, *TINY, *request).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("instrument"))
    assert "over random_walk" in lines[start]
    assert [line.split()[0] for line in lines[start + 1 : start + 5]] == ["USDJPY", "5", "EURUSD", "5"]
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert {"USDJPY", "EURUSD", "pooled"} == set(scores["instrument"])
    refused = forecast("backtest", "USDJPY", "--forecasts", "f.xlsx")
    assert (refused.exit_code, "--forecasts f.xlsx: expected a CSV file" in refused.stderr) == (2, True)
    refused = forecast("backtest", "USDJPY", "--forecasts", "f.csv", "--out", "./f.csv")
    assert (refused.exit_code, "is the file of --out too" in refused.stderr) == (2, True)
    assert forecast("backtest", "USDJPY", "--out", "f.doc").exit_code == 2


def test_losses_of_a_spread_are_in_units_of_its_price(forecast, tmp_path: Path) -> None:
    days = np.datetime64("2019-01-01") + np.arange(700)
    spread = np.random.default_rng(0).normal(size=700).round(2)
    (tmp_path / "spread.csv").write_text(
        "date,price\n" + "".join(f"{day},{x}\n" for day, x in zip(days, spread, strict=True))
    )
    request = ("backtest", "--csv", "spread.csv", "--differences", "--start", "2020-10-01", "--models", "ewma")
    assert "CRPS in 1/10,000 of the unit of the price over the days" in forecast(*request, "--step", "1").stdout


def test_progress_names_model_and_fold_from_the_first_report(forecast, monkeypatch) -> None:
    reports: list[tuple[object, ...]] = []
    call = _Bar.__call__

    def recorded(bar, stage, done, total, loss=None, detail=""):
        reports.append((stage, done, total, detail))
        call(bar, stage, done, total, loss, detail)

    monkeypatch.setattr(_Bar, "__call__", recorded)
    span = ("--start", "2019-06-01", "--end", "2020-12-31", *TINY)
    assert forecast("backtest", "USDJPY", *span, "--models", "ewma,random_walk", "--step", "1").exit_code == 0
    assert reports[0] == ("data", 0, 1, "loading the program")
    assert ("backtest", 0, 4, "ewma, fold 1 of 2") in reports
    assert ("backtest", 3, 4, "random_walk, fold 2 of 2") in reports
    assert ("backtest", 4, 4, "random_walk, fold 2 of 2") in reports
