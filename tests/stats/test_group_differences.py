"""Differences between groups."""

import numpy as np
import pytest
from scipy.stats import f_oneway

from forecaster.stats.group_differences import explained_share, permutation_p_value


def test_the_share_is_that_of_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=60)
    values = rng.normal(size=60) + 0.8 * groups
    statistic = float(f_oneway(*(values[groups == group] for group in range(3))).statistic)
    assert explained_share(values, groups) == pytest.approx(2 * (statistic - 1) / (2 * statistic + 60 - 2), rel=1e-9)


def test_noise_explains_nothing_on_average() -> None:
    rng = np.random.default_rng(1)
    shares = [explained_share(rng.normal(size=40), rng.integers(3, size=40)) for _ in range(200)]
    assert np.mean(shares) < 0.04
    assert explained_share(np.ones(5), np.arange(5)) == 0
    assert explained_share(np.arange(4.0), np.zeros(4, dtype=int)) == 0


def test_permutations_agree_with_the_f_test() -> None:
    rng = np.random.default_rng(2)
    groups = rng.integers(3, size=50)
    values = rng.normal(size=50) + 0.3 * groups
    expected = float(f_oneway(*(values[groups == group] for group in range(3))).pvalue)
    assert permutation_p_value(values, groups, rng) == pytest.approx(expected, abs=0.04)
