"""Tails of standardised outcomes: a Student t whose degrees of freedom are averaged over their posterior.

A tail far beyond the data depends on the degrees of freedom more than on anything else, and a few hundred outcomes
leave them uncertain. A t with estimated degrees of freedom has tails that are too thin half of the time; the mean of
the tails over all degrees of freedom that the outcomes allow has not.
"""

import dataclasses
from typing import Self

import numpy as np

from forecaster.arrays import FloatArray

__all__ = ["MIN_OUTCOMES", "StudentTails"]

MIN_OUTCOMES = 250  # of both signs; with fewer even the middle of the distribution is uncertain

_INVERSE_FREEDOM = np.linspace(0.005, 0.485, 25)  # from nearly normal to nearly no variance, equally likely before
_FREEDOM = 1 / _INVERSE_FREEDOM
_ROUNDS = 12  # of the iteration for the scales, which starts near them
_MIN_SCALE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class StudentTails:
    """A mixture of Student's t around 0.

    Args:
        scales: (K,) scale of each component.
        weights: (K,) their weights, which sum to 1.
    """

    scales: FloatArray
    weights: FloatArray

    @classmethod
    def fit(cls, outcomes: FloatArray, before: Self | None = None) -> Self:
        """The tails that standardised outcomes leave possible.

        The scale for each number of degrees of freedom is that of maximum likelihood.

        Args:
            outcomes: (N,) finite numbers, at least one, of both signs or of one.
            before: Tails of fewer of these outcomes, from which the scales start.
        """
        square = outcomes**2
        freedom = _FREEDOM[:, None]
        variance = np.full((len(_FREEDOM), 1), max(float(np.median(square)) * 2, _MIN_SCALE**2))
        if before is not None:
            variance = before.scales[:, None] ** 2
        for _ in range(_ROUNDS):  # Lange, Little and Taylor 1989, J. Am. Stat. Assoc. 84
            share = (freedom + 1) / (freedom + square / variance)
            variance = np.maximum((share * square).mean(axis=1, keepdims=True), _MIN_SCALE**2)
        likelihood = _log_likelihood(square, variance)
        weights = np.exp(likelihood - likelihood.max())
        return cls(np.sqrt(variance[:, 0]), weights / weights.sum())

    def p_values(self, outcomes: FloatArray) -> FloatArray:
        """(N,) probability of an outcome at least as far from 0 as each of `outcomes` (N,), of either sign."""
        from scipy import special

        each = special.stdtr(_FREEDOM, -np.abs(outcomes)[:, None] / self.scales)
        return np.asarray(2 * each @ self.weights)

    def bound(self, p_value: float) -> float:
        """Distance from 0 that an outcome exceeds with probability `p_value`."""
        from scipy import special

        ends = np.abs(special.stdtrit(_FREEDOM, p_value / 2)) * self.scales
        low = float(ends.min())
        high = float(ends.max())
        for _ in range(60):  # halves the interval to rounding
            middle = (low + high) / 2
            is_inside = float(self.p_values(np.array([middle]))[0]) > p_value
            low, high = (middle, high) if is_inside else (low, middle)
        return high


def _log_likelihood(square: FloatArray, variance: FloatArray) -> FloatArray:
    """(K,) log likelihood of outcomes with squares `square` (N,) for each of `_FREEDOM`, `variance` (K, 1)."""
    from scipy import special

    half = (_FREEDOM + 1) / 2
    constant = special.gammaln(half) - special.gammaln(_FREEDOM / 2) - 0.5 * np.log(_FREEDOM * np.pi * variance[:, 0])
    logs = np.log1p(square / (_FREEDOM[:, None] * variance)).sum(axis=1)
    return np.asarray(len(square) * constant - half * logs)
