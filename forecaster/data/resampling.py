"""Weekly and monthly rows from daily rows; only completed periods have a row."""

import dataclasses
import datetime
from collections.abc import Callable

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.data.calendars import future_dates, periods
from forecaster.data.frequency import finished_rows
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

_BAR = ("open", "high", "low")


def resampled(series: PriceSeries, frequency: str, today: datetime.date | None = None) -> PriceSeries:
    """A series with one row a week or month, dated by the last day of the period that has a price.

    The period of the last row is over, and has a row, when the next day of the market's calendar lies in another
    one, or when `today` does. So later days never change a row, and a closed period always has one, even where a
    holiday or a file without its last days ends it.

    Args:
        series: Rows of days, or of a shorter frequency than the wanted one.
        frequency: That of the series gives the series itself, without a last row whose period is not over; longer
            ones open with the first open of the period, close with its last close, and add up its volume.
        today: Day on which the rows are used; None if periods end by the calendar alone.

    Raises:
        NotEnoughDataError: Less than two periods are over.
    """
    if frequency == series.frequency:
        if frequency == "1d" or today is None:
            return series
        return series.between(end=series.dates[max(finished_rows(series.dates, frequency, today) - 1, 0)])
    number = periods(series.dates, frequency)
    after = periods(future_dates(series, 1), frequency)
    if today is not None:
        after = np.maximum(after, periods(np.array([today], dtype="datetime64[D]"), frequency))
    ends = np.flatnonzero(np.diff(number, append=after) != 0)
    if len(ends) < 2:
        raise NotEnoughDataError(
            f"{series.symbol} has {len(ends)} whole periods of {frequency} from {series.dates[0]} to "
            f"{series.dates[-1]}; expected at least 2; choose --frequency 1d or give a longer history"
        )
    starts = np.concatenate([[0], ends[:-1] + 1])
    columns = _in_units_of(series, np.repeat(ends, np.diff(starts, append=ends[-1] + 1)))
    return dataclasses.replace(
        series,
        dates=series.dates[ends],
        columns={name: _HOW[name](values, starts, ends) for name, values in columns.items()},
        rounding=None if series.rounding is None else series.rounding[ends],
        frequency=frequency,
        unit_factors=None if series.unit_factors is None else series.unit_factors[ends],
    )


def _in_units_of(series: PriceSeries, rows: IntArray) -> dict[str, FloatArray]:
    """Columns in which each price has the unit of another row.

    Args:
        series: The series.
        rows: (N,) row whose unit counts, for each of the first N rows.
    """
    columns = {name: values[: len(rows)] for name, values in series.columns.items()}
    factors = series.unit_factors
    if factors is None:
        return columns
    change = factors[: len(rows)] / factors[rows]
    return {name: values * change if name in _BAR else values for name, values in columns.items()}
