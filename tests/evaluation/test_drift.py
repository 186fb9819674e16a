"""Drift alarms: when they speak, and how often without a reason."""

import numpy as np
import pytest

from forecaster.evaluation.distribution_scores import crps, expected_crps
from forecaster.evaluation.drift import MEAN_ROWS, IssuedForecasts, drift_alarms, pits, separate_rows
from forecaster.quantiles import SCORING_LEVELS, level_weights, normal_scores

SCORES = normal_scores(SCORING_LEVELS)
DAYS = np.arange(4000) + np.datetime64("2005-01-01")


def issued(outcomes: np.ndarray, step: int = 1, unchanged: float = 0.0, name: str = "X") -> IssuedForecasts:
    """Standard normal forecasts of every row."""
    n = len(outcomes)
    return IssuedForecasts(
        instrument=name,
        step=step,
        rows=np.arange(n),
        dates=DAYS[:n],
        outcome_dates=DAYS[:n] + step,
        outcomes=outcomes,
        quantiles=np.sqrt(step) * np.repeat(SCORES[None], n, axis=0),
        unchanged=np.full(n, unchanged),
        runs=["run"] * n,
    )


def test_the_expected_crps_is_the_mean_over_the_distribution_itself() -> None:
    levels = (np.arange(100_000) + 0.5) / 100_000
    for quantiles in (SCORES, np.array([-3.0, -2, -1.5, -0.5, 0, 0, 0.1, 0.2, 4])):
        outcomes = quantiles @ level_weights(SCORING_LEVELS, levels.tolist())
        mean = crps(np.repeat(quantiles[None], len(levels), 0), SCORING_LEVELS, outcomes).mean()
        assert expected_crps(quantiles[None], SCORING_LEVELS)[0] == pytest.approx(mean, rel=1e-3)


def test_outcomes_of_longer_steps_share_no_day() -> None:
    assert separate_rows(np.arange(10), 4).tolist() == [0, 4, 8]
    assert separate_rows(np.array([3, 4, 20, 22]), 5).tolist() == [0, 2]
    assert separate_rows(np.array([], dtype=int), 5).tolist() == []


def test_outcomes_with_a_probability_of_their_own_are_spread_over_it() -> None:
    """30 % of the days stand still: without the spread they would all have a PIT of one half."""
    rng = np.random.default_rng(2)
    n = 3000
    still = rng.random(n) < 0.3
    outcomes = np.where(still, 0.0, rng.standard_normal(n))
    uniform = pits(np.repeat(SCORES[None], n, 0), outcomes, np.full(n, 0.3))
    assert np.histogram(uniform[still], 3, (0.35, 0.65))[0] == pytest.approx(still.sum() / 3, rel=0.1)
    assert uniform[still].min() >= 0.35
    assert uniform[still].max() <= 0.65
    tied = np.repeat(np.array([[-2.0, -1.5, -1, 0, 0, 0, 1, 1.5, 2]]), 99, 0)
    spread = pits(tied, np.zeros(99), np.zeros(99))
    assert spread.mean() == pytest.approx(0.5, abs=0.01)
    assert (spread.min(), spread.max()) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.75, abs=0.01))


CHANGES = {
    "none": (1.0, 0.0, None, None),
    "wider": (1.8, 0.0, {"too_narrow", "crps"}, 60),
    "narrower": (0.5, 0.0, {"too_wide"}, 120),
    "higher": (1.0, 0.6, {"too_high"}, 120),
    "lower": (1.0, -0.6, {"too_low"}, 120),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_alarm_names_the_change(change: str) -> None:
    scale, shift, kinds, rows = CHANGES[change]
    outcomes = np.random.default_rng(11).standard_normal(1000)
    outcomes[500:] = scale * outcomes[500:] + shift
    alarms = drift_alarms([issued(outcomes)])
    if kinds is None:
        assert alarms == []
        return
    first = alarms[0]
    assert first.kind in kinds
    assert DAYS[500] < first.date < DAYS[500 + rows]
    assert DAYS[480] < first.since < first.date
    assert first.n == (first.date - 1 - first.since).astype(int) + 1
    assert alarms[0].crps_ratio > 1.2 or change != "wider"


def test_false_alarms_of_a_family_are_rare_also_where_outcomes_overlap() -> None:
    """20 families of two instruments and two steps over 10 years each: fewer than one alarm in 10 years on average."""
    rng = np.random.default_rng(4)
    alarms = 0
    families = 20
    for _ in range(families):
        family = []
        for name in ("A", "B"):
            days = rng.standard_normal(MEAN_ROWS + 10)
            later = np.convolve(days, np.ones(10), "valid")[:MEAN_ROWS]
            family += [issued(days[:MEAN_ROWS], name=name), issued(later, step=10, name=name)]
        alarms += len(drift_alarms(family))
    assert alarms <= families
