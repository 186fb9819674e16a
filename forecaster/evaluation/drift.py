"""Drift of issued forecasts: alarms where the PIT or the CRPS leave the range that the forecasts themselves expect.

If the forecasts are right, the PIT of each is uniform on (0, 1) given everything before, as long as its outcome begins
after the one before has ended; and its CRPS has a mean that the forecast states (`expected_crps`). Both make bets with
a mean of 1 (`forecaster.stats.e_detectors`): on outcomes that are too high or too low, on ranges that are too narrow or
too wide, and on losses beyond the expected ones. At longer steps only forecasts whose outcomes share no day count.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from forecaster.arrays import DateArray, FloatArray, IntArray
from forecaster.evaluation.distribution_scores import crps, expected_crps
from forecaster.quantiles import SCORING_LEVELS, cumulative_probability, probability_below_mass
from forecaster.stats.e_detectors import detections

__all__ = ["MEAN_ROWS", "DriftAlarm", "IssuedForecasts", "drift_alarms", "pit_bets", "pits", "separate_rows"]

MEAN_ROWS = 2500
"""Least mean number of rows until a false alarm of all detectors together: ten years of days."""

Kind = Literal["too_high", "too_low", "too_narrow", "too_wide", "crps"]

_PIT_BETS: tuple[tuple[Kind, int, float], ...] = (
    ("too_high", 1, 0.25),
    ("too_high", 1, 0.5),
    ("too_low", 1, -0.25),
    ("too_low", 1, -0.5),
    ("too_narrow", 2, 0.25),
    ("too_narrow", 2, 0.7),
    ("too_wide", 2, -0.2),
    ("too_wide", 2, -0.4),
)
"""Kind, degree of the Legendre polynomial of the PIT, and its factor: a density that is positive on (0, 1)."""

_CRPS_BETS = (0.1, 0.3)  # factors of the CRPS over the expected one, minus 1
_DETECTORS = 2  # of the PIT and of the CRPS
_GOLDEN_RATIO = (5**0.5 - 1) / 2


@dataclasses.dataclass(frozen=True, eq=False)
class IssuedForecasts:
    """Forecasts of one instrument at one step with known outcomes, in order of their cutoffs.

    Args:
        instrument: Name.
        step: Rows ahead.
        rows: (N,) rows of the cutoffs.
        dates: (N,) dates of the cutoffs.
        outcome_dates: (N,) dates of the outcomes.
        outcomes: (N,) returns.
        quantiles: (N, 9) at the scoring levels.
        unchanged: (N,) probabilities of a return of exactly 0.
        runs: (N,) ids of the runs.
    """

    instrument: str
    step: int
    rows: IntArray
    dates: DateArray
    outcome_dates: DateArray
    outcomes: FloatArray
    quantiles: FloatArray
    unchanged: FloatArray
    runs: Sequence[str]


@dataclasses.dataclass(frozen=True)
class DriftAlarm:
    """An alarm.

    Args:
        instrument: Name.
        step: Rows ahead.
        kind: ``too_high``, ``too_low`` (outcomes), ``too_narrow``, ``too_wide`` (ranges) or ``crps`` (losses).
        date: Date of the outcome with which it was raised.
        since: Cutoff of the first forecast of the change, the most probable one.
        n: Forecasts from there to the alarm.
        crps_ratio: Their CRPS over the expected one.
        run_id: Run that issued the last of them.
    """

    instrument: str
    step: int
    kind: Kind
    date: np.datetime64
    since: np.datetime64
    n: int
    crps_ratio: float
    run_id: str


def drift_alarms(several: Sequence[IssuedForecasts]) -> list[DriftAlarm]:
    """Alarms of all instruments and steps, in order of time; together they are rarely false (`MEAN_ROWS`)."""
    threshold = MEAN_ROWS * _DETECTORS * max(len(several), 1)
    alarms = [alarm for issued in several for alarm in _alarms(issued, threshold)]
    return sorted(alarms, key=lambda alarm: (alarm.date, alarm.instrument, alarm.step, alarm.kind))


def _alarms(issued: IssuedForecasts, threshold: float) -> list[DriftAlarm]:
    chosen = separate_rows(issued.rows, issued.step)
    quantiles = issued.quantiles[chosen]
    outcomes = issued.outcomes[chosen]
    expected = expected_crps(quantiles, SCORING_LEVELS)
    losses = crps(quantiles, SCORING_LEVELS, outcomes)
    relative = np.divide(losses, expected, out=np.ones_like(losses), where=expected > 0)
    uniform = pits(quantiles, outcomes, issued.unchanged[chosen])
    kinds: list[Kind] = ["crps"] * len(_CRPS_BETS)
    detected = [(kinds[each.bet], each) for each in detections(_crps_bets(relative), threshold)]
    detected += [(_PIT_BETS[each.bet][0], each) for each in detections(pit_bets(uniform), threshold)]
    return [
        DriftAlarm(
            instrument=issued.instrument,
            step=issued.step,
            kind=kind,
            date=issued.outcome_dates[chosen[each.index]],
            since=issued.dates[chosen[each.start]],
            n=each.index - each.start + 1,
            crps_ratio=float(relative[each.start : each.index + 1].mean()),
            run_id=issued.runs[chosen[each.index]],
        )
        for kind, each in detected
    ]


def separate_rows(rows: IntArray, step: int) -> IntArray:
    """Positions of cutoffs, from the first on, each at or after the end of the outcome before.

    >>> separate_rows(np.array([0, 1, 2, 5, 6]), 2).tolist()
    [0, 2, 3]
    """
    chosen: list[int] = []
    end = -1
    for position, row in enumerate(rows.tolist()):
        if row >= end:
            chosen.append(position)
            end = row + step
    return np.array(chosen, dtype=np.intp)


def pits(quantiles: FloatArray, outcomes: FloatArray, unchanged: FloatArray) -> FloatArray:
    """(N,) distribution functions at the outcomes; where an outcome has a probability, evenly spread points of it."""
    levels = np.array(SCORING_LEVELS)
    values = cumulative_probability(quantiles, SCORING_LEVELS, outcomes)
    low = values.copy()
    high = values.copy()
    below = (quantiles < outcomes[:, None]).sum(axis=1)
    at_most = (quantiles <= outcomes[:, None]).sum(axis=1)
    ties = at_most - below > 1
    low[ties] = levels[below[ties]]
    high[ties] = levels[at_most[ties] - 1]
    still = (outcomes == 0) & (unchanged > 0)
    low[still] = probability_below_mass(quantiles[still], SCORING_LEVELS, unchanged[still])
    high[still] = low[still] + unchanged[still]
    spread = (np.arange(1, len(values) + 1) * _GOLDEN_RATIO) % 1
    return np.asarray(low + (high - low) * spread)


def pit_bets(uniform: FloatArray) -> FloatArray:
    """(N, B) bets: densities of the PIT under a change, over the uniform one."""
    x = 2 * uniform - 1
    polynomials = {1: np.sqrt(3) * x, 2: np.sqrt(5) * (3 * x * x - 1) / 2}
    return np.stack([1 + factor * polynomials[degree] for _, degree, factor in _PIT_BETS], axis=1)


def _crps_bets(relative: FloatArray) -> FloatArray:
    """(N, B) bets on losses beyond the expected ones."""
    return np.asarray(1 + np.multiply.outer(relative - 1, np.array(_CRPS_BETS)))
