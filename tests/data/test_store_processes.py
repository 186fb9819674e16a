import contextlib
import itertools
import sqlite3
import subprocess
import sys
from pathlib import Path

import forecaster.data.store
from forecaster.data.store import Store, store_path

WORKER = """
import sys
from pathlib import Path
import numpy as np
from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.store import Store

def make(symbol, rows):
    dates = np.datetime64("2000-01-01") + np.arange(rows)
    return PriceSeries(parse_pair(symbol), "made", symbol, dates, {"close": np.arange(1.0, rows + 1)})

own = sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()  # all start together
for rows in range(100, 120):
    with Store.open(Path(sys.argv[1])) as store:
        store.save(make(own, rows))
        store.save(make("USDJPY", rows))
        assert len(store.load("made", own)) == rows
        assert len(store.load("made", "USDJPY")) >= 100
"""


def test_four_processes_at_once_lose_and_damage_nothing(tmp_path: Path) -> None:
    path = store_path(tmp_path)
    package = Path(forecaster.data.store.__file__).parents[2]
    own = ["EURUSD", "EURGBP", "EURCHF", "EURNOK"]
    command = [sys.executable, "-c", WORKER, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    workers = [subprocess.Popen([*command, name], cwd=package, text=True, **pipes) for name in own]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    faults = [worker.communicate()[1] for worker in workers]
    assert faults == [""] * 4
    with Store.open(path) as store:
        for name in own:
            assert [one.rows for one in store.versions("made", name)] == list(range(100, 120))
        shared = store.versions("made", "USDJPY")
        assert {one.rows for one in shared} == set(range(100, 120))
        assert all(one.sha256 != next_one.sha256 for one, next_one in itertools.pairwise(shared))
        for one in (*shared, *store.series()):
            assert store.load(one.source, one.symbol, sha256=one.sha256).sha256 == one.sha256
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        alive = connection.execute("SELECT count(*) FROM bar WHERE died IS NULL GROUP BY series").fetchall()
        assert max(alive) <= (119,)
