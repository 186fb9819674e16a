"""`forecast search` from the outside, with a toy in the place of networks."""

import json
from pathlib import Path
from typing import Any

import pytest
from documented_keys import differences, missing

from forecaster.config import Config
from forecaster.experiments.stored_files import sealed_json
from forecaster.experiments.studies import study_id
from forecaster.experiments.tracking import NoTracker, TrackedRun

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
    shown_again(forecast, again.stdout, opened, tmp_path)


def shown_again(forecast, table: str, opened: dict[str, Any], home: Path) -> None:
    """The study in the list and by its id: the result again, from its files alone."""
    (home / "data" / "store.sqlite").unlink()
    shown = forecast("studies", "show", opened["study"][:12])
    assert shown.stdout == table
    document = json.loads(forecast("studies", "show", "latest", "--format", "json").stdout)
    assert document == {**opened, "lockbox": {**opened["lockbox"], "opened_now": False}}
    listed = json.loads(forecast("studies", "list", "--format", "json").stdout)
    assert differences("forecast studies list --format json", listed) == []
    assert missing("forecast studies list --format json", [listed]) == []
    (row,) = listed["studies"]
    assert (row["study"], row["trials"], row["p_against_start"]) == (
        opened["study"],
        TRIALS,
        opened["luck"]["p_against_start"],
    )
    assert opened["study"] in forecast("studies", "list").stdout
    assert forecast("studies", "list", "--format", "csv").stdout.startswith("study,created,instruments,")
    folder = home / "searches" / opened["study"]
    (folder / "findings.json").unlink()
    shown = forecast("studies", "show", "latest")
    assert "luck: not measured, since the search has not come to its end" in shown.stdout
    record = json.loads((folder / "lockbox.json").read_text())
    facts = {key: value for key, value in record.items() if key != "losses"}
    (folder / "lockbox.json").write_bytes(sealed_json(facts, f"{folder.name}/lockbox.json"))
    shown = forecast("studies", "show", "latest")
    assert f"opened on {record['opened'][:10]} for trial {record['winner']} (rows from" in shown.stdout
    assert shown.stderr.splitlines()[-1] == f"next: forecast search --study {opened['study']}"
    (folder / "trials" / "000001.json").write_text("[]")
    damaged = forecast("studies", "list")
    assert damaged.exit_code == 0
    assert "warning: " in damaged.stderr
    assert "000001.json is damaged" in damaged.stderr
    assert forecast("studies", "show", opened["study"]).exit_code == 4
    assert forecast("studies", "show", "latest").exit_code == 4


def test_the_command_that_trains_the_winner_names_all_instruments(forecast, toy_fits) -> None:
    result = forecast(*ASKED, "--pair", "EURUSD", "--trials", 1, "--keep-lockbox", "--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["instruments"] == ["USDJPY", "EURUSD"]
    assert "forecast train --pair USDJPY --pair EURUSD " in document["next_command"].replace("--home . ", "")


def test_no_study(forecast) -> None:
    assert "no search is recorded; begin one with: forecast search" in forecast("studies", "list").stderr
    shown = forecast("studies", "show", "latest")
    assert shown.exit_code == 1
    assert "latest names no study" in shown.stderr


class Tracked:
    """A tracker in memory."""

    def __init__(self, records: dict[str, tuple[str | None, TrackedRun]]) -> None:
        self.records = records
        self.closed: list[TrackedRun] = []

    def record(self, run: TrackedRun, parent: str | None = None) -> str:
        assert run.name not in self.records
        self.records[run.name] = (parent, run)
        return run.name

    def open_group(self, run: TrackedRun) -> str:
        return f"group of {run.name}"

    def members(self, group: str | None) -> set[str]:
        return {name for name, (parent, _) in self.records.items() if parent == group}

    def close_group(self, group: str | None, run: TrackedRun) -> None:
        self.closed.append(run)


def test_trials_are_tracked_once(forecast, toy_fits, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records: dict[str, tuple[str | None, TrackedRun]] = {}
    trackers: list[Tracked] = []

    def tracker_of(config: Config, *rest: Any) -> Tracked:
        trackers.append(Tracked(records))
        return trackers[-1] if config.tracking == "mlflow" else NoTracker()

    monkeypatch.setattr("forecaster.workflows.search.tracker_of", tracker_of)
    for trials in (4, 6):
        result = forecast(*ASKED, "--space", space, "--trials", trials, "--format", "json", "--set", "tracking=mlflow")
        assert result.exit_code == 0, result.stderr
        document = json.loads(result.stdout)
        study = document["study"]
        assert set(records) == {f"trial {number} of {study}" for number in range(trials)}
    parent, run = records[f"trial 1 of {study}"]
    metrics = {(each.name, each.step): each.value for each in run.metrics}
    trial = document["trials"][1]
    assert parent == f"group of {study}"
    assert metrics["loss", 0] == trial["loss"]
    assert metrics["fold_loss", 1] == trial["losses"][0]
    assert metrics["crps_ratio.ewma", 1] == pytest.approx(trial["loss"])
    assert run.parameters["model.dropout"] == trial["settings"]["model.dropout"]
    assert run.tags["state"] == trial["state"]
    (closed,) = trackers[-1].closed
    assert {each.name: each.value for each in closed.metrics}["lockbox.winner"] == (
        document["lockbox"]["record"]["losses"]["winner"]
    )
    assert forecast("search", "--study", study, "--trials", 6, "--jobs", 1).exit_code == 0
    for assignment, code in (("tracking=mlflow", 0), ("model.dropout=0.1", 2)):
        again = forecast("search", "--study", study, "--trials", 7, "--jobs", 1, "--set", assignment)
        assert again.exit_code == code, again.stderr
    assert len(records) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--space", "missing.yaml"), "missing.yaml: cannot be read"),
        (("--baseline", "garhc"), "--baseline garhc is unknown; expected one of"),
        (("--lockbox", 5000), "rows are too few for 2 folds of 500 rows, a lockbox of 5000"),
        (("--study", "x"), "--study names data and configuration; got --pair too"),
        (("--trials", 0), "Invalid value for '--trials': 0 is not in the range"),
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
    assert f"{study}/study.json is damaged: it does not match its own checksum" in altered.stderr
    older = {**facts, "schema": 1}
    folder = tmp_path / "searches" / study_id(older)
    folder.mkdir()
    (folder / "study.json").write_text(json.dumps(older))
    assert "is a study of another version of the program" in forecast("studies", "show", folder.name).stderr


def test_a_tracker_that_is_away_costs_one_warning_and_one_attempt(
    forecast, toy_fits, space: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def refuse(uri: str) -> None:
        attempts.append(uri)
        raise ConnectionError("no answer")

    monkeypatch.setattr("forecaster.experiments.tracker_choice.missing_packages", lambda uri: [])
    monkeypatch.setattr("forecaster.experiments.mlflow_tracker._client_of", refuse)
    uri = "http://127.0.0.1:9"
    options = ("--set", "tracking=mlflow", "--set", f"tracking_uri={uri}", "--trials", 3, "--keep-lockbox")
    result = forecast(*ASKED, "--space", space, *options)
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("warning: tracking of ") == 1
    assert attempts == [uri]


def test_a_starting_configuration_that_cannot_be_trained(forecast, toy_fits, tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("model.epochs: [1, 2]\nmodel.dropout: {low: 0.1, high: 0.3}\n")
    result = forecast(*ASKED, "--space", path, "--trials", 3, "--set", "model.epochs=13")
    assert result.exit_code == 0, result.stderr
    assert "trial 0 failed: epochs: the toy cannot be fitted" in result.stdout
    assert (
        "luck: the starting configuration has failed, so the best trial has nothing to be compared with"
        in result.stdout
    )
    assert "lockbox: closed (rows from 2005-08-12 on)\n" in result.stdout
