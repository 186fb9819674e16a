"""What a training reads: the named histories, and those that train together with them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from forecaster.config import Config
from forecaster.data.instruments import Instrument
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.universes import UNIVERSES, read_universe, universe
from forecaster.errors import SourceError, UsageError
from forecaster.features import suitable_features
from forecaster.models.lstm_options import LSTMOptions
from forecaster.workflows.choice import (
    InstrumentChoice,
    names_none,
    parse_names,
    resolve,
    with_choice,
    with_instruments,
)
from forecaster.workflows.inputs import Inputs, load_inputs
from forecaster.workflows.loading import Loader, data_line, finding_lines, load_members
from forecaster.workflows.project import Project

__all__ = ["TrainingData", "load_training_data"]


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """The histories of a training, and the configuration with all that they decide.

    Args:
        config: Instruments, universe and features as they are used.
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


def load_training_data(config: Config, choice: InstrumentChoice, project: Project) -> TrainingData:
    """Load everything that a training reads.

    Raises:
        InstrumentError, ConfigError: What is named is no instrument or no universe.
        SourceError: A named history cannot be had, or none of a file of symbols.
        InputFileError, NotEnoughDataError: A named history cannot be used.
    """
    listed = names_none(with_choice(config, choice).data)
    config, instruments = resolve(config, choice)
    loader = Loader(project, config, instruments, network=choice.network)
    for one in instruments:
        if one.sign < 0:
            project.note(f"{one.name} is learned and scored as {one.canonical.name}, whose exact mirror it is")
    canonical = tuple(dict.fromkeys(one.canonical for one in instruments))
    if listed:
        named = _load_listed(loader, canonical, project)
        instruments = tuple(one.instrument for one in named)
        config = with_instruments(config, instruments)
    else:
        named = _load_named(loader, canonical, project)
    config = _with_universe(config, named)
    others = load_members(loader, _others(named, config, project, listed), project.note)
    if config.universe != "currencies":  # computed from the same file as the named ones
        for member in others:
            project.note(data_line(member, project.today))
    inputs = load_inputs(config, named[0], loader)
    for text in inputs.notes(named[0]):
        project.note(text)
    for series in named:
        inputs.require_use(series)
    named = [inputs.beside(one) for one in named]
    panel = Panel((*named, *(inputs.beside(one) for one in others)))
    config = _with_features(config, panel)
    return TrainingData(config, instruments, tuple(named), listed, panel, loader.stored, inputs)


def _load_named(loader: Loader, instruments: Sequence[Instrument], project: Project) -> list[PriceSeries]:
    """The named histories, kept in the store."""
    named = []
    for instrument in instruments:
        whole = loader.whole(instrument)
        loader.keep(whole)
        checked = loader.check(whole)
        named.append(checked.series)
        for line in (data_line(checked.series, project.today), *finding_lines(whole, checked.report)):
            project.note(line)
    return named


def _load_listed(loader: Loader, instruments: Sequence[Instrument], project: Project) -> list[PriceSeries]:
    """The histories of a file of symbols, the longest first; what cannot be had is told and left out."""
    loaded = load_members(loader, instruments, project.note)
    if not loaded:
        raise SourceError(
            f"none of the {len(instruments)} symbols of the universe has a history that can be used; "
            "expected at least one; the lines above say why each was left out"
        )
    for one in loaded:
        project.note(data_line(one, project.today))
    return sorted(loaded, key=lambda one: (-len(one), one.instrument.name))


def _others(named: Sequence[PriceSeries], config: Config, project: Project, listed: bool) -> list[Instrument]:
    """The members of the universe and the peers that are not named; all that is `listed` has been asked for."""
    instruments = [one.instrument for one in named]
    members = [] if listed else list(universe(config.universe, instruments))
    if config.universe not in UNIVERSES and (twice := read_universe(Path(config.universe)).repeated):
        project.note(f"universe: listed more than once, counted once: {', '.join(twice)}")
    if config.data.peers:
        members += [one.canonical for one in parse_names(config.data.peers, instruments[0].kind, "--peers")]
    known = {one.name for one in instruments}
    return [one for one in dict.fromkeys(members) if one.name not in known]


def _with_universe(config: Config, named: Sequence[PriceSeries]) -> Config:
    """`config` with ``universe: auto`` decided: all crosses for currencies from the ECB, else the series alone."""
    if config.universe != "auto":
        return config
    panel = config.kind == "lstm" and all(one.source == "ecb" for one in named)
    return config.model_copy(update={"universe": "currencies" if panel else "none"})


def _with_features(config: Config, panel: Panel) -> Config:
    """`config` with ``features: auto`` decided by the columns that all series of the panel have, and by the inputs.

    Raises:
        UsageError: There are inputs, and the model reads none.
    """
    if not isinstance(config.model, LSTMOptions):
        if config.data.inputs or config.data.exog:
            raise UsageError(f"model {config.kind} reads prices only; --with and --exog go with the model lstm")
        return config
    model = config.model.with_features(suitable_features(panel), panel.series[0].inputs)
    return config.model_copy(update={"model": model})
