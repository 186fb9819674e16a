"""`backtest`: what every model would have said at every cutoff of the last years, fitted anew as time went on."""

import dataclasses
import datetime
from collections.abc import Sequence

import numpy as np

from forecaster.arrays import DateArray
from forecaster.config import Config
from forecaster.datasets.selection import Selection
from forecaster.datasets.training import TrainingData, load_training_data
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.evaluation.splits import folds, parse_refit
from forecaster.experiments.backtest_plan import BacktestPlan, backtests_folder
from forecaster.experiments.backtest_scores import BacktestResult, judge
from forecaster.experiments.backtests import run_backtest
from forecaster.models import MODELS, create, is_network
from forecaster.models.base import Forecaster
from forecaster.models.engine import Engine, use_engine
from forecaster.pipeline import forecaster_of

__all__ = ["DEFAULT_BASELINES", "BacktestRequest", "BacktestResult", "backtest"]

DEFAULT_BASELINES = ("random_walk", "ewma", "garch")

_STEPS = (1, 5, 10, 20)
_YEARS = 10
_LEARNED_ROWS = 250  # before the first cutoff at least, unless it is asked for
_LONG_FITS = 60  # so many fits of a network take minutes, which is worth a word beforehand


@dataclasses.dataclass(frozen=True)
class BacktestRequest:
    """What is asked of `backtest`.

    Args:
        choice: The instruments.
        config: Of the network; its ``data.end`` is the last row that is used.
        start: First cutoff; when None, ten years before the last row of any instrument, or later where the history
            before would be too short to learn from.
        refit: ``never``, ``yearly``, ``monthly`` or a number of rows.
        stride: Every so many rows is a cutoff.
        models: Registry keys, the judged one first; the configured one and `DEFAULT_BASELINES` when empty.
        steps: Days ahead that are scored.
        calibrate: Whether intervals of networks are calibrated as time goes on.
        processes: How many networks are fitted at once on a CPU, each in a process of its own. With more than one,
            a script has to be guarded by ``if __name__ == "__main__"``, as for every use of `multiprocessing`.
    """

    choice: Selection
    config: Config
    start: datetime.date | None = None
    refit: str = "yearly"
    stride: int = 1
    models: Sequence[str] = ()
    steps: Sequence[int] = _STEPS
    calibrate: bool = True
    processes: int = 1


def backtest(request: BacktestRequest, environment: Environment) -> BacktestResult:
    """Fit, forecast and judge; what an earlier call has done is read, not done again.

    Raises:
        UsageError: A model is unknown, or a step or the refit is none.
        NotEnoughDataError: No row is left to forecast, or no model can run.
    """
    refit = parse_refit(request.refit)
    config = _with_horizon(request.config, request.steps)
    names = _models(request.models or (config.kind, *DEFAULT_BASELINES))
    data = load_training_data(config, request.choice, environment)
    dates = np.unique(np.concatenate([one.dates for one in data.named]))  # whichever of them is named first
    networks = [name for name in names if is_network(name)]
    start = _start(request.start, dates, [_forecaster(name, data) for name in networks])
    found = folds(dates, start, refit)
    data = data.with_features(start)
    forecasters = {name: _forecaster(name, data) for name in names}
    engine = use_engine(config.backend, config.device) if networks else Engine("jax", "cpu", "no network is asked for")
    if len(found) * len(networks) > _LONG_FITS:
        environment.note(f"{len(found)} folds, each with {len(networks)} fits of a network: this takes a while")
    plan = BacktestPlan(
        panel=data.panel,
        named=tuple(one.instrument.name for one in data.named),
        config=data.config,
        forecasters=forecasters,
        folds=found,
        steps=tuple(sorted(set(request.steps))),
        stride=request.stride,
        engine=f"{engine.backend} on {engine.device}",
    )
    folder = backtests_folder(environment.home) / plan.id
    try:
        records = run_backtest(plan, folder, environment.progress, request.processes if engine.device == "cpu" else 1)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("finished folds are kept, and the same command goes on from there") from stop
    return judge(plan, records, data.named, request.calibrate)


def _with_horizon(config: Config, steps: Sequence[int]) -> Config:
    if not steps or min(steps) < 1:
        raise UsageError(
            f"--step is {', '.join(map(str, steps)) or 'empty'}; expected days ahead from 1, such as 1,5,20"
        )
    return config.model_copy(update={"horizon": max(config.horizon, *steps)})


def _models(names: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        known = ", ".join(MODELS)
        raise UsageError(f"model {', '.join(unknown):.100} is unknown; expected some of {known}; change --models")
    return tuple(dict.fromkeys(names))


def _forecaster(name: str, data: TrainingData) -> Forecaster:
    config = data.config
    if name == config.kind:
        return forecaster_of(config)
    return create(name, config.horizon)


def _start(asked: datetime.date | None, dates: DateArray, networks: Sequence[Forecaster]) -> np.datetime64:
    if asked is not None:
        return np.datetime64(asked)
    last: datetime.date = dates[-1].astype(datetime.date)
    needed = max([_LEARNED_ROWS, *(one.least_training_rows() for one in networks)])
    earliest: np.datetime64 = dates[min(needed, len(dates) // 2)]
    return max(np.datetime64(last) - np.timedelta64(round(_YEARS * 365.25), "D"), earliest)
