"""A backtest and a search on a Ray cluster of two nodes, with the driver and one of the nodes killed."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from loopback_cluster import NODE, LoopbackCluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="several nodes on one machine need Linux"),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
]

ROOT = Path(__file__).parents[2]
BACKTEST = (
    *("backtest", "--pair", "EURUSD", "--universe", "none", "--config", "quick", "--models", "lstm", "--step", "1"),
    *("--start", "2017-01-01", "--end", "2020-12-31", "--schedule", "150", "--set", "model.training.steps=10"),
)
SEARCH = (
    *("search", "--pair", "EURUSD", "--universe", "none", "--config", "quick", "--trials", "5", "--folds", "1"),
    *("--lockbox", "150", "--step", "1", "--end", "2012-12-31", "--set", "model.training.steps=10", "--format", "json"),
)
SECONDS = 300
DRIVERS: list[subprocess.Popen[str]] = []


@pytest.fixture
def cluster() -> Iterator[LoopbackCluster]:
    cluster = LoopbackCluster()
    try:
        cluster.start()
        yield cluster
    finally:
        for process in DRIVERS:
            process.kill()  # nothing where it has ended
            process.wait()
        cluster.end()


def started(home: Path, variables: Mapping[str, str], command: Sequence[str], *options: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "forecaster", *command, *options, "--home", str(home), "--offline"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
    )
    DRIVERS.append(process)
    return process


def records(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "backtests" / "fits").glob("*.npz")}


def wait_for_records(home: Path, number: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while len(records(home)) < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_driver_and_a_killed_node_cost_unfinished_fits_only(cluster: LoopbackCluster, tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    options = ("--executor", "ray", "--address", cluster.address)
    first = started(there, cluster.variables, BACKTEST, *options)
    wait_for_records(there, 1, first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    finished = {path: path.stat().st_mtime_ns for path in (there / "backtests" / "fits").glob("*.npz")}
    second = started(there, cluster.variables, BACKTEST, *options)
    wait_for_records(there, len(finished) + 1, second)
    cluster.kill("raylet", NODE)
    output, messages = second.communicate(timeout=SECONDS)
    assert second.returncode == 0, messages
    assert "2 machines, 2 processors" in messages
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())
    local = started(here, {}, BACKTEST, "--jobs", "1")
    assert local.communicate(timeout=SECONDS)[0] == output
    assert len(records(there)) == 7
    assert records(there) == records(here)


def trials(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.glob("searches/*/trials/*.json")}


def test_a_search_has_the_trials_of_a_local_one(cluster: LoopbackCluster, tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    options = ("--executor", "ray", "--address", cluster.address)
    first = started(there, cluster.variables, SEARCH, *options)
    wait_for_records(there, 2, first)  # the baseline and a trial
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    finished = {path: path.stat().st_mtime_ns for path in (there / "backtests" / "fits").glob("*.npz")}
    second = started(there, cluster.variables, SEARCH, *options)
    output, messages = second.communicate(timeout=SECONDS)
    assert second.returncode == 0, messages
    assert "2 machines, 2 processors" in messages
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())
    local = started(here, {}, SEARCH, "--jobs", "1")
    documents = [json.loads(text) for text in (output, local.communicate(timeout=SECONDS)[0])]
    for document in documents:
        del document["created"], document["lockbox"]["record"]["opened"]
        document["next_command"] = document["next_command"].replace(str(there), str(here))
    assert documents[0] == documents[1]
    assert len(trials(there)) == 5
    assert trials(there) == trials(here)
    assert records(there) == records(here)
