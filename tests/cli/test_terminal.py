"""Talk, progress and results on one terminal."""

import io
import types
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console
from rich.progress import Progress

from forecaster.cli import terminal


class Screen(io.StringIO):
    """All that a terminal is sent, in order."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Where stdout and stderr both go."""
    screen = Screen()
    bars = terminal._rich_progress

    def echo(text: str, err: bool = False) -> None:
        screen.write(f"{text}\n")

    def bar() -> Any:
        made = bars()
        return Progress(*made.columns, console=Console(file=screen, force_terminal=True), transient=True)

    monkeypatch.setattr(terminal, "sys", types.SimpleNamespace(stderr=screen))  # pytest swaps the true one
    monkeypatch.setattr(click, "echo", echo)
    monkeypatch.setattr(terminal, "_rich_progress", bar)
    return screen


def test_the_bar_is_gone_before_the_result(screen: Screen) -> None:
    """What is printed while a bar is shown is overwritten when the bar goes."""
    with terminal.watched_environment(Path()) as environment:
        environment.progress("fit", 1, 2)
        environment.note("engine")
        terminal.print_result(environment, "RESULT")
        environment.note("next")
    before, after = screen.getvalue().split("RESULT")
    assert "fit" in before
    assert "engine" in before
    assert after == "\nnext\n"


def test_a_stage_that_begins_anew_has_its_own_time_left(screen: Screen) -> None:
    with terminal.watched_environment(Path()) as environment:
        for done in (0, 3, 3, 0, 1):
            environment.progress("fit", done, 3)
            bar: Any = environment.progress
            (task,) = bar._progress.tasks
            assert task.finished is (done == 3)
            assert task.completed == done


def test_without_a_terminal_there_is_no_bar(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "isatty", lambda: False)
    with terminal.watched_environment(Path()) as environment:
        environment.progress("fit", 1, 2)
        terminal.print_result(environment, "RESULT")
    assert screen.getvalue() == "RESULT\n"
