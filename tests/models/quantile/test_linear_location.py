"""The linear path from the inputs to the location: its formula, and what it makes of noise and of an AR(1)."""

import numpy as np
import pytest

from forecaster.models.quantile.linear_location import TrainingRows, direct_kernel

ODD = np.array([True, False, True])
STEPS = (1, 4)


def drawn(rows: int, phi: float = 0.0, seed: int = 0, first_day: int = 0) -> TrainingRows:
    """An AR(1), its last and last-but-one returns, and between them an even feature that tells the outcome."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=rows + 10)
    returns = np.zeros(rows + 10)
    for t in range(1, rows + 10):
        returns[t] = phi * returns[t - 1] + noise[t]
    now = np.arange(1, rows + 1)
    targets = np.stack([returns[now + 1 + np.arange(h)[:, None]].sum(axis=0) / h**0.5 for h in STEPS], axis=1)
    features = np.stack([returns[now], targets[:, 0], returns[now - 1]], axis=1)
    dates = np.datetime64("2001-01-01") + first_day + now
    return TrainingRows(dates, features.astype(np.float32), targets.astype(np.float32))


def slowly(panel: list[TrainingRows], steps: tuple[int, ...]) -> np.ndarray:
    """Least squares with its covariance, then the mean of normal weights known through it; day by day."""
    inputs = [one.features[:, ODD].astype(float) for one in panel]
    outcomes = [np.clip(one.targets.astype(float), -6, 6) for one in panel]
    x, y = np.concatenate(inputs), np.concatenate(outcomes)
    inverse, result = np.linalg.inv(x.T @ x), np.zeros((3, len(steps)))
    precision = np.diag((x**2).mean(axis=0) / 0.05**2)
    for k, step in enumerate(steps):
        scores: dict[object, np.ndarray] = {}
        for one, features, targets in zip(panel, inputs, outcomes, strict=True):
            for t, day in enumerate(one.dates):
                score = targets[t, 0] * features[max(t - step + 1, 0) : t + 1].sum(axis=0) / step**0.5
                scores[day] = scores.get(day, 0) + score
        covariance = inverse @ sum(np.outer(one, one) for one in scores.values()) @ inverse
        known = np.linalg.inv(covariance)
        result[ODD, k] = np.linalg.solve(known + precision, known @ inverse @ (x.T @ y[:, k]))
    return result


def test_the_kernel_is_its_slow_formula() -> None:
    panel = [drawn(150, 0.3), drawn(90, 0.3, seed=1, first_day=40), drawn(3, seed=2)]
    panel[0].targets[7, 1] = 40.0
    np.testing.assert_allclose(direct_kernel(panel, ODD, STEPS), slowly(panel, STEPS), rtol=1e-4, atol=1e-7)


def test_an_autocorrelation_is_found() -> None:
    kernel = direct_kernel([drawn(20_000, 0.3)], ODD, STEPS)
    np.testing.assert_allclose(kernel[:, 0], [0.3, 0, 0], atol=0.02)
    assert kernel[0, 1] == pytest.approx((0.3 + 0.3**2 + 0.3**3 + 0.3**4) / 2, abs=0.04)


def test_noise_is_shrunk_by_half() -> None:
    """What a weight costs on noise is its square."""
    costs = []
    for seed in range(100):
        one = drawn(1000, seed=seed)
        free = np.linalg.lstsq(one.features[:, ODD], one.targets, rcond=None)[0]
        costs.append([(direct_kernel([one], ODD, STEPS) ** 2).sum(axis=0), (free**2).sum(axis=0)])
    shrunk, free = np.mean(costs, axis=0)
    assert (shrunk < 0.6 * free).all()
    assert shrunk[1] / free[1] < shrunk[0] / free[0], "outcomes over 4 days overlap and prove less"


def test_an_inverted_quotation_has_the_same_kernel_and_even_features_none() -> None:
    one = drawn(300, 0.2)
    sign = np.where(ODD, np.float32(-1), np.float32(1))
    inverted = TrainingRows(one.dates, one.features * sign, -one.targets)
    expected = direct_kernel([one, drawn(200, seed=3)], ODD, STEPS)
    np.testing.assert_array_equal(direct_kernel([inverted, drawn(200, seed=3)], ODD, STEPS), expected)
    assert (expected[~ODD] == 0).all()
    assert (expected[ODD] != 0).all()


def test_a_day_counts_once_however_many_series_share_it() -> None:
    one = drawn(300, 0.2)
    expected = direct_kernel([one], ODD, STEPS)
    np.testing.assert_allclose(direct_kernel([one] * 7, ODD, STEPS), expected, rtol=1e-5)
    later = [TrainingRows(one.dates + 1000 * k, one.features, one.targets) for k in range(7)]
    assert (direct_kernel(later, ODD, STEPS)[0] > 1.5 * expected[0]).all()


def test_rows_without_an_outcome_are_passed_over() -> None:
    whole, part = drawn(300), drawn(250)
    whole.targets[250:, 1] = np.nan
    np.testing.assert_array_equal(direct_kernel([whole], ODD, STEPS), direct_kernel([part], ODD, STEPS))


def test_inputs_that_say_nothing_get_no_weight() -> None:
    one = drawn(300, 0.2)
    alone = direct_kernel([one], np.array([True, False, False]), STEPS)
    still = TrainingRows(one.dates, one.features * np.array([1, 1, 0], np.float32), one.targets)
    np.testing.assert_allclose(direct_kernel([still], ODD, STEPS), alone, rtol=1e-5)
    twice = TrainingRows(one.dates, one.features[:, [0, 1, 0]], one.targets)
    found = direct_kernel([twice], ODD, STEPS)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4)
    none = TrainingRows(one.dates[:0], one.features[:0], one.targets[:0])
    assert (direct_kernel([none], ODD, STEPS) == 0).all()
    assert (direct_kernel([one], np.zeros(3, bool), STEPS) == 0).all()
