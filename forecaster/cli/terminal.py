"""Messages and progress on stderr; results on stdout."""

import contextlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from forecaster.cli.interrupts import Interrupt
from forecaster.cli.stages import Stage, clock_text
from forecaster.cli.streams import (
    has_color,
    has_terminal,
    mark_styles,
    note_text,
    print_note,
    print_text,
    speech,
    visible,
)
from forecaster.environment import Environment
from forecaster.files import clear_partial_files

__all__ = ["print_result", "table_text", "watched_environment"]

LINE_SECONDS = 15.0  # between two lines of progress where there is no terminal
FILE_WIDTH = 160  # characters of a table that does not go to a terminal
PADDING = 2  # characters between two columns
_IMPORTANT = re.compile(r"\b(?:warning|error):")  # in notes that --quiet lets pass
KEY_COLUMNS = 2  # that say what a row is about


@contextlib.contextmanager
def watched_environment(home: Path) -> Iterator[Environment]:
    """An environment whose notes are lines on stderr, and whose progress is a bar, or lines where it is no terminal."""
    with contextlib.ExitStack() as stack, Interrupt() as interrupt:
        bar = _Bar(stack, interrupt)
        clear_partial_files(home)
        yield Environment(home=home, progress=bar, note=bar.note, own_process=True)


def print_result(environment: Environment, text: str) -> None:
    """Write to stdout, after the bar is removed: it would erase the text."""
    if isinstance(environment.progress, _Bar):
        environment.progress.close()
    print_text(text)


class _Bar:
    """Progress: stage, step, loss, time left.

    On a terminal it is a bar from the first report on, elsewhere a line every `LINE_SECONDS` of a longer job.
    """

    def __init__(self, stack: contextlib.ExitStack, interrupt: Interrupt) -> None:
        self._stack, self._interrupt = stack, interrupt
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        self._stages: dict[str, Stage] = {}
        self._next_line = time.monotonic() + LINE_SECONDS
        self._is_quiet = speech().quiet
        self._is_terminal = sys.stderr.isatty()

    def note(self, text: str) -> None:
        """One line above the bar."""
        self._interrupt.check()
        if speech().quiet and not _IMPORTANT.search(text):
            return
        if self._progress is None:
            print_note(text)
        else:
            with contextlib.suppress(OSError):  # the terminal may be gone
                self._progress.console.print(_rich_text(note_text(text)), soft_wrap=True)

    def __call__(self, stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        """See `forecaster.environment.Progress`."""
        self._interrupt.check()
        if self._is_quiet:
            return
        text = ", ".join(([] if loss is None else [f"loss {loss:.4g}"]) + ([visible(detail)] if detail else []))
        is_new = stage not in self._stages or done < self._stages[stage].done  # started again, with its own time left
        if is_new:
            self._stages[stage] = Stage()
        self._stages[stage].reach(done, total, text)
        if self._is_terminal:
            self._draw(stage, is_new=is_new)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            lines = [each.line(name) for name, each in self._stages.items() if each.done < each.total]
            for line in lines[:1]:  # the whole job; the others are parts of it
                print_note(line)

    def _draw(self, name: str, *, is_new: bool) -> None:
        """Draw the bar of a stage."""
        if self._progress is None:
            self._progress = self._stack.enter_context(_rich_progress())
        stage = self._stages[name]
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=stage.total, text="", stage=stage)
        elif is_new:
            self._progress.reset(self._tasks[name], total=stage.total)
        self._progress.update(self._tasks[name], completed=stage.done, total=stage.total, text=stage.text, stage=stage)

    def close(self) -> None:
        """Remove the bar; a later report shows a new one."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None
        self._tasks = {}


def _rich_text(text: str) -> Any:
    from rich.text import Text

    return Text.from_ansi(text)


def _rich_progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """Time left, or the time that was taken in all."""

        def render(self, task: Task) -> Text:
            seconds = task.finished_time if task.finished else task.fields["stage"].seconds_left
            return Text(clock_text(seconds), style="progress.remaining")

    columns = (
        TextColumn("{task.description:>9}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}", markup=False),
        TimeLeft(),
    )
    console = Console(stderr=True)
    console.no_color = not has_color(console.file)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)


def table_text(table: Any) -> str:
    """A rich table as text, coloured for a terminal.

    On a terminal that is too narrow, long texts wrap; where numbers would wrap, the table is split into blocks of
    columns, each of which repeats the first two.
    """
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    console.no_color = not has_color(console.file)
    if not has_terminal():
        console.width = FILE_WIDTH
    blocks = []
    for block in _blocks(_visible_table(table), console):
        with console.capture() as captured:
            console.print(block)
        blocks.append("\n".join(line.rstrip() for line in captured.get().splitlines()))
    return mark_styles("\n\n".join(blocks))


def _blocks(table: Any, console: Any) -> list[Any]:
    """The table, or tables of some of its columns that are as narrow as `console`."""
    keys = table.columns[:KEY_COLUMNS]
    if _width(table, console) <= console.width or len(table.columns) <= KEY_COLUMNS:
        return [table]
    blocks = [_with_columns(table, keys)]
    columns = list(keys)
    for column in table.columns[KEY_COLUMNS:]:
        wider = _with_columns(table, [*columns, column])
        if _width(wider, console) > console.width and len(columns) > KEY_COLUMNS:
            columns = list(keys)
            blocks.append(wider)
        columns.append(column)
        blocks[-1] = _with_columns(table, columns)
    return blocks


def _width(table: Any, console: Any) -> int:
    """Characters that a line of the table needs when its long texts wrap."""
    options = console.options.update(width=10_000)
    width = 0
    for column in table.columns:
        cells = [console.measure(cell, options=options) for cell in (column.header, *column.cells)]
        width += max(cell.maximum if column.no_wrap else cell.minimum for cell in cells)
    return width + PADDING * (len(table.columns) - 1)


def _with_columns(table: Any, columns: Sequence[Any]) -> Any:
    from rich.table import Table

    part = Table(box=None, pad_edge=False, padding=(0, PADDING, 0, 0), show_header=table.show_header)
    for column in columns:
        part.add_column(_cell(column.header), justify=column.justify, no_wrap=column.no_wrap, overflow=column.overflow)
    for cells in zip(*(column.cells for column in columns), strict=True):
        part.add_row(*map(_cell, cells))
    return part


def _visible_table(table: Any) -> Any:
    """The table with visible characters alone, each cell on one line."""
    cells = [cell for column in table.columns for cell in (column.header, *column.cells)]
    return table if all(_cell(cell) is cell for cell in cells) else _with_columns(table, table.columns)


def _cell(content: Any) -> Any:
    """Content of a cell, made visible."""
    from rich.text import Text

    plain = content.plain if isinstance(content, Text) else content
    if not isinstance(plain, str) or plain.isprintable():
        return content
    text = visible(plain).replace("\n", "\\n")
    return Text(text, style=content.style) if isinstance(content, Text) else text
