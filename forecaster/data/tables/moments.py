"""Moments: the dates of a column, with the time of the day where it is written, and mistakes in them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import BoolArray, DateArray, Int64Array

__all__ = ["DAY_SECONDS", "EXCEL_DAYS", "EXPECTED", "ORDER_OPTION", "DateError", "Moments", "unlike"]

DAY_SECONDS = 86_400

EXPECTED = "expected a date such as 2024-07-31, written alike in every row"
"""End of messages about cells that are no dates."""

ORDER_OPTION = "--date-order dmy, mdy or ymd"
"""Option that decides between the readings of a date."""

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

    @property
    def stamps(self) -> Int64Array:
        """(T,) seconds since 1970 of the clock of the file."""
        return np.asarray(self.days.astype(np.int64) * DAY_SECONDS + (0 if self.seconds is None else self.seconds))

    def select(self, which: BoolArray | Int64Array) -> "Moments":
        """Some of the rows."""
        seconds, offsets = (None if values is None else values[which] for values in (self.seconds, self.offsets))
        return dataclasses.replace(self, days=self.days[which], seconds=seconds, offsets=offsets)


class DateError(ValueError):
    """A text is no date, or can be read in two ways.

    Args:
        row: Index of the row, from 0.
        what: The mistake, and the expected form.
    """

    def __init__(self, row: int, what: str) -> None:
        super().__init__(what)
        self.row = row


def unlike(texts: Sequence[str], row: int) -> DateError:
    """An error about a row that is written in another way than the first."""
    advice = "" if any(map(str.isdigit, texts[row])) else "; remove the line if it is a note"
    return DateError(row, f"{texts[row]!r:.60} is no date like {texts[0]!r:.60} in the first row; {EXPECTED}{advice}")
