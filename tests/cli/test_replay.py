"""`forecast replay`: a training is repeated from its run alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import oracles
import pytest
from conftest import Forecast
from short_trainings import TINY

from forecaster.data.instruments import csv_instrument
from forecaster.data.universes import universe_sha256
from forecaster.experiments.runs import list_runs
from forecaster.experiments.stored_files import document_checksum
from forecaster.files import sha256_of


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of a file, whose rows changed after the training."""
    from click.testing import CliRunner

    from forecaster.cli import cli

    home = tmp_path_factory.mktemp("replay")
    series = oracles.walk(1800, seed=3)
    rows = [f"{day},{price:.5f}" for day, price in zip(series.dates, series.columns["close"], strict=True)]
    file = home / "prices.csv"
    file.write_text("\n".join(["date,close", *rows]) + "\n")
    arguments = ["train", "--csv", str(file), *TINY, "--horizon", "5", "--home", str(home)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    file.write_text("\n".join(["date,close", *rows[3:]]) + "\n")
    return home


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "project"))


def rewrite(project: Path, **changes: object) -> None:
    """Change facts of the only run, as another machine would have recorded them."""
    (run,) = list_runs(project / "runs").runs
    path = run.folder / "manifest.json"
    document = {**json.loads(path.read_text()), **changes}
    document["checksum"] = document_checksum(document)
    path.write_text(json.dumps(document))


def disturb_weights(project: Path, factor: float) -> None:
    (run,) = list_runs(project / "runs").runs
    path = run.folder / "weights.npz"
    with np.load(path) as file:
        arrays = {name: file[name] * factor if file[name].dtype.kind == "f" else file[name] for name in file.files}
    np.savez(path, allow_pickle=False, **arrays)
    rewrite(project, files={**run.manifest.files, "weights.npz": sha256_of(path.read_bytes())})


def test_a_training_is_repeated_with_the_same_bits_although_its_file_changed(forecast: Forecast, project: Path) -> None:
    before = sorted(path.relative_to(project) for path in project.rglob("*"))
    result = forecast("replay", "latest", "--home", project, "--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["identical"]
    assert document["repeated"]
    assert (document["largest_weight_difference"], document["score_differences"]) == (0, {})
    assert [
        path for path in sorted(path.relative_to(project) for path in project.rglob("*")) if path not in before
    ] in (
        [],
        [Path("runs/.index.json")],
    )


def test_other_weights_on_the_same_software_are_a_difference(forecast: Forecast, project: Path) -> None:
    disturb_weights(project, 1.001)
    result = forecast("replay", "latest", "--home", project)
    assert result.exit_code == 4
    assert "not repeated; expected the same bits" in result.stdout
    (run,) = list_runs(project / "runs").runs
    versions = {**run.manifest.engine.versions, "code": "0123456789ab"}
    rewrite(project, processor="another processor", versions=versions, settings={"threads": "7"})
    elsewhere = forecast("replay", "latest", "--home", project)
    assert elsewhere.exit_code == 0
    assert "repeated on other software or hardware" in elsewhere.stdout
    assert "processor: recorded another processor" in elsewhere.stdout
    assert "version of code: recorded 0123456789ab" in elsewhere.stdout
    assert "setting of threads: recorded 7, now none" in elsewhere.stdout
    assert "forecasts: largest relative difference" in elsewhere.stdout


def test_changed_data_are_named(forecast: Forecast, project: Path) -> None:
    (project / "data" / "store.sqlite").unlink()
    result = forecast("replay", "latest", "--home", project)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "prices has 1797 rows" in result.stderr.splitlines()[-1]
    assert "expected the histories of its training" in result.stderr


def test_a_lost_file_and_store_are_named_with_a_way_out(forecast: Forecast, project: Path, trained: Path) -> None:
    (project / "data" / "store.sqlite").unlink()
    file = trained / "prices.csv"
    moved = file.rename(trained / "moved.csv")
    try:
        result = forecast("replay", "latest", "--home", project)
    finally:
        moved.rename(file)
    assert (result.exit_code, result.stdout) == (4, "")
    (message,) = result.stderr.splitlines()
    assert "the rows of prices that the training used" in message
    assert "import a file that forecast runs export has written" in message


@pytest.fixture(scope="module")
def with_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of two files from a list, a column and events, in the folder ``files``."""
    from click.testing import CliRunner

    from forecaster.cli import cli

    home = tmp_path_factory.mktemp("files")
    (home / "files").mkdir()
    for name, seed in (("a", 1), ("b", 2)):
        series = oracles.walk(1800, seed=seed)
        rows = [f"{day},{price:.5f}" for day, price in zip(series.dates, series.columns["close"], strict=True)]
        (home / "files" / f"{name}.csv").write_text("\n".join(["date,close", *rows]) + "\n")
        (home / "files" / "column.csv").write_text("\n".join(["date,vix", *rows]) + "\n")
    (home / "files" / "list.txt").write_text("b.csv\n")
    arguments = ["train", "--csv", str(home / "files" / "a.csv"), *TINY, "--horizon", "5", "--home", str(home)]
    arguments += ["--universe", str(home / "files" / "list.txt"), "--exog", str(home / "files" / "column.csv")]
    result = CliRunner().invoke(cli, [*arguments, "--lag", "vix=1"])
    assert result.exit_code == 0, result.output
    return home


def test_a_list_of_series_is_the_recorded_one(forecast: Forecast, with_files: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(with_files, tmp_path / "project"))
    listed = universe_sha256([csv_instrument(Path("b.csv"), None)])
    assert list_runs(project / "runs").runs[0].manifest.data.universe_sha256 == listed
    (with_files / "files" / "list.txt").write_text("nothing\n")
    result = forecast("replay", "latest", "--home", project)
    assert result.exit_code == 0, result.output
    assert "the same bits" in result.stdout


def test_a_changed_column_is_named_and_one_that_only_grew_is_accepted(
    forecast: Forecast, with_files: Path, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(with_files, tmp_path / "project"))
    path = with_files / "files" / "column.csv"
    whole = path.read_text()
    try:
        path.write_text(whole + "2099-01-01,1\n")
        assert forecast("replay", "latest", "--home", project).exit_code == 0
        head, first, *rest = whole.splitlines()
        path.write_text("\n".join([head, first + "9", *rest]) + "\n")
        changed = forecast("replay", "latest", "--home", project)
        assert (changed.exit_code, changed.stdout) == (4, "")
        assert "vix has other values" in changed.stderr
        path.unlink()
        missing = forecast("replay", "latest", "--home", project)
        assert (missing.exit_code, missing.stdout) == (4, "")
        assert f"has read {path}" in missing.stderr
        moved = tmp_path / "moved.csv"
        moved.write_text(whole)
        assert forecast("replay", "latest", "--exog", moved, "--home", project).exit_code == 0
        unread = forecast("replay", "latest", "--events", moved, "--home", project)
        assert (unread.exit_code, "has read no such file" in unread.stderr) == (2, True)
        exported = forecast("runs", "export", "latest", "--home", project, "--out", tmp_path / "run.capsule")
        assert f"left out: {path} (" in exported.stderr
        imported = forecast("runs", "import", tmp_path / "run.capsule", "--home", tmp_path / "there")
        assert f"not in the file: {path} (" in imported.stderr
    finally:
        path.write_text(whole)


def test_scores_are_compared_to_the_last_digit(forecast: Forecast, project: Path) -> None:
    (run,) = list_runs(project / "runs").runs
    scores = [dict(score) for score in run.manifest.scores.scores]
    scores = [{**score, "mae_return": score["mae_return"] * (1 + 1e-12)} for score in scores]
    rewrite(project, scores=scores)
    result = forecast("replay", "latest", "--home", project)
    assert result.exit_code == 4
    assert "not repeated; expected the same bits" in result.stdout


def test_a_training_from_a_run_differs_in_the_given_change_alone(forecast: Forecast, project: Path) -> None:
    """Its file has changed since; the recorded rows are used, and what the first training chose is chosen anew."""
    arguments = ["train", "--from", "latest", "--home", project]
    document = json.loads(forecast(*arguments, "--set", "seed=7", "--format", "json").stdout)
    assert [each["subject"] for each in document["change"]["differences"]] == ["seed"]
    assert document["change"]["scores"]
    newest = list_runs(project / "runs").runs[0]
    assert set(newest.configuration.changes) == set(list_runs(project / "runs").runs[1].configuration.changes)
    assert document["change"]["same_test_rows"]
    other = forecast(*arguments, "--set", "model.kind=linear")
    assert other.exit_code == 0, other.output
    assert "linear" in other.stdout
    assert "better, or luck? forecast compare" in other.stderr
    refused = forecast(*arguments, "--config", "quick")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "expected one of them" in refused.stderr
