"""Permutation importance of inputs (Breiman 2001, Mach. Learn. 45), by blocks of days.

The values of an input are shuffled over the scored rows in blocks, so that they keep their course within a block and
lose their connection with the outcome and the other inputs. The importance is the relative increase of the loss.
Inputs that resemble each other replace each other, so each of them looks less important than all of them are together:
groups are shuffled together.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.stats.bootstrap import Interval, mean_ratio_intervals

__all__ = ["BLOCK_ROWS", "Importance", "Shuffling", "block_permutation", "permutation_importance"]

BLOCK_ROWS = 60
"""Rows of a block, about a quarter of a year."""

DRAWS = 300  # of the bootstrap, for each input
_MODEL = ""  # the name of the losses without a permutation: no input has it


@dataclasses.dataclass(frozen=True)
class Importance:
    """Importance of one input, or of a group of inputs.

    Args:
        name: Input or group.
        step: Days ahead.
        n: Number of cutoffs.
        increase: Mean loss with the shuffled input over that of the model, less 1.
        interval: Ends of the 95 % bootstrap interval of the increase over days; None with too few days.
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
        repetitions: Number of permutations, whose losses are averaged.
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
    means = {_MODEL: losses(inputs[None])[0]}
    for name, columns in groups.items():
        x = np.repeat(inputs[None], shuffling.repetitions, axis=0)
        for shuffled in x:
            order = block_permutation(len(inputs), shuffling.block_rows, rng)
            shuffled[:, columns] = inputs[order][:, columns]
        means[name] = losses(x).mean(axis=0)
    result = []
    for index, (step, overlap) in enumerate(overlaps.items()):
        daily = {name: np.ascontiguousarray(mean[:, index]) for name, mean in means.items()}
        model = daily[_MODEL].mean()
        for name in groups:
            pair = {name: daily[name], _MODEL: daily[_MODEL]}
            interval = mean_ratio_intervals(pair, seed=shuffling.seed, repetitions=DRAWS, overlap=overlap)[name][_MODEL]
            ends = None if interval is None else (interval[0] - 1, interval[1] - 1)
            increase = float(daily[name].mean() / model) - 1
            result.append(Importance(name, step, len(daily[name]), increase, ends))
    return result


def block_permutation(count: int, block_rows: int, rng: np.random.Generator) -> IntArray:
    """(T,) a random order of the rows 0 to T - 1 that keeps blocks of neighbours together.

    >>> block_permutation(8, 3, np.random.default_rng(3)).tolist()
    [0, 1, 2, 6, 7, 3, 4, 5]
    """
    first = int(rng.integers(1, block_rows + 1))
    blocks = np.split(np.arange(count), np.arange(first, count, block_rows))
    return np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])
