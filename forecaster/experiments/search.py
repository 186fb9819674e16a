"""Search for a better configuration: trials on time-ordered folds, the clearly worse ones stopped early.

A cell is a trial in one fold, and its record is the fold record of a backtest: one that exists is read. Trials are
proposed in batches of a fixed size. Proposals and stops depend on earlier batches alone, so that neither the number of
processes nor an interruption changes them. They see the first half of each fold; the second half tests the best trial.
"""

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import forecaster
from forecaster.config import WITHOUT_EFFECT, Config, load_config
from forecaster.data.series import Panel
from forecaster.environment import Progress
from forecaster.errors import DamageError, ForecasterError, StorageError
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.backtests import FoldPart, fit_tasks, fold_part, fold_record, run_backtest
from forecaster.experiments.executors import Executor, Session
from forecaster.experiments.fold_records import FoldRecord, read_fold, record_bytes
from forecaster.experiments.search_losses import FoldLosses, fold_losses, steering_losses
from forecaster.experiments.search_proposals import propose
from forecaster.experiments.search_space import Settings, Space, space_document
from forecaster.experiments.studies import SCHEMA, Study, Trial, study_id
from forecaster.files import json_text, write_file
from forecaster.pipeline import forecaster_of
from forecaster.stats.mean_tests import diebold_mariano

__all__ = ["BATCH", "PRUNING_LEVEL", "CellTask", "Search", "SearchPlan", "cell_parts"]

BATCH = 4
"""Trials that are proposed together."""

PRUNING_LEVEL = 0.05
"""One-sided p-value of "worse than the best trial on the folds so far" below which a trial is stopped."""


@dataclasses.dataclass(frozen=True)
class SearchPlan:
    """Everything that decides the trials of a search.

    Args:
        base: Backtest of the starting configuration and of the baseline; its panel ends before the lockbox.
        panel: The same series with the rows of the lockbox.
        space: Keys and values that are searched.
        baseline: Registry key of the model in whose CRPS losses are measured.
        lockbox: Rows that no trial sees.
        batch: Trials that are proposed together.
    """

    base: BacktestPlan
    panel: Panel
    space: Space
    baseline: str
    lockbox: Fold
    batch: int = BATCH

    @property
    def kind(self) -> str:
        """Kind of network that is searched."""
        return self.base.config.kind

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Folds of the trials, in order of time."""
        return self.base.folds

    def facts(self) -> dict[str, Any]:
        """The plan in JSON values."""
        return {
            "schema": SCHEMA,
            "version": forecaster.__version__,
            "named": list(self.base.named),
            "data": {series.instrument.name: series.sha256 for series in self.panel},
            "config": _configuration(self.base.config),
            "space": space_document(self.space),
            "baseline": self.baseline,
            "steps": list(self.base.steps),
            "folds": [[str(fold.start), str(fold.end)] for fold in self.folds],
            "lockbox": [str(self.lockbox.start), str(self.lockbox.end)],
            "batch": self.batch,
            "engine": self.base.engine,
        }

    @property
    def id(self) -> str:
        """Name of the study."""
        return study_id(self.facts())

    def trial_plan(self, settings: Settings) -> BacktestPlan:
        """Backtest of a trial and of the baseline.

        Raises:
            ConfigError: The settings do not suit each other.
        """
        return _with_settings(self.base, settings)

    def lockbox_plan(self, settings: Settings) -> BacktestPlan:
        """The same with the lockbox as its last fold."""
        return dataclasses.replace(self.trial_plan(settings), panel=self.panel, folds=(*self.folds, self.lockbox))


def _configuration(config: Config) -> dict[str, Any]:
    """The configuration in JSON values, without what the folds and the engine say."""
    document = config.model_dump(mode="json", exclude={"backend", "device", "refit", "split", *WITHOUT_EFFECT})
    document["data"] = {**document["data"], "end": None}
    return document


def _with_settings(base: BacktestPlan, settings: Settings) -> BacktestPlan:
    config: Config = load_config(base.config, settings)
    return dataclasses.replace(
        base, config=config, forecasters={**base.forecasters, config.kind: forecaster_of(config)}
    )


@dataclasses.dataclass(frozen=True)
class CellTask:
    """One trial in one fold.

    Args:
        trial: Number of the trial.
        fold: Number of the fold.
        settings: Settings of the trial, as JSON text.
    """

    trial: int
    fold: int
    settings: str


def cell_parts(base: BacktestPlan, task: CellTask, progress: Progress) -> list[FoldPart] | ForecasterError:
    """Fits and forecasts of a cell, or the reason why the trial cannot be fitted."""
    try:
        plan = _with_settings(base, json.loads(task.settings))
        return [fold_part(plan, part, progress) for part in fit_tasks(plan, plan.config.kind, task.fold)]
    except StorageError:
        raise
    except ForecasterError as error:
        return error


@dataclasses.dataclass
class _TrialUnderWay:
    """A trial whose folds are computed one after the other."""

    trial: Trial
    plan: BacktestPlan
    records: list[FoldRecord]


class Search:
    """Computes the trials of a study.

    Args:
        plan: Plan of the search.
        study: Its study, locked by this process.
        folder: Folder of all backtests.
        progress: Receives the number of finished trials, with the best loss so far.
    """

    def __init__(self, plan: SearchPlan, study: Study, folder: Path, progress: Progress) -> None:
        self.plan = plan
        self.study = study
        self._folder = folder
        self._progress = progress
        self._losses: dict[int, list[FoldLosses]] = {}
        self._tell: Callable[[Trial], None] = lambda trial: None

    @functools.cached_property
    def _baseline_records(self) -> list[FoldRecord]:
        name = self.plan.baseline
        forecasters = {name: self.plan.base.forecasters[name]}
        return run_backtest(dataclasses.replace(self.plan.base, forecasters=forecasters), self._folder, self._progress)

    def run(self, trials: int, executor: Executor, tell: Callable[[Trial], None] | None = None) -> None:
        """Compute what is missing of the first `trials` trials.

        Args:
            trials: Number of trials.
            executor: Computes the cells.
            tell: Called with each trial that is finished, after it is recorded.

        Raises:
            StorageError: A trial or a record cannot be written; those before it are kept.
            DamageError: A file of the study or a record is damaged.
        """
        self._tell = tell or self._tell
        self._report(trials)
        if all(self._is_finished(number) for number in range(trials)):
            return
        _ = self._baseline_records  # a baseline that cannot run ends the search before any network is fitted
        with executor.open(cell_parts, self.plan.base, trials * len(self.plan.folds)) as session:
            for first in range(0, trials, self.plan.batch):
                self._run_batch(range(first, min(first + self.plan.batch, trials)), session, trials)

    def losses(self, trial: Trial) -> list[FoldLosses]:
        """Losses of the scored folds of a trial, from its records."""
        if trial.number not in self._losses:
            plan = self.plan.trial_plan(trial.settings)
            records = [self._read(plan, number) for number in range(len(trial.losses))]
            if any(record is None for record in records):  # somebody has removed it
                alone = {self.plan.kind: plan.forecasters[self.plan.kind]}
                rest = dataclasses.replace(plan, forecasters=alone, folds=plan.folds[: len(records)])
                records = list(run_backtest(rest, self._folder, self._progress))
            self._losses[trial.number] = self._fold_losses(plan, [record for record in records if record is not None])
        return self._losses[trial.number]

    def _fold_losses(self, plan: BacktestPlan, records: Sequence[FoldRecord]) -> list[FoldLosses]:
        ordered = {self.plan.kind: plan.forecasters[self.plan.kind]}
        ordered[self.plan.baseline] = plan.forecasters[self.plan.baseline]
        return fold_losses(
            dataclasses.replace(plan, forecasters=ordered),
            [*records, *self._baseline_records],
            self.plan.folds[: len(records)],
            self.plan.baseline,
        )

    def _is_finished(self, number: int) -> bool:
        trial = self.study.trials.get(number)
        return trial is not None and trial.state != "running"

    def _run_batch(self, numbers: range, session: Session[CellTask, Any], total: int) -> None:
        best = self.study.leader(before=numbers[0])
        under_way: dict[int, _TrialUnderWay] = {}
        for number in numbers:
            trial = self.study.trials.get(number) or self._proposed(number, numbers[0])
            if trial.state == "running":
                try:
                    plan = self.plan.trial_plan(trial.settings)
                except ForecasterError as error:
                    self._finish(dataclasses.replace(trial, state="failed", reason=error.messages[0]), total)
                    continue
                current = _TrialUnderWay(trial, plan, [])
                if self._advance(current, best, session, total):
                    under_way[number] = current
        while under_way:
            task, parts = session.collect()
            current = under_way[task.trial]
            if isinstance(parts, ForecasterError):
                failed = dataclasses.replace(current.trial, state="failed", reason=parts.messages[0])
                self._finish(failed, total)
                del under_way[task.trial]
            elif not self._accept(current, self._recorded(current, parts), best, total) or not self._advance(
                current, best, session, total
            ):
                del under_way[task.trial]

    def _proposed(self, number: int, first: int) -> Trial:
        """The trial `number`, recorded; those of its own batch count as under way, whatever has become of them."""
        earlier = [
            trial
            if trial.number < first
            else dataclasses.replace(trial, state="running", losses=(), steering=(), reason="")
            for trial in self.study.before(number)
        ]
        settings = {} if number == 0 else propose(self.plan.space, earlier, number, self.plan.base.config.seed)
        trial = Trial(number, settings)
        self.study.put(trial)
        return trial

    def _advance(
        self, current: _TrialUnderWay, best: Trial | None, session: Session[CellTask, Any], total: int
    ) -> bool:
        """Read the records that exist, and submit the next cell; False if the trial is finished."""
        while True:
            number = len(current.records)
            record = self._read(current.plan, number)
            if record is None:
                session.submit(CellTask(current.trial.number, number, json_text(current.trial.settings)))
                return True
            if not self._accept(current, record, best, total):
                return False

    def _read(self, plan: BacktestPlan, number: int) -> FoldRecord | None:
        path = plan.record_path(self._folder, self.plan.kind, number)
        return read_fold(path, self.plan.kind, number, plan) if path.exists() else None

    def _recorded(self, current: _TrialUnderWay, parts: Sequence[FoldPart]) -> FoldRecord | ForecasterError:
        """The record of a cell, written; or the reason why it cannot be one."""
        number = len(current.records)
        gains = [record.gains for record in current.records if record.gains is not None]
        record = fold_record(current.plan, fit_tasks(current.plan, self.plan.kind, number), iter(parts), gains)
        try:
            content = record_bytes(record, number, current.plan)
        except ForecasterError as error:
            return error
        write_file(current.plan.record_path(self._folder, self.plan.kind, number), content)
        return record

    def _accept(
        self, current: _TrialUnderWay, record: FoldRecord | ForecasterError, best: Trial | None, total: int
    ) -> bool:
        """Score the next fold of a trial; False if the trial is finished."""
        if isinstance(record, ForecasterError):
            self._finish(dataclasses.replace(current.trial, state="failed", reason=record.messages[0]), total)
            return False
        current.records.append(record)
        try:
            losses = self._fold_losses(current.plan, current.records)
        except DamageError:
            raise
        except ForecasterError as error:
            self._finish(dataclasses.replace(current.trial, state="failed", reason=error.messages[0]), total)
            return False
        trial = dataclasses.replace(
            current.trial,
            losses=tuple(fold.mean for fold in losses),
            steering=tuple(fold.steering_mean for fold in losses),
        )
        current.trial = trial
        if len(losses) == len(self.plan.folds):
            trial = dataclasses.replace(trial, state="complete")
        elif best is not None and self._is_worse(losses, best):
            trial = dataclasses.replace(trial, state="pruned")
        if trial.state == "running":
            return True
        self._losses[trial.number] = losses
        self._finish(trial, total)
        return False

    def _is_worse(self, losses: Sequence[FoldLosses], best: Trial) -> bool:
        """True for a trial that is clearly worse than the best one on the steering days of its folds."""
        difference = steering_losses(losses) - steering_losses(self.losses(best)[: len(losses)])
        p_value = diebold_mariano(difference, max(self.plan.base.steps)).p_above
        return p_value is not None and p_value < PRUNING_LEVEL

    def _finish(self, trial: Trial, total: int) -> None:
        self.study.put(trial)
        self._tell(trial)
        self._report(total)

    def _report(self, total: int) -> None:
        done = sum(self._is_finished(number) for number in range(total))
        best = self.study.best()
        if best is None:
            self._progress("search", done, total)
        else:
            self._progress("search", done, total, best.loss, f"best: trial {best.number}{_words(best.settings)}")


def _words(settings: Mapping[str, Any]) -> str:
    return "".join(f", {key.rpartition('.')[2]}={json.dumps(value)}" for key, value in settings.items())
