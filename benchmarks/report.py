"""Seconds and size of `forecast report` for USDJPY, with a backtest to show, and of an overview.

One run is trained and backtested on rows up to 2020. Measured are whole processes of `forecast report`, as medians: the
page of USDJPY over its whole history, and an overview of the currency pairs. Where Chromium is installed, it opens
the page, which reports the milliseconds from the start of loading to the last chart.

    python benchmarks/report.py            # 4 minutes
    python benchmarks/report.py --quick    # half a minute: a small network alone, and one year of backtest
"""

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import machine, positive, print_result, run

FORECAST = [sys.executable, "-m", "forecaster"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MAX_SECONDS = 8.0
MAX_BYTES = 600_000
SMALL = ("--universe", "none", "--set", "model.training.steps=10", "--set", "model.units=[6]")
DEVELOPMENT = ("--pair", "USDJPY", "--config", "development")


def milliseconds_of(page: Path) -> float | None:
    """Milliseconds until every chart is drawn, by the page itself; None without a browser."""
    browser = next((path for path in map(shutil.which, BROWSERS) if path is not None), None)
    if browser is None:
        return None
    dumped = run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()])
    ready = re.search(r'data-ready="(\d+)"', dumped.output)
    return None if ready is None else float(ready[1])


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=positive, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    small = SMALL if parsed.quick else ()
    start = "2020-01-02" if parsed.quick else "2011-01-03"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        variables = {"FORECAST_HOME": name, "FORECAST_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        run([*FORECAST, "train", *DEVELOPMENT, *small], environment=variables)
        run([*FORECAST, "backtest", *DEVELOPMENT, *small, "--start", start], environment=variables)
        (folder / "pairs.txt").write_text("USDJPY\n" if parsed.quick else "currencies\n")
        universe = str(folder / "pairs.txt") if parsed.quick else "currencies"
        commands = {"USDJPY": ["--pair", "USDJPY"], "overview": ["--universe", universe]}
        result: dict[str, dict[str, float | None]] = {}
        for label, options in commands.items():
            page = folder / f"{label}.html"
            command = [*FORECAST, "report", *options, "--out", str(page)]
            measured = [run(command, environment=variables) for _ in range(parsed.runs)]
            result[label] = {
                "seconds": statistics.median(each.seconds for each in measured),
                "processor_seconds": statistics.median(each.processor_seconds for each in measured),
                "bytes": page.stat().st_size,
                "milliseconds_to_draw": milliseconds_of(page),
            }
    rows = [["page", "s", "processor s", "kB", "ms to draw", "reached"]]
    for label, figures in result.items():
        reached = label != "USDJPY" or (figures["seconds"] < MAX_SECONDS and figures["bytes"] < MAX_BYTES)
        drawn = figures["milliseconds_to_draw"]
        rows.append(
            [
                label,
                f"{figures['seconds']:.2f}",
                f"{figures['processor_seconds']:.2f}",
                f"{figures['bytes'] / 1000:.0f}",
                "-" if drawn is None else f"{drawn:.0f}",
                "yes" if reached else "no",
            ]
        )
    print_result(rows, {"pages": result, **machine()}, parsed.layout)


if __name__ == "__main__":
    main()
