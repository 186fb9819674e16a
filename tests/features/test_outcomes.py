"""Outcomes after each row, against slow loops."""

import math

import numpy as np
import pytest

from forecaster.features.outcomes import forward_returns, forward_volatility, returns_after, returns_over


@pytest.mark.parametrize("rows", [1, 5, 21, 90])
def test_returns_after_and_over_are_the_slow_loop(rows: int) -> None:
    log_price = np.random.default_rng(rows).normal(size=rows)
    every = np.arange(rows)
    after = returns_after(log_price, every, (1, 5, 20))
    for column, step in enumerate((1, 5, 20)):
        expected = [log_price[t + step] - log_price[t] if t + step < rows else math.nan for t in range(rows)]
        assert after[:, column].tolist() == pytest.approx(expected, nan_ok=True)
        assert returns_over(log_price, step).tolist() == expected[: max(rows - step, 0)]


@pytest.mark.parametrize("rows", [1, 5, 21, 90])
def test_forward_returns_are_the_slow_loop(rows: int) -> None:
    rng = np.random.default_rng(rows)
    log_price, volatility = rng.normal(size=rows), rng.uniform(0.1, 2, rows)
    found = forward_returns(log_price, volatility, (1, 5, 20))
    assert found.dtype == np.float32
    for t in range(rows):
        for column, step in enumerate((1, 5, 20)):
            known = t + step < rows
            moved = log_price[t + step] - log_price[t] if known else math.nan
            assert found[t, column] == pytest.approx(moved / volatility[t] / math.sqrt(step), rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("cutoff", [0, 19, 20, 64, 255, 256, 257])
def test_targets_known_at_a_cutoff_do_not_depend_on_what_comes_after(cutoff: int) -> None:
    rng = np.random.default_rng(0)
    log_price, volatility = rng.normal(size=300), rng.uniform(0.1, 2, 300)
    other = [np.where(np.arange(300) > cutoff, 1e3, one) for one in (log_price, volatility)]
    found, expected = forward_returns(*other, (1, 5, 20)), forward_returns(log_price, volatility, (1, 5, 20))
    cut = forward_returns(log_price[: cutoff + 1], volatility[: cutoff + 1], (1, 5, 20))
    for column, step in enumerate((1, 5, 20)):
        known = max(cutoff + 1 - step, 0)
        np.testing.assert_array_equal(found[:known, column], expected[:known, column])
        np.testing.assert_array_equal(cut[:known, column], expected[:known, column])
        assert np.isnan(cut[known:, column]).all()


@pytest.mark.parametrize("rows", [2, 21, 90])
def test_forward_volatility_is_the_slow_loop(rows: int) -> None:
    rng = np.random.default_rng(rows)
    log_return, volatility = rng.normal(size=rows) * (rng.random(rows) > 0.2), rng.uniform(0.1, 2, rows)
    found = forward_volatility(log_return, volatility, (1, 20))
    for t in range(rows):
        for column, span in enumerate((1, 20)):
            mean = math.fsum(map(abs, log_return[t + 1 : t + 1 + span])) / span
            expected = math.log(max(mean * math.sqrt(math.pi / 2) / volatility[t], 0.01))
            known = t + span < rows
            assert found[t, column] == pytest.approx(expected if known else math.nan, rel=1e-9, abs=1e-9, nan_ok=True)
