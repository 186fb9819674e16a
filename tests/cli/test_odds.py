"""`forecast odds` from the outside."""

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from conftest import Forecast
from documented_keys import differences
from oracles import series_of
from run_copies import copy_run

import forecaster
from forecaster.output.portfolio_documents import total_table


def document(forecast: Forecast, home: Path, *arguments: object) -> dict[str, Any]:
    result = forecast("odds", *arguments, "--home", home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    printed: dict[str, Any] = json.loads(result.stdout)
    assert differences("forecast odds --format json", printed) == []
    return printed


QUESTIONS = ("--above", "160", "--below", "150", "--between", "150,160", "--touch", "150,157.2503,160")


def test_answers_are_those_of_the_forecast_and_of_the_inverse_pair(forecast: Forecast, trained_once: Path) -> None:
    at = ("--as-of", "2026-10-30", "--within", "10d")
    printed = document(forecast, trained_once, "USDJPY", *QUESTIONS, *at, "--position", "1000000USD", "--spread", "2")
    answers = {(each["question"], *each["prices"]): each["probability"] for each in printed["answers"]}
    (prediction,) = forecaster.predict(pair="USDJPY", horizon=10, as_of="2026-10-30", home=trained_once)
    assert answers["above", 160] == prediction.forecast.probability_above(160)[-1]
    assert answers["touch", 150] >= answers["below", 150]
    assert answers["touch", 160] >= answers["above", 160]
    assert answers["above", 160] + answers["below", 150] + answers["between", 150, 160] == pytest.approx(1, abs=1e-12)
    assert {each["date"] for each in printed["answers"]} == {str(prediction.forecast.dates[-1])}
    assert printed["answers"][0]["record"]["alike"]["n"] > 0

    inverse = document(
        forecast, trained_once, "JPYUSD", "--below", 1 / 160, "--touch", 1 / 150, *at, "--position", "1000000 USD"
    )
    assert inverse["answers"][0]["probability"] == pytest.approx(answers["above", 160], abs=1e-9)
    assert inverse["answers"][1]["probability"] == pytest.approx(answers["touch", 150], abs=1e-7)
    assert inverse["answers"][0]["record"]["happened"] == printed["answers"][0]["record"]["happened"]
    for one, other in zip(printed["risks"], inverse["risks"], strict=True):
        assert other["value_at_risk"] == pytest.approx(one["value_at_risk"], rel=1e-9)
        assert other["record"] == pytest.approx(one["record"])
    assert [(each["step"], each["level"]) for each in printed["risks"]] == [(10, 0.95), (10, 0.99)]
    assert printed["break_even"][0]["hit_rate"] == pytest.approx(0.5 + 0.01 / printed["break_even"][0]["mean_move"])
    shown = document(
        forecast, trained_once, "USDJPY", *at[:2], "--position", "-100000000JPY", "--var", "1wk", "--confidence", "90"
    )
    assert (shown["position"]["currency"], shown["risks"][0]["level"]) == ("USD", 0.9)
    assert shown["answers"] == []
    shown = document(forecast, trained_once, "USDJPY", *at, "--position", "1USD", "--var", "1d,5,5d", "--above", "160")
    assert [(each["step"], each["level"]) for each in shown["risks"]][:3] == [(1, 0.95), (1, 0.99), (5, 0.95)]
    assert len(shown["risks"]) == 4


def test_the_answer_is_a_sentence_a_table_and_its_record(
    forecast: Forecast, trained_once: Path, tmp_path: Path
) -> None:
    result = forecast("odds", "USDJPY", "--above", "160", "--on", "2026-11-15", "--home", trained_once)
    assert result.exit_code == 0, result.stderr
    first, _, heading, *rest = result.stdout.splitlines()
    assert first.startswith("USDJPY ends above 160 on 2026-11-13 with a probability of ")
    assert "; on " in first
    assert heading.split()[:4] == ["question", "day", "yes", "no"]
    assert any(line.startswith("said before: ") for line in rest)
    assert "2026-11-15 is no trading day" in result.stderr
    assert "the answer is for 2026-11-13" in result.stderr

    next_day = forecast("odds", "USDJPY", "--above", "160", "--within", "1", "--home", trained_once).stdout
    assert "said before: answers of " in next_day
    assert "overlap" not in next_day

    picture, table = tmp_path / "odds.png", tmp_path / "odds.csv"
    for out in (picture, table):
        assert forecast("odds", "USDJPY", "--touch", "150", "--home", trained_once, "--out", out).exit_code == 0
    assert picture.stat().st_size > 10_000
    (row,) = csv.DictReader(io.StringIO(table.read_text()))
    assert row.keys() >= {"run_id", "frequency", "cutoff", "last_price", "calibrated", "source"}
    assert (row["question"], row["price"]) == ("touch", "150.0")


def test_without_earlier_forecasts_there_is_no_picture(forecast: Forecast, trained_once: Path, tmp_path: Path) -> None:
    old = ("USDJPY", "--above", "95", "--as-of", "2010-06-01", "--home", trained_once)
    result = forecast("odds", *old, "--out", tmp_path / "odds.png")
    assert result.exit_code == 2
    assert "said before: not measured" in result.stdout
    assert "in-sample: " in result.stdout
    assert "there is no record of earlier answers about USDJPY to draw" in result.stderr


def test_without_a_question_the_answers_are_a_ladder(forecast: Forecast, trained_once: Path) -> None:
    printed = document(forecast, trained_once, "USDJPY")
    prices = [each["prices"][0] for each in printed["answers"]]
    assert prices == sorted(prices)
    assert len(prices) == 7
    many = forecast("odds", "USDJPY", *QUESTIONS, "--home", trained_once)
    assert many.stdout.splitlines()[0].endswith(f"probabilities up to {printed['answers'][0]['date']}:")
    odds = [each["probability"] for each in printed["answers"]]
    assert odds == sorted(odds, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--above", "1.6"), 2, "did you mean 160?; add --far if it is meant"),
        (("--touch", "0.0064"), 2, "the inverse pair is near it"),
        (("--above", "-1"), 2, "prices of USDJPY are positive"),
        (("--on", "2020-01-01"), 2, "no row is expected until 2020-01-01"),
        (("--on", "2027-06-30"), 1, "train one that looks further with: forecast train"),
        (("--within", "5", "--on", "2026-11-05"), 2, "expected one of them"),
        (("--within", "soon"), 2, "expected rows from 1 to 250, or a span"),
        (("--var", "5"), 2, "--var needs a position"),
        (("--position", "1USD", "--var", "5", "--on", "2026-11-05"), 2, "--var and --on are given"),
        (("--position", "1000GBP"), 2, "expected an amount of USD or JPY"),
        (("--position", "lots"), 2, "expected an amount and its currency or symbol"),
        (("JPYUSD",), 2, "2 instruments are named (USDJPY, JPYUSD); expected one"),
    ],
)
def test_bad_questions_are_one_line(
    forecast: Forecast, trained_once: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = forecast("odds", "USDJPY", *arguments, "--home", trained_once)
    assert result.exit_code == code, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert message in line


def test_python_gives_a_frame_and_a_figure(trained_once: Path) -> None:
    result = forecaster.odds(
        pair="USDJPY", above=160, touch=[150, 165], between=(150, 160), position="1000000USD", home=trained_once
    )
    frame = result.to_frame()
    assert frame["question"].tolist()[:4] == ["above", "between", "touch", "touch"]
    assert frame["value_at_risk"].notna().sum() == 6
    assert result.title.startswith("Odds of USDJPY after ")
    figure = result.figure()
    assert [axes.get_label() for axes in figure.axes] == ["reliability", "days"]


# --- portfolios -------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a run of many pairs and a file of positions."""
    copy_run(tmp_path / "runs")
    (tmp_path / "p.csv").write_text("amount,currency\n1000000,EUR\n-50000000,JPY\n250000,USD\n")
    monkeypatch.setattr("forecaster.workflows.portfolio_odds.PATHS", 4000)
    monkeypatch.setattr("forecaster.evaluation.portfolio_record.PATHS", 200)
    monkeypatch.setattr("forecaster.evaluation.portfolio_record.MAX_CUTOFFS", 100)
    return tmp_path


def test_a_portfolio_has_a_joint_risk_that_is_shared_out(forecast: Forecast, project: Path) -> None:
    common = ("--portfolio", project / "p.csv", "--base", "usd", "--home", project, "--as-of", "2020-12-31")
    result = forecast("odds", *common, "--hedge", "EUR", "--format", "json")
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert differences("forecast odds --portfolio FILE --format json", printed) == []
    assert [price["instrument"] for price in printed["prices"]] == ["EURUSD", "JPYUSD"]
    for risk in printed["risks"]:
        assert sum(share["value_at_risk"] for share in risk["shares"]) == pytest.approx(risk["value_at_risk"])
        assert sum(share["expected_shortfall"] for share in risk["shares"]) == pytest.approx(risk["expected_shortfall"])
        assert risk["undiversified"] > risk["value_at_risk"]
    assert printed["value"] == pytest.approx(250_000 + sum(share["value"] for share in printed["risks"][0]["shares"]))
    assert {hedge["name"] for hedge in printed["hedges"]} == {"EUR"}

    picture = project / "risk.png"
    shown = forecast("odds", *common, "--var", "1d", "--out", picture)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.startswith("The portfolio, worth ")
    assert "correlations of the last 750 days" in shown.stdout
    assert picture.stat().st_size > 10_000

    (project / "one.csv").write_text("amount,currency\n1000000,EUR\n")
    alone = forecast("odds", "--portfolio", project / "one.csv", "--var", "1d", *common[2:])
    assert "4,000 paths\n" in alone.stdout
    frame = forecaster.portfolio_odds(
        portfolio={"EUR": 1e6, "JPY": -5e7}, base="USD", var="1d", as_of="2020-12-31", home=project
    ).to_frame()
    assert frame["name"].tolist() == ["portfolio", "EUR", "JPY"] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "expected the one to count in, such as --base EUR"),
        (("--base", "XXX"), 2, "XXX is no currency"),
        (("--base", "EUR", "--hedge", "AAPL"), 2, "AAPL is no currency"),
        (("--base", "EUR", "--hedge", "EUR"), 2, "which hedges nothing"),
        (("--base", "EUR", "--above", "1"), 2, "--above is a question about one instrument"),
        (("--base", "EUR", "USDJPY"), 2, "a portfolio and an instrument are given"),
        (("--base", "USD", "--var", "never"), 2, "expected rows from 1 to 250"),
        (("--base", "GBP"), 1, "fits EURGBP; its runs forecast EURUSD, USDJPY"),
    ],
)
def test_bad_portfolios_are_one_line(
    forecast: Forecast, project: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = forecast("odds", "--portfolio", project / "p.csv", *arguments, "--home", project)
    assert result.exit_code == code, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert message in line


def test_prices_whose_rows_differ_in_length_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of days for one price and of weeks alone for another, both up to the same Friday."""
    days = series_of(np.linspace(100, 110, 30).tolist())
    weeks = dataclasses.replace(series_of(np.linspace(1, 2, 30).tolist(), "EURJPY"), frequency="1wk")
    selected = [mock.Mock(series=series, instrument=series.instrument) for series in (days, weeks)]
    for each in selected:
        each.until.return_value = each
    monkeypatch.setattr("forecaster.workflows.portfolio_odds.select_runs", lambda *_: selected)
    with pytest.raises(forecaster.ForecasterError, match=r"USDJPY has rows of 1d, EURJPY .* add --frequency 1d"):
        forecaster.portfolio_odds(portfolio={"USD": 1, "EUR": 1}, base="JPY", home=tmp_path)


def test_the_record_of_a_weekly_portfolio_counts_weeks() -> None:
    risk = {"date": "2020-12-31", "level": 0.95, "value_at_risk": 1.0, "expected_shortfall": 2.0, "undiversified": 3.0}
    record = {"within": 0.95, "n": 100, "outcome": "consistent"}
    table = total_table({"base": "EUR", "interval": "1wk", "risks": [{**risk, "record": record}]})
    assert [str(column.header) for column in table.columns][-2:] == ["within", "weeks"]


def test_options_of_a_portfolio_need_one(forecast: Forecast, trained_once: Path) -> None:
    result = forecast("odds", "USDJPY", "--base", "EUR", "--home", trained_once)
    assert result.exit_code == 2
    assert "--base needs a portfolio; add --portfolio FILE" in result.stderr


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"above": float("nan")}, "expected finite prices"),
        ({"between": (160, 150)}, "the lower one first"),
        ({"position": "1USD", "confidence": (95,)}, "confidence is 95; expected shares such as 0.95"),
        ({"position": "1USD", "confidence": ()}, "confidence is empty"),
        ({"touch": 1e-320}, "times less$|add --far"),
    ],
)
def test_python_refuses_what_the_command_line_cannot_say(
    trained_once: Path, keywords: dict[str, Any], message: str
) -> None:
    with pytest.raises(forecaster.ForecasterError, match=message):
        forecaster.odds(pair="USDJPY", home=trained_once, **keywords)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"portfolio": {"USD": float("nan")}, "base": "JPY"}, "position 'nan USD' is malformed"),
        ({"portfolio": ["1 USD"], "base": "JPY", "confidence": (99,)}, "confidence is 99"),
        ({"portfolio": [], "base": "JPY"}, "the portfolio holds no position"),
    ],
)
def test_python_refuses_strange_portfolios(trained_once: Path, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(forecaster.ForecasterError, match=message):
        forecaster.portfolio_odds(home=trained_once, **keywords)
