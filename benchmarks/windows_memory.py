"""Peak memory of windowing a long history, over the memory of its rows alone.

A child process notes its resident memory, makes the rows (float32 features and four targets a row), prepares the
windows and draws 100 batches of 16 from all over the history. The figure is the peak resident memory of that process
(``ru_maxrss``) minus what it had before the rows existed, over the bytes of the rows: 1.0 would be the rows and
nothing else. Copying every window instead would cost 1000 times the rows.

    python benchmarks/windows_memory.py    # half a minute, 0.6 GB
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import last_json, machine, own_peak_bytes, positive, print_result, run

AIM = 1.5
TARGETS = 4
BATCH_SIZE = 16
KINDS = {"dense": "DenseWindows", "last": "LastWindows"}


def resident_bytes() -> int:
    """Resident memory of this process now; where the system does not tell (macOS), its peak so far."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return own_peak_bytes()
    return pages * resource.getpagesize()


def measure(kind: str, rows: int, features: int, context: int, batches: int) -> dict[str, float]:
    """Make rows and draw from them in this process; called in a child."""
    import numpy as np

    rng = np.random.default_rng(0)
    draw(kind, rng, context + 64, features, context, 1)  # what is only loaded at the first use is no memory of the rows
    before = resident_bytes()
    rows_bytes, checksum = draw(kind, rng, rows, features, context, batches)
    peak = own_peak_bytes() - before
    return {"rows_bytes": rows_bytes, "peak_bytes": peak, "ratio": peak / rows_bytes, "checksum": checksum}


def draw(kind: str, rng: Any, rows: int, features: int, context: int, batches: int) -> tuple[int, float]:
    """Bytes of fresh rows, and a sum over all that is drawn from their windows, so that it is read."""
    import numpy as np

    from forecaster.features.windows import DenseWindows, LastWindows

    x, y = np.empty((rows, features), np.float32), np.empty((rows, TARGETS), np.float32)
    for array in (x, y):
        rng.standard_normal(dtype=np.float32, out=array)
    dense = kind == "dense"
    windows: Any = DenseWindows(x, y, context, context // 3, rows) if dense else LastWindows(x, y, context, rows)
    total = 0.0
    for _ in range(batches):
        total += sum(float(np.nansum(one)) for one in windows.batch(rng.integers(len(windows), size=BATCH_SIZE)))
    return x.nbytes + y.nbytes, total


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=positive, default=10_000_000)
    parser.add_argument("--features", type=positive, default=8)
    parser.add_argument("--context", type=positive, default=1000)
    parser.add_argument("--batches", type=positive, default=100)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parser.add_argument("--child", choices=list(KINDS), help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    sizes = {name: getattr(parsed, name) for name in ("rows", "features", "context", "batches")}
    if parsed.rows < parsed.context:
        parser.error(f"--rows: expected at least the context, {parsed.context}; got {parsed.rows}")
    if parsed.child:
        print(json.dumps(measure(parsed.child, **sizes)))
        return
    passed_on = [f"--{name}={value}" for name, value in sizes.items()]
    measured = {kind: last_json(run([sys.executable, __file__, *passed_on, "--child", kind])) for kind in KINDS}
    cells = [["windows", "rows MB", "peak MB", "ratio", "aim", "met"]]
    for kind, one in measured.items():
        sizes_mb = [f"{one[key] / 1e6:.0f}" for key in ("rows_bytes", "peak_bytes")]
        one |= {"aim": AIM, "met": one["ratio"] <= AIM}
        cells.append([KINDS[kind], *sizes_mb, f"{one['ratio']:.3f}", f"at most {AIM}", "yes" if one["met"] else "no"])
    print_result(
        cells, {"benchmark": "windows_memory", "machine": machine(), "sizes": sizes, "rows": measured}, parsed.layout
    )


if __name__ == "__main__":
    main()
