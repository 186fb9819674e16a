"""Coverage and scores of the network's intervals, raw and calibrated: seven majors, 2011 to 2020, yearly refits.

Prints, for each step, the coverage of the 80, 90 and 95 % intervals with two standard errors (robust to overlap and to
correlated pairs), the lowest coverage of the 90 % interval in any 250 days of any pair, and CRPS and interval score as
ratios to the raw intervals. Rows after 2020 are cut off before any other step.

    python benchmarks/calibration.py                 # about two minutes on two cores
    python benchmarks/calibration.py --home FOLDER   # caches the backtest in FOLDER
"""

import argparse
import datetime
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from processes import print_result

from forecaster.environment import Environment
from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.evaluation.metrics import worst_rolling_coverage
from forecaster.evaluation.registry import COVERAGES, METRICS, Sample
from forecaster.stats.mean_tests import mean_test
from forecaster.workflows.backtest import BacktestResult, backtest

MAJORS = ("USDJPY", "EURUSD", "GBPUSD", "AUDUSD", "USDCHF", "USDCAD", "NZDUSD")
START = datetime.date(2011, 1, 3)
END = "2020-12-31"


def run(home: Path, assignments: Sequence[str], *, calibrate: bool) -> BacktestResult:
    """Run the backtest; a second call reuses the fits of the first."""
    environment = Environment(home=home, note=lambda text: print(f"# {text}", file=sys.stderr))
    return backtest(
        pair=MAJORS,
        start=START,
        end=END,
        set=assignments,
        models=("lstm",),
        calibrate=calibrate,
        offline=True,
        environment=environment,
    )


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
    scores = [list(METRICS["interval_score"].of(sample).values()) for sample in scored]
    result["interval_score"] = float(np.mean(scores))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="folder of the cached backtest; default: a temporary folder")
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--format", choices=["table", "markdown"], default="table")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        home = parsed.home or Path(temporary)
        raw, calibrated = (run(home, parsed.assignments, calibrate=calibrate).samples for calibrate in (False, True))
    table = [("step", "intervals", "80 %", "90 %", "95 %", "worst 250 of 90 %", "CRPS", "interval score")]
    document: dict[str, dict[str, dict[str, float]]] = {}
    for step in raw:
        before = figures(raw[step], step)
        after = figures(calibrated[step], step)
        for name, scores in (("raw", before), ("calibrated", after)):
            shares = [f"{scores[f'inside_{k:g}']:.1%} ± {scores[f'two_errors_{k:g}']:.1%}" for k in COVERAGES]
            ratios = [f"{scores[key] / before[key]:.4f}" for key in ("crps", "interval_score")]
            table.append((str(step), name, *shares, f"{scores['worst_250']:.1%}", *ratios))
            document.setdefault(str(step), {})[name] = scores
    print_result(table, {"benchmark": "calibration", "last": END, "steps": document}, parsed.format)


if __name__ == "__main__":
    main()
