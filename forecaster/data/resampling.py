"""Weekly and monthly rows from daily rows; only completed periods have a row."""

import dataclasses
from collections.abc import Callable

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.calendars import future_dates, periods
from forecaster.data.series import PriceSeries
from forecaster.errors import NotEnoughDataError

__all__ = ["resampled"]


def _first(values: FloatArray, starts: IntArray, ends: IntArray) -> FloatArray:
    return values[starts]


def _last(values: FloatArray, starts: IntArray, ends: IntArray) -> FloatArray:
    return values[ends]


def _over(reduce: np.ufunc) -> Callable[[FloatArray, IntArray, IntArray], FloatArray]:
    # A day without a value leaves its period without one: the range of the other days would be too narrow.
    return lambda values, starts, ends: np.asarray(reduce.reduceat(values[: ends[-1] + 1], starts))


_HOW = {
    "open": _first,
    "high": _over(np.maximum),
    "low": _over(np.minimum),
    "close": _last,
    "adj_close": _last,
    "volume": _over(np.add),
}


def resampled(series: PriceSeries, frequency: str) -> PriceSeries:
    """A daily series with one row a week or month, dated by the last day of the period that has a price.

    The period of the last row is over, and has a row, when the next day of the market's calendar lies in another
    one. So later days never change a row.

    Args:
        series: Daily.
        frequency: ``1d`` gives the series itself; ``1wk`` and ``1mo`` open with the first open of the period, close
            with its last close, and add up its volume.

    Raises:
        NotEnoughDataError: Less than two periods are over.
    """
    if frequency == series.frequency:
        return series
    number = periods(series.dates, frequency)
    after = periods(future_dates(series, 1), frequency)
    ends = np.flatnonzero(np.diff(number, append=after) != 0)
    if len(ends) < 2:
        raise NotEnoughDataError(
            f"{series.symbol} has {len(ends)} whole periods of {frequency} from {series.dates[0]} to "
            f"{series.dates[-1]}; expected at least 2; choose --frequency 1d or give a longer history"
        )
    starts = np.concatenate([[0], ends[:-1] + 1])
    return dataclasses.replace(
        series,
        dates=series.dates[ends],
        columns={name: _HOW[name](values, starts, ends) for name, values in series.columns.items()},
        rounding=None if series.rounding is None else series.rounding[ends],
        frequency=frequency,
    )
