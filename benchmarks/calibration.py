"""Coverage and scores of the network's intervals, raw and calibrated: 16 pairs, 2011 to 2020, yearly refits.

Prints, for each step, the coverage of the 80, 90 and 95 % intervals with two standard errors (robust to overlap and to
correlated pairs), the lowest coverage of the 90 % interval in any 250 days of any pair, CRPS and interval score as
ratios to the raw intervals, the log score x 1e4 less that of GARCH (below 0 is better), and the share of this lead that
the calibration costs. Rows after 2020 are cut off before any other step.

    python benchmarks/calibration.py                                  # about five minutes on two cores
    python benchmarks/calibration.py --home FOLDER                    # caches the backtest in FOLDER
    python benchmarks/calibration.py --home FOLDER --end 2015-12-31   # the first half of the years
    python benchmarks/calibration.py --home FOLDER --start 2016-01-04 # the second half
"""

import argparse
import dataclasses
import datetime
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from processes import print_result
from skill import SCORED

from forecaster.environment import Environment
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.metrics import worst_rolling_coverage
from forecaster.evaluation.registry import COVERAGES, METRICS, Sample
from forecaster.stats.mean_tests import mean_test
from forecaster.workflows.backtest import BacktestResult, backtest

START = datetime.date(2011, 1, 3)
REFERENCE = "garch"
END = datetime.date(2020, 12, 31)


def run(home: Path, pairs: Sequence[str], assignments: Sequence[str], *, calibrate: bool) -> BacktestResult:
    """Run the backtest of all years; a second call reuses the fits of the first."""
    environment = Environment(home=home, note=lambda text: print(f"# {text}", file=sys.stderr))
    return backtest(
        pair=pairs,
        start=START,
        end=END.isoformat(),
        set=assignments,
        models=("lstm", REFERENCE),
        calibrate=calibrate,
        offline=True,
        environment=environment,
    )


def between(samples: Sequence[OutOfSample], start: datetime.date, end: datetime.date) -> list[OutOfSample]:
    """The cutoffs from `start` to `end`."""
    parts = []
    for sample in samples:
        rows = (sample.dates >= np.datetime64(start)) & (sample.dates <= np.datetime64(end))
        quantiles = {name: values[rows] for name, values in sample.quantiles.items()}
        parts.append(
            dataclasses.replace(sample, dates=sample.dates[rows], outcomes=sample.outcomes[rows], quantiles=quantiles)
        )
    return parts


def figures(samples: Sequence[OutOfSample], step: int) -> dict[str, float]:
    """Mean scores over the pairs, and the lowest rolling coverage of any pair."""
    scored = [Sample(sample.quantiles["lstm"], sample.outcomes) for sample in samples]
    dates = np.unique(np.concatenate([sample.dates for sample in samples]))
    result: dict[str, float] = {}
    for k, level in enumerate(COVERAGES):
        inside = [sample.inside[k] for sample in scored]
        total = np.zeros(len(dates))
        count = np.zeros(len(dates))
        for sample, values in zip(samples, inside, strict=True):
            index = np.searchsorted(dates, sample.dates)
            total[index] += values
            count[index] += 1
        test = mean_test(total / count - level, step)
        result[f"inside_{level:g}"] = float(np.mean([values.mean() for values in inside]))
        result[f"two_errors_{level:g}"] = 2 * (test.standard_error or float("nan"))
        if level == 0.9:
            result["worst_250"] = min(worst_rolling_coverage(values) or 1.0 for values in inside)
    result["crps"] = float(np.mean([METRICS["crps"].of(sample) for sample in scored]))
    reference = [Sample(sample.quantiles[REFERENCE], sample.outcomes) for sample in samples]
    own, other = ([METRICS["log_score"].of(sample) for sample in group] for group in (scored, reference))
    result["lead"] = 1e4 * float(np.mean(own) - np.mean(other))
    scores = [list(METRICS["interval_score"].of(sample).values()) for sample in scored]
    result["interval_score"] = float(np.mean(scores))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder of the cached backtest; default: a temporary folder")
    parser.add_argument("--pairs", default=",".join(SCORED), help="default: those of skill.py")
    parser.add_argument("--start", type=datetime.date.fromisoformat, default=START, help="first cutoff that is scored")
    parser.add_argument("--end", type=datetime.date.fromisoformat, default=END, help="last cutoff that is scored")
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    if not START <= parsed.start < parsed.end <= END:
        parser.error(f"--start and --end: expected days from {START} to {END}; got {parsed.start} and {parsed.end}")
    with tempfile.TemporaryDirectory() as temporary:
        home = parsed.home or Path(temporary)
        raw, calibrated = (
            run(home, parsed.pairs.split(","), parsed.assignments, calibrate=calibrate).samples
            for calibrate in (False, True)
        )
    table = [
        ("step", "intervals", "80 %", "90 %", "95 %", "worst 250 of 90 %", "CRPS", "interval score", "lead", "cost")
    ]
    document: dict[str, dict[str, dict[str, float]]] = {}
    for step in raw:
        before, after = (figures(between(each[step], parsed.start, parsed.end), step) for each in (raw, calibrated))
        after["cost"] = 100 * (1 - after["lead"] / before["lead"])
        for name, scores in (("raw", before), ("calibrated", after)):
            shares = [f"{scores[f'inside_{k:g}']:.1%} ± {scores[f'two_errors_{k:g}']:.1%}" for k in COVERAGES]
            ratios = [f"{scores[key] / before[key]:.4f}" for key in ("crps", "interval_score")]
            lead = (f"{scores['lead']:.1f}", f"{scores['cost']:.0f} %" if "cost" in scores else "")
            table.append((str(step), name, *shares, f"{scores['worst_250']:.1%}", *ratios, *lead))
            document.setdefault(str(step), {})[name] = scores
    facts = {"benchmark": "calibration", "first": str(parsed.start), "last": str(parsed.end), "steps": document}
    print_result(table, facts, parsed.format)


if __name__ == "__main__":
    main()
