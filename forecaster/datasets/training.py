"""What a training reads: the named histories, and those that train together with them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forecaster.config import Config
from forecaster.data.instruments import Instrument
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.registry import source_traits
from forecaster.data.universes import UNIVERSES, read_universe, universe
from forecaster.datasets.covariates import Inputs, load_inputs, reads_market, settled
from forecaster.datasets.histories import Checked, Histories, data_line, load_members, note_findings
from forecaster.datasets.selection import (
    Selection,
    names_none,
    parse_names,
    resolve,
    with_choice,
    with_instruments,
)
from forecaster.environment import Environment
from forecaster.errors import SourceError, UsageError
from forecaster.models import traits_of

__all__ = ["TrainingData", "load_training_data", "with_features"]

_SHOWN_DAYS = 3


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The histories of a training, and the configuration with all that they decide.

    Args:
        config: Instruments, universe and inputs as they are used.
        instruments: Those that were named, as the user turned them.
        named: Their histories, canonical, each once.
        listed: Whether a file of symbols named them: then one that is too short is left out, not an error.
        panel: The named histories and those beside them.
        stored: Name -> hash of the whole history, of those in the store.
        inputs: What the network reads beside the prices.
    """

    config: Config
    instruments: tuple[Instrument, ...]
    named: tuple[PriceSeries, ...]
    listed: bool
    panel: Panel
    stored: dict[str, str]
    inputs: Inputs

    def with_features(self, before: np.datetime64) -> "TrainingData":
        """The same with ``features: auto`` decided, by rows before the day from which on nothing is learned."""
        return dataclasses.replace(self, config=with_features(self.config, self.panel, before))


def load_training_data(config: Config, choice: Selection, environment: Environment) -> TrainingData:
    """Load everything that a training reads.

    Raises:
        InstrumentError, ConfigError: What is named is no instrument or no universe.
        SourceError: A named history cannot be had, or none of a file of symbols.
        InputFileError, NotEnoughDataError: A named history cannot be used.
    """
    listed = names_none(with_choice(config, choice).data)
    config, instruments = resolve(config, choice)
    histories = Histories.of_section(environment, config.data, instruments, choice.network)
    for one in instruments:
        if one.sign < 0:
            environment.note(f"{one.name} is learned and scored as {one.canonical.name}, whose exact mirror it is")
    canonical = tuple(dict.fromkeys(one.canonical for one in instruments))
    if listed:
        named = _load_listed(histories, canonical, environment)
        instruments = tuple(one.instrument for one in named)
        config = with_instruments(config, instruments)
    else:
        named = _load_named(histories, canonical, environment)
    config = _with_market(_with_universe(config, named), named)
    others = _load_others(histories, _others(named, config, environment, listed), config, environment)
    inputs = load_inputs(config, [*named, *others], histories)
    for series in named:
        inputs.require_use(series)
    for text in inputs.notes(named[0]):
        environment.note(text)
    named = [inputs.beside(one) for one in named]
    panel = Panel((*named, *(inputs.beside(one) for one in others)))
    config = settled(config, inputs)
    _require_readable(config)
    return TrainingData(config, instruments, tuple(named), listed, panel, histories.stored, inputs)


def _load_named(histories: Histories, instruments: Sequence[Instrument], environment: Environment) -> list[PriceSeries]:
    """The named histories, kept in the store."""
    named = []
    for instrument in instruments:
        checked = histories.load(instrument, keep=True)
        named.append(checked.series)
        for line in (data_line(checked.series, environment.today), *checked.notes, *_unscored(checked)):
            environment.note(str(line))
    return named


def _unscored(checked: Checked) -> list[str]:
    """Cutoffs at which no forecast is made, though one would have been made then: their price was mended later."""
    days = [str(one.date) for one in checked.report.late_repairs]
    more = ", ..." if len(days) > _SHOWN_DAYS else ""
    told = f"data: no forecast is scored from {len(days)} days whose price was found wrong on the next one"
    return [f"{told} ({', '.join(days[:_SHOWN_DAYS])}{more})"] if days else []


def _load_listed(
    histories: Histories, instruments: Sequence[Instrument], environment: Environment
) -> list[PriceSeries]:
    """The histories of a file of symbols, the longest first; what cannot be had is told and left out."""
    loaded = load_members(histories, instruments, environment.note, keep=True)
    if not loaded:
        raise SourceError(
            f"none of the {len(instruments)} symbols of the universe has a history that can be used; "
            "expected at least one; the lines above say why each was left out"
        )
    for one in loaded:
        environment.note(data_line(one.series, environment.today))
    note_findings(loaded, environment.note)
    return sorted((one.series for one in loaded), key=lambda one: (-len(one), one.instrument.name))


def _load_others(
    histories: Histories, members: Sequence[Instrument], config: Config, environment: Environment
) -> list[PriceSeries]:
    """What stands beside the named histories. Crosses are not stored: one file, which the run names, makes them all."""
    crosses = config.universe == "currencies"
    loaded = load_members(histories, members, environment.note, keep=not crosses)
    if not crosses:
        for one in loaded:
            environment.note(data_line(one.series, environment.today))
    note_findings(loaded, environment.note)
    return [one.series for one in loaded]


def _others(named: Sequence[PriceSeries], config: Config, environment: Environment, listed: bool) -> list[Instrument]:
    """The members of the universe and the peers that are not named; all that is `listed` has been asked for."""
    instruments = [one.instrument for one in named]
    members = [] if listed else list(universe(config.universe, instruments))
    if config.universe not in UNIVERSES:
        found = read_universe(Path(config.universe))
        if found.repeated:
            environment.note(f"universe: listed more than once, counted once: {', '.join(found.repeated)}")
        for mistake in found.mistakes:
            environment.note(f"universe: left out: {mistake}")
    if config.data.peers:
        members += [one.canonical for one in parse_names(config.data.peers, instruments[0].kind)]
    known = {one.name for one in instruments}
    return [one for one in dict.fromkeys(members) if one.name not in known]


def _with_universe(config: Config, named: Sequence[PriceSeries]) -> Config:
    """`config` with ``universe: auto`` decided: all crosses for currencies from the ECB, else the series alone."""
    if config.universe != "auto":
        return config
    panel = traits_of(config.kind).panel and all(source_traits(series.source).one_fixing for series in named)
    return config.model_copy(update={"universe": "currencies" if panel else "none"})


def _with_market(config: Config, named: Sequence[PriceSeries]) -> Config:
    """`config` with ``data.market`` decided."""
    return config.model_copy(update={"data": config.data.model_copy(update={"market": reads_market(config, named)})})


def with_features(config: Config, panel: Panel, before: np.datetime64) -> Config:
    """`config` with ``features: auto`` decided by the columns that all series of `panel` have, and by the inputs.

    Args:
        config: Of the training.
        panel: What learns together.
        before: Only rows before this day decide.
    """
    return config.model_copy(update={"model": config.model.resolved(panel, before)})


def _require_readable(config: Config) -> None:
    """Refuse inputs beside a model that reads none."""
    if not traits_of(config.kind).reads_features and (config.data.inputs or config.data.exog):
        raise UsageError(
            f"the model {config.kind} reads prices only; remove --with and --exog or choose another model.kind"
        )
