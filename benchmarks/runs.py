"""Seconds to list thousands of recorded runs, and to forecast with one of them.

One run of the currency panel is trained for a few steps and copied under new ids, each copy with a manifest and a
checksum of its own. Measured are whole processes: the first list, which makes the index, and then, as medians, the
newest runs, a sorted list with a condition, and a forecast, which ranks all runs.

    python benchmarks/runs.py                  # 10,000 runs, about 2 minutes and 0.8 GB of disk
    python benchmarks/runs.py --runs 100
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import machine, positive, print_result, run

FORECAST = [sys.executable, "-m", "forecaster"]
TRAINING = ["train", "--pair", "USDJPY", "--config", "quick", "--set", "model.training.steps=5", "--offline"]
COMMANDS = {
    "runs list": ["runs", "list"],
    "runs list, sorted and filtered": [
        *("runs", "list", "--sort", "crps_ratio.garch@1", "--where", "crps_ratio.garch@5<9")
    ],
    "predict": ["predict", "--pair", "USDJPY", "--offline"],
}


def copy_runs(home: Path, count: int) -> None:
    """Copy the only run of a project under `count` new ids."""
    from forecaster.experiments.stored_files import document_checksum

    (source,) = (folder for folder in (home / "runs").iterdir() if folder.is_dir())
    document = json.loads((source / "manifest.json").read_text())
    for number in range(count):
        folder = source.with_name(f"20200101-{number:06d}-000-USDJPY-{number:06x}")
        folder.mkdir()
        document["run_id"] = folder.name
        document["checksum"] = document_checksum(document)
        (folder / "manifest.json").write_text(json.dumps(document))
        for name in ("config.yaml", "weights.npz", "history.csv"):
            os.link(source / name, folder / name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=positive, default=10_000)
    parser.add_argument("--repeats", type=positive, default=5)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        environment = {"FORECAST_HOME": name, "PYTHONPATH": os.pathsep.join(sys.path)}
        run([*FORECAST, *TRAINING], environment=environment)
        copy_runs(Path(name), parsed.runs)
        seconds["first list, without an index"] = run([*FORECAST, "runs", "list"], environment=environment).seconds
        for label, command in COMMANDS.items():
            measured = [run([*FORECAST, *command], environment=environment) for _ in range(parsed.repeats)]
            seconds[label] = statistics.median(each.seconds for each in measured)
    rows = [["command", "s"], *([label, f"{value:.2f}"] for label, value in seconds.items())]
    print_result(rows, {"runs": parsed.runs, "seconds": seconds, **machine()}, parsed.layout)


if __name__ == "__main__":
    main()
