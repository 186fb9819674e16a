"""Tails of standardised outcomes: right on average far beyond the data, where estimated ones are not."""

import numpy as np
import pytest
from scipy import stats

from forecaster.stats.student_tails import StudentTails


def test_many_outcomes_give_the_tails_of_their_law() -> None:
    values = 0.8 * np.random.default_rng(0).standard_t(5, 50_000)
    tails = StudentTails.fit(values)
    for point in (1.0, 4.0, 8.0):
        assert tails.p_values(np.array([-point]))[0] == pytest.approx(2 * stats.t.sf(point / 0.8, 5), rel=0.2)
    assert tails.p_values(np.array([tails.bound(0.001)]))[0] == pytest.approx(0.001, rel=1e-6)


def test_a_start_near_the_scales_gives_the_same_tails() -> None:
    values = np.random.default_rng(1).standard_t(6, 2000)
    first = StudentTails.fit(values)
    second = StudentTails.fit(values, StudentTails.fit(values[:1500]))
    np.testing.assert_allclose(second.p_values(np.array([5.0])), first.p_values(np.array([5.0])), rtol=0.02)


def test_few_outcomes_give_tails_that_are_not_too_thin() -> None:
    """The mean of the true probability of what is called once in 20,000 is at most that."""
    rng = np.random.default_rng(2)
    exceeded = [2 * stats.t.sf(StudentTails.fit(rng.standard_t(5, 400)).bound(5e-5), 5) for _ in range(100)]
    assert np.mean(exceeded) < 5e-5
