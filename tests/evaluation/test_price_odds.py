"""Odds of any forecast are coherent, and their record is that of the same question."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import series_of
from scipy import stats

from forecaster.evaluation.price_odds import PriceQuestion, answered, past_answers
from forecaster.evaluation.reliability import reliability
from forecaster.evaluation.threshold_check import far_threshold, ladder, slips
from forecaster.forecast import Forecast, Forecasts, PriceTargets
from forecaster.quantiles import SCORING_LEVELS

STEPS = 4
GAPS = st.lists(st.lists(st.floats(0.0, 0.05), min_size=8, max_size=8), min_size=STEPS, max_size=STEPS)


@st.composite
def forecasts(draw: st.DrawFn) -> Forecast:
    """Any forecast: with flat parts, any place of the last price, and sometimes ties."""
    gaps = np.array(draw(GAPS)) + draw(st.sampled_from([0.0, 1e-4]))
    starts = np.array(draw(st.lists(st.floats(-0.2, 0.05), min_size=STEPS, max_size=STEPS)))
    values = np.concatenate([starts[:, None], starts[:, None] + np.cumsum(gaps, axis=1)], axis=1)
    unchanged = draw(st.none() | st.lists(st.floats(0.0, 0.5), min_size=STEPS, max_size=STEPS).map(np.array))
    dates = np.datetime64("2020-01-01") + np.arange(STEPS)
    price = draw(st.floats(0.01, 1e4))
    return Forecast(
        "USDJPY", np.datetime64("2019-12-31"), price, dates, SCORING_LEVELS, values, STEPS, unchanged=unchanged
    )


RATIOS = st.floats(0.7, 1.4) | st.just(1.0)


def probability(forecast: Forecast, kind: str, *prices: float, step: int = STEPS) -> float:
    return answered(forecast, PriceQuestion(kind, prices, step)).probability  # type: ignore[arg-type]


@given(forecasts(), RATIOS, RATIOS, st.integers(1, STEPS))
@settings(max_examples=60)
def test_odds_are_coherent(forecast: Forecast, first: float, second: float, step: int) -> None:
    low, high = sorted((forecast.last_price * first, forecast.last_price * second))
    above = answered(forecast, PriceQuestion("above", (low,), step))
    below = answered(forecast, PriceQuestion("below", (low,), step))
    assert above.probability + below.probability + above.at == pytest.approx(1, abs=1e-12)
    assert above.probability + above.otherwise == 1
    assert above.probability >= probability(forecast, "above", high, step=step) - 1e-12
    if low < high:
        between = probability(forecast, "between", low, high, step=step)
        outside = probability(forecast, "below", low, step=step) + probability(forecast, "above", high, step=step)
        assert between == pytest.approx(1 - outside, abs=1e-12)
    touched = [probability(forecast, "touch", high, step=number) for number in range(1, STEPS + 1)]
    assert touched == sorted(touched)
    beyond = "above" if high >= forecast.last_price else "below"
    assert all(touched[k] >= probability(forecast, beyond, high, step=k + 1) for k in range(STEPS))
    assert probability(forecast, "touch", forecast.last_price) == 1
    if low >= forecast.last_price:
        assert probability(forecast, "touch", low) >= probability(forecast, "touch", high) - 1e-9
    if high <= forecast.last_price:
        assert probability(forecast, "touch", high) >= probability(forecast, "touch", low) - 1e-9


@given(forecasts(), RATIOS)
@settings(max_examples=40)
def test_the_inverse_quotation_agrees(forecast: Forecast, ratio: float) -> None:
    price = forecast.last_price * ratio
    inverse = forecast.mirrored("JPYUSD")
    if ratio == 1:  # 1 / (1 / x) is not always x
        price, opposite = forecast.last_price, inverse.last_price
    else:
        opposite = 1 / price
    assert probability(forecast, "above", price) == pytest.approx(probability(inverse, "below", opposite), abs=1e-9)
    assert probability(forecast, "touch", price) == pytest.approx(probability(inverse, "touch", opposite), abs=1e-7)


# --- the record -------------------------------------------------------------------------------------------------------


def normal_scan(count: int, rows: np.ndarray) -> Forecasts:
    """Forecasts of a random walk with a daily volatility of 1 %, at steps 1 and 5."""
    scaled = np.tile(stats.norm.ppf(SCORING_LEVELS), (len(rows), 2, 1))
    return Forecasts("toy", rows, np.full(len(rows), 0.01), (1, 5), SCORING_LEVELS, scaled)


def walk(count: int, seed: int = 0) -> np.ndarray:
    return 100 * np.exp(0.01 * np.random.default_rng(seed).normal(size=count).cumsum())


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("kind", "ratios", "share"),
    [("above", (1.01,), 0.327), ("below", (0.99,), 0.327), ("between", (0.99, 1.02), 0.487), ("touch", (1.02,), 0.264)],
)
def test_the_record_of_a_true_forecast_is_reliable(
    kind: str, ratios: tuple[float, ...], share: float, sign: int
) -> None:
    series = series_of(walk(2500))
    rows = np.arange(1000, 2500)
    scan = normal_scan(2500, rows)
    values = scan.log_returns(range(1, 6))[-1]
    dates = series.dates[-1] + np.arange(1, 6)
    forecast = Forecast("ABC", series.dates[-1], float(series.close[-1]), dates, SCORING_LEVELS, values, 5)
    prices = [forecast.last_price * ratio for ratio in ratios]
    if sign < 0:
        forecast = forecast.mirrored("CBA")
        prices = sorted(1 / price for price in prices)
        kind = {"above": "below", "below": "above"}.get(kind, kind)
    question = PriceQuestion(kind, tuple(prices), 5)  # type: ignore[arg-type]
    record = past_answers(scan, series, forecast, question, sign)
    assert record is not None
    answer = answered(forecast, question).probability
    assert record.probability == pytest.approx(answer, abs=1e-6)
    assert answer == pytest.approx(share, abs=0.02)
    assert record.happened / record.n == pytest.approx(answer, abs=0.05)
    assert record.n == 1495
    (alike,) = record.bins
    assert record.bin_of(answer) is alike
    assert alike.separate == 299
    assert str(record.until) == str(series.dates[-6])


def test_a_price_that_stands_still_has_no_record() -> None:
    series = series_of(walk(300))
    scan = normal_scan(300, np.arange(100, 300))
    dates = series.dates[-1] + np.arange(1, 6)
    forecast = Forecast(
        "ABC", series.dates[-1], 100.0, dates, SCORING_LEVELS, scan.log_returns(range(1, 6))[-1], 5,
        unchanged=np.full(5, 0.1),
    )  # fmt: skip
    question = PriceQuestion("above", (101.0,), 5)
    assert past_answers(scan, series, forecast, question, 1) is None
    alone = dataclasses.replace(forecast, unchanged=None)
    assert past_answers(scan.take(np.array([199])), series, alone, question, 1) is None  # its outcome is not known


def test_classes_count_separate_days_and_what_happened() -> None:
    dates = np.datetime64("2020-01-01") + np.arange(10)
    probabilities = np.array([0.25] * 6 + [0.31, 0.99, 1.0, 0.0])
    happened = np.array([True, False, False, False, True, False, True, True, True, False])
    record = reliability(probabilities, happened, dates, step=3)
    twenties = record.bin_of(0.29)
    assert twenties is not None
    assert (twenties.n, twenties.happened, twenties.separate, twenties.is_meagre) == (6, 2, 2, True)
    assert record.bin_of(1.0) == record.bin_of(0.95)
    assert record.bin_of(0.5) is None
    assert sum(each.n for each in record.bins) == record.n == 10


# --- thresholds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (1.6, "98.3 times less; did you mean 160?"),
        (15700.0, "99.8 times as much; did you mean 157?"),
        (0.0064, "the inverse pair"),
        (-1.0, "prices of USDJPY are positive"),
        (160.0, None),
        (400.0, "2.54 times as much"),
    ],
)
def test_a_price_in_another_unit_is_questioned(price: float, message: str | None) -> None:
    values = 0.01 * stats.norm.ppf(SCORING_LEVELS)[None]
    cutoff = np.datetime64("2019-12-31")
    forecast = Forecast("USDJPY", cutoff, 157.25, np.array([cutoff + 1]), SCORING_LEVELS, values, 1)
    problem = far_threshold(forecast, answered(forecast, PriceQuestion("above", (price,), 1)))
    assert (problem is None) if message is None else (problem is not None and message in problem)
    assert "--above" in (problem or "--above")
    spread = dataclasses.replace(forecast, changes=True)
    assert far_threshold(spread, answered(spread, PriceQuestion("above", (price,), 1))) is None


@pytest.mark.parametrize(
    ("last_price", "prices", "meant"),
    [
        (1.1172, (1.0, 15.0), "1.15"),
        (1.1172, (1.0, 2.0), "1.2"),
        (0.86, (0.0, 85.0), "0.85"),
        (157.25, (160.0, 5.0), "160.5"),
        (157.25, (160.0, 95.0), "160.95"),
        (157.25, (160.0, 165.0), None),
        (157.25, (100.0, 250.0), None),
        (157.25, (160.0, 5.5), None),
        (157.25, (160.0,), None),
    ],
)
def test_a_decimal_comma_is_questioned(last_price: float, prices: tuple[float, ...], meant: str | None) -> None:
    values = 0.01 * stats.norm.ppf(SCORING_LEVELS)[None]
    cutoff = np.datetime64("2019-12-31")
    forecast = Forecast("USDJPY", cutoff, last_price, np.array([cutoff + 1]), SCORING_LEVELS, values, 1)
    messages = slips(forecast, PriceTargets(above=prices))
    assert any(f"did you mean {meant}?" in message for message in messages) is (meant is not None)


@pytest.mark.parametrize("price", [0.0063, 1.1, 157.25, 26000.0])
def test_a_ladder_has_round_prices_on_both_sides(price: float) -> None:
    values = 0.01 * stats.norm.ppf(SCORING_LEVELS)[None]
    cutoff = np.datetime64("2019-12-31")
    forecast = Forecast("X", cutoff, price, np.array([cutoff + 1]), SCORING_LEVELS, values, 1)
    rungs = ladder(forecast, 1)
    assert len(rungs) == 7
    assert rungs[0] < price < rungs[-1]
    assert all(len(format(rung, ".6g").replace(".", "").strip("0")) <= 4 for rung in rungs)
    assert forecast.probability_above(rungs[0])[0] > 0.85 > 0.15 > forecast.probability_above(rungs[-1])[0]
