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
from forecaster.experiments.stored_files import parse_json
from forecaster.files import check_writable, json_text, read_regular_file, sha256_of, write_file

__all__ = ["FOLDER", "Annotations", "Note", "add_note", "annotations_of", "change_tags", "checked_tag"]

FOLDER = "annotations"
SCHEMA = "annotation/1"
MAX_NOTE = 10_000  # characters
MAX_BYTES = 2**20
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    for document in _changes(folder / FOLDER):
        if "text" in document:
            notes.append(Note(document["created"], document["author"], document["text"]))
        tags |= set(document.get("added", ()))
        tags -= set(document.get("removed", ()))
    return Annotations(tuple(notes), tuple(sorted(tags)))


def add_note(folder: Path, text: str, author: str, now: datetime.datetime) -> None:
    """Add a note to the run in `folder`.

    Raises:
        UsageError: The text is empty or too long.
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
    place = folder / FOLDER
    check_writable(place)
    numbers = [int(path.name[:6]) for path in place.glob("[0-9][0-9][0-9][0-9][0-9][0-9]-*.json")]
    name = f"{max(numbers, default=0) + 1:06d}-{now.astimezone(datetime.UTC):%Y%m%dT%H%M%S}"
    document = {"schema": SCHEMA, "created": now.isoformat(), "author": author, **change}
    content = (json_text(document) + "\n").encode()
    write_file(place / f"{name}-{sha256_of(content + os.urandom(8))[:12]}.json", content)


def _changes(place: Path) -> Iterator[dict[str, Any]]:
    try:
        names = sorted(entry.name for entry in os.scandir(place) if entry.name[0] != "." and entry.name[-5:] == ".json")
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        try:
            document = parse_json(read_regular_file(place / name, MAX_BYTES))
            _check(document)
        except (OSError, ValueError) as error:
            raise DamageError(
                f"{place / name} is no note and no tags: {error}; expected the file as it was written; delete it"
            ) from error
        yield document


def _check(document: Any) -> None:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"expected {SCHEMA}")
    texts = [document.get(key) for key in ("created", "author", "text") if key in document or key != "text"]
    tags = [tag for key in ("added", "removed") for tag in document.get(key, [])]
    if not all(isinstance(value, str) for value in [*texts, *tags]):
        raise ValueError("a value has another type")
