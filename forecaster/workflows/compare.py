"""`compare`: recorded runs, or all kinds of networks, next to the baselines on the same test rows."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from forecaster.config import FREQUENCIES, Config
from forecaster.data.leases import version_lease
from forecaster.datasets.keywords import (
    AuditKeywords,
    InstrumentKeywords,
    Texts,
    exact_keywords,
    is_given,
    selection_of,
    steps_of,
    texts_of,
)
from forecaster.datasets.selection import Selection, command_line, named_instruments
from forecaster.environment import Environment
from forecaster.errors import ConfigError, RunNotFoundError, UsageError
from forecaster.evaluation import scored_steps
from forecaster.experiments import run_comparison
from forecaster.experiments.pins import pinned_runs
from forecaster.experiments.run_differences import grouped, labels_of, require_comparable
from forecaster.experiments.run_index import indexed_runs
from forecaster.experiments.run_ranking import may_fit, ranked_runs
from forecaster.experiments.run_selection import RunQuery
from forecaster.experiments.runs import Run, find_run, runs_folder
from forecaster.frames import with_fields
from forecaster.models import is_network
from forecaster.workflows.executor_choice import ExecutorOptions
from forecaster.workflows.kind_trainings import ALL, KindTrainings, known_kinds, runs_of_kinds

__all__ = ["Comparison", "compare", "compare_recorded"]


@with_fields
class Comparison(run_comparison.Comparison):
    """Result of `compare`, with a picture."""

    def figure(self) -> Any:
        """Scores of every model at every step, a `matplotlib.figure.Figure`."""
        from forecaster.output.comparison_documents import comparison_document
        from forecaster.output.comparison_figure import draw_comparison

        return draw_comparison(comparison_document(self))


@exact_keywords
def compare(
    *,
    runs: Texts = (),
    kinds: Texts = (),
    step: int | Sequence[int] = (),
    config: Config | str | Path | None = None,
    set: Mapping[str, Any] | Sequence[str] = (),
    horizon: int | str | None = None,
    executor: str = "local",
    address: str | None = None,
    gpu_share: float | None = None,
    jobs: int | None = 1,
    home: str | Path | None = None,
    environment: Environment | None = None,
    **keywords: Unpack[AuditKeywords],
) -> Comparison:
    """Score runs next to one another and next to the baselines, on the test rows that all of them share.

    Without `runs` and `kinds`, the recorded runs of the named instruments are compared, the best of each kind.

    Args:
        runs: Ids of recorded runs, or their beginnings.
        kinds: Kinds of networks, or ``all``; a kind is trained where no run has made this training.
        step: Rows ahead that are scored; the default ones up to the horizon of the runs when empty.
        config: Configuration of the trainings. Its section ``model`` counts for its own kind; other kinds have their
            shipped configuration.
        set: Key of the configuration -> value, for the trainings of every kind.
        horizon: Longest step of the trainings.
        executor: ``local`` or ``ray``, a Ray cluster, for the trainings.
        address: Address of the cluster; see `executor_of`.
        gpu_share: Share of a GPU of the cluster for each training.
        jobs: Trainings at once on a CPU, each in a process of its own; None for what processors and memory allow.
        home: Project folder; the variable FORECAST_HOME or the working directory when None.
        environment: Home folder, clock, progress and messages, in place of `home`.
        keywords: ``pair``, ``ticker`` or ``csv``, and keys of the trainings; see `AuditKeywords`.

    Raises:
        UsageError: A kind is unknown, a step lies beyond a horizon, or the runs forecast different outcomes.
        RunNotFoundError: There is no such run.
        NotEnoughDataError: The runs share no test rows.
    """
    environment = _without_repeats(environment or Environment.at(home))
    choice = selection_of(keywords)
    steps = steps_of(step)
    if min(steps, default=1) < 1:
        raise UsageError(f"--step {min(steps)} is not ahead; expected whole numbers from 1 on")
    ids, wanted = texts_of(runs), texts_of(kinds)
    flags: dict[str, Any] = {**keywords, "horizon": horizon}
    if not wanted:
        _refuse_training_options({"config": config, "set": set, **flags})
        query = RunQuery(horizon=max(steps, default=None), frequency=keywords.get("frequency"))
        return compare_recorded(choice, ids, query, steps, environment)
    if ids:
        raise UsageError("runs and --kinds are given; expected one of them; remove the other")
    configs, wrong = _configs(wanted, KindTrainings(config, set, flags), steps)
    where = ExecutorOptions(executor, jobs, address, gpu_share)
    choice = _named(choice, next(iter(configs.values())))
    with version_lease(environment.home):
        entrants, left_out = runs_of_kinds(configs, choice, ALL in wanted, where, environment)
        comparison = _compared(entrants, choice, steps, environment)
    return dataclasses.replace(comparison, left_out={**wrong, **left_out})


def compare_recorded(
    choice: Selection, ids: Sequence[str], query: RunQuery, steps: Sequence[int], environment: Environment
) -> Comparison:
    """Compare recorded runs; nothing is trained.

    Args:
        choice: The instruments; empty for those of the runs.
        ids: Ids of runs, or their beginnings; the best run of each kind when empty.
        query: Conditions for these.
        steps: Rows ahead; the default ones when empty.
        environment: Home folder, clock, progress and messages.

    Raises:
        UsageError, RunNotFoundError, NotEnoughDataError: See `compare`.
    """
    with version_lease(environment.home):
        runs = _named_runs(ids, environment.home) if ids else _recorded_runs(choice, query, environment)
        return _compared(runs, choice, steps, environment)


def _compared(runs: Sequence[Run], choice: Selection, steps: Sequence[int], environment: Environment) -> Comparison:
    labelled = labels_of(runs)
    require_comparable(labelled)
    names = _common_instruments(labelled, choice)
    result = run_comparison.compare_runs(labelled, names, choice, _steps(labelled, steps), environment)
    return Comparison(**vars(result))


def _named(choice: Selection, config: Config) -> Selection:
    """`choice` with the instruments of a configuration where it names none: a run of this fit may name others."""
    data = config.data
    return (
        dataclasses.replace(choice, pairs=data.pair, tickers=data.ticker, csvs=data.csv) if choice.is_empty else choice
    )


def _without_repeats(environment: Environment) -> Environment:
    """An environment that says once what several runs say about the same data."""
    seen: set[str] = set()

    def note(text: str) -> None:
        if text not in seen:
            seen.add(text)
            environment.note(text)

    return dataclasses.replace(environment, note=note)


def _configs(
    kinds: Sequence[str], trainings: KindTrainings, steps: Sequence[int]
) -> tuple[dict[str, Config], dict[str, str]]:
    """Kind -> configuration, all of them before the first training; with ``all``, kind -> reason for the others."""
    configs: dict[str, Config] = {}
    wrong: dict[str, ConfigError] = {}
    for kind in known_kinds(kinds):
        try:
            configs[kind] = trainings.config_of(kind)
        except ConfigError as error:
            if ALL not in kinds:
                raise
            wrong[kind] = error
    if not configs:
        raise next(iter(wrong.values()))
    horizon = next(iter(configs.values())).horizon
    if max(steps, default=1) > horizon:
        raise UsageError(
            f"--step {max(steps)} lies beyond the horizon {horizon} of the trainings; expected steps up to it; "
            f"add --horizon {max(steps)}"
        )
    return configs, {kind: error.messages[0] for kind, error in wrong.items()}


def _refuse_training_options(options: Mapping[str, Any]) -> None:
    """Refuse options that only a training has.

    Raises:
        UsageError: There is one.
    """
    general = {*InstrumentKeywords.__annotations__, "frequency"}
    given = [name for name, value in options.items() if name not in general and is_given(value)]
    if given:
        flag = {"inputs": "with"}.get(given[0], given[0])
        raise UsageError(
            f"--{flag} is an option of trainings, and recorded runs stay as they are; expected --kinds with it; "
            "add --kinds all, or remove it"
        )


def _named_runs(ids: Sequence[str], home: Path) -> list[Run]:
    runs = [find_run(runs_folder(home), run_id) for run_id in ids]
    return list({run.id: run for run in runs}.values())


def _recorded_runs(choice: Selection, query: RunQuery, environment: Environment) -> list[Run]:
    """The first of the ranked runs of each kind that has learned from all named instruments.

    A run that shares no test rows with those before it is passed over.

    Raises:
        RunNotFoundError: There is none.
    """
    index = indexed_runs(runs_folder(environment.home))
    for damage in index.damaged:
        environment.note(f"warning: passed over: {damage.messages[0]}")
    instruments = named_instruments(choice.applied())
    fitting = [
        run
        for run in index.runs
        if is_network(run.model)
        and not run.refit
        and all(may_fit(run, instrument, choice.source) for instrument in instruments)
    ]
    frequencies = {run.frequency for run in fitting} if query.frequency is None else {query.frequency}
    frequency = min(frequencies, key=FREQUENCIES.index, default=None)
    ranked = ranked_runs(fitting, instruments[0], pinned_runs(environment.home), query.horizon)
    ranked.sort(key=lambda run: run.horizon < (query.horizon or 0))  # nothing is scaled here
    best: dict[str, Run] = {}
    for run in ranked:
        if run.frequency != frequency or run.model in best:
            continue
        candidate = run.read()
        if all(_share_test_rows(candidate, other) for other in best.values()):
            best[run.model] = candidate
    if not best:
        name = ", ".join(instrument.name for instrument in instruments)
        command = command_line("compare", instruments[0], choice, environment, "--kinds", ALL)
        raise RunNotFoundError(
            f"no run in {runs_folder(environment.home)} fits {name}; expected one or more; train with: {command}"
        )
    return list(best.values())


def _share_test_rows(run: Run, other: Run) -> bool:
    ours, theirs = run.manifest.split.parts["test"], other.manifest.split.parts["test"]
    return bool(ours.first <= theirs.last and theirs.first <= ours.last)


def _common_instruments(runs: Mapping[str, Run], choice: Selection) -> tuple[str, ...]:
    """Canonical names of the instruments to compare: the chosen ones, or those that all runs were trained for.

    Raises:
        UsageError: The runs were trained for different ones.
    """
    if not choice.is_empty:
        chosen = named_instruments(choice.applied())
        return tuple(dict.fromkeys(instrument.canonical.name for instrument in chosen))
    named = {label: _names(run) for label, run in runs.items()}
    if len({frozenset(names) for names in named.values()}) > 1:
        values = grouped({label: " and ".join(names) for label, names in named.items()})
        members = [run.manifest.data.members.keys() for run in runs.values()]
        shared = [name for names in named.values() for name in names if all(name in learned for learned in members)]
        advice = f"name what all have learned from: {shared[0]}" if shared else "name others"
        raise UsageError(
            f"the runs are of other instruments: {values}; a comparison would mean nothing; "
            f"expected runs of the same; {advice}"
        )
    return next(iter(named.values()))


def _names(run: Run) -> tuple[str, ...]:
    named = named_instruments(run.config.data)
    return tuple(dict.fromkeys(instrument.canonical.name for instrument in named))


def _steps(runs: Mapping[str, Run], steps: Sequence[int]) -> list[int]:
    """The steps to score.

    Raises:
        UsageError: A step lies beyond a horizon, or none is given and the horizons differ.
    """
    horizons = {label: run.manifest.model.horizon for label, run in runs.items()}
    shortest = min(horizons.values())
    default = scored_steps(shortest)
    wanted = sorted(steps) or (default if len({*horizons.values()}) == 1 else [])
    if wanted and wanted[-1] <= shortest:
        return list(wanted)
    problem = f"--step {wanted[-1]} lies beyond a horizon" if wanted else "the runs have different horizons"
    values = grouped({label: f"{rows} rows" for label, rows in horizons.items()})
    raise UsageError(
        f"{problem}: {values}; expected steps that all runs forecast; add --step {','.join(map(str, default))}"
    )
