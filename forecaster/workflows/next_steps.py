"""Next steps in a project: what `forecast` prints without a command."""

import shlex

import numpy as np

from forecaster.data.calendars import business_age
from forecaster.data.sources.registry import source_traits
from forecaster.environment import Environment
from forecaster.experiments.diagnosis import NextSteps
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import runs_folder
from forecaster.workflows.data_store import existing_store
from forecaster.workflows.doctor_project import MAX_AGE_DAYS

__all__ = ["next_steps"]


def next_steps(environment: Environment) -> NextSteps:
    """Look at the project, and name what to do next; nothing that is wrong with it is an error."""
    index = indexed_runs(runs_folder(environment.home))
    run = index.runs[0] if index.runs else None
    has_damage = bool(index.damaged)
    age = None
    try:
        age = _age(run, environment)
    except Exception:  # a damaged store, a file in the place of a folder: doctor says more
        has_damage = True
    commands = {"forecast doctor": "something cannot be read: what is it?"} if has_damage else {}
    commands |= _first_commands() if run is None else _commands_of(run, age)
    instrument = None if run is None else run.instruments[0]
    return NextSteps(environment.home.absolute(), len(index.runs), instrument, commands)


def _age(run: RunSummary | None, environment: Environment) -> int | None:
    """Business days since the newest stored price of the run's source."""
    if run is None or not source_traits(run.source).grows:
        return None
    with existing_store(environment) as store:
        versions = [] if store is None else [each for each in store.series() if each.source == run.source]
    last = max((version.last for version in versions), default=None)
    return None if last is None else business_age(np.datetime64(last), environment.today)


def _first_commands() -> dict[str, str]:
    return {
        "forecast train USDJPY": "train on the installed history, half a minute",
        "forecast train prices.csv": "train on your own prices",
        "forecast init USDJPY": "write a commented configuration",
        "forecast doctor": "check the installation",
    }


def _commands_of(run: RunSummary, age: int | None) -> dict[str, str]:
    """Commands for the newest run."""
    name = _typed(run)
    stale = {"forecast data refresh": f"its prices are {age} business days old"} if (age or 0) > MAX_AGE_DAYS else {}
    return {
        **stale,
        f"forecast predict {name}": "the coming days, with probabilities",
        f"forecast plot {name}": "history and forecast as a picture",
        f"forecast odds {name}": "how likely is a price, how much may a position lose",
        f"forecast report {name}": "one page with everything about it",
        f"forecast backtest {name}": "the model and simple rules over ten years",
        "forecast runs list": "all trainings",
    }


def _typed(run: RunSummary) -> str:
    """The run's instrument as it is typed."""
    name = shlex.quote(run.instruments[0])
    return f"--csv FILE --name {name}" if source_traits(run.source).is_given else name
