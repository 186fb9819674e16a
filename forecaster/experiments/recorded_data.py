"""Data of a run: the versions of histories that its training used."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forecaster.config import Config, DataConfig
from forecaster.data.sources import SOURCES
from forecaster.data.sources.pinned import PinnedSource
from forecaster.data.sources.registry import get_source, source_traits
from forecaster.data.universes import UNIVERSES
from forecaster.datasets.selection import Selection
from forecaster.experiments.runs import Run

__all__ = ["recorded_files", "recorded_selection", "recorded_versions"]


def recorded_selection(run: Run, config: Config, home: Path, selection: Selection | None = None) -> Selection:
    """A selection that gives the histories of a run as its training used them.

    Files that the user names anew, or reads with other options, are read as they are now.

    Args:
        run: The run.
        config: Configuration of the new training.
        home: Project folder, whose store holds the versions.
        selection: Instruments to use in place of those of the run.
    """
    selection = selection or Selection()
    wanted = selection.applied(config.data)
    is_recorded_list = config.universe == run.config.universe and config.universe not in UNIVERSES
    ends = _ends(run) if wanted.end == run.config.data.end else {}
    opened = {
        source: PinnedSource(get_source(source), home, versions, ends.get(source))
        for source, versions in recorded_versions(run).items()
        if source in SOURCES and not _is_read_anew(source, wanted, run.config.data)
    }
    return dataclasses.replace(
        selection,
        opened=opened,
        members=tuple(run.manifest.data.members) if is_recorded_list else None,
        members_sha256=run.manifest.data.universe_sha256,
    )


def _is_read_anew(source: str, wanted: DataConfig, recorded: DataConfig) -> bool:
    """True if a name may mean other rows than those that were recorded under it."""
    if wanted.options != recorded.options:
        return True
    files = ("csv", "name", "inputs")
    return source_traits(source).is_given and any(getattr(wanted, key) != getattr(recorded, key) for key in files)


def recorded_versions(run: Run) -> dict[str, dict[str, str]]:
    """Source -> name of an instrument -> SHA-256 of its whole history, of all that were put into the store."""
    data = run.manifest.data
    versions: dict[str, dict[str, str]] = {run.source: {}}
    names = {sha256: name for name, sha256 in data.stored.items()}
    for facts in data.inputs:
        source = _source_of(facts)
        if source is not None and facts.get("sha256"):
            sha256 = str(facts["sha256"])
            versions.setdefault(source, {})[names.get(sha256, str(facts["name"]))] = sha256
    others = {name for source in versions for name in versions[source] if source != run.source}
    versions[run.source] |= {
        name: sha256 for name, sha256 in data.stored.items() if name in data.members or name not in others
    }
    return versions


def _ends(run: Run) -> dict[str, dict[str, np.datetime64]]:
    """Source -> name of an instrument -> date of the last row that the training used."""
    data = run.manifest.data
    ends: dict[str, dict[str, np.datetime64]] = {run.source: {name: facts.last for name, facts in data.members.items()}}
    for facts in data.inputs:
        source = _source_of(facts)
        if source is not None and "last" in facts:
            ends.setdefault(source, {}).setdefault(facts["name"], np.datetime64(facts["last"], "D"))
    return ends


def _source_of(covariate: Mapping[str, object]) -> str | None:
    """Registry key of the source of a covariate; None for a column of a file."""
    source, separator, _ = str(covariate.get("series", "")).partition("/")
    return source if separator and source in SOURCES else None


def recorded_files(run: Run) -> dict[str, str]:
    """Path -> SHA-256 of the files that a training reads besides histories: columns and events."""
    data = run.config.data
    paths = {path for path in (data.exog, data.events) if path is not None}
    inputs = run.manifest.data.inputs
    return {facts["series"]: str(facts["sha256"]) for facts in inputs if facts.get("series") in paths}
