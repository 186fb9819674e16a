"""Changes of the unit, runs of wrong prices, and days without trading, in files of the user."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np
import pytest
from raw_rows import STOCK, check, codes, made, only

from forecaster.data.corrections import Corrections, parse_span, parse_split
from forecaster.data.findings import Severity
from forecaster.data.instruments import Instrument, csv_instrument
from forecaster.data.series import PriceSeries
from forecaster.data.validation import MarketExpectations, RawRows, market_expectations, repaired, validate
from forecaster.data.weekends import idle_weekend_rows, weekdays_of

FILE = dataclasses.replace(STOCK, is_given=True)
EVERY_DAY = MarketExpectations(weekdays="1111111", is_given=True)


def closes(close: np.ndarray, dates: np.ndarray | None = None) -> RawRows:
    rows = made(len(close))
    return RawRows(rows.dates if dates is None else dates, {"close": close})


def stepped(ratio: float, first: int = 200, last: int = 300) -> RawRows:
    rows = np.arange(300)
    return closes(made().columns["close"] / np.where((rows >= first) & (rows < last), ratio, 1.0))


def series_of(rows: RawRows, market: MarketExpectations = FILE, **corrections: object) -> PriceSeries:
    report = check(rows, market, corrections=Corrections(**corrections))  # type: ignore[arg-type]
    kept = repaired(rows, report)
    return PriceSeries(
        Instrument("csv", "x"), "csv", "x", kept.dates, kept.columns, unit_factors=report.unit_factors(kept.dates)
    )


# ---- units -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [2, 2.5, 3, 4, 7, 10, 20, 50, 100, 1000, 1 / 4, 1 / 10, 1 / 100, 1e6])
def test_a_change_of_the_unit_is_named_and_leaves_returns_and_prices_as_they_are(ratio: float) -> None:
    rows = stepped(ratio)
    finding = only(check(rows, FILE))
    assert (finding.code, finding.severity, finding.count) == ("unit_change", Severity.REPAIR, 1)
    day = str(rows.dates[200])
    assert finding.dates == (day,)
    assert f"--keep {day}" in finding.text
    series = series_of(rows)
    np.testing.assert_array_equal(series.close, rows.columns["close"])
    np.testing.assert_allclose(series.log_price, np.log(made().columns["close"]), atol=1e-9)
    np.testing.assert_allclose(series.close * series.current_unit, made().columns["close"] / ratio, rtol=1e-9)


@pytest.mark.parametrize("ratio", [4, 100])
@pytest.mark.parametrize("cutoff", [150, 200, 201, 299])
def test_no_later_row_changes_an_earlier_return(ratio: float, cutoff: int) -> None:
    rows = stepped(ratio)
    rows_of_all = series_of(rows).log_price
    before = series_of(rows.until(rows.dates[cutoff])).log_price
    np.testing.assert_array_equal(before, rows_of_all[: cutoff + 1])


def test_a_split_that_half_of_a_file_accounts_for_is_two_changes() -> None:
    rows = stepped(4, 120, 240)
    finding = only(check(rows, FILE))
    assert finding.count == 2
    assert f"({rows.dates[120]}: 1/4, {rows.dates[240]}: x 4)" in finding.text
    np.testing.assert_allclose(series_of(rows).log_price, np.log(made().columns["close"]), atol=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_several_prices_in_another_unit_are_corrected_on_their_own_rows(count: int) -> None:
    rows = stepped(0.01, 200, 200 + count)
    assert codes(check(rows, FILE)) == ["unit_change"]
    assert check(rows, FILE).repairs == ()
    np.testing.assert_allclose(series_of(rows).log_price, np.log(made().columns["close"]), atol=1e-9)


def test_a_small_ratio_counts_for_files_only_and_a_unit_for_every_source() -> None:
    assert codes(check(stepped(4))) == ["large_move"]
    assert codes(check(stepped(100))) == ["unit_change"]


@pytest.mark.parametrize("size", [0.62, 0.71, 1.75])
def test_a_move_that_is_no_ratio_is_kept(size: float) -> None:
    assert codes(check(stepped(size), FILE)) == ["large_move"]


@pytest.mark.parametrize(("size", "ratio"), [(1.5, 1.5), (1.25, 1.25), (2.15, 2.0), (2.8, 3.0)])
def test_a_split_that_may_be_a_real_move_is_reported_and_made_on_demand(size: float, ratio: float) -> None:
    rows = stepped(size)
    report = check(rows, FILE)
    assert codes(report) == ["large_move", "possible_split"]
    day = str(rows.dates[200])
    assert f"--split {day}={ratio:g} " in report.findings[1].text
    series = series_of(rows, splits={datetime.date.fromisoformat(day): size})
    np.testing.assert_allclose(series.log_price, np.log(made().columns["close"]), atol=1e-9)


def ranged(rows: RawRows, high: float) -> RawRows:
    """Rows with a high and a low, and another `high` on the day of the step."""
    close = rows.columns["close"]
    factors = np.where(np.arange(len(rows)) == 200, high, 1.005)
    return RawRows(rows.dates, {"high": close * factors, "low": close * 0.995, "close": close})


def test_a_split_has_an_ordinary_range_on_its_day() -> None:
    assert codes(check(ranged(stepped(2), high=1.01), FILE)) == ["unit_change"]


def rate(*levels: float, rows: int = 60) -> RawRows:
    return closes(np.repeat(levels, rows).astype(float))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(rate(0.25, 0.5, 0.25, 0.75, 1.5, 0.5, 0.25), id="rate"),
        pytest.param(closes(np.where(np.arange(300) % 50 == 49, 0.02, 0.01)), id="tick"),
        pytest.param(closes(np.where(np.arange(300) < 200, 8.7, 17.4) + 0.01 * (np.arange(300) % 3 == 0)), id="peg"),
        pytest.param(ranged(stepped(2), high=1.1), id="day of a crash"),
        pytest.param(closes(made(sd=0.05).columns["close"] / np.where(np.arange(300) < 200, 1, 2)), id="volatile"),
        pytest.param(
            closes(stepped(2).columns["close"], np.datetime64("2023-01-02") + np.arange(300)),
            id="coin",
        ),
    ],
)  # fmt: skip
def test_a_real_move_by_the_ratio_of_a_split_is_kept(rows: RawRows) -> None:
    report = check(rows, FILE)
    assert report.repairs == ()
    np.testing.assert_array_equal(report.unit_factors(rows.dates), 1.0)


def test_a_move_by_a_tick_is_not_large_and_one_of_a_peg_is() -> None:
    assert codes(check(closes(np.where(np.arange(300) % 50 == 49, 0.02, 0.01)), FILE)) == ["ties"]
    assert "large_move" in codes(check(closes(np.where(np.arange(300) < 200, 1.0, 1.55)), FILE))


def test_a_confirmed_move_stays() -> None:
    rows = stepped(4)
    day = rows.dates[200].astype("datetime64[D]").astype(object)
    assert codes(check(rows, FILE, corrections=Corrections(confirmed=((day, day),)))) == ["large_move"]
    assert series_of(rows, confirmed=((day, day),)).unit_factors is None


def test_an_adjusted_price_that_accounts_for_a_split_is_not_corrected_twice() -> None:
    rows = stepped(4)
    adjusted = made().columns["close"] / 4
    report = check(rows, FILE)
    series = PriceSeries(
        Instrument("csv", "x"), "csv", "x", rows.dates, {**rows.columns, "adj_close": adjusted},
        unit_factors=report.unit_factors(rows.dates),
    )  # fmt: skip
    np.testing.assert_allclose(np.diff(series.log_price), np.diff(np.log(adjusted)), atol=1e-9)
    both = dataclasses.replace(series, columns={**rows.columns, "adj_close": rows.columns["close"]})
    np.testing.assert_allclose(np.diff(both.log_price), np.diff(np.log(adjusted)), atol=1e-9)


def test_the_hash_of_a_history_says_how_its_returns_are_made() -> None:
    series = series_of(stepped(4))
    assert series.sha256 != dataclasses.replace(series, unit_factors=None).sha256
    same = dataclasses.replace(series, unit_factors=np.ones(len(series)))
    assert same.sha256 == dataclasses.replace(series, unit_factors=None).sha256
    before = series.between(end=series.dates[199])
    assert before.unit_factors is None


# ---- runs of wrong prices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("factor", [0.6, 1.7, 37.0])
def test_several_wrong_prices_are_dropped_once_they_have_come_back(count: int, factor: float) -> None:
    close = made().columns["close"].copy()
    close[150 : 150 + count] *= factor
    rows = closes(close)
    report = check(rows)
    assert only(report).code == "reverting_spike"
    back = rows.dates[150 + count]
    assert [(repair.date, repair.known_from) for repair in report.late_repairs] == [
        (day, back) for day in rows.dates[150 : 150 + count]
    ]
    assert len(repaired(rows, report)) == 300 - count
    for row in (149, 150, 150 + count - 1, 150 + count):
        cut = rows.until(rows.dates[row])
        assert check(cut).repairs == report.known_at(rows.dates[row]).repairs
        assert check(cut, today=rows.dates[row].astype("datetime64[D]").astype(object)).findings == (
            report.known_at(rows.dates[row]).findings
        )


@pytest.mark.parametrize("factor", [2.2, 20.15])  # a possible split, and a certain one that proves to be a wrong price
def test_findings_are_those_that_were_known_on_each_day(factor: float) -> None:
    rows = closes(made().columns["close"].copy())
    rows.columns["close"][150:153] = factor * 100
    rows.columns["close"][160:190] *= 3.3
    report = check(rows, FILE)
    for row in (150, 151, 152, 153, 160, 189, 190, 299):
        cut = check(rows.until(rows.dates[row]), FILE, today=rows.dates[row].astype("datetime64[D]").astype(object))
        assert cut.findings == report.known_at(rows.dates[row]).findings


def test_a_move_that_comes_back_after_longer_is_kept_and_its_rows_named() -> None:
    rows = closes(made().columns["close"].copy())
    rows.columns["close"][150:158] *= 0.6
    report = check(rows)
    assert codes(report) == ["large_move", "possible_wrong_rows"]
    assert f"--drop {rows.dates[150]}..{rows.dates[157]} " in report.findings[1].text


@pytest.mark.parametrize("count", [2, 6, 20])
@pytest.mark.parametrize("value", [9999.0, 2015.0])  # one is a hundred times the price, the other twenty times
def test_a_placeholder_is_in_no_unit(count: int, value: float) -> None:
    rows = closes(made().columns["close"].copy())
    rows.columns["close"][150 : 150 + count] = value
    report = check(rows, FILE)
    assert {repair.code for repair in report.late_repairs} == {"reverting_spike"}
    assert [repair.date for repair in report.repairs] == list(rows.dates[150 : 150 + count])
    assert report.late_repairs[0].known_from == rows.dates[150 + count]
    np.testing.assert_array_equal(report.unit_factors(rows.dates), 1.0)


def test_wrong_prices_of_which_the_first_two_are_equal_are_no_placeholder() -> None:
    close = made().columns["close"].copy()
    close[151] = close[150]
    close[150:153] *= 1.7
    rows = closes(close)
    assert [repair.date for repair in check(rows, FILE).repairs] == list(rows.dates[150:153])


def test_a_wrong_price_on_the_second_row_is_dropped() -> None:
    close = made(sd=0.02).columns["close"].copy()
    close[1] = 2000.0
    assert only(check(closes(close), FILE)).code == "reverting_spike"


def test_rows_are_left_out_on_demand() -> None:
    rows = made()
    days = rows.dates[[50, 51]].astype("datetime64[D]").astype(object)
    report = check(rows, corrections=Corrections(dropped=((days[0], days[1]),)))
    assert (only(report).code, only(report).count) == ("left_out", 2)
    assert len(repaired(rows, report)) == 298


def test_dates_to_correct_that_have_no_row_are_named() -> None:
    rows = made()
    monday = rows.dates.astype("datetime64[D]")[(rows.dates.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 0][5]
    saturday, sunday = ((monday - days).astype(object) for days in (2, 1))
    early = datetime.date(1950, 1, 1)  # before the first row, as with --start
    corrections = Corrections(
        dropped=((saturday, sunday), (saturday, monday.astype(object)), (early, early)), confirmed=((sunday, sunday),)
    )
    left_out, missing = check(rows, corrections=corrections).findings
    assert (left_out.code, left_out.dates) == ("left_out", (str(monday),))
    assert (missing.code, missing.dates) == ("no_row_to_correct", (str(saturday), str(sunday)))
    assert len(repaired(rows, check(rows, corrections=corrections))) == 299


# ---- days without trading --------------------------------------------------------------------------------------------


def with_weekends(move: float, count: int = 420) -> RawRows:
    """Prices of every day: weekdays move by about 1 %, weekend days by `move` times as much."""
    dates = np.arange(count) + np.datetime64("2023-01-02", "D")
    weekend = (dates.astype(np.int64) + 3) % 7 >= 5
    random = np.random.default_rng(1)
    returns = 0.01 * random.standard_normal(count) * np.where(weekend, move, 1.0)
    return closes(100 * np.exp(np.cumsum(returns)), dates)


def test_flat_weekends_of_a_file_are_dropped() -> None:
    rows = with_weekends(0.0)
    finding = only(check(rows, FILE))
    assert finding.code == "flat_weekend_row"
    weekend = (rows.dates.astype(np.int64) + 3) % 7 >= 5
    assert finding.count == int(weekend.sum())


def test_short_sessions_are_merged_into_the_next_day() -> None:
    rows = with_weekends(0.1)
    bars = {name: rows.columns["close"] * factor for name, factor in (("open", 1.0), ("high", 1.001), ("low", 0.999))}
    rows = RawRows(rows.dates, {**bars, **rows.columns, "volume": np.ones(len(rows))})
    sunday = int(np.searchsorted(rows.dates, np.datetime64("2024-02-11")))
    monday = sunday + 1
    rows.columns["low"][sunday] = 1.0
    report = check(rows, FILE)
    assert "short_weekend_bar" in codes(report)
    left = repaired(rows, report)
    assert not ((left.dates[50:].astype(np.int64) + 3) % 7 >= 5).any()
    row = int(np.searchsorted(left.dates, rows.dates[monday]))
    assert left.columns["low"][row] == 1.0
    assert left.columns["volume"][row] == 3.0  # with Saturday and Sunday
    assert left.columns["open"][row] == rows.columns["open"][sunday - 1]
    assert left.columns["close"][row] == rows.columns["close"][monday]


@pytest.mark.parametrize("move", [0.1, 0.5, 1.0])
def test_sundays_before_a_monday_are_merged_and_those_of_a_market_without_fridays_stay(move: float) -> None:
    rows = with_weekends(move)
    weekday = weekdays_of(rows.dates)
    evenings = rows.select(weekday != 5)
    finding = only(check(evenings, FILE))
    assert (finding.code, finding.count) == ("short_weekend_bar", int((weekday == 6).sum()))
    assert check(rows.select((weekday != 5) & (weekday != 4)), EVERY_DAY).repairs == ()


@pytest.mark.parametrize("line", [True, False])
def test_weekends_that_were_filled_from_their_monday_are_dropped(line: bool) -> None:
    rows = with_weekends(1.0)
    close = rows.columns["close"]
    for monday in np.flatnonzero(weekdays_of(rows.dates) == 0)[1:]:
        friday = close[monday - 3]
        shares = np.array([1 / 3, 2 / 3]) if line else np.ones(2)
        close[monday - 2 : monday] = friday + shares * (close[monday] - friday)
    counts = {finding.code: finding.count for finding in check(rows, FILE).findings}
    assert counts.keys() == {"flat_weekend_row", "weekend_row"}
    assert sum(counts.values()) == int((weekdays_of(rows.dates) >= 5).sum())
    assert counts["weekend_row"] <= 8  # the first four weekends show it


@pytest.mark.parametrize("move", [0.6, 1.0])
def test_weekends_with_trading_stay(move: float) -> None:
    rows = with_weekends(move)
    assert check(rows, EVERY_DAY).repairs == ()


@pytest.mark.parametrize("move", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("cutoff", [30, 200, 371])
def test_an_idle_weekend_row_is_judged_by_rows_up_to_it(move: float, cutoff: int) -> None:
    rows = with_weekends(move)
    rows_of_all = idle_weekend_rows(rows.dates, rows.columns["close"])
    part = idle_weekend_rows(rows.dates[:cutoff], rows.columns["close"][:cutoff])
    for all_rows, first_rows in zip(rows_of_all, part, strict=True):
        np.testing.assert_array_equal(all_rows[:cutoff], first_rows)


@pytest.mark.parametrize("end", ["2015-01-20", "2016-06-30", "2018-12-31"])
def test_days_of_trading_are_judged_by_rows_up_to_them(end: str) -> None:
    """A market that was open every day until 2018, and from Monday to Friday since then; prices often stand still."""
    dates = np.arange("2015-01-01", "2021-06-01", dtype="datetime64[D]")
    dates = dates[(dates < np.datetime64("2018-01-01")) | (weekdays_of(dates) < 5)]
    moves = np.random.default_rng(4).normal(0, 0.01, len(dates)) * (np.arange(len(dates)) % 4 != 0)
    series = PriceSeries(csv_instrument(Path("shop.csv")), "csv", "shop", dates, {"close": np.exp(np.cumsum(moves))})

    def remaining(span: PriceSeries) -> np.ndarray:
        rows = RawRows.of(span)
        report = validate(rows, today=datetime.date(2021, 6, 1), market=market_expectations(span))
        return repaired(rows, report).dates

    rows_of_all = remaining(series)
    assert (weekdays_of(rows_of_all) >= 5).any()
    np.testing.assert_array_equal(
        rows_of_all[rows_of_all <= np.datetime64(end)], remaining(series.between(end=np.datetime64(end)))
    )


def filled(rows: RawRows, row: int, *, volume: float) -> RawRows:
    columns = {name: values.copy() for name, values in rows.columns.items()}
    for name in ("open", "high", "low", "close"):
        columns[name][row] = columns["close"][row - 1]
    columns["volume"][row] = volume
    return RawRows(rows.dates, columns)


@pytest.mark.parametrize("volume", [0.0, np.nan])
def test_a_holiday_that_is_filled_with_the_price_before_is_dropped(volume: float) -> None:
    rows = filled(made(), 100, volume=volume)
    assert only(check(rows, FILE)).code == "filled_holiday"
    assert rows.dates[100] not in repaired(rows, check(rows, FILE)).dates


def test_a_flat_day_with_volume_stays() -> None:
    assert check(filled(made(), 100, volume=500.0), FILE).repairs == ()


def test_prices_that_often_stand_still_are_no_feed_that_stopped() -> None:
    close = np.round(made().columns["close"])
    finding = only(check(closes(close), FILE))
    assert (finding.code, finding.severity) == ("ties", Severity.INFO)


# ---- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1.3.2024..05.03.2024", "1 March 2024..20240305", "2024-03-01..2024/3/5"])
def test_days_in_any_common_form(text: str) -> None:
    assert parse_span(text) == (datetime.date(2024, 3, 1), datetime.date(2024, 3, 5))
    assert parse_split(f"{text.partition('..')[0]}=4") == ("2024-03-01", 4.0)


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "2024-03-05..2024-03-01", "2024-03-01.."])
def test_a_text_that_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a date|before|month"):
        parse_span(text)


@pytest.mark.parametrize("text", ["2024-06-10", "2024-06-10=", "2024-06-10=0", "2024-06-10=-4", "2024-06-10=nan", "4"])
def test_a_text_that_is_no_split_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected DATE=RATIO"):
        parse_split(text)


def test_a_split_between_two_rows_counts_at_the_later_one() -> None:
    dates = np.array(["2024-06-07", "2024-06-10", "2024-06-11"], dtype="datetime64[D]")
    corrections = Corrections({datetime.date(2024, 6, 8): 4.0, datetime.date(2024, 7, 1): 2.0})
    assert corrections.ratios(dates) == {1: 4.0}


SPREAD = MarketExpectations(weekdays="1111100", is_given=True, signed=True)


def test_a_wrong_price_of_a_spread_is_dropped_and_a_large_move_kept() -> None:
    rows = closes(made().columns["close"] - 100)
    rows.columns["close"][200] += 90
    rows.columns["close"][210:213] = 9999
    rows.columns["close"][250:] += 60
    report = check(rows, SPREAD)
    assert {finding.code: finding.dates for finding in report.findings} == {
        "reverting_spike": tuple(str(rows.dates[row]) for row in (200, 210, 211)),
        "large_move": (str(rows.dates[250]),),
    }
    assert len(repaired(rows, report, rows.dates[200])) == 201
    assert len(repaired(rows, report)) == 296


def test_flat_weekends_of_a_spread_are_dropped() -> None:
    dates = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-03-01"))
    trading = (dates.astype(np.int64) + 3) % 7 < 5
    close = np.round(np.sin(np.arange(len(dates))), 3)[
        np.maximum.accumulate(np.where(trading, np.arange(len(dates)), 0))
    ]
    finding = only(check(closes(close, dates), SPREAD))
    assert (finding.code, finding.count) == ("flat_weekend_row", int((~trading).sum()))
