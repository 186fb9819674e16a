"""Time, memory and finite weights of a training with long samples.

The default network is trained on random rows with samples of 1000 to 5000 rows, each length in a process of its own.
Gradients flow through a whole sample. The batch becomes smaller as the samples become longer, so that a step reads 5000
rows whatever their length (`--step-rows`). The time is processor time of a step after the first one, which compiles.
The memory is the increase of the peak resident memory from the built network to the end. A gradient that is not finite
would make the weights not finite, which is checked after the last step.

    python benchmarks/long_context.py    # two minutes
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence

from processes import last_json, machine, own_peak_bytes, positive, print_result, run

LENGTHS = (1000, 2000, 5000)
MAX_RATIO = 1.5  # of time per row and of memory, longest samples to shortest
BURN_IN = 64
HISTORY = 12_000


def measure(length: int, step_rows: int, steps: int) -> dict[str, float]:
    """Train in this process, a child of the benchmark."""
    import numpy as np

    from forecaster.features.windows import DenseWindows
    from forecaster.models.architectures.lstm import LSTM, LSTMOptions
    from forecaster.models.engine import use_engine

    use_engine("jax", "cpu")
    from forecaster.models.keras_weights import named_weights
    from forecaster.models.optimizers import optimizer_of
    from forecaster.models.quantile.head import QuantileLoss
    from forecaster.quantiles import SCORING_LEVELS

    options = LSTMOptions.model_validate({"windows": {"chunk": length, "burn_in": BURN_IN}})
    model = LSTM(options, 20)
    network = model.network(0, BURN_IN)
    optimizer = optimizer_of(options.training, steps + 1)
    network.compile(optimizer, QuantileLoss(SCORING_LEVELS), jit_compile=True)
    rng = np.random.default_rng(0)
    rows = max(HISTORY, 2 * length)
    features = rng.normal(size=(rows, len(options.feature_names))).astype(np.float32)
    targets = rng.normal(size=(rows, len(model.knots))).astype(np.float32)
    windows = DenseWindows(features, targets, length, BURN_IN, rows)
    batch_size = max(step_rows // length, 1)
    before = own_peak_bytes()
    begun = time.process_time()
    for step in range(steps + 1):
        network.train_on_batch(*windows.batch(rng.integers(rows - length, size=batch_size)))
        if not step:
            begun = time.process_time()
    seconds = (time.process_time() - begun) / steps
    finite = all(np.isfinite(weight).all() for weight in named_weights(network).values())
    return {
        "batch_size": batch_size,
        "seconds": seconds,
        "microseconds_per_row": 1e6 * seconds / (batch_size * length),
        "peak_bytes": own_peak_bytes() - before,
        "finite": bool(finite),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lengths", type=positive, nargs="+", default=list(LENGTHS), metavar="ROWS")
    parser.add_argument("--step-rows", type=positive, default=5000)
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if min(parsed.lengths) <= BURN_IN:
        parser.error(f"--lengths: expected more than the burn-in of {BURN_IN} rows; got {min(parsed.lengths)}")
    if parsed.child:
        print(json.dumps(measure(parsed.lengths[0], parsed.step_rows, parsed.steps)))
        return
    passed_on = ["--step-rows", str(parsed.step_rows), "--steps", str(parsed.steps), "--child", "--lengths"]
    measured = {
        length: last_json(run([sys.executable, __file__, *passed_on, str(length)])) for length in parsed.lengths
    }
    cells = [["rows of a sample", "batch", "s a step", "us a row", "memory MB", "finite"]]
    for length, row in measured.items():
        numbers = [f"{row['seconds']:.2f}", f"{row['microseconds_per_row']:.0f}", f"{row['peak_bytes'] / 1e6:.0f}"]
        cells.append([str(length), str(row["batch_size"]), *numbers, "yes" if row["finite"] else "no"])
    ratios = {
        name: measured[parsed.lengths[-1]][name] / measured[parsed.lengths[0]][name]
        for name in ("microseconds_per_row", "peak_bytes")
    }
    met = max(ratios.values()) <= MAX_RATIO and all(row["finite"] for row in measured.values())
    cells.append(["longest to shortest", "", "", *(f"x{ratio:.2f}" for ratio in ratios.values()), ""])
    document = {"benchmark": "long_context", "machine": machine(), "step_rows": parsed.step_rows, "rows": measured}
    print_result(cells, {**document, "ratios": ratios, "max_ratio": MAX_RATIO, "met": met}, parsed.layout)


if __name__ == "__main__":
    main()
