"""Which of several runs forecasts an instrument: pins, verdicts, trials and age."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Forecast

from forecaster.config import load_config
from forecaster.data.instruments import parse_pair
from forecaster.environment import Environment
from forecaster.errors import DamageError, RunNotFoundError
from forecaster.experiments.configurations import ConfigurationFacts, described_configuration
from forecaster.experiments.manifest import Manifest
from forecaster.experiments.pins import pinned_runs
from forecaster.experiments.run_ranking import ranked_runs, run_problems, with_configuration
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run
from forecaster.workflows.runs import runs, use_no_run, use_run

GOLDEN = next((Path(__file__).parents[1] / "golden").glob("2*-USDJPY-*"))
DEFAULT = ConfigurationFacts("default", {})
TRIAL = ConfigurationFacts("default", {"model.training.steps": 10}, "10 of 200 steps")


def run(
    name: str, scored: str = "USDJPY", configuration: ConfigurationFacts = DEFAULT, horizon: int = 20, **outcomes: str
) -> RunSummary:
    """A run whose panel holds USDJPY, with a verdict on `scored`."""
    manifest = Manifest.from_json(json.loads((GOLDEN / "manifest.json").read_text()))
    verdict: dict[str, Any] = {kind: {"outcome": outcome, "against": "garch"} for kind, outcome in outcomes.items()}
    changed = dataclasses.replace(
        manifest,
        scores=dataclasses.replace(manifest.scores, verdicts={scored: verdict}),
        model=dataclasses.replace(manifest.model, horizon=horizon),
        configuration=configuration,
    )
    return RunSummary.of(Run(Path(name), changed))


@pytest.mark.parametrize(
    ("better", "other"),
    [
        (run("1"), run("2", scored="EURUSD")),
        (run("1"), run("2", density="worse")),
        (run("1"), run("2", coverage="worse")),
        (run("1"), run("2", configuration=TRIAL)),
        (run("1"), run("2", configuration=ConfigurationFacts("quick", {}))),
        (run("2"), run("1")),
        (run("1", horizon=40), run("2")),
        (run("1", configuration=TRIAL), run("2", scored="EURUSD")),
        (run("1"), run("2", horizon=40, configuration=TRIAL)),
        (run("1"), run("2", horizon=40, scored="EURUSD")),
        (run("1", horizon=40, coverage="worse"), run("2", horizon=5)),
    ],
)
def test_the_better_run_comes_first(better: RunSummary, other: RunSummary) -> None:
    for both in ([better, other], [other, better]):
        for pair in ("USDJPY", "JPYUSD"):
            assert ranked_runs(both, parse_pair(pair), (), 30)[0] is better


def test_a_pin_decides_for_the_instruments_that_the_run_scored() -> None:
    trial = run("1", configuration=TRIAL)
    other = run("1", scored="EURUSD")
    default = run("2")
    assert ranked_runs([default, trial], parse_pair("USDJPY"), ("1",), 40)[0] is trial
    assert ranked_runs([default, other], parse_pair("USDJPY"), ("1",), None)[0] is default


def test_a_configuration_is_found_whatever_its_horizon() -> None:
    default = run("1", configuration=ConfigurationFacts("default", {"horizon": 40}))
    quick = run("2", configuration=ConfigurationFacts("quick", {}))
    assert with_configuration([default, quick], load_config("quick", ["horizon=5"])) == [quick]
    assert with_configuration([default, quick], load_config("gru")) == []
    assert with_configuration([default, quick, run("3", configuration=TRIAL)], load_config()) == [default]


def test_what_speaks_against_a_run_is_said() -> None:
    assert run_problems(run("1"), parse_pair("USDJPY")) == []
    found = run_problems(run("1", configuration=TRIAL, density="worse", coverage="worse"), parse_pair("JPYUSD"))
    assert found == [
        "was worse than garch in its test (density)",
        "had ranges in its test that held too often or too seldom",
        "was trained for 10 of 200 steps only",
    ]


@pytest.mark.parametrize(
    ("config", "assignments", "name", "shortened"),
    [
        (None, [], "default", None),
        (None, ["universe=currencies"], "default", None),
        (None, ["seed=5", "backend=jax", "data.pair=[EURUSD]"], "default", None),
        (None, ["model.training.steps=50"], "default with model.training.steps=50", "50 of 200 steps"),
        (None, ["model.training.steps=500"], "default with model.training.steps=500", None),
        (None, ["data.end=2020-12-31"], "development", None),
        (None, ["universe=none"], "default with universe=none", None),
        (None, ["data.frequency=1mo"], "default", None),
        ("quick", [], "quick", None),
        ("quick", ["horizon=30"], "quick with horizon=30", None),
        ("gru", [], "gru", None),
        ("development", ["model.kind=gru"], "gru with data.end=2020-12-31", None),
        ("classic", ["model.epochs=1"], "classic with model.epochs=1", "1 of 20 epochs"),
    ],
)
def test_a_configuration_is_named_by_the_nearest_shipped_one(
    config: str | None, assignments: list[str], name: str, shortened: str | None
) -> None:
    facts = described_configuration(load_config(config, assignments), "ecb")
    assert (facts.name, facts.shortened) == (name, shortened)
    assert ConfigurationFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_a_run_recorded_before_configurations_were_named_has_one() -> None:
    earlier = Run(
        GOLDEN,
        dataclasses.replace(Manifest.from_json(json.loads((GOLDEN / "manifest.json").read_text())), configuration=None),
    )
    assert earlier.configuration.name.startswith("default with")
    assert earlier.configuration.shortened is not None


def test_pins_are_kept_replaced_and_removed(home: Path) -> None:
    environment = Environment(home=home)
    usdjpy, sine = runs(environment=environment).runs
    assert runs(environment=environment).pinned == ()
    use_run("latest", environment)
    use_run(sine.id, environment)
    assert pinned_runs(home) == (usdjpy.id, sine.id)
    use_run(usdjpy.id, environment)
    assert pinned_runs(home) == (sine.id, usdjpy.id)
    path = home / "runs" / "pinned.json"
    for content in ("[" * 100_000, path.read_text().replace(usdjpy.id, usdjpy.id[:-1])):
        path.write_text(content)
        with pytest.raises(DamageError, match="remove it with: forecast runs use --none"):
            runs(environment=environment)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DamageError, match="remove it with"):
        runs(environment=environment)
    path.unlink()
    use_run("latest", environment)
    use_no_run(environment)
    assert pinned_runs(home) == ()
    with pytest.raises(RunNotFoundError):
        use_run("nothing", environment)


def test_runs_on_the_command_line(home: Path, forecast: Forecast) -> None:
    listed = json.loads(forecast("runs", "list", "--home", home, "--format", "json").stdout)
    assert [document["instruments"] for document in listed["runs"]] == [["USDJPY"], ["sine"]]
    assert "pinned" not in forecast("runs", "list", "--home", home).stdout
    assert forecast("runs", "use", listed["runs"][0]["run_id"], "--home", home).exit_code == 0
    assert "(pinned)" in forecast("runs", "list", "--home", home).stdout
    assert forecast("runs", "use", "--home", home).exit_code == 2
    assert forecast("runs", "use", "x", "--none", "--home", home).exit_code == 2
    assert "unpinned" in forecast("runs", "use", "--none", "--home", home).stderr
    refused = forecast("predict", "--pair", "USDJPY", "--config", "gru", "--home", home)
    assert (refused.exit_code, "--config gru (or add --train-if-missing)" in refused.stderr) == (1, True)
    assert forecast("predict", "--pair", "USDJPY", "--config", "gru", "--run", "2", "--home", home).exit_code == 2
    noted = forecast("predict", "--pair", "USDJPY", "--home", home).stderr
    assert "configuration default with universe=none" in noted
    assert "warning: this run was trained for 10 of 200 steps only" in noted
