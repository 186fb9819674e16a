"""Forecasts of others, graded: a round trip of our own gives the scores of the backtest."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from run_copies import GOLDEN

import forecaster
from forecaster.errors import ForecasterError, InstrumentError, NotEnoughDataError, UsageError
from forecaster.evaluation import DEFAULT_BASELINES
from forecaster.experiments.backtest_forecasts import BacktestForecasts
from forecaster.experiments.backtest_scores import BacktestResult
from forecaster.experiments.forecast_grades import ForecastGrades
from forecaster.experiments.runs import read_run
from forecaster.pipeline import fit
from forecaster.workflows.backtest import backtest
from forecaster.workflows.score import score

Rows = Iterable[Mapping[str, Any]]
TINY = {  # the network of the golden run
    "model.units": [4],
    "universe": "none",
    "backend": "jax",
    "data.start": "2015-01-01",
}
SPAN = {"end": "2020-12-31", "offline": True}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tested(home: Path) -> BacktestResult:
    """A backtest whose network has the weights of the golden run, so that none is trained."""
    network = read_run(GOLDEN).fitted

    def known_fit(model: Any, *arguments: Any) -> Any:
        return network if model.name == "lstm" else fit(model, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecaster.experiments.backtests.fit", known_fit)
        return backtest(pair="USDJPY,EURUSD", start="2020-08-03", step=(1, 5), set=TINY, home=home, **SPAN)


def rows_of(result: BacktestResult, model: str = "lstm") -> list[dict[str, Any]]:
    return [dict(row) for row in BacktestForecasts(result).table_rows() if row["model"] == model]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    else:
        yield path, -1.0 if value is None else value


def graded(path: Path, rows: Rows, home: Path, **keywords: Any) -> ForecastGrades:
    rows = list(rows)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return score(forecasts=path, home=home, **{"set": TINY, **SPAN, **keywords})


def test_a_round_trip_gives_the_scores_of_the_backtest(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    grades = graded(tmp_path / "bank.csv", [{**row, "model": "bank"} for row in rows_of(tested)], home)
    assert grades.forecasters == ("bank",)
    expected = {(row.instrument, row.model, row.step): row for row in tested.scores}
    assert len(grades.result.scores) == len(expected) == 3 * 2 * 7
    names = {"bank": "lstm"}
    for row in grades.result.scores:
        same = expected[row.instrument, names.get(row.model, row.model), row.step]
        assert row.n == same.n
        assert dict(leaves(row.metrics)) == pytest.approx(dict(leaves(same.metrics)), rel=1e-9, abs=1e-12)
        ratios = {names.get(name, name): ratio for name, ratio in row.crps_ratio.items()}
        assert ratios == pytest.approx(same.crps_ratio, rel=1e-9)
        tests = {names.get(test.against, test.against): test.p_value for test in row.loss_tests}
        assert tests == pytest.approx({test.against: test.p_value for test in same.loss_tests}, rel=1e-6)
    sets = [{names.get(name, name) for name in one.models or ()} for one in grades.result.standings]
    assert sets == [set(one.models or ()) for one in tested.standings]
    assert {kind: claim.outcome for kind, claim in grades.result.verdict.results.items()} == {
        kind: claim.outcome for kind, claim in tested.verdict.results.items()
    }


def test_baselines_of_a_backtest_are_read_from_its_records(
    tested: BacktestResult, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same folds from the same rows: nothing is fitted twice, and nothing has seen a later row."""
    monkeypatch.setattr("forecaster.experiments.backtests.fit", lambda *_: pytest.fail("fitted again"))
    grades = graded(tmp_path / "bank.csv", rows_of(tested), home)
    assert grades.models == ("lstm", *DEFAULT_BASELINES)
    assert [(fold.start, fold.end) for fold in grades.result.plan.folds] == [
        (fold.start, fold.end) for fold in tested.plan.folds
    ]


def test_our_network_beside_them_and_names_that_are_taken(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    grades = graded(tmp_path / "bank.csv", rows_of(tested), home, models="lstm")
    assert grades.models == ("lstm (file)", "lstm", *DEFAULT_BASELINES)
    first = grades.result.scores[0]
    assert first.model == "lstm (file)"
    assert first.crps_ratio["lstm"] == pytest.approx(1)


def test_several_forecasters_and_the_one_to_evaluate(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    one, other = ([{**row, "model": name} for row in rows_of(tested, model)] for name, model in NAMES)
    grades = graded(tmp_path / "two.csv", [*one, *other], home, pair="USDJPY")
    assert grades.forecasters == ("a", "b")
    assert grades.result.evaluated_model == "a"
    again = graded(tmp_path / "two.csv", [*one, *other], home, pair="USDJPY", forecaster="b")
    assert again.result.evaluated_model == "b"
    assert {each.reason for each in again.rejected} == {"instrument", "unknown"}
    with pytest.raises(UsageError, match="expected one of a, b"):
        graded(tmp_path / "two.csv", [*one, *other], home, forecaster="c")


NAMES = (("a", "lstm"), ("b", "ewma"))


def test_the_inverse_pair_has_the_same_scores(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    rows = [row for row in rows_of(tested) if row["instrument"] == "USDJPY"]
    straight = graded(tmp_path / "usdjpy.csv", [{**row, "model": "bank"} for row in rows], home)
    inverse = []
    for row in rows:
        levels = {name: value for name, value in row.items() if name.startswith("q")}
        mirrored = {f"q{round(1 - float(name[1:]), 3):g}": 1 / value for name, value in levels.items()}
        facts = {"model": "bank", "instrument": "jpy/usd", "last_price": 1 / row["last_price"]}
        inverse.append({**{name: row[name] for name in ("cutoff", "step")}, **facts, **mirrored})
    mirror = graded(tmp_path / "jpyusd.csv", inverse, home)
    for row, same in zip(mirror.result.scores, straight.result.scores, strict=True):
        assert row.metrics["crps"] == pytest.approx(same.metrics["crps"], rel=1e-9)


def test_outcomes_of_sparse_cutoffs_overlap_less(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    days = sorted({row["cutoff"] for row in rows_of(tested)})[::3]
    rows = [row for row in rows_of(tested) if row["cutoff"] in days and row["instrument"] == "USDJPY"]
    grades = graded(tmp_path / "weekly.csv", rows, home)
    losses = grades.result.losses[5]["USDJPY"]
    assert (losses.overlap, len(losses)) == (2, len(days) - 1)


def test_few_forecasts_are_not_scored(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    rows = rows_of(tested)
    few = [row for row in rows if row["instrument"] == "EURUSD"][:20]
    grades = graded(tmp_path / "few.csv", [*[row for row in rows if row["instrument"] == "USDJPY"], *few], home)
    counts = {(each.instrument, each.reason): each.n for each in grades.rejected}
    assert counts["EURUSD", "few"] == 20
    assert {row.instrument for row in grades.result.scores} == {"USDJPY"}
    with pytest.raises(NotEnoughDataError, match="fewer than 30 cutoffs"):
        graded(tmp_path / "few.csv", few, home)


def test_cutoffs_that_another_forecaster_lacks_are_counted(tested: BacktestResult, home: Path, tmp_path: Path) -> None:
    rows = [row for row in rows_of(tested) if row["instrument"] == "USDJPY" and row["step"] == 1]
    one = [{**row, "model": "a"} for row in rows[:70]]
    grades = graded(tmp_path / "two.csv", [*one, *({**row, "model": "b"} for row in rows[30:100])], home)
    counts = {(each.model, each.reason): (each.n, str(each.first)) for each in grades.rejected}
    assert counts == {("a", "not_common"): (30, rows[0]["cutoff"]), ("b", "not_common"): (30, rows[70]["cutoff"])}
    assert grades.rows == 80


def test_cutoffs_before_the_baselines_can_begin(home: Path, tmp_path: Path) -> None:
    """Nothing is fitted on fewer rows than a model needs; earlier rows are counted."""
    history = forecaster.load_history(pair="USDJPY", home=home, end="2001-06-29", offline=True)
    rows = [
        {"instrument": "USDJPY", "cutoff": str(date), "step": 1, "mean": price, "sigma": 0.006 * price}
        for date, price in list(zip(history.dates, history.close, strict=True))[100:500]
    ]
    grades = graded(tmp_path / "early.csv", rows, home, end="2001-06-29", set={})
    (early,) = [each for each in grades.rejected if each.reason == "no_baseline"]
    assert early.first == np.datetime64(rows[0]["cutoff"])
    assert grades.rows == len(rows) - early.n
    assert early.n >= 150


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"instrument": "no name"}, InstrumentError, "no known instrument"),
        ({"step": "0"}, UsageError, "has no step"),
        ({"step": "5000"}, UsageError, "the longest 5000"),
        ({"cutoff": "1990-01-01"}, NotEnoughDataError, "is a day of the histories"),
        ({}, NotEnoughDataError, r"fewer than 30 cutoffs \(1\)"),
    ],
)
def test_files_without_anything_to_score(
    change: dict[str, str], error: type[ForecasterError], message: str, home: Path, tmp_path: Path
) -> None:
    row = {"instrument": "USDJPY", "cutoff": "2020-05-05", "step": "1", "mean": "100", "sigma": "1"}
    with pytest.raises(error, match=message):
        graded(tmp_path / "bad.csv", [{**row, **change}], home)
