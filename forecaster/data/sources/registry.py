"""Sources by name: their classes, their traits, and the ones that a command has open."""

import contextlib
import difflib
import importlib
from collections.abc import Iterator, Mapping

from forecaster.data.instruments import SYNTHETIC_NAMES, Instrument, shown
from forecaster.data.sources import NAMED_SOURCES, SOURCES
from forecaster.data.sources.base import Source, SourceTraits
from forecaster.errors import SourceError, UnreachableError, UsageError

__all__ = ["AUTO", "OpenSources", "chosen_source", "default_source", "get_source", "source_traits"]

AUTO = "auto"
"""Instead of a source's name: the default source of the instrument."""

_MAX_UNANSWERED = 2  # requests in a row without an answer, after which a source is not asked again


def get_source(name: str) -> Source:
    """A new source object. Keep it while loading several series: it caches parsed files and answers.

    Raises:
        UsageError: No source has that name.
    """
    if name not in SOURCES:
        nearest = difflib.get_close_matches(name[:64], NAMED_SOURCES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise UsageError(f"source {shown(name)} is unknown; expected one of {', '.join(sorted(NAMED_SOURCES))}{hint}")
    return _source_class(name)()


def _source_class(name: str) -> type[Source]:
    module, _, class_name = SOURCES[name].partition(":")
    source: type[Source] = getattr(importlib.import_module(module), class_name)
    return source


def source_traits(name: str) -> SourceTraits:
    """Traits of the source `name`; plain ones for a name that is not registered, such as that of an old run."""
    return _source_class(name).traits if name in SOURCES else SourceTraits()


def default_source(instrument: Instrument) -> str:
    """Name of the source of an instrument when the user names none."""
    if instrument.kind == "ticker":
        return "synthetic" if instrument.name in SYNTHETIC_NAMES else "yahoo"
    return "ecb" if instrument.kind == "pair" else instrument.kind


def chosen_source(name: str, instrument: Instrument) -> str:
    """`name`, or the default source of `instrument` where it is `AUTO`."""
    return default_source(instrument) if name == AUTO else name


class OpenSources:
    """Sources that are open during one command, each opened once; one that does not answer is not asked again.

    Args:
        sources: Sources that are open already, by name.
    """

    def __init__(self, sources: Mapping[str, Source] | None = None) -> None:
        self._sources = dict(sources or {})
        self._unanswered: dict[str, int] = {}

    def open(self, name: str) -> Source:
        """The source `name`, opened at the first call.

        Raises:
            UsageError: No source has that name.
        """
        if name not in self._sources:
            self._sources[name] = get_source(name)
        return self._sources[name]

    @contextlib.contextmanager
    def replaced(self, name: str, source: Source) -> Iterator[None]:
        """Give `source` in place of the source `name` within the block."""
        before = self.open(name)
        self._sources[name] = source
        try:
            yield
        finally:
            self._sources[name] = before

    def record(self, name: str, failure: SourceError | None) -> None:
        """Count a request that the source `name` did not answer; any answer ends the count."""
        unanswered = isinstance(failure, UnreachableError)
        self._unanswered[name] = self._unanswered.get(name, 0) + 1 if unanswered else 0

    def is_silent(self, name: str) -> bool:
        """True if the source `name` has not answered twice in a row."""
        return self._unanswered.get(name, 0) >= _MAX_UNANSWERED
