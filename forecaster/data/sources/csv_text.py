"""The text of a CSV file: its encoding, delimiter, header and rows, with a line number for every complaint."""

import _csv
import contextlib
import csv
import dataclasses
import hashlib
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from forecaster.data.instruments import shown
from forecaster.errors import InputFileError

__all__ = ["CsvText"]

_DELIMITERS = (",", ";", "\t")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}
_PEEK_BYTES = 65536
_CHUNK_ROWS = 2_000  # more, and a chunk no longer fits into the processor's cache
_ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclasses.dataclass(frozen=True)
class CsvText:
    """A CSV file in memory, decoded while it is read.

    Args:
        path: The file, for messages.
        content: Its bytes.
        encoding: ``utf-8``, or the encoding of its byte order mark.
        delimiter: Comma, semicolon or tab, whichever the header has most of.
        header: Names of the columns, stripped of white space.
    """

    path: Path
    content: bytes
    encoding: str
    delimiter: str
    header: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> "CsvText":
        """Read the file and its header.

        Raises:
            InputFileError: There is no such file, it is a folder, empty, binary, or not in UTF-8.
        """
        content = _content(path)
        encoding = next((name for mark, name in _ENCODINGS.items() if content.startswith(mark)), "utf-8")
        start = content[:_PEEK_BYTES]
        if encoding != "utf-16" and b"\0" in start:
            kind = "an Excel workbook or a zip" if content.startswith(b"PK") else "a binary file"
            raise InputFileError(f"{_label(path)} is {kind}; expected text with one row a line; save it as CSV")
        if not start.decode(encoding, errors="replace").strip():
            raise InputFileError(f"{_label(path)} is empty; expected a header line and one row a date")
        first = next(line for line in start.decode(encoding, errors="replace").splitlines() if line.strip())
        delimiter = max(_DELIMITERS, key=first.count)
        text = cls(path, content, encoding, delimiter, ())
        with text._reader() as reader:
            header = next(filter(_has_content, reader))
        return dataclasses.replace(text, header=tuple(cell.strip() for cell in header))

    @property
    def label(self) -> str:
        """The path as messages show it."""
        return _label(self.path)

    @property
    def sha256(self) -> str:
        """Hash of the file's bytes."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words."""
        return _NAMES[self.delimiter]

    def columns(self, wanted: Sequence[int]) -> Iterator[list[tuple[str, ...]]]:
        """Cells of the wanted columns, some thousand rows at a time, lines without content left out.

        Raises:
            InputFileError: A row has more or fewer cells than the header, or the text cannot be decoded.
        """
        done = -1  # the header is the first record
        with self._reader() as reader:
            while chunk := list(itertools.islice(reader, _CHUNK_ROWS)):
                records = [record for record in chunk if record and (record[0] or _has_content(record))]
                if done < 0 and records:
                    del records[0]
                    done = 0
                if not set(map(len, records)) <= {len(self.header)}:
                    self._refuse_length(records, done)
                if records:
                    columns = list(zip(*records, strict=True))
                    yield [columns[column] for column in wanted]
                    done += len(records)

    def _refuse_length(self, records: list[list[str]], done: int) -> None:
        for row, record in enumerate(records):
            extra = record[len(self.header) :]
            if len(record) < len(self.header) or _has_content(extra):
                self.refuse(done + row, f"has {len(record)} cells; expected {len(self.header)}, as in the header")
            del record[len(self.header) :]  # delimiters at the end of a line are harmless

    def refuse(self, row: int, what: str) -> NoReturn:
        """Raise an `InputFileError` about a row, counted from 0 without the header and blank lines."""
        raise InputFileError(f"{self.label}, line {self.line_number(row)}: {what}")

    def line_number(self, row: int) -> int:
        """Line in the file, from 1, at which the row ends; found by reading again, as only complaints ask."""
        with self._reader() as reader:
            lines = (reader.line_num for record in reader if _has_content(record))
            return next(itertools.islice(lines, row + 1, None), 0)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[_csv.Reader]:
        """A reader of all records, the header among them, whose faults become `InputFileError`."""
        with io.TextIOWrapper(io.BytesIO(self.content), encoding=self.encoding, newline="") as stream:
            reader = csv.reader(stream, delimiter=self.delimiter, skipinitialspace=True)
            try:
                yield reader
            except UnicodeDecodeError as error:
                place = f"after line {reader.line_num}" if reader.line_num else "of the first lines"
                raise InputFileError(
                    f"{self.label}: the text {place} is not {self.encoding.upper()} "
                    f"(byte {error.object[error.start]:#04x}); expected UTF-8; save the file so"
                ) from error
            except csv.Error as error:
                raise InputFileError(
                    f"{self.label}, line {reader.line_num}: {error}; expected {self.delimiter_name} separated cells; "
                    "look for a quotation mark without its partner"
                ) from error


def _has_content(record: Sequence[str]) -> bool:
    return any(map(str.strip, record))


def _label(path: Path) -> str:
    return str(path) if str(path).isprintable() and len(str(path)) <= 200 else shown(str(path), 200)


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputFileError(f"{_label(path)} is a folder; expected a CSV file")
        if path.exists() and not path.is_file():
            raise InputFileError(f"{_label(path)} is no ordinary file; expected a CSV file")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputFileError(f"{_label(path)} does not exist; expected a CSV file; check the spelling") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise InputFileError(
            f"{_label(path)} cannot be read: {reason}; expected a CSV file that you may read"
        ) from error
