"""Manifests and run folders: what an earlier version has written is read, and damage is named."""

import io
import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecaster.errors import DamageError, NewerSchemaError
from forecaster.experiments.manifest import Manifest, SeriesFacts
from forecaster.experiments.runs import Run, find_run, list_runs, read_run, runs_folder
from forecaster.experiments.stored_files import document_checksum, parse_arrays
from forecaster.files import sha256_of

EARLIER = next((Path(__file__).parents[1] / "golden").glob("2*-USDJPY-*"))


def earlier() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EARLIER / "manifest.json").read_text(encoding="utf-8"))
    return document


def test_a_manifest_of_an_earlier_version_is_read_and_written_with_the_same_keys_and_values() -> None:
    document = earlier()
    manifest = Manifest.from_json(document)
    assert manifest.data.members["EURUSD"].rows == 2560
    assert manifest.data.frequency == "1d"
    assert manifest.split.fitted_until == np.datetime64(document["fitted_until"])
    assert manifest.split.parts["train"].last == np.datetime64("2009-01-21")
    written = manifest.to_json()
    assert list(written) == [key for key in document if key != "checksum"]
    assert {key: value for key, value in written.items() if key != "state"} == {
        key: value for key, value in document.items() if key not in ("state", "checksum")
    }
    assert Manifest.from_json(written) == manifest


def test_what_a_manifest_need_not_say_has_a_default() -> None:
    needed = (
        *("schema", "run_id", "model", "source", "instruments", "members", "horizon", "split"),
        *("fitted_until", "seen_until", "state", "files"),
    )
    manifest = Manifest.from_json({key: earlier()[key] for key in needed})
    assert (manifest.data.frequency, manifest.data.inputs, manifest.split.refit) == ("1d", (), False)
    assert manifest.scores.skill("USDJPY") is None


def test_the_histories_that_a_run_needs_are_those_it_stored_and_those_it_used() -> None:
    document = earlier()
    document["inputs"] = [{"name": "rate", "sha256": "5f" * 32, "known_sha256": "0a" * 32}, {"name": "market"}]
    histories = Manifest.from_json(document).histories
    members = {facts["sha256"] for facts in document["members"].values()}
    assert histories == {*document["stored"].values(), *members, "5f" * 32}


def saved(folder: Path, name: str, **changed: object) -> Path:
    path = folder / name
    shutil.copytree(EARLIER, path)
    document = {**earlier(), "run_id": name, **changed}
    document = {key: value for key, value in document.items() if value is not None}
    document["checksum"] = document_checksum(document)
    (path / "manifest.json").write_text(json.dumps(document))
    return path


def test_runs_are_listed_beside_those_that_cannot_be_read(tmp_path: Path) -> None:
    folder = runs_folder(tmp_path)
    for name in ("20260101-a", "20260103-c"):
        saved(folder, name)
    saved(folder, "20260102-newer", schema=2)
    (saved(folder, "20260104-d") / "manifest.json").write_text("{")
    (folder / "notes").mkdir()
    listing = list_runs(folder)
    assert [run.id for run in listing.runs] == ["20260103-c", "20260101-a"]
    assert [type(error) for error in listing.damaged] == [DamageError, NewerSchemaError]
    assert list_runs(tmp_path / "nowhere").runs == ()


@pytest.mark.parametrize(
    "changed",
    [{"members": None}, {"seen_until": "soon"}, {"split": {"train": 7}}, {"files": None}, {"members": ["USDJPY"]}],
)
def test_a_manifest_that_lacks_a_fact_is_damage(tmp_path: Path, changed: dict[str, object]) -> None:
    path = saved(runs_folder(tmp_path), "20260101-a", **changed)
    with pytest.raises(DamageError, match=r"manifest.json lacks a fact, or holds a false one"):
        read_run(path)


def test_facts_of_a_history_come_back() -> None:
    facts = SeriesFacts("ecb/USDJPY/1d@77ae", 2, np.datetime64("2020-01-02"), np.datetime64("2020-01-03"), "77ae")
    assert SeriesFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def forged(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A run whose manifest was changed, with a checksum that fits."""
    path = saved(folder, "20260101-forged")
    document = json.loads((path / "manifest.json").read_text())
    change(document)
    document["checksum"] = document_checksum(document)
    (path / "manifest.json").write_text(json.dumps(document))
    return path


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "horizon is text": lambda document: document.update(horizon="20"),
    "horizon is negative": lambda document: document.update(horizon=-1),
    "horizon is a fraction": lambda document: document.update(horizon=2.5),
    "no instrument": lambda document: document.update(instruments=[]),
    "members is text": lambda document: document.update(members="USDJPY"),
    "rows is a list": lambda document: document["members"]["USDJPY"].update(rows=[1]),
    "a date of no calendar": lambda document: document["members"]["USDJPY"].update(last="2010-13-41"),
    "a series that ends before it begins": lambda document: document["data"][0].update(first="2020-01-01"),
    "a hash that is none": lambda document: document["stored"].update(USDJPY="../../etc/passwd"),
    "the weights have seen more than the choices": lambda document: document.update(fitted_until="2030-01-01"),
    "a split without test": lambda document: document["split"].pop("test"),
    "overlapping parts": lambda document: document["split"]["test"].update(first="2001-01-02"),
    "an unknown engine": lambda document: document["engine"].update(backend="torch"),
    "steps that are texts": lambda document: document["state"].update(location_steps=["1"]),
    "fallbacks that are numbers": lambda document: document["state"].update(fallbacks=[1]),
    "a score without a window": lambda document: document["scores"][0].pop("window"),
    "a ratio that is text": lambda document: document["scores"][0]["crps_ratio"].update(garch="0.9"),
    "files are a list": lambda document: document.update(files=["weights.npz"]),
    "seconds are texts": lambda document: document.update(seconds={"fit": "1"}),
    "a verdict that is a list": lambda document: document.update(verdicts={"USDJPY": {"point": ["worse"]}}),
    "judged steps that are numbers": lambda document: document.update(
        verdicts={"USDJPY": {"coverage": {"outcome": "better", "steps": [1]}}}
    ),
    "a score without coverage": lambda document: document["scores"][0].pop("coverage"),
    "a configuration that is text": lambda document: document.update(configuration="default"),
    "a mapping for a name": lambda document: document.update(model={}),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_manifest_is_damage(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(DamageError, match=r"manifest.json lacks a fact, or holds a false one") as caught:
        read_run(forged(runs_folder(tmp_path), change))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 500 + "1" + "}" * 500, "NaN", "{", "", "\ud800", "7" * 5000])
def test_a_manifest_that_is_no_document_is_damage(tmp_path: Path, text: str) -> None:
    path = saved(runs_folder(tmp_path), "20260101-a")
    (path / "manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DamageError, match=r"manifest\.json"):
        read_run(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are those of POSIX")
def test_a_pipe_in_place_of_a_manifest_is_damage(tmp_path: Path) -> None:
    path = saved(runs_folder(tmp_path), "20260101-a")
    (path / "manifest.json").unlink()
    os.mkfifo(path / "manifest.json")
    with pytest.raises(DamageError, match="it is a pipe"):
        read_run(path)


def test_a_run_under_another_name_is_damage(tmp_path: Path) -> None:
    folder = runs_folder(tmp_path)
    saved(folder, "20260101-a")
    shutil.copytree(folder / "20260101-a", folder / "29990101-b")
    with pytest.raises(DamageError, match="holds the run 20260101-a; expected a folder with the name of its run"):
        find_run(folder, "latest")
    assert [run.id for run in list_runs(folder).runs] == ["20260101-a"]


def with_weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> Run:
    """A run whose weights were changed, with hashes that fit."""
    path = saved(folder, "20260101-forged")
    arrays = parse_arrays((path / "weights.npz").read_bytes())
    change(arrays)
    np.savez(path / "weights.npz", **arrays)
    return rehashed(path)


def rehashed(path: Path) -> Run:
    """The run in `path` after its files were changed, with hashes that fit."""
    document = json.loads((path / "manifest.json").read_text())
    document["files"] = {name: sha256_of((path / name).read_bytes()) for name in document["files"]}
    document["checksum"] = document_checksum(document)
    (path / "manifest.json").write_text(json.dumps(document))
    return read_run(path)


KERNEL = "lstm_0/lstm_cell/kernel"
FORGED_WEIGHTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "is missing": lambda arrays: arrays.pop(KERNEL),
    "is unknown": lambda arrays: arrays.update(more=np.zeros(3, np.float32)),
    "has the shape": lambda arrays: arrays.update({KERNEL: arrays[KERNEL].T.copy()}),
    "float64": lambda arrays: arrays.update({KERNEL: arrays[KERNEL].astype(float)}),
    "int64": lambda arrays: arrays.update({KERNEL: arrays[KERNEL].astype(int)}),
    "NaN or infinity": lambda arrays: arrays[KERNEL].put(0, np.nan),
    "holds no numbers": lambda arrays: arrays.update({KERNEL: np.array(["text"])}),
    r"shape \(\)": lambda arrays: arrays.update({"head/spread/bias": np.float32(1)}),
}


@pytest.mark.parametrize("message", FORGED_WEIGHTS)
def test_forged_weights_are_damage(tmp_path: Path, message: str) -> None:
    run = with_weights(tmp_path, FORGED_WEIGHTS[message])
    with pytest.raises(DamageError, match=f"weights.npz cannot be used as weights: .*{message}"):
        _ = run.fitted


def test_weights_that_unpack_to_gigabytes_are_not_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path, "20260101-forged")
    with zipfile.ZipFile(path / "weights.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(2**26))
    tracemalloc.start()
    tracemalloc.reset_peak()  # another test may have begun the tracing
    try:
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(DamageError, match=r"unpack to 67108864"):
            _ = rehashed(path).fitted
        assert tracemalloc.get_traced_memory()[1] - before < 2**25
    finally:
        tracemalloc.stop()


def test_weights_whose_packing_has_no_bound_are_not_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path, "20260101-forged")
    with zipfile.ZipFile(path / "weights.npz", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.npy", b"0")
    with pytest.raises(DamageError, match="packed in another way than deflate"):
        _ = rehashed(path).fitted


def test_an_array_that_claims_a_huge_shape_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, "20260101-forged")
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(path / "weights.npz", "w") as archive:
        archive.writestr("a.npy", content.getvalue())
    with pytest.raises(DamageError, match=r"has the shape \(1000000000000,\) and 0 bytes"):
        _ = rehashed(path).fitted


def test_a_forged_configuration_or_curve_is_damage(tmp_path: Path) -> None:
    path = saved(tmp_path, "20260101-forged")
    whole = (path / "config.yaml").read_text()
    options = whole.replace("  options: {}", "  options: {deadline: 1}")
    assert options != whole
    for text in ("model: [1]", "horizon: x", whole.replace("horizon: 20", "horizon: 10"), options):
        (path / "config.yaml").write_text(text)
        with pytest.raises(DamageError, match=r"config.yaml"):
            _ = rehashed(path).config
    for text in ("step,loss\n1,x\n", "step,loss\n1,2,3\n", "a,b\n1,2\n", "\0"):
        (path / "history.csv").write_text(text)
        with pytest.raises(DamageError, match=r"history.csv"):
            rehashed(path).history()
