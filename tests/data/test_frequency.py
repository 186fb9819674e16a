"""Frequencies that are recognised by dates, periods that are over, and rows that are refused as days."""

import datetime

import numpy as np
import pytest

from forecaster.data.calendars import future_dates
from forecaster.data.frequency import finished_rows, recognised_frequency, require_frequency
from forecaster.data.instruments import Instrument
from forecaster.data.resampling import resampled
from forecaster.data.series import PriceSeries
from forecaster.errors import InputFileError

TODAY = datetime.date(2026, 11, 26)  # a Thursday


def days(first: str, last: str, step: int = 1) -> np.ndarray:
    return np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1, step)


def first_days(first: str, last: str) -> np.ndarray:
    return np.arange(first, last, dtype="datetime64[M]").astype("datetime64[D]")


def last_days(first: str, last: str) -> np.ndarray:
    return first_days(first, last)[1:] - 1


def series(dates: np.ndarray, frequency: str = "1d") -> PriceSeries:
    close = 100 + np.arange(len(dates)) % 7
    return PriceSeries(Instrument("csv", "x"), "csv", "x", dates, {"close": close}, frequency=frequency)


FRIDAYS = days("2015-05-29", "2026-11-20", 7)
YEARS = np.arange("1900", "2026", dtype="datetime64[Y]").astype("datetime64[D]")
MONTHS = first_days("1950-01", "1990-01")
DAILY = np.busday_offset("1990-01-01", np.arange(1000))
QUARTERS = first_days("1990-01", "2026-11")[::3]


@pytest.mark.parametrize(
    ("dates", "frequency"),
    [
        (np.busday_offset("2024-01-02", np.arange(300)), "1d"),
        (days("2024-01-01", "2024-12-31"), "1d"),
        (FRIDAYS, "1wk"),
        (np.delete(FRIDAYS, [10, 50, 51]), "1wk"),
        (np.where(np.arange(len(FRIDAYS)) % 20 == 3, FRIDAYS - 1, FRIDAYS), "1wk"),
        (first_days("2000-01", "2026-11"), "1mo"),
        (last_days("2000-01", "2026-12"), "1mo"),
        (np.busday_offset(last_days("2000-01", "2026-12"), 0, roll="backward"), "1mo"),
        (QUARTERS, "3mo"),
        (YEARS, "1y"),
        (FRIDAYS[:4], "1d"),
        (np.append(first_days("1950-01", "1990-01"), days("1990-01-01", "1990-04-01")), "1d"),
    ],
)
def test_a_frequency_is_recognised(dates: np.ndarray, frequency: str) -> None:
    assert recognised_frequency(dates) == frequency


@pytest.mark.parametrize(
    ("dates", "wanted", "words"),
    [
        (FRIDAYS, "1d", "weekly rows .* add --frequency 1wk to forecast weeks"),
        (first_days("2000-01", "2026-11"), "1d", "monthly rows .* add --frequency 1mo to forecast months"),
        (first_days("2000-01", "2026-11"), "1wk", "monthly rows .* add --frequency 1mo"),
        (QUARTERS, "1d", "quarterly rows .* give a history with more rows"),
        (YEARS, "1mo", "yearly rows .* give a history with more rows"),
        (np.append(MONTHS, DAILY), "1d", r"monthly rows from 1950-01-01 to 1990-01-01 .*1mo or --start 1990-01-02$"),
        (np.append(MONTHS, DAILY), "1wk", "monthly rows from 1950-01-01 .* add --frequency 1mo or --start"),
        (np.append(DAILY - 20_000, FRIDAYS), "1d", "weekly rows from 2015-05-29 .* 1wk or --end 2015-05-29$"),
        (days("2020-01-01", "2024-01-01", 14), "1d", "14 days apart .* add --frequency 1mo"),
        (days("2020-01-01", "2024-01-01", 60), "1mo", "60 days apart .* give a history with more rows"),
    ],
)
def test_rows_that_are_longer_than_wanted_are_refused(dates: np.ndarray, wanted: str, words: str) -> None:
    with pytest.raises(InputFileError, match=words):
        require_frequency("x", dates, recognised_frequency(dates), wanted)


@pytest.mark.parametrize("wanted", ["1wk", "1mo"])
def test_rows_that_are_shorter_than_wanted_are_used(wanted: str) -> None:
    require_frequency("x", FRIDAYS, "1wk", wanted)


@pytest.mark.parametrize(
    ("dates", "frequency", "unfinished"),
    [
        (FRIDAYS, "1wk", 0),
        (days("2015-06-01", "2026-11-23", 7), "1wk", 1),  # dated by the Monday that begins the week
        (days("2015-06-03", "2026-11-25", 7), "1wk", 0),  # its Wednesday is over
        (np.append(FRIDAYS, np.datetime64("2026-11-25")), "1wk", 1),  # half a week
        (first_days("2000-01", "2026-12"), "1mo", 1),
        (first_days("2000-01", "2026-11"), "1mo", 0),
        (np.append(days("2015-06-01", "2026-10-26", 7), np.datetime64("2026-10-28")), "1wk", 2),  # the last price
        (np.append(first_days("2000-01", "2026-09"), np.datetime64("2026-09-16")), "1mo", 1),  # of a month
        (np.append(first_days("2000-01", "2026-10"), np.datetime64("2026-10-08")), "1mo", 0),  # after holidays
        (last_days("2000-01", "2026-11"), "1mo", 0),
        (np.append(last_days("2000-01", "2026-11"), np.datetime64("2026-11-25")), "1mo", 1),
    ],
)
def test_only_a_last_row_whose_period_is_not_over_is_left_out(
    dates: np.ndarray, frequency: str, unfinished: int
) -> None:
    assert len(dates) - finished_rows(dates, frequency, TODAY) == unfinished
    assert len(resampled(series(dates, frequency), frequency, TODAY)) == len(dates) - unfinished


@pytest.mark.parametrize(
    ("dates", "frequency", "coming"),
    [
        (FRIDAYS, "1wk", ["2026-11-27", "2026-12-04"]),
        (days("2015-06-01", "2026-11-16", 7), "1wk", ["2026-11-23", "2026-11-30"]),
        (days("2015-05-31", "2026-11-22", 7), "1wk", ["2026-11-29", "2026-12-06"]),
        (first_days("2000-01", "2026-11"), "1mo", ["2026-11-01", "2026-12-01"]),
        (last_days("2000-01", "2026-11"), "1mo", ["2026-10-31", "2026-11-30"]),
    ],
)
def test_coming_rows_are_dated_as_the_rows_so_far(dates: np.ndarray, frequency: str, coming: list[str]) -> None:
    assert future_dates(series(dates, frequency), 2).astype(str).tolist() == coming


@pytest.mark.parametrize("last", ["2026-10-28", "2026-10-29", "2026-10-30"])
def test_a_closed_month_has_a_row_even_if_its_last_days_have_none(last: str) -> None:
    daily = series(np.busday_offset("2025-01-02", np.arange(800)))
    daily = daily.between(end=np.datetime64(last))
    assert str(resampled(daily, "1mo", TODAY).dates[-1]) == last
    assert str(resampled(daily, "1mo", datetime.date(2026, 10, 30)).dates[-1])[:7] == (
        "2026-10" if last == "2026-10-30" else "2026-09"
    )


def test_days_of_one_week_in_two_units_become_one_bar() -> None:
    dates = np.busday_offset("2024-01-01", np.arange(15))
    close = np.full(15, 100.0)
    close[7:] = 25.0
    columns = {name: close * factor for name, factor in (("open", 1.0), ("high", 1.02), ("low", 0.98), ("close", 1.0))}
    factors = np.where(np.arange(15) < 7, 1.0, 4.0)
    daily = PriceSeries(Instrument("csv", "x"), "csv", "x", dates, columns, unit_factors=factors)
    weekly = resampled(daily, "1wk", TODAY)
    np.testing.assert_allclose(weekly.columns["high"], [102.0, 25.5, 25.5])
    np.testing.assert_allclose(weekly.columns["low"], [98.0, 24.5, 24.5])
    np.testing.assert_allclose(weekly.columns["open"], [100.0, 25.0, 25.0])
    np.testing.assert_allclose(np.diff(weekly.log_price), 0, atol=1e-12)
