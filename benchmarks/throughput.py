"""Training throughput: this program on JAX and TensorFlow, TensorFlow's standard `fit`, and `classic`.

A *target* is one row of a training batch with at least one known outcome in the loss. It counts once, however many
steps ahead (knots) are scored; masked rows, padded rows and rows of a burn-in do not count. A dense chunk of 320 rows
with a burn-in of 64 therefore holds up to 256 targets, and a window of `classic` holds one. The same function counts
the targets in the batches of every variant.

The throughput is the number of targets in the batches between the first and the last progress report, over the seconds
between them. The first report comes after compilation, so this is the steady state, including drawing and copying of
the batches. The processor seconds of all threads are reported too; they depend less on the load of the machine. Each
variant runs in a separate process on the CPU, through `forecaster.workflows.train.train`, and stops when the network is
fitted:

    jax         training of the default network with this program, JAX
    tensorflow  the same code, TensorFlow
    stock       the same network, optimiser, loss and batches with TensorFlow's `compile` and `fit` in their defaults:
                no XLA, one step per call, TensorFlow's own oneDNN setting
    classic     the tutorial's 2xLSTM(50), windows of 60, one target each, batches of 32, with the same `fit`

    python benchmarks/throughput.py            # about four minutes on two idle cores
    python benchmarks/throughput.py --runs 1   # a third of it
"""

import argparse
import dataclasses
import functools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from processes import last_json, machine, positive, print_result, run

AIM_STOCK, AIM_CLASSIC = 4, 50


@dataclasses.dataclass(frozen=True)
class Way:
    """One variant of the training: network, engine, and True in `stock` for the standard `fit`."""

    text: str
    backend: str
    assignments: tuple[str, ...]
    stock: bool


DEFAULT = ("model.training.steps={steps}",)
CLASSIC = ("model.kind=classic", "universe=none", "model.epochs=2")
WAYS = {
    "jax": Way("this program, JAX", "jax", DEFAULT, stock=False),
    "tensorflow": Way("this program, TensorFlow", "tensorflow", DEFAULT, stock=False),
    "stock": Way("same network, standard fit", "tensorflow", DEFAULT, stock=True),
    "classic": Way("classic, standard fit", "tensorflow", CLASSIC, stock=True),
}


class Mark(NamedTuple):
    """One progress report: wall seconds, processor seconds, completed steps."""

    seconds: float
    processor_seconds: float
    done: int

    @classmethod
    def now(cls, done: int) -> "Mark":
        """A report at the current time."""
        return cls(time.perf_counter(), time.process_time(), done)


class FittedEnough(Exception):  # not an error: ends a training after the measurement
    """Signal with the batches and the progress reports of a training."""

    def __init__(self, batches: Any, marks: "list[Mark]") -> None:
        super().__init__()
        self.batches, self.marks = batches, marks


def our_fit(original: Any, network: Any, batches: Any, optimizer: Any, loss: Any, *ignored: Any) -> NoReturn:
    """Train with `fit_network`, without its validation, and record each progress report."""
    marks: list[Mark] = []

    def progress(stage: str, done: int, total: int, loss: float | None = None, detail: str = "") -> None:
        marks.append(Mark.now(done))

    original(network, batches, optimizer, loss, progress)
    raise FittedEnough(batches, marks)


def stock_fit(network: Any, batches: Any, optimizer: Any, loss: Any, *ignored: Any) -> NoReturn:
    """Train with Keras's `compile` and `fit`, and record the end of each step."""
    import keras

    marks: list[Mark] = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.begin(epoch),
        on_train_batch_end=lambda batch, logs: marks.append(Mark.now(len(marks) + 1)),
    )
    network.compile(optimizer, loss, jit_compile=False)
    network.fit(batches, epochs=batches.epochs, shuffle=False, verbose=0, callbacks=[note])
    raise FittedEnough(batches, marks)


def count_targets(batches: Any, first: int, end: int) -> int:
    """Count the targets of the batches `first` to `end` - 1, numbered through all epochs."""
    import numpy as np

    targets = 0
    for number in range(first, end):
        epoch, index = divmod(number, len(batches))
        batches.begin(epoch)
        targets += int(np.isfinite(batches[index][1]).any(axis=-1).sum())
    return targets


def measure(way: Way, steps: int, assignments: Sequence[str]) -> dict[str, float]:
    """Train in this process, a child of the benchmark."""
    from forecaster import train
    from forecaster.models.engine import use_engine

    use_engine(way.backend, "cpu")
    from forecaster.models import training

    fit = stock_fit if way.stock else functools.partial(our_fit, training.fit_network)
    training.fit_network = fit
    own = [text.format(steps=steps) for text in way.assignments]
    try:
        with tempfile.TemporaryDirectory() as home:
            train(pair="USDJPY", set=[*own, *assignments], backend=way.backend, device="cpu", home=home)
    except FittedEnough as fitted:
        return throughput(fitted.batches, fitted.marks)
    raise SystemExit("error: the training no longer goes through forecaster.models.training.fit_network")


def throughput(batches: Any, marks: Sequence[Mark]) -> dict[str, float]:
    """Targets per second between the first and the last progress report."""
    if len(marks) < 2:
        raise SystemExit(f"error: {len(marks)} report of progress; expected two or more; give more --steps")
    first, last = marks[0], marks[-1]
    seconds, processor_seconds, steps = (end - begin for begin, end in zip(first, last, strict=True))
    targets = count_targets(batches, first.done, last.done)
    return {
        "steps": steps,
        "targets": targets,
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "rate": targets / seconds,
        "processor_rate": targets / processor_seconds,
    }


def measure_all(names: Sequence[str], runs: int, passed_on: Sequence[str]) -> dict[str, dict[str, float]]:
    """Medians over `runs` rounds; in each round every variant runs once, in a separate process."""
    # `use_engine` disables oneDNN by default, for identical bits; the standard fit keeps it.
    environments = {name: {"TF_ENABLE_ONEDNN_OPTS": "1"} if WAYS[name].stock else {} for name in names}
    rounds = []
    for _ in range(runs):
        command = [sys.executable, __file__, *passed_on]
        rounds.append(
            {name: last_json(run([*command, "--child", name], environment=environments[name])) for name in names}
        )
    return {
        name: {key: statistics.median(figures[name][key] for figures in rounds) for key in rounds[0][name]}
        for name in names
    }


def ratios(measured: dict[str, dict[str, float]]) -> dict[str, dict[str, float | bool]]:
    """Rate of this program on JAX over the other rates, with its target if there is one."""
    compared: dict[str, dict[str, float | bool]] = {}
    for name, aim in (("tensorflow", None), ("stock", AIM_STOCK), ("classic", AIM_CLASSIC)):
        if {"jax", name} <= measured.keys():
            ratio, processor = (measured["jax"][key] / measured[name][key] for key in ("rate", "processor_rate"))
            row = {"ratio": round(ratio, 2), "processor_ratio": round(processor, 2)}
            compared[f"jax/{name}"] = row | ({"aim": aim, "met": ratio >= aim} if aim else {})
    return compared


def table(measured: dict[str, dict[str, float]], compared: dict[str, dict[str, float | bool]]) -> list[list[str]]:
    """The cells of the printed table; the ratio in brackets is per processor second."""
    header = ["training", "steps", "seconds", "targets/s", "per processor s", "JAX over this", "target", "met"]
    cells = [header]
    for name, rates in measured.items():
        row = compared.get(f"jax/{name}", {})
        figures = [
            f"{rates['steps']:.0f}",
            f"{rates['seconds']:.1f}",
            f"{rates['rate']:,.0f}",
            f"{rates['processor_rate']:,.0f}",
        ]
        ratio = [f"{row['ratio']:.1f} ({row['processor_ratio']:.1f})" if row else ""]
        aim = [f"at least {row['aim']}", "yes" if row["met"] else "no"] if "aim" in row else ["", ""]
        cells.append([WAYS[name].text, *figures, *ratio, *aim])
    return cells


def way_names(text: str) -> list[str]:
    """Parse and check names of variants."""
    names = text.split(",")
    if unknown := [name for name in names if name not in WAYS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; expected some of {','.join(WAYS)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the benchmark and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=positive, default=3, help="number of rounds [3]")
    parser.add_argument("--steps", type=positive, default=300, help="optimiser steps of the default network [300]")
    parser.add_argument("--ways", type=way_names, default=list(WAYS), help=",".join(WAYS))
    parser.add_argument("--set", action="append", default=[], dest="assignments", metavar="KEY=VALUE")
    parser.add_argument("--format", choices=["table", "markdown"], default="table", dest="layout")
    parser.add_argument("--child", choices=list(WAYS), help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.child:
        print(json.dumps(measure(WAYS[parsed.child], parsed.steps, parsed.assignments)))
        return
    taken_on = machine()
    passed_on = ["--steps", str(parsed.steps), *(f"--set={text}" for text in parsed.assignments)]
    measured = measure_all(parsed.ways, parsed.runs, passed_on)
    compared = ratios(measured)
    facts = {"benchmark": "throughput", "machine": taken_on, "runs": parsed.runs}
    print_result(table(measured, compared), {**facts, "rows": measured, "ratios": compared}, parsed.layout)


if __name__ == "__main__":
    main()
