"""`backtest`: forecasts of every model at every cutoff of past years, with refits as time passes."""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import Config
from forecaster.data.leases import version_lease
from forecaster.data.series import PriceSeries
from forecaster.datasets.keywords import (
    BacktestKeywords,
    Day,
    Texts,
    config_of,
    day_of,
    exact_keywords,
    selection_of,
    steps_of,
    texts_of,
)
from forecaster.datasets.selection import Selection
from forecaster.datasets.training import Dataset, resolve
from forecaster.environment import Environment
from forecaster.errors import UsageError, did_you_mean
from forecaster.evaluation import DEFAULT_BASELINES, DEFAULT_STEPS
from forecaster.evaluation.splits import folds, parse_refit
from forecaster.experiments import backtest_scores
from forecaster.experiments.backtest_forecasts import BacktestForecasts
from forecaster.experiments.backtest_plan import BacktestPlan, backtests_folder, old_backtests
from forecaster.experiments.backtests import FoldRecord, run_backtest
from forecaster.experiments.executors import Executor
from forecaster.frames import with_fields
from forecaster.models import MODELS, create, is_network, model_class
from forecaster.models.base import Forecaster
from forecaster.models.engine import Engine
from forecaster.pipeline import default_forecaster, forecaster_of
from forecaster.workflows.executor_choice import HERE, ExecutorOptions

__all__ = ["MIN_TRAINING_ROWS", "BacktestRequest", "BacktestResult", "backtest", "model_names", "recorded_backtest"]

DEFAULT_YEARS = 10
MIN_TRAINING_ROWS = 250
"""Rows before the first cutoff, unless it is given."""

NO_ENGINE = Engine("jax", "cpu", "no network is asked for")

MANY_FITS = 60  # fits of a network that take minutes


@with_fields
class BacktestResult(backtest_scores.BacktestResult):
    """Result of `backtest`, with a picture."""

    def figure(self) -> Any:
        """Gains over the baselines and coverage day by day, a `matplotlib.figure.Figure`."""
        from forecaster.output.backtest_figure import backtest_pictures, draw_backtest

        return draw_backtest(*backtest_pictures(self, self.losses, self.id))

    def forecasts(self) -> BacktestForecasts:
        """The forecast of every cutoff with its outcome, as ``--forecasts`` writes it."""
        return BacktestForecasts(self)


@exact_keywords
def backtest(
    *,
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    start: Day | None = None,
    schedule: str = "yearly",
    stride: int = 1,
    models: Texts = (),
    step: int | Sequence[int] = DEFAULT_STEPS,
    calibrate: bool = True,
    jobs: int | None = 1,
    executor: str = "local",
    address: str | None = None,
    gpu_share: float | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[BacktestKeywords],
) -> BacktestResult:
    """Fit, forecast and score; fits of earlier backtests are read instead of repeated.

    Args:
        config: Configuration of the network: an object, a YAML file or a shipped name. Its ``data.end`` is the last
            row that is used.
        set: Key of the configuration -> value, such as ``{"model.units": [64]}``.
        start: First cutoff; when None, ten years before the last row of any instrument, or later where the history
            before would be too short to learn from.
        schedule: Times of the refits: ``never``, ``yearly``, ``monthly`` or after a number of rows.
        stride: Only every so many rows is a cutoff.
        models: Registry keys, the evaluated one first; the configured one and `DEFAULT_BASELINES` when empty.
        step: Rows ahead that are scored.
        calibrate: True if past coverage adjusts the widths of the intervals of networks.
        jobs: Fits of networks at once on a CPU, each in a process of its own; None for what processors and memory
            allow. With more than one, a script has to be guarded by ``if __name__ == "__main__"``, as for every use
            of `multiprocessing`.
        executor: ``local`` or ``ray``, a Ray cluster.
        address: Address of the cluster; see `executor_of`.
        gpu_share: Share of a GPU of the cluster for each fit.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: ``pair``, ``ticker`` or ``csv``, and more; see `BacktestKeywords`.

    Raises:
        UsageError: A model is unknown, or a step or the schedule is invalid.
        NotEnoughDataError: No row is left to forecast, or no model can run.
    """
    environment = environment or Environment.at(home)
    environment.progress("data", 0, 1, detail="loading histories")
    requested = config_of(config, set, keywords)
    request = BacktestRequest(
        config=requested,
        selection=selection_of(keywords),
        models=model_names(texts_of(models) or (requested.kind, *DEFAULT_BASELINES)),
        steps=steps_of(step),
        refit=parse_refit(schedule),
        stride=stride,
        where=ExecutorOptions(executor, jobs, address, gpu_share),
    )
    begin = functools.partial(_start, day_of(start, "start"))
    plan, records = recorded_backtest(request, begin, environment)
    return _scored(plan, records, [plan.panel[name] for name in plan.named], calibrate, environment)


@dataclasses.dataclass(frozen=True)
class BacktestRequest:
    """Fits and forecasts that are wanted, whatever is done with them.

    Args:
        config: Configuration of the network.
        selection: The instruments.
        models: Registry keys.
        steps: Rows ahead.
        refit: Times of the refits, as `parse_refit` gives them.
        stride: Only every so many rows is a cutoff.
        where: Place of the fits.
        last_cutoff: Last cutoff; None for the last row.
    """

    config: Config
    selection: Selection
    models: tuple[str, ...]
    steps: tuple[int, ...]
    refit: str | int
    stride: int = 1
    where: ExecutorOptions = HERE
    last_cutoff: np.datetime64 | None = None


def recorded_backtest(
    request: BacktestRequest,
    begin_of: Callable[[Sequence[int], Sequence[PriceSeries]], np.datetime64],
    environment: Environment,
) -> tuple[BacktestPlan, list[FoldRecord]]:
    """Plan a backtest, and fit and forecast what has no record yet.

    Args:
        request: Models, instruments and steps.
        begin_of: Training rows that each network needs, and the named histories -> the first cutoff.
        environment: Home folder, clock, progress and messages.
    """
    horizon = _horizon(request.config, request.steps)
    networks = [name for name in request.models if is_network(name)]
    first_cutoff = functools.partial(begin_of, _least_rows(networks, request.config, horizon))
    with version_lease(environment.home):
        data = resolve(request.config, request.selection, environment, first_cutoff, min_horizon=horizon)
        environment.progress("data", 1, 1)
        begin = first_cutoff(data.named)
        dates = _dates(data.named)
        cutoffs = dates if request.last_cutoff is None else dates[dates <= request.last_cutoff]
        periods = folds(cutoffs, begin, request.refit)
        engine = request.where.engine(request.config) if networks else NO_ENGINE
        _note_fits(len(periods), networks, data.config, environment)
        plan = BacktestPlan(
            panel=data.panel,
            named=tuple(series.instrument.name for series in data.named),
            config=data.config,
            forecasters={name: _forecaster(name, data, begin) for name in request.models},
            folds=periods,
            steps=tuple(sorted(request.steps)),
            stride=request.stride,
            engine=f"{engine.backend} on {engine.device}",
        )
        return plan, _records(plan, request.where.executor(engine, environment), environment)


def _note_fits(folds: int, networks: Sequence[str], config: Config, environment: Environment) -> None:
    """Report many fits, and fits without the validation that ends them in a training."""
    if folds * len(networks) * config.members > MANY_FITS:
        members = f", {config.members} members each" if config.members > 1 else ""
        environment.note(f"{folds} folds, each with {len(networks)} fits of a network{members}: this takes a while")
    if config.kind in networks and config.model.stops_early:
        environment.note("patience: a fold has no validation, so that each of its fits trains every epoch")


def _scored(
    plan: BacktestPlan,
    records: Sequence[FoldRecord],
    named: Sequence[PriceSeries],
    calibrate: bool,
    environment: Environment,
) -> BacktestResult:
    """The scores of all records; resampling tests take seconds where there are many series."""
    environment.progress("evaluate", 0, 1, detail="scores and tests")
    result = backtest_scores.evaluate_backtest(plan, records, named, calibrate)
    environment.progress("evaluate", 1, 1)
    return BacktestResult(**vars(result))


def _records(plan: BacktestPlan, executor: Executor, environment: Environment) -> list[FoldRecord]:
    """Records of the plan: those of earlier backtests are read, the others are computed."""
    folder = backtests_folder(environment.home)
    if old := old_backtests(folder):
        environment.note(f"backtests of an earlier version in {folder} are not read; delete them: {len(old)} folders")
    try:
        return run_backtest(plan, folder, environment.progress, executor)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("finished folds are kept, and the same command goes on from there") from stop


def _dates(named: Sequence[PriceSeries]) -> DateArray:
    """(T,) every date of any named series, whichever of them is named first."""
    return np.unique(np.concatenate([series.dates for series in named]))


def _horizon(config: Config, steps: Sequence[int]) -> int:
    """Rows ahead that are needed for the scored steps, at least the configured ones."""
    if not steps or min(steps) < 1:
        raise UsageError(
            f"--step is {', '.join(map(str, steps)) or 'empty'}; expected days ahead from 1, such as 1,5,20"
        )
    return max(config.horizon, *steps)


def model_names(names: Sequence[str]) -> tuple[str, ...]:
    """Registry keys, each once.

    Raises:
        UsageError: A model is unknown.
    """
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        raise UsageError(
            f"model {', '.join(unknown):.100} is unknown; expected some of {', '.join(MODELS)}; change --models"
            f"{did_you_mean(unknown[0], MODELS)}"
        )
    return tuple(dict.fromkeys(names))


def _least_rows(networks: Sequence[str], config: Config, horizon: int) -> list[int]:
    """Training rows that each network needs."""
    configured = model_class(config.kind)(config.model, horizon)
    models = [configured if name == config.kind else create(name, horizon) for name in networks]
    return [model.least_training_rows() for model in models]


def _forecaster(name: str, data: Dataset, before: np.datetime64) -> Forecaster:
    """The configured model, or another one with the defaults that suit the rows before the first cutoff."""
    if name == data.config.kind:
        return forecaster_of(data.config)
    return default_forecaster(name, data.config, data.panel, before)


def _start(given: datetime.date | None, min_rows: Sequence[int], named: Sequence[PriceSeries]) -> np.datetime64:
    """The first cutoff: as given, or ten years before the last row, or after `min_rows` of every model."""
    if given is not None:
        return np.datetime64(given)
    dates = _dates(named)
    last: datetime.date = dates[-1].astype(datetime.date)
    needed = max([MIN_TRAINING_ROWS, *min_rows])
    earliest: np.datetime64 = dates[min(needed, len(dates) // 2)]
    return max(np.datetime64(last) - np.timedelta64(round(DEFAULT_YEARS * 365.25), "D"), earliest)
