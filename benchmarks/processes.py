"""Run a command as a process of its own and measure it; shared by the benchmarks.

The peak memory is ``ru_maxrss`` of that one process and of those it has waited for, as `os.wait4` tells it.
Linux counts the memory of the parent at the moment of the start as well, so the process that measures
imports the standard library alone.
"""

import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Measured", "last_json", "machine", "own_peak_bytes", "positive", "print_result", "run", "table_text"]

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, KiB on Linux


@dataclasses.dataclass(frozen=True)
class Measured:
    """One process: wall seconds from start to exit, those of all its threads, peak resident memory, its stdout."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Measured:
    """Run `command` to its end.

    Args:
        command: The program and its arguments.
        folder: Where it runs; None for here.
        environment: Variables on top of those of this process. PYTHONDONTWRITEBYTECODE is left out: an installed
            package has its byte code, so a checkout must be allowed to write its own.

    Raises:
        SystemExit: It failed; its own words are in the message.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**inherited, **(environment or {})}, stdout=output, stderr=errors
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"error: exit code {process.returncode}: {' '.join(command)}\n{errors.read()[-2000:]}")
        return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS_UNIT, output.read())


def last_json(measured: Measured) -> dict[str, Any]:
    """The JSON object in the last line of what a process wrote."""
    document: dict[str, Any] = json.loads(measured.output.splitlines()[-1])
    return document


def own_peak_bytes() -> int:
    """Peak resident memory of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


def machine() -> dict[str, Any]:
    """What the figures were taken on, and how busy it was: `load` is the run queue of the last minute."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def positive(text: str) -> int:
    """A number of times, at least 1, from the command line."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def table_text(rows: Sequence[Sequence[str]], layout: str = "table") -> str:
    """Rows of equal length, the first one the header, as aligned text or as a ``markdown`` table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if layout == "markdown":
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def print_result(rows: Sequence[Sequence[str]], document: Mapping[str, Any], layout: str = "table") -> None:
    """The table, and below it one line of JSON."""
    print(table_text(rows, layout))
    print()
    print(json.dumps(document))
