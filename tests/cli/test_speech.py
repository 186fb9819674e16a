"""--quiet, --verbose, --no-color, NO_COLOR and FORCE_COLOR: on every command, before and after it."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Forecast = Callable[..., Result]
RED = "\x1b["


@pytest.mark.parametrize("words", ["-q predict USDJPY", "predict -q USDJPY", "predict USDJPY --quiet", "USDJPY -q"])
def test_quiet_leaves_results_and_warnings(forecast: Forecast, trained_once: Path, words: str) -> None:
    result = forecast(*shlex.split(words), "--home", trained_once)
    assert result.exit_code == 0
    assert "USDJPY after" in result.stdout
    assert all(line.startswith("warning:") for line in result.stderr.splitlines())
    assert "data: " in forecast("predict", "USDJPY", "--home", trained_once).stderr
    assert forecast("runs", "-q", "list", "--home", "none").stderr == ""


def test_quiet_leaves_errors(forecast: Forecast) -> None:
    assert forecast("-q", "predict", "USDJPX").stderr.startswith("error: pair 'USDJPX'")


@pytest.mark.parametrize("words", ["-v data list --used-by x", "data list --used-by x -v", "train -v USDJPX"])
def test_verbose_adds_the_report_of_an_error(forecast: Forecast, words: str) -> None:
    lines = forecast(*shlex.split(words)).stderr.splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1].startswith("error: ")


def test_verbose_keeps_its_meaning_where_a_command_has_it(forecast: Forecast, trained_once: Path) -> None:
    short, full = (forecast("predict", "USDJPY", *more, "--home", trained_once).stdout for more in ((), ("-v",)))
    assert len(short.splitlines()) < len(full.splitlines())


def test_colours(forecast: Forecast, monkeypatch: pytest.MonkeyPatch, trained_once: Path) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert RED not in forecast("predict", "USDJPX").stderr
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert RED in forecast("predict", "USDJPX").stderr
    assert RED in forecast("runs", "list", "--home", trained_once).stdout
    assert RED not in forecast("runs", "list", "--format", "csv", "--home", trained_once).stdout
    assert RED not in forecast("predict", "--no-color", "USDJPX").stderr
    assert RED not in forecast("--no-color", "predict", "USDJPX").stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert RED not in forecast("predict", "USDJPX").stderr


def test_the_help_of_the_program_lists_them(forecast: Forecast) -> None:
    text = forecast("--help").stdout
    assert all(flag in text for flag in ("-q, --quiet", "-v, --verbose", "--no-color"))
    assert "--quiet" not in forecast("train", "--help-all").stdout
