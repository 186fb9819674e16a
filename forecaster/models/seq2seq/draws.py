"""Draws of a day of a path: levels, and the returns at them for quantiles that the decoder gives."""

import functools
from collections.abc import Callable

import numpy as np

from forecaster.arrays import Float32Array, FloatArray, IntArray
from forecaster.models.seq2seq.widths import spacing_matrix
from forecaster.quantiles import SCORING_LEVELS, level_weights, normal_scores, student_scores

__all__ = ["draw_weights", "order_weights", "smooth_order_weights", "stratified_weights", "tail_share"]

BANDWIDTH = 0.25  # normal scores over which neighbouring values are averaged
MAX_TAIL_SHARE = 2.0
MAX_REACH = 20.0  # distances between the two outermost quantiles; further ones are jumps, such as the end of a peg
PRIOR_EXCEEDANCES = 50  # with the tails of Student's t that all forecasts have


def draw_weights(levels: FloatArray, tail_share: float) -> Float32Array:
    """(..., Q - 1) weights of the distances between quantiles that give the quantiles at `levels` (...).

    Args:
        levels: Levels in (0, 1).
        tail_share: Beyond the outermost quantiles, tails are a mean of those of the normal distribution (0) and of
            Student's t with four degrees of freedom (1) through the same two quantiles.
    """
    flat = levels.reshape(-1)
    weights = level_weights(SCORING_LEVELS, flat.tolist()).T @ spacing_matrix()
    outside = np.maximum(flat, 1 - flat) > SCORING_LEVELS[-1]
    outer = np.maximum(flat, 1 - flat)[outside]
    thinner = (1 - tail_share) * (_reach(outer, normal_scores) - _reach(outer, student_scores))
    is_upper = flat[outside] > 0.5
    weights[outside, -1] += np.where(is_upper, thinner, 0)
    weights[outside, 0] -= np.where(is_upper, 0, thinner)
    return weights.reshape(*levels.shape, -1).astype(np.float32)


def _reach(levels: FloatArray, scores: Callable[[list[float]], FloatArray]) -> FloatArray:
    """Distance beyond the outermost quantile, over that between the two outermost ones."""
    inner, outer = scores(list(SCORING_LEVELS[-2:]))
    return np.asarray((scores(levels.tolist()) - outer) / (outer - inner))


def tail_share(quantiles: FloatArray, outcomes: FloatArray) -> float:
    """Estimate the tails of a day: the argument `tail_share` of `draw_weights` with the same mean excess.

    Args:
        quantiles: (N, Q) quantiles of a day.
        outcomes: (N,) returns of that day; NaN where unknown.
    """
    is_finite = np.isfinite(outcomes)
    quantiles, outcomes = quantiles[is_finite], outcomes[is_finite]
    upper = (outcomes - quantiles[:, -1]) / (quantiles[:, -1] - quantiles[:, -2])
    lower = (quantiles[:, 0] - outcomes) / (quantiles[:, 1] - quantiles[:, 0])
    beyond = np.concatenate([upper[upper > 0], lower[lower > 0]])
    normal, student = _mean_reaches()
    total = np.minimum(beyond, MAX_REACH).sum() + PRIOR_EXCEEDANCES * student
    mean = total / (len(beyond) + PRIOR_EXCEEDANCES)
    return float(np.clip((mean - normal) / (student - normal), 0, MAX_TAIL_SHARE))


def _mean_reaches() -> tuple[float, float]:
    levels = 1 - (1 - SCORING_LEVELS[-1]) * (np.arange(1000) + 0.5) / 1000
    reaches = [np.minimum(_reach(levels, scores), MAX_REACH).mean() for scores in (normal_scores, student_scores)]
    return float(reaches[0]), float(reaches[1])


def stratified_weights(days: int, count: int, tail_share: float, seed: int = 0, candidates: int = 1) -> Float32Array:
    """(H, P, Q - 1) weights of stratified draws.

    Each day has the middle of each of P equal strata once, in random order, and every path has its mirror image.

    Args:
        days: Number H of days.
        count: Number P of paths, even.
        tail_share: See `draw_weights`.
        seed: Seed of the order.
        candidates: Orders that are tried for a day; that in which a random walk is closest to normal is taken.
    """
    return np.asarray(_stratum_weights(count, tail_share)[_strata(days, count, seed, candidates)])


@functools.lru_cache(maxsize=8)
def _stratum_weights(count: int, tail_share: float) -> Float32Array:
    return draw_weights(np.array(_middles(count)), tail_share)


@functools.lru_cache(maxsize=4)
def _strata(days: int, count: int, seed: int, candidates: int) -> IntArray:
    """(H, P) number of the stratum of each day of each path."""
    rng = np.random.default_rng(seed)
    scores = normal_scores(_middles(count))
    walk = np.zeros(count)
    chosen = []
    for day in range(days):
        half = 2 * rng.permuted(np.tile(np.arange(count // 2), (candidates, 1)), axis=1)
        orders = np.concatenate([half, count - 1 - half], axis=1)
        totals = np.sort(walk + scores[orders], axis=1) / np.sqrt(day + 1)
        best = orders[((totals - scores) ** 2).mean(axis=1).argmin()]
        walk += scores[best]
        chosen.append(best)
    return np.stack(chosen)


def _middles(count: int) -> list[float]:
    return [(stratum + 0.5) / count for stratum in range(count)]


@functools.lru_cache(maxsize=8)
def order_weights(count: int) -> FloatArray:
    """(P, Q): ``np.sort(values) @ weights`` are the quantiles of P values at `SCORING_LEVELS` (Hazen 1914)."""
    places = np.asarray(SCORING_LEVELS) * count - 0.5
    return np.stack([np.interp(places, np.arange(count), row) for row in np.eye(count)])


@functools.lru_cache(maxsize=8)
def smooth_order_weights(count: int) -> FloatArray:
    """As `order_weights`, with means of neighbouring values: less noise, and a bias that is to be corrected."""
    distances = np.subtract.outer(normal_scores(_middles(count)), normal_scores(SCORING_LEVELS))
    kernel = np.exp(-((distances / BANDWIDTH) ** 2) / 2)
    return np.asarray(kernel / kernel.sum(axis=0))
