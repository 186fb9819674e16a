"""Daily stock indices installed with the package arch: real histories with ranges and volume, offline.

The files are opened by their path; importing arch itself would take a second.
"""

import csv
import datetime
import gzip
import hashlib
import importlib.metadata
import importlib.util
import io
import zlib
from pathlib import Path

import numpy as np

from forecaster.arrays import DateArray, FloatArray
from forecaster.data.instruments import shown
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.options import SourceOptions, parse_options
from forecaster.errors import SourceError, UsageError

__all__ = ["SAMPLES", "SampleSource"]

# Ticker -> folder and file inside arch.data.
SAMPLES = {"NASDAQ": "nasdaq/nasdaq.csv.gz", "SP500": "sp500/sp500.csv.gz"}
_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
}


class SampleSource:
    """S&P 500 and NASDAQ Composite, 1999 to 2018, with open, high, low, close and volume."""

    name = "sample"
    traits = SourceTraits(calendar="XNYS")

    def load(self, request: LoadRequest) -> Loaded:
        """The whole history of one index.

        Raises:
            UsageError: There is no such sample, or an option is given.
            SourceError: arch is not installed, or its file is damaged.
        """
        parse_options(SourceOptions, request.options, self.name)  # it has none
        name = request.instrument.name
        if name not in SAMPLES:
            raise UsageError(
                f"source 'sample' has no {shown(name)}; expected one of {', '.join(SAMPLES)}; use --ticker SP500"
            )
        path = _folder() / SAMPLES[name]
        try:
            content = path.read_bytes()
            dates, columns = _parse(gzip.decompress(content).decode())
        except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
            raise SourceError(
                f"{path.name} of the package arch cannot be read: {error}; "
                "expected dates and prices; run: pip install --force-reinstall arch"
            ) from error
        series = PriceSeries(
            instrument=request.instrument,
            source=self.name,
            symbol=name,
            dates=dates,
            columns=columns,
            meta={"arch": importlib.metadata.version("arch"), "sha256": hashlib.sha256(content).hexdigest()},
        )
        return Loaded(series)


def _folder() -> Path:
    spec = importlib.util.find_spec("arch")
    if spec is None or spec.origin is None:
        raise SourceError("the sample indices are not installed; expected the package arch; run: pip install arch")
    return Path(spec.origin).parent / "data"


def _parse(text: str) -> tuple[DateArray, dict[str, FloatArray]]:
    """Dates (T,) and columns (T,) of a file whose days are written as month/day/year."""
    rows = list(csv.DictReader(io.StringIO(text)))
    days = [
        datetime.date(int(year), int(month), int(day)) for month, day, year in (_split(row["Date"]) for row in rows)
    ]
    dates = np.array(days, dtype="datetime64[D]")
    return dates, {name: np.array([float(row[column]) for row in rows]) for column, name in _COLUMNS.items()}


def _split(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != 3:
        raise ValueError(f"{text!r} is no date")
    return parts
