"""Throughput of a backtest of 16 pairs on one local process, on two, and on Ray with the same two processors.

A *cell* is one model in one fold. `fits` are the seconds from the first request for a cell to the last record, with
the start of processes or of Ray; their ratio is the throughput of two processes over that of one. `first` is the time
until the first network is recorded. `a network` is the time between the first and the last recorded network, over the
number of those between: the steady state, in which Ray is compared with two processes. Loading of the data and the
scores are the same for all and are not counted.

Each backtest runs in a separate process with a new home folder, on histories cut at 2020-12-31.

    python benchmarks/executors.py             # about eight minutes on two idle cores
    python benchmarks/executors.py --pairs 2 --start 2019-01-01 --steps 20 --executors local-1,local-2
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import last_json, machine, positive, print_result, run

AIM_TWO, AIM_RAY = 1.7, 0.85
END = "2020-12-31"
PAIRS = (
    *("USDJPY", "EURUSD", "GBPUSD", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURJPY"),
    *("EURGBP", "EURCHF", "USDSEK", "USDNOK", "EURSEK", "EURNOK", "USDZAR", "USDMXN"),
)
EXECUTORS = {"local-1": ("local", 1), "local-2": ("local", 2), "ray-2": ("ray", 2)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=positive, default=len(PAIRS), help="number of pairs")
    parser.add_argument("--start", default="2011-01-01", help="first cutoff")
    parser.add_argument(
        "--steps", type=positive, default=None, help="steps of each training; the default ones if not given"
    )
    parser.add_argument("--executors", default=",".join(EXECUTORS), help=f"some of {', '.join(EXECUTORS)}")
    parser.add_argument("--models", default="lstm,ewma", help="models of the backtest, the network first")
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.child is not None:
        print(json.dumps(measured(*EXECUTORS[parsed.child], parsed)))
        return
    options = ["--pairs", str(parsed.pairs), "--start", parsed.start, "--models", parsed.models]
    options += [] if parsed.steps is None else ["--steps", str(parsed.steps)]
    figures: dict[str, dict[str, Any]] = {}
    for name in parsed.executors.split(","):
        process = run([sys.executable, os.path.abspath(__file__), "--child", name, *options])
        figures[name] = {**last_json(process), "whole": process.seconds}
    print_result(table(figures), {"executors": figures, "machine": machine()}, parsed.format)


def measured(executor: str, jobs: int, parsed: argparse.Namespace) -> dict[str, Any]:
    """Seconds of one backtest in this process."""
    from forecaster.environment import Environment
    from forecaster.workflows.backtest import backtest

    settings: dict[str, Any] = {"data.end": END}
    if parsed.steps is not None:
        settings["model.training.steps"] = parsed.steps
    marks: list[tuple[str, float, float]] = []

    def report(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        marks.append((stage, done, time.perf_counter()))

    with tempfile.TemporaryDirectory() as home:
        backtest(
            pair=",".join(PAIRS[: parsed.pairs]),
            start=parsed.start,
            models=parsed.models,
            set=settings,
            jobs=jobs,
            executor=executor,
            offline=True,
            environment=Environment(home=Path(home), progress=report),
        )
        network = parsed.models.partition(",")[0]
        records = sorted(path.stat().st_mtime_ns for path in Path(home).glob(f"backtests/fits/*-{network}-*"))
        cells = len(list(Path(home).glob("backtests/fits/*.npz")))
    fits = [seconds for stage, _, seconds in marks if stage == "backtest"]
    evaluation = [seconds for stage, _, seconds in marks if stage == "evaluate"]
    return {
        "cells": cells,
        "fits": fits[-1] - fits[0],
        "first": (records[0] - records[-1]) / 1e9 + fits[-1] - fits[0],
        "steady": (records[-1] - records[0]) / 1e9 / max(1, len(records) - 1),
        "scores": evaluation[-1] - evaluation[0],
    }


def table(figures: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row for each executor, with its throughput over that of one process."""
    rows = [("executor", "cells", "fits s", "first s", "s a network", "scores s", "throughput", "aim", "reached")]
    for name, values in figures.items():
        ratio, aim = _ratio(name, figures)
        shown = ("", "", "") if ratio is None else (f"{ratio:.2f}", f"{aim:.2f}", "yes" if ratio >= aim else "no")
        seconds = [f"{values[key]:.1f}" for key in ("fits", "first", "steady", "scores")]
        rows.append((name, str(values["cells"]), *seconds, *shown))
    return rows


def _ratio(name: str, figures: dict[str, dict[str, Any]]) -> tuple[float | None, float]:
    """Throughput of two processes over that of one, and of Ray after its start over that of two processes."""
    if name == "local-2" and "local-1" in figures:
        return figures["local-1"]["fits"] / figures[name]["fits"], AIM_TWO
    if name == "ray-2" and "local-2" in figures:
        return figures["local-2"]["steady"] / figures[name]["steady"], AIM_RAY
    return None, 0.0


if __name__ == "__main__":
    main()
