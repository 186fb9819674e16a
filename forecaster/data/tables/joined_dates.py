"""Dates that stand in several cells: year, month and day in columns of their own, or cut at their own commas."""

import dataclasses
import re
from collections import Counter

from forecaster.data.tables.date_column import known_names
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.month_names import folded, is_filler
from forecaster.data.tables.names import DATE_NAMES, DATE_PARTS, plain_name
from forecaster.data.tables.table import Record, Table

__all__ = ["with_joined_dates"]

_MONTH_AND_DAY = re.compile(r"[^\W\d_]+\.? \d{1,2}[a-z]{0,2}")
_YEAR = re.compile(r"\d{4}")
_MAX_PLACE = 3


def with_joined_dates(table: Table) -> Table:
    """The table with each date in one cell."""
    return _with_joined_columns(_with_joined_cells(table))


def _with_joined_columns(table: Table) -> Table:
    """The table with one more column of dates where year, month and perhaps day stand in columns of their own."""
    names = [plain_name(cell) for cell in table.records[0]]
    parts = [[place for place, name in enumerate(names) if name in words] for words in DATE_PARTS]
    places = [candidates[0] for candidates in parts if len(candidates) == 1]
    others = (name for place, name in enumerate(names) if place not in places)
    if not (len(parts[0]) == len(parts[1]) == 1) or any(name in DATE_NAMES for name in others):
        return table
    records: list[Record] = [[*table.records[0], "date"]]
    for record in table.records[1:]:
        cells = [record[place] if place < len(record) else "" for place in places]
        if all(map(str.isdigit, cells)):
            joined = "-".join(cell.zfill(2) for cell in cells)
        else:
            joined = " ".join(reversed(cells)) if all(cells) else ""
        records.append([*record, joined])
    return dataclasses.replace(table, records=records)


def _with_joined_cells(table: Table) -> Table:
    """The table with ``Jul 31, 2024`` in one cell where the comma of the date has made two of it in most lines."""
    width = next((len(record) for record in table.records[:20] if known_names(record)), 0)
    if table.separator != "," or not width:
        return table
    places = [_place_of_cut(record, width) for record in table.records]
    place, count = Counter(places).most_common(1)[0]
    if place is None or 2 * count <= len(places):
        return table
    records = [
        _joined(record, place) if own == place else record for record, own in zip(table.records, places, strict=True)
    ]
    return dataclasses.replace(table, records=records)


def _place_of_cut(record: Record, width: int) -> int | None:
    """Number of the cell with the month and the day of a date whose year stands in the next cell."""
    if len(record) <= width:
        return None
    for place in range(min(_MAX_PLACE, len(record) - 1)):
        is_cut = _MONTH_AND_DAY.fullmatch(record[place]) and _YEAR.fullmatch(record[place + 1])
        if is_cut and looks_like_date(", ".join(record[place : place + 2])):
            return place
    return None


def _joined(record: Record, place: int) -> Record:
    has_weekday = place > 0 and is_filler(folded(record[place - 1]))
    begin = place - 1 if has_weekday else place
    return [*record[:begin], ", ".join(record[begin : place + 2]), *record[place + 2 :]]
