"""The checks behind `forecaster.data.validation`: each looks at raw rows and marks those it finds something in.

Every check is causal. What it says about a row depends on that row and those before it, with one exception that
says so: a price that jumps and comes back is known to have been wrong only when it has come back.
"""

import dataclasses
import datetime
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array
from forecaster.data.series import COLUMNS, PriceSeries, is_price

__all__ = ["DROPPED", "FOREVER", "MarketExpectations", "Marks", "RawRows", "Subject", "row_marks", "structure_marks"]

FOREVER = np.iinfo(np.int64).max

_RANGE_TOLERANCE = 1e-6  # relative; prices come through 32-bit floats
_RETURNS_FOR_SPREAD = 250
_RECENT_RETURNS = 20
_MEDIAN_TO_SD = 1.4826
_SPIKE_SPREADS, _SPIKE_FLOOR, _SPIKE_FLOOR_EARLY = 8.0, 0.05, 0.20
_BACK_SPREADS, _BACK_FLOOR, _BACK_SHARE = 5.0, 0.01, 0.25  # two true returns remain, not one
_STALE_ROWS = 5
_REFERENCE_DISTANCE = 0.03
_REFERENCE_BELOW_LOW, _REFERENCE_ABOVE_HIGH = 0.995, 1.005
_REVISION_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class RawRows:
    """Rows as a source gives them, before anything is known about their quality.

    Args:
        dates: (T,) datetime64 of any unit, in the order of the source; may be out of order, twice, or NaT.
        columns: Name of `COLUMNS` -> (T,) float64; may be NaN, zero, negative or infinite.
    """

    dates: DateArray
    columns: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        columns = {name: np.asarray(self.columns[name], dtype=np.float64) for name in COLUMNS if name in self.columns}
        if any(values.shape != self.dates.shape for values in columns.values()):
            raise ValueError(f"columns have {[values.shape for values in columns.values()]}, dates {self.dates.shape}")
        object.__setattr__(self, "columns", columns)

    @classmethod
    def of(cls, series: PriceSeries) -> "RawRows":
        """The rows of a series, to be looked at again: at another cutoff, or beside another version."""
        return cls(series.dates, series.columns)

    def __len__(self) -> int:
        return len(self.dates)

    def until(self, cutoff: np.datetime64) -> "RawRows":
        """The rows dated up to and including `cutoff`."""
        return self.select(self.dates <= cutoff)

    def select(self, rows: BoolArray) -> "RawRows":
        """The rows where `rows` (T,) is true."""
        return RawRows(self.dates[rows], {name: values[rows] for name, values in self.columns.items()})


@dataclasses.dataclass(frozen=True)
class MarketExpectations:
    """Expectations of the rows of one market.

    Args:
        price: Column that is modelled.
        weekdays: Days on which it trades, seven digits from Monday as in ``numpy.busday_count``; None if that is
            unknown: then weekends and missing days are not checked.
        is_pair: Two currencies: few holidays, and a close that is also the next open.
        last_finished: Rows after this date are still changing and are dropped; None when all are final.
    """

    price: str = "close"
    weekdays: str | None = "1111100"
    is_pair: bool = False
    last_finished: datetime.date | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """Rows in which one check found something, by index into the raw rows.

    Args:
        code: Code of the finding.
        rows: (N,) the rows it is about.
        known_from: (N,) the first row at which it is known.
        known_until: (N,) the first row at which it is no longer believed.
        values: (N,) a number that belongs to each: days of a gap, ratio of a revision.
    """

    code: str
    rows: Int64Array
    known_from: Int64Array
    known_until: Int64Array
    values: FloatArray

    @classmethod
    def at(cls, code: str, rows: npt.ArrayLike, values: npt.ArrayLike | None = None) -> "Marks":
        """Marks that are known on their own row, and stay."""
        places = np.asarray(rows, dtype=np.int64)
        numbers = np.zeros(len(places)) if values is None else np.asarray(values, dtype=np.float64)
        return cls(code, places, places, np.full(len(places), FOREVER), numbers)

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, which: BoolArray) -> "Marks":
        """The marks where `which` (N,) is true."""
        return Marks(self.code, self.rows[which], self.known_from[which], self.known_until[which], self.values[which])


@dataclasses.dataclass(eq=False)
class Subject:
    """Input of the checks.

    Args:
        rows: Dates in order, each once.
        market: Expectations of the rows.
        reference: An independent price of the same thing, such as the ECB's fixing.
        previous: The version of this history that was loaded before.
    """

    rows: RawRows
    market: MarketExpectations
    reference: PriceSeries | None
    previous: PriceSeries | None

    def __post_init__(self) -> None:
        self.dates: DateArray = self.rows.dates.astype("datetime64[D]")
        self.price: FloatArray = self.rows.columns[self.market.price]
        self.alive: BoolArray = np.ones(len(self.rows), dtype=bool)
        """(T,) rows that no check has dropped so far for what was known on their own day."""

    def column(self, name: str) -> FloatArray:
        """(T,) a column, NaN where the source has none."""
        return self.rows.columns.get(name, np.full(len(self.rows), np.nan))


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
    for check in (_unfinished, _bad_prices, _weekends, _beside_reference):
        for marks in check(subject):
            if marks.code in DROPPED:
                subject.alive[marks.rows] = False
            yield marks
    for check in (_impossible_ranges, _jumps, _missing_days, _equal_close_and_open, _stale_runs, _revisions):
        yield from check(subject)


DROPPED = frozenset({"unfinished_bar", "bad_price", "flat_weekend_row", "reference_mismatch"})
"""Codes whose rows are dropped on their own day."""


def _unfinished(subject: Subject) -> Iterator[Marks]:
    last = subject.market.last_finished
    if last is not None:
        yield Marks.at("unfinished_bar", np.flatnonzero(subject.dates > np.datetime64(last, "D")))


def _bad_prices(subject: Subject) -> Iterator[Marks]:
    good = is_price(subject.price)
    yield Marks.at("bad_price", np.flatnonzero(subject.alive & ~good))
    adjusted = subject.rows.columns.get("adj_close")
    if adjusted is not None:
        wrong = subject.alive & good & ~is_price(adjusted)
        yield Marks.at("bad_adjusted_price", np.flatnonzero(wrong))


def _impossible_ranges(subject: Subject) -> Iterator[Marks]:
    """High below, or low above, one of the other prices of the day."""
    prices = [subject.column(name) for name in ("open", "high", "low", "close")]
    high, low = prices[1], prices[2]
    with np.errstate(invalid="ignore"):
        outside = np.zeros(len(subject.dates), dtype=bool)
        for price in prices:
            outside |= (high < price * (1 - _RANGE_TOLERANCE)) | (low > price * (1 + _RANGE_TOLERANCE))
        outside |= low <= 0  # then a high of zero is below the price
    yield Marks.at("impossible_range", np.flatnonzero(subject.alive & outside))


def _weekends(subject: Subject) -> Iterator[Marks]:
    if subject.market.weekdays is None:
        return
    trading = np.array([day == "1" for day in subject.market.weekdays])
    rows = np.flatnonzero(subject.alive)
    rows = rows[~trading[(subject.dates[rows].astype(np.int64) + 3) % 7]]  # 1970-01-01 was a Thursday
    high, low = subject.column("high")[rows], subject.column("low")[rows]
    before = np.searchsorted(np.flatnonzero(subject.alive), rows) - 1
    last_price = subject.price[np.flatnonzero(subject.alive)[before]] if len(rows) else subject.price[rows]
    flat = (high == low) | ((before >= 0) & (subject.price[rows] == last_price))
    yield Marks.at("flat_weekend_row", rows[flat])
    yield Marks.at("weekend_row", rows[~flat])


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


def _jumps(subject: Subject) -> Iterator[Marks]:
    """Large moves, and among them those that are undone on the next row: a wrong price in between.

    A move is large beyond 8 robust standard deviations of the 250 returns before it, and beyond 5 %. It is a wrong
    price when it is also beyond 8 root mean squares of the 20 returns before it, and when no more than an ordinary
    return remains of it after the next row. Days of crisis come in weeks of crisis and pass the second test: up to
    2020 no fixing of the ECB fails it, in any of 435 pairs. The next row makes the difference known: until then the
    move may be real, as that of the franc on 2015-01-15 was.
    """
    places = np.flatnonzero(subject.alive)
    moves = np.diff(np.log(subject.price[places]))
    history = moves.copy()  # without the jumps found so far
    large: list[int] = []
    spikes: list[int] = []
    for move in np.flatnonzero(np.abs(moves) > _SPIKE_FLOOR).tolist():
        if spikes and spikes[-1] == move - 1:
            continue  # the way back from a wrong price
        limit, spike_limit, ordinary = _limits(history[max(0, move - _RETURNS_FOR_SPREAD) : move])
        size = abs(moves[move])
        if size <= limit:
            continue
        large.append(move)
        rest = abs(moves[move] + moves[move + 1]) if move + 1 < len(moves) else np.inf
        if size > spike_limit and rest <= min(ordinary, _BACK_SHARE * size):
            spikes.append(move)
            history[move] = 0.0
            history[move + 1] = moves[move] + moves[move + 1]
    yield from _jump_marks(places, moves, large, spikes)


def _limits(returns: FloatArray) -> tuple[float, float, float]:
    """Three limits: of an ordinary move, of a possibly wrong price, and of what remains after a wrong price."""
    if len(returns) < _RECENT_RETURNS:
        return _SPIKE_FLOOR_EARLY, _SPIKE_FLOOR_EARLY, _BACK_FLOOR
    middle = len(returns) // 2  # np.median takes five times as long, for half the distance to the next value
    spread = _MEDIAN_TO_SD * float(np.partition(np.abs(returns), middle)[middle])
    recent = float(np.sqrt(np.mean(returns[-_RECENT_RETURNS:] ** 2)))
    return max(_SPIKE_SPREADS * spread, _SPIKE_FLOOR), _SPIKE_SPREADS * recent, max(_BACK_SPREADS * spread, _BACK_FLOOR)


def _jump_marks(places: Int64Array, moves: FloatArray, large: list[int], spikes: list[int]) -> Iterator[Marks]:
    moved = places[np.array(large, dtype=np.int64) + 1]
    wrong, noticed = (places[np.array(spikes, dtype=np.int64) + after] for after in (1, 2))
    until = np.full(len(moved), FOREVER)
    until[np.isin(moved, wrong)] = noticed
    yield Marks("large_move", moved, moved, until, moves[large])
    yield Marks("reverting_spike", wrong, noticed, np.full(len(wrong), FOREVER), moves[spikes])


def _missing_days(subject: Subject) -> Iterator[Marks]:
    """Rows before which trading days are missing; how many, in `values`."""
    if subject.market.weekdays is None:
        return
    rows = np.flatnonzero(subject.alive)
    dates = subject.dates[rows]
    missing = np.busday_count(dates[:-1] + 1, dates[1:], weekmask=subject.market.weekdays)
    yield Marks.at("missing_days", rows[1:][missing > 0], missing[missing > 0])


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
