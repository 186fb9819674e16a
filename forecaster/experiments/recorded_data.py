"""Data of a run: the versions of histories that its training used."""

from pathlib import Path

from forecaster.data.sources.base import Source
from forecaster.data.sources.pinned import PinnedSource
from forecaster.data.sources.registry import get_source
from forecaster.experiments.runs import Run

__all__ = ["recorded_sources"]


def recorded_sources(run: Run, home: Path) -> dict[str, Source]:
    """Registry key -> source that gives the histories of a run as its training used them.

    Args:
        run: The run.
        home: Project folder, whose store holds the versions.
    """
    return {run.source: PinnedSource(get_source(run.source), home, run.manifest.data.stored)}
