"""Time and memory of scoring 10 million forecasts of nine quantiles each.

A child process creates one chunk of forecasts and passes it to `Scorer` until all are scored. It reports the seconds
of the scoring and the increase of its peak resident memory (``ru_maxrss``). All scores of
`forecaster.evaluation.registry` are computed: CRPS, log score, RMSE, MAE, coverage, width and interval score at
three levels, the worst 250 days, the PIT histogram and hits.

    python benchmarks/metrics.py    # a few seconds
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from processes import last_json, machine, own_peak_bytes, positive, print_result, run

AIM_SECONDS, AIM_BYTES = 20.0, 200e6


def measure(forecasts: int, chunk: int) -> dict[str, float]:
    """Score the forecasts in this process, a child of the benchmark."""
    import numpy as np

    from forecaster.evaluation.scores import Scorer
    from forecaster.quantiles import SCORING_LEVELS, normal_scores

    Scorer().add(np.zeros((10, 9)), np.zeros(10))  # lazy imports must not count as memory of the forecasts
    before = own_peak_bytes()
    rng = np.random.default_rng(0)
    width = np.exp(0.3 * rng.normal(size=chunk))
    quantiles = width[:, None] * normal_scores(SCORING_LEVELS) + 0.1 * rng.normal(size=chunk)[:, None]
    actual = width * rng.normal(size=chunk)
    scorer = Scorer()
    left = forecasts
    begun = time.perf_counter()
    while left:
        scorer.add(quantiles[:left], actual[:left])
        left -= min(left, chunk)
    seconds = time.perf_counter() - begun
    results = scorer.results()
    return {"seconds": seconds, "peak_bytes": own_peak_bytes() - before, "n": scorer.n, "crps": results["crps"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--forecasts", type=positive, default=10_000_000)
    parser.add_argument("--chunk", type=positive, default=100_000, help="forecasts in memory at the same time")
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    sizes = {"forecasts": parsed.forecasts, "chunk": parsed.chunk}
    if parsed.child:
        print(json.dumps(measure(**sizes)))
        return
    passed_on = [f"--{name}={value}" for name, value in sizes.items()]
    row = last_json(run([sys.executable, __file__, *passed_on, "--child"]))
    row |= {"seconds_aim": AIM_SECONDS, "seconds_met": row["seconds"] < AIM_SECONDS}
    row |= {"peak_aim": AIM_BYTES, "peak_met": row["peak_bytes"] < AIM_BYTES}
    cells = [
        ["forecasts", "s", "target", "met", "peak MB", "target", "met"],
        [
            f"{row['n']:,}",
            f"{row['seconds']:.2f}",
            f"under {AIM_SECONDS:g}",
            "yes" if row["seconds_met"] else "no",
            f"{row['peak_bytes'] / 1e6:.0f}",
            f"under {AIM_BYTES / 1e6:.0f}",
            "yes" if row["peak_met"] else "no",
        ],
    ]
    print_result(cells, {"benchmark": "metrics", "machine": machine(), "sizes": sizes, "rows": row}, parsed.layout)


if __name__ == "__main__":
    main()
