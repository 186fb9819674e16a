import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import forecaster.data.sources
from forecaster.data.instruments import csv_instrument, parse_pair, parse_ticker
from forecaster.data.sources import SOURCES
from forecaster.data.sources.registry import default_source, get_source
from forecaster.errors import UsageError


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
