"""What every source of prices is: a name and one function."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries

__all__ = ["LoadRequest", "Source"]


@dataclasses.dataclass(frozen=True)
class LoadRequest:
    """What a source is asked for.

    Args:
        instrument: In canonical orientation.
        home: The project's folder, for sources that keep files of their own.
        today: The current date, so that no source looks at a clock.
        options: The source's own options, as written in a config or on the command line.
    """

    instrument: Instrument
    home: Path
    today: datetime.date
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)


class Source(Protocol):
    """A place where prices come from. One object may be asked many times and may cache between requests."""

    @property
    def name(self) -> str:
        """Registry key, which every series from here carries as `PriceSeries.source`."""

    def load(self, request: LoadRequest) -> PriceSeries:
        """The whole history that the source has.

        Raises:
            SourceError: The source is unavailable or does not know the symbol.
            UsageError: The source has no such kind of instrument, or an option or a file is wrong.
        """
