"""Batches of forecasts: what other processes receive and give back."""

import pickle
from pathlib import Path

import pytest
from run_copies import copy_run

from forecaster import errors
from forecaster.experiments.forecast_batches import LoadedRuns
from forecaster.experiments.runs import read_run

ERRORS = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


def test_a_run_is_read_once_and_never_sent(tmp_path: Path) -> None:
    copy_run(tmp_path)
    (folder,) = tmp_path.iterdir()
    runs = LoadedRuns()
    run = read_run(folder)
    runs.add(run)
    assert runs.get(folder) is run
    sent = pickle.dumps(runs)
    assert len(sent) < 200
    received = pickle.loads(sent)
    assert received.get(folder) is not run
    assert received.get(folder).manifest == run.manifest


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_comes_back_as_it_was(kind: type[errors.ForecasterError]) -> None:
    error = pickle.loads(pickle.dumps(kind("first", "second")))
    assert type(error) is kind
    assert error.messages == ("first", "second")
