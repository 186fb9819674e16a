"""Permutation importance of inputs (Breiman 2001, Mach. Learn. 45), by blocks of days.

The values of an input are shuffled over the scored rows in blocks, so that they keep their course within a block and
lose their connection with the outcome and the other inputs. The importance is the relative increase of the loss.
Its interval counts two independent errors: that of the days, by a bootstrap, and that of the few permutations, by
Student's t.
Inputs that resemble each other replace each other, so each of them looks less important than all of them are together:
groups are shuffled together.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.stats.bootstrap import Interval, mean_ratio_intervals
from forecaster.stats.mean_tests import student_quantile

__all__ = ["BLOCK_ROWS", "Importance", "Shuffling", "block_permutation", "permutation_importance"]

BLOCK_ROWS = 60
"""Rows of a block, about a quarter of a year."""

DRAWS = 300  # of the bootstrap, for each input
CONFIDENCE = 0.95
_MODEL = ""  # the name of the losses without a permutation: no input has it


@dataclasses.dataclass(frozen=True)
class Importance:
    """Importance of one input, or of a group of inputs.

    Args:
        name: Input or group.
        step: Days ahead.
        n: Number of cutoffs.
        increase: Mean loss with the shuffled input over that of the model, less 1.
        interval: Ends of the 95 % interval of the increase; None with too few days.
    """

    name: str
    step: int
    n: int
    increase: float
    interval: Interval | None


@dataclasses.dataclass(frozen=True)
class Shuffling:
    """Settings of the permutations.

    Args:
        repetitions: Number of permutations, at least 5 for an interval, whose losses are averaged.
        block_rows: Rows of a block.
        seed: Seed of the permutations and of the bootstrap.
    """

    repetitions: int
    block_rows: int = BLOCK_ROWS
    seed: int = 0


def permutation_importance(
    losses: Callable[[Float32Array], FloatArray],
    inputs: Float32Array,
    groups: Mapping[str, Sequence[int]],
    overlaps: Mapping[int, int],
    shuffling: Shuffling,
) -> list[Importance]:
    """Compute the importance of each group at each step.

    Args:
        losses: Inputs (B, T, F) -> daily losses (B, N, S) at S steps, in order of time.
        inputs: (T, F) inputs of the rows that the model reads.
        groups: Name -> columns that are shuffled together.
        overlaps: Step -> number of neighbouring cutoffs whose outcomes share days, in the order of the S steps.
        shuffling: Permutations.
    """
    rng = np.random.default_rng(shuffling.seed)
    model = losses(inputs[None])[0]
    repeated = {}
    for name, columns in groups.items():
        x = np.repeat(inputs[None], shuffling.repetitions, axis=0)
        for shuffled in x:
            order = block_permutation(len(inputs), shuffling.block_rows, rng)
            shuffled[:, columns] = inputs[order][:, columns]
        repeated[name] = losses(x)
    return [
        _importance(name, step, overlap, model[:, index], values[:, :, index], shuffling.seed)
        for index, (step, overlap) in enumerate(overlaps.items())
        for name, values in repeated.items()
    ]


def _importance(name: str, step: int, overlap: int, model: FloatArray, shuffled: FloatArray, seed: int) -> Importance:
    """Importance from the losses of the model (N,) and those of each permutation (R, N)."""
    increases = shuffled.mean(axis=1) / model.mean() - 1
    increase = float(increases.mean())
    losses = {name: shuffled.mean(axis=0), _MODEL: np.ascontiguousarray(model)}
    ratios = mean_ratio_intervals(losses, CONFIDENCE, seed, DRAWS, overlap)[name][_MODEL]
    if ratios is None:
        return Importance(name, step, len(model), increase, None)
    count = len(increases)
    error = float(increases.std(ddof=1)) / count**0.5 * student_quantile((1 + CONFIDENCE) / 2, count - 1)
    low, high = (np.hypot(end - 1 - increase, error) for end in ratios)
    return Importance(name, step, len(model), increase, (float(increase - low), float(increase + high)))


def block_permutation(count: int, block_rows: int, rng: np.random.Generator) -> IntArray:
    """(T,) a random order of the rows 0 to T - 1 that keeps blocks of neighbours together.

    >>> block_permutation(8, 3, np.random.default_rng(3)).tolist()
    [0, 1, 2, 6, 7, 3, 4, 5]
    """
    first = int(rng.integers(1, block_rows + 1))
    blocks = np.split(np.arange(count), np.arange(first, count, block_rows))
    return np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])
