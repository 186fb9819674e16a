"""`forecast runs`: list, show, diff, note, tag and remove."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import Forecast
from run_copies import GOLDEN, copy_run

SECOND = "20260101-000000-000-USDJPY-000000"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_run(tmp_path / "runs")
    scores = json.loads((GOLDEN / "manifest.json").read_text())["scores"]
    better = [{**score, "crps_ratio": {name: 0.5 for name in score["crps_ratio"]}} for score in scores]
    copy_run(tmp_path / "runs", SECOND, scores=better, seed=7)
    return tmp_path


def listed(forecast: Forecast, project: Path, *options: str) -> list[str]:
    result = forecast("runs", "list", "--home", project, "--format", "json", *options)
    assert result.exit_code == 0, result.stderr
    return [run["run_id"] for run in json.loads(result.stdout)["runs"]]


def test_runs_are_filtered_and_sorted_by_facts_tags_and_metrics(forecast: Forecast, project: Path) -> None:
    assert listed(forecast, project) == [GOLDEN.name, SECOND]
    assert listed(forecast, project, "--descending") == [SECOND, GOLDEN.name]
    assert listed(forecast, project, "--limit", "1") == [GOLDEN.name]
    assert listed(forecast, project, "--sort", "crps_ratio.ewma@1") == [SECOND, GOLDEN.name]
    assert listed(forecast, project, "--sort", "crps_ratio.ewma@1", "--descending") == [GOLDEN.name, SECOND]
    assert listed(forecast, project, "--where", "crps_ratio.ewma@1<=0.5") == [SECOND]
    assert listed(forecast, project, "--where", "instrument=usdjpy", "--where", "created>2000") != []
    assert listed(forecast, project, "--where", "model=gru") == []
    assert forecast("runs", "tag", SECOND[:9], "best", "q4", "--home", project).exit_code == 0
    assert listed(forecast, project, "--where", "tag=best") == [SECOND]
    assert listed(forecast, project, "--where", "tag!=best") == [GOLDEN.name]
    assert forecast("runs", "tag", SECOND, "--remove", "best", "--home", project).exit_code == 0
    assert listed(forecast, project, "--where", "tag=best") == []
    rows = list(csv.DictReader(io.StringIO(forecast("runs", "list", "--home", project, "--format", "csv").stdout)))
    assert [(row["run_id"], row["tags"], row["crps_ratio.ewma@1"]) for row in rows][1] == (SECOND, "q4", "0.5")


def test_a_table_shows_what_differs_and_the_metric_beside_the_run(forecast: Forecast, project: Path) -> None:
    result = forecast("runs", "list", "--home", project, "--sort", "crps_ratio.ewma@1")
    head, first, *_ = result.stdout.splitlines()
    assert head.split()[:3] == ["run", "crps_ratio.ewma@1", "configuration"]
    assert (first.split()[:2], first.split()[-1]) == ([SECOND, "0.50000"], "7")
    assert "instruments" not in head
    assert "in all rows: instruments USDJPY,EURUSD, rows 1d" in result.stderr
    assert listed(forecast, project, "--where", "seed=7") == [SECOND]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "tags=best"], "did you mean tag"),
        (["--where", "best"], "expected a fact or metric, a sign and a value"),
        (["--where", "horizon=many"], "horizon is a number"),
        (["--where", "instrument<USDJPY"], "expected = or !="),
        (["--sort", "crps_ratio.ewm@1"], "did you mean crps_ratio.ewma@1"),
    ],
)
def test_a_wrong_condition_is_one_line(forecast: Forecast, project: Path, options: list[str], message: str) -> None:
    result = forecast("runs", "list", "--home", project, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_one_run_is_shown_with_its_notes(forecast: Forecast, project: Path) -> None:
    assert forecast("runs", "note", "latest", "narrow ranges", "--author", "ann", "--home", project).exit_code == 0
    document = json.loads(forecast("runs", "show", "latest", "--home", project, "--format", "json").stdout)
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    assert document["run"]["run_id"] == GOLDEN.name
    assert document["data"] == manifest["data"]
    assert [(note["author"], note["text"]) for note in document["annotations"]] == [("ann", "narrow ranges")]
    table = forecast("runs", "show", "latest", "--home", project).stdout
    assert "narrow ranges (ann, " in table
    assert manifest["data"][0]["sha256"][:12] in table
    (note,) = (project / "runs" / GOLDEN.name).glob("annotations/*")
    note.write_bytes(note.read_bytes().replace(b"narrow", b"wide"))
    assert forecast("runs", "show", "latest", "--home", project).exit_code == 4
    (project / "runs" / ".index.json").unlink(missing_ok=True)
    listed = forecast("runs", "list", "--home", project)
    assert f"warning: {note} is no note and no tags: it does not match its own checksum" in listed.stderr


def test_two_runs_differ_in_facts_and_metrics(forecast: Forecast, project: Path) -> None:
    result = forecast("runs", "diff", SECOND, GOLDEN.name, "--home", project, "--format", "json")
    document = json.loads(result.stdout)
    scores = {row["metric"]: row for row in document["scores"]}
    assert scores["crps_ratio.ewma@1"]["values"][0] == 0.5
    assert scores["crps_ratio.ewma@1"]["change"] == pytest.approx(scores["crps_ratio.ewma@1"]["values"][1] - 0.5)
    assert not any(name.startswith("crps@") for name in scores)
    assert "crps_ratio.ewma@1" in forecast("runs", "diff", SECOND, GOLDEN.name, "--home", project).stdout
    same = forecast("runs", "diff", SECOND, SECOND[:9], "--home", project)
    assert (same.exit_code, same.stderr.count("same run")) == (2, 1)


def test_runs_are_removed_only_with_consent(forecast: Forecast, project: Path) -> None:
    refused = forecast("runs", "remove", SECOND, "--home", project)
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    unknown = forecast("runs", "remove", SECOND, "2020", "--yes", "--home", project)
    assert unknown.exit_code == 1
    assert len(listed(forecast, project)) == 2
    (project / "runs" / SECOND / "manifest.json").write_text("{")
    assert forecast("runs", "remove", SECOND, "--yes", "--home", project).exit_code == 0
    assert listed(forecast, project) == [GOLDEN.name]
    assert not list((project / "runs").glob(".partial*"))


def test_a_run_that_is_removed_loses_its_pin_and_may_be_gone_already(
    forecast: Forecast, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in (GOLDEN.name, SECOND):
        assert forecast("runs", "use", run_id, "--home", project).exit_code == 0
    rename = os.rename

    def faster(source: Path, target: Path) -> None:
        """Another process has deleted the folder between the look and the removal."""
        if Path(source).name == SECOND:
            shutil.rmtree(source)
        rename(source, target)

    monkeypatch.setattr("forecaster.workflows.runs.os.rename", faster)
    removed = forecast("runs", "remove", SECOND, "--yes", "--home", project)
    assert (removed.exit_code, removed.stderr.splitlines()[0]) == (0, f"deleted: {SECOND}")
    assert f"unpinned: {SECOND}" in removed.stderr
    assert "unpinned: none" not in forecast("runs", "use", "--none", "--home", project).stderr
    pins = project / "runs" / "pinned.json"
    pins.write_text("[]")
    refused = forecast("runs", "remove", GOLDEN.name, "--yes", "--home", project)
    assert refused.exit_code == 4
    assert (project / "runs" / GOLDEN.name).exists()


def test_an_empty_id_means_no_run(forecast: Forecast, tmp_path: Path) -> None:
    """Every id begins with an empty text: a variable that is not set must not delete the only run."""
    copy_run(tmp_path / "runs")
    for command in (["show", ""], ["remove", "", "--yes"], ["tag", "", "best"]):
        result = forecast("runs", *command, "--home", tmp_path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "the id of a run is empty" in result.stderr
    assert (tmp_path / "runs" / GOLDEN.name).is_dir()
