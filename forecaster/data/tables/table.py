"""Records of cells of a file, whatever its format, and complaints that name the place in it."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NoReturn

from forecaster.errors import InputFileError

__all__ = ["Record", "Table"]

Record = list[str]


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """All records of a file that hold something, in memory.

    Args:
        label: The file as messages show it.
        sha256: Hash of the file as it is stored.
        format: Format of the file in words: encoding and separator, ``JSON``, or the sheet of a workbook.
        records: Cells of each record, as text without white space at both ends.
        place: Place of a record in the file for people, such as ``line 12``, from its index.
        separator: Text between two cells of a line; None in formats whose cells are apart.
    """

    label: str
    sha256: str
    format: str
    records: Sequence[Record]
    place: Callable[[int], str]
    separator: str | None = None

    def refuse(self, record: int, what: str) -> NoReturn:
        """Raise an `InputFileError` about the record with index `record`."""
        raise InputFileError(f"{self.label}, {self.place(record)}: {what}")
