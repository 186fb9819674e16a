"""Sources of prices. A source is added by one file in this folder and one line in `SOURCES`.

This module is imported for ``--help``, so it imports nothing; `registry` opens sources by name.
"""

__all__ = ["NAMED_SOURCES", "SOURCES"]

SOURCES: dict[str, str] = {
    "csv": "forecaster.data.sources.csv_file:CsvSource",
    "ecb": "forecaster.data.sources.ecb:EcbSource",
    "memory": "forecaster.data.sources.memory:MemorySource",
    "sample": "forecaster.data.sources.sample:SampleSource",
    "synthetic": "forecaster.data.sources.synthetic:SyntheticSource",
    "yahoo": "forecaster.data.sources.yahoo:YahooSource",
}
"""Name -> ``module:class``, imported on first use."""

NAMED_SOURCES = tuple(name for name in SOURCES if name != "memory")
"""Sources that a command line or a configuration may name; a history in memory is given by a Python program."""
