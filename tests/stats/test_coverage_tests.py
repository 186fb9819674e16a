import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.stats.coverage_tests import christoffersen, coverage_test, kupiec
from forecaster.stats.mean_tests import detectable_shift

BITS = st.lists(st.booleans(), min_size=2, max_size=80)


def slow_kupiec(inside: list[bool], level: float) -> float:
    """Likelihoods as products, which is how the paper writes them."""
    hits, n = sum(inside), len(inside)
    promised = level**hits * (1 - level) ** (n - hits)
    found = (hits / n) ** hits * (1 - hits / n) ** (n - hits)
    return -2 * math.log(promised / found)


def slow_independence(inside: list[bool]) -> float:
    miss = [not one for one in inside]
    count = {(i, j): 0 for i in (False, True) for j in (False, True)}
    for before, after in itertools.pairwise(miss):
        count[before, after] += 1

    def share(before: bool) -> float:
        total = count[before, False] + count[before, True]
        return count[before, True] / total if total else 0.0

    alike = (count[False, True] + count[True, True]) / (len(miss) - 1)
    restricted = (1 - alike) ** (count[False, False] + count[True, False])
    restricted *= alike ** (count[False, True] + count[True, True])
    free = 1.0
    for before in (False, True):
        free *= (1 - share(before)) ** count[before, False] * share(before) ** count[before, True]
    return -2 * math.log(restricted / free)


@given(BITS, st.floats(0.05, 0.95))
def test_kupiec_is_the_paper(inside: list[bool], level: float) -> None:
    found = kupiec(np.array(inside), level)
    assert found.statistic == pytest.approx(slow_kupiec(inside, level), rel=1e-7, abs=1e-7)
    assert found.statistic is not None
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-9)
    assert (found.n, found.degrees_of_freedom) == (len(inside), 1)


@given(BITS, st.floats(0.05, 0.95))
def test_conditional_coverage_is_both(inside: list[bool], level: float) -> None:
    found = christoffersen(np.array(inside), level)
    if all(inside) or not any(inside):
        assert found.p_value is None
        return
    expected = slow_kupiec(inside[1:], level) + slow_independence(inside)
    assert found.statistic == pytest.approx(expected, abs=1e-6)
    assert found.statistic is not None
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 2), rel=1e-9)
    assert found.degrees_of_freedom == 2


def test_figures_of_kupiec_known_from_banking() -> None:
    """The regulator's table: at 99 % and 250 days, 7 misses are rejected at 5 %, 6 are not (critical value 3.84)."""
    p_values = {misses: kupiec(np.arange(250) >= misses, 0.99).p_value for misses in (0, 1, 6, 7)}
    assert p_values[7] == pytest.approx(0.0189, abs=2e-3)
    assert p_values[6] == pytest.approx(0.0588, abs=2e-3)
    assert p_values[0] == pytest.approx(stats.chi2.sf(-500 * math.log(0.99), 1))


@pytest.mark.parametrize("step", [1, 3, 20])
def test_overlapping_outcomes_are_thinned(step: int) -> None:
    inside = np.random.default_rng(0).random(200) < 0.8
    for test in (kupiec, christoffersen):
        assert test(inside, 0.8, step) == test(inside[::step], 0.8)


def test_nothing_is_said_of_nothing() -> None:
    empty = np.zeros(0, dtype=bool)
    assert kupiec(empty, 0.8).p_value is None
    assert christoffersen(empty, 0.8).p_value is None
    assert coverage_test(np.zeros(0), 0.8).p_above is None
    assert coverage_test(np.ones(2), 0.8).p_above is None


def test_clusters_are_found_by_conditional_coverage_and_not_by_the_share() -> None:
    inside = np.tile(np.repeat([True, False], [80, 20]), 8)
    assert kupiec(inside, 0.8).p_value == pytest.approx(1)
    assert (christoffersen(inside, 0.8).p_value or 1) < 1e-6


@pytest.mark.parametrize(("level", "tolerance"), [(0.8, 0.015), (0.95, 0.02)])
def test_the_likelihood_ratios_keep_their_level(level: float, tolerance: float) -> None:
    rng = np.random.default_rng(1)
    samples = rng.random((2000, 750)) < level
    for p_values in (
        [kupiec(one, level).p_value for one in samples],
        [christoffersen(one, level).p_value for one in samples],
    ):
        assert np.mean([(p if p is not None else 1.0) < 0.05 for p in p_values]) == pytest.approx(0.05, abs=tolerance)


# --- the score test with dependence ------------------------------------------------------------------------------


def test_a_coin_of_any_dependence_is_tested_with_the_promised_variance() -> None:
    inside = (np.random.default_rng(2).random(400) < 0.85).astype(float)
    found = coverage_test(inside, 0.8)
    share = inside.mean()
    centred = inside - share
    long_run = sum(
        (1 if k == 0 else 2) * (1 - k / 27) * float(centred[k:] @ centred[: 400 - k]) / 400 for k in range(27)
    )  # 26 lags: 1.3 times the root of 400
    error = math.sqrt(0.8 * 0.2 / 400 * long_run / (share * (1 - share)))
    assert found.mean == pytest.approx(share - 0.8)
    assert found.standard_error == pytest.approx(error)
    assert found.p_above == pytest.approx(stats.t.sf((share - 0.8) / error, 400 / 26))


def test_without_a_miss_the_promised_variance_decides() -> None:
    found = coverage_test(np.ones(100), 0.95)
    assert found.statistic == pytest.approx(0.05 / math.sqrt(0.95 * 0.05 / 100))
    longer = coverage_test(np.ones(100), 0.95, step=4)
    assert longer.statistic == pytest.approx((found.statistic or 0) / 2)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("step", [1, 10])
def test_coverage_keeps_its_level_with_overlap(level: float, step: int) -> None:
    """Sums of normal returns over `step` days lie within their true intervals; neighbours share all days but one."""
    rng = np.random.default_rng(step)
    edge = stats.norm.ppf((1 + level) / 2) * math.sqrt(step)
    p_values = []
    for _ in range(1500):
        moved = np.convolve(rng.normal(size=750 + step - 1), np.ones(step), "valid")
        p_values.append(coverage_test((np.abs(moved) <= edge).astype(float), level, step).p_two_sided)
    assert None not in p_values
    assert np.mean([p < 0.05 for p in p_values if p is not None]) == pytest.approx(0.05, abs=0.025)


def test_coverage_finds_what_it_says_that_it_finds() -> None:
    rng, level, n = np.random.default_rng(3), 0.0125, 750
    degrees_of_freedom = coverage_test(rng.random(n), 0.8).degrees_of_freedom
    points = detectable_shift(math.sqrt(0.16 / n), level, degrees_of_freedom)
    found = [coverage_test((rng.random(n) < 0.8 - points).astype(float), 0.8).p_below for _ in range(1000)]
    assert np.mean([p <= level for p in found if p is not None]) == pytest.approx(0.8, abs=0.05)
