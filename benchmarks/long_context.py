"""Time, memory and norms of the gradients of a training with long samples.

The default network is trained on random rows with samples of 1000 to 5000 rows, each length in a process of its own.
A step reads 5000 rows whatever the length (`--step-rows`), in one of two ways:

- In pieces of 250 rows (`--truncation`), between which the state is carried on; gradients end at the piece.
- As whole samples (`--truncation 0`), through which the gradients flow; longer samples have smaller batches.

The time is processor time after the first sample, whose steps compile. The memory is the increase of the peak resident
memory from the built network to the end. The norm is the largest one of the gradient of all weights, before clipping.

    python benchmarks/long_context.py                   # one minute
    python benchmarks/long_context.py --truncation 0
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from processes import last_json, machine, own_peak_bytes, positive, print_result, run

LENGTHS = (1000, 2000, 5000)
MAX_RATIO = 1.5  # of time per row and of memory, longest samples to shortest
BURN_IN = 64
HISTORY = 12_000


def measure(length: int, step_rows: int, steps: int, truncation: int) -> dict[str, float]:
    """Train in this process, a child of the benchmark."""
    import numpy as np

    from forecaster.models.architectures.lstm import LSTM, LSTMOptions
    from forecaster.models.engine import use_engine

    use_engine("jax", "cpu")
    from forecaster.models.keras_weights import named_weights
    from forecaster.models.quantile.head import QuantileLoss
    from forecaster.quantiles import SCORING_LEVELS

    piece = truncation or length
    batch_size = max(step_rows // piece, 1)
    windows = {"chunk": length, "burn_in": BURN_IN, "truncation": truncation or None}
    options = LSTMOptions.model_validate({"windows": windows, "training": {"batch_size": batch_size}})
    model = LSTM(options, 20)
    network = model.network(0, model.sampling.skipped_rows)
    optimizer = recording_optimizer(options.training)
    network.compile(optimizer, QuantileLoss(SCORING_LEVELS), jit_compile=True)
    rng = np.random.default_rng(0)
    rows = max(HISTORY, 2 * length) + options.windows.warm_up
    features = rng.normal(size=(rows, len(options.feature_names))).astype(np.float32)
    targets = rng.normal(size=(rows, len(model.knots))).astype(np.float32)
    samples = model.sampling.cut(features, targets, rows)
    pieces = model.sampling.pieces
    count = max(steps // pieces, 1)
    before = own_peak_bytes()
    begun = time.process_time()
    for number in range(count + 1):
        starts = rng.integers(len(samples) - length, size=batch_size)
        for part in range(pieces):
            network.train_on_batch(*(samples.piece(starts, part) if truncation else samples.batch(starts)))
        if not number:
            begun = time.process_time()
    seconds = (time.process_time() - begun) / (count * pieces)
    norm = float(optimizer.largest_norm.numpy())
    finite = math.isfinite(norm) and all(np.isfinite(weight).all() for weight in named_weights(network).values())
    return {
        "batch_size": batch_size,
        "seconds": seconds,
        "microseconds_per_row": 1e6 * seconds / (batch_size * piece),
        "peak_bytes": own_peak_bytes() - before,
        "largest_norm": norm if math.isfinite(norm) else None,
        "finite": bool(finite),
    }


def recording_optimizer(options: Any) -> Any:
    """The optimiser of the default model, with the largest norm of the gradients as its ``largest_norm``."""
    import keras
    from keras import ops

    class Recording(keras.optimizers.AdamW):
        def build(self, variables: Any) -> None:
            super().build(variables)
            self.largest_norm = self.add_variable((), name="largest_norm", initializer="zeros")

        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            norm = ops.sqrt(sum(ops.sum(ops.square(gradient)) for gradient in grads))
            super().apply(grads, trainable_variables)
            self.largest_norm.assign(ops.maximum(self.largest_norm, norm))

    return Recording(options.learning_rate, weight_decay=options.weight_decay, clipnorm=options.clip_norm)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lengths", type=positive, nargs="+", default=list(LENGTHS), metavar="ROWS")
    parser.add_argument("--step-rows", type=positive, default=5000)
    parser.add_argument("--truncation", type=int, default=250, metavar="ROWS", help="rows of a piece; 0: whole samples")
    parser.add_argument("--steps", type=positive, default=20)
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if min(parsed.lengths) <= BURN_IN:
        parser.error(f"--lengths: expected more than the burn-in of {BURN_IN} rows; got {min(parsed.lengths)}")
    if parsed.truncation and (parsed.truncation <= BURN_IN or any(rows % parsed.truncation for rows in parsed.lengths)):
        parser.error(f"--truncation: expected a divisor of all lengths, more than {BURN_IN}; got {parsed.truncation}")
    if parsed.child:
        print(json.dumps(measure(parsed.lengths[0], parsed.step_rows, parsed.steps, parsed.truncation)))
        return
    options = {"--step-rows": parsed.step_rows, "--steps": parsed.steps, "--truncation": parsed.truncation}
    passed_on = [*(str(part) for option in options.items() for part in option), "--child", "--lengths"]
    measured = {
        length: last_json(run([sys.executable, __file__, *passed_on, str(length)])) for length in parsed.lengths
    }
    cells = [["rows of a sample", "batch", "s a step", "us a row", "memory MB", "gradient", "finite"]]
    for length, row in measured.items():
        numbers = [f"{row['seconds']:.2f}", f"{row['microseconds_per_row']:.0f}", f"{row['peak_bytes'] / 1e6:.0f}"]
        norm = "none" if row["largest_norm"] is None else f"{row['largest_norm']:.2f}"
        cells.append([str(length), str(row["batch_size"]), *numbers, norm, "yes" if row["finite"] else "no"])
    ratios = {
        name: measured[parsed.lengths[-1]][name] / measured[parsed.lengths[0]][name]
        for name in ("microseconds_per_row", "peak_bytes")
    }
    met = max(ratios.values()) <= MAX_RATIO and all(row["finite"] for row in measured.values())
    cells.append(["longest to shortest", "", "", *(f"x{ratio:.2f}" for ratio in ratios.values()), "", ""])
    document = {
        "benchmark": "long_context",
        "machine": machine(),
        "step_rows": parsed.step_rows,
        "truncation": parsed.truncation,
        "rows": measured,
    }
    print_result(cells, {**document, "ratios": ratios, "max_ratio": MAX_RATIO, "met": met}, parsed.layout)


if __name__ == "__main__":
    main()
