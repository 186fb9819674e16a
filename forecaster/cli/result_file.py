"""The option --out of commands that write results."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from forecaster.cli.streams import visible
from forecaster.environment import Environment

__all__ = [
    "RESULT_ENDINGS",
    "RESULT_FORMATS",
    "checked_format",
    "file_content",
    "result_or_picture",
    "save_picture",
    "write_result",
    "write_result_or_picture",
]

RESULT_FORMATS = ("csv", "json", "xlsx", "html")
"""Formats of result files."""
RESULT_ENDINGS = frozenset({".csv", ".json", ".xlsx", ".html", ".htm", ".txt"})
"""Endings of result files; others are those of pictures."""


def checked_format(
    path: Path, chosen: str, allowed: Collection[str] = RESULT_FORMATS, *, is_typed: bool | None = None
) -> str:
    """Format of the file of --out: that of --format where it was typed, else that of the ending.

    Args:
        path: File to write.
        chosen: Value of --format.
        allowed: Formats that the command writes.
        is_typed: True if `chosen` sets the format of the file; None where that depends on whether --format was typed.

    Raises:
        UsageError: The ending names no such format, or contradicts --format; or openpyxl is missing for a workbook.
        StorageError: The file cannot be written.
    """
    from forecaster.output.result_files import file_format

    if is_typed is None:
        is_typed = click.get_current_context().get_parameter_source("format") is not ParameterSource.DEFAULT
    kind = file_format(path, chosen if is_typed else None, allowed)
    if kind == "xlsx":
        from forecaster.output.workbook_file import check_workbooks

        check_workbooks()
    return kind


def result_or_picture(out: Path) -> str | None:
    """Format of a file of scores; None for a picture. Either is checked before hours of work depend on it."""
    if out.suffix.lower() in RESULT_ENDINGS:
        return checked_format(out, "", is_typed=False)
    from forecaster.output.canvas import FORMATS, check_figure_path

    pictures = [f".{name}" for name in FORMATS]
    if out.suffix.lower() not in pictures:
        from forecaster.output.result_files import unknown_ending

        endings = [*pictures, ".csv", ".json", ".xlsx", ".html"]
        problem = unknown_ending(out.suffix.lower(), endings)
        raise click.UsageError(f"--out {out}: {problem}{'' if problem.endswith('?') else '.'}")
    check_figure_path(out)
    return None


def file_content(
    kind: str,
    name: str,
    title: str,
    blocks: Sequence[tuple[str, Sequence[Mapping[str, Any]], Sequence[str]]],
    text: Callable[[], str],
) -> str | bytes:
    """Content of a result file.

    Args:
        kind: Format, from `checked_format`.
        name: Name of the sheet of a workbook.
        title: Title of a page.
        blocks: Title, rows of one shape, and lines of text under them.
        text: Content in the formats that stdout has too.
    """
    if kind == "xlsx":
        from forecaster.output.workbook_file import workbook_bytes

        return workbook_bytes(name, [row for _, rows, _ in blocks for row in rows])
    if kind == "html":
        from forecaster.output.result_files import html_page

        return html_page(title, blocks)
    return click.unstyle(visible(text())) + "\n"


def write_result(path: Path, content: str | bytes, environment: Environment) -> None:
    """Write a result file, and say so.

    Raises:
        UsageError: Prices were read from this file; see `check_output_paths` for those that the options name.
        StorageError: The file cannot be written.
    """
    from forecaster.data.tables.content import was_read
    from forecaster.errors import UsageError
    from forecaster.files import write_file

    if was_read(path):
        raise UsageError(f"{path} is a file that this command has read; it was not replaced; choose another name")
    # A name of a file may hold bytes that are not text.
    write_file(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
    environment.note(f"written: {path}")


def save_picture(path: Path, figure: Callable[[], Any], environment: Environment) -> None:
    """Draw a figure into a file, and say so."""
    from forecaster.output.canvas import save_figure

    save_figure(figure(), path)
    environment.note(f"picture: {path}")


def write_result_or_picture(
    path: Path,
    kind: str | None,
    content: Callable[[str], str | bytes],
    figure: Callable[[], Any],
    environment: Environment,
) -> None:
    """Write the file of --out.

    Args:
        path: The file.
        kind: Its format, from `result_or_picture`; None for a picture.
        content: Content of a result file in a format.
        figure: Draws the figure of a picture.
        environment: Messages.
    """
    if kind is None:
        save_picture(path, figure, environment)
    else:
        write_result(path, content(kind), environment)
