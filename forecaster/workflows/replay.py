"""`replay`: a training repeated from what its run has recorded, and compared with the run."""

import dataclasses
import datetime
import tempfile
from collections.abc import Callable
from os.path import isfile
from pathlib import Path

from forecaster.config import Config
from forecaster.datasets.keywords import selection_of
from forecaster.datasets.training import Dataset
from forecaster.environment import Environment
from forecaster.errors import DataChangedError, UsageError
from forecaster.experiments.recorded_data import recorded_files, recorded_selection
from forecaster.experiments.replays import ReplayedRun, changed_members, compared
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.models.engine import Backend, Device
from forecaster.workflows.train import last_predictions, run_training

__all__ = ["replay"]

MAX_NAMED = 5  # changed histories in a message


def replay(
    *,
    run: str,
    offline: bool = False,
    backend: Backend | None = None,
    device: Device | None = None,
    exog: str | Path | None = None,
    events: str | Path | None = None,
    home: str | Path | None = None,
    environment: Environment | None = None,
) -> ReplayedRun:
    """Repeat the training of a run with the data, the configuration and the seed that it has recorded.

    The repetition is made in a temporary folder; the project stays as it is.

    Args:
        run: Id of the run, or its beginning; ``latest`` is the newest.
        offline: True to ask no source over the network; the variable FORECAST_OFFLINE says so too.
        backend: Engine in place of that of the training, such as ``tensorflow`` where JAX is not installed.
        device: Device in place of the configured one, such as ``cpu`` for a training on a GPU.
        exog: Place of the file of columns now, where it was moved.
        events: Place of the file of events now, where it was moved.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.

    Raises:
        RunNotFoundError: There is no such run, or several.
        DataChangedError: A history is no longer the one of the training.
        SourceError: A history is neither in the store nor to be had from its source.
        DamageError: The run or the store is damaged.
    """
    environment = environment or Environment.at(home)
    recorded = find_run(runs_folder(environment.home), run)
    config = _config(recorded, backend, device, exog, events)
    _require_files(recorded, config)
    choice = recorded_selection(recorded, recorded.config, environment.home, selection_of({"offline": offline}))
    used: list[Dataset] = []

    def accept(data: Dataset) -> None:
        _require_same_data(recorded, data)
        used.append(data)

    with tempfile.TemporaryDirectory(prefix="forecast-replay-") as folder:
        scratch = dataclasses.replace(environment, home=Path(folder), clock=_clock_of(recorded, environment))
        again = run_training(config, choice, scratch, accept)
        scored = [series for series in used[0].named if series.instrument.name in recorded.scored]
        forecasts = last_predictions(recorded, used[0], scored, scratch)
        return compared(recorded, again.run, list(zip(forecasts, again.predictions, strict=False)))


def _config(
    run: Run, backend: Backend | None, device: Device | None, exog: str | Path | None, events: str | Path | None
) -> Config:
    """Configuration of the training, with the engine and the files that it used unless others are wanted."""
    engine = run.manifest.engine.engine
    used = run.config.backend if engine is None else engine.backend
    files = {name: str(path) for name, path in (("exog", exog), ("events", events)) if path is not None}
    for name in files:
        if getattr(run.config.data, name) is None:
            raise UsageError(f"--{name} is given, and the training of run {run.id} has read no such file; remove it")
    data = run.config.data.model_copy(update=files)
    update = {"backend": backend or used, "device": device or run.config.device, "data": data}
    return run.config.model_copy(update=update)


def _clock_of(run: Run, environment: Environment) -> Callable[[], datetime.datetime]:
    """The time of the training, since `today` decides whether the last week or month was over."""
    try:
        recorded = datetime.datetime.fromisoformat(run.manifest.created)
        started = recorded - datetime.timedelta(seconds=run.manifest.seconds.get("total", 0.0))
    except (ValueError, OverflowError):  # a manifest that does not record it
        return environment.clock
    return lambda: started.astimezone(datetime.UTC)


def _require_files(run: Run, config: Config) -> None:
    """Refuse to train without a file of columns or events, which neither store nor capsule holds.

    Raises:
        DataChangedError: It is not there.
    """
    before = run.config.data
    places = {before.exog: config.data.exog, before.events: config.data.events}
    hashes = recorded_files(run)
    missing = [f"{path} (SHA-256 {hashes[path][:12]})" for path in hashes if not isfile(places[path] or path)]
    if missing:
        raise DataChangedError(
            f"the training of run {run.id} has read {', '.join(missing)}; expected the same file in the same place; "
            "put it there, or name its place with --exog or --events"
        )


def _require_same_data(run: Run, data: Dataset) -> None:
    """Refuse to train on other histories than those of the run.

    Raises:
        DataChangedError: A history is not the one of the training.
    """
    changes = changed_members(run, data.panel)
    inputs = run.manifest.data.inputs
    changes |= {name: "has other values" for name in data.covariates.changed(inputs, data.named[0].dates[-1])}
    if changes:
        texts = [f"{name} {change}" for name, change in list(changes.items())[:MAX_NAMED]]
        more = f", and {len(changes) - MAX_NAMED} more" if len(changes) > MAX_NAMED else ""
        raise DataChangedError(
            f"the data of run {run.id} have changed: {'; '.join(texts)}{more}; expected the histories of its training; "
            "restore data/store.sqlite, or import the run with its data"
        )
