import dataclasses

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.features.covariates import (
    aligned,
    column_covariate,
    covariate_features,
    is_antisymmetric_covariate,
    is_covariate,
    known_hash,
    missing_rows,
    price_covariate,
)

DAYS = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
MOVE, LEVEL, SPREAD = covariate_features("x")


def column(days: np.ndarray, lag: int = 0, seed: int = 0):
    return column_covariate("x", days, np.random.default_rng(seed).normal(size=len(days)).cumsum(), lag)


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


@settings(max_examples=40)
@given(cutoff=st.integers(20, 360), lag=st.integers(0, 40), seed=st.integers(0, 99))
def test_what_comes_after_a_day_changes_no_bit_before_it(cutoff: int, lag: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=len(DAYS)).cumsum()
    other = values.copy()
    other[cutoff + 1 :] = np.random.default_rng(seed + 1).normal(0, 50, size=len(DAYS) - cutoff - 1)
    whole = aligned([column_covariate("x", DAYS, values, lag)], DAYS)
    scrambled = aligned([column_covariate("x", DAYS, other, lag)], DAYS)
    truncated = aligned([column_covariate("x", DAYS[: cutoff + 1], values[: cutoff + 1], lag)], DAYS)
    for name in whole:
        np.testing.assert_array_equal(scrambled[name][: cutoff + 1 + lag], whole[name][: cutoff + 1 + lag])
        np.testing.assert_array_equal(truncated[name][: cutoff + 1 + lag], whole[name][: cutoff + 1 + lag])


def test_a_column_that_ends_early_becomes_neutral() -> None:
    one = column(DAYS[:100])
    found = aligned([one], DAYS)
    missing = missing_rows(one, DAYS)
    assert np.flatnonzero(missing)[0] == 99 + 10 + 1
    assert missing[-1]
    for values in found.values():
        assert not values[missing].any()
    assert found[LEVEL][100] == one.level[-1]


def test_a_monthly_column_is_believed_for_three_months() -> None:
    one = column(np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[D]"))
    assert not missing_rows(one, DAYS).any()
    assert one.age_limit[-1] == 93


def test_a_column_that_turns_from_monthly_to_daily_changes_no_earlier_row() -> None:
    monthly = np.arange("2018-05", "2020-01", dtype="datetime64[M]").astype("datetime64[D]")
    days = np.concatenate([monthly, monthly[-1] + np.arange(1, 31)])
    values = np.random.default_rng(4).normal(size=len(days)).cumsum()
    rows = np.arange(days[0], days[-1] + 200)
    whole = aligned([column_covariate("x", days, values, 0)], rows)
    for count in (2, 19, 20, 21, 35, 50):
        truncated = aligned([column_covariate("x", days[:count], values[:count], 0)], rows)
        before = rows < days[count] if count < len(days) else rows <= days[-1]
        for name, expected in whole.items():
            np.testing.assert_array_equal(truncated[name][before], expected[before])


@settings(max_examples=60)
@given(
    waits=st.lists(st.sampled_from([1, 1, 1, 3, 7, 30, 91, 400]), min_size=2, max_size=80),
    count=st.integers(1, 80),
    lag=st.integers(0, 40),
)
def test_unevenly_spaced_values_change_no_bit_before_they_are_known(waits: list[int], count: int, lag: int) -> None:
    days = np.datetime64("2010-01-01") + np.cumsum(waits)
    count = min(count, len(days) - 1)
    values = np.random.default_rng(len(waits)).normal(size=len(days)).cumsum()
    rows = np.arange(days[0], days[count] + lag)  # up to the day before value number `count` is known
    whole = column_covariate("x", days, values, lag)
    truncated = column_covariate("x", days[:count], values[:count], lag)
    np.testing.assert_array_equal(missing_rows(truncated, rows), missing_rows(whole, rows))
    for name, expected in aligned([whole], rows).items():
        np.testing.assert_array_equal(aligned([truncated], rows)[name], expected)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_the_age_limit_is_three_times_the_median_wait_so_far(waits: list[int]) -> None:
    days = np.datetime64("2000-01-01") + np.cumsum([0, *waits])
    limits = column_covariate("x", days, np.zeros(len(days)), 0).age_limit
    expected = [93, *(max(10, int(3 * np.median(waits[: n + 1]))) for n in range(len(waits)))]
    assert limits.tolist() == expected


def test_the_hash_covers_what_is_known_on_a_day_and_nothing_after_it() -> None:
    one = column(DAYS, lag=3)
    longer, shorter = (
        column_covariate("x", DAYS[:101], one.value[:101], 3),
        column_covariate("x", DAYS[:100], one.value[:100], 3),
    )
    last = DAYS[100] + np.timedelta64(3, "D")  # the day on which value 100 becomes known
    assert known_hash(one, last) == known_hash(longer, last) == known_hash(longer, last + 50)
    assert known_hash(one, last - 1) == known_hash(shorter, last) != known_hash(one, last)
    raised = dataclasses.replace(one, value=one.value + 7.0)
    assert known_hash(raised, last) == known_hash(one, last)
    moved = dataclasses.replace(one, value=np.where(np.arange(len(DAYS)) == 100, 9.0, one.value))
    assert known_hash(moved, last) != known_hash(one, last)
    assert known_hash(moved, last - 1) == known_hash(one, last - 1)


def test_before_its_first_value_nothing_is_known() -> None:
    found = aligned([column(DAYS[50:])], DAYS)
    for values in found.values():
        assert not values[:50].any()
    assert found[MOVE][50] == 0  # a move needs two values


def test_features_have_no_scale() -> None:
    one = column(DAYS)
    larger = aligned([column_covariate("x", DAYS, one.value * 1000 + 7, 0)], DAYS)
    for name, values in aligned([one], DAYS).items():
        np.testing.assert_allclose(larger[name], values, atol=1e-6)


def test_prices_count_as_logarithms() -> None:
    series = oracles.walk(300, seed=3)
    one = price_covariate(series, 1)
    np.testing.assert_array_equal(one.value, series.log_price)
    assert one.known_from[0] == series.dates[0] + np.timedelta64(1, "D")


def test_moves_turn_with_the_quotation_levels_do_not() -> None:
    assert [is_antisymmetric_covariate(name) for name in (MOVE, LEVEL, SPREAD)] == [True, False, False]
    assert all(map(is_covariate, (MOVE, LEVEL, SPREAD)))
    assert not is_covariate("scaled_return")
    assert not is_covariate("input:x:other")


def test_a_constant_column_stays_finite() -> None:
    found = aligned([column_covariate("x", DAYS, np.full(len(DAYS), 3.0), 0)], DAYS)
    assert all(np.isfinite(values).all() for values in found.values())
