"""Selections: the instruments that a user names, on the command line, in Python or in a configuration."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.config import DataConfig
from forecaster.data.instruments import Instrument, csv_instrument, memory_instrument, parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Network, Source
from forecaster.data.sources.memory import MemorySource
from forecaster.data.sources.registry import OpenSources, source_traits
from forecaster.data.universes import universe
from forecaster.environment import Environment
from forecaster.errors import InstrumentError

__all__ = [
    "Selection",
    "command_line",
    "is_listed",
    "named_instruments",
    "parse_names",
    "selected_instruments",
    "spelled",
]

_KINDS = ("pair", "ticker", "csv")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Instruments that the user named, their source, and the use of the source.

    Args:
        pairs: Currency pairs.
        tickers: Symbols of stocks and indices, or names of synthetic series.
        csvs: Files.
        history: Rows that a Python program gives, from `memory_history`.
        source: Registry key of the source; None for the configured one.
        name: Name of the series of a CSV file.
        options: Options of the source, besides those in the configuration.
        network: ``auto``: ask where newer prices may exist; ``refresh``: always ask; ``never``: do not ask.
        strict: True if data warnings are errors.
        calendar: Trading calendar of the instruments; None for that of the source.
        splits: Day -> ratio of a split that the prices do not account for.
        drop: Days whose rows are left out.
        keep: Days whose rows are right, however unusual.
        differences: True if changes of the price are modelled instead of returns.
        events: File of the user's own events; None for the configured one.
        members: Names of all series that train together, in place of a file of symbols; those with too few rows are
            left out.
        members_sha256: Hash of the list of symbols that they come from; empty where it was not recorded.
        opened: Registry key -> source to use in its place, such as one that gives recorded versions.
    """

    pairs: Sequence[str] = ()
    tickers: Sequence[str] = ()
    csvs: Sequence[str] = ()
    history: PriceSeries | None = None
    source: str | None = None
    name: str | None = None
    options: Mapping[str, object] = dataclasses.field(default_factory=dict)
    network: Network = "auto"
    strict: bool = False
    calendar: str | None = None
    splits: Mapping[str, float] = dataclasses.field(default_factory=dict)
    drop: Sequence[str] = ()
    keep: Sequence[str] = ()
    differences: bool = False
    events: str | None = None
    members: Sequence[str] | None = None
    members_sha256: str = ""
    opened: Mapping[str, Source] = dataclasses.field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if no instrument is named."""
        return self.history is None and not (self.pairs or self.tickers or self.csvs)

    def alone(self, instrument: Instrument) -> "Selection":
        """This selection with one of its instruments alone."""
        if instrument.kind == "pair":
            return dataclasses.replace(self, pairs=(instrument.name,))
        if instrument.kind == "ticker":
            return dataclasses.replace(self, tickers=(instrument.name,))
        return self if instrument.path is None else dataclasses.replace(self, csvs=(str(instrument.path),))

    def open_sources(self) -> OpenSources:
        """Sources of one command; the history that the program gave has one of its own, which is open already."""
        given = {} if self.history is None else {self.history.source: MemorySource(self.history)}
        return OpenSources({**given, **self.opened})

    def applied(self, data: DataConfig | None = None) -> DataConfig:
        """The section ``data`` of a configuration with this selection in place of what it names.

        Args:
            data: The section; the default one when None.
        """
        data = DataConfig() if data is None else data
        changed: dict[str, Any] = {"options": {**data.options, **self.options}}
        if not self.is_empty:
            named = (self.pairs, self.tickers, self.csvs)
            changed |= {kind: tuple(map(str, names)) for kind, names in zip(_KINDS, named, strict=True)}
        changed["source"] = self.source or data.source
        changed["name"] = self.name or data.name
        data = self.corrected(data)
        if self.history is not None:
            changed |= {"source": self.history.source, "name": self.history.instrument.name}
        return data.model_copy(update=changed)

    def corrected(self, data: DataConfig) -> DataConfig:
        """A section ``data`` with the calendar and the corrections of this selection besides its own."""
        return data.model_copy(
            update={
                "strict": self.strict or data.strict,
                "calendar": self.calendar or data.calendar,
                "events": self.events or data.events,
                "differences": self.differences or data.differences,
                "splits": {**data.splits, **self.splits},
                "drop": tuple(dict.fromkeys((*data.drop, *self.drop))),
                "keep": tuple(dict.fromkeys((*data.keep, *self.keep))),
            }
        )


def is_listed(data: DataConfig, universe_name: str) -> bool:
    """True if a section ``data`` names no instrument and a universe lists some."""
    unnamed = source_traits(data.source).default_ticker is None and not any(getattr(data, kind) for kind in _KINDS)
    return unnamed and universe_name not in ("auto", "none", "currencies")


def selected_instruments(data: DataConfig, universe_name: str = "auto", home: Path = Path()) -> tuple[Instrument, ...]:
    """The instruments that a section ``data`` names, or else those that a universe lists.

    Raises:
        InstrumentError: See `named_instruments`.
    """
    return universe(universe_name, [], home) if is_listed(data, universe_name) else named_instruments(data)


def spelled(instruments: Sequence[Instrument]) -> dict[str, tuple[str, ...]]:
    """The key of the section ``data`` that names `instruments`, which are of one kind, as the program spells them."""
    kind = instruments[0].kind
    if kind not in _KINDS:  # a history in memory is known by its name alone
        return {}
    return {kind: tuple(str(each.path) if kind == "csv" else each.name for each in instruments)}


def named_instruments(data: DataConfig) -> tuple[Instrument, ...]:
    """The instruments that a section ``data`` names, in the user's orientation, each once.

    Raises:
        InstrumentError: It names none, or instruments of two kinds.
    """
    given = [kind for kind in _KINDS if getattr(data, kind)]
    if not given and data.name and source_traits(data.source).in_memory:
        return (memory_instrument(data.name),)
    default = source_traits(data.source).default_ticker
    if not given and default is not None:
        return (parse_ticker(default),)
    if len(given) != 1:
        flags = ", ".join(f"--{kind} {','.join(getattr(data, kind))[:40]}" for kind in given)
        problem = f"instruments of {len(given)} kinds ({flags})" if given else "no instrument"
        example = f"--ticker {data.name}" if data.name else "--pair USDJPY"
        raise InstrumentError(
            f"{problem} given; expected exactly one of --pair, --ticker, --csv, such as {example}, or a name alone"
        )
    if data.name and given[0] != "csv":
        raise InstrumentError(f"--name and --symbol go with --csv; got --{given[0]}; remove them")
    return parse_names(getattr(data, given[0]), given[0], data.name)


def parse_names(names: Sequence[str], kind: str, series_name: str | None = None) -> tuple[Instrument, ...]:
    """Instruments of one kind, each once.

    Args:
        names: Pairs, symbols or paths.
        kind: ``pair``, ``ticker`` or ``csv``.
        series_name: Name of the series of a CSV file.

    Raises:
        InstrumentError: One message for each name that is not an instrument of this kind.
    """
    instruments: list[Instrument] = []
    mistakes: list[str] = []
    for name in names:
        try:
            instruments.append(_instrument(kind, name, series_name))
        except InstrumentError as error:
            mistakes += error.messages
    if mistakes:
        raise InstrumentError(*mistakes)
    return tuple(dict.fromkeys(instruments))


def _instrument(kind: str, name: str, series_name: str | None) -> Instrument:
    if kind == "pair":
        return parse_pair(name)
    return parse_ticker(name) if kind == "ticker" else csv_instrument(Path(name), series_name)


def command_line(verb: str, instrument: Instrument, selection: Selection, environment: Environment, *flags: str) -> str:
    """Command that applies `verb` to `instrument`, with the source, the columns and the home in use."""
    if instrument.kind not in _KINDS:
        return f"{verb.replace(' ', '_')}(history=...), in Python"
    name = str(instrument.path) if instrument.kind == "csv" else instrument.name
    words = ["forecast", *verb.split(), f"--{instrument.kind}", name]
    words += ["--name", selection.name] if selection.name else []
    words += ["--source", selection.source] if selection.source else []
    for option, value in selection.options.items():
        words += [f"--{option.replace('_', '-')}", str(value)]
    words += _correction_words(selection)
    words += ["--home", str(environment.home)] if environment.home not in (Path(), Environment.at().home) else []
    return shlex.join([*words, *flags])


def _correction_words(selection: Selection) -> list[str]:
    """The calendar, the events and the corrections of a selection as words of a command line."""
    words = ["--differences"] if selection.differences else []
    words += ["--calendar", selection.calendar] if selection.calendar else []
    words += ["--events", selection.events] if selection.events else []
    for day, ratio in selection.splits.items():
        words += ["--split", f"{day}={ratio:g}"]
    for option, days in (("--drop", selection.drop), ("--keep", selection.keep)):
        words += [option, ",".join(days)] if days else []
    return words
