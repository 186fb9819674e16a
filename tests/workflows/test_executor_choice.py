"""Options that say where fits are computed, and trainings whose fits are computed elsewhere."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import forecaster
from forecaster.environment import Environment
from forecaster.errors import NotEnoughDataError, UsageError
from forecaster.experiments.executors import InProcess, Processes, RayCluster
from forecaster.models.engine import Engine
from forecaster.workflows import executor_choice
from forecaster.workflows.executor_choice import engine_of, executor_of

CPU, GPU = Engine("jax", "cpu", "a test"), Engine("tensorflow", "gpu", "a test")
HERE = Environment()
TINY = {"model.training.steps": 10, "model.units": [6], "split.test_rows": 150, "split.validation_rows": 100}
DAYS = pd.bdate_range("2016-01-04", periods=900)
PRICES = 100 * np.exp(np.random.default_rng(3).normal(0, 0.01, len(DAYS)).cumsum())


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """An executor in the place of another one, which counts the sessions and what is sent to them."""

    sessions: list[Any]
    fails: Callable[[Any], bool] = lambda needed: False

    @contextlib.contextmanager
    def open(self, work: Any, shared: Any, tasks: int) -> Iterator[Any]:
        self.sessions.append(shared)

        def computed(shared: Any, task: int, progress: Any) -> Any:
            if self.fails(shared[task]):
                return NotEnoughDataError("too few rows for this kind")
            return work(shared, task, progress)

        with InProcess().open(computed, shared, tasks) as session:
            yield session


@pytest.fixture
def gold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Keywords of a training of a second."""
    for module in ("workflows.train", "experiments.run_comparison"):
        monkeypatch.setattr(f"forecaster.{module}.DEFAULT_BASELINES", ("garch", "ewma", "random_walk"))
    pd.DataFrame({"date": DAYS, "close": PRICES.round(6)}).to_csv(tmp_path / "gold.csv", index=False)
    return {"csv": tmp_path / "gold.csv", "horizon": 5, "set": TINY, "backend": "jax"}


def test_processes_are_as_many_as_asked_for_or_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_choice, "default_processes", lambda: 3)
    chosen = executor_of("local", None, None, CPU, HERE)
    assert isinstance(chosen, Processes)
    assert chosen.count == 3
    assert isinstance(executor_of("local", 1, None, CPU, HERE), InProcess)
    assert isinstance(executor_of("local", 2, None, GPU, HERE), InProcess)  # which this process has for itself


def test_a_cluster_gets_its_address_and_gpus() -> None:
    chosen = executor_of("ray", None, "10.0.0.1:6379", GPU, HERE, 0.25)
    assert isinstance(chosen, RayCluster)
    assert (chosen.address, chosen.jobs, chosen.gpus) == ("10.0.0.1:6379", None, 0.25)
    assert executor_of("ray", 3, None, GPU, HERE).gpus == 1  # type: ignore[attr-defined]
    assert executor_of("ray", 3, None, CPU, HERE).gpus == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dask", 1, None), "--executor dask is unknown; expected one of local, ray"),
        (("local", 0, None), "--jobs is 0; expected 1 or more"),
        (("local", 1, "host:1"), "--address is an option of Ray clusters; expected --executor ray"),
        (("local", 1, None, 0.5), "--gpu-share is an option of Ray clusters; expected --executor ray"),
        (("ray", 1, None, 1.5), "--gpu-share is 1.5; expected a share above 0 and up to 1"),
    ],
)
def test_wrong_options_are_one_line(arguments: tuple[Any, ...], message: str) -> None:
    name, jobs, address, *share = arguments
    with pytest.raises(UsageError, match=message):
        executor_of(name, jobs, address, CPU, HERE, *share)


def test_a_gpu_of_a_cluster_is_not_looked_for_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_choice, "use_engine", lambda backend, device: Engine(backend, device, "here"))
    assert engine_of("ray", "auto", "gpu") == Engine("tensorflow", "gpu", "as asked, on the cluster")
    assert engine_of("ray", "jax", "gpu").backend == "jax"
    assert engine_of("local", "jax", "gpu").reason == "here"


def test_a_training_on_a_cluster_has_the_same_weights(
    gold: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: list[Any] = []
    here = forecaster.train(**gold, home=tmp_path / "here")
    monkeypatch.setattr(executor_choice, "RayCluster", lambda *_: Elsewhere(sessions))
    there = forecaster.train(**gold, home=tmp_path / "there", executor="ray")
    assert len(sessions) == 1
    assert (there.run.folder / "weights.npz").read_bytes() == (here.run.folder / "weights.npz").read_bytes()
    assert there.scores == here.scores
    again = forecaster.train(**gold, refit=True, home=tmp_path / "there", executor="ray")
    assert again.weights_of == there.run.id
    assert len(sessions) == 2  # the refit alone


@pytest.mark.slow
def test_kinds_are_fitted_in_one_session_and_one_that_fails_leaves_the_others(
    gold: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("lstm", "gru", "linear")
    monkeypatch.setattr("forecaster.workflows.kind_trainings.network_names", lambda: kinds)
    executor = Elsewhere([], lambda needed: needed.config.kind == "gru")
    monkeypatch.setattr(executor_choice, "Processes", lambda *_: executor)
    settings = {**TINY, "model.training.steps": 2}
    del settings["model.units"]
    compared = forecaster.compare(**{**gold, "set": settings}, kinds="all", home=tmp_path, jobs=2)
    assert [[needed.config.kind for needed in shared] for shared in executor.sessions] == [list(kinds)]
    assert compared.left_out == {"gru": "too few rows for this kind"}
    runs = [model.run for model in compared.models if model.run is not None]
    assert {run.manifest.model.model for run in runs} == {"lstm", "linear"}
    assert all(run.manifest.seconds["fit"] > 0 for run in runs)


def test_a_cluster_is_reported_once_however_often_it_is_opened() -> None:
    notes: list[str] = []
    executor = executor_of("ray", 2, None, CPU, Environment(note=notes.append))
    assert isinstance(executor, RayCluster)
    for text in ("executor: Ray", "executor: Ray", "a machine was lost", "executor: Ray"):
        executor.note(text)
    assert notes == ["executor: Ray", "a machine was lost"]
