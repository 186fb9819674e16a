"""A face for scripts: errors, help and schemas as JSON."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from documented_keys import differences
from jsonschema import Draft202012Validator

from forecaster.cli import cli
from forecaster.errors import ExitCode, ForecasterError
from forecaster.output.json_keys import DOCUMENTS
from forecaster.output.json_schema import document_names, document_schema

Forecast = Callable[..., Result]
ERROR = "error of a command with --format json"
HELP = "forecast --help --format json"


def error_of(result: Result) -> dict[str, Any]:
    """The document of an error: the last line of stderr, where stdout has no result."""
    assert result.stdout == ""
    document = json.loads(result.stderr.splitlines()[-1])
    assert differences(ERROR, document) == []
    assert document["exit_code"] == result.exit_code
    return document


@pytest.mark.parametrize(
    ("arguments", "code", "message", "commands"),
    [
        (("train", "USDJPX"), "instrument", "pair 'USDJPX' is unknown", ["forecast train USDJPY --format json"]),
        (("trian",), "usage", "No such command 'trian'", ["forecast train --format json", "forecast --help"]),
        (
            ("predict", "--levle", "80"),
            "usage",
            "No such option '--levle'",
            ["forecast predict --level 80 --format json", "forecast predict --help"],
        ),
        (("plot", "USDJPY"), "usage", "No such option '--format'", ["forecast plot --help"]),
        (("predict", "USDJPY", "--step"), "usage", "No such option '--step'", ["forecast predict --help"]),
        (
            ("train", "USDJPY", "--set", "modle.units=[3]"),
            "config",
            "--set modle.units: unknown key",
            ["forecast train USDJPY --set 'model.units=[3]' --format json"],
        ),
        (("predict", "USDJPY"), "run_not_found", "no run in ", ["forecast train --pair USDJPY"]),
        (("predict", "^GSPC"), "run_not_found", "no run in ", ["forecast train --ticker '^GSPC'"]),
        (("data", "list", "--used-by", "latest"), "run_not_found", "no run is called 'latest'", []),
        (("runs",), "usage", "No such option '--format' before a command", ["forecast runs --help"]),
    ],
)
def test_an_error_is_a_document(
    forecast: Forecast, arguments: tuple[str, ...], code: str, message: str, commands: list[str]
) -> None:
    error = error_of(forecast(*arguments, "--format", "json"))
    assert error["code"] == code
    assert error["message"].startswith(message)
    assert error["commands"] == commands


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("runs sho x", "show"),
        ("runs show latset --home {home}", "latest"),
        ("predict USDJPY --format jsn", "json"),
        ("predict USDJPY --levle 80", "--level"),
        ("train USDJPY --config lsmt", "lstm"),
        ("train USDJPY --device gppu", "gpu"),
        ("train USDJPY --set backend=jaxx", "jax"),
        ("train USDJPY --set model.kind=lsmt", "lstm"),
        ("train USDJPY --set model.training.optimizer=adm", "adam"),
        ("train USDJPY --source yaho", "yahoo"),
        ("train USDJPY --universe curencies", "currencies"),
        ("predict USDJPY --calendar NYES", "NYSE"),
        ("backtest USDJPY --models garhc", "garch"),
        ("compare USDJPY --kinds lsmt", "lstm"),
        ("anomalies USDJPY --model garhc", "garch"),
        ("plot USDJPY --kind forcast", "forecast"),
        ("export latest --format onxx", "onnx"),
        ("runs list --sort crps_ratio.grach@1 --home {home}", "crps_ratio.garch@1"),
        ("config keys model.trainng", "model.training"),
        ("data show ecb/USDJPZ/1d --home {home}", "ecb/USDJPY/1d"),
        ("schema forcast", "forecast"),
        ("completion bsh", "bash"),
    ],
)
def test_a_name_that_is_nearly_right_is_corrected(
    forecast: Forecast, trained_once: Path, words: str, name: str
) -> None:
    result = forecast(*words.format(home=trained_once).split())
    assert result.exit_code != 0
    assert re.search(rf"did you mean {re.escape(name)}(?![\w.])", result.stderr), result.stderr


def test_every_mistake_of_a_configuration_is_in_the_document(forecast: Forecast, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("seed: abc\nhorizn: 5\n")
    error = error_of(forecast("train", "USDJPY", "--config", "bad.yaml", "--format=json"))
    assert [mistake.split(": ")[0] for mistake in error["mistakes"]] == ["bad.yaml:1", "bad.yaml:2"]
    assert error["message"] in error["mistakes"][0]


@pytest.mark.parametrize("output", ["json-flat", "jsonl"])
def test_the_other_forms_of_json_have_it_too(forecast: Forecast, output: str) -> None:
    assert error_of(forecast("predict", "USDJPX", "--format", output))["code"] == "instrument"


@pytest.mark.parametrize("arguments", [("--format", "csv"), ("--", "--format", "json")])
def test_other_formats_keep_the_line_of_text(forecast: Forecast, arguments: tuple[str, ...]) -> None:
    result = forecast("predict", "USDJPX", *arguments)
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
        (PermissionError(13, "Permission denied", "x"), "system", ExitCode.FAILED),
        (MemoryError(), "memory", ExitCode.FAILED),
    ],
)
def test_errors_of_the_system_and_interrupts_are_documents(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: str, exit_code: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("forecaster.workflows.data_store.list_histories", fail)
    document = error_of(forecast("data", "list", "--format", "json"))
    assert (document["code"], document["exit_code"]) == (code, exit_code)


def test_a_mistake_of_the_program_is_a_document_after_its_report() -> None:
    program = (
        "import sys; sys.argv[1:] = ['config', 'list', '--format', 'json']\n"
        "import forecaster.workflows.config as module; module.list_configurations = lambda: 1 / 0\n"
        "from forecaster.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith("Traceback")
    document = json.loads(done.stderr.splitlines()[-1])
    assert document["code"] == "internal"
    assert document["message"] == "ZeroDivisionError: division by zero"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_an_interrupt_before_the_program_is_loaded_is_a_document() -> None:
    program = (
        "import os, signal, sys; sys.argv[1:] = ['data', 'list', '--format', 'json']\n"
        "import forecaster.__main__ as entry; signal.signal(signal.SIGINT, entry._end_at_once)\n"
        "os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ExitCode.INTERRUPTED
    assert differences(ERROR, json.loads(done.stderr)) == []


def test_every_kind_of_error_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text(encoding="utf-8")

    def kinds(kind: type[ForecasterError]) -> list[type[ForecasterError]]:
        return [kind, *(below for inner in kind.__subclasses__() for below in kinds(inner))]

    codes = {kind.code() for kind in kinds(ForecasterError) if kind.__module__ == "forecaster.errors"}
    codes |= {"system", "memory", "interrupted", "internal"}
    assert not [code for code in codes if f"| `{code}` |" not in page]


def test_every_document_has_a_schema_and_a_name(forecast: Forecast) -> None:
    listed = json.loads(forecast("schema", "--format", "json").stdout)
    assert differences("forecast schema --format json", listed) == []
    names = document_names()
    assert len(names) == len(DOCUMENTS)
    assert all(re.fullmatch("[a-z-]+", name) for name in names)
    assert [row["name"] for row in listed["schemas"]] == list(names)
    for name in names:
        Draft202012Validator.check_schema(document_schema(name))
    assert json.loads(forecast("schema", "error").stdout)["properties"]["schema"] == {"const": "error/1"}
    wrong = forecast("schema", "forcast")
    assert wrong.exit_code == ExitCode.USAGE
    assert "did you mean forecast?" in wrong.stderr


def test_the_schema_of_a_list_describes_the_list(forecast: Forecast, trained_once: Path) -> None:
    validator = Draft202012Validator(document_schema("forecast"))
    documents = json.loads(forecast("predict", "USDJPY", "--format", "json", "--home", trained_once).stdout)
    validator.validate(documents)
    assert list(validator.iter_errors(documents[0]))
    assert list(validator.iter_errors([{**documents[0], "cutoff": None}]))


def test_the_help_of_all_commands_is_a_document(forecast: Forecast) -> None:
    document = json.loads(forecast("--help", "--format", "json").stdout)
    assert differences(HELP, document) == []
    commands = {command["command"]: command for command in document["commands"]}
    assert {"forecast", "forecast train", "forecast runs", "forecast runs list"} <= commands.keys()
    (one,) = json.loads(forecast("train", "--help", "--format=json").stdout)["commands"]
    assert one == commands["forecast train"]
    for words in (["train", "USDJPY", "--help"], ["-q", "train", "--help"]):
        assert json.loads(forecast(*words, "--format", "json").stdout)["commands"] == [one]
    options = {option["name"]: option for option in commands["forecast predict"]["options"]}
    real = cli.get_command(click.Context(cli), "predict")
    assert real is not None
    flags = {flag for option in options.values() for flag in option["flags"]}
    assert {flag for option in real.params for flag in option.opts if flag.startswith("--")} <= flags
    assert options["--format"]["choices"] == ["table", "json", "json-flat", "jsonl", "csv"]
    assert (options["--level"]["type"], options["--level"]["repeated"]) == ("list", True)
    assert (options["--paths"]["minimum"], options["--paths"]["maximum"]) == (1, 100_000)
    assert options["--no-calibration"]["default"] is False
    assert options["--home"]["variable"] == "FORECAST_HOME"
