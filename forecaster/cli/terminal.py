"""Talk and progress on stderr; results on stdout."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import click

from forecaster.environment import Environment

__all__ = ["print_result", "table_text", "watched_environment"]

_WIDTH = 140  # columns of a table that does not go to a terminal


@contextlib.contextmanager
def watched_environment(home: Path) -> Iterator[Environment]:
    """A project whose progress is a bar, where stderr is a terminal, and whose notes are lines on stderr."""
    with contextlib.ExitStack() as stack, _Interrupt() as interrupt:
        bar = _Bar(stack, interrupt)
        yield Environment(home=home, progress=bar, note=bar.note)


def print_result(environment: Environment, text: str) -> None:
    """Write to stdout. The bar goes first: what is printed below it would be erased with it."""
    if isinstance(environment.progress, _Bar):
        environment.progress.close()
    click.echo(text)


class _Interrupt:
    """Ctrl-C that cannot get lost: one that arrives inside a callback of an engine is raised at the next report."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> Self:
        self._before: Any = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *details: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: object) -> None:
        self._asked = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt where one was asked for and swallowed."""
        if self._asked:
            raise KeyboardInterrupt


class _Bar:
    """The progress bar: stage, step, loss, time left; it begins with the first report."""

    def __init__(self, stack: contextlib.ExitStack, interrupt: _Interrupt) -> None:
        self._stack, self._interrupt = stack, interrupt
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        self._done: dict[str, int] = {}
        self._shown = sys.stderr.isatty()

    def note(self, text: str) -> None:
        """One line above the bar."""
        self._interrupt.check()
        if self._progress is None:
            click.echo(text, err=True)
        else:
            self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def __call__(self, stage: str, done: int, total: int, loss: float | None = None) -> None:
        """See `forecaster.environment.Progress`."""
        self._interrupt.check()
        if not self._shown:
            return
        if self._progress is None:
            self._progress = self._stack.enter_context(_rich_progress())
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, loss="")
        elif done < self._done[stage]:  # begun anew, with its own time left
            self._progress.reset(self._tasks[stage], total=total)
        self._done[stage] = done
        told = "" if loss is None else f"loss {loss:.4f}"
        self._progress.update(self._tasks[stage], completed=done, total=total, loss=told)

    def close(self) -> None:
        """Take the bar away; a later report brings a new one."""
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._tasks = None, {}


def _rich_progress() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)


def table_text(table: Any) -> str:
    """A rich table as text, coloured for a terminal, as wide as it needs to be: a row that wraps loses no digit."""
    from rich.console import Console

    console = Console()
    console.width = max(console.width, _WIDTH) if console.is_terminal else _WIDTH
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
