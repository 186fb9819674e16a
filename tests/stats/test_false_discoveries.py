"""Benjamini-Hochberg against statsmodels and its definition; LORD++ by its definition and its error rate."""

import numpy as np
from statsmodels.stats.multitest import multipletests

from forecaster.stats.false_discoveries import _spending, adjusted_p_values, online_discoveries


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    p_values = np.random.default_rng(0).uniform(size=500) ** 3
    expected = multipletests(p_values, method="fdr_bh")[1]
    np.testing.assert_allclose(adjusted_p_values(p_values), expected)


def lord(p_values: np.ndarray, rate: float) -> list[bool]:
    """The levels of LORD++ as the paper writes them, computed anew for each test."""
    place = np.arange(1, len(p_values) + 1, dtype=float)
    gamma = np.minimum(1 / 10080, 2520 / place**2)
    wealth = 0.9 * rate
    times: list[int] = []
    result = []
    for t, p_value in enumerate(p_values):
        level = wealth * gamma[t]
        level += sum((rate - wealth if k == 0 else rate) * gamma[t - time - 1] for k, time in enumerate(times))
        result.append(bool(p_value <= level))
        times += [t] if result[-1] else []
    return result


def test_online_discoveries_follow_the_definition_and_no_later_p_value() -> None:
    rng = np.random.default_rng(1)
    p_values = np.where(rng.uniform(size=400) < 0.1, rng.uniform(size=400) * 2e-5, rng.uniform(size=400))
    discovered = online_discoveries(p_values, 0.1)
    assert discovered.tolist() == lord(p_values, 0.1)
    assert discovered.sum() > 10
    assert online_discoveries(p_values[:200], 0.1).tolist() == discovered[:200].tolist()


def test_the_levels_spend_no_more_than_the_rate() -> None:
    assert 0.99 < _spending(5_000_000).sum() <= 1


def test_uniform_p_values_give_a_discovery_as_seldom_as_stated() -> None:
    p_values = np.random.default_rng(2).uniform(size=(1000, 300))
    shares = [
        np.mean([online_discoveries(row, 0.1).any() for row in p_values]),
        np.mean([adjusted_p_values(row).min() <= 0.1 for row in p_values]),
    ]
    assert all(share <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 1000) for share in shares)
