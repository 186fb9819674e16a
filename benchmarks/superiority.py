"""Error rates of the bootstrap for equally good models, one and several days ahead.

The losses of each model are common daily losses plus noise of its own, averaged over `step` days that neighbouring
cutoffs share, as in a backtest. All models are equally good. The SPA test should therefore reject at 5 % in one sample
of twenty, the 90 % model confidence set should drop a model in one of ten, and the 95 % interval of the ratio of two
mean losses should contain 1 in nineteen of twenty.

    python benchmarks/superiority.py    # five minutes
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from processes import machine, positive, print_result

from forecaster.stats.bootstrap import (
    MIN_OUTCOMES,
    mean_ratio_intervals,
    model_confidence_set,
    superior_ability,
)

CASES = ((2540, 1), (2540, 5), (2540, 10), (2540, 20), (1000, 20))  # cutoffs, step
_DRAWS = 300


def simulate(cutoffs: int, step: int, models: int, samples: int, seed: int) -> dict[str, Any]:
    """Shares of samples in which the test rejects, the set drops a model, and the interval contains 1."""
    rng = np.random.default_rng([seed, cutoffs, step])
    shared = np.ones(step) / step
    rejected, dropped, held = 0, 0, 0
    for number in range(samples):
        days = np.convolve(rng.gamma(2, size=cutoffs + step - 1), shared, "valid")
        own = [np.convolve(rng.normal(size=cutoffs + step - 1), shared, "valid") for _ in range(models)]
        losses = {f"model{k}": days + 0.05 * noise for k, noise in enumerate(own)}
        confidence_set = model_confidence_set(losses, 0.1, number, _DRAWS, step)
        ends = mean_ratio_intervals(losses, 0.95, number, _DRAWS, step)["model0"]["model1"]
        benchmark = losses.pop("model0")
        chance = superior_ability(benchmark, losses, number, _DRAWS, step)
        rejected += chance < 0.05
        dropped += len(confidence_set.included) < models
        held += ends[0] <= 1 <= ends[1]
    shares = {"spa_rejects": rejected, "set_drops": dropped, "interval_holds": held}
    return {"cutoffs": cutoffs, "step": step} | {name: count / samples for name, count in shares.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=positive, default=400)
    parser.add_argument("--models", type=positive, default=4)
    parser.add_argument("--cutoffs", type=positive, help="number of cutoffs of a single case, with --step")
    parser.add_argument("--step", type=positive, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parsed = parser.parse_args(arguments)
    if parsed.cutoffs and parsed.cutoffs < MIN_OUTCOMES * parsed.step:
        parser.error(f"--cutoffs {parsed.cutoffs} with --step {parsed.step}; expected {MIN_OUTCOMES} times the step")
    cases = ((parsed.cutoffs, parsed.step),) if parsed.cutoffs else CASES
    rows = [simulate(*case, parsed.models, parsed.samples, parsed.seed) for case in cases]
    cells = [["cutoffs", "step", "SPA rejects (5 %)", "set drops a model (10 %)", "interval contains 1 (95 %)"]]
    for row in rows:
        shares = [f"{100 * row[name]:.1f} %" for name in ("spa_rejects", "set_drops", "interval_holds")]
        cells.append([f"{row['cutoffs']:,}", str(row["step"]), *shares])
    sizes = {"samples": parsed.samples, "models": parsed.models, "seed": parsed.seed}
    print_result(cells, {"benchmark": "superiority", "machine": machine(), "sizes": sizes, "rows": rows}, parsed.layout)


if __name__ == "__main__":
    main()
