"""Trainings of several kinds of networks on the same data, for a comparison."""

import contextlib
import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecaster.config import Config, shipped_configs
from forecaster.config_keys import hint_for_kind
from forecaster.datasets.keywords import config_of
from forecaster.datasets.selection import Selection
from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.experiments.executors import InProcess, results_in_order
from forecaster.experiments.runs import Run
from forecaster.experiments.training_fits import Fitter, TrainingFit, fit_here, fit_task, next_of
from forecaster.models import MODELS, is_network, network_names, traits_of
from forecaster.workflows.executor_choice import ExecutorOptions
from forecaster.workflows.train import recorded_or_needed, run_training

__all__ = ["ALL", "KindTrainings", "known_kinds", "runs_of_kinds"]

ALL = "all"
"""Every registered network that is not an ensemble of others."""

MIN_LIKENESS = 0.6  # of a kind that may have been meant
MAX_SHOWN = 80  # characters of a name in a message


def known_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """The kinds of networks that `names` mean, each once.

    Raises:
        UsageError: A name is no network; one line for each.

    Example:
        >>> known_kinds(["gru", "lstm", "gru"])
        ('gru', 'lstm')
    """
    networks = list(network_names())
    mistakes = [_mistake(name, networks) for name in names if name != ALL and not is_network(name)]
    if mistakes:
        raise UsageError(*mistakes)
    every = [name for name in networks if not traits_of(name).combines]
    return tuple(dict.fromkeys(kind for name in names for kind in (every if name == ALL else [name])))


def _mistake(name: str, networks: Sequence[str]) -> str:
    shown = name[:MAX_SHOWN]
    if name in MODELS:
        return f"--kinds: {shown} is a baseline; expected networks: {', '.join(networks)}; remove it"
    near = difflib.get_close_matches(shown.lower(), [*networks, ALL], n=1, cutoff=MIN_LIKENESS)
    advice = f"; did you mean {near[0]}?" if near else hint_for_kind(shown) or "; name some of them"
    return f"--kinds: {shown!r} is unknown; expected {ALL} or some of {', '.join(networks)}{advice}"


@dataclasses.dataclass(frozen=True)
class KindTrainings:
    """Configurations of one training for each kind: data, horizon and split are the same, the model is the kind's own.

    Args:
        config: Configuration of all; its section ``model`` counts for its own kind.
        assignments: Key -> value, or texts; keys of the model count for every kind.
        keywords: Keys of the configuration that have a flag of their own.
    """

    config: Config | str | Path | None
    assignments: Mapping[str, Any] | Sequence[str]
    keywords: Mapping[str, Any]

    def config_of(self, kind: str) -> Config:
        """The configuration of one kind: its shipped one, unless the given one is of this kind.

        Raises:
            ConfigError: A key is wrong, or this kind does not have it.
        """
        if config_of(self.config, (), {}).kind == kind:
            return config_of(self.config, self.assignments, self.keywords)
        shared = config_of(self.config, self._without_model(), self.keywords)
        own = config_of(kind if kind in shipped_configs() else None, self._with_kind(kind), self.keywords)
        universe = own.universe if shared.universe == "auto" else shared.universe
        return shared.model_copy(update={"model": own.model, "universe": universe})

    def _without_model(self) -> Mapping[str, Any] | Sequence[str]:
        if isinstance(self.assignments, Mapping):
            return {key: value for key, value in self.assignments.items() if not key.startswith("model.")}
        return [text for text in self.assignments if not text.strip().startswith("model.")]

    def _with_kind(self, kind: str) -> Mapping[str, Any] | Sequence[str]:
        if isinstance(self.assignments, Mapping):
            return {**self.assignments, "model.kind": kind}
        return [*self.assignments, f"model.kind={kind}"]


def runs_of_kinds(
    configs: Mapping[str, Config], choice: Selection, skip: bool, where: ExecutorOptions, environment: Environment
) -> tuple[list[Run], dict[str, str]]:
    """A run of each kind: the recorded one of the same training, or that of a new training.

    Args:
        configs: Kind -> configuration.
        choice: Instruments and source.
        skip: True to leave out kinds that cannot be trained on these data, as long as one can.
        where: Place of the fits.
        environment: Home folder, clock, progress and messages.

    Returns:
        The runs, and kind -> reason for those left out.

    Raises:
        UsageError: A kind cannot be trained, and is not left out.
    """
    trainings: dict[str, Run | TrainingFit] = {}
    left_out: dict[str, UsageError] = {}
    for kind, config in configs.items():
        with _leaving_out(kind, left_out, skip):
            trainings[kind] = recorded_or_needed(config, choice, environment, where)
    needed = {kind: fit for kind, fit in trainings.items() if isinstance(fit, TrainingFit)}
    runs: list[Run] = []
    with _fitters(list(needed.values()), where, environment) as fitter:
        for number, (kind, recorded) in enumerate(trainings.items(), start=1):
            if isinstance(recorded, Run):
                runs.append(recorded)
                continue
            environment.note(f"no run of {kind} has made this training: training it ({number} of {len(trainings)})")
            with _leaving_out(kind, left_out, skip):
                runs.append(run_training(configs[kind], choice, environment, where=where, fitter=fitter).run)
    if not runs:
        raise next(iter(left_out.values()))
    return runs, {kind: error.messages[0] for kind, error in left_out.items()}


@contextlib.contextmanager
def _leaving_out(kind: str, left_out: dict[str, UsageError], skip: bool) -> Iterator[None]:
    """Keep the error of a kind that cannot be trained, where others go on without it."""
    try:
        yield
    except UsageError as error:
        if not skip:
            raise
        left_out[kind] = error


@contextlib.contextmanager
def _fitters(needed: Sequence[TrainingFit], where: ExecutorOptions, environment: Environment) -> Iterator[Fitter]:
    """A fitter that gives the fits in their order, several of which may be computed at once."""
    executor = where.executor(where.engine(needed[0].config), environment) if needed else InProcess()
    if isinstance(executor, InProcess):  # each fit with the progress of its own steps
        yield fit_here
        return
    with executor.open(fit_task, tuple(needed), len(needed)) as session:
        yield next_of(results_in_order(session, range(len(needed))))
