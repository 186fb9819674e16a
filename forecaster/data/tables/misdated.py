"""Rows with a wrong date, told by the rows around them."""

import numpy as np

from forecaster.arrays import DateArray, Int64Array
from forecaster.data.tables.table import Table

__all__ = ["refuse_misdated"]

_MIN_ROWS = 20
_MIN_ORDERED_SHARE = 0.9
_FAR, _NEAR = 366, 31  # days


def refuse_misdated(table: Table, dates: DateArray, records: Int64Array) -> None:
    """Refuse rows that are out of order by a slip: a wrong year, or days and months that were exchanged.

    Args:
        table: The table.
        dates: (T,) in the order of the file.
        records: (T,) index of the record of each row.

    Raises:
        InputFileError: A row lies more than a year from both of its neighbours in a file in order, or all rows would
            be in order if day and month changed places wherever both are at most 12.
    """
    if len(dates) < _MIN_ROWS:
        return
    other = _exchanged(dates)
    if _share_in_order(other) == 1 > _share_in_order(dates):
        row = int(np.flatnonzero(other != dates)[0])
        table.refuse(
            int(records[row]),
            f"date {dates[row]} is out of order, and {other[row]} would not be: days and months have changed places "
            "wherever both are at most 12, as spreadsheets do; expected dates in one order; export the file again",
        )
    steps = np.abs(np.diff(dates).astype(np.int64))
    around = np.abs((dates[2:] - dates[:-2]).astype(np.int64))
    alone = np.flatnonzero((steps[1:] > _FAR) & (steps[:-1] > _FAR) & (around <= _NEAR)) + 1
    if len(alone) and _share_in_order(dates) >= _MIN_ORDERED_SHARE:
        row = int(alone[0])
        table.refuse(
            int(records[row]),
            f"date {dates[row]} stands between {dates[row - 1]} and {dates[row + 1]}; expected dates in order; "
            "correct the row",
        )


def _exchanged(dates: DateArray) -> DateArray:
    """(T,) dates with day and month exchanged where both are at most 12."""
    years = dates.astype("datetime64[Y]")
    months = (dates.astype("datetime64[M]") - years.astype("datetime64[M]")).astype(np.int64) + 1
    days = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    exchanged = (years.astype("datetime64[M]") + days - 1).astype("datetime64[D]") + (months - 1)
    return np.asarray(np.where(days <= 12, exchanged, dates))


def _share_in_order(dates: DateArray) -> float:
    steps = np.diff(dates).astype(np.int64)
    return float(max((steps > 0).mean(), (steps < 0).mean()))
