"""Adaptive conformal calibration: the widths of central intervals follow their past coverage.

When the 90 % interval has covered 86 % of the outcomes, every later interval of that step and level is a little wider,
until the coverage is right. This is adaptive conformal inference (Gibbs and Candes 2021, NeurIPS 34) on a scale-free
score: the factor by which the interval, on the outcome's side of the median, would just have contained the outcome.
For each step and each central interval an *expert* keeps one factor, which grows by ``exp(g * coverage)`` after a miss
and shrinks by ``exp(-g * (1 - coverage))`` after a hit; over any long period the miss rate then approaches the nominal
one, whatever the data. The best rate g is unknown, so there are several experts, and the factor in use is their mean,
weighted by their recent losses (as AgACI of Zaffran et al. 2022, ICML 39, with exponential weights in place of BOA:
Cesa-Bianchi and Lugosi 2006, chapter 2).

A fast expert follows noise where the intervals are right, and each percent of noise in a width costs log score. A slow
one needs years where the intervals are wrong. So the fast experts begin with a penalty, as if they had already lost
more: their weight is practically 0 until the slow ones have lost as much, which they soon have where intervals are far
too narrow or too wide.

Nothing is stored: the factors at a cutoff are a pure function of the forecasts and outcomes that were known there. The
outcome of a forecast over h rows is known h rows after its cutoff, and has no effect before. That arithmetic on rows is
in this file.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import AnyArray, FloatArray, IntArray
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecasts
from forecaster.quantiles import MEDIAN, SCORING_LEVELS

__all__ = [
    "INTERVALS",
    "PENALTIES",
    "STEP_SIZES",
    "calibrate",
    "calibrate_forecasts",
    "calibrate_together",
    "last_width_factors",
    "stretch_forecasts",
    "width_factors",
]


STEP_SIZES = (0.0003, 0.00125, 0.0025, 0.005, 0.01, 0.04)
"""Rate g of each expert one row ahead; h rows ahead it is g / h, since h neighbouring outcomes overlap."""

PENALTIES = (0.0, 0.0, 1.0, 3.0, 6.0, 12.0)
"""Penalty of each expert, in the logarithm of its weight; h rows ahead it is divided by the cube root of h."""

# Chosen on currencies up to 2020, both halves of 2011 to 2020 in view (benchmarks/calibration.py).
_LEARNING_RATE = 2.0  # of the experts' weights, for losses in units of the half-width; divided by h as well
_FORGETTING = 1 / 250  # share of an expert's losses that is discounted per day: the memory is about a year
_SETTLED = 100  # outcomes from which on the factors are used in full; with fewer they shrink towards 1
_MAX_FACTOR = 16.0  # factors stay between this and its reciprocal

_UPPER = np.arange(MEDIAN + 1, len(SCORING_LEVELS))  # columns of the upper ends, the innermost interval first
_LOWER = MEDIAN - 1 - np.arange(MEDIAN)
INTERVALS = len(_UPPER)
"""Number of central intervals, each with a factor of its own."""

_COVERAGES = np.array([SCORING_LEVELS[high] - SCORING_LEVELS[low] for low, high in zip(_LOWER, _UPPER, strict=True)])


def calibrate(quantiles: FloatArray, rows: IntArray, outcomes: FloatArray, steps: Sequence[int]) -> FloatArray:
    """Calibrate quantiles by the past coverage of their central intervals.

    Medians do not change, and quantiles stay in order.

    Args:
        quantiles: (N, S, 9) at `SCORING_LEVELS`, non-decreasing, as the model gives them.
        rows: (N,) row numbers of the cutoffs, increasing; gaps and strides are fine.
        outcomes: (N, S) outcomes in the same units; NaN where they are not known yet.
        steps: (S,) rows ahead.

    Returns:
        (N, S, 9); the quantiles of a row depend on that row and on outcomes known there alone.
    """
    return _stretched(quantiles, width_factors(quantiles, rows, outcomes, steps))


def calibrate_forecasts(forecasts: Forecasts, log_price: FloatArray) -> Forecasts:
    """Calibrate forecasts at their knots; between these the calibrated quantiles are interpolated.

    Args:
        forecasts: Forecasts at increasing rows that the weights have not seen, at `SCORING_LEVELS`.
        log_price: (T,) log prices of the series.

    Raises:
        ValueError: The forecasts are at other levels.
    """
    return calibrate_together([forecasts], [log_price])[0]


def calibrate_together(several: Sequence[Forecasts], log_prices: Sequence[FloatArray]) -> list[Forecasts]:
    """`calibrate_forecasts` of several series, with the same bits in less time: the loop over rows is one for all."""
    outcomes = [_scaled_outcomes(*pair) for pair in zip(several, log_prices, strict=True)]
    settled = [
        _Settled.of(each.scaled, each.rows, outcome, each.knots)
        for each, outcome in zip(several, outcomes, strict=True)
    ]
    return [
        dataclasses.replace(each, scaled=_stretched(each.scaled, factors))
        for each, factors in zip(several, _width_factors(settled), strict=True)
    ]


def last_width_factors(forecasts: Forecasts, log_price: FloatArray) -> FloatArray:
    """(K, 4) factors at the last of the rows; see `calibrate_forecasts` for the arguments."""
    outcomes = _scaled_outcomes(forecasts, log_price)
    return np.asarray(width_factors(forecasts.scaled, forecasts.rows, outcomes, forecasts.knots)[-1])


def stretch_forecasts(forecasts: Forecasts, factors: FloatArray) -> Forecasts:
    """Forecasts whose central intervals are wider by `factors` (K, 4), those of another fit."""
    every = np.broadcast_to(factors, (len(forecasts), *factors.shape))
    return dataclasses.replace(forecasts, scaled=_stretched(forecasts.scaled, every))


def _scaled_outcomes(forecasts: Forecasts, log_price: FloatArray) -> FloatArray:
    if forecasts.quantile_levels != SCORING_LEVELS:
        raise ValueError(f"expected quantiles at {SCORING_LEVELS}; got {forecasts.quantile_levels}")
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant price has no scale
        return np.asarray(returns_after(log_price, forecasts.rows, forecasts.knots) / forecasts.units(forecasts.knots))


def width_factors(quantiles: FloatArray, rows: IntArray, outcomes: FloatArray, steps: Sequence[int]) -> FloatArray:
    """(N, S, 4) factors of the half-widths of the central intervals of 50, 80, 90 and 95 %; see `calibrate`."""
    ahead = np.asarray(steps, dtype=np.intp)
    if quantiles.shape != (len(rows), len(ahead), len(SCORING_LEVELS)) or outcomes.shape != quantiles.shape[:2]:
        raise ValueError(
            f"expected quantiles {(len(rows), len(ahead), len(SCORING_LEVELS))} and outcomes without the last axis; "
            f"got {quantiles.shape} and {outcomes.shape}"
        )
    return _width_factors([_Settled.of(quantiles, rows, outcomes, steps)])[0]


@dataclasses.dataclass(frozen=True)
class _Settled:
    """Outcomes of the forecasts of one series.

    Args:
        needed: (N, S, 4), see `_needed`.
        count: (N, S) number of earlier cutoffs whose outcome is known at each row; later outcomes are not used.
        ahead: (S,) steps.
    """

    needed: FloatArray
    count: IntArray
    ahead: IntArray

    @classmethod
    def of(cls, quantiles: FloatArray, rows: IntArray, outcomes: FloatArray, steps: Sequence[int]) -> "_Settled":
        """The outcomes of `calibrate`."""
        ahead = np.asarray(steps, dtype=np.intp)
        count = np.stack([np.searchsorted(rows, rows - step, side="right") for step in ahead], axis=1)
        return cls(_needed(quantiles, outcomes), count, ahead)


def _width_factors(several: Sequence[_Settled]) -> list[FloatArray]:
    """(N, S, 4) factors of each series; see `width_factors`."""
    if not several:
        return []
    rows = max(len(part.needed) for part in several)
    needed = np.concatenate([_padded(part.needed, rows, np.nan) for part in several], axis=1)
    count = np.concatenate([_padded(part.count, rows, 0) for part in several], axis=1)
    factors, losses = _experts(needed, count, np.concatenate([part.ahead for part in several]))
    first = 0
    results = []
    for part in several:
        own = slice(first, first + len(part.ahead) * INTERVALS)
        results.append(_mean_factors(part, factors[..., own], losses[..., own]))
        first = own.stop
    return results


def _padded(values: AnyArray, rows: int, fill: float) -> AnyArray:
    """`values` (N, ...) with rows of `fill` behind them."""
    result = np.full((rows, *values.shape[1:]), fill, dtype=values.dtype)
    result[: len(values)] = values
    return result


def _mean_factors(part: _Settled, factors: FloatArray, losses: FloatArray) -> FloatArray:
    """(N, S, 4) mean of the factors of all experts by their weights, closer to 1 while few outcomes are known.

    Args:
        part: The outcomes.
        factors: (M, G, S * 4) from `_experts`.
        losses: (M, G, S * 4) likewise.
    """
    known_count = np.repeat(part.count, INTERVALS, axis=1)
    experts = factors[0].size
    first_places = np.arange(experts).reshape(len(STEP_SIZES), 1, known_count.shape[1])
    places = first_places + known_count * experts
    mean = _weights(losses.reshape(-1).take(places), np.repeat(part.ahead, INTERVALS))
    mean *= factors.reshape(-1).take(places)
    finite = np.isfinite(part.needed).reshape(known_count.shape)
    counted = np.concatenate([np.zeros((1, len(part.ahead) * INTERVALS)), np.cumsum(finite, axis=0)])
    settled = np.minimum(np.take_along_axis(counted, known_count, axis=0) / _SETTLED, 1)
    return np.asarray(1 + settled * (mean.sum(axis=0) - 1)).reshape(part.needed.shape)


def _needed(quantiles: FloatArray, outcomes: FloatArray) -> FloatArray:
    """(N, S, 4) factors by which the intervals would just have contained their outcome; NaN where undefined."""
    middle = quantiles[..., MEDIAN, None]
    beside = outcomes[..., None] - middle
    side = np.where(beside >= 0, quantiles[..., _UPPER] - middle, middle - quantiles[..., _LOWER])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.abs(beside) / side
    # No factor widens an interval of width 0. An outcome beyond every factor is a miss, at any distance.
    return np.where(side > 0, np.minimum(ratio, 2 * _MAX_FACTOR), np.nan)


def _experts(needed: FloatArray, known_count: IntArray, ahead: IntArray) -> tuple[FloatArray, FloatArray]:
    """Factors and discounted losses of the experts after each outcome.

    An outcome is compared with the factor in use at its cutoff, not with the newest one: the miss rate to be controlled
    is that of the forecasts as they were given.

    Args:
        needed: (N, S, 4), see `_needed`; the steps S may be those of several series.
        known_count: (N, S) number of earlier cutoffs whose outcome is known at each row.
        ahead: (S,) steps.

    Returns:
        Two arrays (M + 1, G, S * 4), where M outcomes are known at the last row: the experts stand in the middle, so
        that NumPy works on long rows.
    """
    outcomes = int(known_count.max(initial=0))  # later outcomes are known at no row
    steps = np.repeat(ahead, INTERVALS)
    scores = needed.reshape(len(needed), steps.size)
    known_count = np.repeat(known_count, INTERVALS, axis=1)
    rates = np.asarray(STEP_SIZES)[:, None] / steps
    misses = np.tile(1 - _COVERAGES, len(ahead))
    wider = np.exp(rates * (1 - misses))
    narrower = np.exp(-rates * misses)
    discount = 1 - _FORGETTING / steps
    unit = 1 / np.sqrt(misses * (1 - misses))
    factors, losses = (np.empty((outcomes + 1, *rates.shape)) for _ in range(2))
    factors[0] = 1
    losses[0] = 0
    informative = np.isfinite(scores)
    all_informative = np.asarray(informative.all(axis=1))
    places = np.arange(rates.size).reshape(rates.shape)
    offsets = known_count * rates.size
    flat = factors.reshape(-1)
    at = np.empty_like(places)
    loss, excess = np.empty_like(rates), np.empty_like(rates)
    for n in range(outcomes):
        used = flat.take(np.add(places, offsets[n], out=at), out=loss, mode="clip")  # "raise" would copy
        change = np.where(scores[n] > used, wider, narrower)
        # The interval score of Gneiting and Raftery 2007 up to scale: least at the nominal miss rate.
        np.maximum(np.subtract(scores[n], used, out=excess), 0, out=excess)
        loss *= misses
        loss += excess
        loss *= unit
        if not all_informative[n]:
            change = np.where(informative[n], change, 1)
            loss[:, ~informative[n]] = 0
        change *= factors[n]
        np.minimum(np.maximum(change, 1 / _MAX_FACTOR, out=change), _MAX_FACTOR, out=factors[n + 1])
        np.add(np.multiply(losses[n], discount, out=losses[n + 1]), loss, out=losses[n + 1])
    return factors, losses


def _weights(losses: FloatArray, ahead: IntArray) -> FloatArray:
    """(G, N, C) weights of the experts, which sum to 1; before the first outcome those of the penalties.

    Args:
        losses: (G, N, C).
        ahead: (C,) steps.
    """
    total = _LEARNING_RATE / ahead * losses
    total += (np.asarray(PENALTIES)[:, None] / np.cbrt(ahead))[:, None]
    shares = np.exp(np.subtract(total.min(axis=0), total, out=total), out=total)
    shares /= shares.sum(axis=0)
    return np.asarray(shares)


def _stretched(quantiles: FloatArray, factors: FloatArray) -> FloatArray:
    """(N, S, 9) quantiles with `factors` (N, S, 4) times their distance from the median."""
    middle = quantiles[..., MEDIAN, None]
    result = quantiles.copy()
    for columns, outermost in ((_UPPER, np.maximum), (_LOWER, np.minimum)):
        # Where an outer factor shrinks and an inner one grows, the outer interval contains at least the inner one.
        result[..., columns] = outermost.accumulate(middle + (quantiles[..., columns] - middle) * factors, axis=-1)
    return result
