"""`predict --log`, `forecast ledger` and `forecast score` of the ledger, from the outside."""

import datetime
import functools
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from conftest import Forecast
from documented_keys import differences, missing
from short_trainings import TINY
from toy_ledgers import clock_of, entry, price_file, prices, write_ledger

import forecaster
from forecaster.environment import Environment
from forecaster.experiments.ledger import BEGIN, Line, line_hash

CLOSE = prices()
NEWEST = "2026-10-30"  # last day of the installed history
Issued = Callable[[str], None]


@pytest.fixture
def issued_on(monkeypatch: pytest.MonkeyPatch) -> Issued:
    """Commands after `issued_on(day)` run in the evening of that day."""

    def set_clock(day: str) -> None:
        environment = functools.partial(Environment, clock=clock_of(day))
        monkeypatch.setattr("forecaster.cli.terminal.Environment", environment)

    return set_clock


@pytest.fixture(scope="module")
def graded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    price_file(home / "toy.csv", CLOSE[:50])
    write_ledger(home / "ledger.jsonl", [entry(row, CLOSE) for row in range(46)])
    return home


def test_a_logged_forecast_is_the_printed_one(forecast: Forecast, home: Path, issued_on: Issued) -> None:
    issued_on(NEWEST)
    result = forecast("predict", "JPYUSD", "--log", "--home", home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert "ledger: 1 forecast logged; line 1, head " in result.stderr
    (printed,) = json.loads(result.stdout)
    shown = json.loads(forecast("ledger", "show", 1, "--home", home, "--format", "json").stdout)
    assert differences("forecast ledger show --format json", shown) == []
    assert {path for path in missing("forecast ledger show --format json", [shown])} <= {"unchanged[]"}
    same = ("instrument", "run_id", "model", "source", "data_sha256", "cutoff", "last_price", "configuration")
    assert [shown[key] for key in same] == [printed[key] for key in same]
    assert shown["issued"] == f"{NEWEST}T18:00:00Z"
    assert shown["version"] == forecaster.__version__
    assert shown["dates"] == [step["date"] for step in printed["steps"]]
    for level, value in zip(shown["levels"], shown["quantiles"][19], strict=True):
        price = printed["last_price"] * 2.718281828459045 ** (shown["scale"] * value)
        assert price == pytest.approx(printed["steps"][19]["quantiles"][format(level, "g")], rel=1e-6)
    assert list(shown["baselines"]) == ["ewma", "garch", "har", "random_walk"]
    assert shown["baseline_steps"] == [1, 5, 10, 20]
    table = forecast("ledger", "show", 1, "--home", home).stdout
    assert f"line 1: JPYUSD after {NEWEST} at 0.00635929, issued {NEWEST}T18:00:00Z" in table
    listed = json.loads(forecast("ledger", "list", "USDJPY", "--home", home, "--format", "json").stdout)
    assert differences("forecast ledger list --format json", listed) == []
    assert [row["instrument"] for row in listed["forecasts"]] == ["JPYUSD"]
    check = forecast("ledger", "verify", "--home", home, "--format", "json")
    assert check.exit_code == 0
    assert differences("forecast ledger verify --format json", json.loads(check.stdout)) == []
    assert json.loads(check.stdout)["lines"] == 1
    waiting = forecast("score", "--home", home)
    assert waiting.exit_code == 2
    assert "has come true yet" in waiting.stderr


def test_forecasts_that_are_in_sample_or_of_past_days_are_refused(
    forecast: Forecast, home: Path, issued_on: Issued
) -> None:
    issued_on("2026-11-03")
    for flags, reason in (
        ((), "its first day, 2026-11-02, is over on 2026-11-03"),
        (("--as-of", "2024-03-01"), "its first day, 2024-03-04, is over"),
        (("--as-of", "2010-06-01"), "in-sample"),
    ):
        result = forecast("predict", "USDJPY", "--log", "--home", home, *flags)
        assert (result.exit_code, result.stdout) == (2, "")
        assert reason in result.stderr
        assert "remove --log" in result.stderr
    issued_on(NEWEST)  # the first day is today, and its price is there
    known = forecast("predict", "USDJPY", "--log", "--home", home, "--as-of", "2026-10-29")
    assert (known.exit_code, known.stdout) == (2, "")
    assert "it starts from 2026-10-29, and there are rows to 2026-10-30" in known.stderr
    assert not (home / "ledger.jsonl").exists()


def test_a_key_of_the_configuration_logs_every_forecast_of_the_run(
    forecast: Forecast, home: Path, issued_on: Issued
) -> None:
    (plain,) = (home / "runs").glob("*-USDJPY-*")
    assert "ledger" not in yaml.safe_load((plain / "config.yaml").read_text(encoding="utf-8"))  # as in older runs
    trained = forecast("train", "USDJPY", *TINY, "--set", "ledger=true", "--home", home)
    assert trained.exit_code == 0, trained.stderr
    issued_on(NEWEST)
    ledger = home / "ledger.jsonl"
    assert "ledger" not in forecast("predict", "USDJPY", "--no-log", "--home", home).stderr
    assert "ledger" not in forecast("predict", "USDJPY", "--run", plain.name, "--home", home).stderr
    assert not ledger.exists()
    assert "ledger: 1 forecast logged" in forecast("predict", "USDJPY", "--home", home).stderr
    past = forecast("predict", "USDJPY", "--as-of", "2024-03-01", "--home", home)
    assert past.exit_code == 0
    assert "warning: ledger: USDJPY is not logged: its first day" in past.stderr
    assert len(ledger.read_bytes().splitlines()) == 1


def test_a_universe_is_logged_and_what_is_refused_is_counted(forecast: Forecast, home: Path, issued_on: Issued) -> None:
    issued_on(NEWEST)
    (home / "pairs.txt").write_text("USDJPY\nEURUSD\n", encoding="utf-8")
    flags = ("--universe", home / "pairs.txt", "--home", home, "--format", "csv")
    result = forecast("predict", *flags, "--log")
    assert result.exit_code == 1  # no run of EURUSD
    assert "ledger: 1 forecast logged" in result.stderr
    issued_on("2026-11-03")
    late = forecast("predict", *flags, "--log")
    assert late.exit_code == 1
    assert "warning: ledger: USDJPY is not logged" in late.stderr
    assert forecast("predict", *flags).stderr.count("ledger") == 0
    assert len((home / "ledger.jsonl").read_bytes().splitlines()) == 1


def test_scores_as_table_document_picture_and_rows(forecast: Forecast, graded_home: Path, tmp_path: Path) -> None:
    flags = ("score", "--csv", graded_home / "toy.csv", "--home", graded_home)
    result = forecast(*flags, "--out", tmp_path / "ledger.png")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "ledger.png").read_bytes().startswith(b"\x89PNG")
    assert "month, step 1" in result.stdout
    assert "drift of lstm: no alarm" in result.stdout
    assert max(map(len, result.stdout.splitlines()[:8])) <= 80
    document = json.loads(forecast(*flags, "--format", "json").stdout)
    assert document["schema"] == "ledger_score/1"
    assert (document["forecasts"], document["graded"]) == (46, 46)
    rows = forecast(*flags, "--since", "2019-02-01", "--format", "csv")
    assert rows.stdout.splitlines()[0].startswith("forecaster,instrument,model,step,n,")
    assert "46 of 46" not in rows.stderr
    written = forecast(*flags, "--out", tmp_path / "scores.html")
    assert written.exit_code == 0
    assert "lstm" in (tmp_path / "scores.html").read_text(encoding="utf-8")


def test_options_of_a_file_of_forecasts_are_refused(forecast: Forecast, graded_home: Path, tmp_path: Path) -> None:
    for flags, text in (
        (("--set", "seed=1"), "--set is for a file of forecasts"),
        (("--models", "lstm"), "--models is for a file of forecasts"),
        (("--forecasts", tmp_path / "x.csv", "--since", "2020-01-01"), "are for the ledger"),
    ):
        result = forecast("score", "--home", graded_home, *flags)
        assert result.exit_code == 2
        assert text in result.stderr


def test_verify_names_the_first_bad_line(forecast: Forecast, graded_home: Path, tmp_path: Path) -> None:
    content = (graded_home / "ledger.jsonl").read_bytes()
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(content.replace(b'"last_price":', b'"last_price":1', 1))
    result = forecast("ledger", "verify", "--ledger", bad)
    assert result.exit_code == 4
    assert "line 1 of 46 is not sound: its content does not have its hash: it was edited" in result.stdout
    for command in (("score", "--csv", graded_home / "toy.csv"), ("ledger", "list"), ("ledger", "show", 3)):
        refused = forecast(*command, "--ledger", bad)
        assert refused.exit_code == 4
        assert "line 1" in refused.stderr
    line = Line.of(content.splitlines()[0])
    assert line is not None
    start, quantiles, end = line.entry.partition(b'"quantiles"')
    forged = start + quantiles + re.sub(rb"\],\[-?\d+", b'],["x"', end, count=1)  # of step 2, which is not graded
    parts = (forged, line_hash(BEGIN, forged).encode(), BEGIN.encode())
    bad.write_bytes(b'{"entry":%s,"hash":"%s","previous":"%s"}\n' % parts)
    assert forecast("ledger", "show", 1, "--ledger", bad).exit_code == 4
    bad.write_bytes(content[:-40])
    torn = forecast("ledger", "verify", "--ledger", bad)
    assert torn.exit_code == 0
    assert "torn: " in torn.stdout
    head = json.loads(forecast("ledger", "verify", "--ledger", bad, "--format", "json").stdout)["head"]
    noted = forecast("ledger", "verify", "--ledger", graded_home / "ledger.jsonl", "--head", head[:10])
    assert "1 line was added since" in noted.stdout
    assert forecast("ledger", "verify", "--ledger", bad, "--head", "xyz").exit_code == 2
    assert forecast("ledger", "verify", "--ledger", bad, "--head", "0" * 64).exit_code == 4
    assert forecast("ledger", "show", 99, "--ledger", bad).exit_code == 2
    assert forecast("ledger", "verify", "--ledger", tmp_path).exit_code == 2


def test_a_drift_alarm_is_a_warning_of_predict(forecast: Forecast, home: Path, issued_on: Issued) -> None:
    """Logged ranges a tenth as wide as they should be: the run that made them is reported, another one is not."""
    series = forecaster.load_history(pair="USDJPY", home=home, end="2020-12-31")
    run = next(iter((home / "runs").glob("*-USDJPY-*"))).name
    days = series.dates[-200:-100]
    narrow = [[value // 10 for value in row] for row in entry(0, CLOSE)["quantiles"]]
    facts = {"instrument": "USDJPY", "kind": "pair", "source": "ecb", "run_id": run, "quantiles": narrow}
    prices_at = dict(zip(days.tolist(), series.close[-200:-100].tolist(), strict=True))
    for day, price in prices_at.items():
        dates = [str(day + datetime.timedelta(days=ahead)) for ahead in range(1, 6)]
        changes = {**facts, "cutoff": str(day), "last_price": price, "dates": dates}
        write_ledger(home / "ledger.jsonl", [entry(0, CLOSE, **changes)])
    result = forecast("predict", "USDJPY", "--home", home)
    assert "warning: drift alarm: USDJPY at step" in result.stderr
    assert "train again" in result.stderr
    assert "drift alarm" not in forecast("predict", "USDJPY", "--home", home, "--as-of", "2024-03-01").stderr
    text = (home / "ledger.jsonl").read_text(encoding="utf-8")
    (home / "ledger.jsonl").write_text(text.replace('"lstm"', '"gru"', 1), encoding="utf-8")
    damaged = forecast("predict", "USDJPY", "--home", home)
    assert damaged.exit_code == 0
    assert "warning: no drift alarm" in damaged.stderr
