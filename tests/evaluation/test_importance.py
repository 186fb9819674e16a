"""Permutation importance on losses whose truth is known."""

import numpy as np

from forecaster.evaluation.importance import Importance, Shuffling, block_permutation, permutation_importance

DAYS = 600
SETTLING = 20


def importances(seed: int = 0) -> dict[str, Importance]:
    """Importances of a model of the spread: one input matters, the others are noise or not used."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(SETTLING + DAYS, 3)).astype(np.float32)
    truth = inputs[SETTLING:, 0] + rng.normal(size=DAYS)

    def losses(x: np.ndarray) -> np.ndarray:
        forecast = x[:, SETTLING:, 0] + 0.05 * x[:, SETTLING:, 1]
        return np.abs(truth - forecast)[..., None]

    groups = {"all": [0, 1, 2], "used": [0], "noise": [1], "unused": [2]}
    rows = permutation_importance(losses, inputs, groups, {1: 1}, Shuffling(repetitions=8, block_rows=10))
    return {row.name: row for row in rows}


def test_the_input_that_matters_is_found_with_its_interval() -> None:
    result = importances()
    # |N(0, sqrt(3))| over |N(0, 1)|: truth and shuffled input are independent.
    assert abs(result["used"].increase - (np.sqrt(3) - 1)) < 0.12
    low, high = result["used"].interval or (np.nan, np.nan)
    assert 0.4 < low < result["used"].increase < high < 1.1
    assert result["all"].increase > 0.5
    assert result["used"].n == DAYS


def test_an_input_that_is_not_used_has_no_importance() -> None:
    result = importances()
    assert result["unused"].increase == 0
    assert abs(result["noise"].increase) < 0.02


def interval_of(seed: int, weight: float) -> tuple[float, float]:
    """Interval of an input that the model gives `weight`, and the truth as well if it is not a small one."""
    rng = np.random.default_rng(seed)
    inputs = np.repeat(rng.normal(size=(DAYS // 30, 2)), 30, axis=0).astype(np.float32)  # lasting, as volatilities
    truth = np.exp(0.3 * inputs[:, 0] + (weight > 0.1) * weight * inputs[:, 1]) * rng.normal(size=DAYS)

    def losses(x: np.ndarray) -> np.ndarray:
        spread = np.exp(0.3 * x[..., :1] + weight * x[..., 1:])
        return np.log(spread) + truth[:, None] ** 2 / spread**2 / 2 + 3

    (row,) = permutation_importance(losses, inputs, {"input": [1]}, {1: 1}, Shuffling(5, block_rows=60, seed=seed))
    assert row.interval is not None
    return row.interval


def test_the_interval_of_an_input_without_influence_on_the_truth_contains_zero() -> None:
    """The loss of a model with a small weight on noise does not change in the mean."""
    contained = [low <= 0 <= high for low, high in (interval_of(seed, 0.01) for seed in range(30))]
    assert sum(contained) >= 27


def test_the_interval_counts_the_choice_of_the_permutations() -> None:
    """All days have the loss that the first row decides, so that a bootstrap of days alone sees no error."""
    inputs = np.random.default_rng(0).uniform(size=(DAYS, 1)).astype(np.float32)
    inputs[0] = 0.5

    def losses(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(1.0 + x[:, :1], x.shape)

    truth = (1 + inputs.mean()) / 1.5 - 1
    contained = 0
    for seed in range(40):
        (row,) = permutation_importance(losses, inputs, {"input": [0]}, {1: 1}, Shuffling(5, block_rows=10, seed=seed))
        assert row.interval is not None
        contained += row.interval[0] <= truth <= row.interval[1]
    assert contained >= 35


def test_the_interval_of_a_planted_input_is_above_zero() -> None:
    assert all(interval_of(seed, 0.2)[0] > 0 for seed in range(6))


def test_with_few_days_there_is_no_interval() -> None:
    def losses(x: np.ndarray) -> np.ndarray:
        return np.abs(x[:, :, :1])

    (row,) = permutation_importance(losses, np.ones((40, 1), np.float32), {"one": [0]}, {1: 1}, Shuffling(2))
    assert row.interval is None


def test_a_permutation_keeps_blocks_together_and_every_row_once() -> None:
    order = block_permutation(100, 10, np.random.default_rng(3))
    assert sorted(order) == list(range(100))
    assert (np.diff(order) != 1).sum() <= 11
    assert (np.diff(order) != 1).sum() >= 8
