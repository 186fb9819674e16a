"""Every foreseeable mistake is one line on stderr and the right exit code, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from short_trainings import TINY

from forecaster.experiments import pins
from forecaster.experiments.stored_files import sealed_json

FORECAST = [sys.executable, "-m", "forecaster"]


def errors(result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no instrument given; expected exactly one of --pair, --ticker, --csv"),
        (("--pair", "USDJPY", "--csv", "x.csv"), "instruments of 2 kinds (--pair USDJPY, --csv x.csv) given"),
        (("--pair", "USDJPX"), "nearest: USDJPY"),
        (("--pair", "USD"), "'USD'"),
        (("--pair", "USDUSD"), "USDUSD"),
        (("--pair", "XAUUSD"), "--csv FILE"),
        (("--ticker", "AA PL"), "ticker 'AA PL' is malformed"),
        (("--ticker", "XAUUSD"), "--ticker GC=F"),
        (("--csv", "missing.csv"), "missing.csv does not exist"),
        (("--pair", "USDJPY", "--source", "eccb"), "did you mean ecb?"),
        (("--pair", "USDJPY", "--universe", "currency"), "universe 'currency' is unknown"),
        (("--pair", "USDJPY", "--horizon", "0"), "the horizon is 0; expected rows from 1 to 250"),
        (("--pair", "USDJPY", "--horizon", "10000"), "the horizon is 10000; expected rows from 1 to 250"),
        (("--pair", "USDJPY", "--set", "modle.units=[3]"), "--set modle.units: unknown key; did you mean model.units?"),
        (("--pair", "USDJPY", "--set", "seed"), "expected key=value"),
        (("--pair", "USDJPY", "--set", "model.kind=arima"), "model.kind: expected one of"),
        (("--pair", "USDJPY", "--set", "model.features=[rsi]"), "unknown feature rsi; the features are scaled_return"),
        (
            ("--pair", "USDJPY", "--config", "clasic.yaml"),
            "no such config file; give the path of a YAML file or one of",
        ),
        (("--pair", "USDJPY", "--start", "yesterday"), "--start"),
        (("--pair", "USDJPY", "--start", "2020-01-02", "--end", "2020-01-01"), "start 2020-01-02 lies after end"),
        (("--pair", "USDJPY", "--start", "2026-01-01"), "that is a history of about"),
        (("--pair", "USDJPY", "--end", "1990-01-01"), "has no rows from the first to 1990-01-01"),
        (("--pair", "USDJPY,EURUSD", "--config", "classic"), "learns one price level"),
        (
            ("--pair", "USDJPY", "--set", "data.start=2020-13-01"),
            "--set: data.start: expected a date such as 2025-06-30",
        ),
        (("--pair", "USDJPY", "--set", "data.options.foo=1"), "option 'foo' is unknown; expected none"),
        (("--pair", "USDJPY", "--name", "gold"), "--name and --symbol go with --csv"),
        (("--pair", "USDJPY,USDRUB"), "USDRUB has no rows for test"),
    ],
)
def test_usage_mistakes_of_train(forecast, tmp_path, arguments, told):
    result = forecast("train", *arguments, "--home", tmp_path / "home")
    (line,) = errors(result)
    assert told in line
    assert result.exit_code == 2
    assert result.stdout == ""
    assert not list((tmp_path / "home").glob("runs/*"))


@pytest.mark.usefixtures("online")
def test_an_unreachable_source_is_one_line_and_exit_3(forecast, tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_YAHOO_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    asked = ("--ticker", "AAPL", "--set", "data.options.deadline_seconds=1", "--home", tmp_path)
    result = forecast("train", *asked)
    assert result.exit_code == 3
    (line,) = errors(result)
    assert "Yahoo cannot be reached for AAPL" in line
    assert not list(tmp_path.glob("runs/*"))


def test_all_mistakes_of_a_config_are_told_with_line_and_key(forecast, tmp_path):
    (tmp_path / "bad.yaml").write_text("seed: abc\nmodel:\n  kind: lstm\n  unts: [32]\n  dropout: 2\nhorizn: 5\n")
    result = forecast("train", "--pair", "USDJPY", "--config", "bad.yaml", "--home", tmp_path)
    assert result.exit_code == 2
    told = errors(result)
    assert [line.split(": ")[1] for line in told] == ["bad.yaml:1", "bad.yaml:4", "bad.yaml:5", "bad.yaml:6"]
    assert [line.split(": ")[2] for line in told] == ["seed", "model.unts", "model.dropout", "horizn"]
    assert "did you mean horizon?" in told[3]


def test_every_wrong_pair_of_a_list_is_told(forecast, tmp_path):
    result = forecast("train", "--pair", "USDJPX,EURUSX", "--home", tmp_path)
    assert len(errors(result)) == 2


def test_a_file_in_the_place_of_the_home_is_told_before_any_work(forecast, tmp_path):
    (tmp_path / "taken").write_text("")
    result = forecast("train", "--pair", "USDJPY", "--home", tmp_path / "taken")
    assert result.exit_code == 1
    assert "cannot be written" in errors(result)[0]
    assert "data:" not in result.stderr


def test_altered_weights_are_damage(forecast, home):
    weights = home / "runs" / os.listdir(home / "runs")[-1] / "weights.npz"
    for weights in home.glob("runs/*/weights.npz"):
        content = bytearray(weights.read_bytes())
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    for command in ("predict", "plot"):
        result = forecast(command, "--pair", "USDJPY", "--home", home)
        assert result.exit_code == 4
        assert "is not what the manifest recorded" in errors(result)[0]


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 1}', ""])
def test_a_broken_manifest_is_damage(forecast, home, content):
    for manifest in home.glob("runs/*/manifest.json"):
        manifest.write_text(content)
    result = forecast("predict", "--pair", "USDJPY", "--home", home)
    assert result.exit_code == 4
    assert "manifest.json" in errors(result)[0]


def test_one_changed_fact_in_a_manifest_is_damage(forecast, home):
    for path in home.glob("runs/*/manifest.json"):
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps({**manifest, "seen_until": "1999-12-31"}))
    result = forecast("predict", "--pair", "USDJPY", "--home", home)
    assert result.exit_code == 4
    assert "checksum" in errors(result)[0]


def test_a_damaged_run_is_passed_over_where_an_older_one_fits(forecast, home):
    assert forecast("train", "--pair", "USDJPY", *TINY, "--home", home).exit_code == 0
    newest = max(home.glob("runs/*/manifest.json"))
    newest.write_text("{")
    (home / "runs" / "notes").mkdir()
    result = forecast("predict", "--pair", "USDJPY", "--home", home)
    assert result.exit_code == 0
    assert f"warning: passed over: {newest}" in result.stderr


def test_a_pinned_run_that_is_gone_is_named(forecast, home):
    (home / "runs" / "pinned.json").write_bytes(sealed_json({"schema": pins.SCHEMA, "runs": ["gone"]}))
    result = forecast("predict", "--pair", "USDJPY", "--home", home)
    assert result.exit_code == 0
    assert "warning: the pinned run gone is gone and not used" in result.stderr


def test_a_run_of_a_newer_version_asks_for_an_upgrade(forecast, home):
    for path in home.glob("runs/*/manifest.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    result = forecast("predict", "--pair", "USDJPY", "--home", home)
    assert result.exit_code == 1
    assert "schema 99" in errors(result)[0]
    assert "upgrade" in errors(result)[0]


def test_unknown_run_names_those_there_are(forecast, home):
    result = forecast("predict", "--pair", "USDJPY", "--run", "2019", "--home", home)
    assert result.exit_code == 1
    assert "there are 2" in errors(result)[0]


def test_a_run_does_not_serve_what_it_never_saw(forecast, home):
    result = forecast("predict", "--pair", "EURUSD", "--run", "latest", "--home", home)
    assert result.exit_code == 1
    assert "was not trained on EURUSD" in errors(result)[0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits there")
def test_a_full_disk_leaves_no_run(tmp_path: Path):
    wide = ("--set", "model.units=[64]", "--set", "model.training.steps=10", "--backend", "jax")
    short = ("--source", "synthetic", "--ticker", "ar1", "--set", "data.options.rows=900")
    command = [*FORECAST, "train", *short, *wide, "--home", str(tmp_path)]
    # No file may grow beyond 60 kB: what a full disk does, without filling one.
    limited = ["bash", "-c", 'ulimit -f 60; exec "$@"', "bash", *command]
    done = subprocess.run(limited, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "it was not saved" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_two_trainings_at_once_both_end_well(tmp_path: Path):
    command = [*FORECAST, "train", "--pair", "USDJPY", *TINY, "--home", str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
    assert len(list(tmp_path.glob("runs/2*"))) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_a_result_for_which_there_is_no_room_is_one_line(trained_once: Path):
    command = f"{sys.executable} -m forecaster predict --pair USDJPY --home {trained_once} --format csv > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: the result cannot be written: No space left on device;")


def test_a_closed_pipe_is_no_crash(trained_once: Path):
    command = f"{sys.executable} -m forecaster predict --pair USDJPY --home {trained_once} --format csv | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
