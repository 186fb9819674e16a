import datetime
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_rows import PAIR, TODAY, changed, check, codes, days, fixings, made, only

from forecaster.data.findings import Severity
from forecaster.data.instruments import CURRENCIES, ENDED_CURRENCIES, Instrument, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.validation import MarketExpectations, RawRows, cleaned, repaired, validate
from forecaster.errors import InputFileError, NotEnoughDataError


def yahoo_like(series: PriceSeries) -> RawRows:
    fixing = series.close
    return RawRows(
        series.dates,
        {"open": fixing * 1.001, "high": fixing * 1.004, "low": fixing * 0.997, "close": fixing * 1.002},
    )


# ---- jumps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [100.0, 0.01, 1.06, 0.94])
def test_a_price_that_jumps_and_comes_back_is_dropped_once_it_has_come_back(factor: float) -> None:
    rows = made(sd=0.004)
    rows = changed(rows, close={150: rows.columns["close"][150] * factor}, high={150: np.nan}, low={150: np.nan})
    report = check(rows)
    assert codes(report) == ["reverting_spike"]
    (repair,) = report.late_repairs
    assert (repair.date, repair.known_from) == (rows.dates[150], rows.dates[151])
    # Known at once: nothing. On the day itself the row is there, a day later it is gone.
    assert len(cleaned(rows, report)) == 300
    assert repaired(rows, report, rows.dates[150]).dates[-1] == rows.dates[150]
    assert rows.dates[150] not in repaired(rows, report, rows.dates[151]).dates
    assert len(repaired(rows, report)) == 299
    seen = report.known_at(rows.dates[150])
    assert codes(seen) == ["unit_change" if factor in (100.0, 0.01) else "large_move"]


def test_two_wrong_prices_one_row_apart_are_both_found_and_the_one_between_is_kept() -> None:
    rows = made()
    rows = RawRows(rows.dates, {"close": rows.columns["close"].copy()})
    rows.columns["close"][[150, 152, 158]] *= 100
    assert [int(np.searchsorted(rows.dates, one.date)) for one in check(rows).late_repairs] == [150, 152, 158]


def test_a_move_that_stays_is_told_and_kept() -> None:
    rows = made()
    rows = RawRows(rows.dates, {"close": rows.columns["close"] * np.where(np.arange(300) < 200, 1, 0.85)})
    report = check(rows)
    assert (only(report).code, only(report).severity) == ("large_move", Severity.WARNING)
    assert only(report).dates == (str(rows.dates[200]),)
    assert report.repairs == ()


def test_a_jump_among_the_first_rows_needs_to_be_larger() -> None:
    rows = made()
    close = rows.columns["close"]
    for factor, found in ((1.15, []), (1.3, ["reverting_spike"])):
        assert (
            codes(check(RawRows(rows.dates, {"close": np.where(np.arange(300) == 5, close * factor, close)}))) == found
        )


def test_no_true_price_of_the_ecb_is_taken_for_a_mistake() -> None:
    # Every cross of every living currency up to 2020, crises and devaluations included. The rows are true.
    living = [code for code in CURRENCIES if code not in ENDED_CURRENCIES]
    pairs = [Instrument("pair", base + quote).canonical.name for base, quote in itertools.combinations(living, 2)]
    for pair in pairs:
        series = fixings(pair, "2020-12-31")
        report = check(RawRows.of(series), PAIR, today=datetime.date(2021, 1, 1))
        assert report.repairs == (), pair
        assert report.problems() == (), pair


def test_the_franc_and_the_lira_were_real() -> None:
    for pair, date in (("EURCHF", "2015-01-15"), ("USDTRY", "2021-12-21")):
        report = check(RawRows.of(fixings(pair)), PAIR, today=datetime.date(2026, 11, 2))
        moves = next(marks for marks in report.marks if marks.code == "large_move")
        assert np.datetime64(date) in report.dates[moves.rows]
        assert np.datetime64(date) not in [one.date for one in report.repairs]


# ---- reports ---------------------------------------------------------------------------------------------------------


def test_strict_makes_warnings_errors_and_nothing_else() -> None:
    rows = made()
    moved = RawRows(rows.dates, {"close": rows.columns["close"] * np.where(np.arange(300) < 200, 1, 0.85)})
    report = check(moved)
    report.require_good("X", InputFileError)
    with pytest.raises(InputFileError, match=r"^X: 1 row with an unusually large move; kept, it may be real"):
        report.require_good("X", InputFileError, strict=True)
    check(changed(rows, close={9: 0.0})).require_good("X", InputFileError, strict=True)  # repairs are done


def test_every_problem_has_a_message_of_its_own_and_errors_come_first() -> None:
    rows = changed(made(), close=dict.fromkeys(range(10, 20), np.nan))
    report = check(rows, today=datetime.date(2025, 1, 1))
    with pytest.raises(NotEnoughDataError) as caught:
        report.require_good("X", NotEnoughDataError, strict=True)
    assert len(caught.value.messages) == 3
    severities = [one.severity for one in report.findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert all("\n" not in one.text and "{" not in one.text for one in report.findings)


def test_only_the_first_dates_are_named() -> None:
    report = check(changed(made(1000), close=dict.fromkeys(range(10, 50, 10), 0.0)), today=datetime.date(2026, 11, 2))
    assert only(report).count == 4
    assert only(report).text.endswith("(2023-01-16, 2023-01-30, 2023-02-13, ...)")


# ---- causality -------------------------------------------------------------------------------------------------------


@st.composite
def dirty(draw: st.DrawFn) -> tuple[RawRows, PriceSeries, PriceSeries]:
    """Rows with many things wrong, a reference that covers some of them, and an older version."""
    count = draw(st.integers(2, 90))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    dates = np.datetime64("2023-01-02") + np.cumsum(random.choice([1, 1, 1, 1, 2, 3, 9], count))
    close = 100 * np.exp(np.cumsum(0.006 * random.standard_normal(count)))
    truth = close.copy()
    for row in np.flatnonzero(random.random(count) < 0.12):
        close[row] = random.choice([0.0, np.nan, close[row] * 100, close[row] * 0.7, close[row - 1], close[row] * 1.25])
    close[count // 2 :] *= random.choice([1.0, 1.3])
    if random.random() < 0.5:
        close[count // 3 : count // 3 + 7] = close[count // 3]
    opened = np.where(random.random(count) < 0.3, close, close * 1.001)
    high, low = np.fmax(opened, close) * 1.003, np.fmin(opened, close) * 0.997
    high[random.random(count) < 0.05] *= 0.9
    rows = RawRows(dates, {"open": opened, "high": high, "low": low, "close": close, "adj_close": close * 0.5})
    some = random.random(count) < 0.7
    some[0] = True
    reference = PriceSeries(parse_pair("EURUSD"), "ecb", "EURUSD", dates[some], {"close": truth[some]})
    older = np.append(dates[random.random(count) < 0.9], dates[-1] + 1)
    values = truth[np.searchsorted(dates, older[:-1])] * random.choice([1.0, 1.0, 2.0], len(older) - 1)
    previous = PriceSeries(parse_pair("EURUSD"), "x", "x", older, {"close": np.append(values, 1.0)})
    return rows, reference, previous


@settings(max_examples=50)
@given(dirty(), st.booleans())
def test_at_every_cutoff_a_report_says_what_was_known_then(
    case: tuple[RawRows, PriceSeries, PriceSeries], closing: bool
) -> None:
    rows, reference, previous = case
    price = "close" if closing else "open"
    whole_market = MarketExpectations(price=price, is_pair=True, last_finished=rows.dates[-1].astype(datetime.date))
    whole = validate(rows, today=TODAY, market=whole_market, reference=reference, previous=previous)
    for cutoff in rows.dates:
        cut = rows.until(cutoff)
        today = min(TODAY, cutoff.astype(datetime.date))
        then = validate(
            cut,
            today=today,
            market=whole_market,
            reference=reference.between(end=cutoff),
            previous=previous.between(end=cutoff),
        )
        known = whole.known_at(cutoff)
        assert known.findings == then.findings
        assert known.repairs == then.repairs
        seen, expected = repaired(rows, whole, cutoff), repaired(cut, then)
        assert (seen.dates == expected.dates).all()
        for name in rows.columns:
            np.testing.assert_array_equal(seen.columns[name], expected.columns[name])
        at_once = cleaned(rows, whole).until(cutoff)
        assert (at_once.dates == cleaned(cut, then).dates).all()


@settings(max_examples=50)
@given(dirty())
def test_nothing_after_a_cutoff_changes_what_is_seen_at_it(case: tuple[RawRows, PriceSeries, PriceSeries]) -> None:
    rows, reference, _ = case
    cutoff = rows.dates[len(rows) // 2]
    later = rows.dates > cutoff
    scrambled = RawRows(
        rows.dates, {name: np.where(later, values[::-1] * 3 + 1, values) for name, values in rows.columns.items()}
    )
    seen = [
        repaired(one, validate(one, today=TODAY, market=PAIR, reference=reference), cutoff) for one in (rows, scrambled)
    ]
    assert (seen[0].dates == seen[1].dates).all()
    for name in rows.columns:
        np.testing.assert_array_equal(seen[0].columns[name], seen[1].columns[name])


@settings(max_examples=50)
@given(dirty())
@example((RawRows(days(1), {"close": np.array([np.nan])}), fixings("EURUSD"), fixings("EURUSD")))
def test_what_is_handed_over_is_a_price_series(case: tuple[RawRows, PriceSeries, PriceSeries]) -> None:
    rows, reference, _ = case
    report = validate(rows, today=TODAY, market=PAIR, reference=reference)
    kept = cleaned(rows, report)
    series = PriceSeries(parse_pair("EURUSD"), "x", "x", kept.dates, kept.columns)
    # Where a cutoff looks back it is the same as the whole, but for the rows of the late repairs.
    again = validate(RawRows.of(series), today=TODAY, market=PAIR, reference=reference)
    assert [(one.date, one.known_from) for one in again.late_repairs] == [
        (one.date, one.known_from) for one in report.late_repairs
    ]
    differing = {one.date for one in report.late_repairs}
    final = repaired(rows, report)
    for cutoff in kept.dates:
        if cutoff not in differing:
            assert (repaired(rows, report, cutoff).dates == final.until(cutoff).dates).all()
