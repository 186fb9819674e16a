"""`forecast plot` from the outside."""

import datetime

import numpy as np
import pytest

from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.experiments.run_selection import RunQuery, select_runs
from forecaster.models.quantile.forecaster import FittedQuantileModel
from forecaster.workflows.plot import picture_of
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


@pytest.mark.parametrize("flag", ["--start", "--end"])
def test_the_crop_is_not_called_as_the_rows_that_are_used(forecast, home, flag):
    result = forecast("plot", "--pair", "USDJPY", flag, "2024-03-01", "--home", home)
    assert result.exit_code == 2
    assert f"No such option '{flag}'" in result.stderr
