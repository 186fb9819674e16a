"""Integrity of the folder of compiled programs, which JAX reads without a checksum.

An entry that was cut would be reported by JAX in every process and never replaced; two exchanged entries would end a
training. So only entries with a recorded hash stay; the others are removed, and JAX compiles and writes them anew.
"""

import atexit
import contextlib
import functools
import json
import os
from pathlib import Path

from forecaster.errors import StorageError
from forecaster.files import json_text, read_regular_file, sha256_of, write_file

__all__ = ["keep_intact", "record_entries", "remove_damaged"]

MAX_ENTRY_BYTES = 2**28
_INDEX = "index.json"
_PATTERN = "*-cache"  # names of JAX's entries


def keep_intact(folder: Path) -> None:
    """Remove damaged entries now, and record the hashes of new ones when this process ends."""
    remove_damaged(folder)
    atexit.register(functools.partial(record_entries, folder, os.getpid()))


def remove_damaged(folder: Path) -> list[str]:
    """Remove the entries that have no recorded hash or another one; returns their names.

    Entries of a process that was killed, or still runs, have none.
    """
    recorded = _index(folder)
    removed = []
    for path in sorted(folder.glob(_PATTERN)):
        if recorded.get(path.name) != _hash(path):
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path.name)
    return removed


def record_entries(folder: Path, process: int | None = None) -> None:
    """Record the hash of every entry.

    Args:
        folder: Folder of the entries.
        process: Number of the only process that does so; a child that was forked does nothing. Any when None.
    """
    if process not in (None, os.getpid()):
        return
    recorded = _index(folder)
    hashes = {path.name: recorded.get(path.name) or _hash(path) for path in sorted(folder.glob(_PATTERN))}
    if hashes != recorded:
        with contextlib.suppress(StorageError):  # the next process compiles for itself
            write_file(folder / _INDEX, json_text(hashes).encode())


def _index(folder: Path) -> dict[str, str | None]:
    try:
        document = json.loads(read_regular_file(folder / _INDEX, MAX_ENTRY_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _hash(path: Path) -> str | None:
    """SHA-256 of an entry; None where it cannot be read."""
    try:
        return sha256_of(read_regular_file(path, MAX_ENTRY_BYTES))
    except (OSError, ValueError):
        return None
