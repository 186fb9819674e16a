"""`replay`: a training repeated from what its run has recorded, and compared with the run."""

import dataclasses
import datetime
import functools
import tempfile
from collections.abc import Callable
from os.path import isfile
from pathlib import Path

from forecaster.config import Config
from forecaster.datasets.keywords import selection_of
from forecaster.datasets.training import Dataset
from forecaster.environment import Environment
from forecaster.errors import DataChangedError
from forecaster.experiments.recorded_data import recorded_files, recorded_selection
from forecaster.experiments.replays import ReplayedRun, changed_members, compared
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.workflows.train import run_training

__all__ = ["replay"]

MAX_NAMED = 5  # changed histories in a message


def replay(
    *,
    run: str,
    offline: bool = False,
    home: str | Path | None = None,
    environment: Environment | None = None,
) -> ReplayedRun:
    """Repeat the training of a run with the data, the configuration and the seed that it has recorded.

    The repetition is made in a temporary folder; the project stays as it is.

    Args:
        run: Id of the run, or its beginning; ``latest`` is the newest.
        offline: True to ask no source over the network; the variable FORECAST_OFFLINE says so too.
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
    _require_files(recorded)
    choice = recorded_selection(recorded, recorded.config, environment.home, selection_of({"offline": offline}))
    with tempfile.TemporaryDirectory(prefix="forecast-replay-") as folder:
        scratch = dataclasses.replace(environment, home=Path(folder), clock=_clock_of(recorded, environment))
        again = run_training(_config(recorded), choice, scratch, functools.partial(_require_same_data, recorded))
        return compared(recorded, again.run)


def _config(run: Run) -> Config:
    """Configuration of the training, with the engine that it used."""
    engine = run.manifest.engine.engine
    return run.config if engine is None else run.config.model_copy(update={"backend": engine.backend})


def _clock_of(run: Run, environment: Environment) -> Callable[[], datetime.datetime]:
    """The time of the training, since `today` decides whether the last week or month was over."""
    try:
        recorded = datetime.datetime.fromisoformat(run.manifest.created)
        started = recorded - datetime.timedelta(seconds=run.manifest.seconds.get("total", 0.0))
    except (ValueError, OverflowError):  # a manifest that does not record it
        return environment.clock
    return lambda: started.astimezone(datetime.UTC)


def _require_files(run: Run) -> None:
    """Refuse to train without a file of columns or events, which neither store nor capsule holds.

    Raises:
        DataChangedError: It is not there.
    """
    missing = [f"{path} (SHA-256 {sha256[:12]})" for path, sha256 in recorded_files(run).items() if not isfile(path)]
    if missing:
        raise DataChangedError(
            f"the training of run {run.id} has read {', '.join(missing)}; expected the same file in the same place; "
            "put it there"
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
