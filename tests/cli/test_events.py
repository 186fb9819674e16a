"""`forecast events`, and what a run does with the events of its user."""

import functools
import json
import shutil
from pathlib import Path

import pytest
from conftest import TINY, Forecast
from documented_keys import differences, missing
from toy_ledgers import clock_of

from forecaster.environment import Environment

EVENTS = "date,name,currencies\n2012-03-01,summit,JPY\n2015-03-02,summit,USD\n2026-11-05,summit,JPY\n2027-01-05,new,\n"


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "forecaster.cli.terminal.Environment", functools.partial(Environment, clock=clock_of("2026-11-20"))
    )


@pytest.fixture(scope="module")
def home_with_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run of USDJPY that has learned events, which lie beside it."""
    from click.testing import CliRunner

    from forecaster.cli import cli

    home = tmp_path_factory.mktemp("events")
    (home / "events.csv").write_text(EVENTS, encoding="utf-8")
    arguments = ["train", "--pair", "USDJPY", *TINY, "--events", str(home / "events.csv"), "--home", str(home)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "event new: no effect, nothing to learn from in the training rows" in result.stderr
    assert "event summit: moves x" in result.stderr
    return home


def test_days_of_a_run_have_sizes_and_those_of_a_file_names(forecast: Forecast, home_with_events: Path) -> None:
    arguments = ("events", "JPYUSD", "--home", home_with_events)
    result = forecast(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    assert differences("forecast events --format json", document) == []
    assert missing("forecast events --format json", [document]) == []
    assert all(day["day_size"] > 0 and day["names"] for day in document["days"])
    rows = forecast(*arguments, "--format", "csv").stdout.splitlines()
    assert rows[0] == "instrument,run_id,date,names,day_size"
    assert len(rows) == len(document["days"]) + 1
    assert len(forecast(*arguments).stdout.splitlines()) == len(rows)


def test_without_a_run_the_days_have_names_alone(forecast: Forecast, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("date,name\n2027-01-06,vote\n", encoding="utf-8")
    result = forecast("events", "USDJPY", "--events", events, "--until", "2027-01-20", "--format", "json")
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    days = {day["date"]: day["names"] for day in document["days"]}
    assert "vote" in days["2027-01-06"]
    assert {day["day_size"] for day in document["days"]} == {None}
    assert "no run of days fits USDJPY" in result.stderr


def test_events_that_the_run_has_not_learned_are_listed_by_name(forecast: Forecast, home: Path, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("date,name\n2026-11-28,before\n2027-01-06,vote\n", encoding="utf-8")
    arguments = ("events", "USDJPY", "--events", events, "--until", "2027-01-20", "--format", "json", "--home", home)
    result = forecast(*arguments)
    (document,) = json.loads(result.stdout)
    days = {day["date"]: day for day in document["days"]}
    assert "vote" in days["2027-01-06"]["names"]
    assert document["run_id"] is not None
    assert all(day["day_size"] > 0 for day in days.values())
    assert "has learned no events" in result.stderr


def test_a_forecast_marks_the_days_of_events(forecast: Forecast, home_with_events: Path) -> None:
    arguments = ("predict", "USDJPY", "--as-of", "2026-10-30", "--home", home_with_events)
    (document,) = json.loads(forecast(*arguments, "--format", "json").stdout)
    days = {step["date"]: step for step in document["steps"]}
    assert "summit" in days["2026-11-05"]["events"]
    assert all(step["day_size"] > 0 for step in days.values())
    assert "moves of these days against ordinary ones" in forecast(*arguments).stdout


def test_an_event_that_the_run_has_not_learned_is_listed_and_warned_of(
    forecast: Forecast, home_with_events: Path, tmp_path: Path
) -> None:
    newer = tmp_path / "newer.csv"
    newer.write_text(EVENTS + "2027-01-07,hearing,JPY\n", encoding="utf-8")
    arguments = ("USDJPY", "--events", newer, "--home", home_with_events)
    assert "event hearing has no effect" in forecast("predict", *arguments).stderr
    (document,) = json.loads(forecast("events", *arguments, "--until", "2027-01-20", "--format", "json").stdout)
    days = {day["date"]: day for day in document["days"]}
    assert "hearing" in days["2027-01-07"]["names"]
    assert days["2027-01-07"]["day_size"] is not None


def test_a_missing_file_of_events_is_one_line(forecast: Forecast, home_with_events: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(home_with_events, home)
    (home_with_events / "events.csv").rename(home_with_events / "moved.csv")
    try:
        result = forecast("predict", "USDJPY", "--home", home)
        assert result.exit_code == 2
        assert "needs covariates or events that cannot be loaded" in result.stderr
        assert forecast("predict", "USDJPY", "--home", home, "--events", home / "events.csv").exit_code == 0
    finally:
        (home_with_events / "moved.csv").rename(home_with_events / "events.csv")


def test_a_forecast_with_events_needs_a_run_that_has_learned_some(
    forecast: Forecast, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    result = forecast("predict", "USDJPY", "--events", "events.csv", "--home", home)
    assert result.exit_code == 1
    assert "no run" in result.stderr
    assert "forecast train --pair USDJPY --events events.csv" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("events", "USDJPY", "--until", "2000-01-01"), "expected a day from today on"),
        (("predict", "USDJPY", "--events", "events.csv", "--run", "latest"), "has learned no events"),
        (("train", "--ticker", "sine", "--events", "events.csv"), "name its calendar"),
        (("train", "--pair", "USDJPY", "--frequency", "1wk", "--events", "events.csv"), "needs daily rows"),
        (("train", "--pair", "USDJPY", "--config", "classic", "--events", "events.csv"), "does not use events"),
        (("train", "--pair", "USDJPY", "--events", "missing.csv"), "missing.csv"),
    ],
)
def test_what_cannot_be_used_is_refused(
    forecast: Forecast, home: Path, tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    result = forecast(*arguments, "--home", home)
    assert result.exit_code == 2
    assert text in result.stderr
