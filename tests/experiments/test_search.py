"""Trials, folds and proposals of a search, with a toy in the place of networks."""

import contextlib
import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_searches import BEST_DROPOUT, NOW, ToyFits, opened, searched, toy_plan, trial_files

from forecaster.data.series import Panel, PriceSeries
from forecaster.environment import Environment, no_progress
from forecaster.errors import DamageError, ForecasterError, StorageError
from forecaster.experiments.executors import InProcess
from forecaster.experiments.lockboxes import openings
from forecaster.experiments.search import Search
from forecaster.experiments.search_findings import Findings
from forecaster.experiments.search_losses import FoldLosses, steering_losses
from forecaster.experiments.search_losses import testing_losses as losses_of_test
from forecaster.experiments.search_proposals import propose
from forecaster.experiments.search_results import effects, measured_luck, open_lockbox
from forecaster.experiments.stored_files import sealed_json
from forecaster.experiments.studies import Study, Trial, study_id, study_lock
from forecaster.files import write_file
from forecaster.models.search_values import Choices, Range

TRIALS = 10


class Killed(BaseException):
    pass


def test_the_best_trial_is_better_than_the_start_and_the_space_is_kept(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, TRIALS)
    best = search.study.best()
    assert best is not None
    assert best.loss < search.study.trials[0].loss
    assert abs(best.settings["model.dropout"] - BEST_DROPOUT) < 0.1
    assert search.study.trials[0].settings == {}
    for trial in search.study.before(TRIALS)[1:]:
        assert 0 <= trial.settings["model.dropout"] <= 0.6
        assert trial.settings["model.epochs"] in (1, 2)


def test_worse_trials_are_stopped_and_their_later_folds_never_fitted(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, TRIALS)
    trials = search.study.before(TRIALS)
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.number >= search.plan.batch for trial in pruned)  # the first batch has nothing to compare with
    assert len(toy_fits.cells) == sum(len(trial.losses) for trial in trials) < 3 * TRIALS
    for trial in pruned:
        leader = search.study.leader(before=trial.number - trial.number % search.plan.batch)
        assert leader is not None
        assert sum(trial.steering) > sum(leader.steering[: len(trial.steering)])


@pytest.mark.parametrize("kills", [(1, 2, 5), (0, 9)])
def test_a_killed_search_goes_on_to_the_same_trials_without_a_second_fit(
    toy_fits: ToyFits, tmp_path: Path, kills: tuple[int, ...]
) -> None:
    whole = searched(toy_plan(), tmp_path / "whole", TRIALS)
    fitted = list(toy_fits.cells)
    toy_fits.cells.clear()
    for stop in kills:

        def progress(stage: str, done: int, total: int, loss: Any = None, detail: str = "", stop: int = stop) -> None:
            if stage == "search" and done == stop:
                raise Killed

        with pytest.raises(Killed):
            opened(toy_plan(), tmp_path / "killed", progress).run(TRIALS, InProcess())
    resumed = searched(toy_plan(), tmp_path / "killed", TRIALS)
    assert trial_files(resumed) == trial_files(whole)
    assert sorted(toy_fits.cells) == sorted(fitted)


@pytest.mark.parametrize("stop", [27, 40])
def test_a_search_that_is_killed_at_a_write_ends_with_the_same_files(
    toy_fits: ToyFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """The last of these writes are those of the lockbox, of its opening, and of the findings."""
    written: list[Path] = []

    def write(path: Path, content: bytes) -> None:
        if len(written) == stop:
            raise Killed
        written.append(path)
        write_file(path, content)

    def finished(home: Path) -> dict[str, bytes]:
        search = searched(toy_plan(), home, 6)
        lockbox_of(search, home)
        findings = Findings(measured_luck(search), tuple(effects(search)), "")
        search.study.write_document("findings.json", findings.to_json())
        return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*.*")}

    whole = finished(tmp_path / "whole")
    with monkeypatch.context() as patch:
        for module in ("backtests", "studies", "search", "lockboxes"):
            patch.setattr(f"forecaster.experiments.{module}.write_file", write)
        with pytest.raises(Killed):
            finished(tmp_path / "killed")
    toy_fits.cells.clear()
    assert finished(tmp_path / "killed") == whole
    assert len(toy_fits.cells) <= sum(name.endswith(".npz") and "classic" in name for name in whole)


def test_more_trials_continue_a_study_as_if_it_had_never_stopped(toy_fits: ToyFits, tmp_path: Path) -> None:
    whole = searched(toy_plan(), tmp_path / "whole", TRIALS)
    for trials in (1, 6, 7, TRIALS):
        search = searched(toy_plan(), tmp_path / "parts", trials)
        assert len(search.study.trials) == trials
    assert trial_files(search) == trial_files(whole)


class _Backwards:
    """An executor of three slots that gives the task submitted last first."""

    @contextlib.contextmanager
    def open(self, work: Any, shared: Any, tasks: int) -> Iterator[Any]:
        waiting: list[Any] = []

        class Session:
            slots = 3
            submit = staticmethod(waiting.append)

            @staticmethod
            def collect() -> Any:
                task = waiting.pop()
                return task, work(shared, task, no_progress)

        yield Session()


def test_the_order_in_which_cells_end_changes_nothing(toy_fits: ToyFits, tmp_path: Path) -> None:
    single = searched(toy_plan(), tmp_path / "one", TRIALS)
    other = searched(toy_plan(), tmp_path / "other", TRIALS, _Backwards())
    assert trial_files(single) == trial_files(other)


def test_a_failed_trial_is_recorded_and_counted(toy_fits: ToyFits, tmp_path: Path) -> None:
    space = {"model.dropout": Range(0.0, 0.6), "model.epochs": Choices((1, 13))}
    search = searched(toy_plan(space), tmp_path, 8)
    failed = [trial for trial in search.study.before(8) if trial.state == "failed"]
    assert failed
    assert all(trial.reason.startswith("epochs: the toy cannot be fitted; expected") for trial in failed)
    assert measured_luck(search).trials == 8
    cells = len(toy_fits.cells)
    searched(toy_plan(space), tmp_path, 8)
    assert len(toy_fits.cells) == cells


def test_a_full_disk_loses_nothing(toy_fits: ToyFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from forecaster.experiments import search as module

    whole = searched(toy_plan(), tmp_path / "whole", 6)
    written = []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 5:
            raise StorageError(f"{path} cannot be written: No space left on device")
        real(path, content)

    real = module.write_file
    monkeypatch.setattr(module, "write_file", full)
    with pytest.raises(StorageError):
        searched(toy_plan(), tmp_path / "full", 6)
    toy_fits.cells.clear()
    assert trial_files(searched(toy_plan(), tmp_path / "full", 6)) == trial_files(whole)
    assert len(toy_fits.cells) == sum(len(trial.losses) for trial in whole.study.before(6)) - 4


def test_two_searches_on_one_study(tmp_path: Path) -> None:
    with (
        study_lock(tmp_path / "study"),
        pytest.raises(ForecasterError, match="another search works on the study study"),
        study_lock(tmp_path / "study"),
    ):
        pass
    with study_lock(tmp_path / "study"):
        pass


def test_a_damaged_trial_is_refused(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, 3)
    path = search.study.folder / "trials" / "000001.json"
    whole = path.read_bytes()
    trial = json.loads(whole)
    place = f"{search.study.id}/trials/{path.name}"
    for content in (
        *(whole[:-20], b"[]", path.with_name("000002.json").read_bytes()),
        whole.replace(b'"number": 1', b'"number": 2'),
        re.sub(rb"0\.(\d)", rb"0.9\1", whole),  # another loss
        *(
            sealed_json({**trial, **change}, place)
            for change in (
                {"state": "x"},
                {"losses": []},
                *({"settings": {**trial["settings"], key: 7}} for key in ("model.dropout", "model.epochs", "seed")),
            )
        ),
        sealed_json(trial, f"another-study/trials/{path.name}"),
    ):
        path.write_bytes(content)
        with pytest.raises(DamageError, match="000001"):
            opened(toy_plan(), tmp_path)
    path.unlink()  # as the message says
    assert trial_files(searched(toy_plan(), tmp_path, 3))[path.name] == whole


@pytest.mark.parametrize(
    "change",
    [
        {"space": {"model.dropout": 1}},
        {"space": None},
        {"lockbox": {"x": 1}},
        {"folds": [["2001-01-02", 5]]},
        {"named": ["a", None]},
        {"steps": ["1"]},
        {"config": {"model": []}},
    ],
)
def test_a_forged_study_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    study = opened(toy_plan(), tmp_path).study
    facts = {**study.facts, **change}
    folder = study.folder.with_name(study_id({**facts, "config": study.facts["config"]}))
    folder.mkdir(exist_ok=True)
    (folder / "study.json").write_bytes(sealed_json(facts, f"{folder.name}/study.json"))
    with pytest.raises(DamageError, match=r"study\.json is damaged"):
        Study.read(folder)


def altered(series: PriceSeries, start: Any) -> PriceSeries:
    """The series with other prices from a day on."""
    later = series.dates >= start
    factor = np.exp(np.where(later, np.random.default_rng(0).normal(size=len(series)) * 0.1, 0.0))
    return dataclasses.replace(series, columns={name: values * factor for name, values in series.columns.items()})


def test_no_trial_reads_the_lockbox(toy_fits: ToyFits, tmp_path: Path) -> None:
    plan = toy_plan()
    other = toy_plan(panel=Panel((altered(plan.panel.series[0], plan.lockbox.start),)))
    assert other.id != plan.id
    single = searched(plan, tmp_path / "one", 6)
    two = searched(other, tmp_path / "two", 6)
    assert single.study.trials == two.study.trials
    assert all(cell[2] < str(plan.lockbox.start) for cell in toy_fits.cells)


def test_days_that_test_the_best_trial_decide_about_no_trial(toy_fits: ToyFits, tmp_path: Path) -> None:
    """Other prices from the middle of the last fold on: the same settings, the same stops, other losses."""
    plan = toy_plan()
    series = plan.panel.series[0]
    rows = np.flatnonzero((series.dates >= plan.folds[-1].start) & (series.dates < plan.folds[-1].end))
    middle = series.dates[rows[len(rows) // 2 + 2]]
    other = toy_plan(panel=Panel((altered(series, middle),)))
    trials = searched(plan, tmp_path / "one", TRIALS).study.before(TRIALS)
    others = searched(other, tmp_path / "two", TRIALS).study.before(TRIALS)
    assert [(each.settings, each.state) for each in trials] == [(each.settings, each.state) for each in others]
    assert [each.steering for each in trials] == [each.steering for each in others]
    assert trials[0].losses[:2] == others[0].losses[:2]
    assert trials[0].losses[2] != others[0].losses[2]


def test_the_days_of_a_fold_are_halves_whose_outcomes_do_not_overlap() -> None:
    fold = FoldLosses(np.arange(10.0), np.ones(10), np.arange(5.0), (1.0,), overlap=3)
    assert steering_losses([fold, fold]).tolist() == [0, 1, 2, 3, 4] * 2
    assert losses_of_test([fold, fold]).tolist() == [7, 8, 9] * 2
    assert fold.steering_mean == 2


def lockbox_of(search: Search, home: Path, note: Any = lambda text: None, now: Any = NOW) -> dict[str, Any]:
    best = search.study.best()
    assert best is not None
    environment = Environment(home=home, clock=lambda: now, note=note)
    return open_lockbox(search, best, home / "backtests", InProcess(), environment)


def test_the_lockbox_is_opened_once(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, 1)
    record = lockbox_of(search, tmp_path)
    first = search.study.best()
    assert first is not None
    assert record["winner"] == first.number
    assert (record["trials"], record["days"]) == (1, 119)  # the outcome of the last row is not known
    assert record["losses"]["winner"] == record["losses"]["start"]
    later = searched(toy_plan(), tmp_path, TRIALS)
    assert later.study.best() != first
    cells = len(toy_fits.cells)
    assert lockbox_of(later, tmp_path) == record
    assert len(toy_fits.cells) == cells


def test_openings_of_the_same_rows_are_counted_for_ever(toy_fits: ToyFits, tmp_path: Path) -> None:
    notes: list[str] = []
    for number, space in enumerate([(1, 2), (1, 3), (1, 4)]):
        search = searched(toy_plan({"model.epochs": Choices(space)}), tmp_path, 1)
        record = lockbox_of(search, tmp_path, notes.append)
        assert record["earlier_openings"] == number
        assert lockbox_of(search, tmp_path, notes.append) == record  # the same study is not another opening
        shutil.rmtree(search.study.folder)
    assert [note.partition(";")[0] for note in notes] == [
        "warning: rows of this lockbox have been opened once before",
        "warning: rows of this lockbox have been opened 2 times before",
    ]
    again = searched(toy_plan({"model.epochs": Choices((1, 2))}), tmp_path, 1)  # the study was deleted: it counts, too
    assert lockbox_of(again, tmp_path, now=NOW.replace(hour=5))["earlier_openings"] == 3
    (first, *_) = openings(tmp_path)
    assert not first.overlaps(dataclasses.replace(first, start=first.end, end="2099-01-01"))
    assert not first.overlaps(dataclasses.replace(first, instruments=("EURUSD",)))
    path = tmp_path / "searches" / "lockboxes" / first.name
    path.write_bytes(path.read_bytes().replace(b'"start"', b'"begin"'))
    with pytest.raises(DamageError, match="expected the record of an opened lockbox"):
        openings(tmp_path)


def test_an_interrupted_opening_keeps_its_winner(
    toy_fits: ToyFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = searched(toy_plan(), tmp_path, 1)
    best = search.study.best()
    with monkeypatch.context() as patch:
        patch.setattr("forecaster.experiments.search_results.run_backtest", None)
        with pytest.raises(TypeError):
            lockbox_of(search, tmp_path)
    later = searched(toy_plan(), tmp_path, TRIALS)
    assert best is not None
    assert lockbox_of(later, tmp_path)["winner"] == best.number


def test_luck_of_equal_trials_is_no_skill(toy_fits: ToyFits, tmp_path: Path) -> None:
    """The toy reads the dropout alone; with others the trials differ by nothing, or by noise."""
    search = searched(toy_plan({"model.epochs": Choices((1, 2, 3))}), tmp_path, 6)
    luck = measured_luck(search)
    assert luck.against_start is None  # all trials are the start
    assert luck.days == 150  # the second half of each fold
    skilled = searched(toy_plan(), tmp_path, TRIALS)
    assert measured_luck(skilled).against_start is not None


def test_effects_find_the_setting_that_matters(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, 24)
    first, second = effects(search)
    assert (first.key, second.key) == ("model.dropout", "model.epochs")
    assert first.p_value < 0.05 < second.p_value
    assert first.importance > 0.3 > second.importance
    low, high = first.best.values
    assert low - 0.1 < BEST_DROPOUT < high + 0.1
    assert effects(searched(toy_plan(), tmp_path, 5)) != []  # of all trials of the study, not of those asked for


@pytest.mark.parametrize(("gain", "is_clear"), [(0.0, False), (0.3, True)])
def test_the_luck_of_days_is_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gain: float, is_clear: bool
) -> None:
    """All trials of a group share the luck of its days, so that any permutation of the trials looks worse."""
    search = opened(toy_plan({"model.epochs": Choices((1, 2))}), tmp_path)
    rng = np.random.default_rng(5)
    days = 1 + rng.normal(size=(3, 400))
    days[1] += days[0].mean() - days[1].mean() + 0.05  # this much is luck
    days[2] -= gain

    def losses(number: int) -> list[FoldLosses]:
        own = days[0 if number == 0 else 1 + number % 2] + 0.001 * number
        return [FoldLosses(own, np.ones(400), own[:200], (1.0,))]

    for number in range(13):
        (fold,) = losses(number)
        settings = {"model.epochs": 1 + number % 2} if number else {}
        search.study.put(Trial(number, settings, "complete", (fold.mean,), (fold.steering_mean,)))
    monkeypatch.setattr(search, "losses", lambda trial: losses(trial.number))
    (effect,) = effects(search)
    assert effect.importance > 0.5
    assert (effect.p_value < 0.05) == is_clear


def test_proposals_differ_from_those_under_way_and_depend_on_all_trials() -> None:
    space = {"model.dropout": Range(0.0, 0.6), "model.units": Choices(((8,), (16,)))}
    rng = np.random.default_rng(1)
    trials = [
        Trial(
            n,
            {"model.dropout": float(rng.uniform(0, 0.6)), "model.units": [8]},
            "complete",
            (1 + n / 100,),
            (1 + n / 100,),
        )
        for n in range(1, 13)
    ]
    proposed = propose(space, trials, 13, seed=0)
    assert proposed == propose(space, trials, 13, seed=0)
    assert proposed["model.units"] in ([8], [16])
    assert proposed != propose(space, trials, 13, seed=1)
    assert proposed != propose(space, trials, 14, seed=0)
    json.dumps(proposed)


def test_the_clock_may_go_backwards(toy_fits: ToyFits, tmp_path: Path) -> None:
    plan = toy_plan()
    search = searched(plan, tmp_path, 5)
    earlier = Study.open(search.study.folder, plan.facts(), NOW.replace(year=1999))
    assert earlier.facts["created"].startswith("2026")
    assert earlier.trials == search.study.trials


def test_a_removed_record_is_made_again(toy_fits: ToyFits, tmp_path: Path) -> None:
    search = searched(toy_plan(), tmp_path, 4)
    expected = measured_luck(search)
    for path in (tmp_path / "backtests" / "fits").glob("*classic*"):
        path.unlink()
    assert measured_luck(opened(toy_plan(), tmp_path)) == expected
