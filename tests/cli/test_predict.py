"""`forecast predict` from the outside."""

import csv
import datetime
import io
import json

import numpy as np
import pytest

from forecaster.evaluation import DEFAULT_BASELINES


def document(forecast, home, *arguments):
    result = forecast("predict", *arguments, "--home", home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    (made,) = json.loads(result.stdout)
    return made


def test_document_has_the_contracted_keys(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY")
    assert made["schema"] == "forecast/1"
    assert made["source"] == "ecb"
    assert made["horizon"] == len(made["steps"]) == 20
    assert made["in_sample"] is False
    first = made["steps"][0]
    assert {"step", "date", "mean", "median", "probability_up", "quantiles"} <= first.keys()
    assert list(first["quantiles"]) == [format(level, "g") for level in made["quantile_levels"]]
    assert {one["reference"] for one in made["skill"]} == set(DEFAULT_BASELINES)


def test_quantiles_increase_and_widen_with_the_horizon(forecast, home):
    steps = document(forecast, home, "--pair", "USDJPY")["steps"]
    table = np.array([list(step["quantiles"].values()) for step in steps])
    assert (np.diff(table, axis=1) > 0).all()
    assert (np.diff(table[:, -1] - table[:, 0]) > 0).all()


def test_inverse_pair_is_the_exact_mirror(forecast, home):
    straight = document(forecast, home, "--pair", "USDJPY")
    inverse = document(forecast, home, "--pair", "JPYUSD")
    assert inverse["last_price"] == 1 / straight["last_price"]
    for one, other in zip(straight["steps"], inverse["steps"], strict=True):
        assert other["probability_up"] == pytest.approx(1 - one["probability_up"], abs=1e-12)
        low = float(inverse["steps"][0]["quantiles"]["0.025"])
        assert low > 0
        assert other["quantiles"]["0.1"] == pytest.approx(1 / one["quantiles"]["0.9"], rel=1e-12)


def test_dates_follow_the_calendar_of_the_ecb(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--as-of", "2019-12-23", "--horizon", "4")
    assert [step["date"] for step in made["steps"]] == ["2019-12-24", "2019-12-27", "2019-12-30", "2019-12-31"]


def test_a_cutoff_that_the_run_has_seen_is_in_sample(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--as-of", "2010-06-01")
    assert made["in_sample"] is True
    assert made["cutoff"] == "2010-06-01"
    assert "in-sample" in forecast("predict", "--pair", "USDJPY", "--as-of", "2010-06-01", "--home", home).stderr


def test_rows_after_the_cutoff_do_not_matter(forecast, home, tmp_path):
    one = document(forecast, home, "--pair", "USDJPY", "--as-of", "2024-03-01")
    assert one["last_price"] == pytest.approx(150.1, rel=0.02)
    from forecaster.datasets.selection import Selection
    from forecaster.environment import Environment
    from forecaster.experiments.run_selection import RunQuery, select_runs

    (selection,) = select_runs(Selection(pairs=["USDJPY"]), RunQuery(), Environment(home=home))
    cut = selection.until(datetime.date(2024, 3, 1))
    full_forecast = selection.run.fitted.forecast(selection.series, np.array([len(cut.series) - 1]))
    alone = selection.run.fitted.forecast(cut.series, np.array([len(cut.series) - 1]))
    assert np.array_equal(full_forecast.scaled, alone.scaled)
    assert np.array_equal(full_forecast.scale, alone.scale)


def test_intervals_are_calibrated_unless_the_raw_ones_are_asked_for(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY")
    raw = document(forecast, home, "--pair", "USDJPY", "--no-calibration")
    assert (made["calibrated"], raw["calibrated"]) == (True, False)
    assert [one["median"] for one in made["steps"]] == [one["median"] for one in raw["steps"]]
    assert made["steps"][0]["quantiles"] != raw["steps"][0]["quantiles"]
    assert "calibrated" in forecast("predict", "--pair", "USDJPY", "--home", home).stdout.splitlines()[0]


def test_a_cutoff_that_the_weights_have_seen_is_not_calibrated(forecast, home):
    asked = ("--pair", "USDJPY", "--as-of", "2010-06-01")
    made, raw = document(forecast, home, *asked), document(forecast, home, *asked, "--no-calibration")
    assert made["calibrated"] is False
    assert made == raw


def test_what_feeds_its_forecasts_back_is_not_calibrated(forecast, home):
    assert document(forecast, home, "--ticker", "SINE", "--source", "synthetic")["calibrated"] is False


def test_levels_and_units(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--level", "50,99", "--units", "return")
    quantiles = made["steps"][0]["quantiles"]
    assert {"0.005", "0.25", "0.75", "0.995"} <= quantiles.keys()
    assert quantiles["0.005"] < quantiles["0.025"] < 0 < quantiles["0.995"]
    pips = document(forecast, home, "--pair", "USDJPY", "--units", "pips")["steps"][0]["quantiles"]["0.9"]
    price = document(forecast, home, "--pair", "USDJPY")
    assert pips == pytest.approx((price["steps"][0]["quantiles"]["0.9"] - price["last_price"]) / 0.01)


def test_table_names_each_interval_and_csv_has_a_row_a_step(forecast, home):
    table = forecast(
        "predict", "--pair", "USDJPY", "--level", "90", "--horizon", "3", "--home", home
    ).stdout.splitlines()
    assert table[1].startswith("daily rows; run 2")
    assert table[2].split() == ["date", "median", "90", "%", "up", "held"]
    assert [len(line.split()) for line in table[3:6]] == [7, 7, 7]
    assert table[6].startswith("held: % of the 90 % ranges that held since 20")
    rows = list(
        csv.DictReader(io.StringIO(forecast("predict", "--pair", "USDJPY", "--format", "csv", "--home", home).stdout))
    )
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 21)]
    assert float(rows[0]["q0.025"]) < float(rows[0]["median"]) < float(rows[0]["q0.975"])


def test_steps_beyond_a_point_model_are_marked(forecast, home):
    made = document(forecast, home, "--ticker", "sine")
    assert [step["fed_back"] for step in made["steps"]] == [False, True, True, True, True]
    assert "recursive" in forecast("predict", "--ticker", "sine", "--home", home).stdout


def test_out_writes_the_file_and_keeps_stdout_empty(forecast, home, tmp_path):
    result = forecast("predict", "--pair", "USDJPY", "--format", "json", "--out", tmp_path / "f.json", "--home", home)
    assert result.stdout == ""
    assert json.loads((tmp_path / "f.json").read_text())[0]["instrument"] == "USDJPY"


def test_run_without_an_instrument_forecasts_what_it_was_trained_on(forecast, home):
    assert document(forecast, home, "--run", "latest")["instrument"] == "USDJPY"


def test_no_run_says_what_to_type(forecast, tmp_path):
    result = forecast("predict", "--pair", "EURSEK", "--home", tmp_path)
    assert result.exit_code == 1
    assert (
        f"train one with: forecast train --pair EURSEK --home {tmp_path} (or add --train-if-missing)" in result.stderr
    )


def test_train_if_missing_trains(forecast, tmp_path):
    tiny = tmp_path / "tiny.yaml"
    tiny.write_text("universe: none\nmodel:\n  units: [4]\n  training: {steps: 5}\n")
    asked = ("--pair", "EURSEK", "--home", tmp_path, "--train-if-missing", "--config", tiny, "--horizon", "30")
    result = forecast("predict", *asked, "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[0]["horizon"] == 30
    assert "training one" in result.stderr


def test_a_horizon_beyond_the_run_is_scaled_and_marked(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--horizon", "30")
    assert [step["step"] for step in made["steps"] if step["scaled"]] == list(range(21, 31))
    assert not any(step["fed_back"] for step in made["steps"])
    own, scaled = made["steps"][19]["quantiles"], made["steps"][29]["quantiles"]
    variances = np.array([step["day_size"] ** 2 for step in made["steps"]])  # of days that are not all alike
    for level in own:
        expected = np.sqrt(variances.sum() / variances[:20].sum()) * np.log(own[level] / made["last_price"])
        assert np.log(scaled[level] / made["last_price"]) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    held = {record["step"]: record for record in made["coverage"]["steps"]}
    assert held[30]["n"] == 720
    noted = forecast("predict", "--pair", "USDJPY", "--horizon", "30", "--home", home).stderr
    assert "ranges after day 20, the last of the run, are scaled by the square root of time" in noted


def test_a_horizon_that_cannot_be_scaled_says_what_to_type(forecast, home, monkeypatch):
    far = forecast("predict", "--pair", "USDJPY", "--horizon", "61", "--home", home)
    assert far.exit_code == 1
    assert f"with: forecast train --pair USDJPY --home {home} --horizon 61" in far.stderr
    monkeypatch.setenv("FORECAST_HOME", str(home))  # which the command to type needs no option for
    assert "with: forecast train --pair USDJPY --horizon 61" in forecast("predict", "USDJPY", "--horizon", "61").stderr
    recursive = forecast("predict", "--ticker", "sine", "--horizon", "6")
    assert recursive.exit_code == 1
    assert "its steps are recursive" in recursive.stderr


def test_horizons_are_rows_spans_or_dates(forecast, home):
    week = document(forecast, home, "--pair", "USDJPY", "--horizon", "1wk")
    assert (week["horizon"], week["steps"][-1]["date"]) == (5, "2026-11-06")
    until = document(forecast, home, "--pair", "JPYUSD", "--until", "2026-11-30")
    assert (until["horizon"], until["steps"][-1]["date"]) == (21, "2026-11-30")
    for wrong in (("--horizon", "0"), ("--horizon", "soon"), ("--until", "2020-01-01"), ("--until", "2040-01-01")):
        assert forecast("predict", "--pair", "USDJPY", *wrong, "--home", home).exit_code == 2
    both = forecast("predict", "--pair", "USDJPY", "--horizon", "5", "--until", "2026-11-30", "--home", home)
    assert (both.exit_code, "expected one of them" in both.stderr) == (2, True)


def test_a_forecast_says_how_often_its_ranges_held(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--level", "50,90")
    records = made["coverage"]["steps"]
    assert [record["step"] for record in records] == list(range(1, 21))
    assert [record["n"] for record in records[:2]] == [749, 748]
    for record in records:
        assert list(record["coverage"]) == ["0.5", "0.9"]
        assert 0 < record["coverage"]["0.5"] < record["coverage"]["0.9"] <= 1
    manifest = json.loads((sorted((home / "runs").iterdir())[-1] / "manifest.json").read_text())
    scored = {row["step"]: row["coverage"]["0.9"] for row in manifest["scores"] if row["part"] == "test"}
    assert {step: records[step - 1]["coverage"]["0.9"] for step in scored} == pytest.approx(scored)


def test_the_record_of_a_past_cutoff_ends_before_it(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--as-of", "2024-06-03")
    assert made["coverage"]["steps"][0]["n"] < 200
    assert made["age_days"] is None
    assert document(forecast, home, "--pair", "USDJPY", "--as-of", "2010-06-01")["coverage"] is None
    recursive = ("--ticker", "sine", "--source", "synthetic")
    full_forecast = document(forecast, home, *recursive)
    assert full_forecast["coverage"] is not None
    assert document(forecast, home, *recursive, "--as-of", "2020-12-01")["coverage"] is None


def test_a_cutoff_after_the_newest_row_is_told(forecast, home):
    assert (
        "no row as late as 2099-01-01"
        in forecast("predict", "--pair", "USDJPY", "--as-of", "2099-01-01", "--home", home).stderr
    )


def test_prices_that_are_probably_slips_are_reported(forecast, home):
    result = forecast("predict", "USDJPY", "--above", "160,5", "--below", "15000", "--horizon", "2", "--home", home)
    assert result.exit_code == 0
    assert "warning: --above 160,5: USDJPY is at 157.25, and a comma separates two prices; did you mean 160.5?" in (
        result.stderr
    )
    assert "did you mean 150?" in result.stderr


def test_levels_that_print_alike_are_one(forecast, home):
    made = document(forecast, home, "--pair", "USDJPY", "--level", "80,80.0000001,99.9")
    assert len(made["quantile_levels"]) == len(made["steps"][0]["quantiles"]) == 11


def test_too_early_a_cutoff_says_which_is_the_earliest(forecast, home):
    result = forecast("predict", "--pair", "USDJPY", "--as-of", "1999-02-01", "--home", home)
    assert result.exit_code == 2
    assert "the earliest cutoff is 1999-10-" in result.stderr
