"""Proposals of trials: a tree-structured Parzen estimator (Optuna), which is built anew from all trials each time.

Nothing of Optuna is stored: the study is rebuilt in memory, and the seed follows from the number of the trial. So a
search that is interrupted proposes the same trials as one that never stops.
"""

import importlib.util
import json
import warnings
from collections.abc import Sequence
from typing import Any

from forecaster.errors import UsageError
from forecaster.experiments.search_space import Settings, Space, is_inside
from forecaster.experiments.studies import Trial
from forecaster.models.search_values import Range, SearchValues

__all__ = ["propose", "require_optuna"]

_DIGITS = 4  # of a number, so that a command can repeat it


def require_optuna() -> None:
    """Prove that trials can be proposed.

    Raises:
        UsageError: Optuna is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise UsageError("a search needs Optuna; install it with pip install 'forecaster[search]'")


def propose(space: Space, trials: Sequence[Trial], number: int, seed: int) -> Settings:
    """Settings of the trial `number`.

    Args:
        space: The space.
        trials: Earlier trials, in order; those whose state is ``running`` are expected to be bad, so that trials which
            are computed at once differ.
        number: Number of the trial.
        seed: Seed of the search.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {key: _distribution(values) for key, values in space.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(seed=(seed + number) % 2**32, constant_liar=True)
    study = optuna.create_study(sampler=sampler, storage=None)
    study.add_trials([_frozen(trial, space, distributions) for trial in trials if is_inside(trial.settings, space)])
    proposed = study.ask(distributions).params
    return {key: _value(space[key], proposed[key]) for key in space}


def _distribution(values: SearchValues) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(values, Range):
        return CategoricalDistribution([_text(item) for item in values.values])
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _text(value: Any) -> str:
    return json.dumps(value)


def _value(values: SearchValues, proposed: Any) -> Any:
    """A proposal as a JSON value of a configuration."""
    if not isinstance(values, Range):
        return json.loads(proposed)
    if isinstance(proposed, int):
        return proposed
    return min(max(float(f"{proposed:.{_DIGITS}g}"), values.low), values.high)


def _frozen(trial: Trial, space: Space, distributions: Any) -> Any:
    """The trial as Optuna knows it."""
    import optuna
    from optuna.trial import TrialState

    states = {
        "running": TrialState.RUNNING,
        "complete": TrialState.COMPLETE,
        "pruned": TrialState.PRUNED,
        "failed": TrialState.FAIL,
    }
    params = {
        key: trial.settings[key] if isinstance(values, Range) else _text(trial.settings[key])
        for key, values in space.items()
    }
    return optuna.trial.create_trial(
        state=states[trial.state],
        params=params,
        distributions=distributions,
        value=trial.steering_means[-1] if trial.state == "complete" else None,
        intermediate_values=dict(enumerate(trial.steering_means)),
    )
