"""Notes and tags of recorded runs, each change in a file of its own, so that people who share runs need no lock.

runs/<id>/annotations/<number>-<time>-<hash>.json   a note, or tags that were added and removed

Folders of the same run merge by copying files: names never collide, and the order of the changes is that of the names.
The number is one more than the largest that the writer sees, so that a change of a clock does not change the order.
"""

import dataclasses
import datetime
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.errors import DamageError, UsageError
from forecaster.experiments.stored_files import parse_sealed, sealed_json
from forecaster.files import check_writable, read_regular_file, sha256_of, write_file

__all__ = [
    "FOLDER",
    "NAME",
    "Annotations",
    "Note",
    "add_note",
    "annotation_files",
    "annotations_of",
    "change_tags",
    "checked_tag",
]

FOLDER = "annotations"
SCHEMA = "annotation/1"
MAX_NOTE = 10_000  # characters
MAX_BYTES = 2**20  # of the file of a note or of tags
NAME = re.compile(r"[A-Za-z0-9_+-]{1,120}\.json")
"""Name of a file of a note or of tags."""

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXTS = {"created": 64, "author": 200, "text": MAX_NOTE}  # key -> largest number of characters


@dataclasses.dataclass(frozen=True)
class Note:
    """A text about a run.

    Args:
        created: Time, ISO 8601.
        author: Name of the user who wrote it.
        text: The text.
    """

    created: str
    author: str
    text: str


@dataclasses.dataclass(frozen=True)
class Annotations:
    """Notes and tags of a run.

    Args:
        notes: The notes, oldest first.
        tags: The tags, sorted.
    """

    notes: tuple[Note, ...] = ()
    tags: tuple[str, ...] = ()


def checked_tag(tag: str) -> str:
    """`tag`, if it is a valid one.

    Raises:
        UsageError: It is not.

    Example:
        >>> checked_tag("best-of-2026")
        'best-of-2026'
    """
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"tag {tag[:80]!r} is not valid; expected up to 64 letters, digits, points, dashes and underscores, "
            "the first a letter or a digit; choose another"
        )
    return tag


def annotations_of(folder: Path) -> Annotations:
    """Notes and tags of the run in `folder`.

    Raises:
        DamageError: A file of them cannot be read, or was altered.
    """
    notes: list[Note] = []
    tags: set[str] = set()
    for document in _changes(folder):
        if "text" in document:
            notes.append(Note(document["created"], document["author"], document["text"]))
        tags |= set(document.get("added", ()))
        tags -= set(document.get("removed", ()))
    return Annotations(tuple(notes), tuple(sorted(tags)))


def add_note(folder: Path, text: str, author: str, now: datetime.datetime) -> None:
    """Add a note to the run in `folder`.

    Raises:
        UsageError: The text is empty or too long, or the author is.
        StorageError: It cannot be written.
    """
    if not text.strip() or len(text) > MAX_NOTE:
        problem = "is empty" if not text.strip() else f"has {len(text):,} characters"
        raise UsageError(f"the note {problem}; expected 1 to {MAX_NOTE:,} characters; write another")
    _write(folder, {"text": text.strip()}, author, now)


def change_tags(
    folder: Path, added: Sequence[str], removed: Sequence[str], author: str, now: datetime.datetime
) -> None:
    """Add tags to the run in `folder`, and remove others.

    Raises:
        UsageError: A tag is not valid.
        StorageError: The change cannot be written.
    """
    document = {"added": list(map(checked_tag, added)), "removed": list(map(checked_tag, removed))}
    _write(folder, document, author, now)


def _write(folder: Path, change: Mapping[str, Any], author: str, now: datetime.datetime) -> None:
    if len(author) > _TEXTS["author"]:
        raise UsageError(f"the author has {len(author):,} characters; expected up to {_TEXTS['author']}; shorten it")
    place = folder / FOLDER
    check_writable(place)
    numbers = [int(path.name[:6]) for path in place.glob("[0-9][0-9][0-9][0-9][0-9][0-9]-*.json")]
    name = f"{max(numbers, default=0) + 1:06d}-{now.astimezone(datetime.UTC):%Y%m%dT%H%M%S}"
    document = {"schema": SCHEMA, "created": now.isoformat(), "author": author, **change}
    content = sealed_json(document, folder.name)
    write_file(place / f"{name}-{sha256_of(content + os.urandom(8))[:12]}.json", content)


def annotation_files(folder: Path) -> list[Path]:
    """Files of the notes and tags of the run in `folder`, in the order of the changes.

    Other names, such as those of the copies that a program for shared folders makes of a file, are passed over.

    Raises:
        DamageError: The folder cannot be read.
    """
    try:
        with os.scandir(folder / FOLDER) as entries:
            names = sorted(entry.name for entry in entries if NAME.fullmatch(entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DamageError(
            f"{folder / FOLDER} cannot be read: {error.strerror}; expected a folder of notes and tags; change its mode"
        ) from error
    return [folder / FOLDER / name for name in names]


def _changes(folder: Path) -> Iterator[dict[str, Any]]:
    for path in annotation_files(folder):
        try:
            document = parse_sealed(read_regular_file(path, MAX_BYTES), folder.name)
            _check(document)
        except (OSError, ValueError) as error:
            raise DamageError(
                f"{path} is no note and no tags: {error}; expected the file as it was written; delete it"
            ) from error
        yield document


def _check(document: Any) -> None:
    """Raise ValueError unless a document is a note or a change of tags that this program could have written."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"expected {SCHEMA}")
    for key, limit in _TEXTS.items():
        value = document.get(key, "" if key == "text" else None)
        if not isinstance(value, str) or len(value) > limit:
            raise ValueError(f"{key} is not a text of up to {limit:,} characters")
    for key in ("added", "removed"):
        tags = document.get(key, [])
        if not isinstance(tags, list) or not all(isinstance(tag, str) and _TAG.fullmatch(tag) for tag in tags):
            raise ValueError(f"{key} is not a list of tags")
