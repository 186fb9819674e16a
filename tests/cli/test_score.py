"""`forecast score` from the outside."""

import csv
import io
import json
from pathlib import Path

import pytest
from documented_keys import differences

import forecaster
from forecaster.data.series import PriceSeries
from forecaster.evaluation import DEFAULT_BASELINES

OPTIONS = ("--universe", "none", "--set", "data.start=2016-01-01", "--end", "2020-12-31", "--offline")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> PriceSeries:
    home = tmp_path_factory.mktemp("home")
    return forecaster.load_history(pair="USDJPY", home=home, end="2020-12-31", offline=True)


@pytest.fixture(scope="module")
def bank(history: PriceSeries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Normal distributions around the last price; two rows of a Sunday, and one price of the euro."""
    path = tmp_path_factory.mktemp("bank") / "bank.csv"
    rows = [(str(date), price) for date, price in zip(history.dates[-80:], history.close[-80:], strict=True)]
    rows += [("2020-11-01", 104.5), ("2020-11-08", 104.5)]
    lines = [f"USDJPY,{date},1,{price},{0.004 * price}" for date, price in rows]
    lines[10] = lines[10].replace(lines[10].split(",")[3], "1.6")
    path.write_text("\n".join(["instrument,cutoff,step,mean,sigma", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


def test_the_document(forecast, bank: Path, home: Path) -> None:
    result = forecast("score", "--forecasts", bank, *OPTIONS, "--home", home, "--format", "json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "score/1"
    assert document["models"] == ["bank", *DEFAULT_BASELINES]
    assert (document["forecasts"], document["scored"]) == (82, 78)
    counts = {each["reason"]: (each["n"], each["first"]) for each in document["rejected"]}
    assert counts["no_trading_day"] == (2, "2020-11-01")
    assert counts["unknown"] == (1, "2020-12-31")
    assert counts["unit"][0] == 1
    assert document["foresight"] == []
    row = next(row for row in document["rows"] if row["model"] == "bank")
    assert row["n"] == 78
    assert 0.9 < row["crps_ratio"]["garch"] < 1.2
    assert differences("forecast score --forecasts FILE --format json", document) == []


def test_cutoffs_that_are_a_day_early_are_a_warning(
    forecast, bank: Path, history: PriceSeries, home: Path, tmp_path: Path
) -> None:
    header, *lines = bank.read_text(encoding="utf-8").splitlines()
    before = dict(zip(history.dates.astype(str).tolist()[1:], history.dates.astype(str).tolist(), strict=False))
    cells = [line.split(",") for line in lines]
    early = tmp_path / "early.csv"
    rows = [",".join([name, before[day], *rest]) for name, day, *rest in cells if day in before]
    early.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    result = forecast("score", "--forecasts", early, *OPTIONS, "--home", home, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert "warning: forecasts by early of USDJPY correlate by 1.00 with the return after the cutoff" in result.stderr


def test_the_table_names_every_reason_once(forecast, bank: Path, home: Path) -> None:
    result = forecast("score", "--forecasts", bank, *OPTIONS, "--home", home)
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("not scored")]
    assert len(lines) == 3
    assert "78 of 82 forecasts of" in result.stdout
    assert "not scored: 2 of USDJPY, first 2020-11-01: the cutoff is no trading day" in result.stdout
    assert "verdict on USDJPY, bank, step 1, 78 cutoffs" in result.stdout
    assert "no outcome is known yet" not in result.stdout


def test_rows_and_a_picture(forecast, bank: Path, home: Path, tmp_path: Path) -> None:
    picture = tmp_path / "bank.png"
    result = forecast("score", "--forecasts", bank, *OPTIONS, "--home", home, "--format", "csv", "--out", picture)
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["model"] for row in rows] == ["bank", *DEFAULT_BASELINES]
    assert "not scored: 2 of USDJPY" in result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_faults_are_one_line(forecast, bank: Path, home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("instrument,cutoff,step\nUSDJPY,2020-01-02,1\n", encoding="utf-8")
    weeks = tmp_path / "weeks.csv"
    header = "instrument,frequency,cutoff,step,mean,sigma"
    weeks.write_text(f"{header}\nUSDJPY,1wk,02/01/2030,1,100,1\n", encoding="utf-8")
    for arguments, message in (
        (("--forecasts", bad), "line 1: it holds no distribution"),
        (("--forecasts", tmp_path / "none.csv"), "none.csv"),
        (("--forecasts", bank, "--out", bank), "is a file that this command reads"),
        (("--forecasts", bank, "--models", "lstmm"), "model lstmm is unknown"),
        (("--forecasts", bank, "--forecaster", "x"), "--forecaster x is not in"),
        (("--forecasts", bank, "--units", "return", *OPTIONS), "no forecast of"),
        (("--forecasts", weeks), "expected a date"),
        (("--forecasts", weeks, "--date-order", "dmy"), "by its column frequency; expected 1d; add --frequency 1wk"),
        (("--forecasts", weeks, "--date-order", "dmy", "--frequency", "1wk", *OPTIONS), "from 2030-01-02 to 2030"),
        ((), "no such ledger"),
    ):
        result = forecast("score", *arguments, "--home", home)
        assert result.exit_code == 2, result.output
        assert message in result.stderr
        assert "Traceback" not in result.stderr
