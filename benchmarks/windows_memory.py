"""Peak memory of windowing a long history, over the memory of its rows.

A child process records its resident memory, creates the rows (float32 features and four targets per row), prepares the
windows and draws 100 batches of 16 from the whole history. The result is the increase of its peak resident memory
(``ru_maxrss``) over the bytes of the rows: 1.0 means the rows and nothing else. Copies of every window would need 1000
times the memory of the rows.

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
    """Current resident memory of this process; on macOS, which does not report it, the peak so far."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return own_peak_bytes()
    return pages * resource.getpagesize()


def measure(kind: str, rows: int, features: int, context: int, batches: int) -> dict[str, float]:
    """Create rows and draw windows in this process, a child of the benchmark."""
    import numpy as np

    rng = np.random.default_rng(0)
    draw(kind, rng, context + 64, features, context, 1)  # lazy imports must not count as memory of the rows
    before = resident_bytes()
    rows_bytes, checksum = draw(kind, rng, rows, features, context, batches)
    peak = own_peak_bytes() - before
    return {"rows_bytes": rows_bytes, "peak_bytes": peak, "ratio": peak / rows_bytes, "checksum": checksum}


def draw(kind: str, rng: Any, rows: int, features: int, context: int, batches: int) -> tuple[int, float]:
    """Bytes of new rows, and the sum of all drawn windows, which forces them to be read."""
    import numpy as np

    from forecaster.features.windows import DenseWindows, LastWindows

    x, y = np.empty((rows, features), np.float32), np.empty((rows, TARGETS), np.float32)
    for array in (x, y):
        rng.standard_normal(dtype=np.float32, out=array)
    dense = kind == "dense"
    windows: Any = DenseWindows(x, y, context, context // 3, rows) if dense else LastWindows(x, y, context, rows)
    total = 0.0
    for _ in range(batches):
        total += sum(float(np.nansum(array)) for array in windows.batch(rng.integers(len(windows), size=BATCH_SIZE)))
    return x.nbytes + y.nbytes, total


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
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
    cells = [["windows", "rows MB", "peak MB", "ratio", "target", "met"]]
    for kind, sizes_of_kind in measured.items():
        sizes_mb = [f"{sizes_of_kind[key] / 1e6:.0f}" for key in ("rows_bytes", "peak_bytes")]
        ratio = sizes_of_kind["ratio"]
        sizes_of_kind |= {"aim": AIM, "met": ratio <= AIM}
        cells.append([KINDS[kind], *sizes_mb, f"{ratio:.3f}", f"at most {AIM}", "yes" if ratio <= AIM else "no"])
    print_result(
        cells, {"benchmark": "windows_memory", "machine": machine(), "sizes": sizes, "rows": measured}, parsed.layout
    )


if __name__ == "__main__":
    main()
