"""From what the user named to the histories: which instruments, which source, which rows."""

import dataclasses
import datetime
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import Config, DataConfig
from forecaster.data.calendars import business_age
from forecaster.data.instruments import Instrument, csv_instrument, parse_pair, parse_ticker
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources import LoadRequest, Source, default_source, get_source
from forecaster.data.universes import universe
from forecaster.errors import InstrumentError, NotEnoughDataError, SourceError
from forecaster.models.base import Progress, no_progress

__all__ = [
    "InstrumentChoice",
    "Loader",
    "Project",
    "command_line",
    "data_line",
    "findings",
    "load_panel",
    "named_instruments",
    "resolve",
    "with_choice",
]

_KINDS = ("pair", "ticker", "csv")
_STALE_DAYS = 5  # business days; a week without a new price is worth a word


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Project:
    """Where a project lives, what time it is, and who listens.

    Args:
        home: Folder that holds ``data/`` and ``runs/``.
        clock: Gives the current time.
        progress: Told how far long jobs are.
        note: Told, in one line each, what a user should know on the way: data, choices, warnings.
    """

    home: Path = Path()
    clock: Callable[[], datetime.datetime] = _now
    progress: Progress = no_progress
    note: Callable[[str], None] = lambda text: None

    @property
    def today(self) -> datetime.date:
        """The current date."""
        return self.clock().date()


@dataclasses.dataclass(frozen=True)
class InstrumentChoice:
    """What the user named, as typed; several names are separated by commas.

    Args:
        pairs: Currency pairs.
        tickers: Symbols of stocks and indices, or names of synthetic series.
        csvs: Files.
        source: Registry key; None for the one that fits.
        name: What to call the series of a CSV file.
        options: Of the source, beyond those in the configuration.
    """

    pairs: Sequence[str] = ()
    tickers: Sequence[str] = ()
    csvs: Sequence[str] = ()
    source: str | None = None
    name: str | None = None
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether no instrument is named."""
        return not (self.pairs or self.tickers or self.csvs)


def with_choice(config: Config, choice: InstrumentChoice) -> Config:
    """`config` with the instruments, the source and its options as the flags name them."""
    changed: dict[str, Any] = {}
    if not choice.is_empty:
        named = (choice.pairs, choice.tickers, choice.csvs)
        changed |= {kind: ",".join(map(str, names)) or None for kind, names in zip(_KINDS, named, strict=True)}
    if choice.source:
        changed["source"] = choice.source
    if choice.name:
        changed["name"] = choice.name
    if choice.options:
        changed["options"] = {**config.data.options, **choice.options}
    return config.model_copy(update={"data": config.data.model_copy(update=changed)})


def resolve(config: Config, choice: InstrumentChoice) -> tuple[Config, tuple[Instrument, ...]]:
    """`config` with what the flags name, spelled as the program spells it, and the instruments that it names.

    Raises:
        InstrumentError: See `named_instruments`.
    """
    config = with_choice(config, choice)
    instruments = named_instruments(config.data)
    kind = instruments[0].kind
    names = ",".join(str(one.path) if kind == "csv" else one.name for one in instruments)
    return config.model_copy(update={"data": config.data.model_copy(update={kind: names})}), instruments


def named_instruments(data: DataConfig) -> tuple[Instrument, ...]:
    """The instruments that a configuration names, as the user turned them; each once.

    Raises:
        InstrumentError: None, or two kinds at once.
    """
    given = [kind for kind in _KINDS if getattr(data, kind)]
    if not given and data.source == "synthetic":
        return (parse_ticker("sine"),)
    if len(given) != 1:
        what = (
            f"instruments of {len(given)} kinds ({', '.join('--' + one for one in given)})"
            if given
            else "no instrument"
        )
        raise InstrumentError(f"{what} given; expected exactly one of --pair, --ticker, --csv, such as --pair USDJPY")
    if data.name and given[0] != "csv":
        raise InstrumentError(f"--name goes with --csv; got --{given[0]}; leave it out")
    texts = [text.strip() for text in str(getattr(data, given[0])).split(",") if text.strip()]
    found: list[Instrument] = []
    mistakes: list[str] = []
    for text in texts:
        try:
            found.append(_instrument(given[0], text, data.name))
        except InstrumentError as error:
            mistakes += error.messages
    if mistakes or not found:
        raise InstrumentError(*(mistakes or [f"--{given[0]} is empty; expected a name such as USDJPY"]))
    return tuple(dict.fromkeys(found))


def _instrument(kind: str, text: str, name: str | None) -> Instrument:
    if kind == "pair":
        return parse_pair(text)
    return parse_ticker(text) if kind == "ticker" else csv_instrument(Path(text), name)


class Loader:
    """Loads histories of one source, cut to the configured span.

    Args:
        project: For its home and date.
        config: Source, its options, start and end.
        instruments: Those the user named; they decide the source where it is ``auto``.
        sources: Sources that are open already, by name; a new one is added to them.
    """

    def __init__(
        self,
        project: Project,
        config: Config,
        instruments: Sequence[Instrument],
        sources: dict[str, Source] | None = None,
    ) -> None:
        data = config.data
        name = default_source(instruments[0]) if data.source == "auto" else data.source
        known = {} if sources is None else sources
        if name not in known:
            known[name] = get_source(name)
        self.source = known[name]
        self._project, self._data = project, data

    def whole(self, instrument: Instrument) -> PriceSeries:
        """All rows that the source has, in canonical orientation."""
        project = self._project
        return self.source.load(LoadRequest(instrument.canonical, project.home, project.today, self._data.options))

    def load(self, instrument: Instrument) -> PriceSeries:
        """The rows between the configured start and end.

        Raises:
            NotEnoughDataError: There are none.
        """
        return self.cut(self.whole(instrument))

    def cut(self, series: PriceSeries) -> PriceSeries:
        """`series` between the configured start and end."""
        start, end = self._data.start, self._data.end
        first = None if start is None else np.datetime64(start)
        span = series.between(first, None if end is None else np.datetime64(end))
        if not len(span):
            raise NotEnoughDataError(
                f"{series.symbol} has no rows from {start or 'the first'} to {end or 'the last'}; "
                f"it runs from {series.dates[0]} to {series.dates[-1]}; change --start or --end"
            )
        return span


def findings(series: PriceSeries) -> list[str]:
    """What the source found wrong with a history or repaired in it, in one line each."""
    return [f"data: {one['severity']}: {one['text']}" for one in json.loads(series.meta.get("findings", "[]"))]


def load_panel(loader: Loader, named: Sequence[PriceSeries], universe_name: str, note: Callable[[str], None]) -> Panel:
    """The named series and the members of the universe beside them; a member without rows is told and left out."""
    panel = {one.instrument.name: one for one in named}
    missing = []
    for member in universe(universe_name, [one.instrument for one in named]):
        if member.name not in panel:
            try:
                panel[member.name] = loader.load(member)
            except (SourceError, NotEnoughDataError):
                missing.append(member.name)
    if missing:
        note(f"universe: left out, no rows in this span: {', '.join(missing)}")
    return Panel(tuple(panel.values()))


def data_line(series: PriceSeries, today: datetime.date, newest: np.datetime64 | None = None) -> str:
    """Which data was used: source, rows, first and last date, age, hash.

    Args:
        series: The rows that were used.
        today: The current date.
        newest: Date of the newest row that there is, where `series` was cut before it.
    """
    last = series.dates[-1]
    if newest is not None and newest > last:
        return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} (of rows to {newest})"
    age = business_age(last, today)
    days = "up to date" if age <= 0 else f"{age} business day{'s' if age > 1 else ''} old"
    told = "made up" if series.source == "synthetic" else days + (", older than a week" if age > _STALE_DAYS else "")
    return f"data: {series.name}, {len(series)} rows, {series.dates[0]} to {last} ({told})"


def command_line(verb: str, instrument: Instrument, choice: InstrumentChoice, project: Project, *flags: str) -> str:
    """What to type to apply `verb` to `instrument`, with the source, the columns and the home in use."""
    name = str(instrument.path) if instrument.kind == "csv" else instrument.name
    words = ["forecast", verb, f"--{instrument.kind}", name]
    words += ["--name", choice.name] if choice.name else []
    words += ["--source", choice.source] if choice.source else []
    for option, value in choice.options.items():
        words += [f"--{option.replace('_', '-')}", value]
    words += ["--home", str(project.home)] if project.home != Path() else []
    return shlex.join([*words, *flags])
