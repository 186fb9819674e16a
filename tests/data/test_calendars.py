import dataclasses
import datetime
from pathlib import Path

import holidays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.data.calendars import business_age, calendar_name, future_dates, same_clock
from forecaster.data.instruments import Instrument, parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source


@pytest.fixture(scope="module")
def ecb() -> PriceSeries:
    return get_source("ecb").load(LoadRequest(parse_pair("USDJPY"), Path("."), datetime.date(2026, 11, 20))).series


def made(days: np.ndarray, instrument: Instrument | None = None, source: str = "csv") -> PriceSeries:
    chosen = instrument or Instrument("csv", "x")
    return PriceSeries(chosen, source, chosen.name, days, {"close": np.ones(len(days))})


def days_on(weekmask: str, count: int, last: str = "2024-06-14") -> np.ndarray:
    return np.busday_offset(np.datetime64(last), np.arange(1 - count, 1), roll="backward", weekmask=weekmask)


def test_ecb_dates_are_exact_for_the_whole_history(ecb: PriceSeries) -> None:
    first_row = ecb.between(end=ecb.dates[0])
    np.testing.assert_array_equal(future_dates(first_row, len(ecb) - 1), ecb.dates[1:])


@settings(max_examples=30)
@given(st.integers(0, 7000), st.integers(0, 60))
def test_ecb_dates_are_exact_from_any_cutoff(ecb: PriceSeries, cutoff: int, count: int) -> None:
    known = ecb.between(end=ecb.dates[cutoff])
    np.testing.assert_array_equal(future_dates(known, count), ecb.dates[cutoff + 1 : cutoff + 1 + count])


def test_ecb_holidays_of_the_coming_year(ecb: PriceSeries) -> None:
    dates = future_dates(ecb, 120)
    assert dates[0] == np.datetime64("2026-11-02")
    assert not np.isin(np.array(["2026-12-25", "2027-01-01", "2027-03-26", "2027-03-29"], "datetime64[D]"), dates).any()
    assert calendar_name(ecb) == "ECB holidays"


def test_ecb_closing_days_are_those_of_the_library_for_a_century() -> None:
    known = holidays.financial_holidays("XECB", years=range(1999, 2100))
    days = np.arange("1999-01-01", "2100-01-01", dtype="datetime64[D]")
    weekdays = days[np.is_busday(days)]
    expected = weekdays[~np.isin(weekdays, np.array(sorted(known), "datetime64[D]"))]
    start = made(expected[:1], parse_pair("USDJPY"), "ecb")
    np.testing.assert_array_equal(future_dates(start, len(expected) - 1), expected[1:])


def test_other_currency_sources_close_on_christmas_and_new_year() -> None:
    series = made(days_on("1111100", 5, "2024-12-20"), parse_pair("USDJPY"), "yahoo")
    assert future_dates(series, 8).astype(str).tolist() == [
        "2024-12-23", "2024-12-24", "2024-12-26", "2024-12-27", "2024-12-30", "2024-12-31", "2025-01-02", "2025-01-03",
    ]  # fmt: skip
    assert calendar_name(series) == "Mon-Fri without 25 Dec and 1 Jan"


@pytest.mark.parametrize(
    ("mask", "name"),
    [
        ("1111111", "Mon Tue Wed Thu Fri Sat Sun"),
        ("1111001", "Mon Tue Wed Thu Sun"),
        ("0000100", "Fri"),
        ("1111100", "Mon Tue Wed Thu Fri"),
    ],
)
def test_other_series_go_by_the_weekdays_they_had(mask: str, name: str) -> None:
    history = days_on(mask, 900)
    series = made(history[:800])
    np.testing.assert_array_equal(future_dates(series, 100), history[800:])
    assert calendar_name(series) == f"observed weekdays, holidays unknown ({name})"


def test_only_the_last_two_years_count() -> None:
    series = made(np.concatenate([days_on("1111111", 900, "2020-01-01"), days_on("1111100", 600)]))
    assert future_dates(series, 2).astype(str).tolist() == ["2024-06-17", "2024-06-18"]


def test_a_stray_sunday_makes_no_sunday_market() -> None:
    series = made(np.sort(np.append(days_on("1111100", 400), np.datetime64("2024-05-05"))))
    assert "Sun" not in calendar_name(series)


def test_few_rows_are_taken_to_be_monday_to_friday() -> None:
    assert future_dates(made(days_on("1111100", 3, "2024-06-12")), 3).astype(str).tolist() == [
        "2024-06-13", "2024-06-14", "2024-06-17",
    ]  # fmt: skip


@given(st.integers(0, 3000), st.sampled_from(["1111111", "1111100", "1000000", "1111001"]), st.integers(0, 400))
def test_dates_increase_and_lie_after_the_last_row(count: int, mask: str, rows: int) -> None:
    series = made(days_on(mask, rows + 1))
    dates = future_dates(series, count)
    assert dates.shape == (count,)
    assert dates.dtype == np.dtype("datetime64[D]")
    assert (np.diff(np.append(series.dates[-1], dates)).astype(int) > 0).all()


def test_a_synthetic_ticker_goes_by_observed_weekdays() -> None:
    assert "holidays unknown" in calendar_name(made(days_on("1111100", 50), parse_ticker("sine"), "synthetic"))


@pytest.mark.parametrize(
    ("last", "today", "age"),
    [
        ("2026-10-30", "2026-10-30", 0),
        ("2026-10-30", "2026-10-31", 0),
        ("2026-10-30", "2026-11-02", 1),
        ("2026-10-30", "2026-11-20", 15),
        ("2026-10-28", "2026-10-30", 2),
        ("2026-10-31", "2026-11-01", 0),
        ("2026-11-02", "2026-10-30", -1),
    ],
)
def test_business_age(last: str, today: str, age: int) -> None:
    assert business_age(np.datetime64(last), datetime.date.fromisoformat(today)) == age


@pytest.mark.parametrize(
    ("symbol", "name", "closed"),
    [
        ("AAPL", "New York Stock Exchange", "2026-07-03"),
        ("BRK-B", "New York Stock Exchange", "2026-11-26"),
        ("^GSPC", "New York Stock Exchange", "2026-04-03"),
        ("7203.T", "Tokyo Stock Exchange", "2026-01-12"),
        ("BP.L", "London Stock Exchange", "2026-05-04"),
        ("SAP.DE", "Xetra", "2026-05-01"),
    ],
)
def test_stocks_go_by_their_exchange(symbol: str, name: str, closed: str) -> None:
    last = np.datetime64(closed) - 9
    dates = np.arange(last - 30, last + 1)
    dates = dates[np.is_busday(dates)]
    series = made(dates, parse_ticker(symbol), "yahoo")
    following = future_dates(series, 15)
    assert calendar_name(series) == name
    assert np.datetime64(closed) not in following
    assert np.is_busday(following).all()


@pytest.mark.parametrize("symbol", ["BTC-USD", "GC=F", "NOVO-B.XX", "^UNKNOWN"])
def test_what_has_no_known_exchange_goes_by_its_own_weekdays(symbol: str) -> None:
    series = made(np.arange("2026-01-01", "2026-03-01", dtype="datetime64[D]"), parse_ticker(symbol), "yahoo")
    assert "Sat Sun" in calendar_name(series)
    assert np.array_equal(future_dates(series, 3), np.arange("2026-03-01", "2026-03-04", dtype="datetime64[D]"))


def test_the_exchange_in_new_york_was_open_on_exactly_the_days_of_the_sample_index() -> None:
    series = get_source("sample").load(LoadRequest(parse_ticker("SP500"), Path(), datetime.date(2026, 11, 20))).series
    start = series.between(end=np.datetime64("2008-12-31"))
    assert np.array_equal(future_dates(start, len(series) - len(start)), series.dates[len(start) :])


def at_yahoo(symbol: str, zone: str, kind: str = "ticker") -> PriceSeries:
    made_up = made(days_on("1111100", 30), Instrument(kind, symbol.removesuffix("=X")), "yahoo")
    return dataclasses.replace(made_up, symbol=symbol, meta={"time zone": zone})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (at_yahoo("AAPL", "America/New_York"), at_yahoo("^GSPC", "America/New_York"), True),
        (at_yahoo("7203.T", "Asia/Tokyo"), at_yahoo("^GSPC", "America/New_York"), False),
        # Of neither is the market known: the same text about weekdays is no clock.
        (at_yahoo("RELIANCE.NS", "Asia/Kolkata"), at_yahoo("PETR4.SA", "America/Sao_Paulo"), False),
        (at_yahoo("GC=F", "America/New_York"), at_yahoo("ES=F", "America/New_York"), False),
        (at_yahoo("USDJPY=X", "Europe/London", "pair"), at_yahoo("EURUSD=X", "Europe/London", "pair"), True),
    ],
)
def test_prices_of_one_date_are_of_one_hour_only_where_that_is_known(
    one: PriceSeries, other: PriceSeries, same: bool
) -> None:
    assert same_clock(one, other) is same
    assert same_clock(other, one) is same


def test_fixings_of_the_ecb_know_each_other_and_no_file_knows_anything(ecb: PriceSeries) -> None:
    assert same_clock(ecb, ecb)
    file = made(ecb.dates)
    assert not same_clock(ecb, file)
    assert not same_clock(file, file)
