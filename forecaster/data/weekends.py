"""Rows of weekends that are no days of trading: prices that were filled in, and short sessions of brokers."""

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array

__all__ = ["RECENT_DAYS", "idle_weekend_rows", "trading_days_so_far", "usual_weekdays", "weekdays_of"]

_MAX_MOVING_SHARE = 0.05
_MIN_WEEKDAY_SHARE = 0.5  # of weekdays with a new price: where prices stand still anyway, weekends show nothing
_SHORT_SHARE = 0.25
_SHORT_SHARE_OF_SUNDAYS = 1 / 3  # where no Saturday has a row
_MIN_SESSIONS = 12
_MIN_WEEKDAY_MOVES = 4
RECENT_DAYS = 730
"""Days before a row whose rows show the weekdays of trading."""

_MIN_RECENT_ROWS = 15
_MAX_MOVE = 0.2  # a larger one, such as that of a split, would decide the mean alone


def weekdays_of(dates: DateArray) -> Int64Array:
    """(T,) 0 for Monday ... 6 for Sunday."""
    days = dates.astype("datetime64[D]").astype(np.int64)
    return np.asarray((days + 3) % 7)  # day 0, 1970-01-01, was a Thursday


def usual_weekdays(rows: Int64Array) -> BoolArray:
    """(..., 7) True for weekdays of trading, given the number of `rows` (..., 7) on each of Monday ... Sunday.

    A weekday counts if it has at least a fifth of the rows of the most frequent one, so that a stray Sunday row does
    not make Sundays days of trading. Fewer than 15 rows are taken to be from a Monday to Friday market.
    """
    few = rows.sum(axis=-1, keepdims=True) < _MIN_RECENT_ROWS
    return np.asarray(np.where(few, (rows > 0) | (np.arange(7) < 5), rows * 5 >= rows.max(axis=-1, keepdims=True)))


def trading_days_so_far(dates: DateArray, counted: BoolArray) -> BoolArray:
    """(T,) True where a row falls on a weekday of trading, as the rows of the two years up to it show.

    Later rows are not used: a market that traded on Saturdays until a year ago did trade on the earlier ones.

    Args:
        dates: (T,) increasing.
        counted: (T,) rows that count; those of idle weekends do not.
    """
    weekday = weekdays_of(dates)
    on_weekday = (weekday[:, None] == np.arange(7)) & counted[:, None]
    total = np.concatenate([np.zeros((1, 7), dtype=np.int64), np.cumsum(on_weekday, axis=0)])
    first = np.searchsorted(dates, dates - np.timedelta64(RECENT_DAYS, "D"), side="right")
    return np.asarray(usual_weekdays(total[1:] - total[first])[np.arange(len(dates)), weekday])


def idle_weekend_rows(dates: DateArray, price: FloatArray, *, signed: bool = False) -> tuple[BoolArray, BoolArray]:
    """Saturdays and Sundays without a session of their own; a row is judged by rows up to it.

    Flat: the price is that of the row before, as on nearly all weekend rows so far, but not on most weekdays.

    Short: the mean absolute return of the weekend rows so far is below a quarter of that of the other rows, as in the
    bars of the two hours before Monday that brokers of currencies date by Sunday. Coins move at weekends two thirds as
    far as on weekdays. Twelve weekend rows are needed to tell the two apart, unless no Saturday has a row.

    Args:
        dates: (T,) increasing.
        price: (T,) positive.
        signed: Prices may be zero or negative: sessions are not judged by returns, so no row is short.

    Returns:
        (T,) flat and (T,) short; no row is both.
    """
    weekend = weekdays_of(dates) >= 5
    level = price if signed else np.log(price)
    moves = np.minimum(np.abs(np.diff(level, prepend=level[:1])), _MAX_MOVE)
    flat = weekend & (moves == 0)
    flat[:1] = False
    moving = np.cumsum(weekend & ~flat)
    count = np.cumsum(weekend)
    weekdays = ~weekend
    weekdays[:1] = False  # the first row has no return
    moving_weekdays = np.cumsum(weekdays & (moves > 0))
    flat &= (moving <= _MAX_MOVING_SHARE * count) & (moving_weekdays >= _MIN_WEEKDAY_SHARE * np.cumsum(weekdays))
    if signed:
        return flat, np.zeros(len(dates), dtype=bool)
    session = weekend & ~flat
    session[:1] = False
    weekend_mean = np.cumsum(moves * session) / np.maximum(np.cumsum(session), 1)
    weekday_count = np.cumsum(weekdays)
    weekday_mean = np.cumsum(moves * weekdays) / np.maximum(weekday_count, 1)
    only_sundays = np.cumsum(weekdays_of(dates) == 5) == 0
    share = np.where(only_sundays, _SHORT_SHARE_OF_SUNDAYS, _SHORT_SHARE)
    enough = only_sundays | (np.cumsum(session) >= _MIN_SESSIONS)
    short = session & enough & (weekday_count >= _MIN_WEEKDAY_MOVES) & (weekend_mean < share * weekday_mean)
    return flat, short
