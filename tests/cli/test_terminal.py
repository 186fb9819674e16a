"""Talk, progress and results on one terminal."""

import io
import re
import time
import types
from pathlib import Path
from typing import Any

import click
import pytest
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from forecaster.cli import terminal
from forecaster.cli.stages import Stage
from forecaster.cli.streams import visible


class Screen(io.StringIO):
    """All that a terminal is sent, in order."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Where stdout and stderr both go."""
    screen = Screen()
    bars = terminal._rich_progress

    def echo(text: str, nl: bool = True, err: bool = False, color: bool | None = None) -> None:
        screen.write(text + "\n" * nl)

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


@pytest.mark.parametrize("command", [("predict",), ("data", "fetch"), ("plot", "--kind", "fan"), ("report",)])
def test_a_command_with_a_bar_removes_it_before_its_result(forecast, home, monkeypatch, command) -> None:
    printed: list[str] = []
    monkeypatch.setattr(terminal._Bar, "close", lambda bar: printed.append("bar closed"))
    monkeypatch.setattr(terminal, "print_text", printed.append)
    monkeypatch.setattr("forecaster.workflows.report.report", lambda **keywords: Path("page.html"))
    assert forecast(*command, "--pair", "USDJPY", "--home", home).exit_code == 0
    assert printed[0] == "bar closed"
    assert len(printed) == 2


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


class Clock:
    """The time of the process, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_without_a_terminal_a_long_job_says_at_times_how_far_it_is(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "isatty", lambda: False)
    clock = Clock(monkeypatch)
    with terminal.watched_environment(Path()) as environment:
        environment.progress("data", 1, 1)
        for clock.now, model, done in ((0.0, "lstm", 0), (16.0, "garch", 1), (16.1, "lstm", 2), (33.0, "garch", 3)):
            environment.progress("backtest", done, 10, detail=f"{model}, fold {done // 2 + 1} of 5")
            environment.progress("fit", 10, 200, 1.5, "epoch 1")
    assert screen.getvalue().splitlines() == [
        "backtest: 1 of 10, garch, fold 1 of 5, 0:02:24 left",
        "backtest: 3 of 10, garch, fold 2 of 5, 0:01:17 left",
    ]


def test_the_time_left_is_that_of_the_mean_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    stage = Stage()
    stage.reach(0, 10, "")
    assert stage.seconds_left is None
    for clock.now, done in ((20.0, 1), (20.1, 2)):  # a network and a baseline
        stage.reach(done, 10, "")
    assert stage.seconds_left == pytest.approx(80.4)
    clock.now = 30.1
    assert stage.seconds_left == pytest.approx(70.4)


def table_of(rows: int = 3, columns: int = 12) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in range(columns):
        table.add_column(f"column {column}", justify="right" if column > 1 else "left", no_wrap=True)
    for row in range(rows):
        table.add_row(*(f"{row}.{column:07}" for column in range(columns)))
    return table


@pytest.mark.parametrize(("width", "blocks"), [(200, 1), (80, 2), (50, 5), (10, 10)])
def test_a_table_that_is_too_wide_is_split_into_blocks_of_whole_columns(
    monkeypatch: pytest.MonkeyPatch, width: int, blocks: int
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(terminal, "has_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    text = re.sub(r"\x1b\[[0-9;]*m", "", visible(terminal.table_text(table_of())))
    parts = [part.splitlines() for part in text.split("\n\n")]
    assert len(parts) == blocks
    if width > 10:
        assert {line.split()[0] for part in parts for line in part[1:]} == {f"{row}.0000000" for row in range(3)}
        assert all(len(line) <= width for part in parts for line in part)
        for row in range(3):
            cells = [cell for part in parts for cell in part[1 + row].split()[2:]]
            assert cells == [f"{row}.{column:07}" for column in range(2, 12)]


def test_long_texts_wrap_where_the_numbers_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(terminal, "has_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    table = table_of(1, 2)
    table.add_column("text", overflow="fold")
    table.add_row("", "", "word " * 30)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", visible(terminal.table_text(table))).splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(lines).split().count("word") == 30


def test_square_brackets_in_a_cell_are_no_markup() -> None:
    table = table_of(1, 2)
    table.add_row("[red]x", "[/]")
    assert terminal.table_text(table).splitlines()[-1].split() == ["[red]x", "[/]"]


@pytest.mark.parametrize("foreign", ["\x1b[31mred", "\x1b]0;title\x07", "a\rb", "\x9b2J", "\u202eabc", "a\nerror: b"])
def test_control_characters_in_a_cell_are_visible_and_styles_pass(
    monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(terminal, "has_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    table = table_of(0, 3)
    table.add_row(foreign, "2", "3")
    text = visible(terminal.table_text(table))
    assert "\x1b[1m" in text  # the headings
    _, row = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert row.isprintable()
    assert row.startswith(repr(foreign)[1:-1])
