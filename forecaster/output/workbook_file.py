"""Rows as an Excel workbook, written with openpyxl (the extra ``excel``)."""

import datetime
import importlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.errors import StorageError, UsageError
from forecaster.output.visible_text import visible_text

__all__ = ["check_workbooks", "workbook_bytes"]

MIN_WIDTH, MAX_WIDTH = 8, 40  # characters of a column
MAX_ROWS = 1_048_575  # of a sheet, without its header
_SHARES = ("probability", "otherwise", "record_share")  # columns that are shown in per cent
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST_DATE = "1900-03-01"  # workbooks count days from 1900, with a day too many before this one


def check_workbooks() -> None:
    """Prove that workbooks can be written.

    Raises:
        UsageError: openpyxl is not installed.
    """
    try:
        importlib.import_module("openpyxl")
    except ImportError:
        raise UsageError(
            "an Excel workbook needs openpyxl; install it with pip install 'forecaster[excel]', or write a .csv file"
        ) from None


def workbook_bytes(name: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Content of a workbook with one sheet: a header that stays in view, numbers as numbers, dates as dates.

    Args:
        name: Name of the sheet.
        rows: Rows of one shape.

    Raises:
        UsageError: openpyxl is not installed, or there are more rows than a sheet holds.
        StorageError: The folder for temporary files refuses the write.
    """
    check_workbooks()
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    if len(rows) > MAX_ROWS:
        raise UsageError(f"{len(rows):,} rows; a sheet holds {MAX_ROWS:,}; write a .csv file")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = name
    sheet.freeze_panes = "A2"
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        sheet.append([_value(row.get(column)) for column in columns])
    for cells in sheet.iter_rows():
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # a text that begins with = is not a formula
    for number, column in enumerate(columns, start=1):
        sheet.cell(1, number).font = Font(bold=True)
        if column.startswith(_SHARES):
            for line in range(2, len(rows) + 2):
                sheet.cell(line, number).number_format = "0.0%"
        widest = max(len(_shown(row.get(column))) for row in [{column: column}, *rows])
        sheet.column_dimensions[get_column_letter(number)].width = min(max(widest + 2, MIN_WIDTH), MAX_WIDTH)
    return _saved(book)


def _saved(book: Any) -> bytes:
    content = io.BytesIO()
    try:
        book.save(content)
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__name__ != "SerialisationError":  # of lxml: no space
            raise
        raise StorageError(  # openpyxl writes each sheet to a temporary file
            f"the workbook cannot be made in the folder of temporary files: {error}; it was not saved; free some "
            "space, name another folder in TMPDIR, or write a .csv file"
        ) from error
    return content.getvalue()


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str) and _DATE.fullmatch(value) and value >= _FIRST_DATE:
        return datetime.date.fromisoformat(value)
    return visible_text(value) if isinstance(value, str) else value  # XML has no control characters


def _shown(value: Any) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
