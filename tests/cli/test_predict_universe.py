"""`forecast predict --universe` from the outside: the forecasts of single calls, one after the other."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from run_copies import GOLDEN, copy_run

ORDER = ("USDJPY", "EURUSD", "JPYUSD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copy_run(tmp_path / "runs")
    (tmp_path / "three.txt").write_text("USDJPY\nEURUSD  # listed twice\nJPYUSD\nEURUSD\n")
    (tmp_path / "four.txt").write_text("USDJPY\nGBPUSD\nEURUSD\nJPYUSD\n")
    return tmp_path


def lines(forecast, project, *arguments, code=0):
    result = forecast("predict", *arguments, "--home", project, "--format", "jsonl")
    assert result.exit_code == code, result.stderr
    return result.stdout.splitlines(), result.stderr


@pytest.mark.parametrize("more", [(), ("--as-of", "2019-06-28", "--horizon", "5")])
def test_the_forecasts_are_those_of_single_calls(forecast, project, more):
    together, stderr = lines(forecast, project, "--universe", project / "three.txt", *more)
    alone = [line for name in ORDER for line in lines(forecast, project, "--pair", name, *more)[0]]
    assert together == alone
    assert [json.loads(line)["instrument"] for line in together] == list(ORDER)
    assert "listed more than once, counted once: EURUSD" in stderr


def test_batches_and_the_order_of_the_file_change_nothing(forecast, project, monkeypatch):
    expected = lines(forecast, project, "--universe", project / "three.txt")[0]
    monkeypatch.setattr("forecaster.workflows.predict_universe.BATCH", 2)
    (project / "reversed.txt").write_text("\n".join(reversed(ORDER)))
    assert lines(forecast, project, "--universe", project / "three.txt")[0] == expected
    assert lines(forecast, project, "--universe", project / "reversed.txt")[0] == expected[::-1]


def test_the_number_of_processes_changes_nothing(forecast, project, monkeypatch):
    monkeypatch.setattr("forecaster.workflows.predict_universe.BATCH", 1)
    expected = lines(forecast, project, "--universe", project / "four.txt", "--jobs", "1", code=1)
    assert lines(forecast, project, "--universe", project / "four.txt", "--jobs", "2", code=1) == expected
    assert len(expected[0]) == len(ORDER)


def test_a_failure_is_reported_and_the_others_go_on(forecast, project):
    together, stderr = lines(forecast, project, "--universe", project / "four.txt", code=1)
    assert [json.loads(line)["instrument"] for line in together] == list(ORDER)
    assert "failed: GBPUSD: no run in" in stderr
    assert "1 of 4 instruments have no forecast" in stderr


def test_notes_are_counted(forecast, project):
    _, stderr = lines(forecast, project, "--universe", project / "three.txt", "--as-of", "2008-06-02")
    notes = stderr.splitlines()
    assert any(line.startswith(f"run: {GOLDEN.name}") and line.endswith("3 forecasts") for line in notes)
    assert "warning: 3 forecasts are in-sample" in notes
    assert not any(line.startswith("data: ecb/") for line in notes)


def test_csv_is_that_of_one_call(forecast, project):
    arguments = ("--home", project, "--format", "csv")
    together = forecast("predict", "--universe", project / "three.txt", *arguments)
    alone = forecast("predict", "--pair", ",".join(ORDER), *arguments)
    assert together.stdout == alone.stdout
    assert {row["instrument"] for row in csv.DictReader(io.StringIO(together.stdout))} == set(ORDER)


def test_a_table_has_a_line_for_each_instrument(forecast, project):
    result = forecast("predict", "--universe", project / "three.txt", "--home", project, "--level", "80")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["cutoff", "last", "80", "%", "at", "5", "days", "80", "%", "at", "20", "days"]
    assert [row.split()[0] for row in rows] == list(ORDER)
    assert all(len(line) <= 80 for line in (head, *rows[:2]))


def test_results_go_to_a_file_that_is_complete(forecast, project):
    out = project / "all.jsonl"
    result = forecast("predict", "--universe", project / "four.txt", "--home", project, "--out", out)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert out.read_text().splitlines() == lines(forecast, project, "--universe", project / "three.txt")[0]
    assert not [name for name in os.listdir(project) if name.startswith(".partial")]


def test_a_list_of_the_project_has_a_name(forecast, project):
    folder = project / "data" / "universes"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("USDJPY\nEURUSD\n")
    together, stderr = lines(forecast, project, "--universe", "mine")
    assert len(together) == 2
    assert "universe: mine@" in stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lists no symbols"),
        (b"\xff\xfe\x00\xd8", "cannot be read as a list of symbols"),
        (None, "is unknown; expected one of currencies, ecb-all, none, a file of symbols"),
    ],
)
def test_a_file_that_lists_nothing_is_one_line(forecast, project, content, message):
    path = project / "bad.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = forecast("predict", "--universe", path, "--home", project)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pair", "USDJPY"), "a universe and an instrument are given"),
        (("--paths", "5"), "--paths does not go with --universe"),
        (("--format", "json"), "got --format json; expected csv or jsonl"),
        (("--out", "x.xlsx"), "the ending '.xlsx' names no format"),
    ],
)
def test_options_that_do_not_go_together(forecast, project, arguments, message):
    result = forecast("predict", "--universe", project / "three.txt", "--home", project, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_processes_are_those_of_a_universe(forecast, project):
    result = forecast("predict", "--pair", "USDJPY", "--jobs", "2", "--home", project)
    assert result.exit_code == 2
    assert "--jobs goes with --universe" in result.stderr


def test_lines_that_are_no_symbols_are_left_out(forecast, project):
    (project / "mixed.txt").write_text("USDJPY\nEURUSD\nAAPL\nJPYUSD\n")
    together, stderr = lines(forecast, project, "--universe", project / "mixed.txt")
    assert len(together) == 3
    assert "universe: left out:" in stderr
    assert "mixed.txt:3" in stderr


def test_a_universe_of_another_frequency_is_refused(forecast, project):
    together, stderr = lines(forecast, project, "--universe", project / "three.txt", "--frequency", "1wk", code=1)
    assert together == []
    assert "3 of 3 instruments have no forecast" in stderr
    assert "with --frequency 1wk" in stderr
