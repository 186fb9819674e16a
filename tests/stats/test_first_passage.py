"""First passage of a random walk: known laws, and what every touch must satisfy."""

import math

import numpy as np
import pytest
from scipy import stats

from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.first_passage import crossing_probabilities, touch_probabilities, variance_clock


@pytest.mark.parametrize("steps", [1, 2, 20, 60])
def test_a_walk_stays_below_its_start_as_sparre_andersen_says(steps: int) -> None:
    crossed = crossing_probabilities(np.zeros((1, steps)), np.arange(1.0, steps + 1)[None])
    assert crossed[0, -1] == pytest.approx(1 - math.comb(2 * steps, steps) / 4**steps, abs=1e-10)


def test_two_steps_are_a_bivariate_normal_distribution() -> None:
    clock = np.array([[0.3, 1.0]])
    barriers = np.array([[0.4, 0.9]])
    correlation = math.sqrt(0.3)
    normal = stats.multivariate_normal(cov=[[1, correlation], [correlation, 1]])
    inside = normal.cdf(barriers[0] / np.sqrt(clock[0]))
    assert crossing_probabilities(barriers, clock)[0, 1] == pytest.approx(1 - inside, abs=1e-5)


def test_many_paths_cross_as_often() -> None:
    walks = np.random.default_rng(0).normal(size=(100_000, 15)).cumsum(axis=1)
    barriers = np.linspace(3.0, 5.0, 15)
    share = (walks >= barriers).any(axis=1).mean()
    crossed = crossing_probabilities(barriers[None], np.arange(1.0, 16)[None])[0, -1]
    assert crossed == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(walks)))


def test_barriers_at_infinity_are_never_or_always_reached() -> None:
    clock = np.arange(1.0, 4)[None]
    assert (crossing_probabilities(np.full((1, 3), np.inf), clock) < 1e-9).all()
    barriers = np.array([[np.inf, -np.inf, np.inf]])
    np.testing.assert_allclose(crossing_probabilities(barriers, clock), [[0, 1, 1]], atol=1e-9)


def test_the_clock_follows_the_widths_and_always_runs() -> None:
    widths = np.array([1.0, 1.0, 2.0, 2.0])[None, :, None]
    clock = variance_clock(widths * stats.norm.ppf(SCORING_LEVELS), SCORING_LEVELS)
    assert (np.diff(clock, axis=1) > 0).all()
    assert clock[0, -1] == 1
    assert clock[0, 1] < 0.3 < 0.9 < clock[0, 2]
    np.testing.assert_allclose(variance_clock(np.zeros((1, 4, 9)), SCORING_LEVELS), [[0.25, 0.5, 0.75, 1]])


def test_a_normal_price_touches_as_its_walk_does() -> None:
    steps = np.arange(1.0, 11)
    values = 0.01 * np.sqrt(steps)[:, None] * stats.norm.ppf(SCORING_LEVELS)
    touched = touch_probabilities(values[None], SCORING_LEVELS, np.array([0.02]))
    walk = crossing_probabilities(np.full((1, 10), 2.0), steps[None])
    inside = 2 / np.sqrt(steps) < 1.96  # beyond the levels the tails are those of Student's t
    assert inside[2:].all()
    np.testing.assert_allclose(touched[0, 2:], walk[0, 2:], atol=0.02)
