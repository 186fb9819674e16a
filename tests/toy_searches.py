"""Searches without networks: the toy in their place has a median that is the farther off the more its dropout is."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import oracles

from forecaster.config import load_config
from forecaster.data.series import Panel
from forecaster.environment import no_progress
from forecaster.errors import UsageError
from forecaster.evaluation.splits import search_folds
from forecaster.experiments.backtest_plan import BacktestPlan
from forecaster.experiments.executors import InProcess
from forecaster.experiments.search import Search, SearchPlan
from forecaster.experiments.studies import Study
from forecaster.models import create
from forecaster.models.base import FitReport
from forecaster.models.search_values import Choices, Range
from forecaster.pipeline import fit, forecaster_of

BEST_DROPOUT = 0.2
NOW = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
SPACE = {"model.dropout": Range(0.0, 0.6), "model.epochs": Choices((1, 2))}


class Toy:
    """Forecasts of EWMA, moved up."""

    name = "classic"
    report = FitReport()

    def __init__(self, fitted: Any, shift: float) -> None:
        self._fitted = fitted
        self._shift = shift
        self.first_row = fitted.first_row
        self.own_steps = fitted.own_steps

    def forecast(self, series: Any, rows: Any, longest: int | None = None) -> Any:
        forecasts = self._fitted.forecast(series, rows, longest)
        return dataclasses.replace(forecasts, scaled=forecasts.scaled + self._shift)


@dataclasses.dataclass
class ToyFits:
    """Replaces the fits of backtests; `cells` are those of the toy, in order."""

    cells: list[tuple[float, int, str]] = dataclasses.field(default_factory=list)

    def __call__(self, model: Any, panel: Panel, split: Any, config: Any, *rest: Any) -> Any:
        options = model.options
        if options.kind != "classic":
            return fit(model, panel, split, config, *rest)
        self.cells.append((options.dropout, options.epochs, str(split.test_start)))
        if options.epochs == 13:
            raise UsageError("epochs: the toy cannot be fitted")
        return Toy(fit(create("ewma", config.horizon), panel, split, config), 3 * abs(options.dropout - BEST_DROPOUT))


def toy_plan(space: Any = SPACE, panel: Panel | None = None, batch: int = 4) -> SearchPlan:
    panel = panel or Panel((oracles.walk(900, seed=3),))
    series = panel.series[0]
    config = load_config(None, {"model.kind": "classic", "horizon": 5, "universe": "none", "model.dropout": 0.3})
    *folds, lockbox = search_folds(series.dates, 3, 100, 120, 300)
    base = BacktestPlan(
        panel=panel.between(end=lockbox.start - np.timedelta64(1, "D")),
        named=panel.names,
        config=config,
        forecasters={"classic": forecaster_of(config), "ewma": create("ewma", 5)},
        folds=tuple(folds),
        steps=(1,),
        stride=1,
        engine="jax on cpu",
    )
    return SearchPlan(base, panel, space, "ewma", lockbox, batch)


def opened(plan: SearchPlan, home: Path, progress: Any = no_progress) -> Search:
    study = Study.open(home / "searches" / plan.id, plan.facts(), NOW)
    return Search(plan, study, home / "backtests", progress)


def searched(plan: SearchPlan, home: Path, trials: int, executor: Any = None) -> Search:
    search = opened(plan, home)
    search.run(trials, executor or InProcess())
    return search


def trial_files(search: Search) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (search.study.folder / "trials").glob("*.json")}
