"""`compare`: several runs and the baselines on the rows that all of them share."""

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Forecast
from documented_keys import differences

import forecaster
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.experiments.run_comparison import Comparison, compare_runs
from forecaster.experiments.run_differences import require_comparable
from forecaster.experiments.run_index import RunIndex
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run, list_runs, read_run
from forecaster.models import MODELS, network_names
from forecaster.workflows.kind_trainings import KindTrainings, known_kinds

BASELINES = ("garch", "ewma", "random_walk")
TINY = {"model.training.steps": 10, "model.units": [6], "split.test_rows": 150, "split.validation_rows": 100}
DAYS = pd.bdate_range("2016-01-04", periods=900)
PRICES = 100 * np.exp(np.random.default_rng(3).normal(0, 0.01, len(DAYS)).cumsum())
LAST = str(DAYS[-1].date())
EARLIER = str(DAYS[-51].date())  # a training that ends here shares 100 of the 150 test rows


@pytest.fixture(scope="module", autouse=True)
def _few_baselines() -> Iterator[None]:
    """Three baselines instead of six, in trainings and in comparisons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecaster.workflows.train.DEFAULT_BASELINES", BASELINES)
        patch.setattr("forecaster.experiments.run_comparison.DEFAULT_BASELINES", BASELINES)
        yield


def write_prices(home: Path, prices: np.ndarray) -> Path:
    path = home / "gold.csv"
    pd.DataFrame({"date": DAYS, "close": prices.round(6)}).to_csv(path, index=False)
    return path


def trained(home: Path, name: str = "gold", **keywords: Any) -> Run:
    keywords = {"horizon": 5, "set": TINY, "backend": "jax", "home": home, **keywords}
    return forecaster.train(csv=home / f"{name}.csv", **keywords).run


def altered(run: Run, part: str, **changes: Any) -> Run:
    """A run whose manifest says something else."""
    facts = dataclasses.replace(getattr(run.manifest, part), **changes)
    return dataclasses.replace(run, manifest=dataclasses.replace(run.manifest, **{part: facts}))


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home with runs of one history, and their ids by name."""
    home = tmp_path_factory.mktemp("compared")
    write_prices(home, PRICES)
    runs = {"first": trained(home), "again": trained(home), "other": trained(home, end=EARLIER, seed=1)}
    return home, {name: run.id for name, run in runs.items()}


@pytest.fixture
def home(trained_home: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    """A copy that a test may change; the configurations name the file of the original, which has the same rows."""
    return Path(shutil.copytree(trained_home[0], tmp_path / "home"))


def label(run_id: str) -> str:
    """Label of a run where several of its kind are compared."""
    return f"lstm {run_id.rpartition('-')[2]}"


@pytest.fixture
def ids(trained_home: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return trained_home[1]


@pytest.fixture(scope="module")
def overlapping(trained_home: tuple[Path, dict[str, str]]) -> Comparison:
    """Two runs whose test rows overlap in part."""
    home, ids = trained_home
    return forecaster.compare(runs=[ids["first"], ids["other"]], home=home)


def test_the_scores_are_those_of_the_training_on_the_same_rows(home: Path, ids: dict[str, str]) -> None:
    run = read_run(home / "runs" / ids["first"])
    comparison = forecaster.compare(runs=ids["first"], home=home)
    assert list(comparison.samples) == [1, 5]
    recorded = {score["step"]: score for score in run.manifest.scores.scores if score["part"] == "test"}
    for step, score in recorded.items():
        assert {model.label for model in comparison.models} == {"lstm", *BASELINES} == set(score["crps"])
        for label, crps in score["crps"].items():
            compared = comparison.score(label, step)
            assert compared.n == score["n"]
            assert compared.metrics["crps"] == pytest.approx(crps, rel=1e-9)
        coverage = comparison.score("lstm", step).metrics["coverage"]
        assert coverage == pytest.approx(score["coverage"])
    assert comparison.differences == []


def test_rows_are_those_that_all_tests_have(overlapping: Comparison, ids: dict[str, str]) -> None:
    (sample,) = overlapping.samples[1]
    first = read_test_rows(overlapping, label(ids["first"]))[0]
    last = read_test_rows(overlapping, label(ids["other"]))[1]
    assert sample.dates[0] == first
    assert last - np.timedelta64(4, "D") <= sample.dates[-1] < last
    assert len(sample.dates) == 99
    assert len(overlapping.samples[5][0].dates) == 95
    assert set(sample.quantiles) == {label(ids["first"]), label(ids["other"]), *BASELINES}
    order = [model.label for model in overlapping.models]
    assert order == sorted(sample.quantiles, key=lambda name: mean_ratio(overlapping, name))


def read_test_rows(comparison: Comparison, name: str) -> tuple[np.datetime64, np.datetime64]:
    run = next(model.run for model in comparison.models if model.label == name)
    assert run is not None
    test = run.manifest.split.parts["test"]
    return test.first, test.last


def mean_ratio(comparison: Comparison, name: str) -> float:
    return float(np.mean([comparison.score(name, step).crps_ratio.get("garch", 1.0) for step in comparison.samples]))


def test_differences_name_data_and_configuration(overlapping: Comparison, ids: dict[str, str]) -> None:
    texts = {difference.subject: difference.text for difference in overlapping.differences}
    assert texts["data.end"] == f"data.end: none ({label(ids['first'])}), {EARLIER} ({label(ids['other'])})"
    assert texts["seed"] == f"seed: 0 ({label(ids['first'])}), 1 ({label(ids['other'])})"
    assert "850 rows" in texts["history of gold"]
    assert "900 rows" in texts["history of gold"]
    assert "test rows" in texts
    assert not any(subject.startswith(("model.", "version")) for subject in texts)
    assert "prices since the training" not in texts


def test_equal_runs_tie(home: Path, ids: dict[str, str]) -> None:
    comparison = forecaster.compare(runs=[ids["first"], ids["again"], ids["first"]], home=home, step=1)
    first, second = (label(ids[name]) for name in ("first", "again"))
    assert {model.label for model in comparison.models} == {first, second, *BASELINES}
    assert comparison.score(first, 1).metrics == comparison.score(second, 1).metrics
    (test,) = (test for test in comparison.score(first, 1).loss_tests if test.against == second)
    assert test.p_value in (None, 1.0)
    assert comparison.score(first, 1).crps_ratio[second] == 1
    best = comparison.best(1)
    assert best is not None
    assert (first in best) == (second in best)
    seconds = {model.label: model.seconds for model in comparison.models}
    assert seconds[first] == seconds[second], "a run that took over weights has the seconds of their fit"


def test_a_history_that_was_revised_is_reported(home: Path, ids: dict[str, str]) -> None:
    revised = PRICES.copy()
    revised[700:703] *= 1.01
    path = write_prices(home, revised)
    newer = trained(home)
    comparison = forecaster.compare(runs=[ids["first"], newer.id], csv=path, home=home, step=1)
    texts = {difference.subject: difference.text for difference in comparison.differences}
    assert "3 prices revised" in texts["prices since the training"]
    assert "unchanged (lstm" in texts["prices since the training"]
    assert texts["history of gold"].count("sha256") == 2
    assert len(comparison.samples[1][0].dates) == 149


def test_runs_that_share_no_test_rows_are_refused(overlapping: Comparison, home: Path) -> None:
    first, other = (model.run for model in overlapping.models if model.run is not None)
    test = first.manifest.split.parts["validation"]
    early = altered(first, "split", parts={**first.manifest.split.parts, "test": test})
    with pytest.raises(
        forecaster.ForecasterError, match=r"share no test rows: .* \(a\), .* \(b\); expected tests that"
    ):
        compare_runs({"a": early, "b": other}, ["gold"], Selection(), [1], Environment(home))


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("data", {"frequency": "1wk"}, r"differ in frequency: 1d \(a\), 1wk \(b\); a comparison would mean nothing"),
        ("data", {"source": "elsewhere"}, r"differ in source: csv \(a\), elsewhere \(b\)"),
        ("split", {"refit": True}, "is a refit, whose weights have seen the test rows"),
    ],
)
def test_runs_of_other_outcomes_are_refused(
    overlapping: Comparison, part: str, change: dict[str, Any], message: str
) -> None:
    first, other = (model.run for model in overlapping.models if model.run is not None)
    with pytest.raises(forecaster.ForecasterError, match=message):
        require_comparable({"a": first, "b": altered(other, part, **change)})


def test_other_instruments_and_horizons_are_refused(home: Path, ids: dict[str, str]) -> None:
    shutil.copy(home / "gold.csv", home / "silver.csv")
    silver = trained(home, "silver", horizon=2)
    with pytest.raises(
        forecaster.ForecasterError, match=r"instruments: gold \(lstm .*\), silver \(lstm .*\); a compar"
    ):
        forecaster.compare(runs=[ids["first"], silver.id], home=home)
    with pytest.raises(forecaster.ForecasterError, match="was not trained on silver"):
        forecaster.compare(runs=[ids["first"], silver.id], csv=home / "silver.csv", home=home, step=1)
    shorter = trained(home, horizon=2)
    with pytest.raises(forecaster.ForecasterError, match=r"different horizons: 5 rows .*, 2 rows .*add --step 1,2"):
        forecaster.compare(runs=[ids["first"], shorter.id], home=home)
    comparison = forecaster.compare(runs=[ids["first"], shorter.id], home=home, step=(1, 2))
    assert "horizon" in {difference.subject for difference in comparison.differences}


@pytest.fixture
def registry() -> Iterator[dict[str, str]]:
    """The registry of models, whose content and order come back afterwards: messages list it in order."""
    before = dict(MODELS)
    yield MODELS
    MODELS.clear()
    MODELS.update(before)


def test_kinds_are_trained_once_and_come_from_the_registry(
    forecast: Forecast, home: Path, registry: dict[str, str]
) -> None:
    before = {path.name for path in (home / "runs").iterdir()}
    for name in set(network_names()) - {"lstm"}:
        del registry[name]
    registry["twin"] = "toy_architectures:Twin"
    settings = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    words = (
        "compare",
        home / "gold.csv",
        "--kinds",
        "all",
        *settings,
        "--horizon",
        5,
        "--backend",
        "jax",
        "--home",
        home,
    )
    result = forecast(*words, "--format", "json", "--out", home / "kinds.html")
    assert result.exit_code == 0, result.output
    assert "no run of twin has made this training: training it (2 of 2)" in result.stderr
    assert "no run of lstm" not in result.stderr
    assert len({path.name for path in (home / "runs").iterdir()} - before) == 1
    document = json.loads(result.stdout)
    assert differences("forecast compare --format json", document) == []
    assert {model["kind"] for model in document["models"]} == {"lstm", "twin", *BASELINES}
    page = (home / "kinds.html").read_text()
    assert page.count("<tr>") == 1 + 2 * 5
    assert "twin: run " in page
    again = forecast(*words, "--step", "1", "--out", home / "kinds.png")
    assert again.exit_code == 0, again.output
    assert "training it" not in again.stderr
    assert (home / "kinds.png").stat().st_size > 10_000
    assert " ".join(again.stdout.splitlines()[0].split()) == "model CRPS 1 80 % 95 % RMSE fit params"
    assert "the test rows that all runs share" in again.stdout


def test_a_configuration_may_name_the_instrument(home: Path, ids: dict[str, str]) -> None:
    settings = {**TINY, "horizon": 5, "backend": "jax", "data.csv": [str(home / "gold.csv")]}
    runs = sorted((home / "runs").iterdir())
    comparison = forecaster.compare(kinds="lstm", config=forecaster.load_config(None, settings), home=home, step=1)
    assert comparison.instruments == ("gold",)
    assert {model.run.id for model in comparison.models if model.run is not None} == {ids["again"]}
    assert sorted((home / "runs").iterdir()) == runs


def test_recorded_runs_of_an_instrument_are_compared(forecast: Forecast, home: Path, ids: dict[str, str]) -> None:
    result = forecast("compare", home / "gold.csv", "--home", home, "--format", "csv", "--step", "1")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(pd.io.common.StringIO(result.stdout))
    assert set(rows["model"]) == {"lstm", *BASELINES}, "the best run of each kind"
    assert set(rows["run_id"].dropna()) == {ids["other"]}
    assert {"crps_ratio_garch", "coverage_0.8", "rmse_ratio_random_walk", "seconds", "parameters"} <= set(rows)
    picture = home / "picture.png"
    drawn = forecast("plot", home / "gold.csv", "--kind", "compare", "--home", home, "--out", picture)
    assert drawn.exit_code == 0, drawn.output
    assert picture.exists()


def test_a_recorded_run_that_shares_no_test_rows_is_passed_over(
    home: Path, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer run of another kind, tested on the validation rows of the others."""
    newer = read_run(home / "runs" / ids["other"])
    parts = newer.manifest.split.parts
    foreign = altered(newer, "split", parts={**parts, "test": parts["validation"]})
    foreign = altered(foreign, "model", model="gru")
    runs = {run.id: run for run in (foreign, *(run for run in list_runs(home / "runs").runs if run.id != newer.id))}
    index = RunIndex(tuple(map(RunSummary.of, runs.values())), ())
    monkeypatch.setattr("forecaster.workflows.compare.indexed_runs", lambda folder: index)
    monkeypatch.setattr(RunSummary, "read", lambda summary: runs[summary.id])
    monkeypatch.setattr(
        "forecaster.workflows.compare.ranked_runs", lambda runs, *_: sorted(runs, key=lambda run: run.id)
    )
    comparison = forecaster.compare(csv=home / "gold.csv", home=home, step=1)
    assert {model.label for model in comparison.models} == {"lstm", *BASELINES}


def test_a_step_of_today_is_refused(home: Path, ids: dict[str, str]) -> None:
    with pytest.raises(forecaster.ForecasterError, match="--step 0 is not ahead; expected whole numbers from 1 on"):
        forecaster.compare(runs=ids["first"], home=home, step=[0, 1])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--kinds", "lstn"), 2, "--kinds: 'lstn' is unknown; expected all or some of "),
        (("--kinds", "simplernn"), 2, "did you mean rnn?"),
        (("--kinds", "garch"), 2, "--kinds: garch is a baseline; expected networks: "),
        (("--kinds", "gru", "--step", "30"), 2, "--step 30 lies beyond the horizon 20 of the trainings"),
        (("--kinds", "gru", "--set", "model.epochs=2"), 2, "model.epochs: unknown key"),
        (("--config", "gru"), 2, "--config is an option of trainings, and recorded runs stay as they are"),
        (("--out", "x.docx"), 2, "the ending '.docx' names no format"),
    ],
)
def test_mistakes_are_one_line(forecast: Forecast, home: Path, words: tuple[str, ...], code: int, message: str) -> None:
    before = sorted((home / "runs").iterdir())
    result = forecast("compare", home / "gold.csv", *words, "--home", home)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert result.stdout == ""
    assert sorted((home / "runs").iterdir()) == before


def test_an_id_that_no_run_has_is_met_with_the_nearest(forecast: Forecast, home: Path, ids: dict[str, str]) -> None:
    result = forecast("compare", ids["first"][:-1] + "z", "--home", home)
    assert result.exit_code == 1
    assert f"did you mean {ids['first']}" in result.stderr
    assert forecast("compare", "nonsense", "--home", home).exit_code == 1
    assert forecast("compare", ids["first"], "--kinds", "gru", "--home", home).exit_code == 2
    empty = forecast("compare", "USDJPY", "--home", home)
    assert empty.exit_code == 1
    assert "train with: forecast compare --pair USDJPY" in empty.stderr


def test_each_kind_has_its_own_model_and_the_same_data() -> None:
    trainings = KindTrainings("development", {"split.test_rows": 300}, {"horizon": 10, "seed": 4})
    configs = {kind: trainings.config_of(kind) for kind in known_kinds(["lstm", "gru", "classic"])}
    assert [config.kind for config in configs.values()] == ["lstm", "gru", "classic"]
    assert {str(config.data.end) for config in configs.values()} == {"2020-12-31"}
    assert {(config.horizon, config.seed, config.split.test_rows) for config in configs.values()} == {(10, 4, 300)}
    assert configs["classic"].universe == "none", "as its shipped configuration says"
    assert configs["classic"].model == forecaster.load_config("classic").model
    assert configs["lstm"].model == forecaster.load_config().model
    texts = KindTrainings(None, ["model.units=[8]", "seed=2"], {})
    assert texts.config_of("gru").model.units == (8,)
    assert texts.config_of("gru").seed == 2


def test_all_kinds_are_those_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "step_states", "toy_architectures:StepStatesForecaster")
    assert "step_states" in known_kinds(["all"])
    assert set(known_kinds(["all", "gru"])) == set(network_names()) - {"ensemble"}
    assert "ensemble" in known_kinds(["all", "ensemble"])
