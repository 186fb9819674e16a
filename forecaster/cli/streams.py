"""Standard streams of the command line: the only place that writes to them.

Texts may come from files, servers and the command line. A control character in them could move the cursor, recolour
or rewrite what a terminal shows, so every one is written in its escaped form. Styles of this program pass.
"""

import contextlib
import dataclasses
import os
import re
import secrets
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import click

from forecaster.errors import StorageError
from forecaster.output.visible_text import visible_text

__all__ = [
    "Speech",
    "change_speech",
    "colored_lines",
    "has_color",
    "has_terminal",
    "mark_styles",
    "narrow_width",
    "note_text",
    "open_missing_streams",
    "print_line",
    "print_note",
    "print_text",
    "release_streams",
    "require_consent",
    "speech",
    "styled",
    "visible",
    "wrapped",
]

_ESCAPE = "\x1b["
# No text from outside can hold this mark, which is drawn anew in each process.
_STYLE_MARK = f"\x1b<{secrets.token_hex(8)}>["


INDENT = "  "  # of the second and later lines
MIN_WIDTH = 30
MIN_HELP_WIDTH = 52

_DENIALS = "".join(f"(?<!{words} )" for words in ("not significantly", "not proven", "no trial is", "no"))
# Words that are coloured where they begin a message or stand for a judgement.
_STYLES = (
    (re.compile(r"\berror:"), {"fg": "red", "bold": True}),
    (re.compile(r"\bwarning:"), {"fg": "yellow", "bold": True}),
    (re.compile(rf"{_DENIALS}\bbetter than\b|\bconsistent with nominal\b"), {"fg": "green"}),
    (re.compile(r"\bworse than\b|\bmiscalibrated\b|\btoo narrow\b"), {"fg": "red"}),
)


@dataclasses.dataclass(frozen=True)
class Speech:
    """Amount and colours of what a command says.

    Args:
        quiet: True to say nothing but warnings and errors.
        verbose: True to say more, also about errors.
        colored: False for no colours.
    """

    quiet: bool = False
    verbose: bool = False
    colored: bool = True


_SPEECH = "forecaster.speech"


def speech() -> Speech:
    """Amount and colours of what the command of this thread says."""
    context = click.get_current_context(silent=True)
    return Speech() if context is None else context.meta.get(_SPEECH, Speech())


def change_speech(context: click.Context, **changes: bool) -> None:
    """Change the amount or colours of what a command says."""
    context.meta[_SPEECH] = dataclasses.replace(context.meta.get(_SPEECH, Speech()), **changes)


def visible(text: str) -> str:
    r"""`text` with control, direction and other invisible characters in escaped form, except for marked styles.

    >>> visible("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    return _ESCAPE.join(visible_text(part) for part in text.split(_STYLE_MARK))


def styled(text: str, **styles: Any) -> str:
    """`text`, made visible, in a colour or weight; see `click.style`."""
    return mark_styles(click.style(visible(text), **styles))


def mark_styles(text: str) -> str:
    """`text`, whose escape sequences are styles of this program, in a form that `print_text` lets pass."""
    return text.replace(_ESCAPE, _STYLE_MARK)


def print_text(text: object, *, end: str = "\n") -> None:
    """Write a result to stdout.

    Where the reader has gone, as in ``| head``, the rest is dropped and the command goes on: what it still has to
    save is saved.

    Raises:
        StorageError: The text cannot be written, as to a full disk.
    """
    try:
        click.echo(visible(f"{text}{end}"), nl=False, color=has_color(sys.stdout) or None)
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise StorageError(
            f"the result cannot be written: {error.strerror or error}; expected a stream with free space; "
            "make room, or redirect the output to another place"
        ) from error


def print_note(text: str) -> None:
    """Write one line to stderr, wrapped to a terminal.

    A line that cannot be written is dropped, because the work does not depend on it.
    """
    try:
        click.echo(note_text(text), err=True, color=has_color(sys.stderr) or None)
    except OSError:
        _silence(sys.stderr)


def print_line(text: str) -> None:
    """Write one line for a program to stderr, as it is, except for invisible characters."""
    try:
        click.echo(visible(text), err=True)
    except OSError:
        _silence(sys.stderr)


def colored_lines(lines: Sequence[str]) -> str:
    """Lines of a result, on a terminal wrapped and with their judgements in colour."""
    return "\n".join(wrapped(visible(line), sys.stdout) for line in lines)


def note_text(text: str) -> str:
    """One line for stderr: visible, and on a terminal wrapped and in colour."""
    return visible(wrapped(visible(text).replace("\n", "\\n"), sys.stderr))


def wrapped(text: str, stream: Any) -> str:
    """One line of text, broken between words to the width of a terminal; unchanged where `stream` is not a terminal."""
    if not _is_terminal(stream):
        return _colored(text) if has_color(stream) else text
    width = max(shutil.get_terminal_size().columns, MIN_WIDTH)
    start = re.match(r" *", text)
    indent = INDENT + (start[0] if start else "")
    lines = textwrap.wrap(
        text, width, subsequent_indent=indent, drop_whitespace=True, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) if not has_color(stream) else "\n".join(map(_colored, lines))


def has_color(stream: Any) -> bool:
    """True if `stream` is a terminal with colours, or FORCE_COLOR is set, unless --no-color or NO_COLOR forbids it."""
    if not speech().colored or os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (_is_terminal(stream) and os.environ.get("TERM") != "dumb")


def has_terminal() -> bool:
    """True if results go to a terminal."""
    return _is_terminal(sys.stdout)


def narrow_width() -> int | None:
    """Columns for the help on a terminal of less than 50; None elsewhere."""
    columns = shutil.get_terminal_size().columns
    return max(columns - 2, MIN_WIDTH) if has_terminal() and columns < MIN_HELP_WIDTH else None


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except ValueError:  # it is closed
        return False


def _colored(line: str) -> str:
    for pattern, styles in _STYLES:
        line = pattern.sub(lambda match, styles=styles: styled(match[0], **styles), line)  # type: ignore[misc]
    return line


def _silence(stream: Any) -> None:
    """Let everything that is still written to `stream`, its buffer included, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def open_missing_streams() -> None:
    """Open the null device in place of standard streams that the caller has closed.

    Else the next file that is opened would get the number of such a stream, and be written to by whatever writes there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  (for good)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a character that the terminal lacks does not stop the program
            stream.reconfigure(errors="backslashreplace")


def release_streams() -> bool:
    """Write what is left in the buffers; False where that failed, which is then no fault at the interpreter's end."""
    whole = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
        except OSError:
            whole = stream is not sys.stdout and whole
            _silence(stream)
    return whole


def require_consent(question: str) -> None:
    """Ask the user a question; go on after yes alone.

    Raises:
        UsageError: Nobody can be asked.
        Abort: The answer is no.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{question} Nobody can be asked here; expected --yes.")
    click.confirm(visible(question), abort=True, err=True)
