"""`forecast doctor`, and `forecast` without a command: what is wrong, and what to do next."""

import datetime
import json
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from documented_keys import differences, missing

from forecaster.cli import cli
from forecaster.environment import Environment
from forecaster.errors import ExitCode
from forecaster.experiments.diagnosis import Finding
from forecaster.output.doctor_tables import next_lines
from forecaster.workflows import doctor_system
from forecaster.workflows.doctor import doctor
from forecaster.workflows.next_steps import next_steps

Forecast = Callable[..., Result]
COMMAND = "forecast doctor --format json"
TODAY = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def _engines_that_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the real ones takes seconds."""
    monkeypatch.setattr(doctor_system, "_ENGINES", {"jax": "print('0.10', 'cpu')", "tensorflow": "print('2', 'gpu')"})


def diagnosed(home: Path, clock: datetime.datetime = TODAY, **settings: bool) -> dict[str, list[Finding]]:
    findings: dict[str, list[Finding]] = {}
    for finding in doctor(Environment(home=home, clock=lambda: clock), **settings).findings:
        findings.setdefault(finding.subject, []).append(finding)
    return findings


def document(forecast: Forecast, *arguments: object) -> tuple[int, dict[str, Any]]:
    result = forecast("doctor", *arguments, "--format", "json")
    printed = json.loads(result.stdout)
    assert differences(COMMAND, printed) == []
    assert missing(COMMAND, [printed]) == []
    return result.exit_code, printed


def test_a_sound_project_has_no_problem(forecast: Forecast, home: Path) -> None:
    code, printed = document(forecast, "--home", home)
    assert code == ExitCode.OK
    assert printed["outcome"] in ("ok", "warning")
    subjects = [finding["subject"] for finding in printed["findings"]]
    expected = ["python", "packages", "jax", "tensorflow", "gpu", "cache", "home", "network", "store"]
    assert [name for name in dict.fromkeys(subjects) if name != "prices"] == [
        *expected,
        "runs",
        "rates",
        "clock",
        "locks",
    ]
    table = forecast("doctor", "--home", home)
    assert "no other command is at work" in table.stdout
    assert table.stderr == ""


def test_damage_is_a_problem_with_a_command_that_helps(forecast: Forecast, home: Path) -> None:
    newest = max(home.glob("runs/2*/manifest.json"))
    newest.write_text("{")
    (home / "data" / "store.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    code, printed = document(forecast, "--home", home)
    assert code == ExitCode.DIFFERENCE
    problems = [finding for finding in printed["findings"] if finding["outcome"] == "problem"]
    assert {finding["subject"] for finding in problems} == {"runs", "store"}
    assert any("forecast runs list" in finding["commands"] for finding in problems)


def test_the_project_is_looked_at(home: Path) -> None:
    findings = diagnosed(home, datetime.datetime(2027, 6, 1, tzinfo=datetime.UTC))
    assert findings["rates"][0].outcome == "warning"
    assert findings["prices"][0].commands == ("forecast data refresh",)
    assert findings["runs"][0].text.startswith("2 recorded")
    early = diagnosed(home, datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    assert early["clock"][0].outcome == "problem"
    pinned = home / "runs" / "pinned.json"
    pinned.write_text("[]")
    assert any(finding.outcome == "problem" for finding in diagnosed(home)["runs"])


def test_a_home_that_cannot_be_used_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    assert diagnosed(tmp_path / "file")["home"][0].outcome == "problem"
    assert "made when something is stored" in diagnosed(tmp_path / "new")["home"][0].text
    monkeypatch.setattr(doctor_system, "MIN_FREE_BYTES", 1 << 60)
    assert diagnosed(tmp_path)["home"][0].outcome == "problem"


def test_packages_and_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_system, "_ENGINES", {"jax": "import sys; sys.exit('no such library')"})
    required = [f"numpy<{2}", "no-such-package>=1", "click>=8", "openpyxl>=1; extra == 'excel'"]
    monkeypatch.setattr(doctor_system.metadata, "requires", lambda name: required)
    findings = diagnosed(tmp_path)
    assert findings["jax"][0].text == "cannot be loaded: no such library"
    texts = [finding.text for finding in findings["packages"]]
    assert len(texts) == 2
    assert texts[0].endswith("is out of range; expected <2")
    assert texts[1] == "no-such-package is not installed; expected >=1"


def test_the_network_is_asked_unless_it_is_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = []

    def connect(place: tuple[str, int], timeout: float) -> socket.socket:
        requests.append(place)
        raise TimeoutError("timed out")

    monkeypatch.setattr(doctor_system.socket, "create_connection", connect)
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    assert "FORECAST_OFFLINE forbids it" in diagnosed(tmp_path)["network"][0].text
    assert requests == []
    findings = diagnosed(tmp_path, online=True)["network"]
    assert [finding.outcome for finding in findings] == ["warning", "warning"]
    assert "(timed out)" in findings[0].text
    monkeypatch.setenv("https_proxy", "http://user:secret@127.0.0.1:3128")
    (finding,) = diagnosed(tmp_path, online=True)["network"]
    assert requests[-1] == ("127.0.0.1", 3128)
    assert "secret" not in finding.text
    monkeypatch.setenv("https_proxy", "127.0.0.1:3129")
    diagnosed(tmp_path, online=True)
    assert requests[-1] == ("127.0.0.1", 3129)
    monkeypatch.delenv("FORECAST_OFFLINE")
    assert diagnosed(tmp_path, offline=True)["network"][0].text == "not used: as asked"


def test_a_check_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(environment: Environment) -> list[Finding]:
        raise ZeroDivisionError("no")

    monkeypatch.setitem(doctor_system.CHECKS, "gpu", fail)
    assert diagnosed(tmp_path)["gpu"][0].text == "the check failed: ZeroDivisionError: no"


def test_the_next_steps_of_a_project(home: Path, tmp_path: Path) -> None:
    def commands(folder: Path, clock: datetime.datetime = TODAY) -> list[str]:
        steps = next_steps(Environment(home=folder, clock=lambda: clock))
        lines = next_lines(steps, 80)
        assert len(lines) <= 12
        assert max(map(len, lines[1:])) <= 80
        assert "--help" in lines[-1]
        assert max(map(len, next_lines(steps, 40)[1:])) <= 60
        return [*steps.commands]

    assert commands(tmp_path / "new")[0] == "forecast train USDJPY"
    assert commands(home)[:2] == ["forecast predict USDJPY", "forecast plot USDJPY"]
    assert commands(home, datetime.datetime(2027, 6, 1, tzinfo=datetime.UTC))[0] == "forecast data refresh"
    max(home.glob("runs/2*/manifest.json")).write_text("{")
    assert commands(home)[0] == "forecast doctor"
    (home / "data" / "store.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert commands(home)[0] == "forecast doctor"


def test_names_are_typed_as_one_word_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    index = SimpleNamespace(runs=[SimpleNamespace(instruments=("my gold",), source="csv")], damaged=[])
    monkeypatch.setattr("forecaster.workflows.next_steps.indexed_runs", lambda folder: index)
    assert "forecast predict --csv FILE --name 'my gold'" in next_steps(Environment()).commands


def test_a_terminal_shows_the_next_steps_and_a_pipe_the_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = CliRunner().invoke(cli, [])
    assert piped.exit_code == ExitCode.USAGE
    assert piped.stdout == ""
    monkeypatch.setattr("forecaster.cli.has_terminal", lambda: True)
    shown = CliRunner().invoke(cli, [])
    assert shown.exit_code == ExitCode.OK
    assert "forecast train USDJPY" in shown.stdout
