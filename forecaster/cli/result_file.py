"""The option --out of commands that write results."""

from collections.abc import Collection
from pathlib import Path

import click
from click.core import ParameterSource

from forecaster.environment import Environment

__all__ = ["checked_format", "write_result"]

RESULT_FORMATS = ("csv", "json", "xlsx", "html")


def checked_format(path: Path, chosen: str, allowed: Collection[str] = RESULT_FORMATS) -> str:
    """Format of the file of --out: that of --format where it was typed, else that of the ending.

    Args:
        path: File to write.
        chosen: Value of --format.
        allowed: Formats that the command writes.

    Raises:
        UsageError: The ending names no such format, or contradicts --format; or openpyxl is missing for a workbook.
        StorageError: The file cannot be written.
    """
    from forecaster.output.result_files import file_format

    is_typed = click.get_current_context().get_parameter_source("format") is not ParameterSource.DEFAULT
    kind = file_format(path, chosen if is_typed else None, allowed)
    if kind == "xlsx":
        from forecaster.output.workbook_file import check_workbooks

        check_workbooks()
    return kind


def write_result(path: Path, content: str | bytes, environment: Environment) -> None:
    """Write a result file, and say so.

    Raises:
        StorageError: The file cannot be written.
    """
    from forecaster.files import write_file

    write_file(path, content.encode() if isinstance(content, str) else content)
    environment.note(f"written: {path}")
