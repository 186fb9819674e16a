import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from forecaster.models.baselines.base import knots_up_to, linear_quantiles, mirrored_quantiles
from forecaster.quantiles import SCORING_LEVELS
from forecaster.stats.student import fit_student, student_quantiles

numbers = st.lists(st.floats(-1e3, 1e3), min_size=10, max_size=40).map(np.array)


@given(numbers)
def test_linear_quantiles_are_those_of_numpy(values: np.ndarray) -> None:
    np.testing.assert_allclose(linear_quantiles(values), np.quantile(values, SCORING_LEVELS), rtol=1e-9, atol=1e-9)


@given(numbers)
def test_mirrored_quantiles_are_those_of_both_signs(values: np.ndarray) -> None:
    found = mirrored_quantiles(values)
    np.testing.assert_allclose(
        found, np.quantile(np.concatenate([values, -values]), SCORING_LEVELS), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_array_equal(found, -found[::-1])


@pytest.mark.parametrize(("scale", "freedom"), [(1.0, 3.0), (0.01, 8.0)])
def test_quantiles_of_a_t(scale: float, freedom: float) -> None:
    found = student_quantiles(scale, freedom)
    np.testing.assert_allclose(found, stats.t(freedom, scale=scale).ppf(SCORING_LEVELS), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found, -found[::-1])


@settings(max_examples=15)
@given(st.floats(2.5, 15), st.floats(-4, 4), st.integers(0, 99))
def test_no_other_t_is_more_likely(freedom: float, log_scale: float, seed: int) -> None:
    values = np.exp(log_scale) * np.random.default_rng(seed).standard_t(freedom, 3000)
    found = fit_student(values)
    assert found is not None
    scale, degrees = found
    likely = stats.t(degrees, scale=scale).logpdf(values).mean()
    for other, more in ((1.01, 1.0), (1 / 1.01, 1.0), (1.0, 1.05), (1.0, 1 / 1.05), (1.01, 1.05), (1 / 1.01, 1 / 1.05)):
        assert stats.t(degrees * more, scale=scale * other).logpdf(values).mean() < likely + 1e-7
    assert scale == pytest.approx(np.exp(log_scale), rel=0.1)


def test_the_tails_of_a_normal_distribution_stop_at_the_bound() -> None:
    found = fit_student(np.random.default_rng(0).uniform(-1, 1, 1000))
    assert found is not None
    assert found[1] == pytest.approx(200)


def test_an_optimiser_that_fails_gives_no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=500)
    assert fit_student(values) is not None
    failed = optimize.OptimizeResult(x=np.zeros(2), success=False)
    monkeypatch.setattr(optimize, "minimize", lambda *arguments, **options: failed)
    assert fit_student(values) is None


@pytest.mark.parametrize("values", [np.zeros(500), np.ones(99), np.zeros(0), np.r_[np.zeros(300), np.ones(100)]])
def test_what_is_too_short_or_too_still_has_no_fit(values: np.ndarray) -> None:
    assert fit_student(values) is None


@pytest.mark.parametrize(
    ("horizon", "knots"),
    [(1, (1,)), (5, (1, 5)), (7, (1, 5, 7)), (20, (1, 5, 10, 20)), (250, (1, 5, 10, 20, 60, 120, 250))],
)
def test_knots_end_with_the_horizon(horizon: int, knots: tuple[int, ...]) -> None:
    assert knots_up_to(horizon) == knots
