import numpy as np
import pytest
from scipy import stats

from forecaster.models.quantile.location_gate import (
    MAX_FALSE_OPENINGS,
    LocationGains,
    ValidationRows,
    gather_gains,
    sum_of_last,
    supported_steps,
)

KNOTS = (1, 5)


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


def opened(members: list[ValidationRows]) -> list[int]:
    return gather_gains(KNOTS, members, locate).supported(KNOTS)


def overlapping(returns: np.ndarray) -> np.ndarray:
    """Scaled outcomes over one day and five days after each row."""
    ahead = np.stack([returns[k : len(returns) - 4 + k] for k in range(5)])
    return np.stack([ahead[0], ahead.sum(axis=0) / 5**0.5], axis=1)


def evidence_of(products: np.ndarray, gains: np.ndarray, first: int = 0, series: int = 1) -> LocationGains:
    return LocationGains(np.arange(first, first + len(products)), gains, products, series)


def test_a_step_is_supported_where_the_location_pays() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(400, 2))
    outcome = np.stack([rng.normal(size=400) + signal[:, 0], rng.normal(size=400)], axis=1)
    assert opened([member(outcome, 0.5 * signal * [1, 0])]) == [1]
    assert opened([member(outcome, -0.5 * signal)]) == []
    assert opened([member(outcome, 0 * signal)]) == []
    outcome[::5] = 0.0  # a price that often stands still stays where it is most likely
    assert opened([member(outcome, 0.5 * signal * [1, 0])]) == []


def test_a_location_that_predicts_but_costs_is_not_used() -> None:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(400, 2))
    outcome = rng.normal(size=(400, 2)) + signal
    gains = gather_gains(KNOTS, [member(outcome, 4 * signal)], locate)
    assert 1 in gains.predictive(KNOTS, MAX_FALSE_OPENINGS)
    assert min(gains.means) < 0
    assert gains.supported(KNOTS) == []


def test_products_are_those_of_the_slow_loop() -> None:
    """The mean product is that of outcome and location, each outcome split over the days that it covers."""
    rng = np.random.default_rng(2)
    location, returns = rng.normal(size=(150, 2)), rng.normal(size=154)
    returns[7] = 40.0
    gathered = gather_gains(KNOTS, [member(overlapping(returns), location)], locate).products
    clipped = np.clip(returns, -6, 6)
    for row in (0, 3, 7, 149):
        assert gathered[row, 0] == pytest.approx(clipped[row] * location[row, 0], rel=1e-5)
        last = sum(location[max(row - 4, 0) : row + 1, 1])
        assert gathered[row, 1] == pytest.approx(clipped[row] * last / 5**0.5, rel=1e-5)


def test_sums_of_the_last_rows() -> None:
    x = np.arange(12.0).reshape(6, 2)
    assert sum_of_last(x, 3)[:, 0].tolist() == [0, 2, 6, 12, 18, 24]
    assert sum_of_last(x[:2], 3)[:, 1].tolist() == [1, 4]


def test_the_level_is_holms_over_the_steps() -> None:
    """Of two steps the stronger one needs half the level, in a Student test of days without autocorrelation."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=200)
    values = (values - values.mean()) / values.std()
    for level, expected in ((0.006, [1]), (0.004, [])):
        shift = stats.t.isf(0.005 / 2, 199) / 200**0.5
        products = np.stack([values + shift, values - 1], axis=1)
        assert evidence_of(products, np.ones((200, 2))).predictive(KNOTS, level) == expected


def test_too_few_days_support_nothing() -> None:
    signal = np.random.default_rng(0).normal(size=(99, 2))
    assert opened([member(signal, signal)]) == []
    assert opened([]) == []


def test_a_day_counts_once_however_many_series_share_it() -> None:
    rng = np.random.default_rng(4)
    location = rng.normal(size=(300, 2))
    outcome = rng.normal(size=(300, 2)) + 0.2 * location
    alone = gather_gains(KNOTS, [member(outcome, location)], locate)
    together = gather_gains(KNOTS, [member(outcome, location, seed=k) for k in range(50)], locate)
    assert (alone.series, together.series) == (1, 50)
    np.testing.assert_allclose(alone.products, together.products, rtol=1e-9)
    np.testing.assert_allclose(alone.gains, together.gains, rtol=1e-9)


def test_series_of_other_lengths_keep_their_rows() -> None:
    rng = np.random.default_rng(0)
    returns = rng.normal(size=404)
    signal = np.stack([returns[:400], returns[:400] / 5**0.5], axis=1)
    outcome = overlapping(returns + 0.1 * rng.normal(size=404))
    members = [member(outcome, signal), member(outcome[:120], signal[:120], first=201), member(outcome, signal, 900)]
    assert members[1].x.shape == (120, 3)
    assert members[2].x.shape == (912, 3)
    assert opened(members) == [1, 5]


def test_evidence_adds_up_over_folds() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(160, 2)) * [1, 0]
    outcome = rng.normal(size=(160, 2)) + signal
    parts = [gather_gains(KNOTS, [member(outcome[k:][:80], 0.5 * signal[k:][:80], 300 + k)], locate) for k in (0, 80)]
    assert [supported_steps([part], KNOTS) for part in parts] == [[], []]  # eighty days alone are too few
    assert supported_steps(parts, KNOTS) == [1]
    assert supported_steps([], KNOTS) == []
    together = parts[0].then(parts[1])
    whole = gather_gains(KNOTS, [member(outcome, 0.5 * signal)], locate)
    np.testing.assert_array_equal(together.days, whole.days)
    np.testing.assert_allclose(together.gains, whole.gains)


def test_all_looks_together_spend_at_most_the_level() -> None:
    """Walks without predictability through ten looks, at a level high enough to be measured."""
    opened = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        parts = [evidence_of(rng.normal(size=(120, 2)), np.ones((120, 2)), 120 * k) for k in range(10)]
        opened += bool(supported_steps(parts, KNOTS))
    assert opened <= 10  # 4 are expected; 11 have a probability of 0.3 %


def test_a_step_that_opened_stays_open_while_it_gains() -> None:
    strong, weak = np.full((300, 2), 0.3), np.full((300, 2), -0.05)
    noise = np.random.default_rng(5).normal(size=(300, 2))
    first = evidence_of(strong + noise, strong)
    assert supported_steps([first], KNOTS) == [1, 5]
    after = evidence_of(weak + noise, weak, 300)
    assert first.then(after).predictive(KNOTS, 1e-4) == []
    assert supported_steps([first, after], KNOTS) == [1, 5]
    losing = evidence_of(weak + noise, np.full((300, 2), -0.31), 300)
    assert supported_steps([first, losing], KNOTS) == []
