"""CRPS, seconds of a fit and size of every kind of network for panels, 16 currency pairs.

The walk-forward backtest of `skill.py`: cutoffs 2011-01-03 to 2020-12-31, three fits of each kind with its default
options on all crosses of the universe. Prints the mean over the pairs of the CRPS over that of `ewma` and over that of
`garch` at 1, 5, 10 and 20 days, the worst pair at any of them, the mean processor seconds of a fit, and the number of
trained weights. With `--alone` the forecasts are those of the network alone, without the regression and the calendar
of volatility that all kinds share.

    python benchmarks/kinds.py                        # about four minutes on two cores
    python benchmarks/kinds.py --kinds rnn --alone    # one kind, half a minute
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from skill import DEVELOPMENT, SCORED, STEPS, Losses, load_panel, pair_means, walk_forward

from forecaster.config import load_config
from forecaster.data.series import Panel
from forecaster.models import network_names, traits_of
from forecaster.models.engine import use_engine

BASELINES = ("ewma", "garch")
KINDS = [name for name in network_names() if traits_of(name).panel]
ALONE = ("model.linear_share=0", "model.volatility_calendar=false")


def measure(kind: str, panel: Panel, baselines: dict[str, Losses], assignments: Sequence[str]) -> dict[str, Any]:
    """Row of the table for one kind."""
    seconds, parameters = [], []

    def on_fit(fitted: Any, used: float) -> None:
        seconds.append(used)
        parameters.append(fitted.report.parameters)

    config = load_config(None, [f"model.kind={kind}", *assignments])
    means = pair_means(walk_forward(kind, panel, config, on_fit=on_fit))
    row: dict[str, Any] = {"seconds": float(np.mean(seconds)), "parameters": parameters[-1]}
    for name, losses in baselines.items():
        reference = pair_means(losses)
        ratios = np.array([means[pair] / reference[pair] for pair in SCORED])
        row[name] = {"mean": ratios.mean(axis=0).tolist(), "worst": float(ratios.max())}
    print(f"# {kind}: {json.dumps(row)}", file=sys.stderr, flush=True)
    return row


def report(rows: dict[str, dict[str, Any]], layout: str) -> None:
    """Print a table for each baseline and a line of JSON; or that line alone."""
    if layout != "json":
        for baseline in BASELINES:
            print(table(rows, baseline, layout))
            print()
    print(json.dumps({"benchmark": "kinds", "last": str(DEVELOPMENT.last), "steps": STEPS, "rows": rows}))


def table(rows: dict[str, dict[str, Any]], baseline: str, layout: str) -> str:
    """Ratios to a baseline, in columns or as a Markdown table."""
    heads = [f"over {baseline}", *(f"h={step}" for step in STEPS), "worst", "fit, s", "weights"]
    lines = []
    for kind, row in rows.items():
        ratios = [f"{value:.4f}" for value in (*row[baseline]["mean"], row[baseline]["worst"])]
        lines.append([kind, *ratios, f"{row['seconds']:.1f}", f"{row['parameters']:,}"])
    if layout == "markdown":
        bars = [heads, ["---"] * len(heads), *lines]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in bars)
    return "\n".join(f"{cells[0]:<13}" + "".join(f"{cell:>9}" for cell in cells[1:]) for cells in [heads, *lines])


def kind_names(text: str) -> list[str]:
    """Parse and check kinds."""
    names = text.split(",")
    if unknown := [name for name in names if name not in KINDS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(KINDS)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kinds", type=kind_names, default=KINDS, help=",".join(KINDS))
    parser.add_argument("--alone", action="store_true", help="the network without regression and calendar")
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--backend", choices=["auto", "jax", "tensorflow"], default="auto")
    parser.add_argument("--format", choices=["table", "markdown", "json"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    use_engine(parsed.backend)
    panel = load_panel()
    baselines = {name: walk_forward(name, panel, load_config()) for name in BASELINES}
    assignments = [*(ALONE if parsed.alone else ()), *parsed.assignments]
    report({kind: measure(kind, panel, baselines, assignments) for kind in parsed.kinds}, parsed.layout)


if __name__ == "__main__":
    main()
