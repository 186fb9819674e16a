"""`forecast data` from the outside: what is printed, where, and with which exit code; a broken store is one line."""

import contextlib
import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import forecaster.data.store
from forecaster.data.instruments import parse_pair, parse_ticker
from forecaster.data.series import PriceSeries
from forecaster.data.store import Store, store_path
from forecaster.errors import UnreachableError

COMMANDS = {
    "list": ("list",),
    "show": ("show", "csv/gold/1d", "--no-picture"),
    "verify": ("verify",),
    "export": ("export", "csv/gold/1d"),
    "diff": ("diff", "csv/gold/1d", "csv/gold/1d"),
    "prune": ("prune",),
    "fetch": ("fetch", "--csv", "gold.csv"),
    "refresh": ("refresh", "--csv", "gold.csv"),
}
EVERY = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture(autouse=True)
def _network_allowed(_own_home: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever might ask the network here says --offline: `data refresh` does nothing without one."""
    monkeypatch.delenv("FORECAST_OFFLINE", raising=False)


def write_csv(path: Path, rows: int, factor: float = 1.0) -> None:
    dates = np.busday_offset(np.datetime64("2020-01-01"), np.arange(rows), roll="forward")
    close = factor * (100 + np.sin(np.arange(rows)))
    lines = [f"{date},{price!r}" for date, price in zip(dates, close.tolist(), strict=True)]
    path.write_text("\n".join(["date,close", *lines]) + "\n")


@pytest.fixture
def data(forecast, tmp_path):
    """`forecast data` in a home whose store holds two versions of gold.csv."""

    def invoke(*arguments: object):
        return forecast("data", *arguments, "--home", tmp_path / "home")

    for rows in (200, 210):
        write_csv(tmp_path / "gold.csv", rows)
        assert invoke("fetch", "--csv", "gold.csv").exit_code == 0
    return invoke


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return store_path(tmp_path / "home")


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def errors(result) -> list[str]:
    assert "Traceback" not in result.stderr
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


def test_fetch_of_the_installed_rates(forecast, tmp_path):
    asked = ("data", "fetch", "--pair", "USDJPY", "--offline", "--home", tmp_path / "home")
    first, second = forecast(*asked), forecast(*asked, "--format", "json")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "ecb/USDJPY/1d" in first.stdout
    assert "new version" in first.stdout
    (found,) = json.loads(second.stdout)["histories"]
    assert found["outcome"] == "unchanged"
    assert found["version"]["sha256"][:12] in first.stdout
    assert f"{found['version']['rows']:,}" in first.stdout


def test_failures_are_told_after_what_was_done(data, tmp_path):
    write_csv(tmp_path / "silver.csv", 50)
    result = data("fetch", "--csv", "nothing.csv,silver.csv")
    assert result.exit_code == 2
    assert "csv/silver/1d" in result.stdout
    (line,) = errors(result)
    assert "nothing.csv does not exist" in line
    assert "csv/silver/1d" in data("list").stdout


def test_list_shows_every_history(data):
    result = data("list")
    (head, line) = result.stdout.splitlines()
    assert head.split()[:4] == ["history", "versions", "rows", "first"]
    assert line.split()[:4] == ["csv/gold/1d", "2", "210", "2020-01-01"]
    document = json.loads(data("list", "--format", "json").stdout)
    assert document["schema"] == "data/1"
    assert document["histories"][0]["versions"] == 2


def test_an_empty_home_is_no_fault_and_stays_empty(forecast, tmp_path):
    home = ("--home", tmp_path / "new")
    empty = forecast("data", "list", *home)
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "next: forecast data fetch" in empty.stderr
    assert json.loads(forecast("data", "list", "--format", "json", *home).stdout)["histories"] == []
    assert forecast("data", "verify", *home).stdout == "0 versions of 0 histories are intact\n"
    assert forecast("data", "prune", *home).exit_code == 0
    assert "nothing to refresh" in forecast("data", "refresh", *home).stderr
    assert forecast("data", "show", "ecb/USDJPY/1d", *home).exit_code == 3
    assert not (tmp_path / "new").exists()


def test_show_names_origin_versions_findings_and_picture(data, tmp_path):
    result = data("show", "csv/gold/1d", "--out", tmp_path / "gold.svg")
    assert result.exit_code == 0, result.stderr
    for told in ("csv/gold/1d@", "rows: 210", "origin:", "gold.csv", "old_data", f"picture: {tmp_path / 'gold.svg'}"):
        assert told in result.stdout
    assert (tmp_path / "gold.svg").read_bytes().startswith(b"<?xml")


def test_show_of_the_rates_names_the_ecb(forecast, tmp_path):
    result = forecast("data", "show", "--pair", "USDJPY", "--offline", "--no-picture", "--home", tmp_path)
    assert (
        "attribution: computed from the euro foreign exchange reference rates; source: ECB statistics" in result.stdout
    )
    assert "stored: not yet; store it with: forecast data fetch" in result.stdout


@pytest.mark.parametrize(
    ("correction", "expected"),
    [((), "unit_change"), (("--keep", "2024-03-11"), "large_move"), (("--drop", "2024-03-11..2024-04-30"), "left_out")],
)
def test_show_applies_corrections(data, tmp_path, correction, expected):
    days = np.busday_offset("2024-01-01", np.arange(80))
    prices = 100 + np.sin(np.arange(80)) + 9900 * (days >= np.datetime64("2024-03-11"))
    rows = "".join(f"{day},{price:.3f}\n" for day, price in zip(days, prices, strict=True))
    (tmp_path / "stepped.csv").write_text("date,close\n" + rows)
    (document,) = json.loads(data("show", "--csv", "stepped.csv", "--format", "json", *correction).stdout)
    assert document["findings"][0]["code"] == expected


def test_show_draws_unless_json_is_wanted(data, tmp_path):
    assert data("show", "--csv", "gold.csv").exit_code == 0
    assert (tmp_path / "gold-data.png").exists()
    (tmp_path / "gold-data.png").unlink()
    (document,) = json.loads(data("show", "--csv", "gold.csv", "--format", "json").stdout)
    assert (document["schema"], document["picture"], document["rows"]) == ("data/1", None, 210)
    assert data("show", "csv/gold/1d", "--no-picture").exit_code == 0
    assert not (tmp_path / "gold-data.png").exists()
    (drawn,) = json.loads(data("show", "csv/gold/1d", "--format", "json", "--out", tmp_path / "x.pdf").stdout)
    assert drawn["picture"] == str(tmp_path / "x.pdf")
    assert data("show", "csv/gold/1d", "--no-picture", "--out", "x.png").exit_code == 2
    assert data("show", "csv/gold/1d", "--out", tmp_path / "x.bmp").exit_code == 2
    assert data("show", "csv/gold/1d", "--out", tmp_path / "no" / "x.png").exit_code == 1


def test_several_shown_are_a_list(data, tmp_path):
    write_csv(tmp_path / "silver.csv", 50)
    documents = json.loads(data("show", "--csv", "gold.csv,silver.csv", "--format", "json").stdout)
    assert [one["instrument"] for one in documents] == ["gold", "silver"]


def test_verify_names_each_damaged_version(data, path):
    sound = data("verify")
    assert (sound.exit_code, sound.stdout) == (0, "2 versions of 1 history are intact\n")
    change(path, "UPDATE bar SET close = close + 1e-9 WHERE day = (SELECT min(day) FROM bar)")
    result = data("verify")
    assert result.exit_code == 4
    assert result.stdout == "2 of 2 versions of 1 history are damaged\n"
    assert len(errors(result)) == 2
    document = json.loads(data("verify", "--format", "json").stdout)
    assert (document["intact"], len(document["damaged"])) == (False, 2)


def test_export_reads_back_as_the_same_history(data, forecast, tmp_path):
    text = data("export", "csv/gold/1d").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (len(rows), rows[0]["date"], list(rows[0])) == (210, "2020-01-01", ["date", "close"])
    assert data("export", "csv/gold/1d", "--out", "again.csv").stdout == ""
    assert (tmp_path / "again.csv").read_text() == text
    hashes = [
        json.loads(data("show", "--csv", name, "--format", "json").stdout)[0]["sha256"]
        for name in ("gold.csv", "again.csv")
    ]
    assert hashes[0] == hashes[1]
    result = data("export", "csv/gold/1d", "--out", tmp_path / "no" / "x.csv")
    assert (result.exit_code, len(errors(result))) == (1, 1)


def test_export_of_an_old_version(data):
    versions = json.loads(data("show", "csv/gold/1d", "--format", "json").stdout)[0]["versions"]
    old = versions[0]["sha256"][:10]
    by_name, by_instrument = data("export", f"csv/gold/1d@{old}"), data("export", "--csv", "gold.csv", "--hash", old)
    assert by_name.stdout == by_instrument.stdout
    assert len(by_name.stdout.splitlines()) == 201
    assert data("export", "csv/gold/1d@ffffffff").exit_code == 3


def test_diff_in_words_and_as_a_document(data, tmp_path):
    write_csv(tmp_path / "gold.csv", 210, factor=0.5)
    assert data("fetch", "--csv", "gold.csv").exit_code == 0
    versions = [
        one["sha256"][:12] for one in json.loads(data("show", "csv/gold/1d", "--format", "json").stdout)[0]["versions"]
    ]
    longer = data("diff", versions[0], versions[1])
    assert longer.exit_code == 0
    assert "added: 10 rows" in longer.stdout
    assert "revised: 0 rows" in longer.stdout
    halved = data("diff", versions[1], "csv/gold/1d", "--rows", "1")
    assert "close: new over old is 0.5 in all 210 rows: a split" in halved.stdout
    assert len([line for line in halved.stdout.splitlines() if line.startswith("close ")]) == 1
    document = json.loads(data("diff", versions[1], versions[2], "--format", "json").stdout)
    assert document["revised"]["columns"]["close"]["ratio"] == pytest.approx(0.5)
    assert data("diff", versions[1], versions[2], "--exit-code").exit_code == 4
    same = data("diff", versions[2], "csv/gold/1d", "--exit-code")
    assert (same.exit_code, same.stdout.splitlines()[-1]) == (0, "no difference")


def test_prune_says_what_goes_and_then_does_it(data):
    told = data("prune", "--dry-run")
    assert "would remove 1 version with 0 rows that no other version has" in told.stdout
    assert data("verify").stdout.startswith("2 versions")
    document = json.loads(data("prune", "--format", "json").stdout)
    assert (len(document["versions"]), document["kept"], document["dry_run"]) == (1, 1, False)
    assert data("verify").stdout == "1 version of 1 history is intact\n"
    assert "nothing to remove: 1 version kept" in data("prune").stdout


def test_a_run_keeps_its_version(forecast, home):
    data = parse_pair("USDJPY")
    with Store.open(store_path(home)) as store:
        (used,) = store.versions("ecb", "USDJPY")
        whole = store.load("ecb", "USDJPY")
        for factor in (2.0, 3.0):
            store.save(PriceSeries(data, "ecb", "USDJPY", whole.dates, {"close": whole.close * factor}))
    document = json.loads(forecast("data", "prune", "--home", home, "--format", "json").stdout)
    assert len(document["versions"]) == 1
    with Store.open(store_path(home)) as store:
        assert used in store.versions("ecb", "USDJPY")
        assert store.load_version(used).sha256 == used.sha256


def test_a_damaged_run_forbids_pruning(forecast, home):
    run = next((home / "runs").glob("*USDJPY*"))
    (run / "manifest.json").write_text("{")
    result = forecast("data", "prune", "--home", home)
    assert result.exit_code == 4
    (line,) = errors(result)
    assert "--force" in line
    assert forecast("data", "prune", "--force", "--home", home).exit_code == 0


def test_refresh_forbidden_or_away(forecast, tmp_path, monkeypatch):
    home = ("--home", tmp_path / "home")
    with Store.open(store_path(tmp_path / "home")) as store:
        for name in ("AAPL", "IBM", "MSFT"):
            dates = np.array(["2024-01-02", "2024-01-03"], "datetime64[D]")
            store.save(PriceSeries(parse_ticker(name), "yahoo", name, dates, {"close": np.array([1.0, 2.0])}))
    refused = forecast("data", "refresh", "--offline", *home)
    assert (refused.exit_code, len(errors(refused))) == (2, 1)
    with monkeypatch.context() as patch:
        patch.setenv("FORECAST_OFFLINE", "1")
        assert forecast("data", "refresh", *home).exit_code == 2

    def away(self, request):
        raise UnreachableError(f"Yahoo cannot be reached for {request.instrument.name}")

    monkeypatch.setattr("forecaster.data.sources.yahoo.YahooSource.load", away)
    result = forecast("data", "refresh", "--format", "json", *home)
    outcomes = [one["outcome"] for one in json.loads(result.stdout)["histories"]]
    assert outcomes == ["failed", "failed", "not asked"]
    assert result.exit_code == 3
    error = json.loads(result.stderr.splitlines()[-1])
    assert "skipped, since their source does not answer: yahoo/MSFT/1d" in error["mistakes"][-1]


# stores that cannot be used


@EVERY
def test_a_file_that_is_no_store(data, path, name):
    for beside in path.parent.glob("store.sqlite-*"):
        beside.unlink()
    path.write_text("date,close\n" * 500)
    result = data(*COMMANDS[name])
    assert result.exit_code == 4
    (line,) = errors(result)
    assert "its 5500 bytes are no database; restore it from a copy" in line


@EVERY
def test_a_store_of_a_newer_program(data, path, name):
    change(path, "PRAGMA user_version = 99")
    result = data(*COMMANDS[name])
    assert result.exit_code == 1
    (line,) = errors(result)
    assert "has schema 99, this program reads up to 2" in line


@pytest.mark.parametrize(("name", "code"), [("show", 4), ("verify", 4), ("export", 4), ("diff", 4), ("list", 0)])
def test_rows_that_were_changed(data, path, name, code):
    change(path, "UPDATE bar SET close = close * 2")
    result = data(*COMMANDS[name])
    assert result.exit_code == code
    assert all("is damaged" in line for line in errors(result))
    assert bool(errors(result)) == (code == 4)


def test_damage_is_told_when_the_next_version_comes(data, path, tmp_path):
    change(path, "UPDATE bar SET close = 'abc'")
    write_csv(tmp_path / "gold.csv", 220)
    result = data("fetch", "--csv", "gold.csv")
    assert (result.exit_code, len(errors(result))) == (4, 1)


@EVERY
def test_a_store_that_is_locked_can_be_read(data, path, name, tmp_path, monkeypatch):
    open_file = forecaster.data.store.open_file
    monkeypatch.setattr(forecaster.data.store, "open_file", lambda file, _: open_file(file, 0.05))
    write_csv(tmp_path / "gold.csv", 220)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = data(*COMMANDS[name])
        other.execute("ROLLBACK")
    if name in ("fetch", "refresh", "prune"):
        (line,) = errors(result)
        assert "another process is writing to it: try again" in line
        assert result.exit_code == 1
    else:
        assert (result.exit_code, errors(result)) == (0, [])


@EVERY
def test_a_store_that_may_only_be_read(data, path, name, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda file, mode: mode != os.W_OK)  # as it is for everybody but root
    write_csv(tmp_path / "gold.csv", 220)
    result = data(*COMMANDS[name])
    if name in ("fetch", "refresh", "prune"):
        (line,) = errors(result)
        assert "readonly database" in line
        assert result.exit_code == 1
    else:
        assert (result.exit_code, errors(result)) == (0, [])


def test_a_full_disk(data, path, tmp_path, monkeypatch):
    open_file = forecaster.data.store.open_file

    def open_small(file, seconds):
        connection = open_file(file, seconds)
        connection.execute("PRAGMA max_page_count = 1")  # no more than there are
        return connection

    write_csv(tmp_path / "gold.csv", 1500)
    with monkeypatch.context() as patch:
        patch.setattr(forecaster.data.store, "open_file", open_small)
        result = data("fetch", "--csv", "gold.csv")
    (line,) = errors(result)
    assert "disk is full; " in line
    assert result.exit_code == 1
    assert data("verify").stdout == "2 versions of 1 history are intact\n"


# from outside


@pytest.mark.parametrize("name", ["fetch", "refresh", "list", "show", "verify", "export", "diff", "prune"])
def test_help_of_every_command(forecast, name):
    result = forecast("data", name, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.stdout
    assert f"forecast data {name}" in result.stdout


def test_help_lists_the_commands_in_order_of_need(forecast):
    text = forecast("data", "--help").stdout
    places = [text.index(f"\n  {name} ") for name in ("fetch", "refresh", "list", "show", "verify", "export", "prune")]
    assert places == sorted(places)


_PROBE = """
import json, sys
sys.argv = ["forecast", "data", *{arguments!r}]
from forecaster.cli import cli
try:
    cli.main()
except SystemExit as left:
    code = left.code
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print("\\n" + json.dumps([code, loaded]))
"""


@pytest.mark.parametrize(
    ("arguments", "beyond"),
    [
        (("fetch", "--pair", "USDJPY", "--offline"), set()),
        (("list",), set()),
        (("verify",), set()),
        (("--help",), {"numpy", "pydantic", "yaml", "rich"}),
    ],
)
def test_no_command_loads_an_engine(tmp_path, arguments, beyond):
    heavy = {"arch", "jax", "keras", "matplotlib", "pandas", "scipy", "statsmodels", "tensorflow", "yfinance"}
    program = _PROBE.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert not set(loaded) & (heavy | beyond)


def test_fetching_pruning_and_verifying_at_once(tmp_path):
    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "forecaster", "data", *arguments, "--home", str(tmp_path / "home")]
        environment = {**os.environ, "FORECAST_OFFLINE": "1", "PYTHONPATH": str(Path(forecaster.__file__).parents[1])}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes)

    for rows in range(100, 102):
        write_csv(tmp_path / "gold.csv", rows, factor=rows)
        write_csv(tmp_path / "silver.csv", rows)
        jobs = [("fetch", "--csv", "gold.csv"), ("fetch", "--csv", "silver.csv"), ("prune",), ("verify",), ("list",)]
        running = [start(*job) for job in jobs]
        for job, process in zip(jobs, running, strict=True):
            _, told = process.communicate(timeout=120)
            assert process.returncode == 0, (job, told)
            assert "error" not in told
    last = start("verify")
    assert "of 2 histories are intact" in last.communicate(timeout=120)[0]
