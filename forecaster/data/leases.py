"""Leases: while a training or a backtest runs, the versions of the store that it may have read are not pruned.

A lease is a file beside the store with the number of the newest version at its beginning, locked by the process that
holds it. A process that ends, however it ends, gives up its locks, so a lease without a lock is left over and removed.
"""

import contextlib
import errno
import os
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from forecaster.data.store import Store, store_path
from forecaster.errors import ForecasterError, StorageError
from forecaster.files import PARTIAL_PREFIX, storage_faults

if sys.platform != "win32":
    import fcntl

__all__ = ["leased_since", "version_lease"]

MAX_AGE_SECONDS = 7 * 24 * 3600
"""Age of a lease that still counts where files cannot be locked."""

_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
_SUFFIX = ".lease"  # of a partial file, so that the next command removes what a killed one has left


@contextlib.contextmanager
def version_lease(home: Path) -> Iterator[None]:
    """Hold a lease on every version that is the newest of its history now or later, until the block ends.

    Where the project cannot be written, or the disk is full, there is none: its store cannot be pruned either.

    Raises:
        StorageError: The home is not a folder, or cannot be used for another reason.
    """
    folder = store_path(home).parent
    path = folder / f"{PARTIAL_PREFIX}{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
    try:
        with storage_faults(path):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = _write_locked(path, _newest_version(home))
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) not in _NOT_WRITABLE:
            raise
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # the store is in it, as a rule
            folder.rmdir()


def _newest_version(home: Path) -> int:
    """Number of the newest version; 0, which holds every version, where the store cannot be read."""
    path = store_path(home)
    try:
        if path.exists():
            with Store.open(path) as store:
                return store.newest_id()
    except (ForecasterError, OSError):
        return 0
    return 0


def _write_locked(path: Path, number: int) -> int:
    """Write a lease and return the descriptor that holds its lock; it has its name only once it is locked."""
    partial = path.with_suffix("")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        _lock(descriptor)
        os.write(descriptor, str(number).encode())
        os.rename(partial, path)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    return descriptor


def _lock(descriptor: int) -> None:
    """Lock a file for this process alone.

    Raises:
        BlockingIOError: Another process has locked it.
    """
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def leased_since(home: Path) -> int | None:
    """Smallest version number of all leases that are held; None without any. Leases left over are removed."""
    leases = store_path(home).parent.glob(f"{PARTIAL_PREFIX}*{_SUFFIX}")
    return min((number for path in leases if (number := _held(path)) is not None), default=None)


def _held(path: Path) -> int | None:
    """Version number of a lease; None if nobody holds it, and then it is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # it ended just now
        return None
    except OSError:
        return 0
    try:
        if sys.platform == "win32" and time.time() - path.stat().st_mtime < MAX_AGE_SECONDS:
            return _number(descriptor)
        _lock(descriptor)
        path.unlink(missing_ok=True)
        return None
    except OSError:
        return _number(descriptor)
    finally:
        os.close(descriptor)


def _number(descriptor: int) -> int:
    content = os.read(descriptor, 20)
    return int(content) if content.isdigit() else 0
