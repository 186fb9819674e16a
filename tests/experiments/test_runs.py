"""Manifests and run folders: what an earlier version has written is read, and damage is named."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecaster.errors import DamageError, NewerSchemaError
from forecaster.experiments.manifest import Manifest, SeriesFacts
from forecaster.experiments.runs import list_runs, manifest_checksum, read_run, runs_folder

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
    document = {**earlier(), **changed}
    document = {key: value for key, value in document.items() if value is not None}
    document["checksum"] = manifest_checksum(document)
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
    with pytest.raises(DamageError, match=r"manifest.json lacks a fact, or holds one of another type"):
        read_run(path)


def test_facts_of_a_history_come_back() -> None:
    facts = SeriesFacts("ecb/USDJPY/1d@77ae", 2, np.datetime64("2020-01-02"), np.datetime64("2020-01-03"), "77ae")
    assert SeriesFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts
