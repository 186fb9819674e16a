"""Probabilities of no change: shares of the recent rows, and the distribution that contains them."""

import numpy as np
import pytest
from scipy import optimize, stats

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.features.ties import unchanged_probabilities
from forecaster.forecast import Forecast
from forecaster.quantiles import SCORING_LEVELS, normal_scores

HORIZON = 5


def series(close: np.ndarray, **others: object) -> PriceSeries:
    dates = np.busday_offset("2020-01-01", np.arange(len(close)), roll="forward")
    return PriceSeries(Instrument("csv", "x"), "csv", "x", dates, {"close": close}, **others)  # type: ignore[arg-type]


def cents(count: int = 900, seed: int = 4) -> np.ndarray:
    steps = np.random.default_rng(seed).choice([-0.01, 0, 0.01], count, p=[0.15, 0.7, 0.15])
    return np.round(6 + np.cumsum(steps), 2)


def share(close: np.ndarray, step: int) -> float:
    """Slow count of the pairs of rows with one price."""
    pairs = [(close[row], close[row + step]) for row in range(len(close) - step)]
    return sum(first == second for first, second in pairs) / len(pairs)


def test_shares_are_those_of_the_rows() -> None:
    close = cents()
    expected = [share(close, step) for step in range(1, HORIZON + 1)]
    np.testing.assert_allclose(unchanged_probabilities(series(close), HORIZON), expected, rtol=1e-12)


def test_only_the_last_thousand_rows_count() -> None:
    close = np.concatenate([np.full(500, 6.0), cents(1000)])
    probabilities = unchanged_probabilities(series(close), HORIZON)
    np.testing.assert_array_equal(probabilities, unchanged_probabilities(series(close[-1000:]), HORIZON))


def test_a_price_that_hardly_ever_stands_still_has_no_probability_of_its_own() -> None:
    close = 100 + np.cumsum(np.random.default_rng(0).standard_normal(900)) / 10
    assert unchanged_probabilities(series(close), HORIZON) is None
    assert unchanged_probabilities(series(cents(50)), HORIZON) is None


def test_a_split_is_no_change_of_the_price() -> None:
    close = cents()
    factors = np.where(np.arange(900) < 450, 1.0, 4.0)
    split = series(close / factors, unit_factors=factors)
    np.testing.assert_allclose(
        unchanged_probabilities(split, HORIZON), unchanged_probabilities(series(close), HORIZON), atol=1e-9
    )


def test_steps_without_enough_rows_shrink_with_the_square_root() -> None:
    probabilities = unchanged_probabilities(series(cents(110)), 40)
    assert probabilities is not None
    np.testing.assert_allclose(probabilities[39], probabilities[9] * np.sqrt(10 / 40))


def forecast(unchanged: np.ndarray | None, *, changes: bool = False, last: float = 6.0) -> Forecast:
    dates = np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[D]")
    values = 0.01 * np.outer([1.0, 2.0], normal_scores(SCORING_LEVELS)) + 0.002
    return Forecast("x", np.datetime64("2024-01-01"), last, dates, SCORING_LEVELS, values, 2, unchanged, changes)


def test_three_probabilities_sum_to_one_and_moves_are_what_is_outside_the_mass() -> None:
    plain, tied = forecast(None), forecast(np.array([0.6, 0.3]))
    total = tied.probability_up + tied.probability_unchanged + tied.probability_down
    np.testing.assert_allclose(total, 1, atol=1e-12)
    for step, mass in enumerate((0.6, 0.3)):
        returns = stats.norm(0.002, 0.01 * (step + 1))
        width = optimize.brentq(lambda x, d, m: d.cdf(x) - d.cdf(-x) - m, 0, 1, args=(returns, mass))
        assert tied.probability_down[step] == pytest.approx(returns.cdf(-width), abs=1e-3)
    np.testing.assert_array_equal(plain.probability_unchanged, 0)
    np.testing.assert_allclose(plain.probability_up + plain.probability_down, 1, atol=1e-12)


def test_the_distribution_jumps_at_the_last_price_alone() -> None:
    tied = forecast(np.array([0.6, 0.3]))
    below = np.array([tied.probability_below(price) for price in np.linspace(5.7, 6.3, 601)])
    assert (np.diff(below, axis=0) >= -1e-12).all()
    np.testing.assert_allclose(tied.probability_below(6.0), tied.probability_down + tied.probability_unchanged)
    np.testing.assert_allclose(tied.probability_below(5.999999), tied.probability_down, atol=1e-3)
    far = forecast(None)
    for price in (5.7, 6.3):
        np.testing.assert_allclose(tied.probability_below(price), far.probability_below(price))


@pytest.mark.parametrize("last", [-3.0, 0.0, 4.0])
def test_changes_are_added_to_a_price_of_any_sign(last: float) -> None:
    moved = forecast(None, changes=True, last=last)
    np.testing.assert_allclose(moved.prices([0.5])[:, 0], last + 0.002)
    np.testing.assert_allclose(moved.probability_below(last + 0.002), 0.5, atol=1e-9)
