"""Results of a search: the luck of the best trial, the lockbox, and which settings matter."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.arrays import FloatArray, IntArray
from forecaster.environment import Environment, Progress
from forecaster.experiments.backtests import run_backtest
from forecaster.experiments.executors import Executor
from forecaster.experiments.search import Search, SearchPlan
from forecaster.experiments.search_losses import FoldLosses, fold_losses, joined
from forecaster.experiments.search_space import Space
from forecaster.experiments.studies import Study, Trial
from forecaster.models.search_values import Range
from forecaster.stats.best_of_many import best_of_many
from forecaster.stats.group_differences import explained_share, permutation_p_value
from forecaster.stats.mean_tests import diebold_mariano

__all__ = ["Effect", "Group", "Luck", "SearchResult", "effects", "measured_luck", "open_lockbox", "relative_loss"]

MIN_TRIALS_OF_EFFECTS = 8


@dataclasses.dataclass(frozen=True)
class Luck:
    """Tests of the best trial that count every trial of the study.

    Args:
        trials: Trials of the study, the starting configuration among them.
        days: Days of the folds.
        against_start: P-value of "no trial is better than the starting configuration"; None where it cannot be tested.
        against_baseline: P-value of "no trial is better than the baseline"; None likewise.
    """

    trials: int
    days: int
    against_start: float | None
    against_baseline: float | None


@dataclasses.dataclass(frozen=True)
class Group:
    """Trials with similar values of a setting.

    Args:
        values: The values, or ends of their range, as JSON values.
        trials: Number of trials.
        excess: Mean loss over that of the starting configuration on the same folds, minus 1.
    """

    values: tuple[Any, ...]
    trials: int
    excess: float


@dataclasses.dataclass(frozen=True)
class Effect:
    """Effect of a setting.

    Args:
        key: Dotted key.
        importance: Share of the variance of the losses that its groups explain.
        p_value: P-value of "its groups have different losses", by permutation, times the number of settings.
        groups: The groups: single choices, or thirds of a range.
    """

    key: str
    importance: float
    p_value: float
    groups: tuple[Group, ...]

    @property
    def best(self) -> Group:
        """Group with the least loss."""
        return min(self.groups, key=lambda group: group.excess)

    @property
    def worst(self) -> Group:
        """Group with the largest loss."""
        return max(self.groups, key=lambda group: group.excess)


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """A search and what it has found.

    Args:
        plan: Everything that decides the trials.
        study: The study, with all trials.
        winner: Complete trial with the least loss; None where every trial failed.
        luck: Tests of the winner.
        effects: Settings, the most important one first; empty with few trials.
        lockbox: Record of the opened lockbox; None while it is closed.
        opened_now: True if this command opened it.
        next_command: Command that trains the winner.
    """

    plan: SearchPlan
    study: Study
    winner: Trial | None
    luck: Luck
    effects: Sequence[Effect]
    lockbox: Mapping[str, Any] | None
    opened_now: bool
    next_command: str

    @property
    def start(self) -> Trial:
        """The trial of the starting configuration."""
        return self.study.trials[0]

    @property
    def trials(self) -> list[Trial]:
        """All trials, in order."""
        return [self.study.trials[number] for number in sorted(self.study.trials)]


def measured_luck(search: Search) -> Luck:
    """Tests of the best trial; every trial counts, also those that were stopped or failed."""
    study, plan = search.study, search.plan
    trials = study.before(len(study.trials))
    scored = [trial for trial in trials if trial.losses]
    start = study.trials[0]
    if not scored or start.state != "complete":
        return Luck(len(trials), 0, None, None)
    reference = search.losses(start)
    days = sum(len(fold.model) for fold in reference)
    overlap = max(plan.base.steps)
    seed = plan.base.config.seed
    others = [trial for trial in scored if trial.number != start.number]
    untested = len(trials) - len(scored)

    def p_value(benchmark: FloatArray, rivals: Sequence[Trial]) -> float | None:
        if not rivals:
            return None
        gains = [_gain(benchmark, search.losses(trial)) for trial in rivals]
        return best_of_many(np.stack(gains, axis=1), untested, overlap, seed)

    baseline = np.concatenate([fold.baseline for fold in reference])
    return Luck(len(trials), days, p_value(joined(reference), others), p_value(baseline, scored))


def _gain(benchmark: FloatArray, losses: Sequence[FoldLosses]) -> FloatArray:
    """(N,) loss of the benchmark minus that of a trial; NaN after its last fold."""
    gain = np.full(len(benchmark), np.nan)
    own = joined(losses)
    gain[: len(own)] = benchmark[: len(own)] - own
    return gain


def open_lockbox(
    search: Search, winner: Trial, folder: Path, executor: Executor, environment: Environment
) -> dict[str, Any]:
    """Score the winner and the starting configuration on the rows that no trial has seen, once for each study.

    That the lockbox is opened, and for which trial, is recorded before anything is computed: an interruption lets
    nobody choose another winner.

    Args:
        search: The search, all trials finished.
        winner: The trial to score.
        folder: Folder of all backtests.
        executor: Computes the fits.
        environment: Clock and progress.

    Returns:
        The record: ``winner``, ``opened``, ``trials``, ``days``, ``losses`` and p-values.
    """
    study, plan = search.study, search.plan
    record = study.lockbox
    if record is None:
        record = {
            "winner": winner.number,
            "opened": environment.clock().isoformat(timespec="seconds"),
            "trials": len(study.trials),
        }
        study.record_lockbox(record)
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


def effects(space: Space, trials: Sequence[Trial], start: Trial, seed: int) -> list[Effect]:
    """Settings in the order of their importance.

    The loss of a trial counts relative to that of the starting configuration on the same folds, so that a trial that
    was stopped early is comparable with the others.

    Args:
        space: The space.
        trials: All trials.
        start: Trial of the starting configuration.
        seed: Seed of the permutations.
    """
    scored = [trial for trial in trials if trial.losses and trial.settings]
    if len(scored) < MIN_TRIALS_OF_EFFECTS or not start.losses:
        return []
    excess = np.array([relative_loss(trial, start) for trial in scored])
    measured = []
    for key, values in space.items():
        given = [trial.settings[key] for trial in scored]
        numbers, labels = _groups(given, is_range=isinstance(values, Range))
        groups = tuple(
            Group(label, int((numbers == number).sum()), float(excess[numbers == number].mean()))
            for number, label in enumerate(labels)
        )
        p_value = permutation_p_value(excess, numbers, np.random.default_rng(seed)) if len(groups) > 1 else 1.0
        importance = explained_share(excess, numbers)
        measured.append(Effect(key, importance, min(p_value * len(space), 1.0), groups))
    return sorted(measured, key=lambda effect: -effect.importance)


def relative_loss(trial: Trial, start: Trial) -> float:
    """Loss of a trial over that of the starting configuration on the same folds, minus 1."""
    return trial.loss / float(np.mean(start.losses[: len(trial.losses)])) - 1


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
