"""Luck of the best of many trials."""

import numpy as np
import pytest

from forecaster.stats.best_of_many import best_of_many


def losses(rng: np.random.Generator, days: int, trials: int, overlap: int = 1) -> np.ndarray:
    """(N, K) losses without skill: days, and outcomes over `overlap` days, are shared by all trials."""
    noise = rng.normal(size=(days + overlap - 1, trials)) + rng.normal(size=(days + overlap - 1, 1))
    return np.stack([np.convolve(column, np.ones(overlap) / overlap, "valid") for column in noise.T], axis=1)


@pytest.mark.parametrize(("days", "overlap", "trials"), [(150, 1, 5), (200, 5, 40), (800, 20, 12)])
def test_p_values_under_the_null(days: int, overlap: int, trials: int) -> None:
    """P(p <= a) is at most a, within three standard errors of 250 samples; half of it at least, for a few trials.

    More samples, days that are not independent, and searches that learn: `benchmarks/search_luck.py`.
    """
    rng = np.random.default_rng(11)
    p_values = []
    for seed in range(250):
        values = losses(rng, days, trials + 1, overlap)
        gains = values[:, :1] - values[:, 1:]
        p_values.append(best_of_many(gains, int(gains.mean(axis=0).argmax()), overlap, seed, repetitions=200))
    for size in (0.05, 0.1, 0.25, 0.5):
        share = np.mean(np.array(p_values, dtype=float) <= size)
        assert share <= size + 3 * np.sqrt(size * (1 - size) / len(p_values))
        assert trials > 5 or share >= size / 2


def test_skill_is_found() -> None:
    values = losses(np.random.default_rng(0), 500, 11)
    values[:, 3] -= 0.4
    gains = values[:, :1] - values[:, 1:]
    assert best_of_many(gains, 2) < 0.01  # type: ignore[operator]
    assert best_of_many(gains) == best_of_many(gains, 2)
    assert best_of_many(gains, 3) > 0.05  # type: ignore[operator]  # another trial is not that good


def test_every_trial_makes_the_best_less_surprising() -> None:
    """The gain of one trial is nearly significant; with others beside it, it is luck."""
    noise = np.random.default_rng(4).normal(size=(400, 40))
    best = noise[:, :1] - noise[:, 0].mean() + 2.4 / 20
    others = noise[:, 1:] - noise[:, 1:].mean(axis=0) - 0.05
    alone = best_of_many(best, 0)
    beside = best_of_many(np.hstack([best, others]), 0)
    assert alone is not None
    assert beside is not None
    assert alone < 0.05 < 5 * alone < beside
    alike = best_of_many(np.hstack([best] * 40), 0)
    assert alike == alone  # the same trial again and again is one


def test_what_cannot_be_tested() -> None:
    rng = np.random.default_rng(0)
    assert best_of_many(rng.normal(size=(89, 3)), 0) is None
    assert best_of_many(rng.normal(size=(90, 3)), 0) is not None
    assert best_of_many(rng.normal(size=(199, 3)), 0, overlap=5) is None
    gains = np.column_stack([np.full(100, 0.1), rng.normal(size=100)])
    assert best_of_many(gains, 0) is None
    assert best_of_many(gains, 1) is not None
    assert best_of_many(gains[:, :1]) is None


def test_the_seed_decides() -> None:
    gains = np.random.default_rng(0).normal(size=(100, 4))
    assert best_of_many(gains, 0, seed=1) == best_of_many(gains, 0, seed=1)
