"""Capsules: a run and its data on another machine; a hostile file does nothing."""

import dataclasses
import io
import json
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import oracles
import pytest
from run_copies import GOLDEN, copy_run

from forecaster.data.instruments import Instrument
from forecaster.data.series_files import history_bytes, history_of
from forecaster.data.sources.base import Loaded
from forecaster.data.store import Store
from forecaster.data.store_versions import store_path
from forecaster.environment import Environment
from forecaster.errors import DamageError, InputFileError, StorageError
from forecaster.experiments.annotations import FOLDER, add_note, annotations_of
from forecaster.experiments.capsules import read_capsule
from forecaster.experiments.lockboxes import Opening, openings, record_opening
from forecaster.experiments.runs import find_run
from forecaster.experiments.stored_files import parse_arrays, parse_json
from forecaster.files import sha256_of, write_folder
from forecaster.workflows.run_capsules import export_run, import_run

OPENING = Opening("USDJPY-lstm-1", "2026-11-26T18:00:00+00:00", ("USDJPY",), "2019-01-18", "2020-12-31")
SERIES = dataclasses.replace(oracles.walk(50, seed=1), source="synthetic")


@pytest.fixture
def project(tmp_path: Path) -> Environment:
    """A run whose history is in the store."""
    environment = Environment(home=tmp_path / "here")
    stored = {SERIES.instrument.name: SERIES.sha256, "EURUSD": "0" * 64}
    copy_run(environment.home / "runs", source=SERIES.source, stored=stored)
    store_path(environment.home).parent.mkdir(parents=True)
    with Store.open(store_path(environment.home)) as store:
        store.save(SERIES)
    return environment


@pytest.fixture
def capsule(project: Environment, tmp_path: Path) -> Path:
    return export_run("latest", project, tmp_path / "run.capsule").path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Environment:
    return Environment(home=tmp_path / "there")


def changed(capsule: Path, **members: bytes | None) -> Path:
    """The capsule with members replaced, added, or left out where None is given; ``__`` stands for a point."""
    with zipfile.ZipFile(capsule) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content |= {name.replace("__", "."): value for name, value in members.items()}  # type: ignore[dict-item]
    target = capsule.with_name("changed.capsule")
    with zipfile.ZipFile(target, "w") as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value)
    return target


def test_a_history_survives_as_arrays() -> None:
    arrays = parse_arrays(history_bytes(Loaded(SERIES)))
    again = history_of(arrays, parse_json(arrays["facts"].tobytes()))
    assert again.series.sha256 == SERIES.sha256
    assert (again.series.instrument, dict(again.series.meta)) == (SERIES.instrument, dict(SERIES.meta))


def test_a_run_goes_with_its_notes_and_data_to_another_project(
    project: Environment, elsewhere: Environment, tmp_path: Path
) -> None:
    add_note(project.home / "runs" / GOLDEN.name, "text", "ann", project.clock())
    exported = export_run("latest", project, tmp_path / "run.capsule")
    assert (exported.histories, exported.missing) == ((SERIES.name,), ("synthetic/EURUSD: " + "0" * 64,))
    imported = import_run(exported.path, elsewhere)
    assert imported.is_new
    assert (imported.histories, imported.missing) == (exported.histories, exported.missing)
    there = elsewhere.home / "runs" / GOLDEN.name
    for path in (project.home / "runs" / GOLDEN.name).rglob("*"):
        if path.is_file():
            assert (there / path.relative_to(project.home / "runs" / GOLDEN.name)).read_bytes() == path.read_bytes()
    with Store.open(store_path(elsewhere.home)) as store:
        assert store.load(SERIES.source, SERIES.symbol).sha256 == SERIES.sha256


def test_openings_of_lockboxes_go_with_runs_of_their_instruments(
    project: Environment, elsewhere: Environment, tmp_path: Path
) -> None:
    (name, *_) = find_run(project.home / "runs", "latest").manifest.data.instruments
    opening = dataclasses.replace(OPENING, instruments=(name, "EURCHF"))
    record_opening(project.home, opening)
    record_opening(project.home, dataclasses.replace(opening, study="EURCHF-lstm-2", instruments=("EURCHF",)))
    exported = export_run("latest", project, tmp_path / "run.capsule")
    for _ in range(2):
        import_run(exported.path, elsewhere)
        assert openings(elsewhere.home) == [opening]


def test_prices_may_be_left_out(project: Environment, elsewhere: Environment, tmp_path: Path) -> None:
    exported = export_run("latest", project, tmp_path / "run.capsule", with_data=False)
    assert exported.histories == ()
    assert len(import_run(exported.path, elsewhere).missing) == 2
    assert not store_path(elsewhere.home).exists()


def test_a_second_import_adds_new_notes_alone(project: Environment, capsule: Path, elsewhere: Environment) -> None:
    import_run(capsule, elsewhere)
    add_note(elsewhere.home / "runs" / GOLDEN.name, "there", "bob", project.clock())
    add_note(project.home / "runs" / GOLDEN.name, "here", "ann", project.clock())
    again = import_run(export_run("latest", project, capsule).path, elsewhere)
    assert not again.is_new
    notes = annotations_of(elsewhere.home / "runs" / GOLDEN.name).notes
    assert {note.text for note in notes} == {"here", "there"}


def test_another_run_with_the_same_id_is_refused(capsule: Path, elsewhere: Environment) -> None:
    copy_run(elsewhere.home / "runs", seed=99)
    with pytest.raises(DamageError, match="another run with the id"):
        import_run(capsule, elsewhere)


HOSTILE = {
    "a member outside its folder": {"../../evil.json": b"{}"},
    "an absolute member": {"/tmp/evil": b"{}"},
    "a member in a folder of notes that leaves it": {f"{FOLDER}/../../evil.json": b"{}"},
    "code": {"data/0.pkl": b"cos\nsystem\n(S'true'\ntR."},
    "other weights": {"weights__npz": b"PK"},
    "another configuration": {"config__yaml": b"horizon: 5\n"},
    "a manifest that is not JSON": {"manifest__json": b"{"},
    "no manifest": {"manifest__json": None},
    "a history of objects": {"data/0__npz": None},
    "a schema of the future": {"capsule__json": b'{"schema": "capsule/9", "run_id": "x", "missing": []}'},
    "an id that is a path": {"capsule__json": b'{"schema": "capsule/1", "run_id": "../x", "missing": []}'},
    "another id": {"capsule__json": b'{"schema": "capsule/1", "run_id": "x", "missing": []}'},
    "a list in place of facts": {"capsule__json": b"[1]"},
    "names that are no list": {
        "capsule__json": f'{{"schema": "capsule/1", "run_id": "{GOLDEN.name}", "missing": "x"}}'
    },
    "a note that is not JSON": {f"{FOLDER}/a__json": b"{"},
    "tags that move the cursor": {
        f"{FOLDER}/a__json": b'{"schema": "annotation/1", "created": "", "author": "", "added": ["\\u001b[2J"]}'
    },
    "tags that are no list": {
        f"{FOLDER}/a__json": b'{"schema": "annotation/1", "created": "", "author": "", "added": null}'
    },
    "a note with a name of other letters": {f"{FOLDER}/\u00e9__json": b"{}"},
    "a note that is too large": {f"{FOLDER}/a__json": b" " * (2**20 + 1)},
    "an opened lockbox of a study that is a path": {
        "lockboxes/a__json": OPENING.content().replace(b"USDJPY-lstm-1", b"../../x")
    },
    "an opened lockbox without rows": {"lockboxes/a__json": OPENING.content().replace(b"2020-12-31", b"never")},
    "an opened lockbox that is a list": {"lockboxes/a__json": b"[1]"},
}


def _objects() -> bytes:
    file = io.BytesIO()
    np.savez(file, dates=np.array([object()], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_capsule_writes_nothing(name: str, capsule: Path, elsewhere: Environment, tmp_path: Path) -> None:
    members = {"data/0__npz": _objects()} if name == "a history of objects" else HOSTILE[name]
    hostile = changed(capsule, **members)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DamageError, match="cannot be imported"):
        import_run(hostile, elsewhere)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_capsule_cannot_unpack_to_more_than_it_states(capsule: Path) -> None:
    with zipfile.ZipFile(capsule, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{FOLDER}/a.json", b" " * 2**26)
    content = bytearray(capsule.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    capsule.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match="cannot be imported"):
            read_capsule(capsule)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_member_that_cannot_be_unpacked_is_refused(capsule: Path) -> None:
    with zipfile.ZipFile(capsule) as archive:
        start = archive.getinfo("manifest.json").header_offset + 30 + len("manifest.json")
    content = bytearray(capsule.read_bytes())
    content[start : start + 6] = b"\xff" * 6
    capsule.write_bytes(content)
    with pytest.raises(DamageError, match="cannot be imported"):
        read_capsule(capsule)


def test_prices_that_may_not_be_passed_on_are_refused(project: Environment, elsewhere: Environment) -> None:
    """A forecast would prefer them to those of the store, which it has asked for itself."""
    series = dataclasses.replace(SERIES, source="yahoo")
    run_id = "20261127-000000-000-USDJPY-868bfe"
    copy_run(project.home / "runs", run_id, source="yahoo", stored={series.instrument.name: series.sha256})
    with Store.open(store_path(project.home)) as store:
        store.save(series)
    exported = export_run("latest", project, project.home / "run.capsule")
    assert (exported.histories, exported.missing) == ((), (f"yahoo/{series.instrument.name}: {series.sha256}",))
    assert read_capsule(exported.path).histories == ()
    hostile = changed(exported.path, **{"data/0__npz": history_bytes(Loaded(series))})
    with pytest.raises(DamageError, match="prices of yahoo"):
        import_run(hostile, elsewhere)
    assert not elsewhere.home.exists()


def test_a_history_with_the_rows_of_another_one_keeps_its_name(
    project: Environment, elsewhere: Environment, tmp_path: Path
) -> None:
    """A file that was read from standard input as well is in the store twice."""
    copied = dataclasses.replace(SERIES, instrument=Instrument("ticker", "A"), symbol="A")
    renamed = dataclasses.replace(SERIES, instrument=Instrument("ticker", "Z"), symbol="Z")
    with Store.open(store_path(project.home)) as store:
        store.save(copied)
        store.save(renamed)
    exported = export_run("latest", project, tmp_path / "run.capsule")
    assert exported.histories == (SERIES.name,)
    assert import_run(exported.path, elsewhere).histories == (SERIES.name,)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, elsewhere: Environment) -> None:
    project = Environment(home=tmp_path / "here")
    weights = _objects()
    hashes = json.loads((GOLDEN / "manifest.json").read_text())["files"]
    copy_run(project.home / "runs", files={**hashes, "weights.npz": sha256_of(weights)})
    (project.home / "runs" / GOLDEN.name / "weights.npz").write_bytes(weights)
    exported = export_run("latest", project, tmp_path / "run.capsule")
    with pytest.raises(DamageError, match="cannot be used as weights"):
        import_run(exported.path, elsewhere)
    assert not elsewhere.home.exists()


def test_an_import_beside_another_one_adds_its_notes(
    capsule: Path, elsewhere: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run appears between the look whether it is there and the write."""

    def slow(folder: Path, files: Mapping[str, bytes]) -> None:
        if folder.parent == elsewhere.home / "runs":
            write_folder(folder, files)
        write_folder(folder, files)

    monkeypatch.setattr("forecaster.workflows.run_capsules.write_folder", slow)
    assert not import_run(capsule, elsewhere).is_new


def test_a_run_too_large_for_an_import_is_not_exported(
    project: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecaster.experiments.capsules.MAX_CAPSULE_BYTES", 1000)
    with pytest.raises(StorageError, match="as one file"):
        export_run("latest", project, tmp_path / "run.capsule")
    assert not (tmp_path / "run.capsule").exists()


def test_a_history_of_another_run_is_refused(capsule: Path, elsewhere: Environment) -> None:
    foreign = changed(capsule, **{"data/1__npz": history_bytes(Loaded(oracles.walk(60, seed=2)))})
    with pytest.raises(DamageError, match="is not a history of its run"):
        import_run(foreign, elsewhere)
    assert not elsewhere.home.exists()


def test_sizes_are_bounded(capsule: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = changed(capsule, **{f"{FOLDER}/a__json": b" " * 100_000})
    monkeypatch.setattr("forecaster.experiments.capsules.MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(DamageError, match="too large"):
        read_capsule(bomb)
    monkeypatch.setattr("forecaster.experiments.capsules.MAX_CAPSULE_BYTES", 1000)
    with pytest.raises(DamageError, match="is larger than"):
        read_capsule(capsule)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + b"\0" * 18, b"x" * 5000])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DamageError, match="cannot be imported"):
        read_capsule(tmp_path / "file")
    with pytest.raises(InputFileError, match="cannot be read: No such file"):
        read_capsule(tmp_path / "missing")


def test_the_same_run_gives_the_same_bytes(project: Environment, capsule: Path, tmp_path: Path) -> None:
    again = export_run("latest", project, tmp_path / "again.capsule")
    assert again.path.read_bytes() == capsule.read_bytes()
    assert json.loads(zipfile.ZipFile(capsule).read("capsule.json"))["run_id"] == GOLDEN.name
