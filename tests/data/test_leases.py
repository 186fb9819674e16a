"""Leases: what a running process may have read is not pruned, and what a killed one has left over is cleared."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stored_rows import noon, series

from forecaster.data.leases import leased_since, version_lease
from forecaster.data.store import Store, store_path
from forecaster.environment import Environment
from forecaster.workflows.data_store import prune

HOLDER = """
import sys, time
from pathlib import Path
from forecaster.data.leases import version_lease
with version_lease(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def save(home: Path, *closes: float) -> None:
    with Store.open(store_path(home), clock=noon) as store:
        store.save(series(list(closes)))


def test_a_lease_names_the_newest_version_and_leaves_nothing(tmp_path: Path) -> None:
    with version_lease(tmp_path / "new"):
        assert leased_since(tmp_path / "new") == 0
    assert not (tmp_path / "new" / "data").exists()
    save(tmp_path, 1.0)
    save(tmp_path, 2.0)
    with version_lease(tmp_path), version_lease(tmp_path):
        save(tmp_path, 3.0)
        assert leased_since(tmp_path) == 2
    assert leased_since(tmp_path) is None
    assert not list((tmp_path / "data").glob(".*"))


def test_what_a_running_process_may_have_read_is_not_pruned(tmp_path: Path) -> None:
    notes: list[str] = []
    environment = Environment(tmp_path, noon, note=notes.append)
    save(tmp_path, 1.0)
    save(tmp_path, 2.0)
    with version_lease(tmp_path):  # of a training that reads the second version
        save(tmp_path, 3.0)
        save(tmp_path, 4.0)
        assert [version.id for version in prune(environment).pruned.versions] == [1]
        assert "in progress" in notes[-1]
    assert [version.id for version in prune(environment).pruned.versions] == [2, 3]
    assert len(notes) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="locks are those of POSIX")
def test_the_lease_of_a_killed_process_is_cleared(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert leased_since(tmp_path) == 0
        os.kill(process.pid, signal.SIGKILL)
    assert len(list((tmp_path / "data").glob("*.lease"))) == 1
    assert leased_since(tmp_path) is None
    assert not list((tmp_path / "data").iterdir())


def test_a_lease_that_cannot_be_read_holds_everything(tmp_path: Path) -> None:
    with version_lease(tmp_path):
        (lease,) = (tmp_path / "data").glob("*.lease")
        lease.write_text("no number")
        assert leased_since(tmp_path) == 0
