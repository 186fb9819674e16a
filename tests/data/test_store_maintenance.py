"""Finding, verifying and pruning the versions of the store."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_rows import noon, series

import forecaster.data.store
import forecaster.data.store_maintenance
from forecaster.data.findings import Finding, Severity
from forecaster.data.instruments import Instrument, parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.store import Pruned, Store, Version
from forecaster.data.store_records import RECORD, record_checksum
from forecaster.errors import DamageError, SourceError, StorageError, UsageError


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def saved(store: Store, one: PriceSeries) -> Version:
    version = store.save(one)
    assert version is not None
    return version


# finding


def test_a_version_is_found_by_each_of_its_names(store: Store) -> None:
    old, new = (saved(store, series(closes)) for closes in ([1.0, 2.0], [1.0, 2.0, 3.0]))
    other = saved(store, series([5.0], "EURUSD"))
    assert store.find("ecb/USDJPY/1d") == new
    assert store.find(f"ecb/USDJPY/1d@{old.sha256[:12]}") == old
    assert store.find(old.name) == old
    assert store.find(f" ecb/USDJPY/1d@{old.sha256.upper()} ") == old
    assert store.find(other.sha256[:12]) == other
    assert store.find(other.sha256[:12].upper()) == other
    assert store.load_version(store.find(old.sha256)).sha256 == old.sha256


def test_a_symbol_may_hold_an_at_sign_and_look_like_a_path(store: Store) -> None:
    dates, close = np.array(["2024-01-01"], "datetime64[D]"), {"close": np.array([1.0])}
    odd = saved(store, PriceSeries(Instrument("csv", "me@home", Path("x")), "csv", "me@home", dates, close))
    assert store.find("csv/me@home/1d") == odd
    assert store.find(odd.name) == odd


@pytest.mark.parametrize(
    "text",
    ["", "abc", "5f2", "ecb", "ecb/USDJPY", "//", "/USDJPY/1d", "@5f2a", "ecb/USDJPY@5f2a", "x" * 300, "5f2a5f2z", "%"],
)
def test_what_is_no_name_is_refused(store: Store, text: str) -> None:
    with pytest.raises(UsageError, match=r"names no stored history; expected source/symbol/frequency"):
        store.find(text)


def test_a_name_of_nothing_is_told(store: Store) -> None:
    version = saved(store, series([1.0]))
    with pytest.raises(SourceError, match="no version has a hash that begins with 'ffffffff'"):
        store.find("ffffffff")
    with pytest.raises(SourceError, match=f"no version of 'ecb/USDJPY/1d' .* newest: {version.sha256[:12]}"):
        store.find("ecb/USDJPY/1d@ffffffff")
    with pytest.raises(SourceError, match="has no history 'ecb/EURUSD/1d'"):
        store.find("ecb/EURUSD/1d")


def test_digits_of_two_histories_fit_neither(store: Store) -> None:
    first, second = (saved(store, series([1.0, 2.0], symbol)) for symbol in ("USDJPY", "EURUSD"))
    assert first.sha256 == second.sha256
    with pytest.raises(SourceError, match=r"several versions \(ecb/USDJPY/1d@.*, ecb/EURUSD/1d@.*\) have"):
        store.find(first.sha256)
    assert store.find(second.name) == second


def test_digits_of_a_state_that_came_back_are_the_newer_one(store: Store) -> None:
    for closes in ([1.0], [2.0], [1.0]):
        store.save(series(closes))
    assert store.find(series([1.0]).sha256[:8]).id == 3


# verifying


def test_an_intact_store_has_no_faults(store: Store) -> None:
    for closes in ([1.0, 2.0], [1.0, 2.5, 3.0]):
        store.save(series(closes))
    store.save(series([1.0], "EURUSD"))
    assert [(one.version.symbol, one.version.rows, one.damage) for one in store.verify()] == [
        ("EURUSD", 1, None), ("USDJPY", 2, None), ("USDJPY", 3, None),
    ]  # fmt: skip
    assert [one.version.rows for one in store.verify(store.versions("ecb", "USDJPY"))] == [2, 3]
    assert store.verify(()) == ()
    assert store.faults() == ()


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE bar SET close = close + 1e-9 WHERE day = 19724 AND died IS NULL", [False, True, False]),
        ("UPDATE bar SET close = close + 1e-9 WHERE day = 19723 AND series = 1", [True, True, False]),
        ("UPDATE bar SET close = 'abc' WHERE day = 19725", [False, True, False]),
        ("DELETE FROM bar WHERE series = 2", [False, False, True]),
        ("UPDATE version SET rows = 7 WHERE id = 2", [False, True, False]),
        ("UPDATE version SET last = '2030-01-01' WHERE id = 1", [True, False, False]),
        ("UPDATE version SET sha256 = 'ab' WHERE id = 3", [False, False, True]),
        ("UPDATE version SET meta = 'no json' WHERE id = 3", [False, False, True]),
        ('UPDATE version SET meta = \'{"a": "b"}\' WHERE id = 1', [True, False, False]),
        ("UPDATE version SET saved_at = '2001-01-01' WHERE id = 1", [True, False, False]),
        ("UPDATE version SET added = added + 1 WHERE id = 2", [False, True, False]),
        ("UPDATE version SET instrument = replace(instrument, 'pair', 'ticker') WHERE id = 3", [False, False, True]),
        ("UPDATE version SET checksum = NULL WHERE id = 2", [False, True, False]),
        ("UPDATE version SET saved_at = cast(x'fffe' AS TEXT) WHERE id = 2", [False, True, False]),
        ("UPDATE version SET rows = x'00' WHERE id = 2", [False, True, False]),
        ("UPDATE series SET symbol = 'EURUSD' WHERE id = 1", [True, True, False]),
        ("UPDATE bar SET close = cast(x'fffe' AS TEXT) WHERE series = 2", [False, False, True]),
    ],
)
def test_each_damaged_version_is_named(store: Store, path: Path, statement: str, bad: list[bool]) -> None:
    for one in (series([1.0, 2.0]), series([1.0, 2.5, 3.0]), series([4.0], "USDSEK")):
        store.save(one)
    change(path, statement)
    found = store.verify()
    assert [one.damage is not None for one in found] == bad
    assert all("is damaged" in one.damage and "\n" not in one.damage for one in found if one.damage)


def test_the_file_as_a_whole_is_looked_at(store: Store, path: Path) -> None:
    store.save(series([1.0]))
    change(path, "INSERT INTO version SELECT 9, 99, saved_at, sha256, rows, first, last, 0, 0, 0, columns, "
                 "rounding_sha256, instrument, meta, checksum FROM version")  # fmt: skip
    (fault,) = store.faults()
    assert "is damaged: 1 versions belong to no history" in fault


def test_rows_of_no_version_and_bytes_behind_the_file_are_faults(store: Store, path: Path) -> None:
    store.save(series([1.0]))
    change(path, "INSERT INTO bar (series, day, born, close) VALUES (1, 5, 99, 1.0)")
    (fault,) = store.faults()
    assert "is damaged: 1 rows belong to no version" in fault
    store.close()
    with open(path, "ab") as file:
        file.write(b"x")
    with Store.open(path) as again:
        assert "1 bytes follow the database" in again.faults()[-1]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n",
        "CREATE TRIGGER more AFTER INSERT ON version BEGIN DELETE FROM bar; END",
        "ALTER TABLE version ADD COLUMN more GENERATED ALWAYS AS (zeroblob(100)) VIRTUAL",
    ],
)
def test_a_store_that_would_compute_something_is_damage(store: Store, path: Path, statement: str) -> None:
    store.save(series([1.0]))
    store.close()
    change(path, statement)
    with pytest.raises(DamageError, match="is none of its tables"):
        Store.open(path)


def test_a_date_that_no_calendar_has_is_damage_whatever_its_checksum(store: Store, path: Path) -> None:
    store.save(series([1.0]))
    change(path, "UPDATE version SET last = '2024-02-31'")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        record = connection.execute(f"SELECT {RECORD} FROM version v JOIN series s ON v.series = s.id").fetchone()
        connection.execute("UPDATE version SET checksum = ?", (record_checksum(record),))
    with pytest.raises(DamageError, match="the record of version 1"):
        store.all_versions()


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite", b"date,close\n" * 50])
def test_a_file_without_a_database_is_damage(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DamageError, match="is damaged: it"):
        Store.open(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are those of POSIX")
def test_a_folder_and_a_pipe_in_place_of_a_store_are_damage(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(DamageError, match="not a regular file"):
        Store.open(path)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(DamageError, match="not a regular file"):
        Store.open(path)


def schema_1(path: Path) -> None:
    """Turn the store into one without checksums, as the first version of the program has made it."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE version DROP COLUMN checksum")
        connection.execute("PRAGMA user_version = 1")


def test_an_old_store_gets_its_checksums_when_it_is_opened(store: Store, path: Path) -> None:
    store.save(series([1.0, 2.0]), [Finding("bad_price", Severity.REPAIR, 1, ("2024-01-03",), "1 row dropped")])
    store.save(series([1.0, 3.0]))
    store.close()
    schema_1(path)
    with Store.open(path) as again:
        assert [checkup.damage for checkup in again.verify()] == [None, None]
    change(path, "UPDATE version SET meta = '{}' WHERE id = 1")
    with Store.open(path) as again:
        assert [checkup.damage is None for checkup in again.verify()] == [False, True]
        with pytest.raises(DamageError, match="the record of version 1 of 'USDJPY' has changed"):
            again.load("ecb", "USDJPY", sha256=series([1.0, 2.0]).sha256)


def test_an_old_store_that_cannot_be_written_is_read_without_checksums(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(series([1.0, 2.0]))
    store.close()
    schema_1(path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with Store.open(path) as again:
        assert again.load("ecb", "USDJPY").sha256 == series([1.0, 2.0]).sha256
        assert [checkup.damage for checkup in again.verify()] == [None]
        with pytest.raises(StorageError, match="readonly"):
            again.save(series([1.0, 2.0, 3.0]))


def test_a_history_under_a_damaged_name_is_not_taken_for_a_missing_one(store: Store, path: Path) -> None:
    store.save(series([1.0]))
    change(path, "UPDATE series SET symbol = 'USDJPX'")
    for name in ("USDJPY", "USDJPX", "EURUSD"):
        with pytest.raises(DamageError, match="the record of version 1 of 'USDJPX' has changed"):
            store.versions("ecb", name)


def test_a_damaged_version_is_not_pruned_over(store: Store, path: Path) -> None:
    """Its hash may have changed, so that a run needs it under another one."""
    for one in (series([1.0]), series([2.0]), series([3.0])):
        store.save(one)
    change(path, "UPDATE version SET sha256 = 'ab' WHERE id = 1")
    with pytest.raises(DamageError, match="the record of version 1"):
        store.prune({series([1.0]).sha256})
    assert len(store.verify()) == 3


def test_versions_that_were_the_newest_at_a_time_stay(store: Store) -> None:
    for one in (series([1.0]), series([2.0])):
        store.save(one)
    begun = store.newest_id()
    for one in (series([3.0]), series([4.0])):
        store.save(one)
    assert [version.id for version in store.prune((), until=begun).versions] == [1]
    assert [version.id for version in store.prune(()).versions] == [2, 3]


def test_two_processes_that_make_the_store_share_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr("os.link", true)
        with Store.open(path) as other:  # another process was first
            other.save(series([1.0]))
        true(source, target)

    monkeypatch.setattr("os.link", late)
    with Store.open(path) as store:
        assert [version.rows for version in store.series()] == [1]
    assert not list(path.parent.glob(".partial-*"))


def test_a_store_is_made_where_there_are_no_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    with Store.open(path) as store:
        assert store.save(series([1.0])) is not None


def test_a_torn_index_is_found(store: Store, path: Path) -> None:
    for number in range(40):
        store.save(series([float(number + 1)]))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'version_of_series'").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 + 8 : (page - 1) * 4096 + 200] = bytes(192)
    path.write_bytes(content)
    with Store.open(path) as opened:
        assert opened.faults()
        assert all("is damaged" in one for one in opened.faults())


def test_damage_in_the_newest_version_is_told_when_the_next_is_saved(store: Store, path: Path) -> None:
    store.save(series([1.0, 2.0]))
    change(path, "UPDATE bar SET close = 'abc'")
    with pytest.raises(DamageError, match=r"stored prices are no numbers: could not convert"):
        store.save(series([1.0, 2.0, 3.0]))


# pruning


def test_old_versions_and_their_rows_go(store: Store, path: Path) -> None:
    first, second, third = (series(closes) for closes in ([1.0, 2.0], [1.0, 2.5, 3.0], [1.0, 2.5, 3.5, 4.0]))
    other = series([7.0], "EURUSD")
    for one in (first, second, third, other):
        store.save(one)
    pruned = store.prune({second.sha256})
    assert [one.sha256 for one in pruned.versions] == [first.sha256]
    assert (pruned.rows, pruned.shrunk) == (1, True)  # day 2 as it was in the first version
    assert [one.sha256 for one in store.versions("ecb", "USDJPY")] == [second.sha256, third.sha256]
    for one in (second, third, other):
        assert store.load(one.source, one.symbol, sha256=one.sha256).sha256 == one.sha256
    with contextlib.closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT count(*) FROM bar").fetchone() == (6,)
    assert store.prune({second.sha256}).versions == ()


def test_a_dry_run_changes_nothing_and_says_the_same(store: Store, path: Path) -> None:
    for length in range(1, 9):
        store.save(series([float(length)] * 300 * length))
    with contextlib.closing(sqlite3.connect(path)) as watcher:
        before = watcher.execute("PRAGMA data_version").fetchone()
        told = store.prune((), dry_run=True)
        assert watcher.execute("PRAGMA data_version").fetchone() == before
    assert len(store.versions("ecb", "USDJPY")) == 8
    done = store.prune(())
    assert (told.versions, told.rows, told.shrunk) == (done.versions, done.rows, False)
    assert told.bytes == pytest.approx(done.bytes, rel=0.2)


def test_the_file_becomes_smaller(store: Store, path: Path) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        store.save(series(list(rng.uniform(1, 2, 3000))))
    store.close()
    before = path.stat().st_size
    with Store.open(path) as opened:
        freed = opened.prune(()).bytes
        assert path.stat().st_size == before - freed
        assert freed > 0.6 * before
        assert not path.with_name("store.sqlite-wal").stat().st_size


def test_versions_after_pruning_have_new_numbers(store: Store) -> None:
    for closes in ([1.0], [2.0], [3.0]):
        store.save(series(closes))
    store.prune(())
    assert saved(store, series([1.0])).id == 4
    assert store.load("ecb", "USDJPY", sha256=series([3.0]).sha256).close.tolist() == [3.0]
    with pytest.raises(SourceError, match="no version of"):
        store.load("ecb", "USDJPY", sha256=series([2.0]).sha256)


def test_a_version_that_was_pruned_meanwhile_is_told(store: Store) -> None:
    old = saved(store, series([1.0]))
    store.save(series([2.0]))
    store.prune(())
    with pytest.raises(SourceError, match=r"no longer has 'ecb/USDJPY/1d@[0-9a-f]{12}'; load it again"):
        store.load_version(old)


def test_a_locked_store_is_not_pruned(path: Path) -> None:
    with Store.open(path, timeout_seconds=0.05) as store, contextlib.closing(sqlite3.connect(path)) as other:
        for closes in ([1.0], [2.0]):
            store.save(series(closes))
        other.execute("BEGIN IMMEDIATE")
        assert len(store.prune((), dry_run=True).versions) == 1
        with pytest.raises(StorageError, match="another process is writing to it: try again"):
            store.prune(())
        other.rollback()
        assert len(store.versions("ecb", "USDJPY")) == 2
        assert len(store.prune(()).versions) == 1


def test_a_file_in_use_keeps_its_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.data.store_maintenance._SHRINK_PATIENCE_MS", 10)
    with Store.open(path) as store, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        for closes in ([1.0] * 2000, [2.0] * 2000):
            store.save(series(closes))
        shrink = forecaster.data.store_maintenance.shrink

        def locked(connection: sqlite3.Connection, pruned: Pruned) -> Pruned:
            writer.execute("BEGIN IMMEDIATE")  # another process begins as soon as the transaction is over
            return shrink(connection, pruned)

        monkeypatch.setattr(forecaster.data.store, "shrink", locked)
        pruned = store.prune(())
        assert (len(pruned.versions), pruned.shrunk, pruned.bytes) == (1, False, 0)
        writer.execute("ROLLBACK")
        assert [one.damage for one in store.verify()] == [None]


histories = st.lists(
    st.tuples(
        st.sampled_from(["USDJPY", "EURUSD"]),
        st.dictionaries(st.integers(0, 12), st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=10),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=60)
@given(histories, st.sets(st.integers(0, 9)), st.booleans())
def test_whatever_is_kept_stays_as_it_was(content, kept, twice) -> None:  # type: ignore[no-untyped-def]
    made = []
    for symbol, prices in content:
        dates = np.datetime64("2024-01-01") + np.array(sorted(prices))
        close = {"close": np.array([prices[day] for day in sorted(prices)])}
        made.append(PriceSeries(parse_pair(symbol), "ecb", symbol, dates, close))
    keep = {made[number].sha256 for number in kept if number < len(made)}
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.sqlite", clock=noon) as store:
        for one in made:
            store.save(one)
        before, newest = store.all_versions(), set(store.series())
        pruned = store.prune(keep)
        after = store.all_versions()
        assert set(pruned.versions) | set(after) == set(before)
        assert set(after) == {one for one in before if one in newest or one.sha256 in keep}
        assert [one.damage for one in store.verify()] == [None] * len(after)
        assert store.faults() == ()
        seen = {
            (version.symbol, day.item(), price)
            for version in after
            for loaded in (store.load_version(version),)
            for day, price in zip(loaded.dates, loaded.close, strict=True)
        }
        rows = store._connection.execute("SELECT count(*) FROM bar").fetchone()[0]
        # A price that went away and came back is stored twice.
        assert rows >= len(seen)
        assert rows <= sum(one.rows for one in after)
        for one in made if twice else ():  # it goes on as before
            store.save(one)
            assert store.load(one.source, one.symbol).sha256 == one.sha256


WORKER = """
import sys
from pathlib import Path
import numpy as np
from forecaster.data.instruments import parse_pair
from forecaster.data.series import PriceSeries
from forecaster.data.store import Store
from forecaster.errors import SourceError

path, job = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(25):
    with Store.open(path) as store:
        if job == "save":
            dates = np.datetime64("2000-01-01") + np.arange(400 + turn)
            close = {"close": np.arange(1.0, 401 + turn) + turn % 3}
            store.save(PriceSeries(parse_pair("USDJPY"), "made", "USDJPY", dates, close))
        elif job == "prune":
            store.prune(())
        else:
            assert [one.damage for one in store.verify() if one.damage] == []
            assert store.faults() == ()
            if store.series():
                store.load("made", "USDJPY")
"""


def test_saving_pruning_and_verifying_at_once(path: Path) -> None:
    package = Path(forecaster.data.store.__file__).parents[2]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    jobs = ("save", "prune", "verify", "save")
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(path), job], cwd=package, text=True, **pipes)  # type: ignore[call-overload]
        for job in jobs
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate()[1] for worker in workers] == [""] * len(jobs)
    with Store.open(path) as store:
        assert all(one.damage is None for one in store.verify())
        assert store.faults() == ()
        store.prune(())
        assert [one.rows for one in store.all_versions()] == [424]
