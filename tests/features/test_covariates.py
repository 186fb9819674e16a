import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.features.covariates import (
    aligned,
    column_input,
    input_names,
    is_input,
    is_odd_input,
    missing_rows,
    price_input,
)

DAYS = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
MOVE, LEVEL, SPREAD = input_names("x")


def column(days: np.ndarray, lag: int = 0, seed: int = 0):
    return column_input("x", days, np.random.default_rng(seed).normal(size=len(days)).cumsum(), lag)


@pytest.mark.parametrize("lag", [0, 1, 30])
def test_a_value_is_used_from_the_day_on_which_it_is_known(lag: int) -> None:
    days = DAYS[::7]
    one = column(days, lag)
    found = aligned([one], DAYS)
    for row, day in enumerate(DAYS):
        known = np.flatnonzero(days + np.timedelta64(lag, "D") <= day)
        assert found[LEVEL][row] == (one.level[known[-1]] if len(known) else 0)
        assert found[SPREAD][row] == (one.spread[known[-1]] if len(known) else 0)


def test_a_move_is_from_what_was_known_a_row_ago_to_what_is_known_now() -> None:
    one = column(DAYS)
    history = DAYS[[10, 11, 15, 15 + 2]]
    moves = aligned([one], history)[MOVE]
    expected = [0.0]
    for before, now in ((10, 11), (11, 15), (15, 17)):
        expected.append((one.value[now] - one.value[before]) / (one.scale[before] * np.sqrt(now - before)))
    np.testing.assert_allclose(moves, np.clip(expected, -6, 6))


@settings(max_examples=40, deadline=None)
@given(cutoff=st.integers(20, 360), lag=st.integers(0, 40), seed=st.integers(0, 99))
def test_what_comes_after_a_day_changes_no_bit_before_it(cutoff: int, lag: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=len(DAYS)).cumsum()
    other = values.copy()
    other[cutoff + 1 :] = np.random.default_rng(seed + 1).normal(0, 50, size=len(DAYS) - cutoff - 1)
    whole = aligned([column_input("x", DAYS, values, lag)], DAYS)
    scrambled = aligned([column_input("x", DAYS, other, lag)], DAYS)
    truncated = aligned([column_input("x", DAYS[: cutoff + 1], values[: cutoff + 1], lag)], DAYS)
    for name in whole:
        np.testing.assert_array_equal(scrambled[name][: cutoff + 1 + lag], whole[name][: cutoff + 1 + lag])
        np.testing.assert_array_equal(truncated[name][: cutoff + 1 + lag], whole[name][: cutoff + 1 + lag])


def test_a_column_that_ends_early_becomes_neutral() -> None:
    one = column(DAYS[:100])
    found = aligned([one], DAYS)
    missing = missing_rows(one, DAYS)
    assert np.flatnonzero(missing)[0] == 99 + one.most_days + 1
    assert missing[-1]
    for values in found.values():
        assert not values[missing].any()
    assert found[LEVEL][100] == one.level[-1]


def test_a_monthly_column_is_believed_for_three_months() -> None:
    one = column(np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[D]"))
    assert not missing_rows(one, DAYS).any()
    assert one.most_days == 93


def test_before_its_first_value_nothing_is_known() -> None:
    found = aligned([column(DAYS[50:])], DAYS)
    for values in found.values():
        assert not values[:50].any()
    assert found[MOVE][50] == 0  # a move needs two values


def test_features_have_no_scale() -> None:
    one = column(DAYS)
    larger = aligned([column_input("x", DAYS, one.value * 1000 + 7, 0)], DAYS)
    for name, values in aligned([one], DAYS).items():
        np.testing.assert_allclose(larger[name], values, atol=1e-6)


def test_prices_count_as_logarithms() -> None:
    series = oracles.walk(300, seed=3)
    one = price_input(series, 1)
    np.testing.assert_array_equal(one.value, series.log_price)
    assert one.known_from[0] == series.dates[0] + np.timedelta64(1, "D")


def test_moves_turn_with_the_quotation_levels_do_not() -> None:
    assert [is_odd_input(name) for name in (MOVE, LEVEL, SPREAD)] == [True, False, False]
    assert all(map(is_input, (MOVE, LEVEL, SPREAD)))
    assert not is_input("scaled_return")
    assert not is_input("input:x:other")


def test_a_constant_column_stays_finite() -> None:
    found = aligned([column_input("x", DAYS, np.full(len(DAYS), 3.0), 0)], DAYS)
    assert all(np.isfinite(values).all() for values in found.values())
