"""Seconds to grade and verify a ledger of 10,000 forecasts; with --drift, false alarms and delays of the drift alarm.

The ledger has forecasts of 16 currency pairs in as many rows up to 2020 as are needed: normal distributions of 20
steps, beside four baselines, as `forecast predict --log` writes them. Measured are whole processes, as medians.

    python benchmarks/ledger.py
    python benchmarks/ledger.py --drift          # simulated forecasts, half a minute
"""

import argparse
import datetime
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processes import machine, positive, print_result, run

FORECAST = [sys.executable, "-m", "forecaster"]
END = "2020-12-31"
HORIZON = 20
SCALE = 1e-9
SHOWN_RATE = 10  # years of 250 rows
CHANGES = {
    "none": (1.0, 0.0),
    "outcomes 1.3 times as wide": (1.3, 0.0),
    "outcomes twice as wide": (2.0, 0.0),
    "outcomes half as wide": (0.5, 0.0),
    "outcomes higher by half a standard deviation": (1.0, 0.5),
}


def write_ledger(home: Path, count: int) -> int:
    """Write a ledger of at least `count` forecasts and return its bytes."""
    import numpy as np

    import forecaster
    from forecaster.data.universes import PANEL_CURRENCIES
    from forecaster.experiments.ledger import append_entries, ledger_path
    from forecaster.quantiles import SCORING_LEVELS, normal_scores

    pairs = [f"USD{code}" for code in sorted({*PANEL_CURRENCIES} - {"USD", "EUR"})][:16]
    histories = [forecaster.load_history(pair=pair, home=home, end=END, offline=True) for pair in pairs]
    rows = -(-count // len(histories))
    table = np.multiply.outer(0.006 * np.sqrt(np.arange(1, HORIZON + 1)), normal_scores(SCORING_LEVELS)) / SCALE
    quantiles = np.rint(table).astype(int)
    steps = [1, 5, 10, 20]
    baselines = {
        name: np.rint(width * table[np.array(steps) - 1]).astype(int)
        for name, width in (("garch", 1.1), ("har", 1.05), ("ewma", 1.2), ("random_walk", 1.4))
    }
    for place in range(-rows, 0):
        entries: list[dict[str, Any]] = []
        for series in histories:
            cutoff = series.dates[place]
            entries.append(
                {
                    "version": forecaster.__version__,
                    "instrument": series.instrument.name,
                    "kind": "pair",
                    "source": series.source,
                    "frequency": "1d",
                    "data": {},
                    "data_sha256": series.between(end=cutoff).sha256,
                    "run_id": "20170101-000000-000-USDJPY-000000",
                    "model": "lstm",
                    "configuration": "default",
                    "calibration": "past outcomes",
                    "cutoff": cutoff,
                    "last_price": float(series.close[place]),
                    "unit": "log_return",
                    "levels": list(SCORING_LEVELS),
                    "dates": np.busday_offset(cutoff, np.arange(1, HORIZON + 1)),
                    "scale": SCALE,
                    "quantiles": quantiles,
                    "unchanged": None,
                    "baseline_steps": steps,
                    "baselines": baselines,
                }
            )
        day = max(series.dates[place] for series in histories).astype(datetime.date)
        evening = datetime.datetime.combine(day, datetime.time(18), datetime.UTC)
        append_entries(ledger_path(home), entries, lambda evening=evening: evening)
    return ledger_path(home).stat().st_size


def drift_rows(rows: int, families: int) -> list[list[str]]:
    """Alarms of simulated forecasts: how often without a change, and how late after one."""
    import numpy as np

    from forecaster.evaluation.drift import IssuedForecasts, drift_alarms
    from forecaster.quantiles import SCORING_LEVELS, normal_scores

    rng = np.random.default_rng(0)
    days = np.arange(rows) + np.datetime64("2005-01-01")
    result = [["change", f"false alarms in {rows} rows", "median rows until the alarm"]]
    for name, (scale, shift) in CHANGES.items():
        alarms = 0
        delays = []
        for _ in range(families):
            outcomes = scale * rng.standard_normal(rows) + shift
            quantiles = np.repeat(normal_scores(SCORING_LEVELS)[None], rows, axis=0)
            issued = IssuedForecasts(
                "X", 1, np.arange(rows), days, days + 1, outcomes, quantiles, np.zeros(rows), ["run"] * rows
            )
            raised = drift_alarms([issued])
            alarms += len(raised)
            delays.append(int((raised[0].date - days[0]).astype(int)) if raised else rows)
        is_null = name == "none"
        median = "-" if is_null else f"{statistics.median(delays):.0f}"
        result.append([name, f"{alarms / families:.2f}" if is_null else "-", median])
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--forecasts", type=positive, default=10_000)
    parser.add_argument("--repeats", type=positive, default=5)
    parser.add_argument("--drift", action="store_true")
    parser.add_argument("--families", type=positive, default=200)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    if parsed.drift:
        rows = drift_rows(SHOWN_RATE * 250, parsed.families)
        print_result(rows, {"drift": rows[1:], "families": parsed.families, **machine()}, parsed.layout)
        return
    seconds: dict[str, float] = {}
    processor: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        size = write_ledger(Path(name), parsed.forecasts)
        environment = {"FORECAST_HOME": name, "PYTHONPATH": os.pathsep.join(sys.path)}
        for label in ("score", "ledger verify"):
            command = [*FORECAST, *label.split(), *(["--offline"] if label == "score" else [])]
            measured = [run(command, environment=environment) for _ in range(parsed.repeats)]
            seconds[label] = statistics.median(each.seconds for each in measured)
            processor[label] = statistics.median(each.processor_seconds for each in measured)
    rows = [["command", "s", "processor s"]]
    rows += [[label, f"{value:.2f}", f"{processor[label]:.2f}"] for label, value in seconds.items()]
    document = {"forecasts": parsed.forecasts, "megabytes": size / 1e6, "seconds": seconds, "processor": processor}
    print_result(rows, {**document, **machine()}, parsed.layout)


if __name__ == "__main__":
    main()
