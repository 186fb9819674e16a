"""Every registered model, and one that this test registers, keeps the same promises: the conformance suite.

A new model needs no line here. Its own tests hold what only it does.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest
from click.testing import CliRunner

from forecaster.cli import cli
from forecaster.data.series import Panel, PriceSeries
from forecaster.models import MODELS, create, is_network, model_class, traits_of
from forecaster.models.base import FitReport, FitRequest, Fitted, Forecaster, ModelOptions
from forecaster.models.side_by_side import readers
from forecaster.models.traits import Traits
from forecaster.quantiles import SCORING_LEVELS

HORIZON = 5
ROWS = 900
TRAINING_ROWS = 600
SEEN_ROWS = 800  # with the outcomes of the validation
TOY = "toy"
NAMES = [*MODELS, TOY]
every_model = pytest.mark.parametrize("name", NAMES)
SKEWED = {"classic", "fhs", "gjr_garch", "gjr_garch_skewt", "ridge"}  # these treat rises and falls differently
every_symmetric_model = pytest.mark.parametrize("name", [name for name in NAMES if name not in SKEWED])
every_network = pytest.mark.parametrize("name", [*(name for name in MODELS if is_network(name)), TOY])

# What makes a training short; keys that the options of a kind do not have are left out.
NETWORK: dict[str, Any] = {
    "units": [4],
    "training": {"steps": 6, "batch_size": 4},
    "windows": {"chunk": 128, "burn_in": 32, "context_length": 24},
}
SHORT: dict[str, Any] = {
    **NETWORK,
    "members": [{"kind": "lstm", **NETWORK}, {"kind": "linear", **NETWORK}],
    "context_length": 12,
    "epochs": 1,
    "dense_units": 0,
    "paths": 200,
}

Model = tuple[Forecaster, Fitted]


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    MODELS[TOY] = "toy_architectures:Toy"  # the one line
    yield
    del MODELS[TOY]


def short_options(name: str) -> ModelOptions:
    kind = model_class(name).Options
    return kind.model_validate({key: value for key, value in SHORT.items() if key in kind.model_fields})


@pytest.fixture(scope="module")
def fits() -> dict[str, Model]:
    return {}


@pytest.fixture
def model(name: str, fits: dict[str, Model]) -> Model:
    if name not in fits:
        forecaster = model_class(name)(short_options(name), HORIZON)
        fits[name] = (forecaster, fit(forecaster, panel_of(name)))
    return fits[name]


def panel_of(name: str) -> Panel:
    others = [oracles.walk(ROWS, 1, "EURUSD")] if traits_of(name).panel else []
    return Panel((*others, oracles.walk(ROWS, 0, "USDJPY")))


def fit(forecaster: Forecaster, panel: Panel) -> Fitted:
    rows = dict.fromkeys(panel.names, TRAINING_ROWS)
    unseen = dict.fromkeys(panel.names, np.arange(TRAINING_ROWS + HORIZON, SEEN_ROWS - HORIZON))
    return forecaster.fit(FitRequest(panel, rows, unseen, HORIZON, seed=1))


def same(first: Any, second: Any) -> None:
    np.testing.assert_array_equal(first.scaled, second.scaled)
    np.testing.assert_array_equal(first.scale, second.scale)


@every_model
def test_the_class_describes_itself(name: str) -> None:
    registered = model_class(name)
    assert isinstance(registered.traits, Traits)
    assert issubclass(registered.Options, ModelOptions)
    options = registered.Options()
    assert options.kind == name  # type: ignore[attr-defined]
    assert registered.Options.model_validate(options.model_dump(mode="json")) == options
    shorter, description = options.quick()
    assert type(shorter) is type(options)
    assert (shorter == options) is (description is None)
    for frequency in ("1d", "1wk", "1mo"):
        registered.Options.model_validate(registered.Options.for_frequency(frequency))
    assert create(name, HORIZON).least_training_rows() > 1


@every_model
def test_a_forecast_has_the_form_of_all_forecasts(name: str, model: Model) -> None:
    _, fitted = model
    series, rows = oracles.walk(ROWS), np.array([fitted.first_row, ROWS - 1])
    forecasts = fitted.forecast(series, rows)
    assert (fitted.name, forecasts.model, forecasts.quantile_levels) == (name, name, SCORING_LEVELS)
    assert 1 <= fitted.own_steps <= HORIZON
    values = forecasts.log_returns(range(1, HORIZON + 1))
    assert values.shape == (2, HORIZON, len(SCORING_LEVELS))
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=-1) > 0).all()


@every_model
def test_histories_read_side_by_side_have_the_bits_of_each_alone(name: str, model: Model) -> None:
    _, fitted = model
    lengths = (ROWS, 640, ROWS - 1, 700)  # not one length, nor one order
    histories = [oracles.walk(rows, seed, "USDJPY") for seed, rows in enumerate(lengths)]
    together = readers(fitted, histories)
    for reader, series in zip(together, histories, strict=True):
        rows = np.arange(max(len(series) - 60, fitted.first_row), len(series))
        same(reader.forecast(series, rows), fitted.forecast(series, rows))
        same(reader.forecast(series, rows[:1]), fitted.forecast(series, rows[:1]))


@every_model
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
def test_rows_after_a_cutoff_change_no_bit_before_it(name: str, model: Model, change: str) -> None:
    _, fitted = model
    series = oracles.walk(ROWS)
    for cutoff in (max(511, fitted.first_row), 640):
        rows = np.arange(max(cutoff - 40, fitted.first_row), cutoff + 1)
        expected = fitted.forecast(series, rows)
        altered = getattr(oracles, change)(series, cutoff)
        same(fitted.forecast(altered, rows), expected)
        same(fitted.forecast(altered, rows[-1:]), expected.take(np.array([len(rows) - 1])))


@every_model
def test_a_fit_reads_training_and_validation_rows_only(name: str, model: Model) -> None:
    forecaster, fitted = model
    panel = Panel(tuple(oracles.scrambled(series, SEEN_ROWS - 1) for series in panel_of(name)))
    again = fit(forecaster, panel)
    assert again.report == fitted.report
    for key, values in fitted.arrays().items():
        np.testing.assert_array_equal(again.arrays()[key], values)


@every_model
def test_a_fitted_model_comes_back_from_its_arrays_and_its_report(name: str, model: Model, tmp_path: Path) -> None:
    forecaster, fitted = model
    np.savez(tmp_path / "weights.npz", allow_pickle=False, **fitted.arrays())
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    report = FitReport.from_json(json.loads(json.dumps(fitted.report.to_json())))
    again = forecaster.restore(arrays, report)
    rows = np.array([700, ROWS - 1])
    same(again.forecast(oracles.walk(ROWS), rows), fitted.forecast(oracles.walk(ROWS), rows))
    assert again.report.to_json() == fitted.report.to_json()


@every_symmetric_model
def test_a_model_for_pairs_is_the_mirror_of_the_inverted_quotation(name: str, model: Model) -> None:
    _, fitted = model
    series, rows = oracles.walk(ROWS), np.array([650, 700])
    inverse = PriceSeries(series.instrument, series.source, series.symbol, series.dates, {"close": 1 / series.close})
    values, mirrored = (fitted.forecast(quotation, rows).log_returns([1, HORIZON]) for quotation in (series, inverse))
    # A network has learned the symmetry, a baseline has it.
    np.testing.assert_allclose(values, -mirrored[..., ::-1], rtol=0.02 if is_network(name) else 1e-6, atol=1e-6)


@every_network
def test_numpy_and_keras_agree_where_there_are_both(name: str, model: Model) -> None:
    _, fitted = model
    if traits_of(name).numpy_forecast:
        assert fitted.report.parity is not None
        assert fitted.report.parity < 1e-5
    else:
        assert fitted.report.parity is None
    assert np.isfinite([row["loss"] for row in fitted.report.curve]).all()


def forecast(*arguments: object) -> str:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prices") / "walk.csv"
    series = oracles.walk(ROWS)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "close"])
        writer.writerows(zip(series.dates, series.close, strict=True))
    return path


def settings(name: str) -> list[str]:
    given = short_options(name).model_dump(mode="json")
    assignments = [f"model.kind={name}"]
    for key, value in SHORT.items():
        if key in given:
            pairs = value.items() if isinstance(value, dict) else [(None, value)]
            assignments += [f"model.{key}{f'.{part}' if part else ''}={item}" for part, item in pairs]
    assignments += ["split.test_rows=80", "split.validation_rows=80", f"horizon={HORIZON}", "backend=jax"]
    return [word for text in assignments for word in ("--set", text)]


@every_network
def test_train_predict_plot_and_backtest(name: str, prices: Path, tmp_path: Path) -> None:
    source = ("--csv", prices, "--home", tmp_path)
    document = json.loads(forecast("train", *source, *settings(name), "--format", "json"))
    assert document["model"] == name
    (prediction,) = json.loads(forecast("predict", *source, "--format", "json"))
    assert (prediction["model"], len(prediction["steps"])) == (name, HORIZON)
    forecast("plot", *source, "--out", tmp_path / "forecast.png")
    assert (tmp_path / "forecast.png").stat().st_size > 10_000
    models = ("--models", f"{name},ewma", "--start", "2003-01-01", "--step", "1", "--jobs", "1")
    result = json.loads(forecast("backtest", *source, *settings(name), *models, "--format", "json"))
    assert {row["model"] for row in result["rows"]} == {name, "ewma"}


@pytest.mark.slow
@every_network
def test_audit_is_clean(name: str, prices: Path, tmp_path: Path) -> None:
    result = json.loads(forecast("audit", "--csv", prices, "--home", tmp_path, *settings(name), "--format", "json"))
    assert result["clean"] is True
