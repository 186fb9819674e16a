"""Records of a text file: lines of cells, with whatever stands between them."""

import csv
import dataclasses
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator

from forecaster.data.tables.content import Content
from forecaster.data.tables.dates import looks_like_date
from forecaster.data.tables.names import is_known_name
from forecaster.data.tables.table import Record, Table
from forecaster.errors import InputFileError

__all__ = ["text_table"]

_NAMES = {";": "semicolon", "\t": "tab", "|": "pipe", ",": "comma", " ": "blank"}
"""Separators, those first that stand in no number."""

_SAMPLE_LINES = 400
_MAX_RECORDS = 4_000_000  # ten years of minutes
_MAX_CELLS = 2_000_000 * 16
_NUMBERED_DATE = re.compile(r"\d{5}|\d{10}|\d{13}|\d{16}")
_BEGIN = r"(?<![^,;\t|\n ])"
_FORMULA = re.compile(_BEGIN + r'(?:="([^"\n]*)"|"=""([^"\n]*)""")')
_TEXT_MARK = re.compile(r"(?<![^,;\t|\n \"])'([-+\d][^',;\t|\n\r\"]*)'?(?=[,;\t|\n\r\"]|$)")
_WHOLE_LINE = re.compile(r'"((?:[^"]|"")*)"[,;\t]*')
_BLANKS = (re.compile(r"(?:\t| {2,})\s*"), re.compile(r"\s+"))
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(\S|\t)"?\s*', re.IGNORECASE)


def text_table(content: Content, text: str, encoding: str) -> Table:
    """The records of a text.

    The separator is the one that gives most lines a date and the same number of cells.

    Raises:
        InputFileError: A quotation mark has no partner, or the file has too many cells.
    """
    text = _without_text_marks(_without_outer_quotes(text.lstrip("\ufeff").rstrip("\x1a")))
    separator = _separator(text)
    lines = _Lines(content.label, text, separator)
    records = lines.records()
    if not records:
        raise InputFileError(f"{content.label} has no cells with content; expected a header line and one row a date")
    packing = f"{content.packing}, " if content.packing else ""
    return Table(
        content.label,
        content.sha256,
        f"{packing}{encoding}, {_NAMES[separator]} separated",
        records,
        lambda record: f"line {lines.number(record)}",
        separator,
    )


@dataclasses.dataclass(frozen=True)
class _Lines:
    """Lines of a text that are split at a separator."""

    label: str
    text: str
    separator: str

    def records(self) -> list[Record]:
        """All records with content, cells stripped."""
        records: list[Record] = []
        cells = 0
        for _, record in self._read():
            cells += len(record)
            if cells > _MAX_CELLS or len(records) == _MAX_RECORDS:
                raise InputFileError(
                    f"{self.label} has more than {len(records):,} rows with {cells:,} cells; expected at most "
                    f"{_MAX_RECORDS:,} rows and {_MAX_CELLS:,} cells; keep the columns and rows that are needed"
                )
            records.append(record)
        return records

    def number(self, record: int) -> int:
        """Line, from 1, at which a record ends; found by reading again, as only complaints ask."""
        return next(itertools.islice((line for line, _ in self._read()), record, None), 0)

    def _read(self) -> Iterator[tuple[int, Record]]:
        if self.separator == " ":
            yield from self._read_blanks()
            return
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.separator, skipinitialspace=True)
        try:
            for record in reader:
                cells = list(map(str.strip, record))
                if any(cells) and not (reader.line_num <= 2 and _SEPARATOR_LINE.fullmatch(self.separator.join(record))):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise InputFileError(
                f"{self.label}, line {reader.line_num}: {error}; expected {_NAMES[self.separator]} separated cells; "
                "look for a quotation mark without its partner"
            ) from error

    def _read_blanks(self) -> Iterator[tuple[int, Record]]:
        lines = self.text.splitlines()
        for number, record in enumerate(_at_blanks(lines), start=1):
            cells = [cell.strip('" ') for cell in record]
            if any(cells):
                yield number, cells


def _without_text_marks(text: str) -> str:
    """The text without the marks that keep spreadsheets from reading a number or a date: ``="1.5"`` and ``'1.5``."""
    if '="' in text or '"="' in text:
        text = _FORMULA.sub(lambda match: f'"{match[1] or match[2] or ""}"', text)
    return _TEXT_MARK.sub(r"\1", text) if "'" in text else text


def _without_outer_quotes(text: str) -> str:
    """The text without quotation marks around whole lines, which a spreadsheet writes that took them for one cell."""
    lines = text.splitlines()
    whole = [_WHOLE_LINE.fullmatch(line) for line in lines[:_SAMPLE_LINES] if any(sign in line for sign in ",;\t|")]
    if not whole or not all(whole):
        return text
    matches = map(_WHOLE_LINE.fullmatch, lines)
    return "\n".join(match[1].replace('""', '"') if match else line for match, line in zip(matches, lines, strict=True))


def _at_blanks(lines: list[str]) -> list[Record]:
    """Cells of lines with blanks between them: two or more, unless single blanks split the lines more evenly.

    Texts such as ``Mar 01, 2024`` stay whole where two blanks stand between all cells.
    """
    splits = [[between.split(line.strip()) for line in lines] for between in _BLANKS]
    return max(splits, key=_evenness)


def _evenness(records: list[Record]) -> int:
    """Number of records with several cells that have the usual length."""
    lengths = Counter(len(record) for record in records if len(record) > 1)
    return max(lengths.values(), default=0)


def _separator(text: str) -> str:
    """The separator that explains most lines and the names of the columns; a declared one comes first."""
    lines = [line for line in text[: 200 * _SAMPLE_LINES].splitlines()[:_SAMPLE_LINES] if line.strip()]
    declared = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if declared and declared[1] in _NAMES:
        return declared[1]
    scores = {separator: _score(lines, separator) for separator in _NAMES}
    return max(_NAMES, key=lambda separator: scores[separator])


def _score(lines: list[str], separator: str) -> tuple[int, ...]:
    """Quality of a split.

    Known names of columns above most lines, lines with a date, lines that begin with a number of seconds, lines of the
    usual length, and lines of several cells.
    """
    split: list[Record]
    if separator == " ":
        split = _at_blanks(lines)
    else:
        try:
            split = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            split = [line.split(separator) for line in lines]
    several = [record for record in split if len(record) > 1]
    if not several:
        return (0,)
    dated = sum(any(looks_like_date(cell.strip()) for cell in record[:8]) for record in several)
    numbered = sum(bool(_NUMBERED_DATE.fullmatch(record[0].strip())) for record in several)
    header = max(several, key=lambda record: sum(map(is_known_name, record)))
    below = sum(len(record) >= len(header) and not any(record[len(header) :]) for record in several)
    names = sum(map(is_known_name, header)) if 2 * below > len(lines) else 0
    usual = Counter(map(len, several)).most_common(1)[0][1]
    if separator == " ":  # a time after a date makes two words in any table
        return names, dated // 2, numbered // 2, usual // 2, 0
    return names, dated, numbered, usual, len(several)
