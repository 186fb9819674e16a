"""`forecast anomalies`: table, JSON, CSV, picture, for pairs, tickers and files, and one line for each mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Forecast
from documented_keys import differences, missing

import forecaster

COMMAND = "forecast anomalies --format json"


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of prices with an event, two bad ticks of different size, and a volatility that doubles."""
    rng = np.random.default_rng(0)
    returns = 0.003 * rng.standard_normal(1600)
    returns[1200:] *= 2
    returns[900] += 0.07
    for place, size in ((1000, 0.045), (1100, 0.5)):  # the validation removes the larger one
        returns[place] += size
        returns[place + 1] -= size
    dates = np.busday_offset(np.datetime64("2012-01-02"), np.arange(1601))
    close = 100 * np.exp(np.concatenate([[0.0], returns.cumsum()]))
    path = tmp_path_factory.mktemp("prices") / "gold.csv"
    rows = [f"{date},{price:.6f}" for date, price in zip(dates, close, strict=True)]
    path.write_text("\n".join(["date,close", *rows]), encoding="utf-8")
    return path


def day(place: int) -> str:
    return str(np.busday_offset(np.datetime64("2012-01-02"), place + 1))


def test_events_bad_ticks_and_a_change_of_volatility_of_a_file(
    forecast: Forecast, prices: Path, tmp_path: Path
) -> None:
    events = tmp_path / "events.csv"
    events.write_text(f"date,name\n{day(900)},vote\n", encoding="utf-8")
    flags = ("--events", events, "--calendar", "FX", "--format", "json")
    result = forecast("anomalies", "--csv", prices, *flags)
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    assert differences(COMMAND, document) == []
    assert missing(COMMAND, [document]) == []
    kinds = {row["date"]: row["kind"] for row in document["days"]}
    assert kinds[day(900)] == "event"
    assert document["days"][0]["names"] == ["vote"]
    assert kinds[day(1000)] == kinds[day(1100)] == "bad_tick"
    assert {row["date"]: row["p_value"] for row in document["days"]}[day(1100)] is None
    (change,) = document["regimes"]
    assert change["direction"] == "up"
    assert day(1150) < change["date"] < change["known_from"] < day(1350)


def test_table_and_csv_hold_the_same(forecast: Forecast, prices: Path) -> None:
    table = forecast("anomalies", "--csv", prices).stdout
    rows = forecast("anomalies", "--csv", prices, "--format", "csv").stdout.splitlines()
    assert rows[0].startswith("instrument,model,rate,date,kind,known_from,move,price,low,high,pit,p_value")
    assert any(",volatility_up," in row for row in rows)
    assert all(row.split(",")[3] in table for row in rows[1:])
    assert max(len(line) for line in table.splitlines()[:-3]) <= 80


@pytest.mark.parametrize("ending", ["png", "csv", "html", "xlsx"])
def test_the_ending_of_out_decides(forecast: Forecast, prices: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"found.{ending}"
    result = forecast("anomalies", "--csv", prices, "--out", out)
    assert result.exit_code == 0, result.output
    assert out.stat().st_size > 500
    assert f"{'picture' if ending == 'png' else 'written'}: {out}" in result.stderr


def test_a_split_is_listed_and_drawn_though_the_volatility_never_changes(forecast: Forecast, tmp_path: Path) -> None:
    returns = 0.003 * np.random.default_rng(2).standard_normal(1000)
    dates = np.busday_offset(np.datetime64("2012-01-02"), np.arange(1000))
    close = 100 * np.exp(returns.cumsum())
    close[800:] /= 2
    close[900:] /= 1.5  # a split, or a crash
    (tmp_path / "share.csv").write_text(
        "\n".join(["date,close", *(f"{date},{price:.6f}" for date, price in zip(dates, close, strict=True))])
    )
    out = tmp_path / "share.svg"
    result = forecast("anomalies", "--csv", tmp_path / "share.csv", "--format", "json", "--out", out)
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    split, possible = document["days"]
    assert (split["date"], split["kind"], split["low"]) == (str(dates[800]), "unit_change", None)
    assert split["move"] == pytest.approx(-np.log(2))
    assert (possible["date"], possible["kind"], possible["names"][-1]) == (str(dates[900]), "event", "possible split")
    assert document["regimes"] == []
    assert "unit change (1)" in out.read_text(encoding="utf-8")
    assert "data: share: repair: 1 row from which prices are in another unit" in result.stderr


def test_the_picture_is_a_figure_of_plot(forecast: Forecast, prices: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.svg"
    result = forecast("plot", "--csv", prices, "--kind", "anomalies", "--from", "2015-01-01", "--out", out)
    assert result.exit_code == 0, result.output
    assert "bad tick" in out.read_text(encoding="utf-8")
    assert "option of --kind anomalies" in forecast("plot", "--csv", prices, "--kind", "anomalies", "--last", 9).stderr


def test_an_inverted_pair_has_the_same_days_the_other_way_round(forecast: Forecast) -> None:
    span = ("--start", "2014-06-01", "--end", "2015-12-31", "--format", "json")
    documents = [json.loads(forecast("anomalies", pair, *span).stdout)[0] for pair in ("EURCHF", "CHFEUR")]
    first, second = documents
    franc = next(row for row in first["days"] if row["date"] == "2015-01-15")
    mirror = next(row for row in second["days"] if row["date"] == "2015-01-15")
    assert mirror["move"] == pytest.approx(-franc["move"])
    assert (mirror["low"], mirror["high"]) == (pytest.approx(1 / franc["high"]), pytest.approx(1 / franc["low"]))
    assert mirror["pit"] == pytest.approx(1 - franc["pit"])
    assert first["first"] == second["first"] == "2014-06-02"


def test_a_ticker_and_another_model(forecast: Forecast) -> None:
    result = forecast("anomalies", "--ticker", "garch", "--model", "ewma", "--format", "json")
    assert result.exit_code == 0, result.output
    (document,) = json.loads(result.stdout)
    assert (document["model"], document["instrument"]) == ("ewma", "garch")


def test_the_python_function_gives_the_same(forecast: Forecast, prices: Path) -> None:
    (result,) = forecaster.anomalies(csv=prices, rate=0.05)
    (document,) = json.loads(forecast("anomalies", "--csv", prices, "--format", "json").stdout)
    assert [str(row.date) for row in result.days] == [row["date"] for row in document["days"]]
    frame = result.to_frame()
    assert {"event", "bad tick", "volatility up"} <= set(frame["kind"])


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        (("--model", "lstm"), 2, "--model lstm is a network"),
        (("--model", "ewmat"), 2, "--model ewmat is unknown; expected one of combination, ewma"),
        (("--rate", "0"), 2, "--rate"),
        (("--start", "2016-01-01", "--end", "2015-01-01"), 2, "--start 2016-01-01 is after --end 2015-01-01"),
        (("--end", "2012-06-01"), 2, "gold has 110 rows; panel_har needs"),
        (("--model", "ewma_t", "--end", "2013-08-01"), 2, "anomalies need 251; use a longer history"),
        (("--start", "2030-01-01"), 2, "gold has no row to test from 2030-01-01"),
        (("--out", "found.xyz"), 2, "found.xyz"),
    ],
)
def test_mistakes_are_one_line(
    forecast: Forecast, prices: Path, tmp_path: Path, flags: tuple[str, ...], code: int, text: str
) -> None:
    result = forecast("anomalies", "--csv", prices, *flags)
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert not result.stdout
    assert len([line for line in result.stderr.splitlines() if line.startswith("error")]) == 1
    assert not list(tmp_path.glob("found*"))


def test_a_move_that_the_crosses_share_is_an_event_and_another_a_bad_tick(forecast: Forecast, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    dollar, yen = 0.003 * rng.standard_normal((2, 1200)).cumsum(axis=1)
    yen[900] += 0.035  # for one day, in every pair of the yen
    logs = {"EURUSD": dollar, "EURJPY": yen.copy(), "USDJPY": yen - dollar}
    logs["EURJPY"][1100:] += 0.035  # it stays, and the crosses do not share it
    logs["EURJPY"] += 1e-5 * rng.standard_normal(1200)
    dates = np.busday_offset(np.datetime64("2012-01-02"), np.arange(1200))
    files = []
    for name, log_price in logs.items():
        rows = [f"{date},{price:.8f}" for date, price in zip(dates, np.exp(log_price), strict=True)]
        files.append(str(tmp_path / f"{name}.csv"))
        Path(files[-1]).write_text("\n".join(["date,close", *rows]), encoding="utf-8")
    result = forecast("anomalies", "--csv", ",".join(files), "--format", "json")
    assert result.exit_code == 0, result.output
    document = next(each for each in json.loads(result.stdout) if each["instrument"] == "EURJPY")
    kinds = {row["date"]: (row["kind"], row["known_from"]) for row in document["days"]}
    assert kinds[str(dates[900])] == ("event", str(dates[900]))
    assert kinds[str(dates[1100])] == ("bad_tick", str(dates[1100]))
