"""Request for a figure: a run, its history, and the dates to draw."""

import dataclasses
import datetime

from forecaster.data.series import PriceSeries
from forecaster.experiments.run_selection import SelectedRun

__all__ = ["FigureRequest"]


@dataclasses.dataclass(frozen=True, eq=False)
class FigureRequest:
    """Arguments of every figure of `forecast plot`.

    Args:
        selection: Instrument, run and history up to the cutoff.
        current: The history with later rows, if there are any.
        calibrate: True if past coverage adjusts the widths of the intervals.
        from_date: First date to draw.
        to_date: Last date to draw.
        last: Draw only so many rows up to the cutoff.
    """

    selection: SelectedRun
    current: PriceSeries
    calibrate: bool = True
    from_date: datetime.date | None = None
    to_date: datetime.date | None = None
    last: int | None = None
