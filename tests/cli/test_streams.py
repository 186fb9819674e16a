"""The output edge: no control character of a foreign text reaches a terminal, and streams that fail end no work."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from short_trainings import TINY

from forecaster.cli import _reset_warnings, cli
from forecaster.cli.streams import styled, visible

PACKAGE = Path(__file__).parents[2] / "forecaster"
FORECAST = f"{sys.executable} -m forecaster"
SHORT = " ".join(
    ("train", "--source", "synthetic", "--ticker", "ar1", "--set", "data.options.rows=900", *TINY, "--home", "home")
)


def printing_calls(tree: ast.Module) -> list[int]:
    """Lines that write to a standard stream: click.echo, print, sys.stdout.write and their like."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            text = ast.unparse(node.func)
            if text in {"print", "click.echo", "click.secho", "click.confirm", "click.prompt"}:
                lines.append(node.lineno)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"}:
            lines.append(node.lineno)
    return lines


def test_no_place_prints_but_the_output_edge() -> None:
    places = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "streams.py"
        for line in printing_calls(ast.parse(path.read_text(encoding="utf-8")))
    ]
    allowed = {"cli/terminal.py"}  # asks whether the streams are terminals
    assert [place for place in places if place.partition(":")[0] not in allowed] == []
    source = (PACKAGE / "cli" / "terminal.py").read_text(encoding="utf-8")
    questions = source.count("sys.stderr.isatty()") + source.count("wrapped(line, sys.stdout)")
    assert len(printing_calls(ast.parse(source))) == questions


@pytest.mark.parametrize("code", ["print(1)", "click.echo(text)", "sys.stdout.write(text)", "sys.stderr.write(text)"])
def test_a_place_that_prints_is_noticed(code: str) -> None:
    assert printing_calls(ast.parse(code))


@given(st.text())
def test_every_text_is_printable_after_the_edge(text: str) -> None:
    shown = visible(text)
    assert all(character.isprintable() or character in "\n\t\u00a0\u2007\u2009\u202f" for character in shown)
    assert visible(shown) == shown
    if text.isprintable():
        assert shown == text


def test_a_style_of_the_program_passes_and_one_of_its_text_does_not() -> None:
    assert visible(styled("a\x1b[2Jb", fg="red")) == "\x1b[31ma\\x1b[2Jb\x1b[0m"


@pytest.mark.parametrize(
    "arguments",
    [
        ["\x1b[31mx"],
        ["--\x1b[31mx"],
        ["train", "--\x1b[31mx"],
        ["train", "--pair", "\x1b[31mUSDJPY"],
        ["train", "--pair", "USDJPY", "--set", "\x1b[31mx=1"],
        ["train", "--pair", "USDJPY", "--set", "model.kind=\x1b[31m"],
        ["train", "--pair", "USDJPY", "--config", "\x1b[31m.yaml"],
        ["train", "--csv", "\x1b[31m.csv"],
        ["train", "--pair", "USDJPY", "--universe", "\x1b[31m"],
        ["predict", "--pair", "USDJPY", "--level", "\x1b[31m"],
        ["predict", "--pair", "USDJPY", "--run", "\x1b[31m"],
        ["predict", "--pair", "USDJPY", "--home", "\x1b[31m"],
        ["backtest", "--pair", "USDJPY", "--models", "\x1b[31m"],
        ["backtest", "--pair", "USDJPY", "--schedule", "\x1b[31m"],
        ["data", "show", "\x1b[31m"],
        ["data", "verify", "\x9b31m"],
        ["plot", "--pair", "USDJPY", "--kind", "\x1b[31m"],
    ],
    ids=lambda arguments: ascii(" ".join(arguments)),
)
def test_what_was_typed_comes_back_visible(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code in {1, 2, 3}, result.output
    assert "error: " in result.stderr
    assert all(line.isprintable() for line in result.output.splitlines())


def shell(command: str, folder: Path, timeout: float = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True, text=True, timeout=timeout, cwd=folder, check=False,
    )  # fmt: skip


def test_a_reader_that_leaves_does_not_lose_the_training(tmp_path: Path) -> None:
    done = shell(f"{FORECAST} {SHORT} 2>&1 | head -1", tmp_path)
    assert done.returncode == 0
    assert len(list(tmp_path.glob("home/runs/*/manifest.json"))) == 1
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_notes_for_which_there_is_no_room_do_not_stop_a_training(tmp_path: Path) -> None:
    done = shell(f"{FORECAST} {SHORT} 2>/dev/full <&-", tmp_path)
    assert done.returncode == 0
    assert "run: " in done.stdout
    assert len(list(tmp_path.glob("home/runs/*/manifest.json"))) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
@pytest.mark.parametrize("arguments", ["--version", "--help", "predict --help"])
def test_help_for_which_there_is_no_room_is_one_line(tmp_path: Path, arguments: str) -> None:
    done = shell(f"{FORECAST} {arguments} > /dev/full", tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "No space left on device" in line


@pytest.mark.parametrize("arguments", ["--help", "predict --help"])
def test_a_reader_that_leaves_the_help_is_no_fault(tmp_path: Path, arguments: str) -> None:
    done = shell(f"{{ sleep 0.1; {FORECAST} {arguments}; }} | true", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", ["2>&-", "<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(tmp_path: Path, closed: str) -> None:
    done = shell(f"{FORECAST} data export --pair USDJPY --out x.csv --home home {closed}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.csv").read_text().startswith("date,close")
    assert ("written: x.csv\n" in done.stderr) == ("2>" not in closed)


def test_warnings_of_libraries_are_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _reset_warnings()
        warnings.warn("for developers", DeprecationWarning, stacklevel=1)
    assert not sys.warnoptions
