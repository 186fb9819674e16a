"""Layout of a table: the header, the rows of data, and the lines around them that are neither."""

import dataclasses
import difflib
import itertools
import re
from collections import Counter
from collections.abc import Container, Sequence
from typing import NoReturn

from forecaster.data.instruments import shown
from forecaster.data.tables.date_column import find_dates, known_names, may_be_date
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.joined_dates import with_joined_dates
from forecaster.data.tables.names import DATE_NAMES, is_date_name, listed, plain_name
from forecaster.data.tables.numbers import is_empty, is_event, read_cell
from forecaster.data.tables.table import Record, Table
from forecaster.errors import InputFileError

__all__ = ["Layout", "find_layout"]

_SAMPLE_RECORDS = 150
_HEADER_AGAIN = "with the header again"
_NOTE = re.compile(
    r"\W*$|\W*(page|seite|source|quelle|fuente|fonte|notes?|disclaimer|copyright|downloaded|generated|https?|www)\b.*",
    re.IGNORECASE,
)
"""Texts between rows that begin no other table, as a title would."""


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """Header and rows of a table.

    Args:
        table: The table.
        names: Name of each column; ``column 2`` and so on where the header has none.
        above: All texts above each column, among them its name.
        has_header: True if some line names the columns.
        date: Number of the column of dates, from 0.
        rows: Index of the record of each row of data.
        skipped: Kind of lines that are left out -> their number.
        ignored: Columns that belong to other series.
    """

    table: Table
    names: tuple[str, ...]
    above: tuple[tuple[str, ...], ...]
    has_header: bool
    date: int
    rows: Sequence[int]
    skipped: dict[str, int]
    ignored: frozenset[int] = frozenset()

    def cells(self, column: int) -> list[str]:
        """The cells of a column, one for each row."""
        records = self.table.records
        return [records[row][column] for row in self.rows]

    def refuse(self, row: int, what: str) -> NoReturn:
        """Raise an `InputFileError` about a row of data, by its number from 0."""
        self.table.refuse(self.rows[row], what)

    def full_name(self, column: int) -> str:
        """Name of a column; where two columns have one name, with another text above it, or else its number."""
        name = self.names[column]
        if self.names.count(name) == 1:
            return name
        others = [text for text in self.above[column] if text != name]
        return f"{name} {others[-1]}" if others else f"column {column + 1}"

    def column_named(self, name: str, option: str) -> int:
        """Number of the column that a user names by its header, by another line above it, or as ``column 2``.

        Raises:
            InputFileError: No column or several have that name.
        """
        wanted = name.strip().casefold()
        plain = plain_name(wanted)
        names = [self.full_name(place) for place in range(len(self.names))]
        readings = (
            [own.casefold() == wanted for own in self.names],
            [own.casefold() == wanted for own in names],
            [wanted.endswith("...") and own.casefold().startswith(wanted[:-3]) for own in names],  # as messages show it
            [wanted in map(str.casefold, texts) for texts in self.above],
            [plain != "" and plain_name(own) == plain for own in self.names],
            [wanted == f"column {place + 1}" for place in range(len(names))],
        )
        places = next(
            (list(itertools.compress(range(len(names)), reading)) for reading in readings if any(reading)), []
        )
        if len(places) == 1:
            return places[0]
        near = difflib.get_close_matches(wanted[:64], list(map(str.casefold, names)), n=1)
        hint = f"; did you mean {shown(near[0])}?" if near and not places else ""
        problem = "several columns" if places else "no column"
        raise InputFileError(
            f"{self.table.label} has {problem} {shown(name)}; found the columns {listed(names)}; "
            f"give {option} one of these{hint}"
        )


def find_layout(table: Table, date_column: str | None = None) -> Layout:
    """Header, column of dates and rows of data.

    Args:
        table: The table.
        date_column: Name of the column of dates; None to find it.

    Raises:
        InputFileError: There is no column of dates, no row of data, or a row has too few or too many cells.
    """
    table = with_joined_dates(table)
    date, first = find_dates(table, date_column)
    header = _header(table.records[:first], date)
    first = _first_row(table.records, header, first, date)
    width, shift = _width(table, header, first, date)
    names, above = _names(table.records[:first], header, width, shift)
    rows, skipped = _rows(table, date, first, width, names)
    if not rows:
        raise InputFileError(f"{table.label} has no rows of data; expected dates and numbers below the header")
    return Layout(table, names, above, header is not None, date, rows, skipped)


def _header(records: Sequence[Record], date: int) -> int | None:
    """Index of the record that names the columns: the one with most known names, else with most different texts.

    A name of dates counts above the dates, or one place before them, if the row numbers have no name.
    """
    near = (date, date - 1)
    best: tuple[tuple[int, int, int], int] | None = None
    for index, record in enumerate(records):
        texts = {cell for place, cell in enumerate(record) if cell and place != date}
        if not texts and not (len(record) > date and is_date_name(record[date])):
            continue
        count = known_names([cell for place, cell in enumerate(record) if place in near or not is_date_name(cell)])
        score = (count, len(texts), index)
        if best is None or score >= best[0]:
            best = (score, index)
    return None if best is None else best[1]


def _first_row(records: Sequence[Record], header: int | None, first: int, date: int) -> int:
    """Index of the first record of data: also one with a number and text in place of a date, which will be refused."""
    if header is None or not known_names(records[header]):
        return first
    for index in range(header + 1, first):
        record = records[index]
        others = (cell for place, cell in enumerate(record) if place != date)
        if len(record) > date and record[date] and any(read_cell(cell) for cell in others if cell):
            return index
    return first


def _width(table: Table, header: int | None, first: int, date: int) -> tuple[int, int]:
    """Number of columns, and of the columns in front for which the header has no cell.

    The number is that of the header, or the usual one of the rows where the header is longer, or lacks the name of the
    row numbers or that of the only column beside the dates.
    """
    rows = table.records[first : first + _SAMPLE_RECORDS]
    lengths = Counter(map(len, rows))
    usual = lengths.most_common(1)[0][0] if lengths else 0
    if header is None:
        return usual, 0
    names = table.records[header]
    named = max((place + 1 for place, cell in enumerate(names) if cell), default=0)
    if len(names) == usual - 1:
        named_before = date > 0 and _has_date_word(names[date - 1])
        is_named = any(map(_has_date_word, names[date : date + 1]))
        is_closed = bool(names[-1]) and not any(record[-1] for record in rows if len(record) == usual)
        if not is_named and (named_before or not (is_closed or any(map(is_date_name, names)))):
            return usual, 1
        if len(names) == 1:
            return usual, 0
    return (usual if named <= usual < len(names) else len(names)), 0


def _has_date_word(name: str) -> bool:
    return any(word in DATE_NAMES for word in plain_name(name).split())


def _names(
    records: Sequence[Record], header: int | None, width: int, shift: int
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Name of each column, and all texts above it, from the records above the data."""
    shifted = [[""] * shift + record if index == header else record for index, record in enumerate(records)]
    stack = [_over_columns(record, shifted) for record in shifted]
    own = () if header is None else stack[header]
    stack = [record for record in stack if len(record) > 1 or width == 1]
    above: list[tuple[str, ...]] = []
    names: list[str] = []
    for place in range(width):
        texts = [record[place] for record in stack if len(record) > place and record[place]]
        name = own[place].lstrip("#").strip() if place < len(own) else ""
        name = name or (texts[-1] if texts else "")
        names.append(name or f"column {place + 1}")
        above.append(tuple(dict.fromkeys([name, *texts])) if name else ())
    return tuple(names), tuple(above)


def _over_columns(groups: Record, lines: Sequence[Record]) -> Record:
    """A line above the data, with each text above all columns that it is merged over.

    A merged cell has its text above the first of its columns. It belongs to all of them if only groups tell the
    names in another line apart: ``,AAPL,,MSFT,`` above ``Date,Open,Close,Open,Close``.
    """
    filled: list[str] = []
    for text in groups:
        filled.append(text or (filled[-1] if filled else ""))
    for names in lines:
        pairs = [pair for pair in zip(filled, names, strict=False) if pair[1]]
        if len({name for _, name in pairs}) < len(pairs) == len(set(pairs)):
            is_named = itertools.chain(map(bool, names), itertools.repeat(False))
            return [over if below else own for own, over, below in zip(groups, filled, is_named, strict=False)]
    return groups


def _rows(
    table: Table, date: int, first: int, width: int, names: Sequence[str]
) -> tuple[Sequence[int], dict[str, int]]:
    """Index of each record of data, and the kinds of lines left out."""
    records = table.records
    if all(len(record) == width and record[date][:1].isdigit() for record in records[first:]):
        return range(first, len(records)), {}
    skipped: Counter[str] = Counter()
    cells = [record[date] if len(record) > date else "" for record in records[first:]]
    is_dated = looks_like_date if any(map(looks_like_date, cells[:1])) else may_be_date
    last = max((first + row for row, cell in enumerate(cells) if is_dated(cell)), default=first)
    rows: list[int] = []
    header = {name.casefold() for name in names}
    titles = {tuple(filter(None, record)) for record in records[:first]}
    for index in range(first, len(records)):
        is_short = len(records[index]) < width
        kind = _kind(records[index], date, header, is_below=index > last, is_short=is_short)
        kind = kind or _kind_of_text(records[index], titles)
        if kind == _HEADER_AGAIN and _is_other_order(records[index], names, header):
            table.refuse(
                index,
                f"names the columns again, not as the first header: the columns {listed(records[index])}; "
                "expected one table; split the file before this line",
            )
        if kind is not None:
            skipped[kind] += 1
            continue
        _check_length(table, index, width)
        rows.append(index)
    return rows, dict(skipped)


def _is_other_order(record: Record, names: Sequence[str], header: set[str]) -> bool:
    """True if a line has names of columns that stand elsewhere in the header."""
    return any(
        cell.casefold() in header and cell.casefold() != name.casefold()
        for cell, name in itertools.zip_longest(record, names, fillvalue="")
    )


def _kind(record: Record, date: int, header: set[str], *, is_below: bool, is_short: bool) -> str | None:
    """Kind of a line that is no row of data; None for rows, among them those that will be refused."""
    has_date = len(record) > date and may_be_date(record[date])
    if has_date and not (is_below and is_short):
        is_dividend = any(is_event(cell) for cell in record if not cell[:1].isdigit() or " " in cell)
        return "about a dividend or a split" if is_dividend and _is_bare(record, date) else None
    texts = [cell for cell in record if cell]
    if sum(cell.casefold() in header for cell in texts) * 2 > len(texts):
        return _HEADER_AGAIN
    if texts[0].startswith(("#", "//", "%")) and not is_empty(texts[0]):
        return "with a comment"
    others = [cell for place, cell in enumerate(record) if place != date and cell]
    if is_below and (is_short or not any(read_cell(cell) for cell in others)):
        return "below the data"
    return "without date and number" if all(map(is_empty, texts)) else None


def _kind_of_text(record: Record, titles: Container[tuple[str, ...]]) -> str | None:
    """Kind of a line of text between rows that is a note, or one of the lines above the header again."""
    texts = tuple(filter(None, record))
    return "of text" if texts in titles or (len(texts) == 1 and _NOTE.fullmatch(texts[0])) else None


def _is_bare(record: Record, date: int) -> bool:
    """True if there is at most one number next to the text of a dividend, which is its amount."""
    filled = [cell for place, cell in enumerate(record) if place != date and cell and not is_empty(cell)]
    return len(filled) <= 2


def _check_length(table: Table, index: int, width: int) -> None:
    record = table.records[index]
    if len(record) < width or any(record[width:]):
        is_cut = table.separator == "," and len(record) > width
        advice = "; put dates and numbers with commas in quotation marks, or semicolons between cells" if is_cut else ""
        table.refuse(index, f"has {len(record)} cells; expected {width}, as in the header{advice}")
