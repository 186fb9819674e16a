"""Request for a figure of a run: the run, its history, and the dates to draw."""

import dataclasses
import datetime
from collections.abc import Sequence

from forecaster.data.series import PriceSeries
from forecaster.experiments.forecasting import ForecastRequest
from forecaster.experiments.run_selection import SelectedRun

__all__ = ["FigureRequest"]


@dataclasses.dataclass(frozen=True, eq=False)
class FigureRequest:
    """Arguments of every figure of `forecast plot`.

    Args:
        selection: Instrument, run and history up to the cutoff.
        current: The history with later rows, if there are any.
        forecast: The coming days.
        calibrate: True if past coverage adjusts the widths of the intervals.
        from_date: First date to draw.
        to_date: Last date to draw.
        last: Draw only so many rows up to the cutoff.
        title: Title; None for that of the figure.
        above: Prices of interest.
        level: Central intervals; those of the figure when empty.
    """

    selection: SelectedRun
    current: PriceSeries
    forecast: ForecastRequest
    calibrate: bool = True
    from_date: datetime.date | None = None
    to_date: datetime.date | None = None
    last: int | None = None
    title: str | None = None
    above: Sequence[float] = ()
    level: Sequence[float] = ()

    @property
    def name(self) -> str:
        """Name of the instrument, for that of the file."""
        return self.selection.instrument.name
