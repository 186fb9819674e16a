"""The setting in which a training is repeated: its day, its sources, its engine."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from run_copies import copy_run

from forecaster.config import Config
from forecaster.data.sources.pinned import PinnedSource
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.experiments.recorded_data import recorded_selection, recorded_versions
from forecaster.experiments.runs import find_run
from forecaster.models.engine import Engine, engine_settings
from forecaster.workflows.replay import replay


def repeated(home: Path, monkeypatch: pytest.MonkeyPatch, **keywords: Any) -> tuple[Config, Selection, Environment]:
    """The arguments of the training that a replay starts."""
    given: list[tuple[Config, Selection, Environment]] = []

    def stop(config: Config, choice: Selection, environment: Environment, accept: object) -> None:
        given.append((config, choice, environment))
        raise UsageError("enough")

    monkeypatch.setattr("forecaster.workflows.replay.run_training", stop)
    with pytest.raises(UsageError, match="enough"):
        replay(run="latest", home=home, **keywords)
    return given[0]


@pytest.mark.parametrize(
    ("created", "day"),
    [
        ("2020-09-16T20:00:00+00:00", datetime.date(2020, 9, 16)),
        ("2020-09-17T00:00:09+00:00", datetime.date(2020, 9, 16)),  # it began 10 seconds before
        ("", Environment().today),
    ],
)
def test_a_replay_happens_on_the_day_of_the_training(
    created: str, day: datetime.date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week that was not over then is not over now."""
    copy_run(tmp_path / "runs", created=created, seconds={"total": 10.0})
    _, _, environment = repeated(tmp_path, monkeypatch)
    assert environment.today == day
    assert environment.home != tmp_path


def test_a_replay_may_use_another_engine_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, online: None
) -> None:
    copy_run(tmp_path / "runs")
    config, choice, _ = repeated(tmp_path, monkeypatch)
    assert (config.backend, choice.network) == ("jax", "auto")
    config, choice, _ = repeated(tmp_path, monkeypatch, backend="tensorflow", device="cpu", offline=True)
    assert (config.backend, config.device, choice.network) == ("tensorflow", "cpu", "never")


def test_covariates_are_those_of_the_training_whatever_their_source(tmp_path: Path) -> None:
    member, covariate, inverse = "1" * 64, "2" * 64, "3" * 64
    inputs = [
        {"name": "vix", "series": f"csv/vix/1d@{covariate[:12]}", "sha256": covariate, "last": "2020-01-31"},
        {"name": "CHFUSD", "series": f"yahoo/CHF=X/1d@{inverse[:12]}", "sha256": inverse, "last": "2020-01-31"},
        {"name": "cpi", "series": str(tmp_path / "cpi.csv"), "sha256": "4" * 64, "last": "2020-01-31"},
    ]
    stored = {"EURUSD": member, "vix": covariate, "USDCHF": inverse}
    for facts in inputs:
        facts |= {"rows": 9, "first": "2020-01-01", "lag": 1, "known_sha256": "5" * 64}  # type: ignore[operator]
    copy_run(tmp_path / "runs", stored=stored, inputs=inputs)
    run = find_run(tmp_path / "runs", "latest")
    versions = recorded_versions(run)
    assert versions["csv"] == {"vix": covariate}
    assert versions["yahoo"] == {"USDCHF": inverse}
    assert versions["ecb"]["EURUSD"] == member
    opened = recorded_selection(run, run.config, tmp_path).opened
    assert {name: type(source) for name, source in opened.items()} == dict.fromkeys(versions, PinnedSource)
    for changes in ({"inputs": ("other.csv",)}, {"csv": ("other.csv",)}, {"name": "other"}):
        renamed = run.config.model_copy(update={"data": run.config.data.model_copy(update=changes)})
        assert set(recorded_selection(run, renamed, tmp_path).opened) == {"ecb", "yahoo"}  # files are read anew
    other = run.config.model_copy(update={"data": run.config.data.model_copy(update={"options": {"rows": 9}})})
    assert recorded_selection(run, other, tmp_path).opened == {}


def test_settings_that_change_bits_are_recorded_where_they_are_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XLA_FLAGS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert engine_settings(Engine("jax", "cpu", "")) == {"OPENBLAS_NUM_THREADS": "5"}
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # as in the command line
    assert engine_settings(Engine("jax", "cpu", "")) == {}
    assert engine_settings(Engine("tensorflow", "cpu", "")) == {"threads": "3"}
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    assert engine_settings(Engine("tensorflow", "gpu", "")) == {"TF_ENABLE_ONEDNN_OPTS": "1"}
