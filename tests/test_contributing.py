"""Claims of CONTRIBUTING.md: whatever its table lists is added by one file and one registry line.

Each test writes the file, adds the line, and sees the addition work from the command line.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Forecast
from short_trainings import TINY

import forecaster
from forecaster import cli
from forecaster.data.sources import SOURCES
from forecaster.evaluation.registry import METRICS, Metric
from forecaster.features import FEATURES, Feature
from forecaster.models import MODELS
from forecaster.models.exports import FORMATS
from forecaster.workflows.figures import FIGURES

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
SPAN = ("--start", "2019-01-01", "--end", "2019-12-31", "--universe", "none")
BACKTEST = ("backtest", "--pair", "USDJPY", *SPAN, "--step", "1", "--models", "random_walk,ewma")

BASELINE = '''
from typing import Literal

import numpy as np

from forecaster.forecast import Forecasts
from forecaster.models.base import ModelOptions, NothingToFit, check_rows
from forecaster.quantiles import SCORING_LEVELS, normal_scores


class Options(ModelOptions):
    kind: Literal["toy_walk"] = "toy_walk"


class ToyWalk(NothingToFit):
    """Normal log returns of one per cent a day."""

    Options = Options
    name = "toy_walk"
    first_row = 0

    def __init__(self, options, horizon):
        self.options = options
        self.own_steps = horizon

    def least_training_rows(self):
        return 1

    def forecast(self, series, rows, longest=None):
        check_rows(rows, self.first_row)
        knots = (1, self.own_steps)
        scaled = np.broadcast_to(normal_scores(SCORING_LEVELS), (len(rows), len(knots), len(SCORING_LEVELS)))
        return Forecasts(self.name, rows, np.full(len(rows), 0.01), knots, SCORING_LEVELS, scaled)
'''

SOURCE = """
import numpy as np

from forecaster.data.series import PriceSeries
from forecaster.data.sources.base import Loaded, SourceTraits


class ToySource:
    name = "toy_source"
    traits = SourceTraits(is_synthetic=True)

    def load(self, request):
        dates = np.busday_offset(np.datetime64("2001-01-01"), np.arange(3000))
        prices = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 3000)))
        name = request.instrument.name
        return Loaded(PriceSeries(request.instrument, self.name, name, dates, {"close": prices}))
"""

FIGURE = """
from matplotlib.figure import Figure


def toy_figure(request):
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot(request.selection.series.dates, request.selection.series.close)
    return figure
"""

COMMAND = '''
import click


@click.command("toy", short_help="Print a greeting.")
def command():
    """Print a greeting."""
    click.echo("hello from toy")
'''

EXPORT_FORMAT = """
from forecaster.models.exports.base import ExportFormat


class ToyFormat(ExportFormat):
    name = "toy"
    file = "levels.txt"
    example = "import os\\n\\nquantiles = []"

    def write(self, model, folder, samples):
        (folder / self.file).write_text(str(model.output.shape[-1]))
        return [sample.quantiles for sample in samples]
"""


@pytest.fixture
def add_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Write a module that can be imported by its name."""
    names = []

    def add(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        names.append(name)
        return name

    monkeypatch.syspath_prepend(tmp_path)
    yield add
    for name in names:
        sys.modules.pop(name, None)


def claims() -> list[str]:
    """First column of the table in CONTRIBUTING.md."""
    section = PAGE.read_text(encoding="utf-8").split("## Adding something", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| ([\w ]+) \|", section, re.MULTILINE)
    return [row for row in rows if row != "what"]


def test_every_claim_is_performed() -> None:
    here = {"baseline", "feature", "metric", "source", "figure", "export format", "command"}
    by_the_suite_of_every_model = {"model", "architecture"}
    assert set(claims()) == here | by_the_suite_of_every_model


def test_a_baseline(forecast: Forecast, add_file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "toy_walk", f"{add_file('toy_walk', BASELINE)}:ToyWalk")
    result = forecast(
        "backtest", "--pair", "USDJPY", *SPAN, "--step", "1", "--models", "toy_walk,ewma", "--format", "json"
    )
    assert result.exit_code == 0, result.output
    toy = next(row for row in json.loads(result.stdout)["rows"] if row["model"] == "toy_walk")
    assert toy["coverage"]["0.95"] > 0.99  # the yen moves by far less than one per cent a day


def test_a_metric(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Metric("bias", "log return", "0", "mean(median - outcome)", lambda sample: sample.error)
    monkeypatch.setitem(METRICS, "bias", metric)
    row = json.loads(forecast(*BACKTEST, "--format", "json").stdout)["rows"][0]
    assert abs(row["bias"]) < 1e-3
    assert "bias" in forecast(*BACKTEST, "--format", "csv").stdout.splitlines()[0].split(",")
    assert "bias" in forecast(*BACKTEST).stdout.splitlines()[0].split()


@pytest.mark.slow
def test_a_metric_of_a_training(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Metric("bias", "log return", "0", "mean(median - outcome)", lambda sample: sample.error)
    monkeypatch.setitem(METRICS, "bias", metric)
    settings = ("--config", "sine", "--set", "model.epochs=1", "--set", "model.units=[4]", "--horizon", "1")
    result = forecast("train", *settings, "--set", "data.options.rows=500", "--backend", "jax", "--format", "json")
    assert result.exit_code == 0, result.output
    assert all("bias" in score for score in json.loads(result.stdout)["scores"])


@pytest.mark.slow
def test_a_feature(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FEATURES, "toy_feature", Feature(lambda history: history.log_return / history.volatility, True))
    names = "model.features=[scaled_return,toy_feature]"
    result = forecast("train", "--pair", "USDJPY", *TINY, "--set", names, "--format", "json")
    assert result.exit_code == 0, result.output
    assert forecast("predict", "--pair", "USDJPY").exit_code == 0


def test_a_source(forecast: Forecast, add_file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "toy_source", f"{add_file('toy_source', SOURCE)}:ToySource")
    ticker = ("--ticker", "XYZ", "--source", "toy_source")
    result = forecast("backtest", *ticker, "--models", "ewma,random_walk", "--start", "2010-01-01", "--step", "1")
    assert result.exit_code == 0, result.output
    assert "toy_source/XYZ/1d@" in result.stderr


@pytest.mark.slow
def test_a_figure(forecast: Forecast, add_file, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert forecast("train", "--pair", "USDJPY", *TINY).exit_code == 0
    assert "expected one of forecast, loss, fan" in forecast("plot", "--pair", "USDJPY", "--kind", "toy").output
    monkeypatch.setitem(FIGURES, "toy", f"{add_file('toy_figure', FIGURE)}:toy_figure")
    picture = tmp_path / "toy.png"
    result = forecast("plot", "--pair", "USDJPY", "--kind", "toy", "--out", picture)
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 1000


def test_an_export_format(home: Path, add_file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "toy", f"{add_file('toy_format', EXPORT_FORMAT)}:ToyFormat")
    result = forecaster.export(format="toy", home=home)
    assert (result.folder / "levels.txt").read_text() == "9"
    assert "import numpy" in (result.folder / "example.py").read_text()


def test_a_command(forecast: Forecast, add_file, monkeypatch: pytest.MonkeyPatch) -> None:
    add_file("toy", COMMAND)
    monkeypatch.setattr(cli, "_COMMANDS", (*cli._COMMANDS, "toy"))
    import toy

    monkeypatch.setitem(sys.modules, "forecaster.cli.toy", toy)
    assert forecast("toy").stdout == "hello from toy\n"
    assert "Print a greeting." in forecast("--help").stdout
