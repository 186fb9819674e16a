"""Opening of a file as a table, by its format."""

from pathlib import Path

from forecaster.data.tables.content import decoded, file_label, read_content
from forecaster.data.tables.json_table import json_table
from forecaster.data.tables.table import Table
from forecaster.data.tables.text_table import text_table
from forecaster.data.tables.workbook import workbook_table
from forecaster.errors import InputFileError

__all__ = ["open_table"]


def open_table(path: Path, sheet: str | None = None) -> Table:
    """Read a file of any supported format.

    Args:
        path: The file; ``-`` for standard input.
        sheet: Name of the sheet of a workbook; None for the only one with a table.

    Raises:
        InputFileError: The file cannot be read, is empty, or holds no table.
        UsageError: The format needs a package that is not installed.
    """
    content = read_content(path)
    if content.is_workbook:
        return workbook_table(content, sheet)
    if sheet is not None:
        raise InputFileError(f"{file_label(path)} is no Excel workbook; --sheet names a sheet of one; remove it")
    text, encoding = decoded(content)
    if not text.strip("\ufeff \t\r\n\0\x1a"):
        raise InputFileError(f"{file_label(path)} is empty; expected a header line and one row a date")
    if text.lstrip("\ufeff \t\r\n")[:1] in "[{":
        return json_table(content, text)
    return text_table(content, text, encoding)
