"""The interface of every source of prices: its traits and one function."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Protocol, runtime_checkable

from forecaster.data.findings import Finding, Note
from forecaster.data.instruments import Instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.options import SourceOptions
from forecaster.data.store_versions import Version

__all__ = ["LoadRequest", "Loaded", "Network", "OnlineSource", "Source", "SourceTraits"]

Network = Literal["auto", "refresh", "never"]
"""``auto``: ask where newer prices may exist; ``refresh``: always ask; ``never``: do not ask."""


@dataclasses.dataclass(frozen=True)
class SourceTraits:
    """Properties of a source that the rest of the program acts on, so that nothing compares its name.

    Args:
        description: Origin of the prices, for pictures; None for the source's name.
        grows: Newer rows come over a network: ``data refresh`` asks for them.
        is_given: The user gives each history, as a file or in memory, and may change its rows; a fault in the rows is
            a fault of the input.
        in_memory: A Python program gives the history, so that no command line can name it.
        redistributable: The terms of the source allow to pass its rows on; rows that the user gives are the user's.
        is_synthetic: Prices are simulated: their age means nothing.
        one_fixing: All instruments are priced at one time of day, so that prices of one date may explain each other.
        depends_on_cutoff: Rows before a cutoff depend on which later rows exist: load again for each cutoff.
        calendar: Trading calendar of all instruments, a key of `forecaster.data.calendars`; None where it differs.
        symbols_name_exchanges: The symbol of a stock contains its exchange, as Yahoo's ``7203.T`` does.
        default_ticker: Instrument to use where the user names the source alone.
        options: Class of its options; the base class for a source without any.
    """

    description: str | None = None
    grows: bool = False
    is_given: bool = False
    in_memory: bool = False
    redistributable: bool = False
    is_synthetic: bool = False
    one_fixing: bool = False
    depends_on_cutoff: bool = False
    calendar: str | None = None
    symbols_name_exchanges: bool = False
    default_ticker: str | None = None
    options: type[SourceOptions] = SourceOptions


@dataclasses.dataclass(frozen=True)
class LoadRequest:
    """One request to a source.

    Args:
        instrument: Instrument in canonical orientation.
        home: The project's folder, for sources that keep files of their own.
        today: The current date, so that no source reads a clock.
        options: The source's own options, as written in a config or on the command line.
        network: Use of the network by a source that also works offline.
        signed: True if prices may be zero or negative, because their changes are modelled.
        until: Last date that will be used, where rows after it must not decide what comes before; None for all.
    """

    instrument: Instrument
    home: Path
    today: datetime.date
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    network: Network = "never"
    until: datetime.date | None = None
    signed: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Loaded:
    """Answer of a source.

    Args:
        series: The whole history.
        findings: Repairs that the source has made, none of which needs a later row; see `data.validation`.
        notes: Lines for the user, such as a failed request behind an older answer.
        stored: Version of the store that it is; None for a history that may be new there.
    """

    series: PriceSeries
    findings: tuple[Finding, ...] = ()
    notes: tuple[Note, ...] = ()
    stored: Version | None = None


class Source(Protocol):
    """A place where prices come from. One object answers many requests and may cache between them."""

    traits: ClassVar[SourceTraits]

    @property
    def name(self) -> str:
        """Registry key, which every series from here carries as `PriceSeries.source`."""

    def load(self, request: LoadRequest) -> Loaded:
        """The whole history that the source has.

        Raises:
            SourceError: The source is unavailable or does not have the symbol.
            UsageError: The source has no such kind of instrument, or an option or a file is wrong.
        """


@runtime_checkable
class OnlineSource(Source, Protocol):
    """A source that needs the network for every history, so that the store serves as its cache."""

    @property
    def endpoint(self) -> str | None:
        """Server that is asked instead of the source's own; None for the source's own."""

    def symbol(self, instrument: Instrument) -> str:
        """The source's spelling of `instrument`, which the store uses as well.

        Raises:
            UsageError: The source has no such kind of instrument.
        """
