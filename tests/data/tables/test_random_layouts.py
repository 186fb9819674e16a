"""Property: a history in a random layout reads back exactly, or is refused; no value is ever wrong."""

import datetime
from collections import Counter
from pathlib import Path

import pytest
from random_layouts import File, random_file

from forecaster.data.instruments import csv_instrument
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.errors import InputFileError

TODAY = datetime.date(2026, 11, 20)
MAX_REFUSED = 0.12


def outcome(file: File, folder: Path) -> str:
    """``read`` or ``refused``; a wrong value is an assertion error."""
    path = folder / file.name
    path.write_bytes(file.content)
    request = LoadRequest(csv_instrument(path), folder, TODAY)
    try:
        series = get_source("csv").load(request).series
    except InputFileError:
        return "refused"
    assert series.dates.astype(datetime.date).tolist() == file.dates, file.description
    assert series.close.tolist() == file.close, file.description
    return "read"


@pytest.mark.parametrize("block", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_random_layout_has_no_wrong_value(tmp_path: Path, block: int) -> None:
    seeds = range(300) if block == 0 else range(300, 2_000)
    outcomes = Counter(outcome(random_file(seed), tmp_path) for seed in seeds)
    assert outcomes["refused"] <= MAX_REFUSED * len(seeds), outcomes
