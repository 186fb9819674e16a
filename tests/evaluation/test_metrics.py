import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.evaluation.metrics import (
    hit_rate,
    interval_score,
    level_shares,
    mae,
    pit_bins,
    ratio,
    rmse,
    rolling_coverage,
    weighted_quantile_loss,
    worst_rolling_coverage,
)
from forecaster.quantiles import SCORING_LEVELS, cumulative_probability

LEVELS = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True).map(sorted)


@given(LEVELS, st.integers(0, 99), st.integers(1, 5))
def test_weighted_quantile_loss_is_the_slow_loop(levels: list[float], seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    quantiles, actual = np.sort(rng.normal(size=(count, len(levels)))), rng.normal(size=count)
    expected = [
        oracles.weighted_quantile_loss(row.tolist(), levels, one)
        for row, one in zip(quantiles, actual.tolist(), strict=True)
    ]
    np.testing.assert_allclose(weighted_quantile_loss(quantiles, levels, actual), expected, rtol=1e-12)


@given(LEVELS)
def test_weights_share_out_the_unit_interval(levels: list[float]) -> None:
    weights = level_shares(levels)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()


def test_weights_of_the_scoring_levels() -> None:
    expected = [0.0375, 0.0375, 0.1, 0.2, 0.25, 0.2, 0.1, 0.0375, 0.0375]
    np.testing.assert_allclose(level_shares(SCORING_LEVELS), expected)


@pytest.mark.parametrize("actual", [-2.0, 0.0, 0.7])
def test_with_many_levels_it_is_the_crps_of_a_normal(actual: float) -> None:
    levels = (np.arange(4000) + 0.5) / 4000
    computed = weighted_quantile_loss(stats.norm.ppf(levels), levels, np.array(actual))
    exact = actual * (2 * stats.norm.cdf(actual) - 1) + 2 * stats.norm.pdf(actual) - np.pi**-0.5
    assert computed == pytest.approx(exact, rel=1e-3)


def test_of_one_level_it_is_the_absolute_error() -> None:
    np.testing.assert_allclose(weighted_quantile_loss(np.array([[1.0], [1.0]]), [0.5], np.array([4.0, -1.0])), [3, 2])


def test_point_errors() -> None:
    error = np.array([3.0, -4.0, 0.0])
    assert rmse(error) == pytest.approx((25 / 3) ** 0.5)
    assert mae(error) == pytest.approx(7 / 3)


# --- intervals, PIT, direction -----------------------------------------------------------------------------------


def test_a_ratio_to_perfection_does_not_exist() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, 0.0) is None


def test_interval_score_by_hand() -> None:
    lower, upper, actual = np.array([0.0, 0, 0]), np.array([2.0, 2, 2]), np.array([1.0, -0.5, 2.1])
    # Width 2; at 80 % each unit outside costs 2 / 0.2 = 10.
    np.testing.assert_allclose(interval_score(lower, upper, actual, 0.8), [2, 7, 3])


@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(0.1, 0.95), st.floats(-5, 5))
def test_interval_score_is_the_pinball_losses_of_both_ends(
    low: float, width: float, level: float, actual: float
) -> None:
    alpha, high = 1 - level, low + width

    def pinball(quantile: float, tau: float) -> float:
        return max(tau * (actual - quantile), (tau - 1) * (actual - quantile))

    expected = 2 / alpha * (pinball(low, alpha / 2) + pinball(high, 1 - alpha / 2))
    computed = interval_score(np.array(low), np.array(high), np.array(actual), level)
    assert float(computed) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_interval_score_is_least_for_the_true_interval() -> None:
    actual = np.random.default_rng(0).normal(size=20_000)
    edge = stats.norm.ppf(0.9)
    score = {
        shift: interval_score(np.full(20_000, -edge * shift), np.full(20_000, edge * shift), actual, 0.8).mean()
        for shift in (0.7, 0.85, 1.0, 1.15, 1.3)
    }
    assert min(score, key=lambda shift: score[shift]) == 1.0


def test_pit_of_the_truth_is_uniform_and_of_a_narrow_forecast_is_not() -> None:
    actual = np.random.default_rng(1).normal(size=5000)
    quantiles = np.broadcast_to(stats.norm.ppf(SCORING_LEVELS), (5000, 9))
    values = cumulative_probability(quantiles, SCORING_LEVELS, actual)
    inner = np.abs(actual) < 1.9  # between the outermost levels the distribution is that of a normal
    np.testing.assert_allclose(values[inner], stats.norm.cdf(actual[inner]), atol=1e-12)
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert stats.kstest(cumulative_probability(0.8 * quantiles, SCORING_LEVELS, actual), "uniform").pvalue < 1e-6


@given(st.integers(0, 99), st.integers(2, 25), st.integers(1, 60))
def test_the_histogram_counts_pit_values(seed: int, bins: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    quantiles, actual = np.sort(rng.normal(size=(count, 9))), rng.normal(size=count)
    computed = pit_bins(quantiles, SCORING_LEVELS, actual, bins).sum(axis=1)
    edges = np.arange(bins + 1) / bins
    expected = np.histogram(cumulative_probability(quantiles, SCORING_LEVELS, actual), edges)[0]
    assert computed.sum() == count
    # An edge is a quantile by interpolation, a PIT value by its inverse: rounding may move what lies on it.
    assert (
        np.abs(np.cumsum(computed - expected)).max()
        <= np.isclose(cumulative_probability(quantiles, SCORING_LEVELS, actual)[:, None], edges[None], atol=1e-9).sum()
    )


def test_the_histogram_shows_what_is_wrong() -> None:
    actual = np.random.default_rng(2).normal(size=4000)
    right = np.broadcast_to(stats.norm.ppf(SCORING_LEVELS), (4000, 9))
    counts = {
        name: pit_bins(one, SCORING_LEVELS, actual).sum(axis=1)
        for name, one in (("right", right), ("narrow", 0.6 * right), ("wide", 1.6 * right), ("low", right - 0.5))
    }
    assert stats.chisquare(counts["right"]).pvalue > 0.01
    assert counts["narrow"][[0, -1]].min() > 2 * counts["narrow"][4:6].max()
    assert counts["wide"][4:6].min() > 2 * counts["wide"][[0, -1]].max()
    assert counts["low"][-1] > 2 * counts["low"][0]


def test_outcomes_on_edges_are_spread_over_their_bins() -> None:
    outcomes = np.zeros(100)
    median_is_outcome = np.broadcast_to(stats.norm.ppf(SCORING_LEVELS), (100, 9))
    counts = pit_bins(median_is_outcome, SCORING_LEVELS, outcomes).sum(axis=1)
    assert counts[4:6].tolist() == [49, 51]
    mostly_unchanged = np.broadcast_to([-2.0, -1, 0, 0, 0, 0, 0, 1, 2], (100, 9))  # from 0.1 to 0.9
    counts = pit_bins(mostly_unchanged, SCORING_LEVELS, outcomes).sum(axis=1)
    assert counts.sum() == 100
    assert counts[2:8].min() >= counts[2:8].max() - 2
    assert pit_bins(np.zeros((0, 9)), SCORING_LEVELS, np.zeros(0), 3).shape == (3, 0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 12))
def test_rolling_coverage_is_the_slow_loop(inside: list[bool], window: int) -> None:
    expected = [sum(inside[k : k + window]) / window for k in range(len(inside) - window + 1)]
    computed = rolling_coverage(np.array(inside, dtype=bool), window)
    np.testing.assert_allclose(computed, expected)
    assert worst_rolling_coverage(np.array(inside, dtype=bool), window) == (
        pytest.approx(min(expected)) if expected else None
    )


def test_the_worst_year_is_hidden_in_the_average() -> None:
    inside = np.ones(2500, dtype=bool)
    inside[1000:1250:2] = False
    assert inside.mean() == 0.95
    assert worst_rolling_coverage(inside) == 0.5


def test_hits_are_counted_where_both_have_a_direction() -> None:
    computed = hit_rate(np.array([1.0, -1, 2, 0, -3, 1]), np.array([0.1, -0.2, -0.3, 1, 0, 5]))
    assert (computed.hits, computed.n, computed.without_direction) == (3, 4, 2)
    assert computed.rate == 0.75
    assert hit_rate(np.zeros(3), np.ones(3)).rate is None
