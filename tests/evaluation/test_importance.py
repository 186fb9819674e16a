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
