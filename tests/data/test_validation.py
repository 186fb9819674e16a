import datetime

import numpy as np
import pytest
from raw_rows import PAIR, changed, check, codes, days, fixings, made, only

from forecaster.data.findings import Severity
from forecaster.data.instruments import parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.validation import MarketExpectations, RawRows, cleaned, repaired, validate
from forecaster.errors import SourceError


def test_a_good_history_has_no_findings_and_stays_as_it_is() -> None:
    rows = made()
    report = check(rows)
    assert report.findings == ()
    assert report.repairs == ()
    for same in (cleaned(rows, report), repaired(rows, report), repaired(rows, report, rows.dates[-1])):
        assert (same.dates == rows.dates).all()
        for name, values in rows.columns.items():
            np.testing.assert_array_equal(same.columns[name], values)


# ---- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "date", "code", "text"),
    [
        (5, "2023-01-06", "dates_not_increasing", "1 row out of order or there twice; .* \\(2023-01-06\\)"),
        (5, "2022-12-30", "dates_not_increasing", "1 row out of order"),
        (299, "2024-03-04", "future_date", "1 row in the future \\(2024-03-04\\)"),
        (7, "NaT", "missing_date", "1 row without a date; expected one row for each date$"),
    ],
)
def test_dates_that_are_no_calendar_are_errors(row: int, date: str, code: str, text: str) -> None:
    rows = made()
    dates = rows.dates.copy()
    dates[row] = np.datetime64(date)
    report = check(RawRows(dates, rows.columns))
    assert only(report).code == code
    assert only(report).severity is Severity.ERROR
    with pytest.raises(SourceError, match=f"^X: {text}"):
        report.require_good("X", SourceError)


def test_a_time_of_day_is_an_error() -> None:
    rows = made()
    dates = rows.dates.astype("datetime64[s]")
    assert codes(check(RawRows(dates, rows.columns))) == []
    dates[3] += 60
    assert codes(check(RawRows(dates, rows.columns))) == ["time_of_day"]


def test_no_rows() -> None:
    report = check(made().select(np.zeros(300, dtype=bool)))
    assert only(report).code == "no_rows"
    assert only(report).severity is Severity.ERROR


def test_columns_of_another_length_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="dates \\(3,\\)"):
        RawRows(days(3), {"close": np.ones(2)})


# ---- repairs that are known at once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [np.nan, 0.0, -1.0, np.inf])
def test_a_row_without_a_price_is_dropped(price: float) -> None:
    rows = changed(made(), close={40: price})
    report = check(rows)
    assert only(report).code == "bad_price"
    assert only(report).dates == (str(rows.dates[40]),)
    kept = cleaned(rows, report)
    assert len(kept) == 299
    assert rows.dates[40] not in kept.dates


def test_many_rows_without_a_price_are_an_error_and_few_are_not() -> None:
    four = changed(made(), close=dict.fromkeys((10, 20, 30, 40), np.nan))
    assert codes(check(four)) == ["many_bad_prices", "bad_price"]
    assert check(four).findings[0].text.startswith("4 rows of 300 without a usable price; expected at most 1%")
    assert codes(check(changed(made(), close=dict.fromkeys((10, 20, 30), np.nan)))) == ["bad_price"]
    assert codes(check(changed(made(20), close=dict.fromkeys((10, 15), np.nan)), today=datetime.date(2023, 1, 30))) == [
        "bad_price"
    ]


@pytest.mark.parametrize(("column", "value"), [("high", 1.0), ("low", 1e6), ("open", 1e6), ("high", 0.0), ("low", 0.0)])
def test_a_range_that_cannot_be_is_ignored_and_the_price_kept(column: str, value: float) -> None:
    rows = changed(made(), **{column: {50: value}})
    report = check(rows)
    assert only(report).code == "impossible_range"
    kept = cleaned(rows, report)
    assert len(kept) == len(rows)
    assert all(np.isnan(kept.columns[name][50]) for name in ("open", "high", "low"))
    assert kept.columns["close"][50] == rows.columns["close"][50]
    assert np.isfinite(kept.columns["high"][[49, 51]]).all()
    assert report.repairs[0].blanked == ("open", "high", "low")


def test_where_the_open_is_the_price_it_survives_an_impossible_range() -> None:
    rows = changed(made(), high={50: 1.0})
    report = check(rows, MarketExpectations(price="open"))
    assert np.isfinite(cleaned(rows, report).columns["open"][50])


@pytest.mark.parametrize(
    "cells", [{"high": {50: 300.0}}, {"low": {50: 1.0}}, {"high": dict.fromkeys(range(50, 300), 9e3)}]
)
def test_a_range_far_beyond_those_before_it_is_ignored(cells: dict[str, dict[int, float]]) -> None:
    rows = changed(made(), **cells)
    finding = only(check(rows))
    assert (finding.code, finding.count) == ("impossible_range", sum(map(len, cells.values())))


def test_rounding_of_a_range_is_no_fault() -> None:
    rows = made()
    close = rows.columns["close"]
    assert codes(check(changed(rows, high={9: close[9] * 1.0005 * (1 - 5e-7)}))) == []


def test_an_adjusted_price_below_zero_is_ignored() -> None:
    rows = changed(made(), adj_close={3: -0.2, 4: np.nan})
    report = check(rows)
    assert (only(report).code, only(report).count) == ("bad_adjusted_price", 2)
    assert np.isnan(cleaned(rows, report).columns["adj_close"][3:5]).all()


@pytest.mark.parametrize(("first", "last", "named"), [(100, 300, [100]), (100, 101, [100, 101])])
def test_an_adjusted_price_that_moves_alone_is_ignored_at_its_moves(first: int, last: int, named: list[int]) -> None:
    rows = made()
    rows.columns["adj_close"][first:last] /= 4
    report = check(rows)
    assert only(report).code == "bad_adjusted_price"
    rows = cleaned(rows, report)
    assert np.flatnonzero(np.isnan(rows.columns["adj_close"])).tolist() == named
    assert [mark.rows.tolist() for mark in check(rows).marks if mark.code == "bad_adjusted_price"] == [named]


def test_rows_after_the_last_finished_day_are_dropped_even_from_the_future() -> None:
    rows = made()
    market = MarketExpectations(last_finished=datetime.date(2024, 2, 21))
    report = check(rows, market, today=datetime.date(2024, 2, 22))
    assert (only(report).code, only(report).dates) == ("unfinished_bar", ("2024-02-22", "2024-02-23"))
    assert str(cleaned(rows, report).dates[-1]) == "2024-02-21"


def with_row(rows: RawRows, date: str, like: int, factor: float) -> RawRows:
    place = int(np.searchsorted(rows.dates, np.datetime64(date)))
    columns = {name: np.insert(values, place, values[like] * factor) for name, values in rows.columns.items()}
    return RawRows(np.insert(rows.dates, place, np.datetime64(date)), columns)


def test_a_flat_saturday_is_dropped_a_moving_one_is_told() -> None:
    rows = made()
    friday = int(np.flatnonzero(rows.dates == np.datetime64("2023-03-10"))[0])
    flat = with_row(rows, "2023-03-11", friday, 1.0)
    report = check(flat)
    assert (only(report).code, only(report).severity) == ("flat_weekend_row", Severity.REPAIR)
    assert (cleaned(flat, report).dates == rows.dates).all()
    moving = with_row(rows, "2023-03-11", friday, 1.001)
    assert (only(check(moving)).code, only(check(moving)).severity) == ("weekend_row", Severity.WARNING)
    assert len(cleaned(moving, check(moving))) == 301
    assert codes(check(moving, MarketExpectations(weekdays="1111110"))) != []  # now other Saturdays are missing
    assert codes(check(moving, MarketExpectations(weekdays=None))) == []


def test_a_weekend_row_at_the_beginning_has_nothing_to_be_flat_against() -> None:
    rows = made()
    rows = RawRows(np.append(np.datetime64("2022-12-31"), rows.dates), {"close": np.append(1.0, rows.columns["close"])})
    rows.columns["close"][0] = rows.columns["close"][-1]
    assert "weekend_row" in codes(check(rows))


# ---- beside a reference ----------------------------------------------------------------------------------------------


def yahoo_like(series: PriceSeries) -> RawRows:
    fixing = series.close
    return RawRows(
        series.dates,
        {"open": fixing * 1.001, "high": fixing * 1.004, "low": fixing * 0.997, "close": fixing * 1.002},
    )


def test_rows_that_the_fixing_contradicts_are_dropped() -> None:
    series = fixings("EURUSD", "2020-12-31")
    swapped = int(np.searchsorted(series.dates, np.datetime64("2008-01-08")))
    # The case on record: the price of the first of August stands on the eighth of January.
    rows = changed(yahoo_like(series), open={swapped: 1.5571}, high={swapped: 1.56}, low={swapped: 1.55})
    market = MarketExpectations(price="open", is_pair=True)
    report = check(rows, market, reference=series, today=datetime.date(2021, 1, 1))
    assert "reference_mismatch" in codes(report)
    assert [str(one.date) for one in report.repairs] == ["2008-01-08"]
    assert report.late_repairs == ()


@pytest.mark.parametrize(("above", "dropped"), [(1.003, False), (1.007, True), (0.997, False), (0.993, True)])
def test_a_fixing_outside_of_the_range_of_the_day_contradicts_it(above: float, dropped: bool) -> None:
    # The whole day lies above, or below, the fixing; half a percent is given.
    series = fixings("EURUSD", "2020-12-31")
    near, far = series.close[9] * above, series.close[9] * (above + np.sign(above - 1) * 0.004)
    low, high = min(near, far), max(near, far)
    rows = changed(yahoo_like(series), low={9: low}, high={9: high}, open={9: near}, close={9: far})
    report = check(
        rows, MarketExpectations(price="open", is_pair=True), reference=series, today=datetime.date(2021, 1, 1)
    )
    assert [one.date for one in report.repairs] == ([series.dates[9]] if dropped else [])


def test_the_morning_before_the_franc_broke_is_no_mistake() -> None:
    # At 00:00 a euro cost 1.20 francs, at the fixing 1.03: both are true.
    series = fixings("EURCHF", "2020-12-31")
    opened = np.concatenate([series.close[:1], series.close[:-1]])
    rows = RawRows(series.dates, {"open": opened})
    report = check(
        rows, MarketExpectations(price="open", is_pair=True), reference=series, today=datetime.date(2021, 1, 1)
    )
    assert report.repairs == ()


@pytest.mark.parametrize("what", ["inverted", "another pair"])
def test_another_symbol_is_an_error(what: str) -> None:
    series = fixings("EURUSD", "2020-12-31")
    price = 1 / series.close if what == "inverted" else fixings("EURGBP", "2020-12-31").close
    report = check(RawRows(series.dates, {"close": price}), PAIR, reference=series, today=datetime.date(2021, 1, 1))
    assert report.findings[0].code == "wrong_symbol"
    assert "this is another symbol, or the pair the other way round" in report.findings[0].text
    with pytest.raises(SourceError):
        report.require_good("EURUSD", SourceError)


def test_two_rows_are_no_reason_to_doubt_the_symbol_however_short_the_history() -> None:
    series = fixings("EURUSD").between(np.datetime64("2020-01-01"), np.datetime64("2020-01-31"))
    price = series.close.copy()
    price[[3, 9]] *= 1.1
    today = datetime.date(2020, 2, 3)
    few = codes(check(RawRows(series.dates, {"close": price}), PAIR, reference=series, today=today))
    assert "reference_mismatch" in few
    assert "wrong_symbol" not in few
    price[15] *= 1.1
    assert "wrong_symbol" in codes(check(RawRows(series.dates, {"close": price}), PAIR, reference=series, today=today))


def test_days_without_a_fixing_are_not_compared() -> None:
    series = fixings("EURUSD", "2020-12-31")
    rows = RawRows(np.append(series.dates, np.datetime64("2021-01-01")), {"close": np.append(series.close, 9.9)})
    report = check(rows, PAIR, reference=series, today=datetime.date(2021, 1, 1))
    assert "reference_mismatch" not in codes(report)
    none = series.between(end=np.datetime64("1990-01-01"))
    assert "reference_mismatch" not in codes(check(rows, PAIR, reference=none, today=datetime.date(2021, 1, 1)))


# ---- what is told and nothing done about -----------------------------------------------------------------------------


def test_a_gap_and_many_missing_days() -> None:
    rows = made()
    kept = np.ones(300, dtype=bool)
    kept[100:106] = False
    report = check(rows.select(kept), PAIR)
    assert only(report).code == "gap"
    assert only(report).text.startswith("1 row after gaps of more than 5 trading days, the longest 6 days (")
    kept[100:105] = True
    assert codes(check(rows.select(kept), PAIR)) == []
    assert codes(check(rows.select(np.arange(300) % 20 != 7), PAIR)) == ["missing_days"]
    assert codes(check(rows.select(np.arange(300) % 20 != 7))) == []  # stocks have more holidays
    assert codes(check(rows.select(np.arange(300) % 8 != 7))) == ["missing_days"]


@pytest.mark.parametrize(
    ("days_per_row", "dates", "longest"),
    [
        (7, np.arange("2015-01-02", "2026-10-30", 7, dtype="datetime64[D]"), 10),
        (31, np.arange("2001-01", "2026-11", dtype="datetime64[M]").astype("datetime64[D]"), 44),
    ],
)
def test_weeks_and_months_without_a_row_are_a_gap(days_per_row: int, dates: np.ndarray, longest: int) -> None:
    rows = RawRows(dates, {"close": np.linspace(100, 120, len(dates))})
    market = MarketExpectations(weekdays=None, days_per_row=days_per_row)
    today = dates[-1].astype(datetime.date)
    places = np.arange(len(dates))
    assert codes(validate(rows, today=today, market=market)) == []
    gap = only(validate(rows.select((places < 100) | (places > 101)), today=today, market=market))
    assert (gap.code, gap.count) == ("gap", 1)
    assert f"the longest {longest} days ({dates[102]})" in gap.text
    assert "missing_days" in codes(validate(rows.select(places % 8 != 7), today=today, market=market))


def test_equal_prices_of_a_feed_that_stood_still() -> None:
    close = made().columns["close"].copy()
    close[50:55] = close[50]
    report = check(RawRows(days(300), {"close": close}))
    assert (only(report).code, only(report).dates) == ("stale_run", (str(days(300)[50]),))
    close[54] *= 1.0001
    assert codes(check(RawRows(days(300), {"close": close}))) == []


def test_a_close_that_equals_the_open_matters_where_the_close_is_the_price() -> None:
    rows = made(600)
    rows = RawRows(days(600), {"open": rows.columns["open"], "close": rows.columns["close"].copy()})
    rows.columns["close"][:40] = rows.columns["open"][:40]
    for price, severity in (("close", Severity.WARNING), ("open", Severity.INFO)):
        report = check(rows, MarketExpectations(price=price, is_pair=True), today=datetime.date(2025, 4, 21))
        assert (only(report).code, only(report).severity) == ("close_equals_open", severity)
        assert only(report).dates == ("2023",)
        assert "most often in 2023: 40 of 260 rows" in only(report).text
    assert codes(check(rows, today=datetime.date(2025, 4, 21))) == []  # stocks do not trade at night
    few = rows.until(np.datetime64("2023-01-20"))
    assert codes(check(few, PAIR, today=datetime.date(2023, 1, 20))) == []  # fifteen rows are no year


def test_old_data() -> None:
    rows = made()
    assert codes(check(rows, today=datetime.date(2024, 3, 1))) == []
    report = check(rows, today=datetime.date(2024, 3, 4))
    assert only(report).code == "old_data"
    assert only(report).text == "the last row is 6 business days old (2024-02-23)"


# ---- against the version before --------------------------------------------------------------------------------------


def series_of(rows: RawRows) -> PriceSeries:
    return PriceSeries(parse_ticker("AAPL"), "yahoo", "AAPL", rows.dates, rows.columns)


def scaled(rows: RawRows, factor: np.ndarray | float, *names: str) -> RawRows:
    return RawRows(
        rows.dates, {name: values * factor if name in names else values for name, values in rows.columns.items()}
    )


def test_a_split_and_a_dividend_are_news_and_no_warning() -> None:
    rows = made()
    before = np.arange(300) < 200
    split = scaled(rows, 0.25, "open", "high", "low", "close", "adj_close")
    report = check(split, previous=series_of(rows))
    assert codes(report) == ["price_changed_by_factor", "adjustment_changed_by_factor"]
    assert {one.severity for one in report.findings} == {Severity.INFO}
    assert "300 rows whose prices were rescaled since the last version, the newest by 0.25" in report.findings[0].text
    dividend = scaled(rows, np.where(before, 0.99, 1.0), "adj_close")
    report = check(dividend, previous=series_of(rows))
    assert codes(report) == ["adjustment_changed_by_factor"]
    assert only(report).count == 200


def test_a_revision_and_rows_that_are_gone_are_warnings() -> None:
    rows = made()
    close = rows.columns["close"]
    revised = changed(rows, close={20: close[20] * 1.001, 70: close[70] * 0.999})
    report = check(revised, previous=series_of(rows))
    assert (only(report).code, only(report).count) == ("price_changed", 2)
    report = check(rows.select(np.arange(300) != 33), previous=series_of(rows))
    assert (only(report).code, only(report).dates) == ("rows_gone", (str(rows.dates[33]),))
    # Rows before the first and after the last are only not asked for.
    assert codes(check(rows.select(np.arange(300) > 33), previous=series_of(rows))) == []
    assert codes(check(rows, previous=series_of(rows))) == []
