"""Moments: the dates of a column, with the time of the day where it is written."""

import dataclasses

from forecaster.arrays import DateArray, Int64Array

__all__ = ["EXCEL_DAYS", "Moments"]

EXCEL_DAYS = "days of Excel"
"""Format of dates that are numbers of days since 1900."""


@dataclasses.dataclass(frozen=True, eq=False)
class Moments:
    """Dates of a column, with the time of the day where it is written.

    Args:
        days: (T,) datetime64[D]: the day of the clock on which the text was written; the last day of a month, quarter
            or year that stands without a day.
        seconds: (T,) seconds since midnight of that clock; None where no row has a time.
        offsets: (T,) seconds by which that clock is ahead of UTC; None where no zone is written.
        format: Format in words, such as ``year-month-day``.
        span: ``day``, ``month``, ``quarter`` or ``year``: the period that one text means.
    """

    days: DateArray
    seconds: Int64Array | None = None
    offsets: Int64Array | None = None
    format: str = "year-month-day"
    span: str = "day"
