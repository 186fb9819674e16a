"""Records of an Excel workbook, read with openpyxl (the extra ``excel``)."""

import datetime
import io
import warnings
import zipfile
from typing import Any

from forecaster.data.instruments import shown
from forecaster.data.tables.content import Content, max_unpacked_bytes
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.names import listed
from forecaster.data.tables.table import Record, Table
from forecaster.errors import InputFileError, UsageError
from forecaster.files import require_bounded_packing

__all__ = ["workbook_table"]

_MAX_CELLS = 20_000_000


def workbook_table(content: Content, sheet: str | None) -> Table:
    """The records of one sheet.

    Args:
        content: The workbook.
        sheet: Name of the sheet; None for the only one with dates that is not hidden.

    Raises:
        UsageError: openpyxl is not installed.
        InputFileError: The workbook is damaged, has no such sheet, or has several sheets with dates.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise UsageError(
            f"{content.label} is an Excel workbook, which needs openpyxl; install it with "
            "pip install 'forecaster[excel]', or save the sheet as CSV"
        ) from error
    try:
        _check_size(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions, which are not read
            book = openpyxl.load_workbook(io.BytesIO(content.data), read_only=True, data_only=True)
            visible = [each for each in book.worksheets if each.sheet_state == "visible"] if sheet is None else []
            sheets = {each.title: _records(content, each) for each in visible or book.worksheets}
    except InputFileError:
        raise
    except Exception as error:  # a damaged workbook raises errors of zip, XML and openpyxl of many kinds
        raise InputFileError(
            f"{content.label} is a damaged workbook ({error!s:.80}); expected a sheet of rows"
        ) from error
    name = _chosen(content, sheets, sheet)
    records, lines = sheets[name]
    if not records:
        raise InputFileError(f"{content.label}: sheet {shown(name)} is empty; expected a header and one row a date")
    place = f"of sheet {shown(name)}"
    return Table(
        content.label,
        content.sha256,
        f"Excel workbook, sheet {name}",
        records,
        lambda record: f"row {lines[record]} {place}",
    )


def _check_size(content: Content) -> None:
    limit = max_unpacked_bytes(len(content.data))
    with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
        entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > limit:
        raise InputFileError(
            f"{content.label} unpacks to more than {limit // 2**20} MB; expected a workbook of prices; "
            "save the sheet as CSV"
        )
    require_bounded_packing(entry.compress_type for entry in entries)


def _chosen(content: Content, sheets: dict[str, tuple[list[Record], list[int]]], sheet: str | None) -> str:
    if sheet is not None:
        names = [name for name in sheets if name.casefold() == sheet.strip().casefold()]
        if not names:
            raise InputFileError(
                f"{content.label} has no sheet {shown(sheet)}; found the sheets {listed(list(sheets))}"
            )
        return names[0]
    filled = [name for name, (records, _) in sheets.items() if records]
    dated = [name for name in filled if any(any(map(looks_like_date, row)) for row in sheets[name][0][:50])]
    candidates = dated or filled
    if len(candidates) != 1:
        listing = f"the sheets {listed(candidates)}" if candidates else "no sheet with content"
        raise InputFileError(
            f"{content.label}: found {listing}; expected one sheet with rows; choose it with --sheet NAME"
        )
    return candidates[0]


def _records(content: Content, sheet: Any) -> tuple[list[Record], list[int]]:
    """Rows with content as text, and their numbers in the sheet."""
    records: list[Record] = []
    lines: list[int] = []
    cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        texts = list(map(_text, row))
        cells += len(texts)
        if cells > _MAX_CELLS:
            raise InputFileError(f"{content.label} has more than {_MAX_CELLS:,} cells; expected a sheet of prices")
        if any(texts):
            records.append(texts)
            lines.append(number)
    width = max((place + 1 for record in records for place, text in enumerate(record) if text), default=0)
    if width * len(records) > _MAX_CELLS:
        raise InputFileError(
            f"{content.label}: {len(records):,} rows and {width:,} columns; expected a sheet of up to {_MAX_CELLS:,} "
            "cells; remove the columns that are far from the table"
        )
    return [record[:width] + [""] * (width - len(record)) for record in records], lines


def _text(value: Any) -> str:
    """A cell as text: dates in ISO form, numbers with all their digits."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value).strip()
