"""`forecast predict --paths` from the outside, and `predict(paths=...)`."""

import csv
import io
import json

import numpy as np
import pytest
from short_trainings import SMALL_NETWORK

from forecaster import predict

SHORT = ("--set", "data.start=2015-01-01", "--set", "model.decoder_units=4")
TINY_SEQ2SEQ = ("--config", "seq2seq", "--universe", "none", *SMALL_NETWORK, *SHORT)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from click.testing import CliRunner

    from forecaster.cli import cli

    home = tmp_path_factory.mktemp("seq2seq")
    arguments = ("train", "--pair", "USDJPY", "--horizon", "5", *TINY_SEQ2SEQ, "--home", str(home))
    result = CliRunner().invoke(cli, arguments, env={"FORECAST_OFFLINE": "1"})
    assert result.exit_code == 0, result.output
    return home


def test_paths_are_rows_of_a_file_and_columns_of_an_array(forecast, trained, tmp_path):
    file = tmp_path / "paths.csv"
    result = forecast("predict", "--pair", "USDJPY", "--paths", 200, "--out", file, "--home", trained)
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert list(rows[0]) == ["instrument", "path", "step", "date", "price"]
    assert len(rows) == 200 * 5
    prices = np.array([float(row["price"]) for row in rows]).reshape(200, 5)
    (prediction,) = predict(pair="USDJPY", paths=200, home=trained)
    np.testing.assert_allclose(prediction.paths, prices, rtol=1e-12)
    low, high = prediction.forecast.prices((0.1, 0.9)).T
    inside = ((low < prices) & (prices < high)).mean(axis=0)
    np.testing.assert_allclose(inside, 0.8, atol=0.1)
    (inverse,) = predict(pair="JPYUSD", paths=200, home=trained)
    np.testing.assert_allclose(inverse.paths, 1 / prices, rtol=1e-12)
    assert predict(pair="USDJPY", home=trained)[0].paths is None


def test_paths_are_printed_as_rows_in_the_wanted_units(forecast, trained):
    result = forecast(
        *("predict", "--pair", "USDJPY", "--paths", 2, "--horizon", 3, "--home", trained),
        *("--format", "json-flat", "--units", "pips"),
    )
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [(row["path"], row["step"]) for row in rows] == [(path, step) for path in (1, 2) for step in (1, 2, 3)]
    assert all(abs(row["pips"]) < 1000 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--paths writes rows; got --format table; use --format csv or json-flat, or --out FILE.csv"),
        (("--out", "paths.xlsx"), "csv"),
        (("--format", "csv", "--horizon", "6"), "samples paths of 5 rows; got a horizon of 6"),
    ],
)
def test_paths_that_cannot_be_are_refused(forecast, trained, arguments, message):
    result = forecast("predict", "--pair", "USDJPY", "--paths", 2, "--home", trained, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("error:") == 1


def test_a_model_without_paths_says_so(forecast, home):
    result = forecast("predict", "--pair", "USDJPY", "--paths", 2, "--format", "csv", "--home", home)
    assert result.exit_code == 2
    assert "is a run of lstm, which samples no paths; expected one of seq2seq" in result.stderr
