"""`forecast search` from the outside, with a toy in the place of networks."""

import json
from pathlib import Path

import pytest
from documented_keys import differences, missing

ASKED = (
    *("search", "--pair", "USDJPY", "--end", "2005-12-31", "--universe", "none", "--config", "classic", "--jobs", 1),
    *("--step", 1, "--folds", 2, "--lockbox", 100, "--set", "model.dropout=0.5"),
)
TRIALS = 16


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text("model.dropout: {low: 0.0, high: 0.6}\nmodel.epochs: [1, 2, 3, 13]\n")
    return path


def test_the_document_the_table_and_the_picture(forecast, toy_fits, space: Path, tmp_path: Path) -> None:
    result = forecast(*ASKED, "--space", space, "--trials", TRIALS, "--format", "json", "--keep-lockbox")
    assert result.exit_code == 0, result.stderr
    closed = json.loads(result.stdout)
    assert closed["lockbox"]["record"] is None
    cells = len(toy_fits.cells)

    result = forecast(*ASKED, "--space", space, "--trials", TRIALS, "--format", "json")
    opened = json.loads(result.stdout)
    assert opened["lockbox"]["opened_now"] is True
    assert len(toy_fits.cells) == cells + 2  # the winner and the start on the lockbox
    assert opened["trials"] == closed["trials"]
    assert opened["luck"]["trials"] == TRIALS == len(opened["trials"])
    assert sum(opened["counts"].values()) == TRIALS
    assert opened["counts"]["failed"] > 0
    command = "forecast search --format json"
    assert differences(command, closed) == differences(command, opened) == []
    assert missing(command, [opened]) == []

    picture = tmp_path / "search.png"
    again = forecast("search", "--study", opened["study"], "--trials", TRIALS, "--jobs", 1, "--out", picture)
    assert again.exit_code == 0, again.stderr
    assert len(toy_fits.cells) == cells + 2
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "it is not opened again" in again.stdout
    complete = opened["counts"]["complete"]
    assert f"the best of {complete} complete trials would be this good by chance with p " in again.stdout
    assert "reading: " in again.stdout
    assert opened["study"] in again.stdout
    best = opened["winner"]["settings"]
    assert f"--set model.dropout={best['model.dropout']}" in again.stderr.splitlines()[-1]
    assert "next: forecast train --pair USDJPY" in again.stderr

    rows = forecast(*ASKED, "--space", space, "--trials", TRIALS, "--format", "csv").stdout.splitlines()
    assert rows[0] == "trial,state,loss,loss_change,reason,model.dropout,model.epochs"
    assert len(rows) == TRIALS + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--space", "missing.yaml"), "missing.yaml: cannot be read"),
        (("--baseline", "garhc"), "--baseline garhc is unknown; expected one of"),
        (("--lockbox", 5000), "rows are too few for 2 folds of 500 rows, a lockbox of 5000"),
        (("--study", "x"), "--study names data and configuration; got --pair too"),
        (("--out", "x.txt"), "the file name ends in one of .png"),
    ],
)
def test_requests_that_cannot_be_carried_out(forecast, arguments: tuple[object, ...], message: str) -> None:
    result = forecast(*ASKED, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_study(forecast) -> None:
    result = forecast("search", "--study", "../x")
    assert result.exit_code == 1
    assert "error: ../x names no study; expected one of those in searches: there is none" in result.stderr


def test_a_study_whose_data_have_changed(
    forecast, toy_fits, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = forecast(*ASKED, "--space", space, "--trials", 1, "--format", "json")
    study = json.loads(result.stdout)["study"]
    with monkeypatch.context() as patch:
        patch.setattr("forecaster.__version__", "9.9")
        changed = forecast("search", "--study", study, "--jobs", 1)
    path = tmp_path / "searches" / study / "study.json"
    facts = json.loads(path.read_text())
    facts["folds"][0][0] = "2003-01-02"
    path.write_text(json.dumps(facts))
    altered = forecast("search", "--study", study, "--jobs", 1)
    assert changed.exit_code == altered.exit_code == 4
    assert "start a new study" in changed.stderr
    assert f"study.json is not what this program has written as {study}" in altered.stderr
