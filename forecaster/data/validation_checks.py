"""The checks behind `forecaster.data.validation`: each looks at raw rows and marks those it finds something in.

Every check is causal. What it says about a row depends on that row and those before it, with one exception that
says so: a price that jumps and comes back is known to have been wrong only when it has come back.
"""

import datetime
from collections.abc import Iterator

import numpy as np

from forecaster.arrays import BoolArray, FloatArray, Int64Array
from forecaster.data.series import MAX_PRICE, is_price
from forecaster.data.validation_days import filled_holiday_marks, missing_day_marks, weekend_marks
from forecaster.data.validation_jumps import jump_marks
from forecaster.data.validation_marks import FOREVER, MarketExpectations, Marks, RawRows, Subject

__all__ = ["DROPPED", "MERGED", "row_marks", "structure_marks"]

_RANGE_TOLERANCE = 1e-6  # relative; prices come through 32-bit floats
_MIN_WIDE_RANGE, _MAX_RANGE = 0.5, 4.0  # logarithms of high / low
_WIDE_SPREADS, _RANGES_BEFORE, _FEWEST_RANGES = 20.0, 250, 20
_ADJUSTED_MOVE = 0.2
_STALE_ROWS = 5
_REFERENCE_DISTANCE = 0.03
_REFERENCE_BELOW_LOW, _REFERENCE_ABOVE_HIGH = 0.995, 1.005
_REVISION_TOLERANCE = 1e-6


def structure_marks(rows: RawRows, market: MarketExpectations, today: datetime.date) -> Iterator[Marks]:
    """Dates that are missing, have a time of day, do not increase, or lie after `today`."""
    missing = np.isnat(rows.dates)
    yield Marks.at("missing_date", np.flatnonzero(missing))
    days = rows.dates.astype("datetime64[D]")
    yield Marks.at("time_of_day", np.flatnonzero(~missing & (days != rows.dates)))
    with_date = np.flatnonzero(~missing)
    backwards = np.diff(days[with_date]).astype(np.int64) <= 0
    yield Marks.at("dates_not_increasing", with_date[1:][backwards])
    if market.last_finished is None:  # else rows after it are dropped, whatever their date
        yield Marks.at("future_date", np.flatnonzero(days > np.datetime64(today, "D")))


def row_marks(subject: Subject) -> Iterator[Marks]:
    """Faults of single rows; rows dropped by one check are not seen by the next."""
    for check in (_left_out, _unfinished, _bad_prices, weekend_marks, filled_holiday_marks, _beside_reference):
        for marks in check(subject):
            if marks.code in DROPPED:
                subject.alive[marks.rows] = False
            yield marks
    for check in _LATER_CHECKS:
        yield from check(subject)


DROPPED = frozenset(
    {
        "left_out",
        "unfinished_bar",
        "bad_price",
        "flat_weekend_row",
        "short_weekend_bar",
        "filled_holiday",
        "reference_mismatch",
    }
)
"""Codes whose rows are dropped on their own day."""

MERGED = "short_weekend_bar"
"""Code whose rows are dropped, and whose bars belong to the next row."""


def _left_out(subject: Subject) -> Iterator[Marks]:
    yield Marks.at("left_out", np.flatnonzero(subject.corrections.drops(subject.dates)))
    days = subject.corrections.without_row(subject.dates)
    yield Marks.at("no_row_to_correct", np.searchsorted(subject.dates, days), days.astype(np.int64))


def _unfinished(subject: Subject) -> Iterator[Marks]:
    last = subject.market.last_finished
    if last is not None:
        yield Marks.at("unfinished_bar", np.flatnonzero(subject.dates > np.datetime64(last, "D")))


def _bad_prices(subject: Subject) -> Iterator[Marks]:
    good = np.abs(subject.price) <= MAX_PRICE if subject.market.signed else is_price(subject.price)
    bad = np.flatnonzero(subject.alive & ~good)
    yield Marks.at("bad_price", bad, subject.price[bad])
    adjusted = subject.rows.columns.get("adj_close")
    if adjusted is not None:
        wrong = subject.alive & good & ~is_price(adjusted)
        yield Marks.at(
            "bad_adjusted_price", np.union1d(np.flatnonzero(wrong), _adjustment_jumps(subject, ~wrong & good))
        )


def _adjustment_jumps(subject: Subject, usable: BoolArray) -> Int64Array:
    """Rows at which the adjusted price moves far and the price does not.

    A dividend or a split moves the price, and the adjustment takes that move back.
    """
    rows = np.flatnonzero(subject.alive)
    prices = [np.where(usable, subject.column(name), np.nan)[rows] for name in ("close", "adj_close")]
    moves, adjusted_moves = (np.abs(np.diff(np.log(values))) for values in prices)
    return np.asarray(rows[1:][(adjusted_moves > _ADJUSTED_MOVE) & (moves < adjusted_moves / 2)])


def _impossible_ranges(subject: Subject) -> Iterator[Marks]:
    """High below, or low above, one of the other prices of the day; or a range far beyond those before it."""
    prices = [subject.column(name) for name in ("open", "high", "low", "close")]
    high, low = prices[1], prices[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        outside = np.zeros(len(subject.dates), dtype=bool)
        for price in prices:
            outside |= (high < price * (1 - _RANGE_TOLERANCE)) | (low > price * (1 + _RANGE_TOLERANCE))
        outside |= low <= 0  # then a high of zero is below the price
        ranges = np.log(high / low)
    outside |= _too_wide(np.where(subject.alive & ~outside, ranges, np.nan))
    yield Marks.at("impossible_range", np.flatnonzero(subject.alive & outside))


def _too_wide(ranges: FloatArray) -> BoolArray:
    """(T,) True for `ranges` (T,) of days that are many times as wide as the 250 before them, as one wrong digit is."""
    wide = np.zeros(len(ranges), dtype=bool)
    for row in np.flatnonzero(ranges > _MIN_WIDE_RANGE).tolist():
        before = ranges[max(0, row - _RANGES_BEFORE) : row]
        before = before[(before > 0) & ~wide[max(0, row - _RANGES_BEFORE) : row]]
        usual = float(np.median(before)) if len(before) >= _FEWEST_RANGES else np.inf
        wide[row] = ranges[row] > min(_WIDE_SPREADS * usual, _MAX_RANGE)
    return wide


def _beside_reference(subject: Subject) -> Iterator[Marks]:
    """Rows that an independent price of the same day contradicts.

    A price is held against the reference of its day and of the day before, because the two may be taken
    half a day apart: on the morning of 2015-01-15 a euro still cost 1.20 francs, at the fixing 1.03.
    """
    reference = subject.reference
    if reference is None or not len(reference):
        return
    place = np.searchsorted(reference.dates, subject.dates)
    has_fixing = (place < len(reference)) & (reference.dates[np.minimum(place, len(reference) - 1)] == subject.dates)
    rows = np.flatnonzero(has_fixing & subject.alive)
    fixing = reference.close[place[rows]]
    before = reference.close[np.maximum(place[rows] - 1, 0)]
    price, high, low = (values[rows] for values in (subject.price, subject.column("high"), subject.column("low")))
    distance = np.minimum(np.abs(np.log(price / fixing)), np.abs(np.log(price / before)))
    ranged = (low > 0) & (high >= low)
    with np.errstate(invalid="ignore"):
        outside = ranged & ((fixing < low * _REFERENCE_BELOW_LOW) | (fixing > high * _REFERENCE_ABOVE_HIGH))
    yield Marks.at("compared", rows)
    yield Marks.at("reference_mismatch", rows[(distance > _REFERENCE_DISTANCE) | outside])


def _equal_close_and_open(subject: Subject) -> Iterator[Marks]:
    if subject.market.is_pair:
        yield Marks.at(
            "close_equals_open", np.flatnonzero(subject.alive & (subject.column("close") == subject.column("open")))
        )


def _stale_runs(subject: Subject) -> Iterator[Marks]:
    """The first row of every run of five or more equal prices, known from the fifth."""
    places = np.flatnonzero(subject.alive)
    same = np.concatenate([[False], np.diff(subject.price[places]) == 0])
    length = np.zeros(len(places), dtype=np.int64)  # rows since the price last changed
    changes = np.flatnonzero(~same)
    length = np.arange(len(places)) - changes[np.cumsum(~same) - 1] if len(places) else length
    fifth = np.flatnonzero(length == _STALE_ROWS - 1)
    first = places[fifth - (_STALE_ROWS - 1)]
    yield Marks("stale_run", first, places[fifth], np.full(len(first), FOREVER), np.zeros(len(first)))


def _ties(subject: Subject) -> Iterator[Marks]:
    """Rows whose price is that of the row before."""
    places = np.flatnonzero(subject.alive)
    yield Marks.at("tie", places[1:][np.diff(subject.price[places]) == 0])


def _revisions(subject: Subject) -> Iterator[Marks]:
    """Rows that differ from the version before, with their ratio; and rows that are gone."""
    previous = subject.previous
    if previous is None or not len(subject.dates):
        return
    common, here, there = np.intersect1d(subject.dates, previous.dates, assume_unique=True, return_indices=True)
    for code, column, old in (
        ("price_changed", subject.price, previous.close),
        ("adjustment_changed", subject.column("adj_close"), previous.columns.get("adj_close")),
    ):
        if old is not None and len(common):
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = column[here] / old[there]
            changed = subject.alive[here] & (np.abs(ratio - 1) > _REVISION_TOLERANCE)
            yield Marks.at(code, here[changed], ratio[changed])
    gone = np.setdiff1d(previous.dates, subject.dates, assume_unique=True)
    gone = gone[(gone > subject.dates[0]) & (gone < subject.dates[-1])]
    # Known, and noted, at the row that comes after the one that is gone.
    yield Marks.at("rows_gone", np.searchsorted(subject.dates, gone), gone.astype(np.int64))


_LATER_CHECKS = (
    _impossible_ranges,
    jump_marks,
    missing_day_marks,
    _equal_close_and_open,
    _stale_runs,
    _ties,
    _revisions,
)
"""Checks that drop no row, in the order of their marks."""
