import dataclasses
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import NotEnoughDataError
from forecaster.forecast import SCORING_LEVELS, Forecasts, normal_scores
from forecaster.models.base import FitRequest
from forecaster.models.baselines import BASELINES, baseline

ORACLES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "oracles.py")))
names = pytest.mark.parametrize("name", BASELINES)
HORIZONS = (1, 3, 20, 30)


def fitted(name: str, series: PriceSeries, rows: int, horizon: int = 20) -> object:
    return baseline(name, horizon).fit(FitRequest(Panel((series,)), {series.instrument.name: rows}, {}, horizon))


def forecast(name: str, series: PriceSeries, rows: np.ndarray, horizon: int = 20) -> Forecasts:
    return fitted(name, series, 120, horizon).forecast(series, rows)


@names
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
@pytest.mark.parametrize("cutoff", [40, 63, 64, 65, 74, 75, 255, 256, 257, 512])
def test_rows_after_a_cutoff_change_no_bit_before_it(name: str, change: str, cutoff: int) -> None:
    for series in (ORACLES.walk(700, rounded=True), ORACLES.walk(700, name="random_walk")):
        model = fitted(name, series, 120, 2)  # the parameters are given: what is tested is what a forecast reads
        rows = np.arange(model.first_row, cutoff + 1)
        expected = model.forecast(series, rows)
        other = getattr(ORACLES, change)(series, cutoff)
        for found in (model.forecast(other, rows), model.forecast(other, rows[-1:])):
            np.testing.assert_array_equal(found.scale, expected.scale[-len(found) :])
            np.testing.assert_array_equal(found.scaled, expected.scaled[-len(found) :])


@names
def test_a_return_holds_its_dividend(name: str) -> None:
    series = ORACLES.bars(400)
    reinvested = dataclasses.replace(series, columns={"close": series.total_return_price})
    assert np.abs(series.close / reinvested.close - 1).max() > 0.05
    found, expected = (forecast(name, one, np.arange(50, 400)) for one in (series, reinvested))
    np.testing.assert_allclose(found.log_returns([1, 20]), expected.log_returns([1, 20]), rtol=1e-9, atol=1e-12)


@names
def test_a_forecast_has_the_same_bits_alone_and_among_others(name: str) -> None:
    series = ORACLES.walk(1300)
    model = fitted(name, series, 1000, 5)
    rows = np.arange(model.first_row, 1300)
    together = model.forecast(series, rows)
    for row in (model.first_row, 100, 255, 256, 499, 500, 501, 511, 512, 513, 1299):
        alone = model.forecast(series, np.array([row]))
        np.testing.assert_array_equal(alone.scaled[0], together.scaled[row - model.first_row])
        np.testing.assert_array_equal(alone.scale[0], together.scale[row - model.first_row])
    assert model.forecast(series, rows[:0]).scaled.shape == (0, *together.scaled.shape[1:])


@names
@pytest.mark.parametrize("horizon", HORIZONS)
def test_every_horizon_has_quantiles_that_do_not_cross(name: str, horizon: int) -> None:
    made = forecast(name, ORACLES.walk(300), np.array([100, 299]), horizon)
    values = made.log_returns(range(1, horizon + 1))
    assert values.shape == (2, horizon, 9)
    assert made.knots[-1] == horizon
    assert (np.diff(values, axis=-1) > 0).all()
    assert (values[:, -1, -1] >= values[:, 0, -1]).all(), "the further, the wider"
    np.testing.assert_allclose(values[..., 4], 0, atol=1e-4)


@names
@pytest.mark.parametrize("price", ["constant", "wakes up"])
def test_a_price_that_never_moves_gives_finite_forecasts(name: str, price: str) -> None:
    series = ORACLES.series_of([7.0] * 250 + [7.0 if price == "constant" else 8.0] * 50)
    values = forecast(name, series, np.arange(40, 300)).log_returns([1, 5, 20])
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=-1) >= 0).all()
    assert np.abs(values[:200]).max() < 1e-4


@names
def test_rows_before_the_first_are_refused(name: str) -> None:
    series = ORACLES.walk(300)
    model = fitted(name, series, 120)
    for row in (model.first_row - 1, 0, -1):
        with pytest.raises(NotEnoughDataError, match=f"needs {model.first_row + 1} rows of history; got {row + 1}"):
            model.forecast(series, np.array([row]))
    assert len(model.forecast(series, np.array([model.first_row]))) == 1


@names
def test_a_baseline_comes_back_from_its_arrays(name: str) -> None:
    series, maker = ORACLES.walk(700), baseline(name, 5)
    model = maker.fit(FitRequest(Panel((series,)), {"USDJPY": 600}, {}, 5))
    again = maker.restore(model.arrays(), model.state())
    rows = np.array([100, 600])
    np.testing.assert_array_equal(again.forecast(series, rows).scaled, model.forecast(series, rows).scaled)
    assert (model.name, model.history, maker.least_training_rows() > 1) == (name, [], True)


def test_an_unknown_baseline_is_no_baseline() -> None:
    with pytest.raises(KeyError):
        baseline("astrology", 5)


def test_ewma_is_normal_with_the_volatility_of_the_slow_loop() -> None:
    series = ORACLES.walk(120, rounded=True)
    rows = np.arange(1, 120)
    made = forecast("ewma", series, rows)
    widths = np.outer(np.array(ORACLES.volatilities(series, 0.94))[1:], np.sqrt([1, 7, 20]))
    np.testing.assert_allclose(
        made.log_returns([1, 7, 20]), widths[..., None] * normal_scores(SCORING_LEVELS), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("step", [1, 5, 20])
def test_random_walk_is_the_slow_loop(step: int) -> None:
    series, rows = ORACLES.walk(640), np.array([40, 41, 300, 499, 500, 519, 520, 639])
    made = forecast("random_walk", series, rows).log_returns([step])[:, 0]
    for row, found in zip(rows, made, strict=True):
        expected = ORACLES.random_walk_quantiles(series.close.tolist(), int(row), step, 500, SCORING_LEVELS)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)
