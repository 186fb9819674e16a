"""Risk of a position: known truth of a normal price, and what every risk must satisfy."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import series_of
from scipy import stats

from forecaster.evaluation.position_risk import break_even, loss_record, position_risk
from forecaster.forecast import Forecast, Forecasts
from forecaster.quantiles import SCORING_LEVELS

OUTER = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01)
LEVELS = (*OUTER, *SCORING_LEVELS, *(1 - level for level in reversed(OUTER)))
AMOUNTS = st.floats(1e-3, 1e12) | st.floats(-1e12, -1e-3)


def normal_forecast(price: float = 150.0, *, changes: bool = False, deviation: float = 0.01) -> Forecast:
    """A price whose log return, or change, is normal, up to the tails beyond 1e-7."""
    cutoff = np.datetime64("2019-12-31")
    values = deviation * stats.norm.ppf(LEVELS)[None]
    return Forecast("USDJPY", cutoff, price, np.array([cutoff + 1]), LEVELS, values, 1, changes=changes)


@pytest.mark.parametrize("amount", [1000.0, -1000.0])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_a_normal_change_has_the_analytic_risk(amount: float, level: float) -> None:
    risk = position_risk(normal_forecast(changes=True, deviation=2.0), amount, 1, level, is_currency=True)
    score = stats.norm.ppf(level)
    assert risk.value_at_risk == pytest.approx(2000 * score, rel=1e-9)
    assert risk.expected_shortfall == pytest.approx(2000 * stats.norm.pdf(score) / (1 - level), rel=2e-3)
    assert risk.value_at_risk_own == pytest.approx(risk.value_at_risk / 150, rel=1e-12)
    assert risk.expected_shortfall_own == pytest.approx(risk.expected_shortfall / 150, rel=1e-12)


def test_long_and_short_lose_on_their_side_of_the_price() -> None:
    forecast = normal_forecast()
    long, short = (position_risk(forecast, amount, 1, 0.95, is_currency=False) for amount in (100, -100))
    assert long.price == pytest.approx(150 * np.exp(-0.01 * 1.6448536), rel=1e-9)
    assert short.price == pytest.approx(150 * np.exp(0.01 * 1.6448536), rel=1e-9)
    assert long.value_at_risk == pytest.approx(100 * (150 - long.price))
    assert short.value_at_risk == pytest.approx(100 * (short.price - 150))
    assert long.value_at_risk_own is None


@given(AMOUNTS, st.floats(0.5, 0.998), st.floats(0.0, 0.001), st.floats(1e-4, 0.2))
@settings(max_examples=60)
def test_risks_are_coherent(amount: float, level: float, more: float, deviation: float) -> None:
    forecast = normal_forecast(deviation=deviation)
    risk = position_risk(forecast, amount, 1, level, is_currency=True)
    assert risk.expected_shortfall >= risk.value_at_risk
    assert position_risk(forecast, amount, 1, level + more, is_currency=True).value_at_risk >= risk.value_at_risk
    double = position_risk(forecast, 2 * amount, 1, level, is_currency=True)
    assert double.value_at_risk == pytest.approx(2 * risk.value_at_risk, rel=1e-12)
    mirrored = position_risk(forecast.mirrored("JPYUSD").mirrored("USDJPY"), amount, 1, level, is_currency=True)
    assert mirrored.value_at_risk == pytest.approx(risk.value_at_risk, rel=1e-9)


@pytest.mark.parametrize("falling", [True, False])
def test_the_record_of_a_true_forecast_holds(falling: bool) -> None:
    returns = np.random.default_rng(1).normal(0, 0.01, 4000)
    series = series_of(100 * np.exp(returns.cumsum()))
    rows = np.arange(500, 4000)
    scaled = np.tile(stats.norm.ppf(SCORING_LEVELS), (len(rows), 1, 1))
    scan = Forecasts("toy", rows, np.full(len(rows), 0.01), (1,), SCORING_LEVELS, scaled)
    record = loss_record(scan, series, 1, 0.95, falling=falling)
    assert record is not None
    assert record.n == 3499
    losses = returns[501:] < -0.0164485 if falling else returns[501:] > 0.0164485
    assert record.within == pytest.approx(1 - losses.mean(), abs=1e-12)
    assert record.outcome == "consistent"
    assert record.error == pytest.approx(0.0037, abs=0.001)
    narrow = dataclasses.replace(scan, scale=scan.scale / 2)
    worse = loss_record(narrow, series, 1, 0.95, falling=falling)
    assert worse is not None
    assert worse.outcome == "too_narrow"
    assert loss_record(scan.take(np.array([3499])), series, 1, 0.95, falling=falling) is None


def test_a_spread_is_paid_for_by_more_than_half_of_the_trades() -> None:
    forecast = normal_forecast(changes=True, deviation=2.0)
    rate = break_even(forecast, 0.1, 1)
    assert rate.mean_move == pytest.approx(2 * np.sqrt(2 / np.pi), rel=2e-3)
    gain, loss = rate.mean_move - 0.1, rate.mean_move + 0.1
    assert rate.hit_rate * gain == pytest.approx((1 - rate.hit_rate) * loss)
    assert break_even(forecast, 5.0, 1).hit_rate > 1
