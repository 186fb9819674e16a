"""Requests for a figure: a run and its history, or a history alone, and the dates to draw."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any, Self

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.datasets.selection import Selection, named_instruments
from forecaster.environment import Environment
from forecaster.experiments.forecasting import ForecastRequest
from forecaster.experiments.run_selection import SelectedRun

__all__ = ["FigureRequest", "HistoryFigureRequest"]


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


@dataclasses.dataclass(frozen=True, eq=False)
class HistoryFigureRequest:
    """Arguments of every figure that needs no run.

    Args:
        instrument: The instrument.
        choice: The same with its source.
        environment: Home folder, clock and messages.
        frequency: Length of a row; days when None.
        from_date: First date to draw.
        to_date: Last date to use.
        title: Title; None for that of the figure.
    """

    instrument: Instrument
    choice: Selection
    environment: Environment
    frequency: str | None = None
    from_date: datetime.date | None = None
    to_date: datetime.date | None = None
    title: str | None = None

    @classmethod
    def of_each(cls, choice: Selection, environment: Environment, **fields: Any) -> list[Self]:
        """A request for each instrument of a selection; `fields` are the others."""
        instruments = named_instruments(choice.applied())
        return [cls(instrument, choice.alone(instrument), environment, **fields) for instrument in instruments]

    @property
    def name(self) -> str:
        """Name of the instrument, for that of the file."""
        return self.instrument.name
