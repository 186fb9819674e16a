"""Number of processes that this machine can run at once."""

import os
from pathlib import Path

__all__ = ["TASK_BYTES", "default_processes", "free_memory"]

TASK_BYTES = 1_300_000_000
"""Memory of a process that fits a network of the default size on the default panel."""

MAX_DEFAULT_PROCESSES = 4  # the memory of a machine seldom grows with its processors

_MEMORY = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def default_processes(task_bytes: int = TASK_BYTES) -> int:
    """Processes for tasks, fits of networks by default: one for each processor and its free memory, at most 4."""
    memory = free_memory()
    by_memory = MAX_DEFAULT_PROCESSES if memory is None else memory // task_bytes
    return max(1, min(_processors(), by_memory, MAX_DEFAULT_PROCESSES))


def _processors() -> int:
    """Processors that this process may use; a limit on its share of time is not known here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int | None:
    """Bytes that new processes may use, by the system and by the container; None where the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return None
    try:
        limit = int((_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_GROUP / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return free
    return max(0, min(free, limit - used))
