import itertools
import warnings

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from forecaster.evaluation.distribution_scores import crps, log_score
from forecaster.evaluation.metrics import weighted_quantile_loss
from forecaster.evaluation.reductions import DefinedMean, mean_of_all
from forecaster.quantiles import SCORING_LEVELS, cumulative_probability, level_weights, normal_scores

WILD = np.array([-3.0, -2.9, -1.0, -0.2, 0.0, 0.1, 1.5, 1.6, 4.0])
NORMAL = normal_scores(SCORING_LEVELS)


@settings(max_examples=20)
@given(
    st.lists(st.floats(0.01, 0.99), min_size=2, max_size=9, unique_by=lambda level: round(level, 2)).map(sorted),
    st.integers(0, 10**6),
    st.floats(-6, 6),
)
def test_crps_is_the_integral(levels: list[float], seed: int, actual: float) -> None:
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.normal(size=len(levels)).round(int(rng.integers(0, 4))))  # often with ties
    for y in (actual, float(rng.choice(quantiles))):
        exact = oracles.crps(quantiles.tolist(), levels, y)
        assert crps(quantiles, levels, np.array(y)) == pytest.approx(exact, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("actual", [-30.0, -3.0, -0.7, 0.0, 1.0, 2.5])
def test_of_a_normal_it_is_the_known_crps(actual: float) -> None:
    # Levels so far out that the tails of Student's t hold nothing.
    levels = [1e-9, 1e-4, 0.025, 0.3, 0.5, 0.9, 1 - 1e-4, 1 - 1e-9]
    known = actual * (2 * stats.norm.cdf(actual) - 1) + 2 * stats.norm.pdf(actual) - np.pi**-0.5
    assert crps(normal_scores(levels), levels, np.array(actual)) == pytest.approx(known, rel=1e-6)


def test_it_is_that_of_a_sample() -> None:
    """Mean distance from the outcome less half the mean distance of two draws (Gneiting and Raftery 2007)."""
    count = 20_000
    draws = WILD @ level_weights(SCORING_LEVELS, tuple(((np.arange(count) + 0.5) / count).tolist()))
    spread = (2 * np.arange(1, count + 1) - count - 1) @ draws / count**2
    for actual in (-5.0, -2.95, 0.05, 3.0):
        expected = np.abs(draws - actual).mean() - spread
        assert crps(WILD, SCORING_LEVELS, np.array(actual)) == pytest.approx(expected, rel=2e-3)


def test_nine_levels_alone_read_less() -> None:
    actual = np.random.default_rng(0).standard_t(5, size=20_000)
    quantiles = np.broadcast_to(stats.t(5).ppf(SCORING_LEVELS), (20_000, 9))
    ratio = weighted_quantile_loss(quantiles, SCORING_LEVELS, actual).mean()
    ratio /= crps(quantiles, SCORING_LEVELS, actual).mean()
    assert 0.96 < ratio < 0.985


def test_the_true_distribution_has_the_lowest_scores() -> None:
    actual = np.random.default_rng(1).normal(size=50_000)
    right = np.broadcast_to(NORMAL, (50_000, 9))
    for score in (crps, log_score):
        means = {width: score(width * right, SCORING_LEVELS, actual).mean() for width in (0.9, 1, 1.1)}
        assert min(means, key=lambda width: means[width]) == 1


def test_a_point_scores_the_absolute_error() -> None:
    actual = np.array([-2.0, 1.0, 1.0 + 1e-300, 4.0])
    np.testing.assert_array_equal(crps(np.ones((4, 9)), SCORING_LEVELS, actual), np.abs(actual - 1))


@pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-300, 1e-30])
def test_segments_without_width_are_exact(tiny: float) -> None:
    """Half of the distribution at 0, and the same with segments too narrow to divide by."""
    quantiles = np.array([-2, -1, -tiny, 0, 0, 0, tiny, 1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for actual in (-3.0, 0.0, tiny, 0.5, 3.0):
            computed = crps(quantiles, SCORING_LEVELS, np.array(actual))
            assert computed == pytest.approx(
                oracles.crps([-2, -1, 0, 0, 0, 0, 0, 1, 2], SCORING_LEVELS, actual), abs=1e-9
            )
        narrow = np.array([-1, -1, -1, -0.5, 0, 0.5, 1, 1 + tiny, 1 + tiny])  # no tails
        for actual in (-4.0, 0.2, 4.0):
            expected = oracles.crps([-1, -1, -1, -0.5, 0, 0.5, 1, 1, 1], SCORING_LEVELS, actual)
            assert crps(narrow, SCORING_LEVELS, np.array(actual)) == pytest.approx(expected, abs=1e-9)


def test_far_outcomes_keep_their_precision() -> None:
    near, far = crps(np.stack([1e-9 * NORMAL] * 2), SCORING_LEVELS, np.array([1.0, 1e6]))
    assert near == pytest.approx(1, rel=1e-8)
    assert far == pytest.approx(1e6, rel=1e-8)


def test_units_and_shapes_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    quantiles, actual = np.sort(rng.normal(size=(4, 5, 9))), rng.normal(size=(4, 5))
    for score in (crps, log_score):
        scores_of_all = score(quantiles, SCORING_LEVELS, actual)
        assert scores_of_all.shape == (4, 5)
        assert scores_of_all[2, 3] == pytest.approx(score(quantiles[2, 3], SCORING_LEVELS, actual[2, 3]))
        assert score(quantiles[:0], SCORING_LEVELS, actual[:0]).shape == (0, 5)
    mirrored = crps(-quantiles[..., ::-1], SCORING_LEVELS, -actual)
    np.testing.assert_allclose(mirrored, crps(quantiles, SCORING_LEVELS, actual), rtol=1e-12)
    np.testing.assert_allclose(
        crps(7 * quantiles, SCORING_LEVELS, 7 * actual), 7 * crps(quantiles, SCORING_LEVELS, actual)
    )
    moved = log_score(7 * quantiles, SCORING_LEVELS, 7 * actual) - log_score(quantiles, SCORING_LEVELS, actual)
    np.testing.assert_allclose(moved, np.log(7))


# --- log score -------------------------------------------------------------------------------------------------------


def density(y: float) -> float:
    return float(np.exp(-log_score(WILD, SCORING_LEVELS, np.array(y))))


@given(st.floats(-8, 8))
def test_log_score_is_the_slope_of_the_distribution_function(y: float) -> None:
    step = 1e-6
    if np.abs(WILD - y).min() < 2 * step:
        return
    ends = cumulative_probability(np.stack([WILD] * 2), SCORING_LEVELS, np.array([y - step, y + step]))
    assert density(y) == pytest.approx(np.diff(ends)[0] / (2 * step), rel=1e-5, abs=1e-9)


def test_the_density_has_the_mass_1() -> None:
    cuts = [-np.inf, *WILD, np.inf]
    assert sum(integrate.quad(density, *ends)[0] for ends in itertools.pairwise(cuts)) == pytest.approx(1)


def test_an_outcome_without_a_finite_density_has_no_log_score() -> None:
    mass = np.array([-2.0, -1, 0, 0, 0, 1, 2, 2, 2])  # and no tail above 2
    computed = log_score(np.stack([mass] * 6), SCORING_LEVELS, np.array([-3, 0, 1e-16, 0.5, 2, 2.5]))
    assert np.isnan(computed).tolist() == [False, True, True, False, True, True]
    assert np.isnan(log_score(np.zeros((2, 9)), SCORING_LEVELS, np.array([0.0, 1.0]))).all()


def test_an_undefined_log_score_leaves_no_mean() -> None:
    mean = DefinedMean()
    mean.add(np.array([1.0, 2.0]))
    assert mean.result() == 1.5
    mean.add(np.array([np.nan]))
    assert mean.result() is None
    assert mean_of_all([1.0, 3.0]) == 2
    assert mean_of_all([1.0, None]) is None
