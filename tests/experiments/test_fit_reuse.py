"""Fits of equal key are reused, others are not."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.data.instruments import Instrument
from forecaster.data.series import DIFFERENCES, Panel, PriceSeries
from forecaster.evaluation.splits import Split
from forecaster.experiments.fit_reuse import fit_key
from forecaster.models.engine import Engine

DATES = np.arange("2020-01-01", "2020-01-09", dtype="datetime64[D]")
SERIES = PriceSeries(Instrument("csv", "a"), "csv", "a", DATES, {"close": np.arange(1.0, 9.0)})


def key(series: PriceSeries) -> str:
    day = DATES[-1]
    engine = Engine("jax", "cpu", "chosen by a test")
    return fit_key(load_config(), Panel((series,)), Split(day, day), engine, "1")


@pytest.mark.parametrize(
    "changes",
    [
        {"meta": {DIFFERENCES: "yes"}},
        {"meta": {"calendar": "NYSE"}},
        {"instrument": Instrument("ticker", "a")},
        {"columns": {"close": np.arange(2.0, 10.0)}},
        {"frequency": "1wk"},
    ],
)
def test_whatever_changes_the_weights_changes_the_key(changes: dict[str, Any]) -> None:
    assert key(dataclasses.replace(SERIES, **changes)) != key(SERIES)


def test_the_spelling_of_a_symbol_changes_nothing() -> None:
    assert key(dataclasses.replace(SERIES, symbol="A")) == key(SERIES)
