"""The public API: its names, its keywords, and functions that give what the commands print."""

import datetime
import inspect
import json
import logging
import re
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from conftest import Forecast

import forecaster
from forecaster.cli import cli
from forecaster.datasets.keywords import AuditKeywords, BacktestKeywords, InstrumentKeywords, TrainingKeywords
from forecaster.errors import UsageError

NAMES = {
    *(
        "anomalies",
        "Anomalies",
        "train",
        "predict",
        "predict_universe",
        "replay",
        "runs",
        "search",
        "studies",
        "plot",
        "backtest",
        "compare",
        "score",
        "odds",
        "portfolio_odds",
        "audit",
        "inspect",
        "report",
        "export",
        "load_run",
        "load_history",
        "load_config",
        "parse_pair",
    ),
    *("TrainResult", "Prediction", "Predictions", "BacktestResult", "Comparison", "AuditResult", "Inspection", "Run"),
    *(
        "ExportResult",
        "ForecastGrades",
        "Odds",
        "PortfolioOdds",
        "ReplayedRun",
        "RunOverview",
        "SearchResult",
        "Studies",
    ),
    *("score_ledger", "verify_ledger", "LedgerCheck", "LedgerGrades", "watch", "Alert"),
    *("Config", "Environment", "Forecast", "ForecasterError", "Instrument", "Panel", "PriceSeries"),
    "__version__",
}
KEYWORDS = {
    "train": TrainingKeywords,
    "predict": InstrumentKeywords,
    "plot": InstrumentKeywords,
    "backtest": BacktestKeywords,
    "compare": AuditKeywords,
    "score": BacktestKeywords,
    "odds": InstrumentKeywords,
    "search": BacktestKeywords,
    "audit": AuditKeywords,
    "inspect": InstrumentKeywords,
    "report": InstrumentKeywords,
    "anomalies": InstrumentKeywords,
}
TINY = {"model.training.steps": 10, "model.units": [6]}
DAYS = pd.bdate_range("2016-01-04", periods=1500)
PRICES = pd.Series(100 * np.exp(np.random.default_rng(3).normal(0, 0.01, 1500).cumsum()), DAYS, name="gold")


def parameters(name: str) -> set[str]:
    """Keywords that a public function takes."""
    signature = inspect.signature(getattr(forecaster, name)).parameters.values()
    assert all(parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD) for parameter in signature)
    named = {parameter.name for parameter in signature if parameter.kind == parameter.KEYWORD_ONLY}
    return named | set(KEYWORDS[name].__annotations__)


def test_public_names_are_pinned() -> None:
    assert set(forecaster.__all__) == set(dir(forecaster)) == NAMES
    assert all(getattr(forecaster, name) is not None for name in NAMES)
    with pytest.raises(AttributeError, match="has no attribute 'foretell'"):
        forecaster.foretell  # noqa: B018


@pytest.mark.parametrize("name", KEYWORDS)
def test_a_function_takes_the_options_of_its_command_by_their_names(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    printing = {"format", "out", "level", "units", "above", "below", "between", "forecasts", "verbose", "help_all"}
    printing |= {"universe", "jobs"} if name == "predict" else set()  # `predict_universe` is a function of its own
    printing |= {"portfolio", "base", "hedge"} if name == "odds" else set()  # so is `portfolio_odds`
    printing |= {"names"}  # the instruments without a flag, which are pair, ticker or csv
    printing -= {
        "plot": {"out", "above", "level"},
        "inspect": {"out"},
        "predict": {"level"},
        "odds": {"above", "below", "between"},
        "report": {"out", "above"},
    }.get(name, set())
    options = {option.name for option in command.params} - printing
    options |= {"compare": {"runs"}}.get(name, set())  # words of the command, too
    options |= {"score": {"forecasts", "units"}}.get(name, set())
    options -= {"graded"}  # --forecasts of a command that reads them
    options -= {"ledger", "since"} if name == "score" else set()  # `score_ledger` is a function of its own
    assert parameters(name) - options == {"history", "environment"}
    assert options <= parameters(name)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"epochs": 50}, "train has no keyword 'epochs'; a configuration has the key model.training.steps: set="),
        ({"model": "gru"}, "the kind of network is a configuration: config='gru'"),
        ({"horizn": 5}, "did you mean horizon?"),
    ],
)
def test_an_unknown_keyword_is_refused(keywords: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        forecaster.train(pair="USDJPY", **keywords)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"keywords only, such as predict\(pair='USDJPY'\)"):
        forecaster.predict("USDJPY")  # type: ignore[misc]


def test_levels_are_shares(home: Path) -> None:
    for level in (80, "80", [0.8, 95], [1.0]):
        with pytest.raises(UsageError, match=r"^level is .*; expected shares such as 0.8$"):
            forecaster.predict(pair="USDJPY", level=level, home=home)  # type: ignore[arg-type]
    (prediction,) = forecaster.predict(pair="USDJPY", level=0.8, home=home)
    assert prediction.coverage is not None
    assert list(prediction.coverage.steps[0].coverage) == ["0.8"]


def test_probabilities_of_prices_are_odds(home: Path) -> None:
    with pytest.raises(
        TypeError, match=r"predict has no keyword 'above'; probabilities of prices are odds\(above=160\)"
    ):
        forecaster.predict(pair="USDJPY", above=160, home=home)  # type: ignore[call-arg]


def test_a_forecast_is_what_the_command_prints(forecast: Forecast, home: Path) -> None:
    (prediction,) = predictions = forecaster.predict(pair="JPYUSD", horizon=5, as_of="2024-03-01", home=home)
    flags = ("--pair", "JPYUSD", "--horizon", "5", "--as-of", "2024-03-01", "--home", home, "--format", "json")
    (document,) = json.loads(forecast("predict", *flags).stdout)
    frame = predictions.to_frame()
    assert frame["date"].dt.strftime("%Y-%m-%d").tolist() == [step["date"] for step in document["steps"]]
    for column in ("mean", "median", "probability_up"):
        assert frame[column].tolist() == [step[column] for step in document["steps"]]
    assert frame["q0.025"].tolist() == [step["quantiles"]["0.025"] for step in document["steps"]]
    assert frame.equals(prediction.to_frame())
    html = predictions._repr_html_()
    title, columns, *_ = str(predictions).splitlines()
    assert title == predictions.title
    assert "step" in columns
    assert "run_id" not in columns
    assert "JPYUSD after 2024-03-01" in html
    assert html.count("<tr>") == 6


def test_several_instruments_are_a_list_or_a_text(home: Path) -> None:
    run = forecaster.load_run(home=home).id
    with pytest.raises(forecaster.ForecasterError, match="was not trained on EURUSD"):
        forecaster.predict(pair=["USDJPY", "EURUSD"], run=run, home=home)
    with pytest.raises(forecaster.ForecasterError, match="was not trained on EURUSD"):
        forecaster.predict(pair="USDJPY,EURUSD", run=run, home=home)
    both = forecaster.predict(pair=("USDJPY", "JPYUSD"), home=home)
    assert both.to_frame()["instrument"].unique().tolist() == ["USDJPY", "JPYUSD"]


def test_a_run_is_loaded(home: Path) -> None:
    run = forecaster.load_run(home=home)
    assert run.id.split("-")[3] == "USDJPY"
    assert run.config.model.units == (6,)
    assert run.history()[-1]["step"] == 10


def test_the_project_folder_is_that_of_the_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECAST_HOME", str(home))
    assert len(forecaster.predict(pair="USDJPY")) == 1
    monkeypatch.delenv("FORECAST_HOME")
    with pytest.raises(forecaster.ForecasterError, match="no run in runs fits USDJPY"):
        forecaster.predict(pair="USDJPY")


def test_messages_go_to_a_logger(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "forecaster"):
        forecaster.predict(pair="USDJPY", home=home)
    assert any(message.startswith("run: ") for message in caplog.messages)


def test_a_history_is_loaded_and_cut() -> None:
    series = forecaster.load_history(pair="JPYUSD", start="2010-01-01", end=datetime.date(2010, 12, 31))
    assert series.instrument.name == "USDJPY"
    assert (str(series.dates[0]), str(series.dates[-1])) == ("2010-01-04", "2010-12-31")
    assert len(forecaster.load_history(pair="USDJPY", end="2010-12-31", start="2010-01-01", frequency="1mo")) == 12
    with pytest.raises(forecaster.ForecasterError, match="2 instruments are named"):
        forecaster.load_history(pair="USDJPY,EURUSD")
    with pytest.raises(forecaster.ForecasterError, match=r"start is .yesterday.: .* expected a date"):
        forecaster.backtest(pair="USDJPY", start="yesterday")


@pytest.mark.parametrize("history", [PRICES, PRICES.to_frame("Close"), forecaster.load_history(PRICES)])
def test_a_history_from_pandas_is_trained_and_forecast(history: object, tmp_path: Path) -> None:
    result = forecaster.train(history=history, name="gold", set=TINY, backend="jax", home=tmp_path)
    frame = result.to_frame()
    assert set(frame["part"]) == {"train", "validation", "test"}
    assert {"lstm", "garch"} <= set(frame["model"])
    assert frame.query("model == 'lstm'")[["crps", "coverage_0.8"]].notna().all(axis=None)
    assert result.run.id in result._repr_html_()
    (prediction,) = forecaster.predict(history=history, name="gold", home=tmp_path)
    assert prediction.forecast.cutoff == np.datetime64(DAYS[-1], "D")
    with pytest.raises(forecaster.ForecasterError, match="expected one of history, pair, ticker and csv"):
        forecaster.predict(history=history, pair="USDJPY", home=tmp_path)
    with pytest.raises(forecaster.ForecasterError, match="expected a text or several; prices in memory are history="):
        forecaster.predict(csv=PRICES.to_frame("Close"), home=tmp_path)


def test_a_backtest_is_a_frame_of_scores(tmp_path: Path) -> None:
    span = {"start": "2019-01-01", "end": "2019-12-31", "universe": "none"}
    result = forecaster.backtest(pair="USDJPY", models="ewma,random_walk", step=1, home=tmp_path, **span)
    frame = result.to_frame().set_index("model")
    assert frame.index.tolist() == ["ewma", "random_walk"]
    assert frame.loc["ewma", "crps_ratio_random_walk"] == pytest.approx(
        frame.loc["ewma", "crps"] / frame.loc["random_walk", "crps"]
    )
    assert result.id in result._repr_html_()
    assert result.forecasts().to_frame().groupby("model")["price"].count().tolist() == [254, 254]
    assert [axes.get_label() for axes in result.figure().axes] == ["gains", "coverage"]


def test_settings_come_before_a_configuration_and_keywords_before_both() -> None:
    base = forecaster.load_config("quick")
    config = forecaster.load_config(base, {"model.units": [8], "horizon": 7}, {"horizon": 3})
    assert (config.model.units, config.horizon) == ((8,), 3)
    assert config.model.training == base.model.training
    with pytest.raises(forecaster.ForecasterError, match=r"model\.unit: unknown key; did you mean model\.units"):
        forecaster.load_config(None, {"model.unit": [8]})


@pytest.mark.parametrize(
    "name",
    ["Anomalies", "BacktestResult", "Comparison", "ForecastGrades", "Inspection", "LedgerGrades", "SearchResult"],
)
def test_results_with_a_picture_draw_it_and_document_their_fields(name: str) -> None:
    result = getattr(forecaster, name)
    assert "matplotlib.figure.Figure" in result.figure.__doc__
    assert "Args:" in result.__doc__


def test_a_picture_is_drawn_where_it_is_named(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "usdjpy.png"
    assert forecaster.plot(pair="USDJPY", home=home, from_date="2026-01-01", out=str(target)) == [target]
    assert target.stat().st_size > 1000
