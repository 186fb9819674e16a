import contextlib
import dataclasses
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_rows import noon, series

import forecaster.data.store_rows
from forecaster.data.findings import Finding, Severity
from forecaster.data.instruments import Instrument, parse_pair
from forecaster.data.series import COLUMNS, PriceSeries
from forecaster.data.store import Store, store_path
from forecaster.errors import DamageError, NewerSchemaError, NotEnoughDataError, SourceError, StorageError


def assert_same(one: PriceSeries, other: PriceSeries) -> None:
    assert one.sha256 == other.sha256
    for field in ("instrument", "source", "symbol", "frequency"):
        assert getattr(one, field) == getattr(other, field)
    assert dict(one.meta) == dict(other.meta)
    assert list(one.columns) == list(other.columns)
    for name in one.columns:
        np.testing.assert_array_equal(one.columns[name], other.columns[name])
    assert (one.rounding is None) == (other.rounding is None)
    if one.rounding is not None:
        np.testing.assert_array_equal(one.rounding, other.rounding)


def test_a_series_comes_back_as_it_was(store: Store) -> None:
    saved = series([150.0, 151.25], rounding=np.array([1e-5, 2e-5]), meta={"origin": "a test"})
    version = store.save(saved)
    assert version is not None
    assert dataclasses.astuple(version) == (
        1, "ecb", "USDJPY", "1d", saved.sha256, "2026-11-20T12:00:00+00:00", 2, "2024-01-01", "2024-01-02", 2, 0, 0,
    )  # fmt: skip
    assert_same(store.load("ecb", "USDJPY"), saved)


def test_a_file_and_every_column_come_back(store: Store) -> None:
    columns = {name: np.array([1.0, np.nan, 3.0]) for name in COLUMNS} | {"close": np.array([1.0, 2.0, 3.0])}
    dates = np.array(["1850-01-01", "1999-12-31", "2150-06-01"], "datetime64[D]")
    saved = PriceSeries(
        Instrument("csv", "gold", Path("/data/gold.csv")), "csv", "gold", dates, columns, frequency="1wk"
    )
    store.save(saved)
    assert_same(store.load("csv", "gold", "1wk"), saved)


values = st.floats(1e-6, 1e9) | st.integers(1, 10**9).map(float)
rows = st.dictionaries(
    st.integers(-50_000, 50_000), st.tuples(values, st.floats(-1e9, 1e9) | st.just(float("nan"))), min_size=1
)


@settings(max_examples=40)
@given(st.lists(st.tuples(rows, st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_every_version_of_any_history_stays_loadable(histories) -> None:  # type: ignore[no-untyped-def]
    saved = []
    for content, with_volume, with_rounding in histories:
        days = sorted(content)
        close, other = np.array([content[day] for day in days]).T
        columns = {"close": close, "volume": other} if with_volume else {"close": close}
        rounding = other if with_rounding else None
        dates = np.array(days, "datetime64[D]")
        saved.append(PriceSeries(parse_pair("USDJPY"), "made", "USDJPY", dates, columns, rounding))
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.sqlite", clock=noon) as store:
        newest = None
        for one in saved:
            version = store.save(one)
            if newest is not None and newest.sha256 == one.sha256:
                assert version is None
                continue
            old, new = {} if newest is None else bits(newest), bits(one)
            newest = one
            assert version is not None
            assert version.added == len(new.keys() - old.keys())
            assert version.removed == len(old.keys() - new.keys())
            assert version.revised == sum(new[day] != old[day] for day in new.keys() & old.keys())
        for one in saved:
            assert store.load("made", "USDJPY", sha256=one.sha256).sha256 == one.sha256
        assert newest is not None
        assert_same(store.load("made", "USDJPY"), newest)


def bits(one: PriceSeries) -> dict[int, bytes]:
    columns = [one.columns.get(name, np.full(len(one), np.nan)) for name in COLUMNS]
    columns.append(np.full(len(one), np.nan) if one.rounding is None else one.rounding)
    table = np.stack(columns, axis=1)
    table = np.where(np.isnan(table), np.nan, table + 0.0)
    return {int(day): row.tobytes() for day, row in zip(one.dates.astype(int), table, strict=True)}


def test_nothing_is_written_when_nothing_changed(store: Store, path: Path) -> None:
    store.save(series([1.0, 2.0]))
    with contextlib.closing(sqlite3.connect(path)) as watcher:
        before = watcher.execute("PRAGMA data_version").fetchone()
        assert store.save(series([1.0, 2.0], meta={"fetched": "again"})) is None
        assert watcher.execute("PRAGMA data_version").fetchone() == before
        store.save(series([1.0, 2.0, 3.0]))
        assert watcher.execute("PRAGMA data_version").fetchone() != before


def test_a_history_that_returns_to_an_old_state_is_a_new_version(store: Store) -> None:
    first, second = series([1.0, 2.0]), series([1.0, 2.5, 3.0])
    for one in (first, second, first):
        store.save(one)
    assert [(one.added, one.revised, one.removed) for one in store.versions("ecb", "USDJPY")] == [
        (2, 0, 0),
        (1, 1, 0),
        (0, 1, 1),
    ]
    assert_same(store.load("ecb", "USDJPY"), first)
    assert_same(store.load("ecb", "USDJPY", sha256=first.sha256[:10].upper()), first)
    assert_same(store.load("ecb", "USDJPY", sha256=second.sha256), second)


def test_minus_zero_is_no_revision(store: Store) -> None:
    one = series([1.0, 2.0])
    store.save(dataclasses.replace(one, columns={"close": one.close, "volume": np.array([0.0, -0.0])}))
    longer = series([1.0, 2.0, 3.0])
    version = store.save(
        dataclasses.replace(longer, columns={"close": longer.close, "volume": np.array([-0.0, 0.0, 0.0])})
    )
    assert version is not None
    assert (version.added, version.revised) == (1, 0)


def test_an_appended_row_costs_one_row(store: Store, path: Path) -> None:
    store.save(series([1.0] * 100))
    store.save(series([1.0] * 101))
    with contextlib.closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT count(*) FROM bar").fetchone() == (101,)


def test_series_lists_the_newest_of_each(store: Store) -> None:
    for one in (series([1.0]), series([1.0, 2.0]), series([3.0], "EURUSD")):
        store.save(one)
    assert [(one.symbol, one.rows) for one in store.series()] == [("EURUSD", 1), ("USDJPY", 2)]
    assert store.versions("ecb", "GBPUSD") == ()


def test_what_is_not_there_is_no_source(store: Store) -> None:
    one, two = series([1.0]), series([1.0, 2.0])
    with pytest.raises(SourceError, match="has no history 'ecb/USDJPY/1d'; expected one saved before"):
        store.load("ecb", "USDJPY")
    store.save(one)
    store.save(two)
    with pytest.raises(
        SourceError, match=rf"no version of 'ecb/USDJPY/1d' with the hash 'zz'; newest: {one.sha256[:12]}"
    ):
        store.load("ecb", "USDJPY", sha256="zz")
    with pytest.raises(SourceError, match="no version of"):
        store.load("ecb", "USDJPY", sha256="")
    with pytest.raises(SourceError, match="no version of"):
        store.load("ecb", "USDJPY", sha256="%")


def test_digits_that_fit_several_versions(store: Store) -> None:
    found: dict[str, PriceSeries] = {}
    for number in range(1, 40):  # sixteen first digits: two of forty hashes must share one
        one = series([float(number)])
        store.save(one)
        if one.sha256[0] in found:
            break
        found[one.sha256[0]] = one
    with pytest.raises(SourceError, match="several versions of 'ecb/USDJPY/1d' with the hash"):
        store.load("ecb", "USDJPY", sha256=one.sha256[0])


def test_an_empty_series_is_no_history(store: Store) -> None:
    with pytest.raises(NotEnoughDataError, match="'USDJPY' has no rows to store"):
        store.save(series([]))


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE bar SET close = close + 1e-9 WHERE day = 19723", "was saved as [0-9a-f]{12}; restore it from a copy"),
        ("UPDATE bar SET rounding = 1 WHERE day = 19723", "the rounding has changed since it was saved"),
        ("DELETE FROM bar WHERE day = 19723", "the rounding has changed since it was saved"),
        ("UPDATE bar SET close = 'abc'", "could not convert"),
        ("UPDATE bar SET close = -1", "zero, negative or beyond 1e15"),
        ("UPDATE version SET instrument = '{}'", "the record of version 1 of 'USDJPY' has changed"),
        ("UPDATE version SET columns = ''", "the record of version 1 of 'USDJPY' has changed"),
        ("DROP TABLE bar", "no such table"),
    ],
)
def test_changed_rows_are_noticed(store: Store, path: Path, statement: str, message: str) -> None:
    store.save(series([1.0, 2.0], rounding=np.array([0.1, 0.1])))
    change(path, statement)
    with pytest.raises(DamageError, match=message):
        store.load("ecb", "USDJPY")


def test_text_and_torn_files_are_no_stores(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("date,close\n" * 500)
    with pytest.raises(DamageError, match=r"store.sqlite is damaged: its 5500 bytes are no database; restore it"):
        Store.open(path)
    path.unlink()
    with Store.open(path) as store:
        store.save(series([float(number) for number in range(1, 3000)]))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    with pytest.raises(DamageError, match="is damaged"), Store.open(path) as store:
        store.load("ecb", "USDJPY")


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE contacts (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(DamageError, match=r"is a database of another program; expected a store; choose another --home"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_newer_store_asks_for_a_newer_program(path: Path) -> None:
    Store.open(path).close()
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(NewerSchemaError, match=r"has schema 99, this program reads up to 2; install a newer version"):
        Store.open(path)


def test_a_locked_store_is_waited_for_and_then_given_up(path: Path) -> None:
    with Store.open(path, timeout_seconds=0.05) as store, contextlib.closing(sqlite3.connect(path)) as other:
        store.save(series([1.0]))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"database is locked; .*another process is writing to it: try again"):
            store.save(series([1.0, 2.0]))
        assert_same(store.load("ecb", "USDJPY"), series([1.0]))
        other.rollback()
        assert store.save(series([1.0, 2.0])) is not None


def test_a_full_disk_loses_nothing(store: Store) -> None:
    store.save(series([1.0, 2.0]))
    store._connection.execute("PRAGMA max_page_count = 10")
    with pytest.raises(StorageError, match=r"database or disk is full; .*free some space on the disk"):
        store.save(series([float(number) for number in range(1, 5000)]))
    assert_same(store.load("ecb", "USDJPY"), series([1.0, 2.0]))
    assert len(store.versions("ecb", "USDJPY")) == 1


def test_an_interrupted_save_leaves_no_half_version(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(series([1.0, 2.0]))

    def interrupt(rounding: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(forecaster.data.store_rows, "_rounding_hash", interrupt)  # after the rows, before the version
        with pytest.raises(KeyboardInterrupt):
            store.save(series([1.0, 5.0, 6.0]))
    assert_same(store.load("ecb", "USDJPY"), series([1.0, 2.0]))
    assert store.save(series([1.0, 5.0, 6.0])) is not None


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be opened: Not a directory; expected a folder that can be written"):
        Store.open(store_path(tmp_path / "file"))
    with pytest.raises(DamageError, match=r"is damaged: it is not a regular file"):
        Store.open(tmp_path)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users can reach; pytest's own is closed to them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, which may write everywhere."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="user ids are those of POSIX")
def test_read_only_media_can_be_read(public_folder: Path) -> None:
    path = public_folder / "store.sqlite"
    with Store.open(path) as store:
        store.save(series([1.0, 2.0]))
    path.chmod(0o444)
    public_folder.chmod(0o555)
    with nobody(), Store.open(path) as store:
        assert store.load("ecb", "USDJPY").sha256 == series([1.0, 2.0]).sha256
        assert store.save(series([1.0, 2.0])) is None
        with pytest.raises(StorageError, match=r"attempt to write a readonly database; .*choose another --home"):
            store.save(series([1.0, 2.0, 3.0]))


@pytest.mark.skipif(sys.platform == "win32", reason="user ids are those of POSIX")
def test_a_read_only_copy_with_rows_in_its_log_is_refused(public_folder: Path, tmp_path: Path) -> None:
    path = public_folder / "store.sqlite"
    with Store.open(tmp_path / "store.sqlite") as writer:
        writer.save(series([1.0, 2.0]))  # still in the log beside the file, as after a kill
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"store.sqlite{suffix}", f"{path}{suffix}")
    public_folder.chmod(0o555)
    with nobody(), pytest.raises(StorageError, match=r"has rows in store.sqlite-wal that cannot be read"):
        Store.open(path)


@pytest.mark.skipif(sys.platform == "win32", reason="user ids are those of POSIX")
def test_read_only_while_somebody_else_writes(public_folder: Path) -> None:
    path = public_folder / "store.sqlite"
    with Store.open(path) as writer:
        writer.save(series([1.0, 2.0]))  # still in the log beside the file
        for file in public_folder.iterdir():
            file.chmod(0o644)
        with nobody(), Store.open(path) as store:
            assert_same(store.load("ecb", "USDJPY"), series([1.0, 2.0]))


@pytest.mark.skipif(sys.platform == "win32", reason="user ids are those of POSIX")
def test_a_home_that_cannot_be_written(public_folder: Path) -> None:
    public_folder.chmod(0o555)
    with nobody(), pytest.raises(StorageError, match=r"cannot be opened: Permission denied; .*choose another --home"):
        Store.open(store_path(public_folder))


def test_the_findings_of_the_source_are_kept_with_the_rows(store: Store) -> None:
    finding = Finding("bad_price", Severity.REPAIR, 2, ("2024-01-03", "2024-01-04"), "2 rows dropped")
    version = store.save(series([1.0, 2.0], meta={"origin": "a test"}), [finding])
    assert version is not None
    assert store.findings(version) == (finding,)
    assert dict(store.load_version(version).meta) == {"origin": "a test"}


def test_findings_and_notes_among_the_facts_of_an_older_store_are_read(store: Store) -> None:
    facts = {"code": "bad_price", "severity": "repair", "count": 1, "dates": ["2024-01-03"], "text": "1 row dropped"}
    older = {"origin": "a test", "findings": json.dumps([facts]), "notes": json.dumps(["the ECB cannot be reached"])}
    version = store.save(series([1.0, 2.0], meta=older))
    assert version is not None
    assert store.findings(version) == (Finding("bad_price", Severity.REPAIR, 1, ("2024-01-03",), "1 row dropped"),)
    assert dict(store.load_version(version).meta) == {"origin": "a test"}


@pytest.mark.parametrize("damaged", ["{", "[1]", '[{"code": "x"}]', '[{"severity": "bad", "dates": []}]', "3"])
def test_damaged_findings_are_damage(store: Store, damaged: str) -> None:
    version = store.save(series([1.0, 2.0], meta={"findings": damaged}))
    assert version is not None
    with pytest.raises(DamageError, match="findings cannot be read"):
        store.findings(version)
