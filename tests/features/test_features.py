import dataclasses

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.series import Panel
from forecaster.features import (
    FEATURES,
    RETURN_FEATURES,
    Feature,
    antisymmetric_features,
    feature_matrix,
    suitable_features,
)
from forecaster.features.history import WARM_UP, History

NAMES = tuple(FEATURES)
BORDERS = (0, 1, 4, 5, 19, 20, 63, 64, 65, 127, 128, WARM_UP - 1, WARM_UP, 255, 256, 257, 300, 511, 512, 513)


@pytest.fixture(scope="module", params=["exact", "rounded", "bars"])
def series(request: pytest.FixtureRequest) -> object:
    return oracles.bars(600) if request.param == "bars" else oracles.walk(600, 5, rounded=request.param == "rounded")


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_is_its_slow_loop(series: object, name: str) -> None:
    short = oracles.truncated(series, 259)
    found = FEATURES[name].compute(History.of(short))
    np.testing.assert_allclose(found, oracles.features(short)[name], rtol=1e-8, atol=1e-9)


def test_the_oracle_knows_every_feature() -> None:
    assert set(oracles.features(oracles.walk(3))) == set(FEATURES)


@pytest.mark.parametrize("cutoff", BORDERS)
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
def test_rows_after_a_cutoff_change_no_bit_before_it(series: object, cutoff: int, change: str) -> None:
    history, other = History.of(series), History.of(getattr(oracles, change)(series, cutoff))
    for part in ("log_price", "log_return", "floor", "volatility"):
        np.testing.assert_array_equal(getattr(other, part)[: cutoff + 1], getattr(history, part)[: cutoff + 1])
    np.testing.assert_array_equal(
        feature_matrix(other, NAMES)[: cutoff + 1], feature_matrix(history, NAMES)[: cutoff + 1]
    )


@pytest.mark.parametrize("name", NAMES)
def test_antisymmetric_features_change_sign_with_the_quotation_and_the_others_do_not(series: object, name: str) -> None:
    inverse = inverted(series)
    sign = -1 if FEATURES[name].antisymmetric else 1
    found, mirrored = FEATURES[name].compute(History.of(series)), FEATURES[name].compute(History.of(inverse))
    np.testing.assert_allclose(mirrored, sign * found, rtol=1e-9, atol=1e-9)
    assert found[WARM_UP:].std() > 0.01 or (name not in RETURN_FEATURES and "open" not in series.columns)


def inverted(series: object) -> object:
    """The other quotation: its low is the high turned over; what lacks a price or has one of 0 lacks it still."""
    swapped = {"high": "low", "low": "high"}
    columns = {
        swapped.get(name, name): values if name == "volume" else np.divide(1, values, where=values != 0, out=values * 0)
        for name, values in series.columns.items()
    }
    return dataclasses.replace(series, columns=columns)


def test_antisymmetric_features_follow_the_requested_order() -> None:
    assert antisymmetric_features(["volatility_fast", "momentum_5", "absolute_return"]).tolist() == [False, True, False]


@settings(max_examples=20)
@given(st.permutations(NAMES), st.integers(1, len(NAMES)))
def test_a_feature_does_not_depend_on_which_others_are_on(names: list[str], count: int) -> None:
    history = History.of(oracles.walk(230))
    matrix = feature_matrix(history, names[:count])
    assert (matrix.dtype, matrix.shape) == (np.float32, (230, count))
    for column, name in enumerate(names[:count]):
        np.testing.assert_array_equal(matrix[:, column], feature_matrix(history, [name])[:, 0])


@settings(max_examples=20)
@given(st.floats(1e-3, 1e6), st.integers(1, 50))
def test_features_have_no_scale(factor: float, stretch: int) -> None:
    rng = np.random.default_rng(stretch)
    moves = np.cumsum(rng.normal(size=400) * 1e-3)
    plain, scaled = (oracles.series_of(price) for price in (np.exp(moves), factor * np.exp(stretch * moves)))
    found, expected = (feature_matrix(History.of(one), NAMES)[WARM_UP:] for one in (scaled, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 2, 3, 300])
def test_a_price_that_never_moves_has_finite_features(rows: int) -> None:
    matrix = feature_matrix(History.of(oracles.series_of([7.0] * rows)), NAMES)
    assert matrix.shape == (rows, len(NAMES))
    expected = [{"absolute_return": -0.75}.get(name, 0.0) for name in NAMES]
    np.testing.assert_allclose(matrix, np.tile(expected, (rows, 1)))


def test_a_price_that_wakes_up_has_finite_features() -> None:
    series = oracles.series_of([7.0] * 300 + [14.0] + [14.0] * 20)
    assert np.isfinite(feature_matrix(History.of(series), NAMES)).all()


def test_a_registered_feature_joins_the_default_network_only_where_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel((oracles.bars(300, holes=False),))
    before = suitable_features(panel)
    monkeypatch.setitem(FEATURES, "mine", Feature(lambda history: history.log_return, antisymmetric=True))
    assert suitable_features(panel) == before
    monkeypatch.setitem(FEATURES, "mine", FEATURES["mine"]._replace(default=True))
    assert suitable_features(panel) == (*before, "mine")
    monkeypatch.setitem(FEATURES, "mine", FEATURES["mine"]._replace(usable=lambda history: np.zeros(300, dtype=bool)))
    assert suitable_features(panel) == before


def test_volatilities_settle_over_two_hundred_returns() -> None:
    """Changed only together with the configured models: a trained network has learned from row 201 on."""
    assert WARM_UP == 201
