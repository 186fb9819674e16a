import datetime
import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import forecaster.data.sources
from forecaster.data.calendars import future_dates
from forecaster.data.instruments import csv_instrument, parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.sources import SOURCES
from forecaster.data.sources.base import Loaded, LoadRequest, SourceTraits
from forecaster.data.sources.registry import OpenSources, default_source, get_source, source_traits
from forecaster.errors import SourceError, UnreachableError, UsageError


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_registered_source_loads_and_knows_its_name(name: str) -> None:
    assert get_source(name).name == name
    module, _, class_name = SOURCES[name].partition(":")
    assert class_name in importlib.import_module(module).__all__


def test_unknown_source() -> None:
    with pytest.raises(
        UsageError,
        match=r"source 'ebc' is unknown; expected one of csv, ecb, sample, synthetic, yahoo; did you mean ecb\?",
    ):
        get_source("ebc")


def test_default_sources() -> None:
    assert default_source(parse_pair("USDJPY")) == "ecb"
    assert default_source(csv_instrument(Path("a.csv"))) == "csv"
    assert default_source(parse_ticker("AAPL")) == "yahoo"
    assert default_source(parse_ticker("sine")) == "synthetic"


def test_a_pair_and_a_file_need_none_of_the_heavy_packages(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,close\n2024-01-01,1\n2024-01-02,2\n")
    code = """
import datetime, pathlib, sys
from forecaster.data.instruments import csv_instrument, parse_pair
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
today = datetime.date(2026, 11, 20)
get_source("ecb").load(LoadRequest(parse_pair("USDJPY"), pathlib.Path(), today)).series
get_source("csv").load(LoadRequest(csv_instrument(pathlib.Path(sys.argv[1])), pathlib.Path(), today)).series
heavy = {"pandas", "scipy", "currency_converter", "holidays", "keras", "yfinance"}
print(sorted(heavy & set(sys.modules)))
"""
    package = Path(forecaster.data.sources.__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.csv")], capture_output=True, text=True, cwd=package, check=True
    )
    assert done.stdout.strip() == "[]"


class Toy:
    """A source as it would stand in a file of its own."""

    name = "toy"
    traits = SourceTraits(description="made by a test", calendar="XNYS")

    def load(self, request: LoadRequest) -> Loaded:
        dates = np.array(["2024-07-02", "2024-07-03"], dtype="datetime64[D]")
        series = PriceSeries(request.instrument, "toy", request.instrument.name, dates, {"close": np.array([1.0, 2.0])})
        return Loaded(series)


def test_a_source_is_added_by_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "toy_source", SimpleNamespace(ToySource=Toy))  # type: ignore[arg-type]
    monkeypatch.setitem(SOURCES, "toy", "toy_source:ToySource")
    loaded = get_source("toy").load(LoadRequest(parse_ticker("AAPL"), Path(), datetime.date(2026, 1, 2)))
    assert source_traits("toy").description == "made by a test"
    assert future_dates(loaded.series, 1).astype(str).tolist() == ["2024-07-05"]  # the Fourth of July is a holiday


def test_a_source_that_is_no_longer_registered_has_plain_traits() -> None:
    assert source_traits("gone") == SourceTraits()


def test_a_source_is_opened_once_and_silent_after_two_requests_without_an_answer() -> None:
    sources = OpenSources()
    assert sources.open("ecb") is sources.open("ecb")
    away = UnreachableError("away")
    for failures, silent in (([away], False), ([away, None, away], False), ([away, SourceError("no"), away], False),
                             ([None, away, away], True)):  # fmt: skip
        sources = OpenSources()
        for failure in failures:
            sources.record("ecb", failure)
        assert sources.is_silent("ecb") is silent
        assert not sources.is_silent("yahoo")
