"""The index of runs: a cache that may be missing, damaged or out of date, and never decides what a run is."""

import json
import os
import shutil
from pathlib import Path

import pytest
from run_copies import GOLDEN, copy_run

from forecaster.experiments.run_index import _SHARED, indexed_runs
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import list_runs
from forecaster.files import sha256_of

SECOND = "20260101-000000-000-USDJPY-000000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy_run(tmp_path)
    copy_run(tmp_path, SECOND, fit_key="a" * 64)
    return tmp_path


def expected(folder: Path) -> tuple[RunSummary, ...]:
    return tuple(RunSummary.of(run) for run in list_runs(folder).runs)


def test_the_summaries_are_those_of_the_runs_with_and_without_an_index(folder: Path) -> None:
    assert [run.id for run in expected(folder)] == [GOLDEN.name, SECOND]
    for _ in range(2):
        index = indexed_runs(folder)
        for summary, run in zip(index.runs, expected(folder), strict=True):
            assert {**vars(summary), "outcomes": 0, "whole": 0} == {**vars(run), "outcomes": 0, "whole": 0}
            assert json.dumps([summary.outcomes, summary.whole]) == json.dumps([run.outcomes, run.whole])
        assert (folder / ".index.json").is_file()


def test_metrics_are_means_over_the_test_rows_of_the_named_instruments(folder: Path) -> None:
    (summary,) = (each for each in indexed_runs(folder).runs if each.id == GOLDEN.name)
    scores = json.loads((GOLDEN / "manifest.json").read_text())["scores"]
    tested = [score for score in scores if score["part"] == "test"]
    for step in {score["step"] for score in tested}:
        ratios = [score["crps_ratio"]["ewma"] for score in tested if score["step"] == step]
        assert summary.metrics[f"crps_ratio.ewma@{step}"] == pytest.approx(sum(ratios) / len(ratios), rel=1e-6)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"schema": "run-index/1"}', b"\xff", b'{"schema": 7}'])
def test_a_damaged_index_is_made_again(folder: Path, content: bytes) -> None:
    indexed_runs(folder)
    whole = (folder / ".index.json").read_bytes()
    (folder / ".index.json").write_bytes(content or whole.replace(b'"lstm"', b"[[1]]"))
    assert [summary.id for summary in indexed_runs(folder).runs] == [run.id for run in expected(folder)]
    assert (folder / ".index.json").read_bytes() == whole


@pytest.mark.parametrize("name", [*_SHARED, "runs"])
def test_a_forged_index_is_made_again(folder: Path, name: str) -> None:
    indexed_runs(folder)
    whole = (folder / ".index.json").read_bytes()
    head, _, body = whole.partition(b"\n")
    document = json.loads(body)
    columns = document if name == "runs" else document["shared"]
    columns[name] = [{"x": [1]} for _ in columns[name]]
    forged = json.dumps(document).encode()
    (folder / ".index.json").write_bytes(head.split(b" ")[0] + f" {sha256_of(forged)}\n".encode() + forged)
    assert [summary.id for summary in indexed_runs(folder).runs] == [run.id for run in expected(folder)]
    assert (folder / ".index.json").read_bytes() == whole


def test_a_run_that_comes_changes_or_goes_is_noticed(folder: Path) -> None:
    indexed_runs(folder)
    shutil.rmtree(folder / SECOND)
    assert [summary.id for summary in indexed_runs(folder).runs] == [GOLDEN.name]
    copy_run(folder, SECOND, fit_key="b" * 64)
    assert [summary.fit_key[:1] for summary in indexed_runs(folder).runs if summary.id == SECOND] == ["b"]
    (folder / SECOND / "manifest.json").write_text("{")
    index = indexed_runs(folder)
    assert [summary.id for summary in index.runs] == [GOLDEN.name]
    assert len(index.damaged) == 1


def test_runs_are_read_where_no_index_can_be_written(folder: Path) -> None:
    os.mkdir(folder / ".index.json")
    assert [summary.id for summary in indexed_runs(folder).runs] == [run.id for run in expected(folder)]
