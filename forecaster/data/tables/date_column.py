"""Column of a table that holds the dates, and the first record with one."""

import difflib
import re
from collections.abc import Sequence

from forecaster.data.instruments import shown
from forecaster.data.tables.date_numbers import numbered_dates
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.names import DATE_NAMES, is_date_name, is_known_name, listed, plain_name
from forecaster.data.tables.numbers import read_cell
from forecaster.data.tables.table import Record, Table
from forecaster.errors import InputFileError

__all__ = ["find_dates", "known_names", "may_be_date"]

_SAMPLE_RECORDS = 150
_MAX_DATE_COLUMN = 40
_MIN_DATED_SHARE = 0.5
_DATED_RUN = 3
_MIN_COUNTED_SHARE = 0.8
_MAX_SERIES = 20  # of rows with one moment, in a table without header
_YEAR_OR_MINGUO = re.compile(r"(?:1[6-9]|20|21)\d{2}|[01]\d{2}(?:0[1-9]|1[0-2])[0-3]\d")


def find_dates(table: Table, name: str | None = None) -> tuple[int, int]:
    """Number of the column of dates, and index of the first record with a date.

    It is the column whose cells look like dates from some line on; among several its name decides. Numbers are dates
    only in a column with the name of one, or in front of a table without header.

    Args:
        table: The table.
        name: Name of the column, or ``column 2``; None to find it.

    Raises:
        InputFileError: There is no column of dates, or several of one name differ.
    """
    column, first = _named_dates(table, name) if name is not None else _dates(table)
    return column, _earliest_row(table.records[:first], column, default=first)


def _earliest_row(records: Sequence[Record], date: int, default: int) -> int:
    """Index of the first of some records with a date and a number, which is data even if notes follow; or a default."""
    for index, record in enumerate(records):
        others = (cell for place, cell in enumerate(record) if place != date and cell)
        if len(record) > date and looks_like_date(record[date]) and any(map(read_cell, others)):
            return index
    return default


def _named_dates(table: Table, name: str) -> tuple[int, int]:
    """Column with a given name, and the first record below the name that holds a date."""
    wanted = name.strip().casefold()
    for index, record in enumerate(table.records[:_SAMPLE_RECORDS]):
        places = [place for place, cell in enumerate(record) if cell.casefold() == wanted]
        if len(places) == 1:
            below = table.records[index + 1 : index + _SAMPLE_RECORDS]
            dated = (row for row, cells in enumerate(below) if len(cells) > places[0] and may_be_date(cells[places[0]]))
            return places[0], index + 1 + next(dated, 0)
        if len(places) > 1:
            raise InputFileError(f"{table.label} has several columns {shown(name)}; rename all but one")
    number = wanted.removeprefix("column").strip()
    if number.isascii() and number.isdigit() and 0 < int(number) <= len(table.records[0]):
        return int(number) - 1, 0
    header = table.records[_likely_header(table)]
    near = difflib.get_close_matches(wanted[:64], [cell.casefold() for cell in header], n=1)
    hint = f"; did you mean {shown(near[0])}?" if near else ""
    raise InputFileError(
        f"{table.label} has no column {shown(name)}; found the columns {listed(header)}; "
        f"give --date-column one of these{hint}"
    )


def may_be_date(cell: str) -> bool:
    """True for a date, and for a number, which is one in a column of dates."""
    return looks_like_date(cell) or (cell.lstrip("-")[:1].isdigit() and cell.replace(".", "", 1).lstrip("-").isdigit())


def _dates(table: Table) -> tuple[int, int]:
    """Number of the column of dates, and index of the first record of data."""
    sample = table.records[:_SAMPLE_RECORDS]
    columns = _dated_columns(sample)
    across = max(sum(map(looks_like_date, record)) for record in sample[:20])
    if columns and (across < _DATED_RUN or not _are_names(sample, columns)):
        return _best_dated(table, columns)
    named = _numbered_column(sample)
    if named is not None:
        return named
    if _counts_seconds(sample):
        return 0, 0
    likely = _likely_header(table)
    names = sample[likely]
    named_dates = [place for place, cell in enumerate(names) if is_date_name(cell)]
    if across < _DATED_RUN and named_dates and likely + 1 < len(sample):
        # The first cell that is no date will be refused with its line.
        return min(named_dates, key=lambda place: DATE_NAMES[plain_name(names[place])]), likely + 1
    if across < _DATED_RUN and len(sample) == 1 and any(map(is_date_name, names)):
        raise InputFileError(f"{table.label} has no rows of data; expected dates and numbers below the header")
    advice = (
        "dates stand side by side: turn rows into columns" if across >= _DATED_RUN else "name it with --date-column"
    )
    raise InputFileError(
        f"{table.label} has no date column; found the columns {listed(names)}; expected a header line with one of "
        f"{', '.join(list(DATE_NAMES)[:5])}; {advice}"
    )


def _are_names(sample: Sequence[Record], columns: dict[int, int]) -> bool:
    """True if the dates in some columns are names of the columns: none stands below another."""
    places = list(columns)
    dated = [[len(record) > place and looks_like_date(record[place]) for place in places] for record in sample]
    return max(map(sum, zip(*dated, strict=True))) <= 1


def _counts_seconds(sample: Sequence[Record]) -> bool:
    """True for a table without header whose first column counts seconds since 1970, with hardly any other line."""
    cells = [record[0] for record in sample if record[0].isdigit()]
    if len(cells) < 2 or len(cells) < _MIN_COUNTED_SHARE * len(sample) or not sample[0][0].isdigit():
        return False
    moments = numbered_dates(cells)
    return moments is not None and moments.offsets is not None and len(set(cells)) * _MAX_SERIES > len(cells)


def _dated_columns(sample: Sequence[Record]) -> dict[int, int]:
    """Column of dates -> first record with a date, where dates follow on from there in most records."""
    columns: dict[int, int] = {}
    for place in range(min(_MAX_DATE_COLUMN, max(map(len, sample)))):
        numbers = [record[place] for record in sample if len(record) > place and record[place].isdigit()]
        if sum(map(looks_like_date, numbers)) * 2 < len(numbers):  # volumes, a few of which look like 20240731
            continue
        is_dated = [len(record) > place and looks_like_date(record[place]) for record in sample]
        for first in (row for row, dated in enumerate(is_dated) if dated):
            rest = is_dated[first:]
            run = rest[: min(_DATED_RUN, len(rest))]
            if sum(rest) >= _MIN_DATED_SHARE * len(rest) and sum(run) * 2 >= len(run):
                columns[place] = first
                break
    return columns


def _best_dated(table: Table, columns: dict[int, int]) -> tuple[int, int]:
    """The column with the best name; without a known name the first, if the header does not name several."""
    ranks: dict[int, int] = {}
    for place, first in columns.items():
        texts = [plain_name(record[place]) for record in table.records[:first] if len(record) > place]
        ranks[place] = min((DATE_NAMES[text] for text in texts if text in DATE_NAMES), default=len(DATE_NAMES))
    place = min(ranks, key=lambda column: (ranks[column], column))
    alike = [column for column in columns if column != place and ranks[column] == ranks[place] < len(DATE_NAMES)]
    if any(_differ(table, place, column, columns[place]) for column in alike):
        raise InputFileError(
            f"{table.label} has several columns of dates with one name, which differ: tables stand side by side; "
            "expected one; keep the columns of one series"
        )
    return place, columns[place]


def _differ(table: Table, place: int, other: int, first: int) -> bool:
    """True if two columns of dates have different cells."""
    rows = [record for record in table.records[first : first + _SAMPLE_RECORDS] if len(record) > max(place, other)]
    return any(record[place] != record[other] for record in rows)


def _numbered_column(sample: Sequence[Record]) -> tuple[int, int] | None:
    """A column of numbers that has the name of a date above it, and its first record."""
    candidates: list[tuple[int, int, int]] = []
    for index, record in enumerate(sample[:60]):
        for place, cell in enumerate(record):
            name = plain_name(cell)
            if name not in DATE_NAMES:
                continue
            below = [cells[place] for cells in sample[index + 1 :] if len(cells) > place and cells[place]]
            numbers = list(filter(may_be_date, below))
            if numbers and len(numbers) >= _MIN_DATED_SHARE * len(below) and _is_numbered(numbers):
                candidates.append((DATE_NAMES[name], place, index + 1))
    if not candidates:
        return None
    _, place, first = min(candidates)
    return place, first


def _is_numbered(cells: Sequence[str]) -> bool:
    if numbered_dates(cells[:20]) is not None:
        return True
    return all(map(_YEAR_OR_MINGUO.fullmatch, cells[:20]))


def _likely_header(table: Table) -> int:
    """Index of the record that looks most like a header, for messages."""
    sample = table.records[:20]
    return max(range(len(sample)), key=lambda index: (known_names(sample[index]), len(sample[index]), -index))


def known_names(record: Record) -> int:
    """Number of cells of a record that are known names of columns."""
    return sum(map(is_known_name, record))
