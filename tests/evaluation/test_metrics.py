import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from forecaster.evaluation.metrics import coverage, crps, crps_weights, mae, rmse
from forecaster.forecast import SCORING_LEVELS

ORACLES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "oracles.py")))
LEVELS = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9, unique=True).map(sorted)


@given(LEVELS, st.integers(0, 99), st.integers(1, 5))
def test_crps_is_the_slow_loop(levels: list[float], seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    quantiles, actual = np.sort(rng.normal(size=(count, len(levels)))), rng.normal(size=count)
    expected = [ORACLES.crps(row.tolist(), levels, one) for row, one in zip(quantiles, actual.tolist(), strict=True)]
    np.testing.assert_allclose(crps(quantiles, levels, actual), expected, rtol=1e-12)


@given(LEVELS)
def test_weights_share_out_the_unit_interval(levels: list[float]) -> None:
    weights = crps_weights(levels)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()


def test_weights_of_the_scoring_levels() -> None:
    expected = [0.0375, 0.0375, 0.1, 0.2, 0.25, 0.2, 0.1, 0.0375, 0.0375]
    np.testing.assert_allclose(crps_weights(SCORING_LEVELS), expected)


@pytest.mark.parametrize("actual", [-2.0, 0.0, 0.7])
def test_with_many_levels_crps_is_the_closed_form_for_a_normal(actual: float) -> None:
    levels = (np.arange(4000) + 0.5) / 4000
    found = crps(stats.norm.ppf(levels), levels, np.array(actual))
    exact = actual * (2 * stats.norm.cdf(actual) - 1) + 2 * stats.norm.pdf(actual) - np.pi**-0.5
    assert found == pytest.approx(exact, rel=1e-3)


def test_crps_of_one_level_is_the_absolute_error() -> None:
    np.testing.assert_allclose(crps(np.array([[1.0], [1.0]]), [0.5], np.array([4.0, -1.0])), [3, 2])


def test_point_errors_and_coverage() -> None:
    error = np.array([3.0, -4.0, 0.0])
    assert rmse(error) == pytest.approx((25 / 3) ** 0.5)
    assert mae(error) == pytest.approx(7 / 3)
    assert coverage(np.array([0, 0, 0, 0.0]), np.array([1, 1, 1, 1.0]), np.array([0, 1, 1.1, -0.1])) == 0.5
