"""Forecasts of others: distributions in every form become the same quantiles, and wrong rows are never scored."""

import dataclasses
from typing import Any

import numpy as np
import oracles
import pytest
from scipy import stats

from forecaster.data.forecast_files import ForecastFile
from forecaster.data.series import PriceSeries
from forecaster.evaluation.external_forecasts import ExternalForecasts, external_forecasts
from forecaster.quantiles import SCORING_LEVELS

SERIES = oracles.walk(400, seed=3)
ROWS = np.arange(100, 200)
SIGMA = 0.006


def file_of(values: np.ndarray, levels: tuple[float, ...], **changed: Any) -> ForecastFile:
    count = len(values)
    file = ForecastFile(
        label="bank.csv",
        sha256="0",
        models=["bank"] * count,
        instruments=["USDJPY"] * count,
        cutoffs=SERIES.dates[ROWS[:count]],
        steps=np.ones(count),
        levels=levels,
        values=values,
        degrees_of_freedom=None,
        last_prices=None,
        frequency=None,
        unread=(),
        repeated=np.zeros(count, dtype=bool),
    )
    return dataclasses.replace(file, **changed)


def log_returns(levels: tuple[float, ...] = SCORING_LEVELS) -> np.ndarray:
    """(N, Q) quantiles of a normal distribution, each row with its own mean."""
    return 0.0005 * np.sin(ROWS)[:, None] + SIGMA * stats.norm.ppf(levels)


def read(file: ForecastFile, units: Any = "price", series: PriceSeries = SERIES, **keywords: Any) -> ExternalForecasts:
    forecasts, rejected = external_forecasts(file, np.arange(len(file)), series, units, **keywords)
    assert rejected == []
    return forecasts


def prices(levels: tuple[float, ...] = SCORING_LEVELS) -> np.ndarray:
    return SERIES.close[ROWS, None] * np.exp(log_returns(levels))


def test_prices_and_returns_are_the_same_forecast() -> None:
    by_price = read(file_of(prices(), SCORING_LEVELS))
    by_return = read(file_of(log_returns(), SCORING_LEVELS), "return")
    np.testing.assert_array_equal(by_price.rows, ROWS)
    np.testing.assert_allclose(by_price.quantiles, by_return.quantiles, atol=1e-14)
    np.testing.assert_array_equal(by_return.quantiles, log_returns())


def test_other_levels_go_through_the_distribution() -> None:
    """Between the levels the rule is exact for a normal distribution; beyond them are the tails of a t."""
    levels = (0.01, 0.2, 0.3, 0.5, 0.6, 0.99)
    quantiles = read(file_of(log_returns(levels), levels), "return").quantiles
    np.testing.assert_allclose(quantiles, log_returns(), atol=1e-12)
    narrow = read(file_of(log_returns((0.25, 0.5, 0.75)), (0.25, 0.5, 0.75)), "return").quantiles
    assert (narrow[:, 0] < log_returns()[:, 0]).all()


def test_normal_and_student_distributions() -> None:
    values = np.column_stack([0.0005 * np.sin(ROWS), np.full(len(ROWS), SIGMA)])
    normal = read(file_of(values, (), degrees_of_freedom=np.full(len(ROWS), np.inf)), "return")
    np.testing.assert_allclose(normal.quantiles, log_returns(), atol=1e-12)
    student = read(file_of(values, (), degrees_of_freedom=np.full(len(ROWS), 5.0)), "return")
    scale = SIGMA * np.sqrt(3 / 5)  # sigma is the standard deviation
    expected = values[:, :1] + scale * stats.t(5).ppf(SCORING_LEVELS)
    np.testing.assert_allclose(student.quantiles, expected, atol=1e-12)


def test_the_inverse_quotation_is_the_mirror_image() -> None:
    inverse = 1 / prices()[:, ::-1]
    np.testing.assert_allclose(
        read(file_of(inverse, SCORING_LEVELS), mirrored=True).quantiles, log_returns(), atol=1e-12
    )
    last_prices = 1 / SERIES.close[ROWS]
    file = file_of(inverse, SCORING_LEVELS, last_prices=last_prices)
    np.testing.assert_allclose(read(file, mirrored=True).quantiles, log_returns(), atol=1e-12)


def test_the_last_price_of_the_file_is_the_start_of_its_forecasts() -> None:
    file = file_of(1.001 * prices(), SCORING_LEVELS, last_prices=1.001 * SERIES.close[ROWS])
    np.testing.assert_allclose(read(file).quantiles, log_returns(), atol=1e-12)


def test_a_median_that_is_the_last_price_but_for_the_digits_of_the_file_has_no_direction() -> None:
    values = np.round(SERIES.close[ROWS, None] * np.exp(SIGMA * stats.norm.ppf(SCORING_LEVELS)), 4)
    quantiles = read(file_of(values, SCORING_LEVELS)).quantiles
    assert (quantiles[:, 4] == 0).all()
    assert (np.diff(quantiles) > 0).all()


def test_rows_come_sorted() -> None:
    shuffled = np.random.default_rng(0).permutation(len(ROWS))
    file = file_of(log_returns()[shuffled], SCORING_LEVELS, cutoffs=SERIES.dates[ROWS[shuffled]])
    np.testing.assert_array_equal(read(file, "return").quantiles, log_returns())


def reasons(file: ForecastFile, units: Any = "price", series: PriceSeries = SERIES) -> dict[str, tuple[int, str]]:
    """Reason -> number of rows and first date."""
    forecasts, rejected = external_forecasts(file, np.arange(len(file)), series, units)
    assert len(forecasts.rows) + sum(each.n for each in rejected) == len(file)
    return {each.reason: (each.n, str(each.first)) for each in rejected}


def day(number: int) -> str:
    return str(SERIES.dates[ROWS[number]])


def with_row(number: int, row: object) -> ForecastFile:
    values = prices()
    values[number] = row
    return file_of(values, SCORING_LEVELS)


def test_each_wrong_row_has_its_reason_and_date() -> None:
    assert reasons(with_row(4, np.nan)) == {"empty": (1, day(4))}
    assert reasons(with_row(4, np.inf)) == {"empty": (1, day(4))}
    assert reasons(with_row(4, prices()[4, ::-1])) == {"crossing": (1, day(4))}
    assert reasons(with_row(4, prices()[4] - 101)) == {"not_positive": (1, day(4))}
    assert reasons(with_row(4, prices()[4] / 100)) == {"unit": (1, day(4))}


def test_wrong_steps_cutoffs_and_repetitions() -> None:
    steps = np.ones(len(ROWS))
    steps[:4] = 0, 1.5, -1, np.nan
    assert reasons(file_of(prices(), SCORING_LEVELS, steps=steps)) == {"step": (4, day(0))}
    cutoffs = SERIES.dates[ROWS].copy()
    cutoffs[5] = np.datetime64("2000-07-01")  # a Saturday
    cutoffs[6] = np.datetime64("1999-01-04")
    cutoffs[7] = cutoffs[8]
    cutoffs[9] = np.datetime64("2031-01-01")
    assert reasons(file_of(prices(), SCORING_LEVELS, cutoffs=cutoffs)) == {
        "repeated": (2, day(8)),
        "future": (1, "2031-01-01"),
        "no_trading_day": (2, "1999-01-04"),
    }


def test_an_outcome_that_is_not_known_yet() -> None:
    last = file_of(prices(), SCORING_LEVELS, cutoffs=SERIES.dates[-100:])
    rebased = dataclasses.replace(last, values=SERIES.close[-100:, None] * np.exp(log_returns()))
    assert reasons(rebased) == {"unknown": (1, str(SERIES.dates[-1]))}
    assert reasons(dataclasses.replace(rebased, steps=np.full(100, 5.0)))["unknown"][0] == 5


@pytest.mark.parametrize("change", [1.6 / 100, 1 / 100**2, 1.5, 0.5])
def test_values_in_another_unit_are_refused_as_a_whole(change: float) -> None:
    assert reasons(file_of(prices() * change, SCORING_LEVELS)) == {"unit": (len(ROWS), day(0))}


def test_returns_as_prices_and_prices_as_returns() -> None:
    assert reasons(file_of(log_returns(), SCORING_LEVELS)) == {"not_positive": (len(ROWS), day(0))}
    assert reasons(file_of(prices(), SCORING_LEVELS), "return") == {"unit": (len(ROWS), day(0))}


@pytest.mark.parametrize("factor", [100, np.sqrt(252), SIGMA])
def test_percent_a_yearly_sigma_and_a_variance_are_refused(factor: float) -> None:
    values = np.column_stack([np.zeros(len(ROWS)), np.full(len(ROWS), SIGMA * factor)])
    file = file_of(values, (), degrees_of_freedom=np.full(len(ROWS), np.inf))
    assert reasons(file, "return") == {"scale": (len(ROWS), day(0))}


def test_the_first_step_decides_about_a_yearly_sigma() -> None:
    """Beside the sigma of 20 days it is no longer strange."""
    steps = np.tile([1.0, 5.0, 10.0, 20.0], len(ROWS) // 4)
    values = np.column_stack([np.zeros(len(ROWS)), np.full(len(ROWS), SIGMA * np.sqrt(252))])
    file = file_of(values, (), degrees_of_freedom=np.full(len(ROWS), np.inf), steps=steps)
    assert reasons(file, "return") == {"scale": (len(ROWS), day(0))}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("with_last_price", [False, True])
def test_prices_of_the_next_day_are_noticed(mirrored: bool, with_last_price: bool) -> None:
    def foresight(days: int) -> Any:
        base = SERIES.close[ROWS + days]
        values = base[:, None] * np.exp(SIGMA * stats.norm.ppf(SCORING_LEVELS))
        if mirrored:
            base, values = 1 / base, 1 / values[:, ::-1]
        file = file_of(values, SCORING_LEVELS, last_prices=base if with_last_price else None)
        return read(file, mirrored=mirrored).foresight

    assert foresight(0) is None
    noticed = foresight(1)
    assert (noticed.model, noticed.instrument, noticed.n) == ("bank", "USDJPY", len(ROWS))
    assert noticed.correlation == pytest.approx(1)


def test_a_bad_forecast_is_scored_all_the_same() -> None:
    """Too narrow by five, or three usual moves off, is a mistake of the forecaster, not of the file."""
    assert reasons(file_of(log_returns() / 5, SCORING_LEVELS), "return") == {}
    assert reasons(file_of(log_returns() + 3 * SIGMA, SCORING_LEVELS), "return") == {}


def test_sigma_and_degrees_of_freedom_that_no_distribution_has() -> None:
    values = np.column_stack([np.zeros(len(ROWS)), np.full(len(ROWS), SIGMA)])
    values[3, 1] = 0
    degrees = np.full(len(ROWS), 5.0)
    degrees[4] = 2
    assert reasons(file_of(values, (), degrees_of_freedom=degrees), "return") == {"crossing": (2, day(3))}


def test_a_last_price_of_another_day_is_refused() -> None:
    last_prices = SERIES.close[ROWS].copy()
    last_prices[2] *= 1.2
    assert reasons(file_of(prices(), SCORING_LEVELS, last_prices=last_prices)) == {"last_price": (1, day(2))}


def test_prices_of_a_stock_with_dividends_need_the_price_that_they_start_from() -> None:
    stock = oracles.bars(400, seed=1, holes=False)
    values = stock.close[ROWS, None] * np.exp(log_returns())
    file = file_of(values, SCORING_LEVELS, cutoffs=stock.dates[ROWS])
    assert reasons(file, series=stock) == {"adjusted": (len(ROWS), str(stock.dates[ROWS[0]]))}
    with_prices = dataclasses.replace(file, last_prices=stock.close[ROWS])
    np.testing.assert_allclose(read(with_prices, series=stock).quantiles, log_returns(), atol=1e-12)
