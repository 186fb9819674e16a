"""`forecast replay`: a training is repeated from its run alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import oracles
import pytest
from conftest import Forecast
from short_trainings import TINY

from forecaster.experiments.runs import list_runs, manifest_checksum
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
    document["checksum"] = manifest_checksum(document)
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
    rewrite(project, processor="another processor")
    elsewhere = forecast("replay", "latest", "--home", project)
    assert elsewhere.exit_code == 0
    assert "repeated on other software or hardware" in elsewhere.stdout
    assert "processor: recorded another processor" in elsewhere.stdout


def test_changed_data_are_named(forecast: Forecast, project: Path) -> None:
    (project / "data" / "store.sqlite").unlink()
    result = forecast("replay", "latest", "--home", project)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "prices has 1797 rows" in result.stderr.splitlines()[-1]
    assert "expected the histories of its training" in result.stderr
