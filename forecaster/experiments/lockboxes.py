"""Openings of lockboxes in a project: a file for each, which outlives its study.

searches/lockboxes/<study>-<time>.json

Rows that were opened once are no longer unseen, whichever search has opened them. So the openings of all studies are
counted; capsules carry them to other projects.
"""

import dataclasses
import re
from pathlib import Path
from typing import Self

from forecaster.errors import DamageError
from forecaster.experiments.stored_files import parse_sealed, sealed_json
from forecaster.experiments.studies import Study, searches_folder
from forecaster.files import check_writable, read_regular_file, write_file

__all__ = [
    "FOLDER",
    "MAX_BYTES",
    "NAME",
    "Opening",
    "earlier_openings",
    "opening_of",
    "openings",
    "record_opening",
    "times",
]

FOLDER = "lockboxes"
MAX_BYTES = 2**16
MAX_INSTRUMENTS = 1000
NAME = re.compile(r"[\w-]{1,120}\.json")
"""Name of the file of an opening."""

_TEXTS = {
    "study": r"[\w-]{1,100}",
    "opened": r"[0-9T:+.Z-]{10,40}",
    "start": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "end": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
"""Key -> pattern of its text."""


@dataclasses.dataclass(frozen=True)
class Opening:
    """A lockbox that was opened.

    Args:
        study: Id of the study.
        opened: Time, ISO 8601.
        instruments: Names of the instruments.
        start: First row.
        end: First date after its last row.
    """

    study: str
    opened: str
    instruments: tuple[str, ...]
    start: str
    end: str

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.study}-{re.sub('[^0-9]', '', self.opened)[:14]}.json"

    def overlaps(self, other: "Opening") -> bool:
        """True if both hold rows of the same instrument."""
        same = set(self.instruments) & set(other.instruments)
        return bool(same) and self.start < other.end and other.start < self.end

    def content(self) -> bytes:
        """Content of its file."""
        return sealed_json(dataclasses.asdict(self))

    @classmethod
    def of_content(cls, content: bytes) -> Self:
        """The opening in a file; ValueError, KeyError or TypeError for anything else."""
        document = parse_sealed(content)
        for key, pattern in _TEXTS.items():
            if not re.fullmatch(pattern, document[key]):
                raise ValueError(f"{key} is {document[key]!s:.40}")
        names = document["instruments"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names[:MAX_INSTRUMENTS]):
            raise ValueError("instruments is not a list of names")
        return cls(instruments=tuple(names[:MAX_INSTRUMENTS]), **{key: document[key] for key in _TEXTS})


def opening_of(study: Study, opened: str) -> Opening:
    """The opening of the lockbox of a study at a time."""
    start, end = study.facts["lockbox"]
    return Opening(study.id, opened, tuple(study.facts["named"]), start, end)


def openings(home: Path) -> list[Opening]:
    """All openings of a project, by name.

    Raises:
        DamageError: A file of them is damaged.
    """
    recorded = []
    for path in sorted((searches_folder(home) / FOLDER).glob("*.json")):
        try:
            opening = Opening.of_content(read_regular_file(path, MAX_BYTES))
            if opening.name != path.name:
                raise ValueError(f"it is {opening.name}")
            recorded.append(opening)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamageError(
                f"{path} is damaged: {error!s:.100}; expected the record of an opened lockbox; restore it"
            ) from error
    return recorded


def earlier_openings(home: Path, opening: Opening) -> int:
    """Number of other openings of a project that hold rows of this one."""
    return sum(opening.overlaps(other) for other in openings(home) if other.name != opening.name)


def times(count: int) -> str:
    """A number of times as words.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return "once" if count == 1 else f"{count} times"


def record_opening(home: Path, opening: Opening) -> None:
    """Record an opening, unless that is done.

    Raises:
        StorageError: The disk is full, or the folder refuses the write.
    """
    folder = searches_folder(home) / FOLDER
    if not (folder / opening.name).exists():
        check_writable(folder)
        write_file(folder / opening.name, opening.content())
