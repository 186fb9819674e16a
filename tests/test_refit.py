"""A refit learns from all rows and keeps what the validation of the fit before it decided."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from forecaster.config import load_config
from forecaster.data.instruments import parse_ticker
from forecaster.data.series import Panel
from forecaster.data.sources.base import LoadRequest
from forecaster.data.sources.registry import get_source
from forecaster.evaluation.splits import whole_history
from forecaster.models.engine import use_engine
from forecaster.pipeline import fit, forecaster_of

TINY = {
    "lstm": ["model.units=[3]", "model.training.steps=10"],
    "classic": ["model.kind=classic", "model.units=[3]", "model.epochs=1", "model.context_length=10"],
}


@pytest.mark.parametrize(
    ("kind", "fact", "decided"),
    [("lstm", "location_steps", [5]), ("classic", "spread", [[float(level) for level in range(-4, 5)]] * 4)],
)
def test_decided_facts_are_carried_over(kind: str, fact: str, decided: object) -> None:
    use_engine("jax", "cpu")
    request = LoadRequest(parse_ticker("random_walk"), Path(), datetime.date(2021, 1, 1), {"rows": 700})
    panel = Panel((get_source("synthetic").load(request).series,))
    config = load_config(None, [*TINY[kind], "horizon=5"])
    everything = whole_history([one.dates[-1] for one in panel])
    fitted = fit(forecaster_of(config), panel, everything, config, chosen={fact: decided})
    assert fitted.report.chosen[fact] == decided
    forecasts = fitted.forecast(panel.series[0], np.array([699]))
    assert np.isfinite(forecasts.scaled).all()
