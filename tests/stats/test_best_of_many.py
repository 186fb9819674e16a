"""Luck of the best of many trials."""

import numpy as np
import pytest

from forecaster.stats.best_of_many import best_of_many


def losses(rng: np.random.Generator, days: int, trials: int, overlap: int = 1) -> np.ndarray:
    """(N, K) losses without skill: days, and outcomes over `overlap` days, are shared by all trials."""
    noise = rng.normal(size=(days + overlap - 1, trials)) + rng.normal(size=(days + overlap - 1, 1))
    return np.stack([np.convolve(column, np.ones(overlap) / overlap, "valid") for column in noise.T], axis=1)


@pytest.mark.parametrize(("days", "overlap", "stopped", "untested"), [(150, 1, 0, 0), (150, 1, 6, 1), (500, 5, 0, 0)])
def test_p_values_under_the_null(days: int, overlap: int, stopped: int, untested: int) -> None:
    """P(p <= a) is at most a, within three standard errors of 80 samples; also where the worst trials were stopped."""
    rng = np.random.default_rng(11)
    p_values = []
    for seed in range(80):
        values = losses(rng, days, 13, overlap)
        gains = values[:, :1] - values[:, 1:]
        if stopped:
            worst = np.argsort(gains[: days // 3].mean(axis=0))[:stopped]
            gains[days // 3 :, worst] = np.nan
        p_value = best_of_many(gains, untested, overlap, seed, repetitions=120)
        assert p_value is not None
        p_values.append(p_value)
    for size in (0.05, 0.1, 0.25, 0.5):
        assert np.mean(np.array(p_values) <= size) <= size + 3 * np.sqrt(size * (1 - size) / len(p_values))


def test_skill_is_found() -> None:
    values = losses(np.random.default_rng(0), 500, 11)
    values[:, 3] -= 0.4
    assert best_of_many(values[:, :1] - values[:, 1:], repetitions=400) < 0.01


def test_every_trial_makes_the_best_less_surprising() -> None:
    """The gain of one trial is nearly significant; with others beside it, stopped or failed ones too, it is luck."""
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(400, 40))
    best = noise[:, :1] - noise[:, 0].mean() + 2.2 / 20
    others = noise[:, 1:] - noise[:, 1:].mean(axis=0) - 0.05
    stopped = others.copy()
    stopped[100:] = np.nan
    alone = best_of_many(best)
    assert alone is not None
    assert alone < 0.05
    for p_value in (
        best_of_many(np.hstack([best, others])),
        best_of_many(np.hstack([best, stopped])),
        best_of_many(best, untested=39),
    ):
        assert p_value is not None
        assert p_value > 5 * alone


def test_what_cannot_be_tested() -> None:
    rng = np.random.default_rng(0)
    assert best_of_many(rng.normal(size=(99, 3))) is None
    assert best_of_many(rng.normal(size=(490, 3)), overlap=5) is None
    assert best_of_many(np.zeros((100, 3))) is None
    stopped = rng.normal(size=(100, 2))
    stopped[50:] = np.nan
    assert best_of_many(stopped) is None


def test_the_seed_decides() -> None:
    gains = np.random.default_rng(0).normal(size=(100, 4))
    assert best_of_many(gains, seed=1) == best_of_many(gains, seed=1)
