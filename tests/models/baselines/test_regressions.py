"""The regressions behind `har`, `ridge` and `ewma_t`, against slow and obvious versions."""

import math

import numpy as np
import oracles
import pytest
from scipy import stats

from forecaster.data.series import Panel, PriceSeries
from forecaster.models import create
from forecaster.models.base import FitReport, FitRequest, Fitted
from forecaster.quantiles import SCORING_LEVELS, normal_scores

LEARNED, KNOTS = 480, (1, 5, 10)


def fitted(name: str, series: PriceSeries, horizon: int = KNOTS[-1]) -> Fitted:
    return create(name, horizon).fit(FitRequest(Panel((series,)), {series.instrument.name: LEARNED}, {}, horizon))


def returns_of(series: PriceSeries) -> list[float]:
    """With 0 in the first row."""
    price = oracles.log_prices(series)
    return [0.0, *(price[t] - price[t - 1] for t in range(1, len(price)))]


# --- har --------------------------------------------------------------------------------------------------------------


def daily_volatility(series: PriceSeries, ranges: bool) -> list[float]:
    moved, floor, slow = returns_of(series), oracles.floors(series), oracles.volatilities(series, 0.97)
    result = []
    for t in range(len(series)):
        alone = abs(moved[t]) * math.sqrt(math.pi / 2)
        if ranges:
            opened, high, low, close = (series.columns[one][t] for one in ("open", "high", "low", "close"))
            if 0 < low < high and low <= opened <= high and low <= close <= high:
                gap = moved[t] - math.log(close / opened)
                alone = math.sqrt(math.log(high / low) ** 2 / (4 * math.log(2)) + gap**2)
            else:
                alone = max(alone, 0.5 * slow[t])
        result.append(max(alone, floor[t]))
    return result


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def inputs(daily: list[float], t: int, ranges: bool) -> list[float]:
    return [1.0, *(math.log(mean(daily[t - days + 1 : t + 1])) for days in ((1, 5, 22) if ranges else (5, 22, 66)))]


@pytest.mark.parametrize("ranges", [True, False])
def test_har_is_least_squares_of_logs(ranges: bool) -> None:
    series = oracles.bars(520) if ranges else oracles.walk(520, rounded=True)
    model, daily, moved = fitted("har", series), daily_volatility(series, ranges), returns_of(series)
    made = model.forecast(series, np.array([500])).log_returns(KNOTS)[0]
    for k, step in enumerate(KNOTS):
        span = step if ranges else max(step, 10)
        rows = range(66, LEARNED - span)
        targets = [math.log(mean(daily[t + 1 : t + 1 + span])) for t in rows]
        weights = np.linalg.lstsq(np.array([inputs(daily, t, ranges) for t in rows]), np.array(targets))[0]
        found = model.arrays()[series.instrument.name][k]
        np.testing.assert_allclose(found[:4], weights, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found[4:6], [min(targets) - 2, max(targets) + 2], rtol=1e-9)
        standard = [
            math.fsum(moved[t + 1 : t + 1 + step]) / math.exp(np.dot(weights, inputs(daily, t, ranges))) / step**0.5
            for t in range(66, LEARNED - step)
        ]
        freedom, _, scale = stats.t.fit(standard, floc=0)
        if freedom < 100:
            np.testing.assert_allclose(found[6:], [scale, freedom], rtol=0.02)
        width = math.exp(np.dot(weights, inputs(daily, 500, ranges))) * step**0.5
        expected = stats.t(found[7], scale=found[6] * width).ppf(SCORING_LEVELS)
        np.testing.assert_allclose(made[k], expected, rtol=1e-6, atol=1e-12)


def test_har_does_not_run_away() -> None:
    series = oracles.walk(700)
    prices = series.close.copy()
    prices[650:] *= 1e6
    model = fitted("har", series)
    values = model.forecast(oracles.series_of(prices), np.arange(640, 700)).log_returns([1, 10])
    calm = model.forecast(series, np.arange(640, 700)).log_returns([1, 10])
    assert (np.ptp(values, axis=-1).max(axis=0) < 15 * np.ptp(calm, axis=-1).max(axis=0)).all()


def test_har_takes_the_parameters_of_the_knot_before_where_a_step_is_too_long() -> None:
    series = oracles.walk(700)
    model = fitted("har", series, 400)
    assert list(model.report.fallbacks) == ["USDJPY"]
    fits = model.arrays()["USDJPY"]
    assert len(fits) == 7
    np.testing.assert_array_equal(fits[5:], fits[[4, 4]])  # 120 and 400 days: too few that do not overlap
    assert (fits[4, :6] != fits[3, :6]).all()


def test_har_goes_by_returns_where_most_days_have_no_range() -> None:
    series = oracles.bars(600)
    few = {name: np.where(np.arange(600) % 3 == 0, values, np.nan) for name, values in series.columns.items()}
    sparse = PriceSeries(
        series.instrument, "test", "SPX", series.dates, {**few, "close": series.close, "adj_close": series.close}
    )
    assert fitted("har", series).report == FitReport(learned={"ranges": ["SPX"], "returns": []})
    assert fitted("har", sparse).report == FitReport(learned={"ranges": [], "returns": ["SPX"]})


# --- ridge ------------------------------------------------------------------------------------------------------------


def autoregressive(weight: float, rows: int = 700) -> PriceSeries:
    rng = np.random.default_rng(1)
    returns = [0.0]
    for shock in (0.006 * rng.normal(size=rows - 1)).tolist():
        returns.append(weight * returns[-1] + shock)
    series: PriceSeries = oracles.series_of(100 * np.exp(np.cumsum(returns)))
    return series


def scaled_returns(series: PriceSeries) -> list[float]:
    moved, scale = returns_of(series), oracles.volatilities(series, 0.97)
    return [0.0, *(min(max(moved[t] / scale[t - 1], -6), 6) for t in range(1, len(series)))]


@pytest.mark.parametrize("weight", [0.0, 0.15, 0.4, -0.3])
def test_ridge_has_the_penalty_of_least_cross_validation_error(weight: float) -> None:
    series = autoregressive(weight)
    scaled = scaled_returns(series)
    x = np.array([scaled[t - 1 : t - 21 : -1] for t in range(21, LEARNED)])
    y = np.array(scaled[21:LEARNED])
    candidates = [(float(np.mean(y**2)), np.zeros(20))]
    for penalty in len(y) * np.geomspace(1e-2, 1e3, 26):
        solved = np.linalg.solve(x.T @ x + penalty * np.eye(20), x.T)
        hat = x @ solved
        candidates.append((float(np.mean((y - hat @ y) ** 2) / (1 - np.trace(hat) / len(y)) ** 2), solved @ y))
    _, expected = min(candidates, key=lambda one: one[0])
    np.testing.assert_allclose(fitted("ridge", series).arrays()["USDJPY"], expected, rtol=1e-6, atol=1e-10)


def test_ridge_iterates_the_forecast_of_one_day_and_sums_it() -> None:
    series = autoregressive(0.4)
    model = fitted("ridge", series)
    weights, row = model.arrays()["USDJPY"], 600
    assert weights.any()
    days, total = scaled_returns(series)[: row + 1], {}
    for step in range(1, KNOTS[-1] + 1):
        days.append(float(np.dot(weights, days[:-21:-1])))
        total[step] = math.fsum(days[row + 1 :]) * oracles.volatilities(series, 0.97)[row]
    made = model.forecast(series, np.array([row])).log_returns(KNOTS)[0]
    width = oracles.volatilities(series, 0.94)[row]
    for k, step in enumerate(KNOTS):
        expected = total[step] + width * step**0.5 * normal_scores(SCORING_LEVELS)
        np.testing.assert_allclose(made[k], expected, rtol=1e-6, atol=1e-12)


# --- ewma_t -----------------------------------------------------------------------------------------------------------


def test_ewma_t_is_the_most_likely_t_of_standardised_returns() -> None:
    series = oracles.walk(520, rounded=True)
    model, moved, scale = fitted("ewma_t", series), returns_of(series), oracles.volatilities(series, 0.94)
    standard = [moved[t] / scale[t - 1] for t in range(101, LEARNED)]
    freedom, _, width = stats.t.fit(standard, floc=0)
    np.testing.assert_allclose(model.arrays()["USDJPY"], [width, freedom], rtol=0.02)
    made = model.forecast(series, np.array([500])).log_returns([1, 7, 10])[0]
    found_width, found_freedom = model.arrays()["USDJPY"]
    for k, step in enumerate((1, 7, 10)):
        expected = stats.t(found_freedom, scale=found_width * scale[500] * step**0.5).ppf(SCORING_LEVELS)
        np.testing.assert_allclose(made[k], expected, rtol=1e-9, atol=1e-12)
