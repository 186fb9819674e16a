"""Registry of the sources of prices. A source is added by one file in this folder and one line in `SOURCES`."""

import difflib
import importlib

from forecaster.data.instruments import SYNTHETIC_NAMES, Instrument, shown
from forecaster.data.sources.base import LoadRequest, Network, OnlineSource, Source
from forecaster.errors import UsageError

__all__ = ["SOURCES", "LoadRequest", "Network", "OnlineSource", "Source", "default_source", "get_source"]

SOURCES: dict[str, str] = {
    "csv": "forecaster.data.sources.csv_file:CsvSource",
    "ecb": "forecaster.data.sources.ecb:EcbSource",
    "sample": "forecaster.data.sources.sample:SampleSource",
    "synthetic": "forecaster.data.sources.synthetic:SyntheticSource",
    "yahoo": "forecaster.data.sources.yahoo:YahooSource",
}
"""Name -> ``module:class``, imported when it is first asked for."""


def get_source(name: str) -> Source:
    """A new source object. Keep it while loading several series: it remembers what it has parsed.

    Raises:
        UsageError: No source has that name.
    """
    if name not in SOURCES:
        nearest = difflib.get_close_matches(name[:64], SOURCES, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise UsageError(f"source {shown(name)} is unknown; expected one of {', '.join(sorted(SOURCES))}{hint}")
    module, _, class_name = SOURCES[name].partition(":")
    source: Source = getattr(importlib.import_module(module), class_name)()
    return source


def default_source(instrument: Instrument) -> str:
    """Name of the source to use when the user names none."""
    if instrument.kind == "ticker":
        return "synthetic" if instrument.name in SYNTHETIC_NAMES else "yahoo"
    return "ecb" if instrument.kind == "pair" else "csv"
