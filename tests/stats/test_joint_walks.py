"""Correlations and correlated walks: known truth."""

import numpy as np
import pytest
from scipy import stats

from forecaster.quantiles import SCORING_LEVELS, cumulative_probability
from forecaster.stats.correlations import rank_scores, shrunk_correlation, square_root
from forecaster.stats.joint_walks import correlation_at_end, stratified_scores, values_at_scores, walk_scores

CORRELATION = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.0], [-0.3, 0.0, 1.0]])


def test_correlations_are_found_and_chance_is_shrunk_away() -> None:
    rng = np.random.default_rng(0)
    moves = stats.t(4).rvs((5000, 3), random_state=rng)
    correlated = np.random.default_rng(1).standard_normal((5000, 3)) @ square_root(CORRELATION).T
    scaled, share = shrunk_correlation(rank_scores(np.exp(correlated)))  # ranks do not see the exponential
    np.testing.assert_allclose(scaled, CORRELATION, atol=0.03)
    assert share < 0.01
    chance, strong = shrunk_correlation(rank_scores(moves[:60]))
    assert strong > 0.4
    assert np.abs(chance - np.eye(3)).max() < 0.15
    assert np.array_equal(np.diag(chance), np.ones(3))


def test_the_shrinkage_is_that_of_its_formula() -> None:
    values = np.random.default_rng(2).standard_normal((40, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])
    scores = (values - values.mean(0)) / values.std(0)
    products = scores[:, 0] * scores[:, 1]
    count = len(values)
    variance = count / (count - 1) ** 3 * ((products - products.mean()) ** 2).sum() * (count - 1) / count
    correlation = products.mean()
    scaled, share = shrunk_correlation(values)
    assert share == pytest.approx(variance / correlation**2, rel=1e-9)
    assert scaled[0, 1] == pytest.approx((1 - share) * correlation)


@pytest.mark.parametrize("column", [0.0, 1.0])
def test_constant_and_equal_columns_are_no_fault(column: float) -> None:
    values = np.random.default_rng(0).standard_normal((50, 1))
    scaled, _ = shrunk_correlation(np.hstack([values, column * values]))
    root = square_root(scaled)
    assert np.isfinite(root).all()
    np.testing.assert_allclose(root @ root.T, scaled, atol=1e-12)
    assert scaled[0, 1] == pytest.approx(column, abs=0.1)


def test_scores_of_walks_have_the_correlations_of_their_clocks() -> None:
    clocks = np.array([[1.0, 2, 3, 4], [1, 2, 3, 4], [1, 1.1, 1.2, 8]])
    scores = walk_scores(CORRELATION, clocks, (1, 4), 40_000, np.random.default_rng(0))
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-12)
    expected = stats.norm.ppf((np.arange(40_000) + 0.5) / 40_000)
    np.testing.assert_allclose(np.sort(scores[:, 1, 2]), expected, atol=1e-9)  # exactly its own distribution
    np.testing.assert_allclose(np.corrcoef(scores[:, 0].T), CORRELATION, atol=0.02)
    expected = correlation_at_end(CORRELATION, clocks)
    np.testing.assert_allclose(np.corrcoef(scores[:, 1].T), expected, atol=0.02)
    assert expected[0, 1] == pytest.approx(0.8)
    assert -0.3 < expected[0, 2] < -0.2
    within = np.corrcoef(scores[:, 0, 0], scores[:, 1, 0])[0, 1]
    assert within == pytest.approx(0.5, abs=0.02)  # sqrt(1 / 4)


def test_stratified_scores_are_equally_likely_and_independent() -> None:
    scores = stratified_scores(1000, 3, np.random.default_rng(0))
    ordered = np.sort(scores, axis=0)
    assert np.array_equal(ordered, ordered[:, [0, 0, 0]])
    assert np.abs(np.corrcoef(scores.T) - np.eye(3)).max() < 0.1


def test_values_at_scores_invert_the_distribution_function() -> None:
    values = np.array([-3.0, -2.2, -1.4, -0.5, 0.1, 0.7, 1.2, 2.0, 3.5])
    scores = np.linspace(-5, 5, 41)
    scaled = values_at_scores(values, SCORING_LEVELS, scores)
    assert (np.diff(scaled) > 0).all()
    levels = cumulative_probability(np.tile(values, (41, 1)), SCORING_LEVELS, scaled)
    np.testing.assert_allclose(levels, stats.norm.cdf(scores), rtol=1e-6, atol=1e-12)
