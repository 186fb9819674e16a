"""Quantiles of a predictive distribution: levels, interpolation between them, probabilities.

Quantiles are given at a few levels and become a whole distribution by one rule: between two levels
the value is linear in the normal score of the level, beyond the outermost level it follows the tail
of a Student t with four degrees of freedom through the two outermost values. With quantiles of a
normal distribution the rule is exact between the levels.
"""

import functools
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from forecaster.arrays import FloatArray, IntArray

__all__ = [
    "MEDIAN",
    "SCORING_LEVELS",
    "central",
    "cumulative_probability",
    "interpolate_returns",
    "level_weights",
    "matched",
    "normal_scores",
    "probability_below_mass",
    "step_weights",
    "student_scores",
    "widths_at",
]

_NODES = tuple((number + 0.5) / 1000 for number in range(1000))

SCORING_LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Quantile levels at which every forecast is scored."""

MEDIAN = SCORING_LEVELS.index(0.5)
"""Column of the median among the scoring levels."""


def central(coverage: float) -> tuple[int, int]:
    """Columns, among the scoring levels, of the two ends of a central interval.

    Args:
        coverage: Nominal coverage: 0.5, 0.8, 0.9 or 0.95.

    Raises:
        ValueError: No two scoring levels bound such an interval.

    >>> central(0.8)
    (2, 6)
    """
    return SCORING_LEVELS.index(round((1 - coverage) / 2, 9)), SCORING_LEVELS.index(round((1 + coverage) / 2, 9))


def normal_scores(levels: Sequence[float]) -> FloatArray:
    """Standard normal quantiles of `levels` (Q,)."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(level)) for level in levels])


def student_scores(levels: Sequence[float]) -> FloatArray:
    """Quantiles of Student's t with four degrees of freedom at `levels` (Q,) (Shaw 2006, J. Comp. Finance 9)."""
    p = np.asarray(levels, dtype=float)
    alpha = 4 * p * (1 - p)
    q = np.cos(np.arccos(np.sqrt(alpha)) / 3) / np.sqrt(alpha)
    return np.asarray(np.sign(p - 0.5) * 2 * np.sqrt(np.maximum(q - 1, 0)))


def _student_distribution(x: FloatArray) -> FloatArray:
    """Distribution function of Student's t with four degrees of freedom."""
    bounded = np.clip(x, -1e9, 1e9)  # 0 and 1 to the last bit beyond, where squares and quotients would overflow
    ratio = bounded / np.sqrt(4 + bounded * bounded)
    return 0.5 + 0.75 * (ratio - ratio**3 / 3)


_normal_distribution = np.vectorize(NormalDist().cdf, otypes=[float])


@functools.lru_cache(maxsize=64)
def _level_weights(levels: tuple[float, ...], wanted: tuple[float, ...]) -> FloatArray:
    strange = next((level for level in wanted if not 0 < level < 1), None)
    if strange is not None:
        raise ValueError(f"a quantile level lies between 0 and 1; got {strange}")
    given = np.asarray(levels)
    places = np.asarray(wanted)
    right = np.clip(np.searchsorted(given, places), 1, len(given) - 1)
    share = np.empty(len(wanted))
    inside = (given[0] <= places) & (places <= given[-1])
    for rows, scores in ((inside, normal_scores), (~inside, student_scores)):
        axis = scores(levels)
        low = axis[right[rows] - 1]
        share[rows] = (scores(places[rows]) - low) / (axis[right[rows]] - low)
    weights = np.zeros((len(levels), len(wanted)))
    column = np.arange(len(wanted))
    weights[right - 1, column] = 1 - share
    weights[right, column] = share
    weights.setflags(write=False)
    return weights


def level_weights(levels: Sequence[float], wanted: Sequence[float]) -> FloatArray:
    """Weights (Q, M) that turn values at `levels` into values at `wanted`: ``values @ weights``.

    Args:
        levels: (Q,) increasing levels in (0, 1), at least two.
        wanted: (M,) levels in (0, 1).
    """
    return _level_weights(tuple(map(float, levels)), tuple(map(float, wanted)))


def step_weights(knots: Sequence[int], steps: Sequence[int]) -> FloatArray:
    """Weights (S, K) that interpolate values at `knots` to `steps`, linearly in the logarithm of the step.

    Args:
        knots: (K,) increasing steps; the first is 1.
        steps: (S,) steps between the first and the last knot.

    Raises:
        ValueError: A step lies outside the knots.
    """
    x = np.asarray(knots, dtype=float)
    wanted = np.asarray(steps, dtype=float)
    if len(wanted) and (wanted.min() < x[0] or wanted.max() > x[-1]):
        raise ValueError(f"steps {wanted.min():g} to {wanted.max():g} do not lie within {x[0]:g} to {x[-1]:g}")
    identity = np.eye(len(x))
    return np.stack([np.interp(np.log(wanted), np.log(x), row) for row in identity], axis=1)


def widths_at(widths: FloatArray, steps: Sequence[int]) -> FloatArray:
    """(N, S) factors of the widths at `steps`, from those of the steps 1 to M; the days after step M are ordinary.

    >>> widths_at(np.array([[2.0, 1.0]]), [1, 2, 4])
    array([[2., 1., 1.]])
    """
    longest = widths.shape[1]
    ahead = np.asarray(steps, dtype=np.intp)
    within = np.minimum(ahead, longest)
    variance = (widths[:, within - 1] ** 2 * within + (ahead - within)) / ahead
    return np.where(ahead > longest, np.sqrt(variance), widths[:, within - 1])


def interpolate_returns(
    values: FloatArray, knots: Sequence[int], steps: Sequence[int], widths: FloatArray | None = None
) -> FloatArray:
    """(N, S, Q) quantiles of log returns over `steps`, from their quantiles (N, K, Q) over `knots`.

    As in `Forecasts.log_returns`: linear in the logarithm of the step, in units of its square root and its width.

    Args:
        values: (N, K, Q).
        knots: (K,) steps, increasing.
        steps: (S,) steps between them.
        widths: (N, M) factors of the widths of the steps 1 to M; None where all days are alike.

    Raises:
        ValueError: A step lies outside the knots.
    """
    growth = np.sqrt(np.divide.outer(np.asarray(steps, dtype=float), np.asarray(knots, dtype=float)))
    weights = step_weights(knots, steps) * growth
    if widths is None:
        return np.asarray(np.einsum("sk,nkq->nsq", weights, values))
    ordinary = values / widths_at(widths, knots)[..., None]
    return np.asarray(np.einsum("sk,nkq->nsq", weights, ordinary) * widths_at(widths, steps)[..., None])


def matched(x: FloatArray, source: FloatArray, target: FloatArray) -> FloatArray:
    """Values whose ranks in one distribution become those in another.

    Args:
        x: (...,) values.
        source: (Q,) increasing quantiles of their distribution.
        target: (Q,) increasing quantiles of the wanted one at the same levels.

    Returns:
        (...,) linear between the quantiles; beyond them the distances grow with the outermost ones.

    >>> matched(np.array([-3.0, 0.5, 2.0]), np.array([-1.0, 0.0, 1.0]), np.array([-2.0, 0.0, 4.0])).tolist()
    [-6.0, 2.0, 8.0]
    """
    right = np.clip(np.searchsorted(source, x), 1, len(source) - 1)
    slope = np.diff(target) / np.diff(source)
    return np.asarray(target[right] + (x - source[right]) * slope[right - 1])


def cumulative_probability(values: FloatArray, levels: Sequence[float], points: FloatArray) -> FloatArray:
    """Probability that the outcome is at most `points`.

    Args:
        values: (..., Q) non-decreasing quantiles.
        levels: (Q,) their levels.
        points: (...,) outcomes in the units of `values`.

    Returns:
        (...,) probabilities in [0, 1]. Where several levels share one value, the middle of their levels.
    """
    x = np.asarray(points, dtype=float)
    below = (values < x[..., None]).sum(-1)
    at_most = (values <= x[..., None]).sum(-1)
    right = np.clip(below, 1, values.shape[-1] - 1)
    low, high = (np.take_along_axis(values, column[..., None], -1)[..., 0] for column in (right - 1, right))
    # Two equal values have no width: a point outside them is infinitely many widths away.
    share = np.where(x < low, -np.inf, np.inf)
    with np.errstate(over="ignore"):
        np.divide(x - low, high - low, out=share, where=high > low)
    outside = (below == 0) | (at_most == values.shape[-1])
    result = np.where(
        outside,
        _student_distribution(_between(student_scores(levels), right, share)),
        _normal_distribution(_between(normal_scores(levels), right, share)),
    )
    given = np.asarray(levels, dtype=float)
    first = np.clip(below, 0, len(given) - 1)
    last = np.clip(at_most - 1, 0, len(given) - 1)
    return np.where(at_most - below > 1, (given[first] + given[last]) / 2, result)


def probability_below_mass(values: FloatArray, levels: Sequence[float], mass: FloatArray) -> FloatArray:
    """Probability of a negative outcome where an outcome of exactly 0 has the probability `mass`.

    Quantiles do not resolve a point mass: within it their place is arbitrary, and so is the distribution function at 0.
    The mass is therefore the narrowest range around 0 that holds as much, and what is outside are the moves.

    Args:
        values: (..., Q) non-decreasing quantiles.
        levels: (Q,) their levels.
        mass: (...,) probabilities from 0 to 1.

    Returns:
        (...,) probabilities; without a mass the distribution function at 0.
    """
    mirrored = tuple(round(1 - level, 12) for level in reversed(levels))
    below, above = _below_mass(values, levels, mass), _below_mass(0.0 - values[..., ::-1], mirrored, mass)
    return np.asarray((below + 1 - mass - above) / 2)  # so that the inverse quotation agrees to the last digit


def _below_mass(values: FloatArray, levels: Sequence[float], mass: FloatArray) -> FloatArray:
    points = np.sort(np.abs(values @ level_weights(levels, _NODES)), axis=-1)  # equally likely
    rank = np.clip(np.asarray(mass) * len(_NODES), 0, len(_NODES) - 1).astype(int)
    width = np.take_along_axis(points, rank[..., None], -1)[..., 0]
    centre = (cumulative_probability(values, levels, width) + cumulative_probability(values, levels, -width)) / 2
    return np.clip(centre - mass / 2, 0.0, 1 - mass)


def _between(axis: FloatArray, right: IntArray, share: FloatArray) -> FloatArray:
    return np.asarray(axis[right - 1] + share * (axis[right] - axis[right - 1]))
