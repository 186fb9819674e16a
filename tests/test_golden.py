"""Numbers that a change of the code must not move, on any machine.

`tests/golden/` holds a small run of an early version, with pseudo-random weights, and the numbers that were computed
when the files were written. A tolerance covers what another processor may change: closed formulas 1e-9, optimisers
1e-4, a training 1e-3. Where processor and packages are those of the file, the weights are the same to the bit.

A change that is meant to move numbers writes the files anew, and its message says why::

    PYTHONPATH=. python tests/test_golden.py
"""

import datetime
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from forecaster.cli import cli
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.models import baseline_names, create
from forecaster.models.base import FitRequest
from forecaster.models.engine import cpu_features, engine_versions

GOLDEN = Path(__file__).parent / "golden"
STORED_RUN = "20261126-000000-000-USDJPY-868bfe"
TRAINING = ("train", "--pair", "USDJPY,EURUSD", "--universe", "none", "--start", "2001-01-01", "--end", "2010-12-31")
TINY = ("model.training.steps=10", "model.units=[4]", "split.test_rows=250", "split.validation_rows=250")
STEPS = (1, 7, 20)  # of the network itself, between two of its steps, and the last
CLOSED_FORM = {"ewma", "har", "panel_har", "random_walk", "random_walk_constant", "ridge"}


def forecast(home: Path, *arguments: str) -> Any:
    """The JSON document that a command prints."""
    result = CliRunner().invoke(cli, [*arguments, "--format", "json", "--home", str(home)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def predicted(home: Path, pair: str, as_of: str) -> dict[str, Any]:
    """Steps of a forecast, and what it says of itself."""
    (document,) = forecast(home, "predict", "--pair", pair, "--as-of", as_of)
    steps = [document["steps"][step - 1] for step in STEPS]
    columns = ("date", "mean", "median", "probability_up", "quantiles")
    facts = ("cutoff", "last_price", "in_sample", "calibrated", "horizon")
    return {
        **{name: document[name] for name in facts},
        "steps": [{name: step[name] for name in columns} for step in steps],
    }


def baseline_quantiles() -> dict[str, Any]:
    """Log-return quantiles of every baseline over STEPS, fitted on ten years and forecast at two later cutoffs."""
    request = LoadRequest(parse_pair("USDJPY"), Path(), datetime.date(2020, 1, 1))
    series = get_source("ecb").load(request).series.between(end=np.datetime64("2012-12-31"))
    cutoffs = np.searchsorted(series.dates, np.array(["2011-03-11", "2012-11-30"], dtype="datetime64[D]"))
    fit_request = FitRequest(Panel((series,)), {"USDJPY": int(cutoffs[0]) - 20}, {}, 20)
    fits = {name: create(name, 20).fit(fit_request) for name in sorted(baseline_names())}
    return {name: fit.forecast(series, cutoffs).log_returns(STEPS).tolist() for name, fit in fits.items()}


def stored_run(folder: Path) -> dict[str, Any]:
    """Forecasts of the stored run: with calibration, quoted the other way round, and on rows that it has seen."""
    shutil.copytree(GOLDEN / STORED_RUN, folder / "runs" / STORED_RUN)
    asked = {
        "calibrated": ("USDJPY", "2012-06-29"),
        "inverse": ("JPYUSD", "2012-06-29"),
        "seen": ("EURUSD", "2005-06-24"),
    }
    return {name: predicted(folder, *request) for name, request in asked.items()}


def backtest(home: Path) -> dict[str, Any]:
    """Scores and tests of two baselines over two years."""
    span = ("--start", "2009-01-01", "--end", "2010-12-31")
    document = forecast(
        home, "backtest", "--pair", "USDJPY", "--models", "ewma,random_walk", *span, "--universe", "none"
    )
    columns = ("model", "step", "n", "crps", "rmse", "mae", "coverage", "width", "interval_score", "crps_ratio", "dm")
    rows = [{name: row[name] for name in columns if name in row} for row in document["rows"] if row["step"] in STEPS]
    parts = {name: document["verdict"][name] for name in ("point", "direction", "density", "coverage")}
    verdict = {name: {key: part[key] for key in ("outcome", "p_value")} for name, part in parts.items()}
    return {"folds": document["folds"], "rows": rows, "verdict": verdict}


def training(home: Path) -> dict[str, Any]:
    """Learning curve, test scores and a forecast of a tiny training; hash of its weights on this software."""
    settings = [word for setting in TINY for word in ("--set", setting)]
    document = forecast(home, *TRAINING, *settings, "--backend", "jax", "--device", "cpu")
    folder = home / "runs" / document["run_id"]
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        digest = hashlib.sha256(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays.files)))
    scores = [score for score in document["scores"] if score["part"] == "test" and score["step"] in STEPS]
    columns = ("instrument", "step", "n", "crps", "rmse", "coverage")
    return {
        "curve": [[float(cell) for cell in row.split(",") if cell] for row in curve_rows(folder)],
        "scores": [{name: score[name] for name in columns if name in score} for score in scores],
        "forecast": predicted(home, "USDJPY", "2012-06-29"),
        "software": {**engine_versions(), "processor": cpu_features()},
        "weights_sha256": digest.hexdigest(),
    }


def curve_rows(folder: Path) -> list[str]:
    return (folder / "history.csv").read_text().splitlines()[1:]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def assert_same(actual: Any, expected: Any, rtol: float, atol: float = 0.0, place: str = "") -> None:
    """`actual` holds everything that `expected` does; numbers agree within the tolerance, all else is equal."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert_same(actual[key], value, rtol, atol, f"{place}/{key}")
    elif isinstance(expected, list):
        assert len(actual) == len(expected), place
        for number, (left, right) in enumerate(zip(actual, expected, strict=True)):
            assert_same(left, right, rtol, atol, f"{place}[{number}]")
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=rtol, abs=atol), place
    else:
        assert actual == expected, place


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORECAST_OFFLINE", "1")
        return training(tmp_path_factory.mktemp("golden"))


def test_baselines_forecast_the_stored_quantiles() -> None:
    quantiles = baseline_quantiles()
    for name, expected in golden("baselines").items():
        width = np.ptp(expected, axis=-1, keepdims=True)
        tolerance = 1e-9 if name in CLOSED_FORM else 1e-4  # of the width of the distribution
        assert (np.abs(np.subtract(quantiles[name], expected)) <= tolerance * width).all(), name


def test_a_run_of_an_early_version_forecasts_what_it_did(tmp_path: Path) -> None:
    # The forward pass is in single precision: of a distribution some per cent wide, 1e-6 of the price is 1e-4.
    assert_same(stored_run(tmp_path), golden("stored_run"), rtol=1e-6, atol=1e-6)


def test_a_backtest_scores_what_it_did(tmp_path: Path) -> None:
    assert_same(backtest(tmp_path), golden("backtest"), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_a_training_learns_what_it_did(trained: dict[str, Any]) -> None:
    expected = golden("training")
    assert_same(trained["curve"], expected["curve"], rtol=1e-3)
    assert_same(trained["scores"], expected["scores"], rtol=1e-3, atol=5e-3)  # a share of 250 moves by 4e-3
    assert_same(trained["forecast"], expected["forecast"], rtol=2e-5, atol=1e-3)


@pytest.mark.slow
def test_weights_are_the_same_to_the_bit_on_the_same_software(trained: dict[str, Any]) -> None:
    expected = golden("training")
    if trained["software"] != expected["software"]:
        pytest.skip("other packages or another processor than those of the file")
    assert trained["weights_sha256"] == expected["weights_sha256"]


def write(folder: Path) -> None:
    """Write every golden file anew."""
    os.environ["FORECAST_OFFLINE"] = "1"
    documents = {
        "baselines": baseline_quantiles(),
        "stored_run": stored_run(folder / "stored"),
        "backtest": backtest(folder / "backtest"),
        "training": training(folder / "training"),
    }
    for name, document in documents.items():
        (GOLDEN / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch))
