"""Checks of days: rows on days without trading, and trading days without a row."""

from collections.abc import Iterator

import numpy as np

from forecaster.arrays import BoolArray
from forecaster.data.validation_marks import Marks, Subject
from forecaster.data.weekends import idle_weekend_rows, trading_days_so_far, weekdays_of

__all__ = ["filled_holiday_marks", "missing_day_marks", "weekend_marks"]

_RECENT_ROWS = 250
_MIN_RECENT_ROWS = 20
_ACTIVE_SHARE = 0.9


def weekend_marks(subject: Subject) -> Iterator[Marks]:
    """Rows on days without trading: flat ones, short sessions before the next day, and others.

    In a file of the user each weekend row is judged by the rows up to it, since the days of trading are not known.
    """
    if subject.market.weekdays is None:
        return
    rows = np.flatnonzero(subject.alive)
    price = subject.price[rows]
    flat = short = np.zeros(len(rows), dtype=bool)
    if subject.market.is_given:
        flat, short = idle_weekend_rows(subject.dates[rows], price, signed=subject.market.signed)
    if subject.market.is_observed:
        closed = ~trading_days_so_far(subject.dates[rows], ~(flat | short))
    else:
        trading = np.array([day == "1" for day in subject.market.weekdays])
        closed = ~trading[weekdays_of(subject.dates[rows])]
    high, low = subject.column("high")[rows], subject.column("low")[rows]
    unmoved = np.concatenate([[False], np.diff(price) == 0]) if len(rows) else np.zeros(0, dtype=bool)
    flat = flat | (closed & ~short & ((high == low) | unmoved))
    confirmed = subject.corrections.confirms(subject.dates[rows])
    yield Marks.at("flat_weekend_row", rows[flat & ~confirmed])
    yield Marks.at("short_weekend_bar", rows[short & ~confirmed])
    yield Marks.at("weekend_row", rows[closed & ~flat & ~short & ~confirmed])


def filled_holiday_marks(subject: Subject) -> Iterator[Marks]:
    """Weekdays whose whole bar is the close before, without volume, where days so far had a range or a volume."""
    if subject.market.weekdays is None or not subject.market.is_given:
        return
    rows = np.flatnonzero(subject.alive)
    price = subject.price[rows]
    volume = subject.column("volume")[rows]
    bar = np.stack([subject.column(name)[rows] for name in ("open", "high", "low")])
    traded = volume > 0
    has_range = bar[1] > bar[2]
    unmoved = np.concatenate([[False], np.diff(price) == 0]) if len(rows) else np.zeros(0, dtype=bool)
    # A column without values decides nothing: the other one must show that days of trading are different.
    flat_bar = (bar == price).all(axis=0) & _usual(has_range)
    no_volume = (volume == 0) & _usual(traded) & ~has_range
    filled = unmoved & ~traded & (flat_bar | no_volume)
    confirmed = subject.corrections.confirms(subject.dates[rows])
    yield Marks.at("filled_holiday", rows[filled & ~confirmed])


def _usual(active: BoolArray) -> BoolArray:
    """(T,) True where at least nine of ten of the up to 250 rows before were `active` (T,)."""
    total = np.concatenate([[0], np.cumsum(active)])
    rows = np.arange(len(active))
    first = np.maximum(rows - _RECENT_ROWS, 0)
    count = rows - first
    return np.asarray((count >= _MIN_RECENT_ROWS) & (total[rows] - total[first] >= _ACTIVE_SHARE * count))


def missing_day_marks(subject: Subject) -> Iterator[Marks]:
    """Rows before which trading days are missing; how many, in `values`: those of whole weeks and months too."""
    days_per_row = subject.market.days_per_row
    rows = np.flatnonzero(subject.alive)
    dates = subject.dates[rows]
    if subject.market.weekdays is not None:
        missing = np.busday_count(dates[:-1] + 1, dates[1:], weekmask=subject.market.weekdays)
    elif days_per_row > 1:
        missing = (np.rint(np.diff(dates).astype(np.int64) / days_per_row) - 1) * (days_per_row * 5 // 7)
    else:
        return
    yield Marks.at("missing_days", rows[1:][missing > 0], missing[missing > 0])
