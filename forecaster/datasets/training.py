"""Datasets of trainings: everything that a configuration leaves open, resolved once."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from forecaster.config import Config, DataConfig
from forecaster.data.calendars import calendar_name, is_observed
from forecaster.data.instruments import Instrument
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.registry import OpenSources, source_traits
from forecaster.data.universes import is_universe_file, read_universe, universe, universe_path, universe_sha256
from forecaster.data.universes import listed as list_of
from forecaster.datasets.covariates import Covariates, load_covariates, reads_market, recorded_covariates
from forecaster.datasets.histories import Histories, data_line, load_members, note_findings, note_histories
from forecaster.datasets.history_checker import Checked
from forecaster.datasets.selection import Selection, is_listed, parse_names, selected_instruments, spelled
from forecaster.environment import Environment
from forecaster.errors import SourceError, UsageError
from forecaster.models import traits_of

__all__ = ["Dataset", "LearnBefore", "resolve"]

MAX_LISTED_DAYS = 3

LearnBefore = Callable[[Sequence[PriceSeries]], np.datetime64]
"""Named histories -> the day from which on no row may decide anything about the model."""


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Data of a training, and its configuration with every open choice decided.

    Args:
        requested: The configuration as the user gave it.
        config: The resolved configuration, as a run records it: instruments as the program spells them, universe,
            market, lags and features decided.
        instruments: The named instruments, in the user's orientation.
        named: Their histories, canonical, each once.
        listed: True if a universe file names them; then a history that is too short is left out, not an error.
        universe_sha256: Hash of the names that the universe lists, or of the named series where it lists none.
        panel: The series that train together, the named ones among them.
        stored: Name -> hash of the whole history, of those in the store.
        covariates: Inputs of the model besides the histories.
        sources: The sources that were asked, still open.
        shortened: Description of what a quick training leaves out; None for a full one.
    """

    requested: Config
    config: Config
    instruments: tuple[Instrument, ...]
    named: tuple[PriceSeries, ...]
    listed: bool
    universe_sha256: str
    panel: Panel
    stored: Mapping[str, str]
    covariates: Covariates
    sources: OpenSources
    shortened: str | None = None


def resolve(
    config: Config,
    selection: Selection,
    environment: Environment,
    learn_before: LearnBefore,
    *,
    min_horizon: int = 1,
    quick: bool = False,
) -> Dataset:
    """Load everything that a training reads and make every choice that the configuration leaves open.

    Args:
        config: The configuration as the user gave it.
        selection: Instruments and source that the user named; they override those of the configuration.
        environment: Home folder, clock and messages.
        learn_before: Day before which rows may decide about features.
        min_horizon: Rows ahead that are needed; the configured horizon if that is longer.
        quick: True if the model is trained only for a short while, to check the program rather than to forecast.

    Raises:
        InstrumentError, ConfigError, UsageError: A name is unknown, or the model does not read covariates.
        SourceError, InputFileError, NotEnoughDataError: A named history cannot be used, or none of a universe file.
    """
    data = _supported(selection.applied(config.data), config.kind)
    listed = is_listed(data, config.universe)
    instruments = selected_instruments(data, config.universe, environment.home)
    histories = Histories.of_section(environment, data, instruments, selection.network, selection.open_sources())
    instruments, named = (_load_listed if listed else _load_named)(histories, instruments, environment)
    universe_name = _universe_name(config, named)
    market = reads_market(config.kind, universe_name, data.market, named)
    members = _other_instruments(data, universe_name, named, listed, environment, selection.members)
    others = _load_others(histories, members, not is_universe_file(universe_name), environment)
    covariates = load_covariates(data, [*named, *others], histories, market=market)
    _check_covariates(covariates, config.kind, named, environment)
    named = [covariates.attached(series) for series in named]
    panel = Panel((*named, *(covariates.attached(series) for series in others)))
    options, shortened = config.model.quick() if quick else (config.model, None)
    recorded = {**spelled(instruments), **recorded_covariates(data, covariates), "market": market}
    resolved = config.model_copy(
        update={
            "data": data.model_copy(update=recorded),
            "universe": universe_name,
            "horizon": max(config.horizon, min_horizon),
            "model": options.resolved(panel, learn_before(named)),
        }
    )
    return Dataset(
        requested=config,
        config=resolved,
        instruments=instruments,
        named=tuple(named),
        listed=listed or selection.members is not None,
        universe_sha256=_universe_hash(universe_name, named, selection, environment),
        panel=panel,
        stored=histories.stored,
        covariates=covariates,
        sources=histories.sources,
        shortened=shortened,
    )


def _canonical(instruments: Sequence[Instrument], environment: Environment) -> tuple[Instrument, ...]:
    """The instruments in canonical orientation, each once; mirrored ones are reported."""
    for instrument in instruments:
        if instrument.sign < 0:
            environment.note(
                f"{instrument.name} is trained and scored as {instrument.canonical.name}, its exact mirror image"
            )
    return tuple(dict.fromkeys(instrument.canonical for instrument in instruments))


def _load_named(
    histories: Histories, instruments: tuple[Instrument, ...], environment: Environment
) -> tuple[tuple[Instrument, ...], list[PriceSeries]]:
    """The named instruments and their histories, put into the store."""
    named = []
    for instrument in _canonical(instruments, environment):
        checked = histories.load(instrument, keep=True)
        named.append(checked.series)
        lines = [data_line(checked.series, environment.today), *checked.notes, *_calendar_notes(checked.series)]
        for line in (*lines, *_excluded_cutoffs(checked)):
            environment.note(str(line))
    return instruments, named


def _calendar_notes(series: PriceSeries) -> list[str]:
    """Message about the calendar of a history that has none of its own."""
    if not is_observed(series) or not source_traits(series.source).is_given:
        return []
    return [f"data: calendar: {calendar_name(series)}; --calendar NYSE or another names one"]


def _excluded_cutoffs(checked: Checked) -> list[str]:
    """Message about cutoffs at which no forecast is scored, since their price was repaired later."""
    days = [str(repair.date) for repair in checked.report.late_repairs]
    if not days:
        return []
    more = ", ..." if len(days) > MAX_LISTED_DAYS else ""
    shown = f"{', '.join(days[:MAX_LISTED_DAYS])}{more}"
    plural = "cutoffs are" if len(days) > 1 else "cutoff is"
    return [f"data: {len(days)} {plural} excluded, whose price was flagged as wrong the next day ({shown})"]


def _load_listed(
    histories: Histories, instruments: Sequence[Instrument], environment: Environment
) -> tuple[tuple[Instrument, ...], list[PriceSeries]]:
    """The instruments of a universe file and their histories, the longest first.

    Those that cannot be loaded are reported and left out.
    """
    loaded = load_members(histories, _canonical(instruments, environment), environment, keep=True)
    if not loaded:
        raise SourceError(
            f"none of the {len(instruments)} symbols of the universe has a usable history; "
            "expected at least one; the lines above give the reasons"
        )
    note_histories(loaded, environment)
    note_findings(loaded, environment.note)
    named = sorted((checked.series for checked in loaded), key=lambda series: (-len(series), series.instrument.name))
    return tuple(series.instrument for series in named), named


def _supported(data: DataConfig, kind: str) -> DataConfig:
    """The section ``data``, without changes of the price for a model that reads logarithms of prices."""
    if data.differences and not traits_of(kind).reads_features:
        raise UsageError(
            f"the model {kind} reads positive prices; --differences needs another model.kind, such as lstm"
        )
    return data


def _universe_name(config: Config, named: Sequence[PriceSeries]) -> str:
    """The universe; ``auto`` is all crosses for currencies of the ECB and a model of panels, else no other series."""
    if config.universe != "auto":
        return config.universe
    panel = traits_of(config.kind).panel and all(source_traits(series.source).one_fixing for series in named)
    return "currencies" if panel else "none"


def _other_instruments(
    data: DataConfig,
    universe_name: str,
    named: Sequence[PriceSeries],
    listed: bool,
    environment: Environment,
    recorded: Sequence[str] | None,
) -> list[Instrument]:
    """Instruments that train together with the named ones: peers, and members of a universe that are not `listed`.

    Those that are `recorded` take the place of a file of symbols, which may have changed, or is another machine's.
    """
    instruments = [series.instrument for series in named]
    if recorded is not None:
        members = list(parse_names(recorded, instruments[0].kind))
    else:
        members = [] if listed else list(universe(universe_name, instruments, environment.home))
        _note_universe_file(universe_name, environment)
    if data.peers:
        members += [peer.canonical for peer in parse_names(data.peers, instruments[0].kind)]
    names = {instrument.name for instrument in instruments}
    return [member for member in dict.fromkeys(members) if member.name not in names]


def _universe_hash(name: str, named: Sequence[PriceSeries], selection: Selection, environment: Environment) -> str:
    """Hash of what a universe lists; the series of a training may be fewer, since some have too few rows."""
    if selection.members is not None:
        return selection.members_sha256
    if name == "none":
        return universe_sha256([series.instrument for series in named])
    return universe_sha256(list_of(name, environment.home).instruments)


def _note_universe_file(name: str, environment: Environment) -> None:
    """Report lines of a universe file that are not used."""
    if not is_universe_file(name):
        return
    file = read_universe(universe_path(name, environment.home))
    if file.repeated:
        environment.note(f"universe: listed more than once, counted once: {', '.join(file.repeated)}")
    for mistake in file.mistakes:
        environment.note(f"universe: left out: {mistake}")


def _load_others(
    histories: Histories,
    members: Sequence[Instrument],
    crosses: bool,
    environment: Environment,
) -> list[PriceSeries]:
    """The histories of `members`. The crosses of one table are not stored, since the run names the table."""
    loaded = load_members(histories, members, environment, keep=not crosses)
    if not crosses:
        note_histories(loaded, environment)
    note_findings(loaded, environment.note)
    return [checked.series for checked in loaded]


def _check_covariates(
    covariates: Covariates, kind: str, named: Sequence[PriceSeries], environment: Environment
) -> None:
    """Report the covariates; refuse those that have no values for a named series, and events that are not used."""
    _check_events(covariates, kind, named)
    for series in named:
        covariates.require_overlap(series)
    for text in covariates.lines(named[0]):
        environment.note(text)


def _check_events(covariates: Covariates, kind: str, named: Sequence[PriceSeries]) -> None:
    """Refuse events that the model does not use, or whose days cannot be found among the coming rows."""
    if covariates.events is None:
        return
    path = covariates.events.path
    if not traits_of(kind).known_days:
        raise UsageError(f"the model {kind} does not use events; remove --events or choose another model.kind")
    for series in named:
        name = series.instrument.name
        if series.frequency != "1d":
            raise UsageError(f"--events needs daily rows; {name} has rows of {series.frequency}; remove --events")
        if is_observed(series):
            raise UsageError(
                f"--events needs the trading days to come, and those of {name} are not known; name its calendar with "
                "--calendar, such as NYSE or 24x7"
            )
    if not any(covariates.events.of(series.instrument) for series in named):
        names = ", ".join(series.instrument.name for series in named)
        raise UsageError(f"{path} lists no event that concerns {names}; expected its name or currencies, or none")
