"""Writing files so that a reader never sees half of one."""

import contextlib
import datetime
import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.errors import StorageError

__all__ = ["check_writable", "json_text", "plain", "sha256_of", "storage_faults", "write_file", "write_folder"]


@contextlib.contextmanager
def storage_faults(path: Path) -> Iterator[None]:
    """Turn what the operating system says of a refused write into one line about `path`."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        advice = "free some space" if full else "expected a folder that may be written"
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; it was not saved; {advice}, or choose another place"
        ) from error


def check_writable(folder: Path) -> None:
    """Make `folder` and prove that a file can be made in it, before hours of work depend on it.

    Raises:
        StorageError: It cannot.
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

    The files are written and flushed in a hidden folder beside it, which is renamed at the end and removed
    when anything goes wrong, an interrupt included.

    Raises:
        StorageError: The disk is full, the folder is there already or cannot be made.
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
    """JSON without NaN or infinity: they become null, since not every reader knows them."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` in types that JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, (np.datetime64, datetime.date, Path)):
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, all or nothing; a file that was there before stays until the new one is whole.

    Raises:
        StorageError: The disk is full or the folder refuses.
    """
    partial = path.with_name(f".partial-{path.name}-{os.getpid()}")
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
