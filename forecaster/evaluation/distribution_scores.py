"""CRPS and log score of whole predictive distributions, in closed form.

A distribution is given by quantiles and becomes whole by the rule of `forecaster.quantiles`: between two levels the
normal score is linear in the value, so that each segment is a piece of a normal distribution function; beyond the
outermost levels follows the tail of Student's t with four degrees of freedom. Both scores then have a closed form.
Only the segment that holds the outcome needs it; every other one enters by its width times a constant of its levels.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, FloatArray, IntArray
from forecaster.quantiles import normal_scores, student_scores
from forecaster.stats.distribution_integrals import (
    normal_integral,
    normal_square_integral,
    tail_integral,
    tail_square_integral,
)

__all__ = ["crps", "expected_crps", "log_score"]

_FARTHEST = 1e9  # in units of a tail; there is no probability beyond in double precision
_ROUNDING = 1e-12  # a segment narrower than this share of the distribution is a point mass


@dataclasses.dataclass(frozen=True, eq=False)
class _Shape:
    """Constants of the levels: scores, and parts of the CRPS for segments of width 1.

    Args:
        scores: (Q,) normal scores of the levels.
        spans: (Q - 1,) distances between these.
        integrals: (Q,) of the normal distribution function up to the scores.
        depths: Depth of the lower and of the upper outermost level, in the tail of Student's t.
        tail_units: Unit of either tail over the width of its outermost segment.
        at_start: (Q - 1, Q - 1) part of segment j in the CRPS of an outcome at the start of segment k.
        expected: (Q - 1,) part of each segment in the mean CRPS of outcomes that have the distribution.
    """

    scores: FloatArray
    spans: FloatArray
    integrals: FloatArray
    depths: tuple[float, float]
    tail_units: tuple[float, float]
    at_start: FloatArray
    expected: FloatArray


@functools.lru_cache(maxsize=16)
def _shape(levels: tuple[float, ...]) -> _Shape:
    scores = normal_scores(levels)
    heavy = student_scores(levels)
    depths = (float(-heavy[0]), float(heavy[-1]))
    units = (float(1 / (heavy[1] - heavy[0])), float(1 / (heavy[-1] - heavy[-2])))
    integrals = normal_integral(scores)
    spans = np.diff(scores)
    mean = np.diff(integrals) / spans  # of F over the segment
    mean_square = np.diff(normal_square_integral(scores)) / spans
    above = 1 - 2 * mean + mean_square  # mean of (1 - F)^2: part of a segment above the outcome
    above[0] += units[0] * tail_square_integral(depths[0])
    above[-1] += units[1] * tail_square_integral(depths[1])
    passed = np.triu(np.ones((len(mean), len(mean))), 1)  # segment j lies below the outcome
    at_start = above[:, None] + passed * (2 * mean - 1)[:, None]
    expected = mean - mean_square  # mean of F (1 - F)
    for segment, unit, depth in zip((0, -1), units, depths, strict=True):
        expected[segment] += unit * (tail_integral(np.array(depth)) - tail_square_integral(depth))
    return _Shape(scores, spans, integrals, depths, units, at_start, expected)


@dataclasses.dataclass(frozen=True, eq=False)
class _Outcomes:
    """Places of outcomes (N,) among quantiles (N, Q).

    Args:
        widths: (N, Q - 1) widths of the segments.
        segment: (N,) segment that holds the outcome, or the outermost one on its side.
        width: (N,) its width.
        inside: (N,) distance from its start, at most its width.
        below: (N,) distance below the lowest quantile, at least 0.
        above: (N,) distance above the highest quantile, at least 0.
    """

    widths: FloatArray
    segment: IntArray
    width: FloatArray
    inside: FloatArray
    below: FloatArray
    above: FloatArray

    @classmethod
    def of(cls, quantiles: FloatArray, actual: FloatArray) -> "_Outcomes":
        """Find the segments; an outcome at a quantile belongs to the segment above."""
        segment = (quantiles[:, 1:-1] <= actual[:, None]).sum(-1)
        rows = np.arange(len(actual))
        widths = np.diff(quantiles, axis=-1)
        width = widths[rows, segment]
        inside = np.clip(actual - quantiles[rows, segment], 0.0, width)
        below = np.maximum(quantiles[:, 0] - actual, 0.0)
        above = np.maximum(actual - quantiles[:, -1], 0.0)
        return cls(widths, segment, width, inside, below, above)

    def normal_scores(self, shape: _Shape) -> FloatArray:
        """(N,) scores within the segments; the start of a segment where that has no width."""
        start = shape.scores[self.segment]
        share = np.divide(self.inside, self.width, out=np.zeros_like(start), where=self.width > 0)
        return np.asarray(start + share * shape.spans[self.segment])


def crps(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Continuous ranked probability score: integral of ``(F(x) - 1{x >= y})^2`` (Gneiting and Raftery 2007, JASA 102).

    Of the whole distribution, exactly. An outcome y that lies farther up by dy changes it by ``(2 F(y) - 1) dy``.
    Levels that share a value are a point mass; a distribution of one point scores the absolute error.

    Args:
        quantiles: (..., Q) non-decreasing.
        levels: (Q,) increasing, at least two.
        actual: (...,) in the same units.

    Returns:
        (...,) in the units of `actual`; the best value is 0.
    """
    shape = _shape(tuple(map(float, levels)))
    outcomes = _Outcomes.of(quantiles.reshape(-1, quantiles.shape[-1]), np.ravel(actual))
    segment = outcomes.segment
    result = (outcomes.widths @ shape.at_start)[np.arange(len(segment)), segment]
    rise = normal_integral(outcomes.normal_scores(shape)) - shape.integrals[segment]
    result += 2 * outcomes.width / shape.spans[segment] * rise - outcomes.inside
    for distance, depth, unit in zip((outcomes.below, outcomes.above), shape.depths, shape.tail_units, strict=True):
        rows = np.flatnonzero(distance)
        scale = unit * outcomes.width[rows]
        farther = tail_integral(_depth(distance[rows], scale, depth))
        result[rows] += distance[rows] - 2 * scale * (tail_integral(np.array(depth)) - farther)
    return np.asarray(result.reshape(np.shape(actual)))


def expected_crps(quantiles: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Mean CRPS of outcomes that have the distribution of the forecast: integral of ``F(x) (1 - F(x))``.

    Args:
        quantiles: (N, Q) non-decreasing.
        levels: (Q,) increasing, at least two.

    Returns:
        (N,) in the units of `quantiles`.
    """
    return np.asarray(np.diff(quantiles, axis=-1) @ _shape(tuple(map(float, levels))).expected)


def log_score(quantiles: FloatArray, levels: Sequence[float], actual: FloatArray) -> FloatArray:
    """Negative log predictive density in nats (Good 1952, J. R. Stat. Soc. B 14): lower is better, below 0 is possible.

    The density of a point mass is infinite, and that beside a point mass at an outermost level is 0. Neither is
    compared with finite ones: such outcomes have no log score.

    Args:
        quantiles: (..., Q) non-decreasing.
        levels: (Q,) increasing, at least two.
        actual: (...,) in the same units.

    Returns:
        (...,) for the density per unit of `actual`; NaN where that is not finite or 0. An outcome at a quantile has
        the density above it.
    """
    shape = _shape(tuple(map(float, levels)))
    rows = quantiles.reshape(-1, quantiles.shape[-1])
    y = np.ravel(actual)
    outcomes = _Outcomes.of(rows, y)
    with np.errstate(divide="ignore"):
        unit_logs = np.log(outcomes.width / shape.spans[outcomes.segment])
        result = 0.5 * (outcomes.normal_scores(shape) ** 2 + math.log(2 * math.pi)) + unit_logs
        for distance, depth, unit in zip((outcomes.below, outcomes.above), shape.depths, shape.tail_units, strict=True):
            tail = np.flatnonzero(distance)
            scale = unit * outcomes.width[tail]
            farther = _depth(distance[tail], scale, depth)
            result[tail] = 2.5 * np.log(4 + farther**2) - math.log(12) + np.log(scale)
    result[_touches_point_mass(rows, y, outcomes)] = np.nan
    return np.asarray(result.reshape(np.shape(actual)))


def _touches_point_mass(quantiles: FloatArray, y: FloatArray, outcomes: _Outcomes) -> BoolArray:
    """(N,) whether the outcome lies in, at an end of, or in the tail beyond a segment without width."""
    limit = _ROUNDING * (quantiles[:, -1] - quantiles[:, 0])
    no_width = outcomes.widths <= limit[:, None]
    result = np.zeros(len(y), dtype=bool)
    rows = np.flatnonzero(no_width.any(axis=1))
    if len(rows):
        low = quantiles[rows, :-1]
        low[:, 0] = -np.inf
        high = quantiles[rows, 1:]
        high[:, -1] = np.inf
        at = y[rows, None]
        slack = limit[rows, None]
        result[rows] = (no_width[rows] & (low - slack <= at) & (at <= high + slack)).any(axis=1)
    return result


def _depth(distance: FloatArray, scale: FloatArray, depth: float) -> FloatArray:
    """Depth in the tail, `distance` beyond the outermost quantile; the farthest where the tail has no width."""
    ratio = np.full_like(distance, _FARTHEST)
    with np.errstate(over="ignore"):
        np.divide(distance, scale, out=ratio, where=scale > 0)
    return np.minimum(depth + ratio, _FARTHEST)
