"""Each benchmark still runs, in a variant small enough for a test. No test here looks at a timing."""

import dataclasses
import datetime
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from short_trainings import SMALL_NETWORK

from forecaster.config import load_config
from forecaster.data.instruments import parse_pair
from forecaster.data.series import Panel, PriceSeries
from forecaster.data.sources.base import Loaded, LoadRequest
from forecaster.forecast import Forecasts
from forecaster.models import create
from forecaster.quantiles import SCORING_LEVELS, normal_scores

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
NAMES = (
    *(
        "anomalies",
        "calibration",
        "coming_days",
        "data",
        "drift",
        "executors",
        "fetching",
        "gate",
        "kinds",
        "ledger",
        "long_context",
        "metrics",
    ),
    *("network", "placebo", "report", "runs", "scaling", "search_luck", "skill"),
    *("speed", "stocks", "superiority", "throughput", "windows_memory"),
)
SHARED = ("processes", "trainings")
END_OF_DEVELOPMENT = np.datetime64("2020-12-31")


@pytest.fixture(autouse=True)
def _from_a_checkout(monkeypatch):
    """`python benchmarks/X.py` finds its neighbours; so do the tests, and leave no trace in other tests."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in {*NAMES, *SHARED} - before:
        sys.modules.pop(name, None)


def result(capsys):
    """The JSON line and the table above it."""
    *table, last = capsys.readouterr().out.splitlines()
    return json.loads(last), table


def test_every_benchmark_is_listed_and_described():
    files = {file.stem for file in BENCHMARKS.glob("*.py")}
    assert files == {*NAMES, *SHARED}
    text = (BENCHMARKS / "README.md").read_text()
    assert all(f"benchmarks/{name}.py" in text for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help(name, capsys):
    with pytest.raises(SystemExit) as left:
        importlib.import_module(name).main(["--help"])
    assert left.value.code == 0
    assert "--format" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("anomalies", ["--rows", "1499"]),
        ("calibration", ["--end", "2021-06-01"]),
        ("coming_days", ["--backend", "torch"]),
        ("data", ["--runs", "0"]),
        ("fetching", ["--tickers", "0"]),
        ("gate", ["--backtests", "0"]),
        ("kinds", ["--kinds", "classic"]),
        ("metrics", ["--forecasts", "0"]),
        ("placebo", ["--rows", "49"]),
        ("report", ["--runs", "0"]),
        ("runs", ["--runs", "0"]),
        ("scaling", ["--sizes", "100,10"]),
        ("skill", ["--models", "prophet"]),
        ("stocks", ["--models", "lstm,prophet"]),
        ("speed", ["--runs", "0"]),
        ("speed", ["--commands", "help,fly"]),
        ("superiority", ["--cutoffs", "999", "--step", "20"]),
        ("throughput", ["--ways", "torch"]),
        ("windows_memory", ["--rows", "999"]),
        ("long_context", ["--lengths", "64"]),
    ],
)
def test_mistakes_on_the_command_line_are_told_before_anything_runs(name, arguments, capsys):
    with pytest.raises(SystemExit) as left:
        importlib.import_module(name).main(arguments)
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err


# --- processes ---------------------------------------------------------------------------------------------------


def test_peak_memory_is_that_of_the_child():
    run = importlib.import_module("processes").run
    small = run([sys.executable, "-c", "print('done')"])
    large = run([sys.executable, "-c", "print(len(b'x' * 200_000_000))"])
    assert small.output == "done\n"
    # Where the test itself is larger than the child, Linux tells the size of the test: see `processes`.
    assert large.peak_bytes >= 200_000_000
    assert large.peak_bytes >= small.peak_bytes > 1_000_000


def test_a_command_that_fails_is_told_with_its_own_words():
    run = importlib.import_module("processes").run
    with pytest.raises(SystemExit, match=r"(?s)exit code 7.*no such thing"):
        run([sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(7)"])


def test_tables():
    table_text = importlib.import_module("processes").table_text
    rows = [["command", "s"], ["`a`", "0.10"]]
    assert table_text(rows) == "command  s\n`a`      0.10"
    assert table_text(rows, "markdown") == "| command | s    |\n|---------|------|\n| `a`     | 0.10 |"


# --- speed -------------------------------------------------------------------------------------------------------


def test_data(capsys):
    importlib.import_module("data").main(["--runs", "1", "--pairs", "2", "--rows", "500"])
    document, table = result(capsys)
    assert len(document["seconds"]) == len(table) - 2 == 5
    assert all(seconds > 0 for seconds in document["seconds"].values())


def test_speed_of_help(capsys):
    importlib.import_module("speed").main(["--runs", "1", "--commands", "help", "--format", "markdown"])
    document, table = result(capsys)
    (row,) = document["rows"]
    assert row["command"] == "forecast --help"
    assert row["seconds_met"] is (row["seconds"] < row["seconds_budget"])
    assert row["peak_met"] is None
    assert table[0].startswith("| command")
    assert "`forecast --help`" in table[2]


def test_measured_trainings_do_not_become_the_run_that_predict_reads(monkeypatch, tmp_path):
    speed, processes = importlib.import_module("speed"), importlib.import_module("processes")
    seen = []

    def run(command, folder, environment):
        seen.append((" ".join(command[1:]), Path(environment["FORECAST_HOME"]).name))
        return processes.Measured(1.0, 1.0, 10, "")

    monkeypatch.setattr(speed, "run", run)
    measured = speed.measure(["train", "quick", "predict"], 2, tmp_path)
    assert {name: len(runs) for name, runs in measured.items()} == {"train": 2, "quick": 2, "predict": 2}
    read = [command for command, home in seen if home == "read"]
    assert read == ["train --pair USDJPY", *["predict --pair USDJPY"] * 3]


def test_a_measured_fit_finds_nothing_of_an_earlier_one(monkeypatch, tmp_path):
    speed, processes = importlib.import_module("speed"), importlib.import_module("processes")
    existing = []

    def run(command, folder, environment):
        home = Path(environment["FORECAST_HOME"])
        existing.append(home.exists())
        home.mkdir()
        return processes.Measured(1.0, 1.0, 10, "")

    monkeypatch.setattr(speed, "run", run)
    speed.measure(["backtest", "train"], 2, tmp_path)
    assert existing == [False] * 6
    assert importlib.import_module("skill").SCORED == speed.PAIRS


def test_budgets_are_compared_with_the_medians():
    speed, processes = importlib.import_module("speed"), importlib.import_module("processes")
    runs = [processes.Measured(seconds, 1.0, peak, "") for seconds, peak in [(9, 1e9), (21, 2e9), (22, 1.3e9)]]
    row = speed.summary("train", runs)
    assert (row["seconds"], row["seconds_met"], row["peak_gb"], row["peak_met"]) == (21, False, 1.3, False)
    assert speed.summary("train", runs[:1])["peak_met"] is True


# --- throughput --------------------------------------------------------------------------------------------------


class Batches:
    """Batches (x, y) of several epochs, as `throughput` reads them."""

    def __init__(self, *epochs):
        self.epochs, self.now = epochs, None

    def __len__(self):
        return len(self.epochs[0])

    def begin(self, epoch):
        self.now = epoch

    def __getitem__(self, index):
        return None, self.epochs[self.now][index]


def test_a_target_is_a_row_with_a_known_outcome_whatever_the_knots():
    throughput = importlib.import_module("throughput")
    y = np.full((2, 5, 4), np.nan, dtype=np.float32)
    y[0, 2:, 0] = 1.0  # three rows with one knot known each
    y[1, 4, :] = 1.0  # one row with all knots known
    assert throughput.count_targets(Batches([y], [y], [y]), 0, 3) == 3 * 4
    assert throughput.count_targets(Batches([np.ones((7, 1))]), 0, 1) == 7


def test_targets_are_counted_in_the_batches_of_their_own_epoch():
    throughput = importlib.import_module("throughput")
    epochs = [[np.ones((10 ** (2 * epoch + index), 1)) for index in range(2)] for epoch in range(2)]
    assert throughput.count_targets(Batches(*epochs), 1, 4) == 10 + 100 + 1000


def test_the_first_report_only_starts_the_clock():
    throughput = importlib.import_module("throughput")
    batches = Batches([np.ones((size, 1)) for size in (100, 10, 10)])
    marks = [throughput.Mark(50.0, 7.0, 1), throughput.Mark(51.0, 7.5, 2), throughput.Mark(54.0, 9.0, 3)]
    measured = throughput.throughput(batches, marks)
    assert measured["steps"] == 2
    assert measured["rate"] == pytest.approx(20 / 4)
    assert measured["processor_rate"] == pytest.approx(20 / 2)


def test_ratios_are_taken_to_our_training_on_jax():
    throughput = importlib.import_module("throughput")
    rates = {"jax": 300.0, "stock": 60.0, "classic": 10.0}
    measured = {name: {"rate": rate, "processor_rate": rate} for name, rate in rates.items()}
    compared = throughput.ratios(measured)
    assert compared["jax/stock"]["met"] is True
    assert compared["jax/classic"] == {"ratio": 30.0, "processor_ratio": 30.0, "aim": 50, "met": False}


TINY = ["--set", "universe=none", "--set", "model.windows.chunk=160", "--set", "model.units=[4]"]


def tiny_throughput(capsys, way, *arguments):
    importlib.import_module("throughput").main(["--runs", "1", "--ways", way, *arguments])
    document, _ = result(capsys)
    return document["rows"][way]


@pytest.mark.slow
def test_throughput_of_our_training(capsys):
    row = tiny_throughput(capsys, "jax", "--steps", "20", *TINY)
    assert row["steps"] == 10
    assert row["targets"] == 10 * 16 * (160 - 64)
    assert row["rate"] == pytest.approx(row["targets"] / row["seconds"])


@pytest.mark.slow
def test_throughput_of_the_stock_fit(capsys):
    row = tiny_throughput(capsys, "stock", "--steps", "5", *TINY)
    assert row["steps"] == 4
    assert 0.95 < row["targets"] / (4 * 16 * (160 - 64)) <= 1  # a chunk may end behind the last row


@pytest.mark.slow
def test_throughput_of_the_tutorials_fit(capsys):
    small = ("--set", "model.epochs=1", "--set", "model.units=[4]", "--set", "data.start=2018-01-01")
    row = tiny_throughput(capsys, "classic", *small)
    assert row["targets"] == row["steps"] * 32


# --- long_context ------------------------------------------------------------------------------------------------


def test_long_samples_train_with_finite_weights(capsys):
    sizes = ["--lengths", "192", "--step-rows", "192", "--truncation", "96", "--steps", "1"]
    importlib.import_module("long_context").main(sizes)
    document, table = result(capsys)
    row = document["rows"]["192"]
    assert row["batch_size"] == 2
    assert 0 < row["largest_norm"] < 100
    assert row["finite"] is True
    assert row["peak_bytes"] > 0
    assert table[1].split()[0] == "192"


# --- windows_memory ----------------------------------------------------------------------------------------------


def test_memory_of_a_short_history(capsys):
    importlib.import_module("windows_memory").main(["--rows", "10000", "--batches", "2", "--context", "100"])
    document, table = result(capsys)
    assert document["sizes"]["rows"] == 10_000
    for kind in ("dense", "last"):
        row = document["rows"][kind]
        assert row["rows_bytes"] == 10_000 * (8 + 4) * 4
        assert row["met"] is (row["ratio"] <= 1.5)
    assert "DenseWindows" in table[1]


def test_the_measure_sees_windows_that_are_copied():
    """If every window were copied, the figure would say so: it must be able to fail."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, windows_memory\n"
        "from forecaster.features import windows\n"
        "batch = windows.LastWindows.batch\n"
        "def copied(self, positions):\n"
        "    held = np.ascontiguousarray(self.x)\n"
        "    return held[positions], self.y[positions]\n"
        "windows.LastWindows.batch = copied\n"
        "print(windows_memory.measure('last', 100_000, 8, 50, 1)['ratio'])\n"
    )
    output = subprocess.run([sys.executable, "-c", code, str(BENCHMARKS)], capture_output=True, text=True, check=True)
    assert float(output.stdout) > 10


# --- coming days ---


def test_variants_of_the_calendar_know_one_announcement_more_each() -> None:
    coming_days = importlib.import_module("coming_days")
    meetings = coming_days.central_bank_meetings()
    calendar_variants = coming_days.variants([meetings["ECB"]])
    days = np.arange("2020-01-01", "2021-01-01", dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    names = coming_days.FEATURE_NAMES
    counts = [
        int(one.features(days, True).common[:, [names.index(n) for n in names if "meeting" in n]].sum())
        for one in calendar_variants
    ]
    assert counts[:5] == sorted(counts[:5])
    assert counts[0] == 0 < counts[2] < counts[3] == counts[4]
    assert [one.against for one in calendar_variants[:5]] == [
        "no calendar",
        "dates alone",
        "+ US payrolls",
        "+ Fed",
        "+ ECB",
    ]
    assert "EUR" in calendar_variants[-1].features(days, True).own
    assert max(coming_days.YEARS[-1], coming_days.NETWORK_FOLDS[-1]) <= END_OF_DEVELOPMENT + 1


# --- skill -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Watcher:
    """A fitted model that forecasts EWMA-like quantiles and notes the last row it was shown."""

    latest: list

    def forecast(self, series, rows, longest=None):
        self.latest.append(series.dates[-1])
        scaled = np.broadcast_to(normal_scores(SCORING_LEVELS), (len(rows), 2, len(SCORING_LEVELS)))
        return Forecasts("lstm", rows, np.full(len(rows), 0.01), (1, 20), SCORING_LEVELS, scaled)


class LaterSource:
    """A source whose histories run far past the development window."""

    def load(self, request):
        dates = np.arange("2005-01-03", "2026-10-30", dtype="datetime64[D]")
        dates = dates[np.is_busday(dates)]
        prices = np.exp(np.cumsum(np.random.default_rng(1).normal(scale=0.01, size=len(dates))))
        return Loaded(PriceSeries(request.instrument, "ecb", request.instrument.name, dates, {"close": prices}))


def test_skill_knows_no_row_of_the_lockbox(monkeypatch):
    skill = importlib.import_module("skill")
    assert np.datetime64(skill.DEVELOPMENT.last) == END_OF_DEVELOPMENT
    assert {skill.DEVELOPMENT.folds(name)[-1] for name in ("lstm", "garch")} == {END_OF_DEVELOPMENT + 1}
    assert {skill.HELD_OUT.folds(name)[0] for name in ("lstm", "garch")} == {END_OF_DEVELOPMENT + 1}
    latest = []

    def fit(model, panel, split, config):
        latest.extend(one.dates[-1] for one in panel)
        return Watcher(latest)

    monkeypatch.setattr(skill, "get_source", lambda name: LaterSource())
    monkeypatch.setattr(skill, "fit", fit)
    panel = skill.load_panel()
    assert len(panel) > len(skill.SCORED)
    table = skill.walk_forward("lstm", panel, load_config())
    assert max(latest) == END_OF_DEVELOPMENT
    assert len(latest) == 3 * (len(panel) + len(skill.SCORED))
    for dates, losses in table.values():
        assert losses.shape == (len(dates), 4)
        assert np.isfinite(losses[:-20]).all()
        assert np.isnan(losses[-20:, 3]).all()


def test_skill_of_the_real_histories_ends_with_the_development_window():
    skill = importlib.import_module("skill")
    panel = skill.load_panel()
    assert len(panel) == 136
    assert max(one.dates[-1] for one in panel) == END_OF_DEVELOPMENT


def test_skill_shows_baselines_only_the_scored_pairs_and_the_rows_before_the_fold(monkeypatch):
    skill = importlib.import_module("skill")
    requests = []

    class Baseline:
        def fit(self, request):
            requests.append(request)
            return Watcher([])

    monkeypatch.setattr(skill, "create", lambda name, horizon: Baseline())
    names = [*skill.SCORED, "USDHUF"]
    today = datetime.date(2026, 10, 30)
    panel = Panel(
        tuple(LaterSource().load(LoadRequest(parse_pair(name).canonical, Path(), today)).series for name in names)
    )
    skill._fit("garch", panel, load_config(), np.datetime64("2015-01-01"))
    (request,) = requests
    assert len(request.panel) == len(skill.SCORED)
    assert len(panel) == len(skill.SCORED) + 1
    last = [one.dates[request.training_rows[one.instrument.name] - 1] for one in request.panel]
    assert max(last) < np.datetime64("2015-01-01")


def test_skill_report(capsys):
    skill = importlib.import_module("skill")
    days, noise = np.arange(300).astype("datetime64[D]"), np.random.default_rng(1).uniform(0.9, 1.1, (300, 1))
    losses = {pair: (days, np.tile([1.0, 2.0, 3.0, 4.0], (300, 1))) for pair in skill.SCORED}
    better = {pair: (days, values * 0.5 * noise / noise.mean()) for pair, (days, values) in losses.items()}
    skill.report({"garch": losses, "lstm": better})
    document, table = result(capsys)
    assert document["rows"]["mean ratio"] == pytest.approx({"1": 0.5, "5": 0.5, "10": 0.5, "20": 0.5})
    assert all(statistic < -50 for statistic in document["rows"]["lstm - garch, t"].values())
    assert table[1].split() == ["garch", "1.000", "2.000", "3.000", "4.000"]
    skill.report({"garch": losses}, "json")
    assert len(capsys.readouterr().out.splitlines()) == 1


# --- kinds -------------------------------------------------------------------------------------------------------


def test_kinds_compares_each_kind_with_the_baselines(monkeypatch, capsys):
    kinds = importlib.import_module("kinds")
    assert {"lstm", "gru", "rnn", "bilstm", "transformer", "linear"} <= set(kinds.KINDS)
    days = np.arange("2011-01-03", "2011-04-13", dtype="datetime64[D]")
    crps = {"ewma": 2.0, "garch": 1.6, "rnn": 1.8, "linear": 1.9}
    seen = {}

    def walk_forward(name, panel, config, on_fit=lambda fitted, seconds: None):
        seen[name] = config
        report = dataclasses.make_dataclass("Report", ["parameters"])(1234)
        on_fit(dataclasses.make_dataclass("Fit", ["report"])(report), 3.0)
        on_fit(dataclasses.make_dataclass("Fit", ["report"])(report), 4.0)
        losses = {pair: (days, np.full((len(days), 4), crps[name])) for pair in kinds.SCORED}
        if name == "linear":
            losses["AUDNZD"] = (days, np.full((len(days), 4), 2.2))
        return losses

    monkeypatch.setattr(kinds, "load_panel", lambda: None)
    monkeypatch.setattr(kinds, "walk_forward", walk_forward)
    kinds.main(["--kinds", "rnn,linear", "--alone", "--set", "model.units=7", "--backend", "jax"])
    document, table = result(capsys)
    assert document["rows"]["rnn"]["ewma"] == {"mean": pytest.approx([0.9] * 4), "worst": pytest.approx(0.9)}
    assert document["rows"]["rnn"]["garch"]["mean"] == pytest.approx([1.125] * 4)
    assert document["rows"]["linear"]["ewma"]["worst"] == pytest.approx(1.1)
    assert table[1].split() == ["rnn", "0.9000", "0.9000", "0.9000", "0.9000", "0.9000", "3.5", "1,234"]
    assert max(map(len, table)) <= 80
    options = seen["rnn"].model
    assert (options.kind, options.units, options.linear_share, options.volatility_calendar) == ("rnn", (7,), 0, False)


# --- stocks ------------------------------------------------------------------------------------------------------


def test_stocks_fits_each_year_on_the_rows_before_it(monkeypatch):
    stocks = importlib.import_module("stocks")
    splits, latest = [], []

    def fit(model, panel, split, config):
        splits.append((split.validation_start, model.options.features))
        return Watcher(latest)

    monkeypatch.setattr(stocks, "fit", fit)
    monkeypatch.setattr(stocks, "FOLDS", stocks.FOLDS[-3:])
    panel = stocks.load_panel()
    losses = stocks.walk_forward("lstm", panel, load_config())
    assert [str(start) for start, _ in splits] == ["2017-01-01", "2018-01-01"]
    assert {"range_fast", "volume_ratio"} <= set(splits[0][1])
    assert losses.shape == (2, 502, 4)  # the exchange was open on 251 days of each year
    assert np.isnan(losses).sum(axis=(0, 1)).tolist() == [2, 10, 20, 40]
    stocks.walk_forward("returns_lstm", panel, load_config())
    assert len(splits[-1][1]) == 8
    stocks.walk_forward("panel_har", panel, load_config())  # learns from outcomes after its rows, so it is purged too
    assert str(splits[-1][0]) == "2018-01-01"
    assert "range_fast" in splits[-1][1]
    assert max(latest) < np.datetime64("2019-01-01")


def test_stocks_report(capsys):
    stocks = importlib.import_module("stocks")
    rng = np.random.default_rng(0)
    losses = rng.uniform(1, 2, (2, 300, 4))
    losses[:, -20:] = np.nan
    better = losses * rng.uniform(0.4, 0.6, (2, 300, 4))
    stocks.report({"garch": losses, "lstm": better, "returns_lstm": losses * 0.2}, ("A", "B"))
    document, _ = result(capsys)
    rows = document["rows"]
    assert rows["lstm / garch, B"]["5"] == pytest.approx(np.nanmean(better[1, :, 1]) / np.nanmean(losses[1, :, 1]))
    assert all(t < -5 for t in rows["lstm - garch, t"].values())
    assert all(t > 5 for t in rows["lstm - returns_lstm, t"].values())
    stocks.report({"garch": losses}, ("A", "B"), "json")
    assert len(capsys.readouterr().out.splitlines()) == 1


# --- metrics -----------------------------------------------------------------------------------------------------


def test_metrics_of_a_few_forecasts(capsys):
    importlib.import_module("metrics").main(["--forecasts", "2500", "--chunk", "1000"])
    document, table = result(capsys)
    assert document["rows"]["n"] == 2500
    assert document["rows"]["peak_met"] is (document["rows"]["peak_bytes"] < document["rows"]["peak_aim"])
    assert table[1].startswith("2,500")


# --- drift -------------------------------------------------------------------------------------------------------


def test_drift(capsys, monkeypatch):
    drift = importlib.import_module("drift")
    monkeypatch.setattr(drift, "CURRENCIES", ("USD", "ROL"))
    monkeypatch.setattr(drift, "PANEL_CURRENCIES", ("EUR", "USD"))
    drift.main([])
    document, table = result(capsys)
    assert document["last"] == "2020-12-31"
    assert document["counts"] | {"largest_t_of_the_panel": 0} == {
        **{"rates": 3, "opened": 1, "of_the_panel": 1, "of_the_panel_opened": 0},
        "largest_t_of_the_panel": 0,
    }
    crawl = document["rates"]["USDROL"]["20"]
    assert crawl["saved_percent"] > 30
    assert crawl["coverage"] < 0.55 < 0.7 < crawl["coverage_with_drift"]
    assert table[1].startswith("USDROL")


# --- gate --------------------------------------------------------------------------------------------------------


def test_gate(capsys):
    importlib.import_module("gate").main(["--backtests", "2", "--series", "4"])
    document, table = result(capsys)
    assert set(document["rows"]["garch, panel of 8"]) == {
        *("training", "five_years", "ten_years", "backtests", "series", "met"),
    }
    assert document["power"]["AR(1), phi = 0.3"]["training"] > 0.5
    assert document["drift_power"]["0.4"]["four_years"] == 1
    assert len(table) == 1 + 6 + 1 + 4 + 1 + 3 + 1 + 4 + 1


def test_gate_would_tell_of_a_gate_that_opens_by_chance(monkeypatch):
    gate = importlib.import_module("gate")
    monkeypatch.setattr(gate.LocationGains, "predictive", lambda self, knots, level: list(knots))
    assert gate.false_openings("normal", 1, 8, 0)["met"] is False


# --- anomalies ---------------------------------------------------------------------------------------------------


def test_anomalies_of_a_few_series(capsys):
    importlib.import_module("anomalies").main(["--series", "2", "--planted", "1", "--rows", "1500"])
    document, table = result(capsys)
    assert set(document["laws"]) == {"constant", "currency", "lasting", "share", "skewed"}
    assert all(row["with_false_day"] in (0, 0.5, 1) for row in document["laws"].values())
    assert [row["size"] for row in document["shocks"]] == [6, 8, 10, 15]
    assert all(row["found"] in (0, 1) for row in document["shocks"])
    assert table[0].startswith("series")


# --- placebo -----------------------------------------------------------------------------------------------------


def test_superiority_of_a_few_samples(capsys):
    importlib.import_module("superiority").main(["--samples", "4", "--cutoffs", "250", "--step", "5", "--models", "2"])
    document, table = result(capsys)
    assert [(row["cutoffs"], row["step"]) for row in document["rows"]] == [(250, 5)]
    assert document["rows"][0]["interval_holds"] >= 0.5
    assert table[0].startswith("cutoffs  step  SPA rejects")


def test_placebo_of_a_few_short_walks(capsys):
    importlib.import_module("placebo").main(["--walks", "3", "--rows", "60", "--fitted", "none"])
    document, table = result(capsys)
    assert len(document["rows"]) == 7
    assert set(document["power"]) == {"point", "direction", "density", "coverage"}
    for one in document["rows"].values():
        assert one["met"] is (one["any_claim"]["percent"] <= 5 + 2 * one["any_claim"]["error"])
    assert table[1].startswith("normal, last price")


def test_placebo_through_the_command_line():
    """Claims are counted from what `forecast train` prints."""
    trainings = importlib.import_module("trainings")
    walks = 0.01 * np.random.default_rng(0).standard_normal((1, 899))
    (verdict,) = trainings.train_on_walks(walks, SMALL_NETWORK)
    assert set(verdict) > {"point", "direction", "density", "coverage"}
    calm = {kind: {"outcome": "no_difference", "p_value": 0.5} for kind in trainings.KINDS}
    loud = calm | {"point": {"outcome": "better", "p_value": 0.01}, "coverage": {"outcome": "worse", "p_value": 0.01}}
    existing = trainings.claims([loud] + 19 * [calm])
    assert existing["claims"] == {"point": 1, "direction": 0, "density": 0, "coverage": 1}
    assert (existing["any"], existing["point_or_direction"], existing["expected"]) == (1, 1, 1.0)
    assert existing["chance_of_so_many"] == pytest.approx(1 - 0.95**20)
    assert trainings.claims(3 * [loud] + 17 * [calm])["met"]
    assert not trainings.claims(4 * [loud] + 16 * [calm])["met"]


def test_placebo_makes_the_walks_that_it_names():
    placebo = importlib.import_module("placebo")
    rng = np.random.default_rng(0)
    for kind, kurtosis in (("normal", 3.0), ("student", 6.0), ("garch", 3.8)):
        walks = placebo.simulate(kind, 200, 1000, rng)
        shocks = walks.returns / walks.volatility
        assert shocks.std() == pytest.approx(1, abs=0.03)
        assert abs(np.mean(shocks[:, 1:] * shocks[:, :-1])) < 0.02
        assert (shocks**4).mean() > kurtosis - 0.2
        assert bool(walks.volatility.std() > 0.001) is (kind == "garch")
    slow = placebo.simulate("ar1", 200, 1000, rng, 0.3).returns
    assert np.mean(slow[:, 1:] * slow[:, :-1]) / np.mean(slow**2) == pytest.approx(0.3, abs=0.02)


def test_placebo_would_tell_of_a_verdict_that_claims_too_much():
    """A model that sees tomorrow is found in every walk: the rates are those of the verdicts."""
    placebo = importlib.import_module("placebo")
    walks = placebo.simulate("normal", 5, 700, np.random.default_rng(0))
    honest = placebo.stand_in("normal", False, 0)

    def leaking(walks, rows):
        calendar_variants = honest(walks, rows)
        return {**calendar_variants, "model": calendar_variants["model"] + 0.5 * walks.returns[:, -rows:, None]}

    told = placebo.placebo(placebo.verdicts(walks, 200, leaking), density_can_be_worse=True)
    assert told["any_claim"]["percent"] == told["point"]["percent"] == told["direction"]["percent"] == 100
    assert told["met"] is False
    assert placebo.placebo(placebo.verdicts(walks, 200, honest), density_can_be_worse=True)["point"]["percent"] == 0


def test_placebo_takes_fitted_models():
    """Forecasts of the real baselines are those of the vectorised ones, for the same days."""
    placebo = importlib.import_module("placebo")
    walks = placebo.simulate("student", 2, 700, np.random.default_rng(1))
    calendar_variants = placebo.fitted_maker([create("random_walk", 1), create("ewma", 1)])(walks, 100)
    assert list(calendar_variants) == ["random_walk", "ewma"]
    np.testing.assert_allclose(calendar_variants["random_walk"], placebo.historical(walks.returns, 100), atol=1e-12)
    expected = placebo.smoothed(walks.returns, 0.94)[:, -100:, None] * normal_scores(SCORING_LEVELS)
    np.testing.assert_allclose(calendar_variants["ewma"], expected, rtol=1e-6)


@pytest.mark.slow
def test_calibration(capsys, tmp_path):
    tiny = ["universe=none", "model.units=[4]", "model.training.steps=3"]
    sets = [part for one in tiny for part in ("--set", one)]
    pairs = ["--pairs", "USDJPY,EURUSD", "--start", "2016-01-04"]
    importlib.import_module("calibration").main(["--home", str(tmp_path), *pairs, *sets, "--format", "markdown"])
    document, table = result(capsys)
    assert set(document["steps"]) == {"1", "5", "10", "20"}
    first = document["steps"]["1"]
    assert 0.6 < first["raw"]["inside_0.8"] < 0.95
    assert abs(first["calibrated"]["inside_0.8"] - 0.8) < abs(first["raw"]["inside_0.8"] - 0.8) + 0.01
    assert first["raw"]["lead"] != first["calibrated"]["lead"]
    assert document["first"] == "2016-01-04"
    assert table[0].startswith("| step")


@pytest.mark.slow
def test_executors(capsys):
    small = ("--pairs", "1", "--start", "2019-06-01", "--steps", "2", "--executors", "local-1,local-2")
    importlib.import_module("executors").main(small)
    document, table = result(capsys)
    assert {name: figures["cells"] for name, figures in document["executors"].items()} == {"local-1": 4, "local-2": 4}
    assert len(table) == 4


@pytest.mark.slow
def test_report(capsys):
    importlib.import_module("report").main(["--quick", "--runs", "1"])
    document, table = result(capsys)
    assert set(document["pages"]) == {"USDJPY", "overview"}
    assert all(figures["bytes"] > 20_000 for figures in document["pages"].values())
    assert [line.split()[0] for line in table if line] == ["page", "USDJPY", "overview"]


def test_drift_alarms_of_simulated_forecasts(capsys):
    importlib.import_module("ledger").main(["--drift", "--families", "3"])
    document, table = result(capsys)
    delays = {name: delay for name, _, delay in document["drift"]}
    assert delays.pop("none") == "-"
    assert all(int(delay) < 400 for delay in delays.values())
    assert table[0].startswith("change")


@pytest.mark.slow
def test_seconds_of_a_ledger(capsys):
    importlib.import_module("ledger").main(["--forecasts", "32", "--repeats", "1"])
    document, table = result(capsys)
    assert set(document["seconds"]) == {"score", "ledger verify"}
    assert len(table) == 4


@pytest.mark.slow
def test_fetching(capsys):
    importlib.import_module("fetching").main(["--tickers", "3", "--reads", "5"])
    document, table = result(capsys)
    assert {name: task["histories"] for name, task in document["tasks"].items()} == {"fetch": 3, "read and validate": 5}
    assert all(task["processor_seconds"] > 0 for task in document["tasks"].values())
    assert len(table) == 4


def test_cost_of_many_series(capsys):
    """The figures of two sizes, from made-up measurements: a run of it trains a network."""
    scaling = importlib.import_module("scaling")
    measured = importlib.import_module("processes").Measured
    sizes = {100: measured(4.0, 3.0, 200 << 20, ""), 300: measured(9.0, 7.0, 201 << 20, "")}
    assert scaling._table(sizes)[2] == ("300", "9.0", "7.0", "23.3", "201")
    figures = scaling._figures(sizes)
    assert figures["marginal_milliseconds"] == pytest.approx(20)
    assert figures["planned_hours_of_a_million"] == pytest.approx(5.556, abs=1e-3)
    (first, second) = scaling.simulated(["S1", "S2"], 1500)
    assert len(first) == len(second) == 1500
    assert (first.close > 0).all()


# --- search_luck -------------------------------------------------------------------------------------------------


def test_luck_of_a_few_searches(capsys):
    pytest.importorskip("optuna")
    importlib.import_module("search_luck").main(["--searches", "2", "--trials", "3"])
    document, table = result(capsys)
    assert len(document["rows"]) == 13 == len(table) - 2
    assert {row["step"] for row in document["rows"]} == {1, 5, 20}
    assert all(row[level] in (0, 0.5, 1) for row in document["rows"] for level in ("0.01", "0.25"))
    assert table[0].startswith("losses")
