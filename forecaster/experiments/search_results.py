"""Results of a search: the luck of the best trial, the lockbox, and which settings matter."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.environment import Environment, Progress
from forecaster.experiments.backtests import run_backtest
from forecaster.experiments.executors import Executor
from forecaster.experiments.lockboxes import earlier_openings, opening_of, record_opening, times
from forecaster.experiments.search import Search, SearchPlan
from forecaster.experiments.search_findings import Effect, Group, Luck, relative_loss
from forecaster.experiments.search_losses import FoldLosses, fold_losses, testing_losses
from forecaster.experiments.studies import Trial
from forecaster.models.search_values import Range
from forecaster.stats.best_of_many import best_of_many
from forecaster.stats.group_differences import explained_share, permutation_p_value
from forecaster.stats.mean_tests import diebold_mariano

__all__ = ["effects", "measured_luck", "open_lockbox"]

MIN_TRIALS_OF_EFFECTS = 8


def measured_luck(search: Search) -> Luck:
    """Tests of the best trial on the days that have steered no trial; every complete trial counts.

    Which trials are complete does not depend on these days. So those that were stopped count for nothing.
    """
    study, plan = search.study, search.plan
    start = study.trials[0]
    winner = study.best()
    if winner is None or start.state != "complete":
        return Luck(len(study.trials), 0, None, None)
    complete = study.complete()
    losses = np.stack([testing_losses(search.losses(trial)) for trial in complete], axis=1)
    baseline = np.concatenate([fold.baseline[fold.testing] for fold in search.losses(start)])
    overlap = max(plan.base.steps)
    best = complete.index(winner)
    against_start, against_baseline = (
        best_of_many(benchmark[:, None] - losses, best, overlap, plan.base.config.seed)
        for benchmark in (losses[:, complete.index(start)], baseline)
    )
    return Luck(len(study.trials), len(losses), against_start, against_baseline)


def open_lockbox(
    search: Search, winner: Trial, folder: Path, executor: Executor, environment: Environment
) -> dict[str, Any]:
    """Score the winner and the starting configuration on the rows that no trial has seen, once for each study.

    That the lockbox is opened, and for which trial, is recorded before anything is computed: an interruption lets
    nobody choose another winner. Rows that another study has opened are reported.

    Args:
        search: The search, all trials finished.
        winner: The trial to score.
        folder: Folder of all backtests.
        executor: Computes the fits.
        environment: Home folder, clock, progress and messages.

    Returns:
        The record: ``winner``, ``opened``, ``trials``, ``earlier_openings``, ``days``, ``losses`` and p-values.
    """
    study, plan = search.study, search.plan
    record = study.lockbox
    if record is None:
        opened = environment.clock().isoformat(timespec="seconds")
        earlier = earlier_openings(environment.home, opening_of(study, opened))
        if earlier:
            environment.note(
                f"warning: rows of this lockbox have been opened {times(earlier)} before; they are no longer unseen, "
                "and its p-values do not account for that"
            )
        record = {
            "winner": winner.number,
            "opened": opened,
            "trials": len(study.trials),
            "earlier_openings": earlier,
        }
        study.record_lockbox(record)
    record_opening(environment.home, opening_of(study, record["opened"]))
    if "losses" in record:
        return record
    winner = study.trials[record["winner"]]
    best = _lockbox_losses(plan, winner, folder, executor, environment.progress)
    start = _lockbox_losses(plan, study.trials[0], folder, executor, environment.progress)
    overlap = max(plan.base.steps)
    steps = [
        {"step": step, "winner": best.by_step[place], "start": start.by_step[place]}
        for place, step in enumerate(plan.base.steps)
    ]
    record |= {
        "days": len(best.model),
        "losses": {"winner": best.mean, "start": start.mean},
        "steps": steps,
        "p_against_start": diebold_mariano(best.model - start.model, overlap).p_below,
        "p_against_baseline": diebold_mariano(best.model - best.baseline, overlap).p_below,
    }
    study.record_lockbox(record)
    return record


def _lockbox_losses(plan: SearchPlan, trial: Trial, folder: Path, executor: Executor, progress: Progress) -> FoldLosses:
    whole = plan.lockbox_plan(trial.settings)
    names = (plan.kind, plan.baseline)
    whole = dataclasses.replace(whole, forecasters={name: whole.forecasters[name] for name in names})
    records = run_backtest(whole, folder, progress, executor)
    ordered = sorted(records, key=lambda record: (names.index(record.model), record.fold.start))
    return fold_losses(whole, ordered, [plan.lockbox], plan.baseline)[0]


def effects(search: Search) -> list[Effect]:
    """Settings in the order of their importance.

    The loss of a trial counts relative to that of the starting configuration on the same folds, so that a trial that
    was stopped early is comparable with the others. An effect is clear if neither the differences between trials of a
    group (a permutation test) nor the luck of the days (`_luck_of_groups`) explain it.

    Args:
        search: The search, all trials finished.
    """
    start = search.study.trials[0]
    scored = [trial for trial in search.study.before(len(search.study.trials)) if trial.losses and trial.settings]
    if len(scored) < MIN_TRIALS_OF_EFFECTS or not start.losses:
        return []
    excess = np.array([relative_loss(trial, start) for trial in scored])
    losses = [testing_losses(search.losses(trial)) for trial in scored]
    seed = search.plan.base.config.seed
    space = search.plan.space
    measured = []
    for key, values in space.items():
        given = [trial.settings[key] for trial in scored]
        numbers, labels = _groups(given, is_range=isinstance(values, Range))
        groups = tuple(
            Group(label, int((numbers == number).sum()), float(excess[numbers == number].mean()))
            for number, label in enumerate(labels)
        )
        p_value = 1.0
        if len(groups) > 1:
            by_trials = permutation_p_value(excess, numbers, np.random.default_rng(seed))
            p_value = max(by_trials, _luck_of_groups(losses, numbers, max(search.plan.base.steps), seed))
        measured.append(Effect(key, explained_share(excess, numbers), min(p_value * len(space), 1.0), groups))
    return sorted(measured, key=lambda effect: -effect.importance)


def _luck_of_groups(losses: Sequence[FloatArray], numbers: IntArray, overlap: int, seed: int) -> float:
    """P-value of "no group of trials is better or worse than the others but by the luck of the days".

    Args:
        losses: Losses of each trial on the days that have steered no trial; fewer for one that was stopped.
        numbers: (N,) number of the group of each trial.
        overlap: Number of neighbouring days whose outcomes share days.
        seed: Seed of the test.
    """
    lengths = np.array([len(each) for each in losses])
    names = range(int(numbers.max()) + 1)
    days = min(int(lengths[numbers == name].max()) for name in names)
    table = np.full((days, len(losses)), np.nan)
    for column, each in enumerate(losses):
        table[: len(each), column] = each[:days]
    lead = [
        np.nanmean(table[:, numbers != name], axis=1) - np.nanmean(table[:, numbers == name], axis=1) for name in names
    ]
    p_value = best_of_many(np.stack([*lead, *np.negative(lead)], axis=1), None, overlap, seed)
    return 1.0 if p_value is None else p_value


def _groups(given: Sequence[Any], *, is_range: bool) -> tuple[IntArray, list[tuple[Any, ...]]]:
    """Number of the group of each value, and the values of each group: its ends in a range, else the only one."""
    if not is_range:
        texts = [json.dumps(value) for value in given]
        labels = list(dict.fromkeys(texts))
        return np.array([labels.index(text) for text in texts]), [(json.loads(text),) for text in labels]
    values = np.array(given, dtype=float)
    ends = np.quantile(values, [1 / 3, 2 / 3])
    numbers = np.searchsorted(np.unique(ends), values, side="left")
    used = np.unique(numbers)
    numbers = np.searchsorted(used, numbers)
    return numbers, [
        (float(values[numbers == number].min()), float(values[numbers == number].max())) for number in range(len(used))
    ]
