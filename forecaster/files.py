"""Atomic writes: a reader sees the old file or the whole new one, never a part."""

import contextlib
import datetime
import errno
import fnmatch
import hashlib
import json
import math
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from forecaster.errors import StorageError

__all__ = [
    "PARTIAL_PREFIX",
    "appended_file",
    "check_target",
    "check_writable",
    "clear_partial_files",
    "json_line",
    "json_text",
    "plain",
    "read_regular_file",
    "require_bounded_packing",
    "sha256_of",
    "storage_faults",
    "streamed_file",
    "write_file",
    "write_folder",
]

if sys.platform != "win32":
    import fcntl

PARTIAL_PREFIX = ".partial-"
_BOUNDED_PACKINGS = (0, 8)  # of members of a zip archive: stored, and deflate
_WAIT_SECONDS = 10.0  # for another process that appends to a file, which takes milliseconds
_STALE_SECONDS = 3600.0  # age from which a partial file is nobody's, although its process number is in use
_PROJECT_FOLDERS = (
    *("runs", "runs/*/annotations", "data", "data/ecb", "backtests", "backtests/*", "exports"),
    *("searches/*", "searches/*/trials"),
)
# In a folder with files of others, only names that `_partial_name` gives are ours.
_ANY_PARTIAL = f"{PARTIAL_PREFIX}[0-9]*-{'[0-9a-f]' * 16}"


@contextlib.contextmanager
def storage_faults(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line about `path`."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        advice = "free some space, or" if full else "expected a folder that may be written;"
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}; it was not saved; {advice} choose another place"
        ) from error


def check_writable(folder: Path) -> None:
    """Make `folder` and write a probe file, before hours of work depend on it.

    What killed commands have left there is removed.

    Raises:
        StorageError: The folder or the file cannot be written.
    """
    with storage_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder, _ANY_PARTIAL)
        _probe(folder)


def check_target(path: Path) -> None:
    """Prove that `write_file` can write `path`, before minutes of work depend on it.

    What killed commands have left in its folder is removed.

    Raises:
        StorageError: It is not a regular file, or the folder is missing or refuses the write.
    """
    with storage_faults(path):
        folder = _target(path)[0].parent
        _clear(folder, _ANY_PARTIAL)
        _probe(folder)


def _probe(folder: Path) -> None:
    partial = folder / _partial_name()
    descriptor = _new_file(partial, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(b"forecaster")
    finally:
        _remove(partial)


def _partial_name() -> str:
    """A name that nobody can guess, so that no link can wait there; it says which process may still write to it."""
    return f"{PARTIAL_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"


def _new_file(path: Path, mode: int) -> int:
    """Descriptor of a file that did not exist before, also not as a link."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # where the folder is a file or refuses, there is nothing to remove
        path.unlink(missing_ok=True)


def _target(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file that `path` leads to, and its facts if it exists.

    Raises:
        StorageError: It is a device, a pipe, a folder or something else that must not be replaced by a file.
        OSError: It cannot be looked at, or must not be written.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        facts = target.stat()
    except FileNotFoundError:
        return target, None
    if not stat.S_ISREG(facts.st_mode):
        raise StorageError(
            f"{path} is {_kind_of(facts.st_mode)}; expected the name of a new file, or a regular file to replace; "
            "choose another name"
        )
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return target, facts


def _kind_of(mode: int) -> str:
    kinds = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((kind for test, kind in kinds.items() if test(mode)), "a device")


def read_regular_file(path: Path, max_bytes: int) -> bytes:
    """Content of a file, never more than `max_bytes`; a device or a pipe, which may have no end, is refused.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a regular file, or is too large; the message says which, without the path.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError(f"it is {_kind_of(status.st_mode)}, expected a regular file")
    with open(descriptor, "rb") as file:
        # `read` reserves the memory that it is asked for, which the limit would be far too much of.
        content = file.read(min(status.st_size, max_bytes) + 1)
    if content is None:  # as of a file of the system that waits for its next message
        raise ValueError("it has nothing to read at the moment")
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes // 1024} KiB")
    return content


def require_bounded_packing(methods: Iterable[int]) -> None:
    """Refuse members of a zip archive that `zipfile` unpacks as a whole, whatever size is asked for (bzip2, LZMA).

    Raises:
        ValueError: One of the members is packed in such a way.
    """
    if not all(method in _BOUNDED_PACKINGS for method in methods):
        raise ValueError("it is packed in another way than deflate")


def clear_partial_files(home: Path) -> None:
    """Remove what killed commands have left in a project: partial files whose process has ended."""
    for folder in (folder for pattern in _PROJECT_FOLDERS for folder in home.glob(pattern)):
        _clear(folder, f"{PARTIAL_PREFIX}*")
    _clear(home, _ANY_PARTIAL)


def _clear(folder: Path, pattern: str) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if fnmatch.fnmatchcase(entry.name, pattern) and _is_abandoned(entry):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    _remove(Path(entry.path))


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    """True if nobody writes to it: its process has ended, and no process on another system holds its lock."""
    number = entry.name.removeprefix(PARTIAL_PREFIX).partition("-")[0]
    is_old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE_SECONDS
    if number.isdecimal() and _is_running(int(number)) and not is_old:
        return False
    if entry.is_symlink() or os.name == "nt":
        return is_old
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)


def _is_running(number: int) -> bool:
    """True if a process of this number runs; where that cannot be told, only age decides."""
    if os.name == "nt":  # a signal of number 0 would end the process there
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def sha256_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder with `files`, whose names may lie in folders of it, all or nothing.

    The files are written and flushed in a hidden folder beside it, which is renamed at the end, and removed after any
    error or interrupt.

    Raises:
        StorageError: The disk is full, or the folder exists or cannot be made.
    """
    partial = folder.with_name(_partial_name())
    with storage_faults(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            with _locked(partial):
                for name, content in files.items():
                    (partial / name).parent.mkdir(parents=True, exist_ok=True)
                    _fill(_new_file(partial / name, 0o666), content)
                os.rename(partial, folder)
            _sync_folder(folder.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which tells `clear_partial_files` that somebody writes to it."""
    if os.name == "nt":  # folders cannot be opened there
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file or folder until it is closed; False if another process holds it."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
    return True


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


def json_line(value: Any) -> str:
    """JSON text on one line, for a file of many documents; see `json_text`."""
    try:
        return json.dumps(value, allow_nan=False, default=plain)  # a third of the time of a whole copy
    except (TypeError, ValueError):  # a NaN, or keys that are no texts
        return json.dumps(plain(value), allow_nan=False)


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
    """Write `content` to `path`; see `streamed_file`.

    Raises:
        StorageError: The disk is full, the folder refuses the write, or `path` is a device, a pipe or a folder.
    """
    with streamed_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def streamed_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write `path` with, all or nothing; an earlier file stays until the new one is complete.

    Several processes and threads may write the same path: the last one to finish wins. A link stays a link; the file
    that it leads to is replaced. The mode of an earlier file is kept. After an error the new file is removed.

    Raises:
        StorageError: The disk is full, the folder refuses the write, or `path` is a device, a pipe or a folder.
    """
    with storage_faults(path):
        target, earlier = _target(path)
        partial = target.with_name(_partial_name())
        descriptor = _new_file(partial, 0o666 if earlier is None else stat.S_IMODE(earlier.st_mode))
        try:
            with _filled(descriptor, earlier) as file:
                yield file
            os.replace(partial, target)
        finally:
            _remove(partial)


@contextlib.contextmanager
def appended_file(path: Path) -> Iterator[BinaryIO]:
    """A file to read and to append to, made where it is missing, which no other process may append to meanwhile.

    At the end it is flushed to the disk. After an error or an interrupt it has its earlier length again.

    Raises:
        StorageError: The disk is full, the file cannot be written, or another process does not release it.
    """
    with storage_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        target, _ = _target(path)
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        with open(descriptor, "r+b", buffering=0) as file:
            _wait_for_lock(descriptor, path)
            length = os.fstat(descriptor).st_size
            try:
                yield file
                os.fsync(descriptor)
            except BaseException:
                if os.fstat(descriptor).st_size > length:
                    os.ftruncate(descriptor, length)
                raise


def _wait_for_lock(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not _lock(descriptor):
        if time.monotonic() > deadline:
            raise StorageError(f"{path} is in use by another process; expected it to be free; try again later")
        time.sleep(0.01)


def _fill(descriptor: int, content: bytes) -> None:
    with _filled(descriptor) as file:
        file.write(content)


@contextlib.contextmanager
def _filled(descriptor: int, earlier: os.stat_result | None = None) -> Iterator[BinaryIO]:
    """A new file, at the end flushed to the disk, with owner and mode of the one that it will replace."""
    with open(descriptor, "wb") as file:
        _lock(descriptor)
        if earlier is not None and hasattr(os, "fchown"):
            with contextlib.suppress(OSError):  # only root may give a file away
                os.fchown(descriptor, earlier.st_uid, earlier.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(earlier.st_mode))
        yield file
        file.flush()
        os.fsync(descriptor)
