"""Atomic writes: a reader sees the old file or the whole new one, never a part."""

import contextlib
import datetime
import errno
import hashlib
import json
import math
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.errors import StorageError

__all__ = ["check_writable", "json_text", "plain", "sha256_of", "storage_faults", "write_file", "write_folder"]


@contextlib.contextmanager
def storage_faults(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line about `path`."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        advice = "free some space" if full else "expected a folder that may be written"
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; it was not saved; {advice}, or choose another place"
        ) from error


def check_writable(folder: Path) -> None:
    """Make `folder` and write a probe file, before hours of work depend on it.

    Raises:
        StorageError: The folder or the file cannot be written.
    """
    with storage_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(b"forecaster")
        finally:
            probe.unlink(missing_ok=True)


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder with `files`, all or nothing.

    The files are written and flushed in a hidden folder beside it, which is renamed at the end, and removed after any
    error or interrupt.

    Raises:
        StorageError: The disk is full, or the folder exists or cannot be made.
    """
    partial = folder.with_name(f".partial-{folder.name}-{os.getpid()}")
    try:
        with storage_faults(folder):
            partial.mkdir(parents=True)
            for name, content in files.items():
                with open(partial / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            os.rename(partial, folder)
            _sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_text(value: Any) -> str:
    """JSON text; NaN and infinity, which JSON lacks, become null."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` in types that JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (np.datetime64, datetime.date, Path)):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, all or nothing; an earlier file stays until the new one is complete.

    Several processes and threads may write the same path: the last one to finish wins.

    Raises:
        StorageError: The disk is full or the folder refuses the write.
    """
    partial = path.with_name(f".partial-{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        with storage_faults(path):
            with open(partial, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):  # where the folder is a file, there is nothing to remove
            partial.unlink(missing_ok=True)
