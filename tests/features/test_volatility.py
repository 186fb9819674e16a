import numpy as np
import oracles
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.features.volatility import ewma, ewma_volatility, expanding_volatility, rounding_floor

decays = st.sampled_from([0.5, 0.9, 0.94, 0.97, 0.99, 0.997])


@given(st.integers(0, 300), st.integers(0, 99), decays)
def test_ewma_is_the_slow_loop(rows: int, seed: int, decay: float) -> None:
    values = np.random.default_rng(seed).normal(size=rows)
    np.testing.assert_allclose(ewma(values, decay), oracles.ewma(values.tolist(), decay), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("decay", [0.9, 0.94, 0.97, 0.997])
def test_ewma_is_that_of_pandas(decay: float) -> None:
    values = np.random.default_rng(3).normal(size=5000)
    expected = pd.Series(values).ewm(alpha=1 - decay, adjust=True).mean().to_numpy()
    np.testing.assert_allclose(ewma(values, decay), expected, rtol=1e-9, atol=1e-12)


@given(st.integers(1, 600), st.integers(0, 599), decays)
def test_what_comes_later_changes_no_bit_of_an_ewma(rows: int, cutoff: int, decay: float) -> None:
    values = np.random.default_rng(rows).normal(size=rows)
    later = values.copy()
    later[cutoff + 1 :] = 1e200
    expected = ewma(values, decay)[: cutoff + 1]
    np.testing.assert_array_equal(ewma(later, decay)[: cutoff + 1], expected)
    np.testing.assert_array_equal(ewma(values[: cutoff + 1], decay), expected)


def test_volatilities_are_roots_of_mean_squares() -> None:
    returns = np.array([3.0, -4.0, 0.0])
    np.testing.assert_allclose(expanding_volatility(returns), np.sqrt([9, 12.5, 25 / 3]))
    np.testing.assert_allclose(ewma_volatility(returns, 0.5), np.sqrt([9, (16 + 4.5) / 1.5, (0 + 8 + 2.25) / 1.75]))


def test_the_floor_is_the_rounding_of_both_prices_of_a_return() -> None:
    np.testing.assert_allclose(rounding_floor(np.array([3e-4, 4e-4, 0.0]), 3), [3e-4 * 2**0.5, 5e-4, 4e-4])
    np.testing.assert_array_equal(rounding_floor(np.zeros(2), 2), [1e-6, 1e-6])
    np.testing.assert_array_equal(rounding_floor(None, 4), [1e-6] * 4)
