"""The regression whose widths are averaged with the network's."""

import numpy as np
import pytest

from forecaster.models.volatility_regression import VolatilityRegression, VolatilityRows
from forecaster.quantiles import MEDIAN, SCORING_LEVELS, normal_scores

SPANS = (10, 20)
EVEN = np.array([True, False, True])


def rows(count: int, seed: int = 0, noise: float = 0.3, skew: float = 0.0) -> VolatilityRows:
    """Rows whose log volatility is 0.1 + 0.5 x_0, or 0.1 + 0.2 x_2; x_1 is odd and says nothing."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 3)).astype(np.float32)
    truth = np.stack([0.1 + 0.5 * features[:, 0], 0.1 + 0.2 * features[:, 2]], axis=1)
    shocks = rng.normal(size=(count, 2))
    shocks = shocks if not skew else (1 - rng.exponential(size=(count, 2))) * skew
    return VolatilityRows(features, truth + rng.normal(0, noise, (count, 2)), (np.exp(truth) * shocks).astype("f4"))


def fitted(panel: list[VolatilityRows], symmetric: bool = True) -> VolatilityRegression:
    regression = VolatilityRegression.fit(panel, EVEN, SPANS, symmetric)
    assert regression is not None
    return regression


def test_a_linear_relation_is_found() -> None:
    regression = fitted([rows(20_000), rows(20_000, seed=1)])
    np.testing.assert_allclose(regression.kernel, [[0.1, 0.1], [0.5, 0.0], [0.0, 0.0], [0.0, 0.2]], atol=0.02)
    np.testing.assert_array_equal(regression.kernel[2], 0)  # an odd input would not survive an inversion
    np.testing.assert_allclose(regression.shape, np.tile(normal_scores(SCORING_LEVELS), (2, 1)), atol=0.05)


def test_widths_are_those_of_the_predicted_volatility() -> None:
    regression = fitted([rows(20_000)])
    features = np.array([[1, 5, 0], [-1, -5, 0]], dtype=np.float32)
    wide, narrow = regression.quantiles(features)[:, 0]
    np.testing.assert_allclose(wide[-1] / narrow[-1], np.exp(2 * regression.kernel[1, 0]), rtol=1e-12)


def test_few_rows_are_believed_less_and_fewer_not_at_all() -> None:
    large, few = fitted([rows(20_000)]), fitted([rows(300)])
    assert 0.1 < few.kernel[1, 0] < 0.8 * large.kernel[1, 0]
    assert VolatilityRegression.fit([rows(100), rows(149)], EVEN, SPANS, symmetric=True) is None


def test_a_symmetric_shape_has_an_exact_mirror() -> None:
    shape = fitted([rows(3000, skew=1.0)]).shape
    np.testing.assert_array_equal(shape, -shape[:, ::-1])
    np.testing.assert_array_equal(shape[:, MEDIAN], 0)


def test_a_skewed_shape_has_a_mean_of_zero_and_its_middle_beside() -> None:
    regression = fitted([rows(200_000, skew=1.0)], symmetric=False)
    expected = 1 + np.log(1 - np.array(SCORING_LEVELS[::-1]))  # quantiles of 1 - E of a unit exponential E
    np.testing.assert_allclose(regression.shape[0], expected, rtol=0.03, atol=0.02)
    assert regression.shape[0, MEDIAN] == pytest.approx(1 - np.log(2), abs=0.02)


def test_few_rows_prove_no_skew() -> None:
    many, few = (fitted([rows(count, skew=1.0)], symmetric=False).shape[:, MEDIAN] for count in (100_000, 500))
    assert (few < 0.8 * many).all()
    assert few[1] < few[0], "what overlaps more proves less"


def test_rows_of_which_nothing_is_known_yet_are_passed_over() -> None:
    known, more = rows(3000), rows(40, seed=7)
    unknown = VolatilityRows(more.features * 9, np.full((40, 2), np.nan), more.outcomes)
    np.testing.assert_allclose(fitted([known, unknown]).kernel, fitted([known]).kernel, rtol=1e-9, atol=1e-12)


def test_an_input_that_never_moves_has_no_slope() -> None:
    still = rows(3000)
    still.features[:, 2] = 0.25
    regression = fitted([still])
    np.testing.assert_array_equal(regression.kernel[3], 0)
    assert np.isfinite(regression.quantiles(still.features)).all()


def test_no_ratio_is_believed_far_outside_those_that_were_seen() -> None:
    regression = fitted([rows(3000)])
    far = regression.quantiles(np.array([[1e6, 0, 1e6], [-1e6, 0, -1e6]], dtype=np.float32))
    np.testing.assert_allclose(far[0], np.exp(regression.range[1])[:, None] * regression.shape)
    np.testing.assert_allclose(far[1], np.exp(regression.range[0])[:, None] * regression.shape)


@pytest.mark.parametrize("chosen", [[3], [8, 2], [9, 0, 1, 5]])
def test_no_bit_of_a_row_depends_on_other_rows(chosen: list[int]) -> None:
    regression, features = fitted([rows(3000)]), rows(10, seed=3).features
    np.testing.assert_array_equal(regression.quantiles(features)[chosen], regression.quantiles(features[chosen]))


def test_what_is_stored_comes_back() -> None:
    regression = fitted([rows(3000)])
    again = VolatilityRegression.of({"lstm_0/kernel": np.zeros(1), **regression.arrays()})
    assert again is not None
    np.testing.assert_array_equal(again.quantiles(rows(5).features), regression.quantiles(rows(5).features))
    assert VolatilityRegression.of({"lstm_0/kernel": np.zeros(1)}) is None
