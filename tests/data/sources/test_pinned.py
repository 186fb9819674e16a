"""Recorded versions of histories: those of the store, else those of the source up to the recorded end."""

import dataclasses
from pathlib import Path

import numpy as np
import oracles
import pytest

from forecaster.data.instruments import Instrument, csv_instrument
from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.csv_file import CsvSource
from forecaster.data.sources.pinned import PinnedSource
from forecaster.data.store import Store
from forecaster.data.store_versions import store_path
from forecaster.environment import Environment
from forecaster.errors import DataChangedError, InputFileError, SourceError, UnreachableError

TODAY = Environment().today


def history(name: str, seed: int, source: str = "csv", rows: int = 60) -> PriceSeries:
    series = oracles.walk(rows, seed=seed)
    return dataclasses.replace(series, instrument=Instrument("ticker", name), symbol=name, source=source)


class Server:
    """A source that has nothing without the network."""

    name = "yahoo"
    endpoint = None
    traits = SourceTraits(grows=True)

    def __init__(self, series: PriceSeries | None = None) -> None:
        self.series = series
        self.requests = 0

    def symbol(self, instrument: Instrument) -> str:
        return instrument.name

    def load(self, request: LoadRequest) -> Loaded:
        self.requests += 1
        if self.series is None:
            raise UnreachableError("nobody answers")
        return Loaded(self.series)


def keep(home: Path, *histories: PriceSeries) -> None:
    store_path(home).parent.mkdir(parents=True, exist_ok=True)
    with Store.open(store_path(home)) as store:
        for series in histories:
            store.save(series)


def request(series: PriceSeries, home: Path, network: str = "auto") -> LoadRequest:
    return LoadRequest(series.instrument, home, TODAY, network=network)  # type: ignore[arg-type]


def test_the_recorded_version_is_given_among_equal_rows_of_others(tmp_path: Path) -> None:
    wanted = history("m", 1)
    others = [dataclasses.replace(wanted, instrument=Instrument("ticker", name), symbol=name) for name in ("a", "z")]
    elsewhere = dataclasses.replace(wanted, source="yahoo")
    keep(tmp_path, *others, wanted, elsewhere, history("m", 2))
    source = PinnedSource(CsvSource(), tmp_path, {"m": wanted.sha256})
    given = source.load(request(wanted, tmp_path)).series
    assert (given.name, given.symbol) == (wanted.name, "m")


def test_a_lost_file_is_a_difference_and_an_unknown_one_a_mistake(tmp_path: Path) -> None:
    source = PinnedSource(CsvSource(), tmp_path, {"gone": "0" * 64})
    gone = LoadRequest(csv_instrument(tmp_path / "gone.csv", None), tmp_path, TODAY)
    with pytest.raises(
        DataChangedError, match=r"the rows of gone that .* does not exist; restore the store, or import"
    ):
        source.load(gone)
    with pytest.raises(InputFileError, match="does not exist"):
        source.load(LoadRequest(csv_instrument(tmp_path / "new.csv", None), tmp_path, TODAY))


def test_rows_of_the_source_end_with_the_recorded_ones(tmp_path: Path) -> None:
    series = history("m", 1, "yahoo")
    end = series.dates[40]
    server = Server(series)
    source = PinnedSource(server, tmp_path, {}, {"m": end})
    assert source.load(request(series, tmp_path)).series.dates[-1] == end
    keep(tmp_path, series)
    assert source.load(request(series, tmp_path, "never")).series.dates[-1] == end
    assert server.requests == 1
    keep(tmp_path, history("m", 1, "yahoo", rows=30))
    with pytest.raises(SourceError, match="--offline forbids"):
        source.load(request(series, tmp_path, "never"))
    assert server.requests == 1


def test_without_a_recorded_end_all_rows_are_given(tmp_path: Path) -> None:
    series = history("m", 1, "yahoo")
    source = PinnedSource(Server(series), tmp_path, {})
    assert np.array_equal(source.load(request(series, tmp_path)).series.dates, series.dates)
