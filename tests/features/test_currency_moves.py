"""Moves of single currencies from pairs."""

import itertools

import numpy as np
import oracles

from forecaster.data.series import PriceSeries
from forecaster.features.currency_moves import currency_moves


def pairs_of(values: dict[str, np.ndarray]) -> list[PriceSeries]:
    """All crosses of currencies whose logs of a common unit are `values`, in alphabetical orientation."""
    return [
        oracles.series_of(np.exp(values[quote] - values[base]), base + quote)
        for base, quote in itertools.combinations(sorted(values), 2)
    ]


def test_each_currency_moves_against_the_mean_of_all() -> None:
    rng = np.random.default_rng(0)
    values = {name: rng.normal(0, 0.01, 50).cumsum() for name in ("AUD", "CHF", "EUR", "JPY")}
    (group,) = currency_moves(pairs_of(values))
    assert list(group) == ["EUR", "AUD", "CHF", "JPY"]
    changes = {name: np.diff(level) for name, level in values.items()}
    mean = np.mean(list(changes.values()), axis=0)
    for name, (_, moves) in group.items():
        assert np.isnan(moves[0])
        np.testing.assert_allclose(moves[1:], changes[name] - mean, atol=1e-12)


def test_a_single_pair_is_shared_by_its_currencies_and_others_are_a_group_of_their_own() -> None:
    first, second = oracles.walk(40, 1, "USDJPY"), oracles.walk(40, 2, "EURGBP")
    groups = currency_moves([first, second])
    assert [sorted(group) for group in groups] == [["EUR", "GBP"], ["JPY", "USD"]]
    half = np.diff(np.log(first.close)) / 2
    np.testing.assert_allclose(groups[1]["JPY"][1][1:], half, atol=1e-15)
    np.testing.assert_allclose(groups[1]["USD"][1][1:], -half, atol=1e-15)


def test_a_currency_that_does_not_float_does_not_move_the_mean() -> None:
    rng = np.random.default_rng(1)
    floating = {name: rng.normal(0, 0.01, 30).cumsum() for name in ("EUR", "USD", "JPY", "GBP", "CHF")}
    (without,) = currency_moves(pairs_of(floating))
    (group,) = currency_moves(pairs_of({**floating, "TRY": np.arange(30) * 0.05}))
    np.testing.assert_allclose(group["USD"][1][1:], without["USD"][1][1:], atol=1e-12)
