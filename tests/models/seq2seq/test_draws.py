"""Draws of a day: quantiles between and beyond the given ones, tails that are estimated, strata."""

import numpy as np
import pytest
from scipy import stats

from forecaster.models.seq2seq.draws import draw_weights, order_weights, stratified_weights, tail_share
from forecaster.models.seq2seq.widths import quantile_gaps
from forecaster.quantiles import SCORING_LEVELS

LEVELS = np.array([0.0001, 0.01, 0.03, 0.4, 0.5, 0.7, 0.99, 0.9999])
NORMAL = stats.norm.ppf(SCORING_LEVELS)


def test_tails_are_those_of_the_normal_distribution_or_of_students_t() -> None:
    normal = draw_weights(LEVELS, 0) @ quantile_gaps()
    np.testing.assert_allclose(normal, stats.norm.ppf(LEVELS), rtol=1e-4, atol=1e-6)
    heavy = draw_weights(LEVELS, 1) @ quantile_gaps()
    np.testing.assert_allclose(heavy[2:6], normal[2:6], rtol=1e-6)
    edges = stats.t.ppf((0.95, 0.975), 4)
    reach = (stats.t.ppf(LEVELS[-1], 4) - edges[1]) / (edges[1] - edges[0])
    assert heavy[-1] == pytest.approx(NORMAL[-1] + reach * (NORMAL[-1] - NORMAL[-2]), rel=1e-4)
    np.testing.assert_allclose(heavy[:2], -heavy[:-3:-1], rtol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_tails_of_a_sample_are_found(share: float) -> None:
    rng = np.random.default_rng(0)
    outcomes = (draw_weights(rng.random(40_000), share) @ quantile_gaps()).astype(float)
    outcomes[:5] = np.nan
    assert tail_share(np.tile(NORMAL, (40_000, 1)), outcomes) == pytest.approx(share, abs=0.15)


def test_realised_variance_follows_the_tails_of_the_truth() -> None:
    rng = np.random.default_rng(0)
    for truth in (stats.norm, stats.t(5, scale=stats.norm.ppf(0.975) / stats.t.ppf(0.975, 5))):
        quantiles = truth.ppf(SCORING_LEVELS)
        share = tail_share(np.tile(quantiles, (60_000, 1)), truth.rvs(size=60_000, random_state=rng))
        sampled = draw_weights((np.arange(20_000) + 0.5) / 20_000, share) @ np.diff(quantiles)
        assert np.mean(sampled**2) == pytest.approx(truth.var(), rel=0.02)


def test_few_outcomes_leave_the_tails_of_all_forecasts() -> None:
    outcomes = np.full(10, NORMAL[-1] + 0.1)
    assert tail_share(np.tile(NORMAL, (10, 1)), outcomes) == pytest.approx(1, abs=0.5)
    assert tail_share(np.empty((0, len(NORMAL))), np.empty(0)) == 1


def test_each_day_has_every_stratum_once_and_every_path_its_mirror_image() -> None:
    draws = stratified_weights(6, 64, 1.0, candidates=8) @ np.array(quantile_gaps())
    np.testing.assert_allclose(draws[:, :32], -draws[:, 32:], atol=1e-5)
    np.testing.assert_allclose(np.sort(draws, axis=1), np.tile(np.sort(draws[0]), (6, 1)), atol=1e-5)
    assert np.unique(draws.argsort(axis=1), axis=0).shape[0] == 6
    assert (stratified_weights(6, 64, 1.0, seed=1) != stratified_weights(6, 64, 1.0)).any()


def test_order_weights_are_the_quantiles_of_hazen() -> None:
    values = np.random.default_rng(0).normal(size=101)
    expected = np.quantile(values, SCORING_LEVELS, method="hazen")
    np.testing.assert_allclose(np.sort(values) @ order_weights(101), expected)
