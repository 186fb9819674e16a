"""Portfolios: known truth of correlated normal moves, contributions that sum, crosses that agree, and the record."""

import dataclasses

import numpy as np
import pytest
from oracles import series_of
from scipy import stats

from forecaster.evaluation.portfolio import JointPrices, joint_prices, portfolio_risk
from forecaster.evaluation.portfolio_record import Holding, past_losses
from forecaster.evaluation.position_risk import position_risk
from forecaster.forecast import Forecast, Forecasts
from forecaster.quantiles import SCORING_LEVELS

FINE = (1e-6, 1e-5, 1e-4, 1e-3, 0.01)
LEVELS = (*FINE, *SCORING_LEVELS, *(1 - level for level in reversed(FINE)))
CORRELATION = np.array([[1.0, 0.6, -0.4], [0.6, 1.0, 0.1], [-0.4, 0.1, 1.0]])
DEVIATIONS = np.array([1.0, 2.0, 0.5])
AMOUNTS = np.array([100.0, -60.0, 300.0])
LAST = np.array([100.0, 50.0, 20.0])
NAMES = ("USD", "JPY", "GBP")
DAY = np.datetime64("2020-01-01")


def normal_forecasts(steps: int = 5) -> list[Forecast]:
    """Prices whose changes are normal with the deviation times the root of the step."""
    widths = np.sqrt(np.arange(1.0, steps + 1))[:, None] * stats.norm.ppf(LEVELS)
    return [
        Forecast("X", DAY - 1, last, DAY + np.arange(steps), LEVELS, deviation * widths, steps, changes=True)
        for last, deviation in zip(LAST.tolist(), DEVIATIONS.tolist(), strict=True)
    ]


@pytest.fixture(scope="module")
def joint() -> JointPrices:
    prices = joint_prices(normal_forecasts(), CORRELATION, (1, 5), 100_000, np.random.default_rng(0))
    return JointPrices(NAMES, "EUR", LAST, (1, 5), prices)


@pytest.mark.parametrize(("place", "step"), [(0, 1), (1, 5)])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_correlated_normal_moves_have_the_analytic_risk(
    joint: JointPrices, place: int, step: int, level: float
) -> None:
    exposures = AMOUNTS * DEVIATIONS * np.sqrt(step)
    covariances = CORRELATION @ exposures
    deviation = np.sqrt(exposures @ covariances)
    score = stats.norm.ppf(level)
    shortfall = stats.norm.pdf(score) / (1 - level)
    risk = portfolio_risk(joint, AMOUNTS, place, level, DAY)
    assert risk.value_at_risk == pytest.approx(deviation * score, rel=0.02)
    assert risk.expected_shortfall == pytest.approx(deviation * shortfall, rel=0.02)
    assert risk.undiversified == pytest.approx(np.abs(exposures).sum() * score, rel=0.01)
    shares = exposures * covariances / deviation  # Euler: each exposure times its marginal risk
    contributions = [share.expected_shortfall for share in risk.shares]
    np.testing.assert_allclose(contributions, shares * shortfall, atol=0.025 * risk.expected_shortfall)
    contributions = [share.value_at_risk for share in risk.shares]
    np.testing.assert_allclose(contributions, shares * score, atol=0.04 * risk.value_at_risk)
    for column, share in enumerate(risk.shares):
        others = np.delete(np.arange(3), column)
        best = -(CORRELATION[column, others] @ (AMOUNTS * DEVIATIONS)[others]) / DEVIATIONS[column]
        assert share.least_risk_amount == pytest.approx(best, abs=4.0)


def test_contributions_sum_to_the_risk(joint: JointPrices) -> None:
    risk = portfolio_risk(joint, AMOUNTS, 1, 0.975, DAY)
    assert sum(share.value_at_risk for share in risk.shares) == pytest.approx(risk.value_at_risk, rel=1e-12)
    assert sum(share.expected_shortfall for share in risk.shares) == pytest.approx(risk.expected_shortfall, rel=1e-12)
    assert risk.expected_shortfall > risk.value_at_risk
    assert risk.value_at_risk < risk.undiversified
    assert portfolio_risk(joint, AMOUNTS, 1, 1e-6, DAY).value_at_risk < -risk.value_at_risk  # a gain, nearly certain
    twice = portfolio_risk(joint, 2 * AMOUNTS, 1, 0.975, DAY)
    assert twice.value_at_risk == pytest.approx(2 * risk.value_at_risk, rel=1e-12)
    hedged = AMOUNTS.copy()
    hedged[1] = risk.shares[1].least_risk_amount
    assert portfolio_risk(joint, hedged, 1, 0.975, DAY).value_at_risk < risk.value_at_risk


def test_a_single_position_has_the_risk_of_its_forecast(joint: JointPrices) -> None:
    for amount in (100.0, -100.0):
        alone = portfolio_risk(joint, np.array([amount, 0, 0]), 1, 0.95, DAY)
        single = position_risk(normal_forecasts()[0], amount, 5, 0.95, is_currency=True)
        assert alone.value_at_risk == pytest.approx(single.value_at_risk, rel=1e-3)
        assert alone.expected_shortfall == pytest.approx(single.expected_shortfall, rel=1e-3)


def test_crosses_agree_on_every_path(joint: JointPrices) -> None:
    euro_yen = joint.cross("EUR", "JPY")
    np.testing.assert_allclose(euro_yen, joint.cross("EUR", "USD") * joint.cross("USD", "JPY"), rtol=1e-12)
    np.testing.assert_allclose(joint.cross("GBP", "JPY") * joint.cross("JPY", "GBP"), 1, rtol=1e-12)
    np.testing.assert_allclose(joint.cross("GBP", "EUR"), joint.prices[..., 2], rtol=0)


# --- the record -------------------------------------------------------------------------------------------------------

COUNT = 1140


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.evaluation.portfolio_record.PATHS", 200)


def holdings(correlation: float = 0.7, seed: int = 0, sign: int = 1) -> list[Holding]:
    """Two correlated random walks with a daily volatility of 1 %, and forecasts that know it."""
    root = np.linalg.cholesky([[1, correlation], [correlation, 1]])
    returns = 0.01 * np.random.default_rng(seed).standard_normal((COUNT, 2)) @ root.T
    rows = np.arange(400, COUNT)
    scaled = np.tile(stats.norm.ppf(SCORING_LEVELS), (len(rows), 2, 1))
    scan = Forecasts("toy", rows, np.full(len(rows), 0.01), (1, 5), SCORING_LEVELS, scaled)
    prices = 100 * np.exp(sign * returns.cumsum(axis=0))
    return [
        Holding(value, series_of(prices[:, column].tolist(), name), sign, scan)
        for column, (value, name) in enumerate([(1000.0, "USDJPY"), (-500.0, "EURJPY")])
    ]


@pytest.mark.parametrize("step", [1, 5])
def test_the_record_of_a_true_forecast_has_its_level(step: int) -> None:
    past = past_losses(holdings(), step, (0.9, 0.99), np.random.default_rng(1))
    assert past is not None
    least = past_losses(holdings(), step, (1e-6,), np.random.default_rng(1))
    assert least is not None
    assert least.values_at_risk[1e-6].max() < 0
    record = past.record(0.9)
    assert record.n == COUNT - 400 - step
    assert record.within == pytest.approx(0.9, abs=0.035)
    assert record.outcome == "consistent"
    deviation = 0.01 * np.sqrt(step) * np.sqrt(1000**2 + 500**2 - 2 * 0.7 * 1000 * 500)
    assert np.median(past.values_at_risk[0.9]) == pytest.approx(1.2816 * deviation, rel=0.06)


@pytest.mark.usefixtures("few_draws")
def test_an_inverse_quotation_has_the_same_record() -> None:
    straight = past_losses(holdings(), 1, (0.9,), np.random.default_rng(1))
    inverse = past_losses(holdings(sign=-1), 1, (0.9,), np.random.default_rng(1))
    assert straight is not None
    assert inverse is not None
    np.testing.assert_allclose(inverse.losses, straight.losses, atol=1e-9)
    np.testing.assert_allclose(inverse.values_at_risk[0.9], straight.values_at_risk[0.9], rtol=1e-6)


@pytest.mark.usefixtures("few_draws")
def test_no_value_at_risk_of_the_record_reads_a_later_row() -> None:
    whole = holdings()
    cut = 900
    altered = []
    for holding in whole:
        close = holding.series.close.copy()
        close[cut + 1 :] = close[cut + 1 :][::-1] * 1.3
        altered.append(dataclasses.replace(holding, series=series_of(close.tolist(), holding.series.instrument.name)))
    before = past_losses(whole, 1, (0.9,), np.random.default_rng(1))
    after = past_losses(altered, 1, (0.9,), np.random.default_rng(1))
    assert before is not None
    assert after is not None
    same = before.dates <= whole[0].series.dates[cut]
    assert np.array_equal(before.values_at_risk[0.9][same], after.values_at_risk[0.9][same])
    assert not np.array_equal(before.values_at_risk[0.9][~same], after.values_at_risk[0.9][~same])


def test_there_is_no_record_without_earlier_forecasts() -> None:
    without = [dataclasses.replace(holding, earlier=None) for holding in holdings()]
    assert past_losses(without, 1, (0.9,), np.random.default_rng(1)) is None
