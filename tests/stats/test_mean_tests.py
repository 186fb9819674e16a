import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.diagnostic import pesaran_timmermann as statsmodels_timmermann  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from forecaster.stats.mean_tests import (
    MeanTest,
    detectable_gain,
    detectable_shift,
    diebold_mariano,
    excess_hits,
    hac_degrees_of_freedom,
    hac_lags,
    holm,
    long_run_variance,
    mean_test,
    normal_test,
    pesaran_timmermann,
    unpredictable_lags,
)


def persistent(rng: np.random.Generator, count: int, phi: float = 0.6) -> np.ndarray:
    values = rng.normal(size=count)
    for t in range(1, count):
        values[t] += phi * values[t - 1]
    return values


def slow_variance(values: list[float], lags: int) -> float:
    """The formula of Newey and West, written out."""
    count, mean = len(values), math.fsum(values) / len(values)

    def autocovariance(lag: int) -> float:
        return math.fsum((values[t] - mean) * (values[t - lag] - mean) for t in range(lag, count)) / count

    weights = [2 * (1 - lag / (lags + 1)) for lag in range(1, lags + 1)]
    return autocovariance(0) + math.fsum(w * autocovariance(k + 1) for k, w in enumerate(weights))


def rejections(p_values: list[float | None], level: float) -> float:
    assert None not in p_values
    return float(np.mean([p <= level for p in p_values if p is not None]))


# --- the standard error ------------------------------------------------------------------------------------------


@given(st.integers(3, 60), st.integers(0, 80), st.integers(0, 99))
def test_long_run_variance_is_the_formula(count: int, lags: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(3, 2, count)
    expected = slow_variance(values.tolist(), min(lags, count - 1) if lags >= count else lags)
    if lags < count:
        assert long_run_variance(values, lags) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert long_run_variance(values, lags) >= 0


@pytest.mark.parametrize("lags", [0, 1, 7, 35])
def test_a_mean_is_tested_as_statsmodels_does(lags: int) -> None:
    values = 0.1 + persistent(np.random.default_rng(lags), 400)
    fitted = sm.OLS(values, np.ones(400)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    found = mean_test(values, lags=lags)
    assert found.standard_error == pytest.approx(fitted.bse[0], rel=1e-10)
    assert found.statistic == pytest.approx(fitted.tvalues[0], rel=1e-10)
    assert found.p_two_sided == pytest.approx(2 * stats.t.sf(abs(fitted.tvalues[0]), hac_degrees_of_freedom(400, lags)))


def test_lags_follow_the_rule_and_the_overlap() -> None:
    assert hac_lags(750) == 35
    assert hac_lags(2500) == 65
    assert hac_lags(750, 20) == 57
    assert hac_lags(10, 20) == 9
    assert hac_lags(1) == hac_lags(0) == 0


def test_degrees_of_freedom_are_those_of_the_window() -> None:
    assert hac_degrees_of_freedom(750, 0) == 749
    assert hac_degrees_of_freedom(750, 35) == pytest.approx(750 / 35)
    assert hac_degrees_of_freedom(4, 3) == pytest.approx(4 / 3)
    # Kiefer and Vogelsang 2005, table 1: Bartlett, 1.6449 + 2.1859 b + 0.3142 b^2 - 0.3427 b^3 at 95 %.
    for lags, count in ((35, 750), (65, 2500)):
        share = lags / count
        published = 1.6449 + 2.1859 * share + 0.3142 * share**2 - 0.3427 * share**3
        assert stats.t.ppf(0.95, hac_degrees_of_freedom(count, lags)) == pytest.approx(published, rel=0.02)


# --- Diebold and Mariano -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "lags"), [(1, 0), (1, 5), (5, 4), (20, 40)])
def test_diebold_mariano_is_the_paper(step: int, lags: int) -> None:
    difference = 0.05 + persistent(np.random.default_rng(step), 300)
    n = len(difference)
    statistic = difference.mean() / math.sqrt(slow_variance(difference.tolist(), lags) / n)
    statistic *= math.sqrt((n + 1 - 2 * step + step * (step - 1) / n) / n)
    found = diebold_mariano(difference, step, lags)
    assert found.statistic == pytest.approx(statistic, rel=1e-9)
    degrees_of_freedom = min(n - 1, n / lags) if lags else n - 1
    assert found.p_below == pytest.approx(stats.t.cdf(statistic, degrees_of_freedom))
    assert found.p_above == pytest.approx(stats.t.sf(statistic, degrees_of_freedom))
    assert found.p_two_sided == pytest.approx(2 * stats.t.sf(abs(statistic), degrees_of_freedom))
    assert found.standard_error == pytest.approx(difference.mean() / statistic)


def test_one_step_without_lags_is_a_t_test_but_for_its_divisor() -> None:
    difference = np.random.default_rng(1).normal(0.1, 1, 60)
    assert diebold_mariano(difference, lags=0).p_two_sided == pytest.approx(stats.ttest_1samp(difference, 0).pvalue)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e-100, 1e100])
@pytest.mark.parametrize("step", [1, 5])
def test_what_leaves_nothing_to_test_has_no_p_value(count: int, value: float, step: int) -> None:
    for test in (diebold_mariano, mean_test):
        found = test(np.full(count, value), step)
        assert (found.standard_error, found.statistic, found.p_below, found.p_above) == (None,) * 4
        assert found.p_two_sided is None
        assert found.n == count
        assert found.mean == pytest.approx(value if count else 0.0)


def test_a_sample_no_longer_than_the_overlap_has_no_p_value() -> None:
    assert diebold_mariano(np.array([1.0, 2.0, 4.0]), step=20).p_below is None


@given(st.integers(10, 60), st.integers(0, 99), st.floats(1e-6, 1e6))
def test_exchanging_the_models_exchanges_the_sides_and_units_do_not_matter(count: int, seed: int, unit: float) -> None:
    difference = np.random.default_rng(seed).normal(size=count)
    found, other = diebold_mariano(difference), diebold_mariano(-unit * difference)
    assert found.p_below == pytest.approx(other.p_above)
    assert found.p_above == pytest.approx(other.p_below)


@pytest.mark.parametrize(("count", "step", "tolerance"), [(250, 1, 0.02), (750, 1, 0.015), (750, 5, 0.025)])
def test_diebold_mariano_keeps_its_level(count: int, step: int, tolerance: float) -> None:
    rng = np.random.default_rng(count + step)
    samples = [np.convolve(one, np.ones(step), "valid") for one in rng.standard_t(5, size=(1500, count + step - 1))]
    p_values = [diebold_mariano(one, step).p_below for one in samples]
    assert rejections(p_values, 0.05) == pytest.approx(0.05, abs=tolerance)


def test_differences_in_episodes_are_not_taken_for_certain() -> None:
    """Gains that come and go over weeks: a window of a few days rejects a true null three times too often."""
    rng = np.random.default_rng(0)
    samples = [0.3 * persistent(rng, 750, 0.9) + rng.normal(size=750) for _ in range(600)]
    short = rejections([diebold_mariano(one, lags=6).p_below for one in samples], 0.05)
    chosen = rejections([diebold_mariano(one).p_below for one in samples], 0.05)
    assert chosen < 0.12 < 0.17 < short


# --- Clark and West ----------------------------------------------------------------------------------------------


def clark_west(actual: np.ndarray, restricted: np.ndarray, unrestricted: np.ndarray, step: int = 1) -> MeanTest:
    """The test of a nested model, which the verdict on point forecasts makes from these two functions."""
    gain = (actual - restricted) ** 2 - (actual - unrestricted) ** 2 + (restricted - unrestricted) ** 2
    return mean_test(gain, step, unpredictable_lags(len(actual), step))


def test_clark_west_is_the_regression_of_the_paper() -> None:
    rng = np.random.default_rng(3)
    actual, small, large = rng.normal(size=300), 0.1 * rng.normal(size=300), 0.3 * rng.normal(size=300)
    adjusted = (actual - small) ** 2 - ((actual - large) ** 2 - (small - large) ** 2)
    for step, lags in ((1, 0), (5, hac_lags(300, 5))):
        options = {"maxlags": lags, "use_correction": False}
        fitted = sm.OLS(adjusted, np.ones(300)).fit(cov_type="HAC", cov_kwds=options)
        found = clark_west(actual, small, large, step)
        assert found.statistic == pytest.approx(fitted.tvalues[0], rel=1e-10)
        assert found.p_above == pytest.approx(stats.t.sf(fitted.tvalues[0], hac_degrees_of_freedom(300, lags)))


def test_clark_west_against_no_change_is_twice_the_covariance() -> None:
    rng = np.random.default_rng(4)
    actual, forecast = rng.normal(size=(2, 100))
    found = clark_west(actual, np.zeros(100), forecast)
    assert found.mean == pytest.approx(2 * np.mean(actual * forecast))


def test_the_same_point_forecasts_leave_nothing_to_test() -> None:
    actual = np.random.default_rng(5).normal(size=100)
    assert clark_west(actual, np.zeros(100), np.zeros(100)).p_above is None


def test_clark_west_keeps_its_level_where_diebold_mariano_is_biased_against_the_model() -> None:
    rng = np.random.default_rng(6)
    ours, theirs = [], []
    for _ in range(1000):
        actual = rng.normal(size=300) * np.exp(0.3 * persistent(rng, 300))  # volatility must not matter
        forecast = 0.15 * persistent(rng, 300, 0.9)  # persistent noise, as an estimated drift would be
        ours.append(clark_west(actual, np.zeros(300), forecast).p_above)
        theirs.append(diebold_mariano((actual - forecast) ** 2 - actual**2, lags=0).p_below)
    assert rejections(ours, 0.05) == pytest.approx(0.05, abs=0.02)
    assert rejections(theirs, 0.05) < 0.01


def test_clark_west_finds_a_known_coefficient_as_often_as_stated() -> None:
    rng, n, level = np.random.default_rng(7), 750, 0.0125
    phi = detectable_shift(n**-0.5, level)
    p_values = []
    for _ in range(1000):
        actual = persistent(rng, n + 1, phi)
        p_values.append(clark_west(actual[1:], np.zeros(n), phi * actual[:-1]).p_above)
    assert rejections(p_values, level) == pytest.approx(0.8, abs=0.035)


# --- Pesaran and Timmermann --------------------------------------------------------------------------------------


def slow_timmermann(forecast: list[float], actual: list[float]) -> float:
    """The formulae of the paper, written out."""
    pairs = [(f, a) for f, a in zip(forecast, actual, strict=True) if f != 0 and a != 0]
    n = len(pairs)
    x, y = sum(f > 0 for f, _ in pairs) / n, sum(a > 0 for _, a in pairs) / n
    hit, chance = sum((f > 0) == (a > 0) for f, a in pairs) / n, y * x + (1 - y) * (1 - x)
    of_chance = (2 * y - 1) ** 2 * x * (1 - x) / n + (2 * x - 1) ** 2 * y * (1 - y) / n
    of_chance += 4 * y * x * (1 - y) * (1 - x) / n**2
    return (hit - chance) / math.sqrt(chance * (1 - chance) / n - of_chance)


@given(st.integers(50, 200), st.integers(0, 999), st.floats(-0.5, 0.5))
def test_pesaran_timmermann_is_the_paper(count: int, seed: int, drift: float) -> None:
    rng = np.random.default_rng(seed)
    actual = drift + rng.normal(size=count)
    forecast = np.where(rng.random(count) < 0.1, 0.0, actual + 2 * rng.normal(size=count))
    found, expected = pesaran_timmermann(forecast, actual), slow_timmermann(forecast.tolist(), actual.tolist())
    assert found.statistic == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found.p_above == pytest.approx(stats.norm.sf(expected), rel=1e-9)
    assert found.p_below == pytest.approx(stats.norm.cdf(expected), rel=1e-9)


def test_pesaran_timmermann_is_that_of_statsmodels_but_for_a_term_of_one_over_n_squared() -> None:
    rng = np.random.default_rng(2)
    actual = 0.1 + rng.normal(size=5000)
    forecast = actual + 20 * rng.normal(size=5000)
    expected = statsmodels_timmermann(actual, forecast, alternative="larger")
    assert pesaran_timmermann(forecast, actual).statistic == pytest.approx(expected.statistic, rel=1e-3)


def test_the_mean_of_excess_hits_is_hits_minus_chance() -> None:
    forecast, actual = np.array([1.0, 1, -1, 1, 0, -1]), np.array([2.0, -1, -1, 3, 1, 0])
    excess, _ = excess_hits(forecast, actual)
    assert np.isnan(excess).tolist() == [False, False, False, False, True, True]
    # Four days: hits on three; up half of the time, up predicted three times out of four.
    chance = 0.5 * 0.75 + 0.5 * 0.25
    assert np.nanmean(excess) == pytest.approx(3 / 4 - chance)
    assert pesaran_timmermann(forecast, actual).n == 4


@pytest.mark.parametrize(
    ("forecast", "actual"),
    [
        (np.ones(50), np.sin(np.arange(1, 51.0))),
        (np.sin(np.arange(1, 51.0)), -np.ones(50)),
        (np.zeros(50), np.ones(50)),
    ],
)
def test_one_sided_signs_have_no_p_value(forecast: np.ndarray, actual: np.ndarray) -> None:
    found = pesaran_timmermann(forecast, actual)
    assert (found.statistic, found.p_above, found.p_below) == (None, None, None)
    assert found.n == (0 if not forecast.any() else 50)


def test_pesaran_timmermann_keeps_its_level_and_the_power_that_is_stated() -> None:
    rng, n, level = np.random.default_rng(8), 750, 0.0125
    shift = detectable_shift(0.5 * n**-0.5, level)  # of the share of hits, around one half
    rho = math.sin(math.pi * shift)  # P(hit) of two normals is 1/2 + asin(rho) / pi
    null, known = [], []
    for _ in range(1500):
        actual, noise = rng.normal(size=(2, n))
        null.append(pesaran_timmermann(persistent(rng, n, 0.9), actual).p_above)
        known.append(pesaran_timmermann(rho * actual + math.sqrt(1 - rho**2) * noise, actual).p_above)
    assert rejections(null, 0.05) == pytest.approx(0.05, abs=0.015)
    assert rejections(known, level) == pytest.approx(0.8, abs=0.035)


def test_with_a_known_variance_a_mean_is_tested_by_the_normal_limit() -> None:
    found = normal_test(np.array([1.0, 2.0, 3.0]), 4.0)
    assert (found.mean, found.standard_error, found.statistic) == (2, 2, 1)
    assert found.p_above == pytest.approx(stats.norm.sf(1))
    assert found.p_below == pytest.approx(stats.norm.cdf(1))
    assert normal_test(np.array([]), 1.0) == MeanTest(0, 0.0)


# --- Holm, and what can be seen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.2], [0.01, 0.01, 0.9], [0.0, 1.0, 0.5, 0.5, 0.3]])
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    found = holm({str(place): value for place, value in enumerate(p_values)})
    np.testing.assert_allclose(list(found.values()), multipletests(p_values, method="holm")[1])  # type: ignore[arg-type]


def test_what_was_not_tested_counts_as_a_test_that_found_nothing() -> None:
    assert holm({"a": 0.01, "b": None, "c": None, "d": 0.4}) == {"a": 0.04, "b": None, "c": None, "d": pytest.approx(1)}
    assert holm({"a": None}) == {"a": None}


def test_the_shift_is_that_of_the_normal_limit_and_of_the_noncentral_t() -> None:
    assert detectable_shift(2.0, 0.05) == pytest.approx(2 * (stats.norm.ppf(0.95) + stats.norm.ppf(0.8)))
    shift = detectable_shift(1.0, 0.0125, 21.0)
    assert stats.nct.sf(stats.t.ppf(1 - 0.0125, 21.0), 21.0, shift) == pytest.approx(0.8)
    assert detectable_shift(3.0, 0.0125, 21.0) == pytest.approx(3 * shift)


def test_with_one_rival_the_gain_is_the_shift() -> None:
    for degrees_of_freedom in (749.0, 20.0, 1.5):
        assert detectable_gain([0.3], [0.0], 0.0125, degrees_of_freedom) == pytest.approx(
            detectable_shift(0.3, 0.0125, degrees_of_freedom)
        )


def test_a_rival_far_behind_does_not_matter_and_one_as_good_does() -> None:
    alone = detectable_gain([1.0], [0.0], 0.05, 749.0)
    assert detectable_gain([1.0, 1.0], [0.0, 50.0], 0.05, 749.0) == pytest.approx(alone)
    both = detectable_gain([1.0, 1.0], [0.0, 0.0], 0.05, 749.0)
    assert both == pytest.approx(stats.norm.ppf(0.95) + stats.norm.ppf(0.9), rel=0.005)
    assert both > alone


def test_all_rivals_are_beaten_at_least_as_often_as_stated() -> None:
    rng = np.random.default_rng(9)
    critical = stats.t.ppf(0.95, 40)
    for errors, leads in itertools.product(([1.0, 2.0], [1.0, 1.0]), ([0.0, 0.0], [0.0, 1.5])):
        gain = detectable_gain(errors, leads, 0.05, 40.0)
        shown = rng.normal(gain + np.array(leads), errors, (40_000, 2))  # independent: hardly better than the bound
        estimated = np.array(errors) * np.sqrt(rng.chisquare(40, (40_000, 2)) / 40)
        beaten = (shown > critical * estimated).all(axis=1).mean()
        assert 0.79 <= beaten <= 0.83
