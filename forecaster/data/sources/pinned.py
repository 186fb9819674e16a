"""Recorded versions of histories in place of the newest ones, so that a training can be repeated."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, OnlineSource, Source, SourceTraits
from forecaster.data.store import Store
from forecaster.data.store_versions import Version, store_path

__all__ = ["PinnedSource"]


class PinnedSource:
    """A source that gives histories as they were when a run used them.

    A history whose version the store lacks comes from the source itself, cut after the last row of the others.

    Args:
        source: The source.
        home: Project folder, with the store and what the source keeps itself.
        versions: Name of an instrument -> SHA-256 of its whole history.
    """

    traits: ClassVar[SourceTraits]

    def __init__(self, source: Source, home: Path, versions: Mapping[str, str]) -> None:
        self.traits = source.traits  # type: ignore[misc]  # those of the source in its place
        self.name = source.name
        self._source = source
        self._home = home
        self._hashes = dict(versions)
        self._pinned: dict[str, Loaded] | None = None

    def load(self, request: LoadRequest) -> Loaded:
        """The recorded history, or the one that the source has now.

        Raises:
            SourceError, UsageError: See `Source.load`.
            DamageError: The store is damaged.
        """
        if self._pinned is None:
            self._pinned = self._stored()
        name = request.instrument.canonical.name
        if name in self._pinned:
            return self._pinned[name]
        # Newer rows are of no use: only a source that has nothing without the network may ask it.
        network = request.network if isinstance(self._source, OnlineSource) else "never"
        loaded = self._source.load(dataclasses.replace(request, home=self._home, network=network))
        ends = [each.series.dates[-1] for each in self._pinned.values() if each.series.source == self.name]
        if not ends:
            return loaded
        return dataclasses.replace(loaded, series=_cut(loaded.series, max(ends)))

    def _stored(self) -> dict[str, Loaded]:
        """Name -> recorded history, of those that the store has."""
        path = store_path(self._home)
        if not path.exists():
            return {}
        with Store.open(path) as store:
            return {
                version_name: Loaded(store.load_version(version), store.findings(version))
                for version in store.all_versions()
                if (version_name := self._name_of(version)) is not None
            }

    def _name_of(self, version: Version) -> str | None:
        return next((name for name, sha256 in self._hashes.items() if sha256 == version.sha256), None)


def _cut(series: PriceSeries, end: np.datetime64) -> PriceSeries:
    return series.between(end=end) if series.dates[-1] > end else series
