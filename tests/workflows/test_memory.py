"""Histories in memory: train on rows of a Python program, then forecast from later rows of the same history."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecaster.config import load_config
from forecaster.data.sources.memory import memory_history
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.experiments.run_selection import RunQuery, select_runs
from forecaster.workflows.train import run_training

DAYS = pd.bdate_range("2016-01-04", periods=1500)
PRICES = pd.Series(100 * np.exp(np.random.default_rng(3).normal(0, 0.01, 1500).cumsum()), DAYS, name="gold")
CONFIG = load_config(None, ["universe=none", "backend=jax", "model.training.steps=10", "model.units=[6]"])


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    noon = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    return Environment(home=tmp_path, clock=lambda: noon)


def selection(prices: pd.Series) -> Selection:
    return Selection(history=memory_history(prices))


def test_a_run_forecasts_a_later_history_that_begins_with_its_rows(environment: Environment) -> None:
    result = run_training(CONFIG, selection(PRICES[:1360]), environment)
    run = result.run
    assert (run.source, run.config.data.source, run.config.data.name) == ("memory", "memory", "gold")
    assert result.next_command == "predict(history=...), in Python"
    (selected,) = select_runs(selection(PRICES), RunQuery(), environment)
    assert selected.run.id == run.id
    assert selected.series.dates[-1] == DAYS[-1]
    assert any("; old: 140 business days" in note for note in selected.notes())
    assert not any("; old" in note for note in selected.until(DAYS[1380].date()).notes())
    (again,) = select_runs(selection(PRICES), RunQuery(run_id=run.id), environment)
    assert again.run.id == run.id
    revised = PRICES.copy()
    revised.iloc[100] *= 1.01
    (served,) = select_runs(selection(revised), RunQuery(), environment)
    assert served.run.id == run.id
    assert any("gold has changed since the training" in note for note in served.notes())
    (served,) = select_runs(selection(PRICES.round(2)), RunQuery(), environment)
    assert any("prices rounded otherwise; train again" in note for note in served.notes())
    changed = 1.0 / PRICES
    message = rf"no run in .* fits gold; run {run.id} was trained on other prices of that name .*: train\(history=...\)"
    with pytest.raises(RunNotFoundError, match=message):
        select_runs(selection(changed), RunQuery(), environment)
    with pytest.raises(RunNotFoundError, match="fits silver"):
        select_runs(selection(PRICES.rename("silver")), RunQuery(), environment)
    with pytest.raises(UsageError, match="expected a history from Python"):
        select_runs(Selection(), RunQuery(run_id=run.id), environment)
