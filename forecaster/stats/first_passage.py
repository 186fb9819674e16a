"""First passage of a Gaussian random walk through a barrier: the law of the first day on which it is reached."""

import functools
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray
from forecaster.quantiles import cumulative_probability, level_weights, normal_scores

__all__ = ["crossing_probabilities", "touch_probabilities", "variance_clock"]

_REACH = 8.0  # standard deviations beyond which the walk is not followed
_NODES_PER_DEVIATION = 1.7  # of a step; Gauss-Legendre is accurate to about 1e-9 from here on
_NODES = (48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_MIN_STEP = 0.05  # least variance of a step, as a share of that of a mean step
_CLOCK_LEVELS = (0.1, 0.9)
_TINY = 1e-16  # probability beyond which a barrier is out of reach, and width of a price that does not move


def crossing_probabilities(barriers: FloatArray, clock: FloatArray) -> FloatArray:
    """Probabilities that a Gaussian random walk from 0 has reached a barrier by each step.

    The walk is observed at the steps alone. The density of the walks that have not yet reached the barrier is carried
    from step to step by Gauss-Legendre quadrature, so there is no sampling error.

    Args:
        barriers: (N, S) heights that are reached from below; a height may be infinite.
        clock: (N, S) variances of the walk at each step, positive and strictly increasing.

    Returns:
        (N, S) probabilities, non-decreasing along the steps.

    Example:
        The walk is below a barrier at its start after one step of two directions with probability 1/2, and
        after two steps with 3/8 (Sparre Andersen):

        >>> crossing_probabilities(np.zeros((1, 2)), np.array([[1.0, 2.0]])).round(6).tolist()
        [[0.5, 0.625]]
    """
    deviations = np.sqrt(np.diff(clock, axis=1, prepend=0.0))
    surviving = np.ones_like(clock)
    points = np.zeros((len(clock), 1))
    density = np.ones((len(clock), 1))
    for step in range(clock.shape[1]):
        low = -_REACH * np.sqrt(clock[:, step])
        high = np.maximum(np.minimum(barriers[:, step], -low), low)
        nodes, weights = _nodes(float(((high - low) / deviations[:, step]).max()))
        ends = low[:, None] + (high - low)[:, None] * nodes
        moves = (ends[:, :, None] - points[:, None, :]) / deviations[:, step, None, None]
        kernel = np.exp(-0.5 * moves * moves) / (np.sqrt(2 * np.pi) * deviations[:, step, None, None])
        density = np.einsum("nji,ni->nj", kernel, density) * (high - low)[:, None] * weights
        points = ends
        surviving[:, step] = density.sum(axis=1)
    crossed = np.clip(1 - surviving, 0.0, 1.0)
    return np.asarray(np.maximum.accumulate(crossed, axis=1))


def _nodes(deviations: float) -> tuple[FloatArray, FloatArray]:
    """Nodes in (0, 1) and weights for an interval of so many standard deviations of a step."""
    wanted = _NODES_PER_DEVIATION * deviations
    return _gauss_legendre(next((count for count in _NODES if count >= wanted), _NODES[-1]))


@functools.lru_cache(maxsize=len(_NODES))
def _gauss_legendre(count: int) -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def variance_clock(values: FloatArray, levels: Sequence[float]) -> FloatArray:
    """Variances of the walk whose marginals are the distributions of a forecast, up to one factor.

    They are the squared widths of the central 80 % range, so that calm and busy days count as the forecast has them;
    with alike days they grow with the step, and two steps s < t have the correlation sqrt(s / t). Where the widths do
    not grow, such as between two knots or for a constant price, a step keeps a small share of a mean one.

    Args:
        values: (N, S, Q) quantiles of the change of the price, by step.
        levels: (Q,).

    Returns:
        (N, S) strictly increasing along the steps; 1 at the last one.
    """
    edges = values @ level_weights(levels, _CLOCK_LEVELS)
    widths = edges[..., 1] - edges[..., 0]
    steps = widths.shape[1]
    widest = widths.max(axis=1, keepdims=True)
    # A price that never moves has no widths to compare.
    alike = np.tile(np.sqrt(np.arange(1, steps + 1) / steps), (len(values), 1))
    shares = np.divide(widths, widest, out=alike, where=widest > _TINY) ** 2
    clock = np.cumsum(np.maximum(np.diff(shares, axis=1, prepend=0.0), _MIN_STEP / steps), axis=1)
    return np.asarray(clock / clock[:, -1:])


def touch_probabilities(values: FloatArray, levels: Sequence[float], distances: FloatArray) -> FloatArray:
    """Probabilities that a price has reached a level by each step, on the rows that are forecast.

    The distributions of the steps are joined by a Gaussian copula with the correlations of a random walk on the clock
    of `variance_clock`: a price at a step is the quantile of its distribution whose level is that of the walk.

    Args:
        values: (N, S, Q) quantiles of the change of the price, by step.
        levels: (Q,).
        distances: (N,) change at which the level is reached; 0 is reached already.

    Returns:
        (N, S) probabilities, non-decreasing along the steps, and at least those of ending beyond the level.
    """
    rising = distances > 0
    below = cumulative_probability(values, levels, np.broadcast_to(distances[:, None], values.shape[:2]))
    beyond = np.where(rising[:, None], 1 - below, below)
    clock = variance_clock(values, levels)
    barriers = -_scores(beyond) * np.sqrt(clock)
    crossed = np.maximum(crossing_probabilities(barriers, clock), np.maximum.accumulate(beyond, axis=1))
    return np.where((distances == 0)[:, None], 1.0, np.minimum(crossed, 1.0))


def _scores(probabilities: FloatArray) -> FloatArray:
    """Normal scores of `probabilities`; infinite at 0 and 1."""
    inside = np.clip(probabilities, _TINY, 1 - _TINY)
    scores = normal_scores(inside.ravel().tolist()).reshape(probabilities.shape)
    return np.where(probabilities <= 0, -np.inf, np.where(probabilities >= 1, np.inf, scores))
