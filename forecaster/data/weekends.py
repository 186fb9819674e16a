"""Rows of weekends that are no days of trading: prices that were filled in, and short sessions of brokers."""

import numpy as np

from forecaster.arrays import BoolArray, DateArray, FloatArray, Int64Array

__all__ = ["RECENT_DAYS", "idle_weekend_rows", "trading_days_so_far", "usual_weekdays", "weekdays_of"]

_MAX_MOVING_SHARE = 0.05
_MIN_WEEKDAY_SHARE = 0.5  # of weekdays with a new price: where prices stand still anyway, weekends show nothing
_SHORT_SHARE = 0.25
_RARE = 5  # a weekday with less than a fifth of the rows of another
_MIN_FILLED_WEEKENDS, _FILLED_SHARE = 4, 0.95
_LINE_TOLERANCE, _ROUNDING = 0.02, 1e-5  # of a move, and of the price
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

    Flat: the price is that of the row before, as on nearly all weekend rows so far, but not on most weekdays; or the
    weekends so far were filled from the Monday after them, with its price or on a straight line to it.

    Short: Sundays have rows, and Fridays, but not Saturdays: brokers of currencies date the hours before Monday by
    Sunday. Or the mean absolute return of the weekend rows so far, twelve at least, is below a quarter of that of the
    other rows; coins move at weekends two thirds as far as on weekdays.

    Args:
        dates: (T,) increasing.
        price: (T,) positive.
        signed: Prices may be zero or negative: sessions are not judged by returns, so no row is short.

    Returns:
        (T,) flat and (T,) short; no row is both.
    """
    weekday = weekdays_of(dates)
    weekend = weekday >= 5
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
    flat |= weekend & _filled_from_later(weekday, price)
    if signed:
        return flat, np.zeros(len(dates), dtype=bool)
    session = weekend & ~flat
    session[:1] = False
    weekend_mean = np.cumsum(moves * session) / np.maximum(np.cumsum(session), 1)
    weekday_count = np.cumsum(weekdays)
    weekday_mean = np.cumsum(moves * weekdays) / np.maximum(weekday_count, 1)
    monday, friday, saturday, sunday = (np.cumsum(weekday == day) for day in (0, 4, 5, 6))
    evening = (weekday == 6) & (saturday * _RARE < sunday) & (friday * 2 >= monday) & (sunday * _RARE >= monday)
    quiet = (np.cumsum(session) >= _MIN_SESSIONS) & (weekend_mean < _SHORT_SHARE * weekday_mean)
    return flat, session & (weekday_count >= _MIN_WEEKDAY_MOVES) & (evening | quiet)


def _filled_from_later(weekday: Int64Array, price: FloatArray) -> BoolArray:
    """(T,) True where nearly all weekends before had the price of their Monday, or lay on a straight line to it."""
    monday = np.zeros(len(price), dtype=bool)
    filled = monday.copy()
    if len(price) > 3:
        friday, saturday, sunday, last = (price[start : len(price) - 3 + start] for start in range(4))
        move = last - friday
        rounding = np.maximum(_LINE_TOLERANCE * np.abs(move), _ROUNDING * np.abs(last))
        line = (np.abs(saturday - friday - move / 3) <= rounding) & (np.abs(last - sunday - move / 3) <= rounding)
        monday[3:] = (weekday[3:] == 0) & (weekday[2:-1] == 6) & (weekday[1:-2] == 5) & (move != 0)
        filled[3:] = monday[3:] & (line | ((saturday == last) & (sunday == last)))
    count = np.cumsum(filled)
    return np.asarray((count >= _MIN_FILLED_WEEKENDS) & (count >= _FILLED_SHARE * np.cumsum(monday)))
