"""Recorded versions of histories in place of the newest ones, so that a training can be repeated."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, OnlineSource, Source, SourceTraits
from forecaster.data.store import Store
from forecaster.data.store_versions import store_path
from forecaster.errors import DataChangedError, SourceError, UsageError

__all__ = ["PinnedSource", "stored_histories"]


class PinnedSource:
    """A source that gives histories as they were when a run used them.

    A history whose version the store lacks comes from the source itself, cut after its last recorded row.

    Args:
        source: The source.
        home: Project folder, with the store and what the source keeps itself.
        versions: Name of an instrument -> SHA-256 of its whole history, of those that were put into the store.
        ends: Name -> last row, of the others; a name that is not here ends with the newest of all recorded rows.
    """

    traits: ClassVar[SourceTraits]

    def __init__(
        self,
        source: Source,
        home: Path,
        versions: Mapping[str, str],
        ends: Mapping[str, np.datetime64] | None = None,
    ) -> None:
        self.traits = source.traits  # type: ignore[misc]  # those of the source in its place
        self.name = source.name
        self._source = source
        self._home = home
        self._versions = dict(versions)
        self._ends = dict(ends or {})
        self._pinned: dict[str, Loaded] | None = None

    def load(self, request: LoadRequest) -> Loaded:
        """The recorded history, or the one that the source has now.

        Raises:
            SourceError, UsageError: See `Source.load`.
            DataChangedError: The store lacks a history that the user gave, and it is not there any more.
            DamageError: The store is damaged.
        """
        if self._pinned is None:
            self._pinned = stored_histories(self._home, self.name, self._versions)
        name = request.instrument.canonical.name
        if name in self._pinned:
            return self._pinned[name]
        end = self._end(name)
        loaded = self._newest_stored(request, end) or self._from_source(request, name)
        return dataclasses.replace(loaded, series=_cut(loaded.series, end))

    def _newest_stored(self, request: LoadRequest, end: np.datetime64 | None) -> Loaded | None:
        """The newest version in the store of a history that needs the network, if it reaches `end`."""
        source = self._source
        path = store_path(self._home)
        if end is None or not isinstance(source, OnlineSource) or not path.exists():
            return None
        with Store.open(path) as store:
            versions = store.versions(source.name, source.symbol(request.instrument))
            newest = store.load_version(versions[-1]) if versions else None
            if newest is None or newest.dates[-1] < end or newest.meta.get("endpoint") != source.endpoint:
                return None
            return Loaded(newest, store.findings(versions[-1]))

    def _from_source(self, request: LoadRequest, name: str) -> Loaded:
        online = isinstance(self._source, OnlineSource)
        if online and request.network == "never":
            raise SourceError(
                f"{store_path(self._home)} has no prices of {name} from {self.name} up to the end of the training, and "
                "--offline forbids to ask for them; load them with forecast data fetch"
            )
        # Newer rows are of no use: only a source that has nothing without the network may ask it.
        network = request.network if online else "never"
        try:
            return self._source.load(dataclasses.replace(request, home=self._home, network=network))
        except UsageError as error:
            if self.traits.is_given and name in self._versions:
                raise self._lost(name, error) from error
            raise

    def _end(self, name: str) -> np.datetime64 | None:
        """Last row of a history that the store lacks; None for one without an end."""
        if name in self._ends:
            return self._ends[name]
        recorded = [loaded.series.dates[-1] for loaded in (self._pinned or {}).values()]
        return max([*recorded, *self._ends.values()], default=None)

    def _lost(self, name: str, error: UsageError) -> DataChangedError:
        return DataChangedError(
            f"{store_path(self._home)} does not have the rows of {name} that the training used "
            f"(SHA-256 {self._versions[name][:12]}), and {error.messages[0].partition(';')[0]}; "
            "restore the store, or import a file that forecast runs export has written of the run"
        )


def stored_histories(home: Path, source: str, versions: Mapping[str, str]) -> dict[str, Loaded]:
    """Recorded histories of a source, of those that the store has.

    Args:
        home: Project folder.
        source: Registry key.
        versions: Name of an instrument -> SHA-256 of its whole history.
    """
    path = store_path(home)
    if not path.exists():
        return {}
    hashes = frozenset(versions.values())
    histories = {}
    with Store.open(path) as store:
        for version in store.all_versions():
            if version.source == source and version.sha256 in hashes:
                loaded = Loaded(store.load_version(version), store.findings(version))
                name = loaded.series.instrument.name
                if versions.get(name) == version.sha256:  # other histories may have the same rows
                    histories[name] = loaded
    return histories


def _cut(series: PriceSeries, end: np.datetime64 | None) -> PriceSeries:
    return series if end is None or series.dates[-1] <= end else series.between(end=end)
