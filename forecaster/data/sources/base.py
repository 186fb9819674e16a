"""What every source of prices is: a name and one function."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries

__all__ = ["LoadRequest", "Network", "OnlineSource", "Source"]

Network = Literal["auto", "refresh", "never"]
"""``auto``: asked where newer prices may be there; ``refresh``: asked always; ``never``: not asked."""


@dataclasses.dataclass(frozen=True)
class LoadRequest:
    """What a source is asked for.

    Args:
        instrument: In canonical orientation.
        home: The project's folder, for sources that keep files of their own.
        today: The current date, so that no source looks at a clock.
        options: The source's own options, as written in a config or on the command line.
        network: Whether a source that also works without one may use the network.
        until: Last date that will be looked at, where rows after it must not decide what comes before; None for all.
    """

    instrument: Instrument
    home: Path
    today: datetime.date
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    network: Network = "never"
    until: datetime.date | None = None


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


@runtime_checkable
class OnlineSource(Source, Protocol):
    """A source that needs the network for every history, so that histories are kept in the store and used again."""

    @property
    def endpoint(self) -> str | None:
        """Server that is asked in place of the source's own; None for that."""

    def symbol(self, instrument: Instrument) -> str:
        """How the source spells `instrument`, and so the store.

        Raises:
            UsageError: The source has no such kind of instrument.
        """
