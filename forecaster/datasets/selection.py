"""What the user named: instruments, their source, and how to get at their prices."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.config import Config, DataConfig
from forecaster.data.instruments import Instrument, csv_instrument, parse_pair, parse_ticker
from forecaster.data.sources.base import Network
from forecaster.data.sources.registry import source_traits
from forecaster.data.universes import UNIVERSES, universe
from forecaster.environment import Environment
from forecaster.errors import InstrumentError

__all__ = [
    "Selection",
    "command_line",
    "named_instruments",
    "names_none",
    "parse_names",
    "resolve",
    "with_choice",
    "with_instruments",
]

_KINDS = ("pair", "ticker", "csv")


@dataclasses.dataclass(frozen=True)
class Selection:
    """What the user named, as typed.

    Args:
        pairs: Currency pairs.
        tickers: Symbols of stocks and indices, or names of synthetic series.
        csvs: Files.
        source: Registry key; None for the one that fits.
        name: What to call the series of a CSV file.
        options: Of the source, beyond those in the configuration.
        network: ``auto``: asked where newer prices may be there; ``refresh``: asked always; ``never``.
        strict: Whether what a history is warned of forbids its use.
    """

    pairs: Sequence[str] = ()
    tickers: Sequence[str] = ()
    csvs: Sequence[str] = ()
    source: str | None = None
    name: str | None = None
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    network: Network = "auto"
    strict: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no instrument is named."""
        return not (self.pairs or self.tickers or self.csvs)


def with_choice(config: Config, choice: Selection) -> Config:
    """`config` with the instruments, the source and its options as the flags name them."""
    changed: dict[str, Any] = {}
    if not choice.is_empty:
        named = (choice.pairs, choice.tickers, choice.csvs)
        changed |= {kind: tuple(map(str, names)) for kind, names in zip(_KINDS, named, strict=True)}
    if choice.source:
        changed["source"] = choice.source
    if choice.name:
        changed["name"] = choice.name
    if choice.options:
        changed["options"] = {**config.data.options, **choice.options}
    if choice.strict:
        changed["strict"] = True
    return config.model_copy(update={"data": config.data.model_copy(update=changed)})


def names_none(data: DataConfig) -> bool:
    """Whether a configuration leaves it to a file of symbols what to train on."""
    return source_traits(data.source).default_ticker is None and not any(getattr(data, kind) for kind in _KINDS)


def resolve(config: Config, choice: Selection) -> tuple[Config, tuple[Instrument, ...]]:
    """`config` with what the flags name, spelled as the program spells it, and the instruments that it names.

    Where nothing is named but a file of symbols, its symbols are named.

    Raises:
        InstrumentError: See `named_instruments`.
    """
    config = with_choice(config, choice)
    if names_none(config.data) and config.universe not in {"auto", *UNIVERSES}:
        instruments = universe(config.universe, [])
    else:
        instruments = named_instruments(config.data)
    return with_instruments(config, instruments), instruments


def with_instruments(config: Config, instruments: Sequence[Instrument]) -> Config:
    """`config` with the names of `instruments`, which are of one kind, as the program spells them."""
    kind = instruments[0].kind
    names = tuple(str(one.path) if kind == "csv" else one.name for one in instruments)
    return config.model_copy(update={"data": config.data.model_copy(update={kind: names})})


def named_instruments(data: DataConfig) -> tuple[Instrument, ...]:
    """The instruments that a configuration names, as the user turned them; each once.

    Raises:
        InstrumentError: None, or two kinds at once.
    """
    given = [kind for kind in _KINDS if getattr(data, kind)]
    default = source_traits(data.source).default_ticker
    if not given and default is not None:
        return (parse_ticker(default),)
    if len(given) != 1:
        what = (
            f"instruments of {len(given)} kinds ({', '.join('--' + one for one in given)})"
            if given
            else "no instrument"
        )
        raise InstrumentError(f"{what} given; expected exactly one of --pair, --ticker, --csv, such as --pair USDJPY")
    if data.name and given[0] != "csv":
        raise InstrumentError(f"--name goes with --csv; got --{given[0]}; leave it out")
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
    found: list[Instrument] = []
    mistakes: list[str] = []
    for name in names:
        try:
            found.append(_instrument(kind, name, series_name))
        except InstrumentError as error:
            mistakes += error.messages
    if mistakes:
        raise InstrumentError(*mistakes)
    return tuple(dict.fromkeys(found))


def _instrument(kind: str, text: str, name: str | None) -> Instrument:
    if kind == "pair":
        return parse_pair(text)
    return parse_ticker(text) if kind == "ticker" else csv_instrument(Path(text), name)


def command_line(verb: str, instrument: Instrument, choice: Selection, environment: Environment, *flags: str) -> str:
    """What to type to apply `verb` to `instrument`, with the source, the columns and the home in use."""
    name = str(instrument.path) if instrument.kind == "csv" else instrument.name
    words = ["forecast", *verb.split(), f"--{instrument.kind}", name]
    words += ["--name", choice.name] if choice.name else []
    words += ["--source", choice.source] if choice.source else []
    for option, value in choice.options.items():
        words += [f"--{option.replace('_', '-')}", value]
    words += ["--home", str(environment.home)] if environment.home != Path() else []
    return shlex.join([*words, *flags])
