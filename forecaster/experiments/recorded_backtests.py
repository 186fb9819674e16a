"""Recorded backtests, read again: the plan is rebuilt and every record is checked, and nothing is fitted."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from forecaster.config import Config
from forecaster.datasets.selection import Selection, selected_instruments
from forecaster.datasets.training import Dataset, resolve
from forecaster.environment import Environment
from forecaster.errors import RunNotFoundError, UsageError
from forecaster.evaluation.comparison import losses_by_name
from forecaster.evaluation.daily_losses import DailyLosses, OutOfSample
from forecaster.evaluation.splits import Fold
from forecaster.experiments.backtest_plan import MAX_PLAN_BYTES, SCHEMA, BacktestPlan, backtests_folder
from forecaster.experiments.backtest_scores import BacktestResult, evaluate_backtest, out_of_sample
from forecaster.experiments.fold_records import FoldRecord, read_fold
from forecaster.experiments.stored_files import parse_json
from forecaster.files import read_regular_file
from forecaster.models import model_class
from forecaster.models.base import Forecaster

__all__ = ["RecordedBacktest", "RecordedFolds", "read_backtest", "read_folds"]


@dataclasses.dataclass(frozen=True, eq=False)
class RecordedBacktest:
    """A backtest that was read again.

    Args:
        id: Name of its folder.
        result: Its scores and its verdict, at the steps that it scored.
        losses: Step -> name -> daily losses, at the steps that were asked for.
    """

    id: str
    result: BacktestResult
    losses: Mapping[int, Mapping[str, DailyLosses]]


@dataclasses.dataclass(frozen=True, eq=False)
class RecordedFolds:
    """The forecasts of a recorded backtest, without its scores.

    Args:
        id: Name of its folder.
        plan: Everything that decides the forecasts.
        records: One for each model and fold.
    """

    id: str
    plan: BacktestPlan
    records: Sequence[FoldRecord]

    def samples(self, steps: Sequence[int], calibrate: bool) -> list[dict[int, OutOfSample]]:
        """Step -> forecasts of every model, for each named series; see `out_of_sample`."""
        plan = dataclasses.replace(self.plan, steps=tuple(steps))
        return [out_of_sample(plan, self.records, self.plan.panel[name], calibrate) for name in self.plan.named]


def read_backtest(
    choice: Selection, backtest_id: str | None, steps: Sequence[int], calibrate: bool, environment: Environment
) -> RecordedBacktest:
    """The newest backtest of the named instruments, or the one with an id, with its scores.

    Args:
        choice: The instruments.
        backtest_id: Name of its folder; the newest one that forecasts the instruments when None.
        steps: Rows ahead at which losses are wanted, up to its horizon; the first that it scored when empty.
        calibrate: True to calibrate intervals of networks by the outcomes known at each cutoff.
        environment: Home folder, clock and messages.

    Raises:
        RunNotFoundError: There is no such backtest, it was interrupted, or the history has changed since.
        UsageError: A step lies beyond its horizon.
        DamageError: A record is damaged.
    """
    folds = read_folds(choice, backtest_id, environment)
    plan = folds.plan
    wanted = tuple(sorted(set(steps))) or plan.steps[:1]
    if wanted[-1] > plan.config.horizon:
        raise UsageError(
            f"backtest {folds.id} looks {plan.config.horizon} rows ahead; got --step {wanted[-1]}; "
            f"run forecast backtest --step {wanted[-1]}"
        )
    result = evaluate_backtest(plan, folds.records, [plan.panel[name] for name in plan.named], calibrate)
    samples = folds.samples(wanted, calibrate)
    losses = {
        step: losses_by_name([by_step[step] for by_step in samples if step in by_step], result.evaluated_model)
        for step in wanted
        if any(step in by_step for by_step in samples)
    }
    return RecordedBacktest(folds.id, result, losses)


def read_folds(
    choice: Selection, backtest_id: str | None, environment: Environment, config: Config | None = None
) -> RecordedFolds:
    """The forecasts of the newest backtest of the named instruments, or of the one with an id.

    Args:
        choice: The instruments.
        backtest_id: Name of its folder; the newest one that forecasts the instruments when None.
        environment: Home folder, clock and messages.
        config: Configuration whose model it must evaluate, on rows of the same length; any when None.

    Raises:
        RunNotFoundError: There is no such backtest, it was interrupted, or the history has changed since.
        DamageError: A record is damaged.
    """
    id_, facts = _find(choice, backtest_id, environment.home, config)
    try:
        folds = tuple(Fold(*(np.datetime64(day, "D") for day in fold)) for fold in facts["folds"])
        config = _config(facts["config"])
        data = resolve(config, Selection(network=choice.network), environment, lambda named: folds[0].start)
        plan = _plan(facts, config, data, folds)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise RunNotFoundError(
            f"backtest {id_} cannot be read ({type(error).__name__}); expected a plan as forecast backtest writes it; "
            "run forecast backtest again"
        ) from error
    _check(plan, facts, id_, environment.home)
    folder = backtests_folder(environment.home)
    jobs = [(name, number) for number in range(len(folds)) for name in plan.forecasters]
    records = [read_fold(plan.record_path(folder, name, number), name, number, plan) for name, number in jobs]
    return RecordedFolds(id_, plan, records)


def _find(
    choice: Selection, backtest_id: str | None, home: Path, config: Config | None
) -> tuple[str, Mapping[str, Any]]:
    """Id and plan of the newest backtest that forecasts the chosen instruments, of these alone if there is one."""
    names = {instrument.canonical.name for instrument in selected_instruments(choice.applied())}
    plans = []
    for path in backtests_folder(home).glob("*/plan.json"):
        try:
            facts = parse_json(read_regular_file(path, MAX_PLAN_BYTES))
            forecast = set(facts["named"]) if facts["schema"] == SCHEMA else set()
            changed = path.stat().st_mtime
            if config is not None and not _evaluates(facts, config):
                continue
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if names <= forecast and backtest_id in (None, path.parent.name):
            plans.append((forecast == names, changed, path.parent.name, facts))
    if not plans:
        which = f"backtest {backtest_id}" if backtest_id else "backtest"
        instruments = ", ".join(sorted(names))
        raise RunNotFoundError(f"no {which} of {instruments} in {backtests_folder(home)}; run forecast backtest first")
    _, _, id_, facts = max(plans, key=lambda plan: plan[:3])
    return id_, facts


def _evaluates(facts: Mapping[str, Any], config: Config) -> bool:
    """True if a backtest evaluates the model of a configuration, learned from the same universe and rows."""
    document = config.model_dump(mode="json")
    recorded = facts["config"]
    same = all(recorded[key] == document[key] for key in ("model", "members", "universe"))
    same_data = all(recorded["data"][key] == document["data"][key] for key in ("frequency", "inputs", "exog", "peers"))
    return same and same_data and next(iter(facts["models"])) == config.kind


def _config(document: Mapping[str, Any]) -> Config:
    options = model_class(document["model"]["kind"]).Options.model_validate(document["model"])
    return Config.model_validate({**document, "model": options})


def _plan(facts: Mapping[str, Any], config: Config, data: Dataset, folds: tuple[Fold, ...]) -> BacktestPlan:
    """The plan that `facts` describe, on the rows before the end of its last fold."""
    return BacktestPlan(
        panel=data.panel.between(end=folds[-1].end - np.timedelta64(1, "D")),
        named=tuple(facts["named"]),
        config=config,
        forecasters={name: _forecaster(name, options, config) for name, options in facts["models"].items()},
        folds=folds,
        steps=_numbers(facts["steps"]),
        stride=_numbers([facts["stride"]])[0],
        engine=facts["engine"],
    )


def _numbers(values: Sequence[Any]) -> tuple[int, ...]:
    """Positive whole numbers, one or more.

    Raises:
        ValueError: The list is empty, or holds another value.
    """
    if not values or not all(type(value) is int and value > 0 for value in values):
        raise ValueError(f"{values!s:.60} are not numbers of rows")
    return tuple(values)


def _forecaster(name: str, options: Mapping[str, Any], config: Config) -> Forecaster:
    model = model_class(name)
    return model(model.Options.model_validate(options), config.horizon)


def _check(plan: BacktestPlan, facts: Mapping[str, Any], id_: str, home: Path) -> None:
    """Compare the names of the records, which are hashes of all that decides them, and look for the records.

    Raises:
        RunNotFoundError: They differ, or one is missing.
    """
    names = {name: [plan.record_name(name, number) for number in range(len(plan.folds))] for name in plan.forecasters}
    if names != facts["records"]:
        raise RunNotFoundError(
            f"backtest {id_} was made by another version or from a history that has changed since; "
            "expected the same rows; run forecast backtest again"
        )
    folder = backtests_folder(home)
    missing = [
        name
        for name in plan.forecasters
        if any(not plan.record_path(folder, name, number).exists() for number in range(len(plan.folds)))
    ]
    if missing:
        raise RunNotFoundError(
            f"backtest {id_} is not complete: records of {', '.join(missing)} are missing; the same forecast backtest "
            "command goes on from there"
        )
