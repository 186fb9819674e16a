import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import oracles
import pytest

from forecaster.data.series import Panel, PriceSeries
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.forecast import Forecasts
from forecaster.models import baseline_names, create, model_class
from forecaster.models.base import FitReport, FitRequest, Fitted, Forecaster
from forecaster.quantiles import SCORING_LEVELS, normal_scores

ALONE = ("combination", "ewma_t", "fhs", "garch", "gjr_garch", "gjr_garch_skewt", "har", "ridge")  # for each series
FITTED = (*ALONE, "panel_har")  # the others estimate nothing
SIMULATED = ("combination", "fhs", "garch", "gjr_garch", "gjr_garch_skewt")
SKEWED = ("fhs", "gjr_garch", "gjr_garch_skewt", "ridge")  # their median is not the last price
names = pytest.mark.parametrize("name", baseline_names())
fitted_names = pytest.mark.parametrize("name", FITTED)
alone_names = pytest.mark.parametrize("name", ALONE)
HORIZONS = (1, 2, 3, 20, 30, 250)
FEW_PATHS = 400  # what is tested here does not depend on their number


def forecaster(name: str, horizon: int, paths: int = FEW_PATHS) -> Forecaster:
    registered = model_class(name)
    return registered(registered.Options.model_validate({"paths": paths} if name in SIMULATED else {}), horizon)


def fitted(name: str, series: PriceSeries, rows: int, horizon: int = 20, seed: int = 0) -> Fitted:
    request = FitRequest(Panel((series,)), {series.instrument.name: rows}, {}, horizon, seed)
    return forecaster(name, horizon).fit(request)


def forecast(name: str, series: PriceSeries, rows: np.ndarray, horizon: int = 20) -> Forecasts:
    return fitted(name, series, 120, horizon).forecast(series, rows)


def first_rows(name: str, series: PriceSeries, rows: int) -> np.ndarray:
    """Cutoffs from the first possible one to the last of `rows`."""
    return np.arange(fitted(name, series, 120).first_row, rows)


def jumpy() -> PriceSeries:
    """Falls and rises by half, days that stand still, weeks without a row."""
    series: PriceSeries = oracles.walk(900)
    prices = series.close.copy()
    prices[300:] *= 0.5
    prices[301:] *= 1.7
    prices[500:540] = prices[499]
    prices[700:] *= 40
    kept = np.r_[:400, 460:900]
    columns = {"close": prices[kept]}
    return dataclasses.replace(series, dates=series.dates[kept], columns=columns)


def test_the_lists_of_this_file_are_complete() -> None:
    estimating = {name for name in baseline_names() if fitted(name, oracles.walk(700), 700, 5).arrays()}
    assert estimating == set(FITTED)


@functools.cache
def short_fits(name: str) -> list[tuple[PriceSeries, Fitted]]:
    """Histories and models with given parameters, for tests of what a forecast reads."""
    histories = (oracles.walk(700, rounded=True), oracles.walk(700, name="random_walk"), oracles.bars(700))
    return [(series, fitted(name, series, 230, 2)) for series in histories]


@names
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
@pytest.mark.parametrize("cutoff", [40, 63, 64, 65, 74, 75, 255, 256, 257, 512])
def test_rows_after_a_cutoff_change_no_bit_before_it(name: str, change: str, cutoff: int) -> None:
    for series, model in short_fits(name):
        rows = np.arange(model.first_row, cutoff + 1)
        expected = model.forecast(series, rows)
        other = getattr(oracles, change)(series, cutoff)
        for found in (model.forecast(other, rows), model.forecast(other, rows[-1:])):
            np.testing.assert_array_equal(found.scale, expected.scale[len(rows) - len(found) :])
            np.testing.assert_array_equal(found.scaled, expected.scaled[len(rows) - len(found) :])


@names
@pytest.mark.parametrize("change", ["scrambled", "truncated"])
@pytest.mark.parametrize("rows", [150, 511, 600])
def test_a_fit_reads_the_training_rows_only(name: str, change: str, rows: int) -> None:
    for series in (oracles.walk(700, rounded=True), oracles.bars(700)):
        visible_rows = rows if name in ALONE else rows + 5  # a baseline of panels learns their outcomes, as networks do
        fitted_models = [
            fitted(name, one, rows, 5) for one in (series, getattr(oracles, change)(series, visible_rows - 1))
        ]
        found, expected = (one.arrays() for one in fitted_models)
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            np.testing.assert_array_equal(found[key], values)
        assert fitted_models[0].report == fitted_models[1].report


@names
def test_a_return_holds_its_dividend(name: str) -> None:
    series = oracles.bars(400)
    growth = series.total_return_price / series.close  # the same within a day, so that its range stays what it is
    columns = {one: series.columns[one] * growth for one in ("open", "high", "low")}
    columns["close"] = series.total_return_price
    reinvested = dataclasses.replace(series, columns=columns)
    assert np.abs(series.close / reinvested.close - 1).max() > 0.05
    rows = first_rows(name, series, 400)
    found, expected = (forecast(name, one, rows) for one in (series, reinvested))
    np.testing.assert_allclose(found.log_returns([1, 20]), expected.log_returns([1, 20]), rtol=1e-9, atol=1e-12)


@names
def test_a_forecast_has_the_same_bits_alone_and_among_others(name: str) -> None:
    series = oracles.walk(1300)
    model = fitted(name, series, 1000, 5)
    rows = np.arange(model.first_row, 1300)
    together = model.forecast(series, rows)
    for row in (model.first_row, 100, 255, 256, 499, 500, 501, 511, 512, 513, 1299):
        alone = model.forecast(series, np.array([row]))
        np.testing.assert_array_equal(alone.scaled[0], together.scaled[row - model.first_row])
        np.testing.assert_array_equal(alone.scale[0], together.scale[row - model.first_row])
    assert model.forecast(series, rows[:0]).scaled.shape == (0, *together.scaled.shape[1:])
    mixed = np.array([700, 90, 1299, 90])
    np.testing.assert_array_equal(model.forecast(series, mixed).scaled, together.scaled[mixed - model.first_row])


@names
@pytest.mark.parametrize("horizon", HORIZONS)
def test_every_horizon_has_quantiles_that_do_not_cross(name: str, horizon: int) -> None:
    series = oracles.walk(1400)
    fitted_models = fitted(name, series, 1000, horizon).forecast(series, np.array([1000, 1399]))
    values = fitted_models.log_returns(range(1, horizon + 1))
    assert values.shape == (2, horizon, 9)
    assert fitted_models.knots[-1] == horizon
    assert (np.diff(values, axis=-1) > 0).all()
    assert horizon == 1 or (np.ptp(values[:, -1], axis=-1) > np.ptp(values[:, 0], axis=-1)).all(), "further is wider"
    middle = values[:, :30, 4]  # over a year the mean of a sample moves it further
    values = values[:, :30]
    assert (np.abs(middle) < 0.5 * (values[..., 5] - values[..., 3])).all() if name in SKEWED else not middle.any()


@names
@pytest.mark.parametrize("price", ["constant", "wakes up"])
@pytest.mark.parametrize("learned", [120, 230, 260])
def test_a_price_that_never_moves_gives_finite_forecasts(name: str, price: str, learned: int) -> None:
    series = oracles.series_of([7.0] * 250 + [7.0 if price == "constant" else 8.0] * 50)
    model = fitted(name, series, learned)
    rows = np.arange(model.first_row, 300)
    values = model.forecast(series, rows).log_returns([1, 5, 20])
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=-1) >= 0).all()
    if price == "constant" or learned < 250:
        assert np.abs(values[rows < 240]).max() < 1e-4
        assert list(model.report.fallbacks) == (["USDJPY"] if name in FITTED else [])


@names
def test_jumps_and_gaps_give_finite_forecasts(name: str) -> None:
    series = jumpy()
    model = fitted(name, series, 600)
    values = model.forecast(series, np.arange(model.first_row, len(series))).log_returns([1, 5, 20])
    assert np.isfinite(values).all()
    assert (np.diff(values, axis=-1) >= 0).all()


@fitted_names
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 24, 50])
def test_a_series_too_short_for_a_fit_falls_back_and_says_so(name: str, rows: int) -> None:
    series = oracles.walk(400)
    model = fitted(name, series, rows)
    assert list(model.report.fallbacks) == ["USDJPY"]
    fitted_models = model.forecast(series, np.array([100, 399]))
    assert np.isfinite(fitted_models.scaled).all()
    assert (np.diff(fitted_models.scaled, axis=-1) > 0).all()


@fitted_names
def test_least_training_rows_are_enough(name: str) -> None:
    series, horizon = oracles.walk(1500), 20
    assert fitted(name, series, create(name, horizon).least_training_rows(), horizon).report.fallbacks == ()


@alone_names
def test_a_series_outside_the_fit_is_refused(name: str) -> None:
    model = fitted(name, oracles.walk(300), 120)
    with pytest.raises(UsageError, match=f"^{name} was not fitted to EURUSD; expected one of USDJPY; "):
        model.forecast(oracles.walk(300, name="EURUSD"), np.array([200]))


@alone_names
def test_series_of_a_panel_do_not_mix(name: str) -> None:
    pair = [oracles.walk(700, seed, one) for seed, one in enumerate(("EURUSD", "USDJPY"))]
    told: list[tuple[object, ...]] = []
    request = FitRequest(
        Panel(tuple(pair)), {"EURUSD": 650, "USDJPY": 600}, {}, 5, 0, lambda *facts: told.append(facts)
    )
    together = forecaster(name, 5).fit(request).arrays()
    for series, rows in zip(pair, (650, 600), strict=True):
        key = series.instrument.name
        np.testing.assert_array_equal(together[key], fitted(name, series, rows, 5).arrays()[key])
    assert told == [(name, 1, 2), (name, 2, 2)]


@pytest.mark.parametrize("name", SIMULATED)
def test_paths_come_from_the_seed(name: str) -> None:
    series, rows = oracles.walk(700), np.array([650])
    requests = (FitRequest(Panel((series,)), {"USDJPY": 600}, {}, 5, seed) for seed in (0, 0, 1))
    maker = forecaster(name, 5, paths=20_000)
    one, same, other = (maker.fit(request).forecast(series, rows).scaled for request in requests)
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(one[:, 0], other[:, 0])
    assert (one[:, 1:] != other[:, 1:]).any()
    np.testing.assert_allclose(one, other, rtol=0.05, atol=0.03)


@names
def test_rows_before_the_first_are_refused(name: str) -> None:
    series = oracles.walk(300)
    model = fitted(name, series, 120)
    for row in (model.first_row - 1, 0, -1):
        with pytest.raises(NotEnoughDataError, match=f"needs {model.first_row + 1} rows of history; got {row + 1}"):
            model.forecast(series, np.array([row]))
    assert len(model.forecast(series, np.array([model.first_row]))) == 1


@names
def test_a_baseline_comes_back_from_its_arrays(name: str, tmp_path: Path) -> None:
    for series in (oracles.walk(700), oracles.bars(700)):
        maker = forecaster(name, 5)
        model = maker.fit(FitRequest(Panel((series,)), {series.instrument.name: 600}, {}, 5, seed=3))
        np.savez(tmp_path / "arrays.npz", allow_pickle=False, **model.arrays())
        with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
            again = maker.restore(dict(stored), FitReport.from_json(json.loads(json.dumps(model.report.to_json()))))
        rows = np.array([100, 600])
        found, expected = again.forecast(series, rows), model.forecast(series, rows)
        np.testing.assert_array_equal(found.scaled, expected.scaled)
        np.testing.assert_array_equal(found.scale, expected.scale)
        assert again.report == model.report
        assert (model.name, model.report.curve, maker.least_training_rows() > 1) == (name, (), True)
        assert (expected.model, model.own_steps) == (name, 5)


def test_an_unknown_baseline_is_no_baseline() -> None:
    with pytest.raises(KeyError):
        create("astrology", 5)


def test_ewma_is_normal_with_the_volatility_of_the_slow_loop() -> None:
    series = oracles.walk(120, rounded=True)
    rows = np.arange(1, 120)
    fitted_models = forecast("ewma", series, rows)
    widths = np.outer(np.array(oracles.volatilities(series, 0.94))[1:], np.sqrt([1, 7, 20]))
    np.testing.assert_allclose(
        fitted_models.log_returns([1, 7, 20]), widths[..., None] * normal_scores(SCORING_LEVELS), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("step", [1, 5, 20])
def test_random_walk_is_the_slow_loop(step: int) -> None:
    series, rows = oracles.walk(640), np.array([40, 41, 300, 499, 500, 519, 520, 639])
    fitted_models = forecast("random_walk", series, rows).log_returns([step])[:, 0]
    for row, found in zip(rows, fitted_models, strict=True):
        expected = oracles.random_walk_quantiles(series.close.tolist(), int(row), step, 500, SCORING_LEVELS)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("step", [1, 5, 20])
def test_the_constant_random_walk_is_the_slow_loop(step: int) -> None:
    series, rows = oracles.walk(640), np.array([639, 40, 41, 300, 300, 500, 638])
    fitted_models = forecast("random_walk_constant", series, rows).log_returns([step])[:, 0]
    for row, found in zip(rows, fitted_models, strict=True):
        expected = oracles.random_walk_quantiles(series.close.tolist(), int(row), step, 10_000, SCORING_LEVELS)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-14)
