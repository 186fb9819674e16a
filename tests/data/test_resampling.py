import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.calendars import future_dates, periods
from forecaster.data.instruments import Instrument, parse_pair, parse_ticker
from forecaster.data.resampling import resampled
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import NotEnoughDataError

TODAY = datetime.date(2026, 11, 20)


@pytest.fixture(scope="module")
def index() -> PriceSeries:
    return get_source("sample").load(LoadRequest(parse_ticker("SP500"), Path("."), TODAY)).series


@pytest.fixture(scope="module")
def pair() -> PriceSeries:
    return get_source("ecb").load(LoadRequest(parse_pair("USDJPY"), Path("."), TODAY)).series


@pytest.mark.parametrize("frequency", ["1wk", "1mo"])
def test_every_row_is_its_slow_loop(index: PriceSeries, frequency: str) -> None:
    made = resampled(index, frequency)
    number = periods(index.dates, frequency)
    for row, one in enumerate(np.unique(number)[: len(made)]):
        days = np.flatnonzero(number == one)
        columns = {name: values[days] for name, values in index.columns.items()}
        assert made.dates[row] == index.dates[days[-1]]
        assert made.columns["open"][row] == columns["open"][0]
        assert made.columns["high"][row] == max(columns["high"])
        assert made.columns["low"][row] == min(columns["low"])
        assert made.columns["close"][row] == columns["close"][-1]
        assert made.columns["volume"][row] == pytest.approx(sum(columns["volume"]))
    assert made.frequency == frequency
    assert made.name.startswith(f"sample/SP500/{frequency}@")


def test_weeks_begin_on_mondays_and_months_on_the_first() -> None:
    days = np.array(["2024-06-28", "2024-06-29", "2024-06-30", "2024-07-01"], dtype="datetime64[D]")  # Fri to Mon
    assert np.diff(periods(days, "1wk")).tolist() == [0, 0, 1]
    assert np.diff(periods(days, "1mo")).tolist() == [0, 0, 1]
    assert np.diff(periods(days, "1d")).tolist() == [1, 1, 1]


def test_a_day_is_left_alone(pair: PriceSeries) -> None:
    assert resampled(pair, "1d") is pair


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2024-06-13", "2024-06-07"),  # a Thursday: the week goes on
        ("2024-06-14", "2024-06-14"),  # its Friday
        ("2024-03-28", "2024-03-28"),  # the Thursday before Good Friday, on which the ECB rests
    ],
)
def test_a_week_has_a_row_when_it_is_over(pair: PriceSeries, end: str, last: str) -> None:
    assert resampled(pair.between(end=np.datetime64(end)), "1wk").dates[-1] == np.datetime64(last)


@settings(max_examples=40)
@given(cutoff=st.integers(60, 7125), frequency=st.sampled_from(["1wk", "1mo"]))
def test_later_days_change_no_row(pair: PriceSeries, cutoff: int, frequency: str) -> None:
    then, now = resampled(pair.between(end=pair.dates[cutoff]), frequency), resampled(pair, frequency)
    rows = len(then)
    np.testing.assert_array_equal(then.dates, now.dates[:rows])
    np.testing.assert_array_equal(then.close, now.close[:rows])
    np.testing.assert_array_equal(then.rounding, now.rounding[:rows])


@pytest.mark.parametrize("frequency", ["1wk", "1mo"])
def test_dates_of_the_coming_rows_are_those_that_came(pair: PriceSeries, frequency: str) -> None:
    rows = resampled(pair, frequency)
    for cutoff in (100, 250, 300):
        known = rows.between(end=rows.dates[cutoff])
        np.testing.assert_array_equal(future_dates(known, 12), rows.dates[cutoff + 1 : cutoff + 13])


def test_a_range_that_is_missing_on_one_day_is_missing_for_the_week() -> None:
    days = np.arange("2024-06-03", "2024-06-15", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    high = np.arange(10.0, 20.0)
    high[2] = np.nan
    series = PriceSeries(Instrument("csv", "x"), "csv", "x", days, {"close": np.arange(1.0, 11.0), "high": high})
    np.testing.assert_array_equal(resampled(series, "1wk").columns["high"], [np.nan, 19.0])


def test_too_short_for_two_periods(pair: PriceSeries) -> None:
    with pytest.raises(NotEnoughDataError, match=r"1 whole periods of 1mo .* choose --frequency 1d"):
        resampled(pair.between(np.datetime64("2024-06-03"), np.datetime64("2024-07-10")), "1mo")
