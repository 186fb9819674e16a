"""Data of a run: the versions of histories that its training used."""

import dataclasses
from pathlib import Path

from forecaster.config import Config
from forecaster.data.sources.pinned import PinnedSource
from forecaster.data.sources.registry import get_source
from forecaster.data.universes import UNIVERSES
from forecaster.datasets.selection import Selection
from forecaster.experiments.runs import Run

__all__ = ["recorded_files", "recorded_selection"]


def recorded_selection(run: Run, config: Config, home: Path, selection: Selection | None = None) -> Selection:
    """A selection that gives the histories of a run as its training used them.

    Args:
        run: The run.
        config: Configuration of the new training.
        home: Project folder, whose store holds the versions.
        selection: Instruments to use in place of those of the run.
    """
    data = run.manifest.data
    is_recorded_list = config.universe == run.config.universe and config.universe not in UNIVERSES
    return dataclasses.replace(
        selection or Selection(),
        opened={run.source: PinnedSource(get_source(run.source), home, data.stored)},
        members=tuple(data.members) if is_recorded_list else None,
    )


def recorded_files(run: Run) -> dict[str, str]:
    """Path -> SHA-256 of the files that a training reads besides histories: columns and events."""
    data = run.config.data
    paths = {path for path in (data.exog, data.events) if path is not None}
    inputs = run.manifest.data.inputs
    return {facts["series"]: str(facts["sha256"]) for facts in inputs if facts.get("series") in paths}
