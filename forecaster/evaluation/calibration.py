"""Intervals that keep their promise: their widths follow how often they have held, one outcome after the other.

A forecast says 90 %, the outcomes say 86 %: then every later interval of that step and level is a little wider, until
the share is right. This is adaptive conformal inference (Gibbs and Candes 2021, NeurIPS 34) on a scale-free score: by
which factor the interval would have had to be wider, on its side of the median, just to hold the outcome. For each
step and each central interval an *expert* keeps one factor, which grows by ``exp(g * coverage)`` after a miss and
shrinks by ``exp(-g * (1 - coverage))`` after a hit; over any long stretch misses then come as often as promised,
whatever the market does. How fast to follow (g) is not known beforehand, so there are several experts, and the factor
that is used is their mean, weighted by how well each has done lately (as AgACI of Zaffran et al. 2022, ICML 39, with
exponential weights in place of BOA: Cesa-Bianchi and Lugosi 2006, chapter 2).

Nothing is stored: the factors at a cutoff are a pure function of the forecasts and outcomes that were known there. The
outcome of a forecast over h rows is known h rows after its cutoff, and changes nothing before. That arithmetic on rows
is in this file.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS

__all__ = ["PACE", "STEP_SIZES", "calibrate", "calibrate_forecasts", "width_factors"]


STEP_SIZES = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
"""g of each expert one row ahead; h rows ahead it is g / h, since outcomes that overlap tell one thing h times."""

PACE = (1 / 8, 1 / 8, 1, 1)
"""Times g, of the central intervals of 50, 80, 90 and 95 %: in the middle, what a fast expert follows is noise."""

# Chosen on currencies up to 2020, see benchmarks/calibration.py: what they decide is flat around these values.
_LEARNING_RATE = 2.0  # of the experts' weights, for losses in units of the half-width; over h for the same reason
_FORGETTING = 1 / 250  # share of an expert's losses that a day forgets: a year's worth counts
_SETTLED = 100  # outcomes from which on the factors are used in full; with fewer they shrink towards no change
_LARGEST = 16.0  # factors stay between this and its reciprocal, whatever comes

_MIDDLE = len(SCORING_LEVELS) // 2
_UPPER = np.arange(_MIDDLE + 1, len(SCORING_LEVELS))  # columns of the upper ends, the innermost interval first
_LOWER = _MIDDLE - 1 - np.arange(_MIDDLE)
_COVERAGES = np.array([SCORING_LEVELS[high] - SCORING_LEVELS[low] for low, high in zip(_LOWER, _UPPER, strict=True)])


def calibrate(quantiles: FloatArray, rows: IntArray, outcomes: FloatArray, steps: Sequence[int]) -> FloatArray:
    """Quantiles whose central intervals have held as often as they promise.

    Medians stay where they are, and quantiles that do not decrease still do not.

    Args:
        quantiles: (N, S, 9) at `SCORING_LEVELS`, non-decreasing, as the model gives them.
        rows: (N,) row numbers of the cutoffs, increasing; gaps and strides are fine.
        outcomes: (N, S) what came, in the same units; NaN where nothing is known yet.
        steps: (S,) rows ahead.

    Returns:
        (N, S, 9); those of a row depend on it and on outcomes that were known at that row alone.
    """
    return _stretched(quantiles, width_factors(quantiles, rows, outcomes, steps))


def calibrate_forecasts(made: Forecasts, log_price: FloatArray) -> Forecasts:
    """Calibrate forecasts at their knots; between these the calibrated quantiles are interpolated as ever.

    Args:
        made: At increasing rows that the weights of the model have not seen, at `SCORING_LEVELS`.
        log_price: (T,) of the series that was forecast.

    Raises:
        ValueError: The forecasts are at other levels.
    """
    if made.quantile_levels != SCORING_LEVELS:
        raise ValueError(f"expected quantiles at {SCORING_LEVELS}; got {made.quantile_levels}")
    unit = made.scale[:, None] * np.sqrt(np.asarray(made.knots, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):  # a price that never moved has no scale: nothing is known then
        outcomes = returns_after(log_price, made.rows, made.knots) / unit
    return dataclasses.replace(made, scaled=calibrate(made.scaled, made.rows, outcomes, made.knots))


def width_factors(quantiles: FloatArray, rows: IntArray, outcomes: FloatArray, steps: Sequence[int]) -> FloatArray:
    """(N, S, 4) factors of the half-widths of the central intervals of 50, 80, 90 and 95 %; see `calibrate`."""
    ahead = np.asarray(steps, dtype=np.intp)
    if quantiles.shape != (len(rows), len(ahead), len(SCORING_LEVELS)) or outcomes.shape != quantiles.shape[:2]:
        raise ValueError(
            f"expected quantiles {(len(rows), len(ahead), len(SCORING_LEVELS))} and outcomes without the last axis; "
            f"got {quantiles.shape} and {outcomes.shape}"
        )
    needed = _needed(quantiles, outcomes)
    # How many of the earlier cutoffs have their outcome at each row: what comes later is not looked at.
    known = np.stack([np.searchsorted(rows, rows - step, side="right") for step in ahead], axis=1)
    factors, losses = _experts(needed, known, ahead)
    column = np.arange(len(ahead))
    shares = _weights(losses[known, column], ahead)
    mean = (shares * factors[known, column]).sum(axis=-1)
    counted = np.concatenate([np.zeros((1, *needed.shape[1:])), np.cumsum(np.isfinite(needed), axis=0)])
    return np.asarray(1 + np.minimum(counted[known, column] / _SETTLED, 1) * (mean - 1))


def _needed(quantiles: FloatArray, outcomes: FloatArray) -> FloatArray:
    """(N, S, 4) factors by which the intervals would just have held their outcome; NaN where none tells."""
    middle = quantiles[..., _MIDDLE, None]
    beside = outcomes[..., None] - middle
    side = np.where(beside >= 0, quantiles[..., _UPPER] - middle, middle - quantiles[..., _LOWER])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.abs(beside) / side
    # No factor widens an interval without width. What lies beyond every factor is a miss, however far it is.
    return np.where(side > 0, np.minimum(ratio, 2 * _LARGEST), np.nan)


def _experts(needed: FloatArray, known: IntArray, ahead: IntArray) -> tuple[FloatArray, FloatArray]:
    """Factors and discounted losses (N + 1, S, 4, G) of the experts after each outcome.

    An outcome judges the factor that was in use at its cutoff, not the one of today, so that with delayed outcomes it
    is still the forecasts as they were given whose misses come out right.
    """
    count = int(known.max(initial=0))  # later outcomes are known at no row
    rates = np.outer(PACE, STEP_SIZES) / ahead[:, None, None]
    misses = 1 - _COVERAGES[:, None]
    wider, narrower = np.exp(rates * (1 - misses)), np.exp(-rates * misses)
    kept = (1 - _FORGETTING / ahead)[:, None, None]
    unit = 1 / np.sqrt(misses * (1 - misses))
    factors = np.ones((count + 1, *needed.shape[1:], len(STEP_SIZES)))
    losses = np.zeros_like(factors)
    column = np.arange(len(ahead))
    told = np.isfinite(needed)[..., None]
    every = np.asarray(told.all(axis=(1, 2, 3)))
    for n in range(count):
        used, score = factors[known[n], column], needed[n, ..., None]
        change = np.where(score > used, wider, narrower)
        # The interval score of Gneiting and Raftery 2007 but for its scale: least where misses come as promised.
        loss = (misses * used + np.maximum(score - used, 0)) * unit
        if not every[n]:
            change, loss = np.where(told[n], change, 1), np.where(told[n], loss, 0)
        np.clip(factors[n] * change, 1 / _LARGEST, _LARGEST, out=factors[n + 1])
        losses[n + 1] = losses[n] * kept + loss
    return factors, losses


def _weights(losses: FloatArray, ahead: IntArray) -> FloatArray:
    """(N, S, 4, G) weights of the experts, which sum to 1: equal before the first outcome."""
    behind = losses - losses.min(axis=-1, keepdims=True)
    shares = np.exp(-_LEARNING_RATE / ahead[:, None, None] * behind)
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _stretched(quantiles: FloatArray, factors: FloatArray) -> FloatArray:
    """(N, S, 9) quantiles (N, S, 9) at `factors` (N, S, 4) times their distance from the median."""
    middle = quantiles[..., _MIDDLE, None]
    result = quantiles.copy()
    for columns, outermost in ((_UPPER, np.maximum), (_LOWER, np.minimum)):
        # Where a factor shrinks and that of the interval inside grows, the outer one holds at least the inner one.
        result[..., columns] = outermost.accumulate(middle + (quantiles[..., columns] - middle) * factors, axis=-1)
    return result
