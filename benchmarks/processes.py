"""Run a command as a separate process and measure it; shared by the benchmarks.

The peak memory is ``ru_maxrss`` of that process and of the processes that it has waited for, from `os.wait4`. Linux
also counts the memory of the parent at the moment of the start, so the measuring process imports only the standard
library.
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
    """One process: wall seconds from start to exit, processor seconds of all threads, peak memory, standard output."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    output: str


def run(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Measured:
    """Run `command` and wait for its end.

    Args:
        command: The program and its arguments.
        folder: Working directory; None: the current one.
        environment: Variables in addition to those of this process. PYTHONDONTWRITEBYTECODE is removed: an installed
            package has byte code, so a checkout must be allowed to write it.

    Raises:
        SystemExit: The command failed; the message contains its standard error.
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
    """The JSON object in the last line of the output."""
    document: dict[str, Any] = json.loads(measured.output.splitlines()[-1])
    return document


def own_peak_bytes() -> int:
    """Peak resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` of a child begins with the peak of its parent
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


def machine() -> dict[str, Any]:
    """Description of the machine; `load` is the length of the run queue over the last minute."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def positive(text: str) -> int:
    """Parse an integer of at least 1."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def table_text(rows: Sequence[Sequence[str]], layout: str = "table") -> str:
    """Format rows of equal length, the header first, as aligned text or as a ``markdown`` table."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if layout == "markdown":
        lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def print_result(rows: Sequence[Sequence[str]], document: Mapping[str, Any], layout: str = "table") -> None:
    """Print the table, and one line of JSON below it."""
    print(table_text(rows, layout))
    print()
    print(json.dumps(document))
