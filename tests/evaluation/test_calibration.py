import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.evaluation import calibration
from forecaster.evaluation.calibration import calibrate, calibrate_forecasts, calibrate_together, width_factors
from forecaster.features.outcomes import returns_after
from forecaster.forecast import Forecasts
from forecaster.quantiles import SCORING_LEVELS, normal_scores

SCORES = normal_scores(SCORING_LEVELS)
ENDS = {0.5: (3, 5), 0.8: (2, 6), 0.9: (1, 7), 0.95: (0, 8)}


def cone(count: int, width: float = 1.0, steps: int = 1) -> np.ndarray:
    return np.broadcast_to(width * SCORES, (count, steps, 9)).copy()


def held(quantiles: np.ndarray, outcomes: np.ndarray, level: float) -> np.ndarray:
    low, high = ENDS[level]
    return (quantiles[:, 0, low] <= outcomes[:, 0]) & (outcomes[:, 0] <= quantiles[:, 0, high])


def test_the_tuned_constants_change_only_with_their_benchmark() -> None:
    """Chosen by benchmarks/calibration.py on cutoffs up to 2020: a new value needs that benchmark run again."""
    assert calibration.STEP_SIZES == (0.0003, 0.00125, 0.0025, 0.005, 0.01, 0.04)
    assert calibration.PENALTIES == (0, 0, 1, 3, 6, 12)
    assert calibration._LEARNING_RATE == 2.0
    assert calibration._FORGETTING == 0.004
    assert calibration._SETTLED == 100
    assert calibration._MAX_FACTOR == 16.0


@st.composite
def forecast_records(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Forecasts at rows with gaps and strides, skewed and some without width; outcomes with gaps, mild or extreme."""
    steps = draw(st.lists(st.sampled_from([1, 2, 5, 20]), min_size=1, max_size=3, unique=True))
    count = draw(st.sampled_from([0, 1, 40, 150, 260]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows = 7 + np.cumsum(rng.choice(draw(st.sampled_from([[1], [1, 1, 3], [1, 1, 1, 1, 40], [4]])), count))
    spread = draw(st.sampled_from([0.02, 0.7, 1.0, 5.0]))
    quantiles = np.sort(rng.normal(size=(count, len(steps), 9)) * spread, axis=-1)
    narrow = rng.random((count, len(steps))) < 0.05
    quantiles[narrow, 5] = quantiles[narrow, 4]
    outcomes = rng.standard_t(3, (count, len(steps)))
    outcomes[rng.random(outcomes.shape) < draw(st.sampled_from([0.0, 0.1]))] = np.nan
    return quantiles, rows, outcomes, steps


@settings(max_examples=60)
@given(record=forecast_records())
def test_factors_are_those_of_the_slow_loop(record: tuple) -> None:
    expected = np.reshape(oracles.width_factors(*record), (len(record[1]), len(record[3]), 4))
    np.testing.assert_allclose(width_factors(*record), expected, rtol=1e-9)


@settings(max_examples=20)
@given(record=forecast_records())
def test_every_quantile_is_moved_by_the_factor_of_its_interval(record: tuple) -> None:
    quantiles, factors = record[0], width_factors(*record)
    expected = quantiles.copy()
    for interval, (low, high) in enumerate(ENDS.values()):  # from the innermost: an outer one holds it at least
        inner_low, inner_high = expected[..., low + 1], expected[..., high - 1]
        median, factor = quantiles[..., 4], factors[..., interval]
        expected[..., high] = np.maximum(median + (quantiles[..., high] - median) * factor, inner_high)
        expected[..., low] = np.minimum(median - (median - quantiles[..., low]) * factor, inner_low)
    np.testing.assert_allclose(calibrate(*record), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [0.5, 0.8, 1.3, 2.0])
def test_cones_of_any_width_come_to_hold_what_they_promise(width: float) -> None:
    outcomes = np.random.default_rng(0).standard_t(5, (5000, 1))
    raw = cone(5000, width)
    calibrated_cones = calibrate(raw, np.arange(5000), outcomes, [1])
    for level in ENDS:
        assert held(calibrated_cones, outcomes, level)[1500:].mean() == pytest.approx(level, abs=0.02)
    assert abs(held(raw, outcomes, 0.9)[1500:].mean() - 0.9) > 0.02  # or there was nothing to do


@pytest.mark.parametrize("width", [0.5, 2.0])
def test_cones_of_half_and_twice_the_width_are_right_after_a_year(width: float) -> None:
    """Pooled over thirty series, in the quarter after the first 250 outcomes."""
    outcomes = np.random.default_rng(5).normal(size=(30, 320, 1))
    calibrated_cones = [calibrate(cone(320, width), np.arange(320), one, [1]) for one in outcomes]
    for level in ENDS:
        inside = [held(cones, one, level)[250:] for cones, one in zip(calibrated_cones, outcomes, strict=True)]
        assert np.mean(inside) == pytest.approx(level, abs=0.035)


def test_a_calibrated_cone_loses_little() -> None:
    """Noise in the widths costs log score, half of its variance: it is below one percent for the 90 % interval."""
    factors = []
    for seed in range(10):
        outcomes = np.random.default_rng(seed).normal(size=(1500, 1))
        factors.append(width_factors(cone(1500), np.arange(1500), outcomes, [1])[500:, 0, 2])
    assert np.std(np.log(factors)) < 0.02


def test_a_market_that_becomes_wilder_is_followed() -> None:
    size = np.where(np.arange(4000) < 2000, 1.0, 2.5)[:, None]
    outcomes = np.random.default_rng(1).normal(size=(4000, 1)) * size
    calibrated_cones = calibrate(cone(4000), np.arange(4000), outcomes, [1])
    assert held(calibrated_cones, outcomes, 0.9)[2500:].mean() == pytest.approx(0.9, abs=0.02)
    assert held(cone(4000), outcomes, 0.9)[2500:].mean() < 0.6


def test_a_calibrated_cone_is_hardly_touched() -> None:
    outcomes = np.random.default_rng(2).normal(size=(4000, 1))
    factors = width_factors(cone(4000), np.arange(4000), outcomes, [1])
    assert np.abs(factors.mean(axis=0) - 1).max() < 0.03


@settings(max_examples=25)
@given(cutoff=st.integers(5, 290), step=st.sampled_from([1, 5, 20]), stride=st.integers(1, 4), seed=st.integers(0, 99))
def test_an_outcome_changes_nothing_before_it_is_known(cutoff: int, step: int, stride: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.arange(0, 300 * stride, stride)
    raw, outcomes = cone(300) * rng.uniform(0.5, 2, (300, 1, 1)), rng.normal(size=(300, 1))
    whole = calibrate(raw, rows, outcomes, [step])
    # At the cutoff only outcomes of forecasts made at least `step` rows before it are known.
    other = outcomes.copy()
    other[rows > rows[cutoff] - step] = rng.normal(0, 50, size=(int((rows > rows[cutoff] - step).sum()), 1))
    np.testing.assert_array_equal(calibrate(raw, rows, other, [step])[: cutoff + 1], whole[: cutoff + 1])
    cut = np.where((rows > rows[cutoff] - step)[:, None], np.nan, outcomes)[: cutoff + 1]
    short = calibrate(raw[: cutoff + 1], rows[: cutoff + 1], cut, [step])
    np.testing.assert_array_equal(short, whole[: cutoff + 1])


def test_an_outcome_that_is_known_does_change_what_follows() -> None:
    rng = np.random.default_rng(0)
    raw, outcomes = cone(300), rng.normal(size=(300, 1))
    other = outcomes.copy()
    other[200] = 50
    calibrated_cones, changed = (calibrate(raw, np.arange(300), one, [5]) for one in (outcomes, other))
    differing = np.flatnonzero((calibrated_cones != changed).any(axis=(1, 2)))
    assert differing[0] == 205


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), skew=st.floats(0.2, 5), width=st.floats(0.05, 20))
def test_medians_stay_and_quantiles_never_cross(seed: int, skew: float, width: float) -> None:
    rng = np.random.default_rng(seed)
    raw = np.sort(rng.normal(size=(200, 2, 9)) * [[skew] * 9, [1 / skew] * 9] * width, axis=-1)
    calibrated_cones = calibrate(raw, np.arange(200), rng.standard_t(3, (200, 2)), [1, 7])
    np.testing.assert_array_equal(calibrated_cones[..., 4], raw[..., 4])
    assert (np.diff(calibrated_cones, axis=-1) >= 0).all()


def test_steps_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(3)
    raw, outcomes = cone(400, steps=2), rng.normal(size=(400, 2))
    both = calibrate(raw, np.arange(400), outcomes, [1, 10])
    for k, step in enumerate((1, 10)):
        alone = calibrate(raw[:, [k]], np.arange(400), outcomes[:, [k]], [step])
        np.testing.assert_array_equal(both[:, [k]], alone)


def test_nothing_known_changes_nothing() -> None:
    raw = cone(50)
    np.testing.assert_array_equal(calibrate(raw, np.arange(50), np.full((50, 1), np.nan), [1]), raw)
    np.testing.assert_array_equal(calibrate(raw[:0], np.arange(0), np.empty((0, 1)), [1]), raw[:0])


def test_a_cone_without_width_stays_one() -> None:
    raw = np.zeros((50, 1, 9))
    assert not calibrate(raw, np.arange(50), np.ones((50, 1)), [1]).any()


def test_forecasts_are_calibrated_at_their_knots() -> None:
    rng = np.random.default_rng(4)
    log_price = np.cumsum(rng.normal(0, 0.02, 900))
    rows, knots = np.arange(100, 900), (1, 5)
    made = Forecasts("lstm", rows, np.full(800, 0.01), knots, SCORING_LEVELS, np.broadcast_to(SCORES, (800, 2, 9)))
    calibrated_cones = calibrate_forecasts(made, log_price)
    outcomes = returns_after(log_price, rows, knots) / (0.01 * np.sqrt([1, 5]))
    np.testing.assert_allclose(calibrated_cones.scaled, calibrate(made.scaled, rows, outcomes, knots))
    assert (calibrated_cones.scaled[-1, :, 8] > 1.5 * made.scaled[-1, :, 8]).all()  # twice as wide as they said
    assert np.isnan(returns_after(log_price, np.array([897]), [1, 5])).tolist() == [[False, True]]


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="expected quantiles"):
        calibrate(cone(5), np.arange(4), np.zeros((5, 1)), [1])


def test_series_that_are_calibrated_together_have_the_bits_of_each_alone() -> None:
    rng = np.random.default_rng(0)
    several, log_prices = [], []
    for count, knots in ((300, (1, 5)), (7, (1, 5)), (420, (1, 5, 20)), (300, (1, 5))):
        log_prices.append(rng.normal(0, 0.01, count + 50).cumsum())
        scaled = np.sort(rng.normal(size=(count, len(knots), 9)), axis=-1)
        rows = np.arange(50, count + 50)
        several.append(Forecasts("lstm", rows, np.full(count, 0.01), knots, SCORING_LEVELS, scaled))
    together = calibrate_together(several, log_prices)
    for each, log_price, result in zip(several, log_prices, together, strict=True):
        np.testing.assert_array_equal(result.scaled, calibrate_forecasts(each, log_price).scaled)
