import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.evaluation.calibration import calibrate_forecasts
from forecaster.forecast import Forecast, Forecasts
from forecaster.quantiles import (
    SCORING_LEVELS,
    cumulative_probability,
    interpolate_returns,
    level_weights,
    normal_scores,
    step_weights,
)

GAPS = st.lists(st.floats(1e-4, 0.1), min_size=8, max_size=8)
INNER, TAIL = st.floats(0.025, 0.975), st.one_of(st.floats(1e-6, 0.0249), st.floats(0.9751, 1 - 1e-6))


def quantiles(gaps: list[float], first: float = -0.2) -> np.ndarray:
    return np.cumsum([first, *gaps])


def forecast(values: np.ndarray, last_price: float = 150.0) -> Forecast:
    dates = np.datetime64("2020-01-01") + np.arange(len(values))
    return Forecast("USDJPY", np.datetime64("2019-12-31"), last_price, dates, SCORING_LEVELS, values, len(values))


def some_forecast(seed: int = 0, horizon: int = 4) -> Forecast:
    gaps = np.random.default_rng(seed).uniform(0.001, 0.01, (horizon, 9))
    return forecast(np.cumsum(gaps, axis=1) - 0.03)


# --- levels -----------------------------------------------------------------------------------------------------------


def test_normal_scores_are_those_of_scipy() -> None:
    np.testing.assert_allclose(normal_scores(SCORING_LEVELS), stats.norm.ppf(SCORING_LEVELS), rtol=1e-12, atol=1e-15)


@given(st.lists(INNER, min_size=1, max_size=6))
def test_between_the_levels_quantiles_of_a_normal_stay_exact(wanted: list[float]) -> None:
    found = (3 + 2 * stats.norm.ppf(SCORING_LEVELS)) @ level_weights(SCORING_LEVELS, wanted)
    np.testing.assert_allclose(found, 3 + 2 * stats.norm.ppf(wanted), rtol=1e-9, atol=1e-9)


@given(st.lists(TAIL, min_size=1, max_size=6))
def test_beyond_the_levels_quantiles_of_a_student_t_stay_exact(wanted: list[float]) -> None:
    found = (3 + 2 * stats.t(4).ppf(SCORING_LEVELS)) @ level_weights(SCORING_LEVELS, wanted)
    np.testing.assert_allclose(found, 3 + 2 * stats.t(4).ppf(wanted), rtol=1e-6)


@given(st.floats(-5, 5))
def test_the_distribution_of_normal_quantiles_is_normal_inside_and_student_outside(point: float) -> None:
    for distribution, inside in ((stats.norm, True), (stats.t(4), False)):
        values = distribution.ppf(SCORING_LEVELS)
        if (values[0] <= point <= values[-1]) is inside:
            found = cumulative_probability(values, SCORING_LEVELS, np.array(point))
            assert found == pytest.approx(distribution.cdf(point), rel=1e-9)


def test_known_levels_are_given_back_to_the_last_bit() -> None:
    np.testing.assert_array_equal(level_weights(SCORING_LEVELS, SCORING_LEVELS), np.eye(9))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 1.5])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        level_weights(SCORING_LEVELS, [level])


# --- the distribution function ----------------------------------------------------------------------------------------


@given(GAPS, st.one_of(INNER, TAIL, st.sampled_from(SCORING_LEVELS)))
def test_the_distribution_function_inverts_the_quantiles(gaps: list[float], level: float) -> None:
    values = quantiles(gaps)
    point = values @ level_weights(SCORING_LEVELS, [level])[:, 0]
    assert cumulative_probability(values, SCORING_LEVELS, point) == pytest.approx(level, rel=1e-6, abs=1e-9)


@given(
    st.lists(st.sampled_from([0.0, 0.0, 1e-320, 1e-9, 0.01, 0.1]), min_size=8, max_size=8),
    st.lists(st.floats(-1, 2), min_size=2, max_size=20),
)
def test_the_distribution_function_never_falls_whatever_the_ties(gaps: list[float], points: list[float]) -> None:
    values = quantiles(gaps, 0.0)
    ordered = np.sort([*points, *values])
    found = cumulative_probability(np.tile(values, (len(ordered), 1)), SCORING_LEVELS, ordered)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-12).all()


def test_a_certain_outcome_is_a_step() -> None:
    found = cumulative_probability(np.zeros((3, 9)), SCORING_LEVELS, np.array([-1e-9, 0, 1e-9]))
    np.testing.assert_array_equal(found, [0, 0.5, 1])


def test_at_a_tie_the_probability_is_the_middle_of_its_levels() -> None:
    values = np.array([-3, -2, -1, 0, 0, 0, 1, 1, 1.0])
    found = cumulative_probability(np.tile(values, (4, 1)), SCORING_LEVELS, np.array([0, 1, 1.0000001, -3]))
    np.testing.assert_allclose(found, [0.5, (0.9 + 0.975) / 2, 1, 0.025])


# --- steps ------------------------------------------------------------------------------------------------------------


def test_steps_between_knots_are_linear_in_the_logarithm_of_the_step() -> None:
    weights = step_weights((1, 5, 20), (1, 2, 5, 10, 20))
    share_2, share_10 = np.log(2) / np.log(5), np.log(2) / np.log(4)
    expected = [[1, 0, 0], [1 - share_2, share_2, 0], [0, 1, 0], [0, 1 - share_10, share_10], [0, 0, 1]]
    np.testing.assert_allclose(weights, expected, atol=1e-15)
    np.testing.assert_array_equal(step_weights((1,), (1,)), [[1]])


@pytest.mark.parametrize("steps", [(0,), (21,), (1, 30)])
def test_steps_outside_the_knots_are_refused(steps: tuple[int, ...]) -> None:
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match="do not lie within 1 to 20"):
        step_weights((1, 20), steps)


def test_forecasts_scale_with_the_root_of_the_step() -> None:
    result = Forecasts("x", np.array([7, 9]), np.array([0.01, 0.02]), (1, 4), (0.25, 0.5, 0.75), np.ones((2, 2, 3)))
    np.testing.assert_allclose(result.log_returns([1, 2, 4])[:, :, 0], np.outer([0.01, 0.02], np.sqrt([1, 2, 4])))
    np.testing.assert_allclose(result.median(4), [0.02, 0.04])
    assert result.take(np.array([1])).rows.tolist() == [9]


def test_a_day_shows_at_its_own_step_between_two_knots_and_in_calibration() -> None:
    variances = np.array([1, 1, 9, 1, 1, 1])  # much happens on the third day
    widths = np.sqrt(np.cumsum(variances) / np.arange(1, 7))[None]
    rng = np.random.default_rng(0)
    scaled = np.sort(rng.normal(size=(1, 2, 9)))
    plain = Forecasts("x", np.array([7]), np.array([0.01]), (1, 5), SCORING_LEVELS, scaled)
    result = dataclasses.replace(plain, widths=widths)
    steps = [1, 2, 3, 4, 5]
    expected = plain.log_returns(steps) * widths[:, :5, None]
    np.testing.assert_allclose(result.log_returns(steps), expected, rtol=1e-14)
    np.testing.assert_allclose(result.median(3), expected[:, 2, 4], rtol=1e-14)
    np.testing.assert_allclose(
        interpolate_returns(result.log_returns([1, 5]), (1, 5), steps, widths), expected, rtol=1e-12
    )
    # Beyond the last knot a step has the variance of its own days; those without a width are ordinary.
    growth = np.sqrt([14 / 13, 24 / 13])[:, None]
    np.testing.assert_allclose(result.extended_log_returns([6, 16])[0], result.log_returns([5])[0] * growth, rtol=1e-12)
    assert result.take(np.array([0])).widths is not None


def test_calibration_compares_outcomes_with_the_widths_of_their_step() -> None:
    rng = np.random.default_rng(1)
    rows = np.arange(300)
    log_price = np.cumsum(rng.normal(0, 0.02, 310))
    scaled = np.broadcast_to(normal_scores(SCORING_LEVELS), (300, 2, 9))
    plain = Forecasts("x", rows, np.full(300, 0.01), (1, 4), SCORING_LEVELS, scaled)
    wide = dataclasses.replace(plain, widths=np.full((300, 4), 2.0))
    expected = calibrate_forecasts(plain, log_price).scaled
    np.testing.assert_array_equal(calibrate_forecasts(wide, 2 * log_price).scaled, expected)
    assert (expected[-1, :, 8] > scaled[-1, :, 8]).all()
    assert (calibrate_forecasts(wide, log_price).scaled[-1, :, 8] < expected[-1, :, 8]).all()


@settings(max_examples=20)
@given(st.integers(1, 40), st.data())
def test_forecasts_of_one_row_have_the_bits_of_all_rows(rows: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(rows)
    scaled = np.sort(rng.normal(size=(rows, 4, 9)))
    result = Forecasts("x", np.arange(rows), rng.uniform(0.1, 1, rows), (1, 5, 10, 20), SCORING_LEVELS, scaled)
    row = data.draw(st.integers(0, rows - 1))
    steps = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=20))
    np.testing.assert_array_equal(result.take(np.array([row])).log_returns(steps)[0], result.log_returns(steps)[row])


# --- one forecast -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 99), st.floats(1e-6, 1e6))
def test_mirrored_twice_is_itself(seed: int, last_price: float) -> None:
    once = dataclasses.replace(some_forecast(seed), last_price=last_price)
    twice = once.mirrored("JPYUSD").mirrored("USDJPY")
    np.testing.assert_array_equal(twice.values, once.values)
    assert twice.quantile_levels == once.quantile_levels
    assert twice.last_price == pytest.approx(last_price, rel=1e-15)
    assert (twice.instrument, twice.own_steps, twice.cutoff) == (once.instrument, once.own_steps, once.cutoff)


@given(st.integers(0, 99), st.lists(INNER | TAIL, min_size=1, max_size=5))
def test_the_mirror_has_reciprocal_prices_and_complementary_odds(seed: int, levels: list[float]) -> None:
    predicted = some_forecast(seed)
    mirror = predicted.mirrored("JPYUSD")
    assert mirror.instrument == "JPYUSD"
    np.testing.assert_allclose(mirror.prices(levels), 1 / predicted.prices([1 - level for level in levels]), rtol=1e-9)
    np.testing.assert_allclose(mirror.probability_up, 1 - predicted.probability_up, atol=1e-9)
    np.testing.assert_allclose(mirror.median, 1 / predicted.median, rtol=1e-12)
    np.testing.assert_allclose(mirror.probability_below(1 / 149), 1 - predicted.probability_below(149), atol=1e-9)


@given(st.integers(0, 99), st.floats(0.05, 0.99), st.lists(INNER | TAIL, min_size=1, max_size=5))
def test_quantiles_of_a_price_that_may_stand_still_agree_with_its_odds(
    seed: int, unchanged: float, levels: list[float]
) -> None:
    predicted = some_forecast(seed)
    predicted = dataclasses.replace(predicted, unchanged=np.full(predicted.horizon, unchanged))
    for level in levels:
        for step, price in enumerate(predicted.prices([level])[:, 0]):
            below = (
                predicted.probability_down[step]
                if price == predicted.last_price
                else predicted.probability_below(price * 0.999999)[step]
            )
            assert below <= level + 1e-9
            assert predicted.probability_below(price * 1.000001)[step] >= level - 1e-9
    assert (np.diff(predicted.prices(sorted(levels)), axis=1) >= 0).all()
    middle = (predicted.probability_down < 0.5) & (predicted.probability_up < 0.5)
    assert (predicted.median[middle] == predicted.last_price).all()


@given(st.floats(-0.3, 0.3), st.floats(0.55, 0.75))
def test_the_place_of_the_quantiles_within_a_point_mass_is_no_direction(shift: float, unchanged: float) -> None:
    scores = stats.norm.ppf(SCORING_LEVELS)
    outside = np.abs(scores) > stats.norm.ppf((1 + unchanged) / 2)
    values = np.where(outside, scores, 1e-3 * (scores + 10 * shift))  # the mass has a width of rounding noise
    predicted = dataclasses.replace(forecast(0.01 * values[None]), unchanged=np.array([unchanged]))
    assert predicted.probability_up[0] + predicted.probability_down[0] == pytest.approx(1 - unchanged)
    assert predicted.probability_up == pytest.approx(predicted.probability_down, abs=0.02)
    without = dataclasses.replace(forecast(0.01 * (scores + shift)[None]), unchanged=np.zeros(1))
    assert without.probability_down == pytest.approx(stats.norm.cdf(-shift), abs=1e-6)


def test_the_mirror_of_zero_is_no_negative_zero() -> None:
    assert not np.signbit(forecast(np.zeros((1, 9))).mirrored("JPYUSD").values).any()


def test_odds_and_middle_of_a_normal_forecast() -> None:
    predicted = forecast(0.001 + 0.01 * stats.norm.ppf(SCORING_LEVELS)[None])
    np.testing.assert_allclose(predicted.median, 150 * np.exp(0.001))
    np.testing.assert_allclose(predicted.probability_up, stats.norm.cdf(0.1), rtol=1e-9)
    np.testing.assert_allclose(
        predicted.probability_below(151), stats.norm(0.001, 0.01).cdf(np.log(151 / 150)), rtol=1e-9
    )
    # The tails are a little fatter than normal ones, so the mean lies a little above exp(mu + sigma^2 / 2).
    assert predicted.mean[0] == pytest.approx(150 * np.exp(0.001 + 0.01**2 / 2), rel=1e-5)
    assert predicted.horizon == 1
