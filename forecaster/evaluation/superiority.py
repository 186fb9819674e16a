"""Many models at once, by the bootstrap: model confidence set, superior predictive ability, interval of a ratio.

Days are drawn in blocks of random length (stationary bootstrap, Politis and Romano 1994, J. Am. Stat. Assoc. 89), so
that what is close in time stays together. Everything is a function of the losses and the seed.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["ConfidenceSet", "block_length", "mean_ratio_interval", "model_confidence_set", "superior_ability"]

FloatArray = npt.NDArray[np.float64]

_REPETITIONS = 1000
_ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class ConfidenceSet:
    """Models among which the best one lies.

    Args:
        p_values: Model -> p-value; those above `size` are in the set.
        included: Names in the set, in the order given.
        size: One minus the confidence.
    """

    p_values: Mapping[str, float]
    included: tuple[str, ...]
    size: float


def block_length(values: FloatArray) -> int:
    """Mean length of a block that suits the mean of `values` (N,), at least 1.

    Politis and White 2004 (Econometric Reviews 23) with the correction of Patton, Politis and White 2009; no more
    than a tenth of the values.
    """
    from arch.bootstrap import optimal_block_length

    if len(values) < 10 or not _varies(values):
        return 1
    found = float(optimal_block_length(values)["stationary"].iloc[0])
    longest = len(values) // 10
    return int(np.clip(np.ceil(found), 1, longest)) if np.isfinite(found) else longest


def model_confidence_set(
    losses: Mapping[str, FloatArray], size: float = 0.1, seed: int = 0, repetitions: int = _REPETITIONS
) -> ConfidenceSet:
    """The models among which the best is, with confidence ``1 - size`` (Hansen, Lunde, Nason 2011, Econometrica 79).

    Args:
        losses: Model -> (N,) daily losses on the same days, in order of time.
        size: One minus the confidence.
        seed: Of the bootstrap.
        repetitions: Number of draws.
    """
    from arch.bootstrap import MCS

    # A difference that is the same every day cannot be studentised: the first of such models stands for all.
    first = {name: next(one for one in losses if not _varies(losses[one] - losses[name])) for name in losses}
    distinct = [name for name in losses if first[name] == name]
    if len(distinct) < 2:
        return ConfidenceSet(dict.fromkeys(losses, 1.0), tuple(losses), size)
    table = np.stack([losses[name] for name in distinct], axis=1)
    blocks = max(block_length(table[:, k] - table.mean(axis=1)) for k in range(table.shape[1]))
    test = MCS(table, size, reps=repetitions, block_size=blocks, seed=seed)
    test.compute()
    by_column = test.pvalues["Pvalue"].to_dict()
    found = {name: float(by_column[distinct.index(first[name])]) for name in losses}
    return ConfidenceSet(found, tuple(name for name in losses if found[name] > size), size)


def superior_ability(
    benchmark: FloatArray, rivals: Mapping[str, FloatArray], seed: int = 0, repetitions: int = _REPETITIONS
) -> float | None:
    """P-value of "some rival is better than the benchmark", however many were tried.

    The test of superior predictive ability, consistent version (Hansen 2005, J. Bus. Econ. Stat. 23).

    Args:
        benchmark: (N,) daily losses, in order of time.
        rivals: Model -> (N,) losses on the same days.
        seed: Of the bootstrap.
        repetitions: Number of draws.

    Returns:
        None where no rival differs from the benchmark, or each by the same every day.
    """
    from arch.bootstrap import SPA

    differing = [losses for losses in rivals.values() if _varies(benchmark - losses)]
    if not differing:
        return None
    table = np.stack(differing, axis=1)
    blocks = max(block_length(benchmark - losses) for losses in differing)
    test = SPA(benchmark, table, block_size=blocks, reps=repetitions, seed=seed)
    test.compute()
    return float(test.pvalues["consistent"])


def mean_ratio_interval(
    losses: FloatArray, others: FloatArray, size: float = 0.95, seed: int = 0, repetitions: int = _REPETITIONS
) -> tuple[float, float] | None:
    """Interval for the mean of `losses` over the mean of `others`, both (N,) on the same days, in order of time.

    Whole days are drawn, so both means move together; percentile interval.

    Args:
        losses: Of the model.
        others: Of what it is compared with.
        size: Confidence.
        seed: Of the bootstrap.
        repetitions: Number of draws.

    Returns:
        Lower and upper end; None where the ratio is not defined.
    """
    from arch.bootstrap import StationaryBootstrap

    if not len(others) or not others.mean() > 0:
        return None
    ratio = float(losses.mean() / others.mean())
    blocks = block_length(losses - ratio * others)  # what the ratio's error is made of, to first order
    drawn = StationaryBootstrap(blocks, losses, others, seed=np.random.default_rng(seed))
    ends = drawn.conf_int(_mean_ratio, repetitions, method="percentile", size=size)
    return float(ends[0, 0]), float(ends[1, 0])


def _varies(values: FloatArray) -> bool:
    """Whether values differ by more than rounding."""
    return len(values) > 0 and bool(np.ptp(values) > _ROUNDING * np.abs(values).max())


def _mean_ratio(losses: FloatArray, others: FloatArray) -> FloatArray:
    return np.atleast_1d(losses.mean() / others.mean())
