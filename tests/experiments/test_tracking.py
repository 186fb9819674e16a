"""Tracking: what is told about a run, a store that several begin at once, and failures that cost nothing."""

import contextlib
import importlib.util
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from short_trainings import TINY

from forecaster.config import load_config, recorded_config
from forecaster.errors import ConfigError, UsageError
from forecaster.experiments.mlflow_tracker import EXPERIMENT, MlflowTracker
from forecaster.experiments.runs import Run, list_runs
from forecaster.experiments.tracker_choice import STORE, URI_VARIABLE, tracker_of, tracking_location
from forecaster.experiments.tracking import NoTracker, TrackedMetric, TrackedRun, tracked_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # packages below MLflow, about one another

SHORT = ("train", "--pair", "USDJPY", *TINY, "--end", "2020-12-31", "--offline", "--set", "data.start=2008-01-01")
MLFLOW = ("--set", "tracking=mlflow")


@pytest.fixture
def run(trained_once: Path) -> Run:
    return next(run for run in list_runs(trained_once / "runs").runs if run.source == "ecb")


def test_a_run_is_told_with_everything_that_decides_it(run: Run) -> None:
    recorded = tracked_run(run)
    assert recorded.name == recorded.tags["run_id"] == run.id
    assert recorded.tags["folder"] == str(run.folder.resolve())
    assert recorded.tags["version.forecaster"]
    assert (recorded.parameters["seed"], recorded.parameters["model.units"]) == (0, [6])
    assert {each.sha256 for each in recorded.data} == {facts.sha256 for facts in run.manifest.data.members.values()}
    scores = {(each.name, each.step): each.value for each in recorded.metrics}
    crps = {score["step"]: score["crps"]["lstm"] for score in run.manifest.scores.scores if score["part"] == "test"}
    assert set(crps) == {1, 5, 10, 20}
    assert {step: scores["crps", step] for step in crps} == pytest.approx(crps, rel=1e-6)
    losses = [each for each in recorded.metrics if each.name == "curve/loss"]
    assert [each.step for each in losses] == [int(row["step"]) for row in run.history()]
    assert recorded.seconds == run.manifest.seconds["total"]


def test_nothing_is_tracked_unless_it_is_asked_for(tmp_path: Path) -> None:
    tracker = tracker_of(load_config(), tmp_path, pytest.fail)
    assert isinstance(tracker, NoTracker)
    facts = TrackedRun("a", {}, [])
    assert tracker.record(facts) is None
    tracker.close_group(tracker.open_group(facts), facts)
    assert "mlflow" not in {name.partition(".")[0] for name in sys.modules} or list(tmp_path.iterdir()) == []


def test_a_run_does_not_record_where_it_is_tracked() -> None:
    config = load_config(None, ["tracking=mlflow", "tracking_uri=http://127.0.0.1:1"])
    assert "tracking" not in recorded_config(config)
    assert load_config(config).tracking_uri == "http://127.0.0.1:1"


def test_the_store_is_that_of_the_configuration_the_environment_or_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    assert tracking_location(load_config(), tmp_path) == f"sqlite:///{tmp_path / STORE}"
    monkeypatch.setenv(URI_VARIABLE, "http://me:secret@tracking.example")
    assert tracking_location(load_config(), tmp_path) == "http://me:secret@tracking.example"
    config = load_config(None, ["tracking_uri=https://other.example"])
    assert tracking_location(config, tmp_path) == "https://other.example"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mlruns", "expected http://HOST:PORT"),
        ("file:///runs", "expected http://HOST:PORT"),
        ("http://me:secret@host", "expected no user or password here"),
        ("postgresql://me:secret@host/runs", "expected no user or password here"),
    ],
)
def test_a_wrong_uri_is_refused(uri: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, [f"tracking_uri={uri}"])


def test_a_missing_package_is_one_line_before_the_training(
    forecast: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mlflow" else find(name))
    result = forecast(*SHORT, *MLFLOW, "--home", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "error: tracking: mlflow needs mlflow; install with pip install 'forecaster[track]', or set tracking=none"
    )
    assert not (tmp_path / "data").exists()


def test_the_skinny_package_cannot_open_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "alembic" else find(name))
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    config = load_config(None, ["tracking=mlflow"])
    with pytest.raises(UsageError, match="needs alembic"):
        tracker_of(config, tmp_path, pytest.fail)
    tracker_of(load_config(config, ["tracking_uri=http://127.0.0.1:1"]), tmp_path, pytest.fail)


def test_a_failure_is_one_warning_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(uri: str) -> None:
        raise ConnectionError(f"no answer from {uri}\n" + "x" * 1000)

    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", refuse)
    notes: list[str] = []
    tracker = MlflowTracker("http://me:secret@127.0.0.1:9", tmp_path, notes.append)
    facts = TrackedRun("trial", {}, [])
    assert tracker.record(facts) is None
    assert tracker.open_group(facts) is None
    (warning,) = notes
    assert warning.startswith("warning: tracking of trial at http://127.0.0.1:9 failed: no answer from http://127")
    assert "secret" not in warning
    assert "\n" not in warning
    assert len(warning) < 400


def failure(uri: str, folder: Path) -> str:
    notes: list[str] = []
    assert MlflowTracker(uri, folder, notes.append).record(TrackedRun("trial", {}, [])) is None
    (warning,) = notes
    return warning.partition(" failed: ")[2].partition(";")[0]


def test_a_store_that_cannot_be_written_is_refused_before_mlflow_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow opens it ten times within two minutes and writes two lines about each."""
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", pytest.fail)
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker.MAX_BUSY_SECONDS", 0.05)
    (tmp_path / "text.db").write_text("no database, but some text that is longer than a header\n" * 9, encoding="utf-8")
    (tmp_path / "folder.db").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "busy.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        reasons = {name: failure(f"sqlite:///{tmp_path}/{name}.db", tmp_path) for name in ("text", "folder", "busy")}
    assert reasons == {
        "text": "file is not a database",
        "folder": "unable to open database file",
        "busy": "database is locked",
    }


def test_the_first_cause_of_a_failure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(uri: str) -> None:
        try:
            raise ConnectionRefusedError("Connection refused") from KeyError("pool")
        except OSError as error:
            raise RuntimeError("API request failed with " + "many words " * 100) from error

    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", refuse)
    assert failure("http://127.0.0.1:9", tmp_path) == "Connection refused"


def test_a_server_that_never_finishes_its_answer_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte of an answer begins the time of a request anew."""
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker.MAX_SERVER_SECONDS", 0.05)
    end = threading.Event()
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", lambda uri: end.wait(20))
    assert failure("http://127.0.0.1:9", tmp_path).startswith("no complete answer within")
    end.set()


class Client:
    """Stands for a client of MLflow that breaks while it writes."""

    def __init__(self) -> None:
        self.ends: list[str] = []

    def get_experiment_by_name(self, name: str) -> Any:
        return type("Experiment", (), {"experiment_id": "1"})

    def create_run(self, *arguments: Any, **keywords: Any) -> Any:
        return type("Record", (), {"info": type("Info", (), {"run_id": "7"})})

    def log_batch(self, *arguments: Any, **keywords: Any) -> None:
        raise OSError("disk full")

    def set_terminated(self, record: str, status: str, *rest: int) -> None:
        self.ends.append(status)


@pytest.mark.slow
def test_a_record_that_breaks_off_is_marked_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", lambda uri: client)
    notes: list[str] = []
    tracker = MlflowTracker("http://127.0.0.1:9", tmp_path, notes.append)
    assert tracker.record(TrackedRun("a", {"seed": 1}, [])) is None
    assert client.ends == ["FAILED"]
    assert "disk full" in notes[0]


def client_of(uri: str) -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def records(client: Any) -> list[Any]:
    number = client.get_experiment_by_name(EXPERIMENT).experiment_id
    return list(client.search_runs([number]))


def command(home: Path, *options: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    environment["PYTHONPATH"] = os.pathsep.join(["", str(Path(__file__).parents[2])])
    words = [sys.executable, "-m", "forecaster", *SHORT, *MLFLOW, *options, "--home", str(home)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_trainings_that_begin_a_store_at_once_both_succeed(tmp_path: Path) -> None:
    processes = [command(tmp_path, "--seed", str(seed)) for seed in (1, 2)]
    outputs = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    for _, errors in outputs:
        assert "warning: tracking" not in errors
        assert "alembic" not in errors
    client = client_of(f"sqlite:///{tmp_path / STORE}")
    runs = {run.id: run for run in list_runs(tmp_path / "runs").runs}
    by_name = {record.info.run_name: record for record in records(client)}
    assert by_name.keys() == runs.keys()
    for name, record in by_name.items():
        assert record.info.status == "FINISHED"
        assert record.data.params["seed"] == str(runs[name].config.seed)
        assert record.data.tags["folder"] == str(runs[name].folder)
        history = client.get_metric_history(record.info.run_id, "crps_ratio.garch")
        assert sorted(point.step for point in history) == [1, 5, 10, 20]
        (data,) = record.inputs.dataset_inputs
        tags = {tag.key: tag.value for tag in data.tags}
        assert tags["sha256"] == runs[name].manifest.data.members["USDJPY"].sha256
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.slow
def test_trials_of_a_search_are_nested(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / STORE}"
    notes: list[str] = []
    tracker = MlflowTracker(uri, tmp_path, notes.append)
    group = tracker.open_group(TrackedRun("study", {"trials": 2}, [], started=1.0))
    for number in range(2):
        metrics = [TrackedMetric("loss", 0.5 + number, 1), TrackedMetric("loss", math.nan, 5)]
        tracker.record(TrackedRun(f"trial {number}", {"model.units": [8]}, metrics, started=2.0), parent=group)
    tracker.close_group(group, TrackedRun("study", {}, [TrackedMetric("best", 0.5)], tags={"winner": "0"}, started=3.0))
    assert notes == []
    by_name = {record.info.run_name: record for record in records(client_of(uri))}
    assert by_name["study"].data.metrics == {"best": 0.5}
    assert by_name["study"].info.status == "FINISHED"
    for number in range(2):
        record = by_name[f"trial {number}"]
        assert record.data.tags["mlflow.parentRunId"] == group
        assert record.data.metrics == {"loss": 0.5 + number}


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_search_goes_on_below_its_record(forecast: Any, toy_fits: Any, tmp_path: Path) -> None:
    """With one record that broke off, as that of a killed process."""
    arguments = ("search", "--pair", "USDJPY", "--end", "2005-12-31", "--universe", "none", "--config", "classic")
    options = ("--folds", 2, "--lockbox", 100, "--step", 1, "--jobs", 1, "--home", tmp_path, *MLFLOW)
    client = client_of(f"sqlite:///{tmp_path / STORE}")
    for trials in (2, 4):
        result = forecast(*arguments, *options, "--trials", trials)
        assert result.exit_code == 0, result.stderr
        assert "warning: tracking" not in result.stderr
        by_name = {record.info.run_name: record for record in records(client)}
        assert len(by_name) == len(records(client)) == trials + 1
        (group,) = [record for name, record in by_name.items() if not name.startswith("trial ")]
        trial = by_name[f"trial 1 of {group.info.run_name}"]
        assert trial.data.tags["mlflow.parentRunId"] == group.info.run_id
        assert {record.info.status for record in by_name.values()} == {"FINISHED"}
        assert group.data.metrics["trials"] == trials
        client.update_run(trial.info.run_id, "RUNNING")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def descendants(process: int) -> set[int]:
    """Ids of all processes that a process has started, and those that these have."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        parents[int(path.parent.name)] = int(fields[1])
    family = {process}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real server on loopback; every process of it is ended, by its id."""
    port = free_port()
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += [
        "--backend-store-uri",
        f"sqlite:///{tmp_path / 'server.db'}",
        "--artifacts-destination",
        str(tmp_path / "a"),
    ]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    with open(tmp_path / "server.log", "w") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=tmp_path)
    seen = {process.pid}
    try:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            seen |= descendants(process.pid)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        else:
            pytest.fail((tmp_path / "server.log").read_text()[-2000:])
        yield f"http://127.0.0.1:{port}"
    finally:
        seen |= descendants(process.pid)
        for number in seen:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(10)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes of the server in /proc")
def test_a_real_server(server: str, run: Run, tmp_path: Path) -> None:
    notes: list[str] = []
    tracker = MlflowTracker(server, tmp_path, notes.append)
    number = tracker.record(tracked_run(run))
    assert notes == [f"tracked: {run.id} in the experiment {EXPERIMENT} of {server}"]
    (record,) = records(client_of(server))
    assert record.info.run_id == number
    assert record.info.run_name == run.id
    assert record.data.params["model.units"] == "[6]"
    assert record.data.metrics["seconds/total"] == run.manifest.seconds["total"]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_unreachable_server_costs_a_warning_and_seconds(tmp_path: Path) -> None:
    """A port without a server, and one that takes connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for uri in (f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{silent.getsockname()[1]}"):
            process = subprocess.Popen(
                [sys.executable, "-c", UNREACHABLE, uri], stdout=subprocess.PIPE, text=True, cwd=tmp_path
            )
            output, _ = process.communicate(timeout=100)
            seconds, warning = output.splitlines()
            assert warning.startswith(f"warning: tracking of a at {uri} failed: ")
            assert float(seconds) < 30


UNREACHABLE = """
import pathlib, sys, time
from forecaster.experiments.mlflow_tracker import MlflowTracker, _client_of
from forecaster.experiments.tracking import TrackedRun
notes = []
_client_of(sys.argv[1])  # the import is not counted
begun = time.monotonic()
MlflowTracker(sys.argv[1], pathlib.Path(), notes.append).record(TrackedRun("a", {}, []))
print(time.monotonic() - begun)
print(*notes)
"""
