import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.models.quantile.location_gate import LocationGains, ValidationRows, gather_gains, mean_t_statistic

KNOTS = (1, 5)


def newey_west(values: list[float], lags: int) -> float:
    count, mean = len(values), sum(values) / len(values)

    def covariance(lag: int) -> float:
        return sum((values[t] - mean) * (values[t - lag] - mean) for t in range(lag, count)) / count

    variance = covariance(0) + 2 * sum((1 - lag / (lags + 1)) * covariance(lag) for lag in range(1, lags + 1))
    return mean / (variance / count) ** 0.5


@settings(max_examples=30)
@given(st.integers(20, 60), st.integers(0, 8), st.integers(0, 99))
def test_the_t_statistic_is_the_slow_loop(count: int, lags: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(1, 1, count)
    assert mean_t_statistic(values, lags) == pytest.approx(newey_west(values.tolist(), lags), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e-170])
def test_values_that_are_all_the_same_prove_nothing(value: float) -> None:
    assert mean_t_statistic(np.full(100, value), 0) == 0
    assert mean_t_statistic(np.full(100, value), 19) == 0


def test_tiny_values_make_no_warning() -> None:
    values = np.random.default_rng(0).normal(size=200) * 1e-165
    assert abs(mean_t_statistic(values, 3)) < 10
    assert mean_t_statistic(np.array([2.0]), 5) == 0


def member(outcome: np.ndarray, location: np.ndarray, first: int = 300, seed: int = 0) -> ValidationRows:
    """A series whose first two features are the location that a network would say."""
    count = len(outcome)
    features, targets = np.zeros((first + count, 3), np.float32), np.full((first + count, 2), np.nan, np.float32)
    features[:first] = np.random.default_rng(seed).normal(size=(first, 3))
    features[first:, :2], targets[first:] = location, outcome
    dates = np.datetime64("2000-01-03") + np.arange(first + count)
    return ValidationRows(dates, features, targets, np.arange(first, first + count), warm_up=201)


def locate(x: np.ndarray) -> np.ndarray:
    return x[..., :2]


def supported_steps(knots: tuple[int, ...], members: list[ValidationRows], locate: object) -> list[int]:
    return gather_gains(knots, members, locate).supported(knots)


def test_a_step_is_supported_where_the_location_pays() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(400, 2))
    outcome = rng.normal(size=(400, 2)) + signal * [1, 0]
    assert supported_steps(KNOTS, [member(outcome, 0.5 * signal)], locate) == [1]
    assert supported_steps(KNOTS, [member(outcome, -0.5 * signal)], locate) == []
    assert supported_steps(KNOTS, [member(outcome, 0 * signal)], locate) == []


def test_too_few_days_support_nothing() -> None:
    signal = np.random.default_rng(0).normal(size=(99, 2))
    assert supported_steps(KNOTS, [member(signal, signal)], locate) == []
    assert supported_steps(KNOTS, [], locate) == []


def test_a_day_counts_once_however_many_series_share_it() -> None:
    rng = np.random.default_rng(4)
    location = np.full((150, 2), 0.1)
    outcome = rng.normal(size=(150, 2)) + 0.12
    alone = supported_steps(KNOTS, [member(outcome, location)], locate)
    together = supported_steps(KNOTS, [member(outcome, location, seed=k) for k in range(50)], locate)
    assert alone == together


def test_series_of_other_lengths_keep_their_rows() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(400, 2))
    outcome = rng.normal(size=(400, 2)) * 0.1 + signal
    members = [member(outcome, signal), member(outcome[:120], signal[:120], first=201), member(outcome, signal, 900)]
    assert members[1].x.shape == (120, 3)
    assert members[2].x.shape == (912, 3)
    assert supported_steps(KNOTS, members, locate) == [1, 5]


def test_evidence_adds_up_over_spans() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(160, 2))
    outcome = rng.normal(size=(160, 2)) + signal * [1, 0]
    parts = [gather_gains(KNOTS, [member(outcome[k:][:80], 0.5 * signal[k:][:80], 300 + k)], locate) for k in (0, 80)]
    assert [one.supported(KNOTS) for one in parts] == [[], []]  # eighty days alone are too few
    together = LocationGains.none(KNOTS).then(parts[0]).then(parts[1])
    assert together.supported(KNOTS) == [1]
    whole = gather_gains(KNOTS, [member(outcome, 0.5 * signal)], locate)
    np.testing.assert_array_equal(together.days, whole.days)
    np.testing.assert_allclose(together.gains, whole.gains)
