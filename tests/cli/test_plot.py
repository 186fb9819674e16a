"""`forecast plot` from the outside."""

import datetime
import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.evaluation.verdict import KINDS
from forecaster.experiments.forecasting import forecast_of
from forecaster.experiments.run_selection import RunQuery, select_runs
from forecaster.models.quantile.forecaster import FittedQuantileModel
from forecaster.output.figure_request import FigureRequest
from forecaster.workflows.plot import loss_figure, picture_of, plot
from forecaster.workflows.predict import predict


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_writes_each_format(forecast, home, tmp_path, suffix):
    target = tmp_path / f"picture.{suffix}"
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", target)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(target)
    start = target.read_bytes()[:5]
    assert start in {b"\x89PNG\r", b"<?xml", b"%PDF-"}


def test_names_the_file_after_instrument_and_kind(forecast, home, tmp_path):
    assert forecast("plot", "--pair", "JPYUSD", "--kind", "loss", "--home", home).stdout.strip() == "JPYUSD-loss.png"
    assert (tmp_path / "JPYUSD-loss.png").exists()


def test_span_without_rows_is_refused(forecast, home):
    result = forecast("plot", "--pair", "USDJPY", "--from", "2027-01-01", "--home", home)
    assert result.exit_code == 2
    assert "a picture needs 2" in result.stderr


def test_unknown_format_is_refused_and_nothing_is_left(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", tmp_path / "p.bmp")
    assert result.exit_code == 2
    assert not list(tmp_path.glob("*p.bmp*"))


def test_missing_folder_is_refused(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY", "--home", home, "--out", tmp_path / "no" / "p.png")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_one_file_cannot_hold_two_instruments(forecast, home, tmp_path):
    result = forecast("plot", "--pair", "USDJPY,JPYUSD", "--home", home, "--out", tmp_path / "p.png")
    assert result.exit_code == 2
    assert "--out names one file" in result.stderr


DAY = datetime.date(2024, 3, 1)


def test_a_past_forecast_is_drawn_as_it_was_then_next_to_the_prices_that_followed(home):
    (selection,) = select_runs(Selection(pairs=["JPYUSD"]), RunQuery(), Environment(home=home))
    (expected,) = predict(pair="JPYUSD", home=home, as_of=DAY)
    picture = picture_of(selection.until(DAY), selection.series, calibrate=True)
    np.testing.assert_array_equal(picture.forecast.values, expected.forecast.values)
    assert picture.forecast.cutoff == picture.predictions.dates[-1] == np.datetime64(DAY)
    assert picture.dates[-1] == picture.forecast.dates[-1]
    later = selection.series.between(picture.forecast.dates[0], picture.forecast.dates[-1])
    np.testing.assert_allclose(picture.prices[-20:], 1 / later.close)
    assert picture.train_end == picture_of(selection.until(None), selection.series, calibrate=True).train_end


def test_a_picture_takes_one_scan_of_the_history(home, monkeypatch):
    scans = []
    scan = FittedQuantileModel.forecast
    monkeypatch.setattr(FittedQuantileModel, "forecast", lambda *args: scans.append(args) or scan(*args))
    (selection,) = select_runs(Selection(pairs=["USDJPY"]), RunQuery(), Environment(home=home))
    picture_of(selection.until(None), selection.series, calibrate=True)
    assert len(scans) == 1


def test_as_of_draws_and_says_so(forecast, home):
    result = forecast("plot", "--pair", "USDJPY", "--as-of", DAY, "--last", "120", "--home", home)
    assert result.exit_code == 0, result.stderr
    assert "to 2024-03-01 (of rows to " in result.stderr


def test_a_learning_curve_names_the_history_of_its_training(home):
    (selection,) = select_runs(Selection(pairs=["USDJPY"]), RunQuery(), Environment(home=home))
    facts = selection.run.manifest.data.named[0]
    request = FigureRequest(selection.until(DAY), selection.series, None)
    notes = [text.get_text() for text in loss_figure(request).texts]
    assert any(f"{facts.rows} rows to {facts.last}, sha256 {facts.sha256[:12]}" in note for note in notes)


@pytest.mark.parametrize("flag", ["--start", "--end"])
def test_the_crop_is_not_called_as_the_rows_that_are_used(forecast, home, flag):
    result = forecast("plot", "--pair", "USDJPY", flag, "2024-03-01", "--home", home)
    assert result.exit_code == 2
    assert f"No such option '{flag}'" in result.stderr


def test_a_fan_is_drawn_and_its_options_belong_to_it(forecast, home, tmp_path):
    result = forecast(
        *("plot", "USDJPY", "--kind", "fan", "--above", "9999,160", "--level", "80", "--title", "t"),
        *("--until", "2026-12-31", "--home", home),
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == "USDJPY-fan.png"
    refused = forecast("plot", "USDJPY", "--kind", "fan", "--above", "160,50", "--home", home)
    assert (refused.exit_code, "did you mean 160.50?" in refused.stderr) == (2, True)
    refused = forecast("plot", "USDJPY", "--above", "160", "--home", home)
    assert refused.exit_code == 2
    assert "--above is not an option of --kind forecast; expected --kind fan" in refused.stderr
    refused = forecast("plot", "USDJPY", "--kind", "fan", "--horizon", "100", "--home", home)
    assert "forecast train --pair USDJPY" in refused.stderr
    refused = forecast("plot", "USDJPY", "--kind", "fan", "--from", "2020-01-01", "--home", home)
    assert "--from is not an option of --kind fan; expected --kind forecast" in refused.stderr


def test_a_fan_judges_its_ranges_as_a_table_does(home, tmp_path, monkeypatch):
    requests = []
    monkeypatch.setattr(
        "forecaster.workflows.plot.forecast_of", lambda *args: requests.append(args[-1]) or forecast_of(*args)
    )
    for level in ((), 0.9):
        plot(pair="USDJPY", kind="fan", level=level, home=home, out=tmp_path / "fan.png")
    assert [request.levels for request in requests] == [(0.8, 0.95), (0.9,)]


def test_scores_and_verdict_of_a_picture_are_those_of_the_run(home):
    (selection,) = select_runs(Selection(pairs=["JPYUSD"]), RunQuery(), Environment(home=home))
    facts = selection.run.manifest.scores
    summary = picture_of(selection.until(None), selection.series, calibrate=True).summary
    test = next(score for score in facts.scores if score["part"] == "test" and score["step"] == 1)
    assert (summary.scores["test"].rmse, summary.scores["test"].n) == (test["rmse_return"], test["n"])
    assert summary.scores["test"].coverage == test["coverage"]["0.8"]
    assert list(summary.verdict) == [facts.verdicts["USDJPY"][kind]["text"] for kind in KINDS]
    assert summary.origin == "scores of the run"


BACKTEST = ("backtest", "USDJPY", "--start", "2012-01-02", "--end", "2013-12-31", "--models", "ewma,random_walk")


def test_a_backtest_is_drawn_at_any_step_without_a_fit(forecast, tmp_path, monkeypatch):
    home = ("--home", tmp_path)
    missing = forecast("plot", "USDJPY", "--kind", "backtest", *home)
    assert missing.exit_code == 1
    assert "run forecast backtest first" in missing.stderr
    assert forecast(*BACKTEST, "--step", "1,5", *home).exit_code == 0
    monkeypatch.setattr("forecaster.pipeline.fit", None)
    drawn = []
    monkeypatch.setattr(
        "forecaster.output.backtest_figure.draw_backtest", lambda *pictures: drawn.append(pictures) or Figure()
    )
    result = forecast("plot", "JPYUSD", "--kind", "backtest", "--step", "1,3,20", *home)
    assert result.exit_code == 0, result.stderr
    (pictures,) = drawn
    assert [picture.step for picture in pictures] == [1, 3, 20]
    assert len({picture.words for picture in pictures}) == 1
    assert pictures[0].words[0] == "verdict, 1 day ahead:"
    assert result.stdout.strip() == "USDJPY-backtest.png"
    beyond = forecast("plot", "USDJPY", "--kind", "backtest", "--step", "21", *home)
    assert beyond.exit_code == 2
    assert "looks 20 rows ahead; got --step 21" in beyond.stderr


def test_a_backtest_that_is_incomplete_or_of_another_history_is_not_drawn(forecast, tmp_path):
    home = ("--home", tmp_path)
    assert forecast(*BACKTEST, "--step", "1", *home).exit_code == 0
    (plan,) = tmp_path.glob("backtests/*/plan.json")
    text = plan.read_text()
    record = next(tmp_path.glob("backtests/fits/*random_walk*.npz"))
    content = record.read_bytes()
    record.unlink()
    result = forecast("plot", "USDJPY", "--kind", "backtest", *home)
    assert result.exit_code == 1
    assert "is not complete: records of random_walk are missing" in result.stderr
    record.write_bytes(content)
    plan.write_text(
        text.replace('"seed": 0', '"seed": 1') if '"seed": 0' in text else text.replace('"seed":0', '"seed":1')
    )
    result = forecast("plot", "USDJPY", "--kind", "backtest", *home)
    assert result.exit_code == 1
    assert "another version or from a history that has changed" in result.stderr
    facts = json.loads(text)
    forged = [{"steps": []}, {"steps": ["x"]}, {"stride": "1"}, {"folds": []}, {"folds": [["x", "y"]]}, {"config": 7}]
    forged += [{"models": {"ewma": {"decay": 7}}}, {"models": {"nothing": {}}}, {"engine": None, "records": {}}]
    for change in forged:
        plan.write_text(json.dumps({**facts, **change}))
        result = forecast("plot", "USDJPY", "--kind", "backtest", *home)
        assert (result.exit_code, result.stderr.count("error: ")) == (1, 1), change
    plan.write_text("[]")
    assert "run forecast backtest first" in forecast("plot", "USDJPY", "--kind", "backtest", *home).stderr


def test_python_accepts_one_price_and_one_level(home, tmp_path):
    out = tmp_path / "fan.svg"
    assert plot(pair="USDJPY", kind="fan", above=160.0, level=0.8, home=home, out=out) == [out]
