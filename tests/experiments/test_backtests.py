import dataclasses
import functools
import itertools
import json
import multiprocessing
import os
import pickle
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import oracles
import pytest

from forecaster.config import Config
from forecaster.data.series import Panel
from forecaster.environment import no_progress
from forecaster.errors import NotEnoughDataError
from forecaster.evaluation.splits import folds
from forecaster.experiments.backtest_plan import SCHEMA, BacktestPlan, FitTask, old_backtests
from forecaster.experiments.backtests import FoldRecord, fold_part, run_backtest
from forecaster.experiments.executors import InProcess, Processes, results_in_order
from forecaster.models import create
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
from forecaster.models.engine import use_engine
from forecaster.models.traits import Traits
from forecaster.pipeline import fit

WINDOWS = {"chunk": 64, "burn_in": 16, "warm_up": 60}
OPTIONS = LSTMOptions.model_validate({"units": (4,), "windows": WINDOWS, "training": {"steps": 4, "batch_size": 2}})


def plan(panel: Panel, models: tuple[str, ...] = ("lstm", "ewma", "garch"), **changed: Any) -> BacktestPlan:
    config = Config(model=OPTIONS, horizon=5)
    made = {name: LSTM(OPTIONS, 5) if name == "lstm" else create(name, 5) for name in models}
    first = panel["EURUSD"].dates
    found: dict[str, Any] = {
        "panel": panel,
        "named": panel.names,
        "config": config,
        "forecasters": made,
        "folds": folds(first, first[700], 60) if "folds" not in changed else (),
        "steps": (1, 5),
        "stride": 1,
        "engine": "jax on cpu",
    }
    return BacktestPlan(**{**found, **changed})


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel((oracles.walk(850, seed=1), oracles.walk(850, seed=2, name="EURUSD")))


@pytest.fixture(scope="module")
def done(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[FoldRecord], Path]:
    folder = tmp_path_factory.mktemp("backtest")
    return run_backtest(plan(panel), folder), folder


def same(one: list[FoldRecord], other: list[FoldRecord]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert (a.model, a.fold, a.facts) == (b.model, b.fold, b.facts)
        for name in a.rows:
            np.testing.assert_array_equal(a.rows[name], b.rows[name])
            np.testing.assert_array_equal(a.quantiles[name], b.quantiles[name])


def test_every_model_answers_for_every_cutoff(done: tuple[list[FoldRecord], Path]) -> None:
    records, _ = done
    assert [one.model for one in records] == ["lstm", "ewma", "garch"] * 3
    for model in ("lstm", "ewma", "garch"):
        rows = np.concatenate([one.rows["USDJPY"] for one in records if one.model == model])
        np.testing.assert_array_equal(rows, np.arange(700, 850))
    assert all((np.diff(one.quantiles["EURUSD"], axis=-1) > 0).all() for one in records)


def test_a_second_call_reads_what_the_first_has_done(
    panel: Panel, done: tuple[list[FoldRecord], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    records, folder = done
    monkeypatch.setattr("forecaster.experiments.backtests.fit", None)  # would fail
    same(run_backtest(plan(panel), folder), records)


def test_a_baseline_of_panels_is_fitted_once_in_each_fold(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panels: list[tuple[str, ...]] = []

    def counted(model: Any, series: Panel, *rest: Any) -> Any:
        panels.append(series.names)
        return fit(model, series, *rest)

    monkeypatch.setattr("forecaster.experiments.backtests.fit", counted)
    records = run_backtest(plan(panel, ("panel_har",)), tmp_path)
    assert panels == [("EURUSD", "USDJPY")] * 3
    for one in records:
        assert [len(one.rows[name]) for name in panel.names] == [len(one.rows["EURUSD"])] * 2
    same(run_backtest(plan(panel, ("panel_har",)), tmp_path), records)
    assert len(panels) == 3
    alone = run_backtest(plan(Panel((panel["EURUSD"],)), ("panel_har",)), tmp_path)
    assert not np.array_equal(alone[0].quantiles["EURUSD"], records[0].quantiles["EURUSD"])


@pytest.mark.parametrize("stopped_after", [1, 4, 8])
def test_a_broken_backtest_goes_on_to_identical_numbers(
    panel: Panel, done: tuple[list[FoldRecord], Path], tmp_path: Path, stopped_after: int
) -> None:
    class Killed(BaseException):
        pass

    def progress(stage: str, number: int, total: int, loss: float | None = None, detail: str = "") -> None:
        if stage == "backtest" and number == stopped_after:
            raise Killed

    with pytest.raises(Killed):
        run_backtest(plan(panel), tmp_path, progress)
    assert len(list(tmp_path.glob("fits/*.npz"))) == stopped_after
    same(run_backtest(plan(panel), tmp_path), done[0])


def test_what_comes_after_a_cutoff_changes_no_bit_before_it(
    panel: Panel, done: tuple[list[FoldRecord], Path], tmp_path: Path
) -> None:
    """Nonsense from the second fold on: the first fold is fitted, decided and forecast as before."""
    spoiled = Panel(tuple(oracles.scrambled(one, 759) for one in panel))
    again = run_backtest(plan(spoiled), tmp_path)
    for one, other in zip(done[0], again, strict=True):
        if one.fold.start < panel.series[0].dates[760]:
            for name in one.rows:
                np.testing.assert_array_equal(one.quantiles[name], other.quantiles[name])
        else:
            assert not np.array_equal(one.quantiles["USDJPY"], other.quantiles["USDJPY"])


def test_a_model_that_cannot_run_on_a_series_says_so_and_the_others_go_on(panel: Panel, tmp_path: Path) -> None:
    whole, other = panel["EURUSD"], panel["USDJPY"]
    short = Panel((whole, other.between(start=other.dates[690])))

    class Choosy:
        options = OPTIONS
        traits = Traits()

        def fit(self, request: Any) -> Any:
            (series,) = request.panel
            if len(series) < 400:
                raise NotEnoughDataError(f"{len(series)} rows; expected 400")
            return create("ewma", 5).fit(request)

    made = {"choosy": Choosy(), "ewma": create("ewma", 5)}
    records = run_backtest(plan(short, forecasters=made), tmp_path)
    for one in records:
        assert set(one.facts["skipped"]) == ({"USDJPY"} if one.model == "choosy" else set())
        assert len(one.rows["USDJPY"]) == (0 if one.model == "choosy" else len(one.rows["EURUSD"]))


def test_what_decides_the_numbers_decides_the_name(panel: Panel) -> None:
    base = plan(panel)
    assert base.id == plan(panel).id
    assert base.id.startswith("EURUSD-and-1-")
    others = [
        plan(panel, stride=2),
        plan(panel, steps=(1,)),
        plan(panel, models=("lstm", "ewma")),
        plan(panel, engine="tensorflow on gpu"),
        plan(panel, config=base.config.model_copy(update={"seed": 1})),
        plan(Panel((oracles.scrambled(panel.series[0], 840), panel.series[1]))),
        plan(panel, folds=base.folds[:2]),
    ]
    assert len({base.id, *(one.id for one in others)}) == 8


def test_the_plan_is_written_down(done: tuple[list[FoldRecord], Path], panel: Panel) -> None:
    written = json.loads((done[1] / plan(panel).id / "plan.json").read_text())
    assert sorted(path.name for path in done[1].glob("fits/*")) == sorted(itertools.chain(*written["records"].values()))
    assert written["data"] == {one.instrument.name: one.sha256 for one in panel}
    assert written["folds"][0][0] == str(panel.series[0].dates[700])


TWO = Processes(2, functools.partial(use_engine, "jax", "cpu"))


def test_fits_of_several_processes_have_the_same_bits(panel: Any, done: Any, tmp_path: Path) -> None:
    same(run_backtest(plan(panel), tmp_path, no_progress, TWO), done[0])
    assert not multiprocessing.active_children()


def test_a_killed_process_is_made_up_for_here(panel: Any) -> None:
    asked = plan(panel, models=("lstm",))
    tasks = [FitTask("lstm", number, 0) for number in range(3)]
    with TWO.open(fold_part, asked, len(tasks)) as session:
        for task in tasks:
            session.submit(task)
        for child in multiprocessing.active_children():
            os.kill(child.pid or 0, signal.SIGKILL)
        parts = dict(session.collect() for _ in tasks)
    with InProcess().open(fold_part, asked, len(tasks)) as session:
        for task, expected in zip(tasks, results_in_order(session, tasks), strict=True):
            for name, values in expected.fitted.arrays().items():
                np.testing.assert_array_equal(parts[task].fitted.arrays()[name], values)
            for name, values in expected.quantiles.items():
                np.testing.assert_array_equal(parts[task].quantiles[name], values)


def test_a_process_killed_as_it_starts_is_made_up_for_here(
    panel: Any, done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it has read what it is given, even where that is more than a pipe holds."""
    true = multiprocessing.process.BaseProcess.start

    def killed(self: Any) -> None:
        true(self)
        os.kill(self.pid, signal.SIGKILL)

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", killed)
    same(run_backtest(plan(panel), tmp_path, no_progress, TWO), done[0])
    assert not multiprocessing.active_children()


def test_no_location_where_none_is_wanted(panel: Any, tmp_path: Path) -> None:
    never = LSTM(OPTIONS.model_copy(update={"location": "never"}), 5)
    fitted = fit(LSTM(OPTIONS, 5), panel, plan(panel).folds[0].split, plan(panel).config)
    assert LSTM(OPTIONS, 5).with_location(fitted, [1, 5]).report.chosen["location_steps"] == [1, 5]
    assert never.with_location(fitted, [1, 5]).report.chosen["location_steps"] == []


def test_a_finished_backtest_is_read_where_nothing_can_be_written(
    panel: Any, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("check_writable", "write_file"):
        monkeypatch.setattr(f"forecaster.experiments.backtests.{name}", None)  # would fail
    same(run_backtest(plan(panel), done[1]), done[0])


def test_a_stop_ends_the_processes_at_once(panel: Any) -> None:
    asked = plan(panel, models=("lstm",))
    running = TWO.open(fold_part, asked, 2)
    session = running.__enter__()
    session.submit(FitTask("lstm", 0, 0))
    session.submit(FitTask("lstm", 1, 0))
    assert len(multiprocessing.active_children()) == 2
    running.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not multiprocessing.active_children()


def test_one_fit_needs_no_other_process(panel: Any) -> None:
    with Processes(4, TWO.prepare).open(fold_part, plan(panel), 1) as session:
        session.submit(FitTask("lstm", 0, 0))
        session.collect()
        assert not multiprocessing.active_children()


def test_why_there_is_no_fit_is_told_by_another_process_as_here(panel: Any, tmp_path: Path) -> None:
    short = Panel(tuple(one.between(start=one.dates[690]) for one in panel))
    asked = plan(short, models=("lstm",), folds=plan(panel).folds[:2])
    there = run_backtest(asked, tmp_path / "there", no_progress, TWO)
    assert there[0].facts["skipped"]
    assert [one.facts for one in there] == [one.facts for one in run_backtest(asked, tmp_path / "here")]


def test_every_message_of_a_fault_survives_the_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(NotEnoughDataError("one", "two")))
    assert isinstance(again, NotEnoughDataError)
    assert again.messages == ("one", "two")


def fits_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Model and first cutoff of every fit from now on."""
    fits = []

    def counted(model: Any, panel: Any, split: Any, *rest: Any) -> Any:
        fits.append((type(model).__name__, str(split.validation_start)))
        return fit(model, panel, split, *rest)

    monkeypatch.setattr("forecaster.experiments.backtests.fit", counted)
    return fits


def test_more_models_and_steps_fit_only_what_is_new(
    panel: Panel, done: tuple[list[FoldRecord], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, folder = done
    shutil.copytree(folder, tmp_path / "copy")
    fits = fits_of(monkeypatch)
    more = plan(panel, models=("lstm", "ewma_t", "ewma", "garch"), steps=(1, 2, 3, 5))
    again = run_backtest(more, tmp_path / "copy")
    starts = [str(fold.start) for fold in more.folds for _ in panel]
    assert fits == [("EWMAT", start) for start in starts]
    same([record for record in again if record.model != "ewma_t"], records)


def test_a_longer_horizon_is_another_fit(panel: Panel) -> None:
    base = plan(panel)
    longer = plan(panel, config=base.config.model_copy(update={"horizon": 6}))
    assert all(base.record_name(name, 0) != longer.record_name(name, 0) for name in base.forecasters)


def test_rows_after_a_fold_leave_its_record_valid(
    panel: Panel, done: tuple[list[FoldRecord], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tomorrow, or after a revision of recent prices, earlier folds need no fit."""
    _, folder = done
    shutil.copytree(folder, tmp_path / "copy")
    fits = fits_of(monkeypatch)
    revised = plan(Panel(tuple(oracles.scrambled(series, 825) for series in panel)))
    run_backtest(revised, tmp_path / "copy")
    assert {start for _, start in fits} == {str(revised.folds[2].start)}
    assert len(fits) == 1 + 2 * 2  # one network on the panel, two baselines on each series


def test_covariates_decide_the_record(panel: Panel) -> None:
    values = np.arange(850.0)
    series = tuple(dataclasses.replace(one, inputs={"level x": values}) for one in panel)
    other = tuple(dataclasses.replace(one, inputs={"level x": values + 1}) for one in panel)
    names = {plan(Panel(chosen)).record_name("lstm", 1) for chosen in (panel.series, series, other)}
    assert len(names) == 3


def test_backtests_of_an_earlier_version_are_named(tmp_path: Path) -> None:
    for name in ("USDJPY-0123456789ab", "fits"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2018-01-02-ewma.npz").write_bytes(b"")
    for name, schema in (("EURUSD-0123456789ab", 3), ("EURUSD-ba9876543210", SCHEMA)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text(json.dumps({"schema": schema}))
    assert [path.name for path in old_backtests(tmp_path)] == ["EURUSD-0123456789ab", "USDJPY-0123456789ab"]
