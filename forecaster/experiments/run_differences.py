"""Differences between recorded runs: data, software and configuration, each fact with its value in every run."""

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from forecaster.errors import UsageError
from forecaster.experiments.configurations import flat_values
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run
from forecaster.files import sha256_of

__all__ = [
    "Difference",
    "RunPair",
    "ScoreDifference",
    "differences",
    "grouped",
    "labels_of",
    "paired",
    "require_comparable",
]

_MODEL = "model."
_NO_FACTS = frozenset(  # keys that say where a run was made, or that other facts hold
    {"backend", "device", "refit", "model.kind", "data.pair", "data.ticker", "data.csv", "data.name", "data.source"}
)


@dataclasses.dataclass(frozen=True)
class Difference:
    """A fact that differs between runs.

    Args:
        subject: Fact, such as ``horizon`` or a key of the configuration.
        values: Label of a run -> value, as text.
    """

    subject: str
    values: Mapping[str, str]

    @property
    def text(self) -> str:
        """The fact with the runs of each value in one line."""
        return f"{self.subject}: {grouped(self.values)}"


def grouped(values: Mapping[str, str]) -> str:
    """Values with the labels that have them.

    >>> grouped({"lstm": "20", "gru": "5", "linear": "20"})
    '20 (lstm, linear), 5 (gru)'
    """
    labels: dict[str, list[str]] = {}
    for label, value in values.items():
        labels.setdefault(value, []).append(label)
    return ", ".join(f"{value} ({', '.join(names)})" for value, names in labels.items())


def labels_of(runs: Sequence[Run]) -> dict[str, Run]:
    """Label -> run: the kind of the model, with the end of the id where several runs are of this kind."""
    kinds = [run.manifest.model.model for run in runs]
    return {
        kind if kinds.count(kind) == 1 else f"{kind} {run.id.rpartition('-')[2]}": run
        for kind, run in zip(kinds, runs, strict=True)
    }


def require_comparable(runs: Mapping[str, Run]) -> None:
    """Refuse runs whose forecasts are not about the same outcomes, or that have learned from their test rows.

    Args:
        runs: Label -> run.

    Raises:
        UsageError: Such runs are among them.
    """
    refits = [run.id for run in runs.values() if run.manifest.split.refit]
    if refits:
        raise UsageError(
            f"run {refits[0]} is a refit, whose weights have seen the test rows; expected a run without --refit; "
            "name another, or train one"
        )
    for subject, fact_of in _OUTCOMES.items():
        values = {label: fact_of(run) for label, run in runs.items()}
        if len(set(values.values())) > 1:
            raise UsageError(
                f"the runs differ in {subject}: {grouped(values)}; a comparison would mean nothing; "
                "expected runs that forecast the same outcomes; name others"
            )


@dataclasses.dataclass(frozen=True)
class ScoreDifference:
    """A metric of two runs on the test rows of each.

    Args:
        metric: Name, such as ``crps_ratio.garch@5``.
        first: Value of the first run.
        second: Value of the second run.
    """

    metric: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """Second value less the first."""
        return self.second - self.first


@dataclasses.dataclass(frozen=True)
class RunPair:
    """Two runs and how they differ.

    Args:
        first: One run.
        second: The other one.
        differences: Facts that differ: data, software, configuration. The labels are the ids of the runs.
        scores: Metrics that differ.
        same_test_rows: True if the metrics are about the same outcomes.
    """

    first: RunSummary
    second: RunSummary
    differences: tuple[Difference, ...]
    scores: tuple[ScoreDifference, ...]
    same_test_rows: bool


def paired(first: Run, second: Run) -> RunPair:
    """Two runs with every fact and metric in which they differ."""
    labelled = {run.id: run for run in (first, second)}
    members = [run.manifest.data.members.keys() for run in labelled.values()]
    named = [name for name in first.scored | second.scored if all(name in each for each in members)]
    first_facts = {run.id: _own_facts(run) for run in labelled.values()}
    own = [Difference(subject, _values(subject, first_facts, labelled)) for subject in first_facts[first.id]]
    summaries = (RunSummary.of(first), RunSummary.of(second))
    others = differences(labelled, sorted(named), {}, first.scored | second.scored)
    facts = (*(each for each in own if each.values), *others)
    scores = tuple(_score_differences(*summaries))
    return RunPair(*summaries, facts, scores, _test_rows(first) == _test_rows(second))


def _own_facts(run: Run) -> dict[str, str]:
    """Facts that a comparison of several models takes for granted."""
    return {
        "model": run.manifest.model.model,
        "instruments": ", ".join(sorted(run.scored)),
        "source": run.source,
    }


def _test_rows(run: Run) -> tuple[object, ...]:
    """Everything that decides which outcomes the scores of a run are about."""
    members = run.manifest.data.members
    histories = {name: members[name].sha256 for name in run.scored if name in members}
    return run.frequency, run.source, _outcome(run), histories, run.manifest.split.parts["test"]


def _score_differences(first: RunSummary, second: RunSummary) -> list[ScoreDifference]:
    """Every metric that both runs have, and whose values differ."""
    values = second.metrics
    pairs = ((name, value, values[name]) for name, value in first.metrics.items() if name in values)
    return [ScoreDifference(*pair) for pair in pairs if pair[1] != pair[2]]


def _outcome(run: Run) -> str:
    return "changes of the price" if run.config.data.differences else "returns"


_OUTCOMES: Mapping[str, Callable[[Run], str]] = {
    "frequency": lambda run: run.frequency,
    "source": lambda run: run.source,
    "outcomes": _outcome,
}
"""Facts that decide which outcomes a run forecasts, besides the instrument."""


def differences(
    runs: Mapping[str, Run], instruments: Sequence[str], changes: Mapping[str, str], named: Collection[str] = ()
) -> list[Difference]:
    """Every fact that differs. Options of a model are compared between runs of its kind alone.

    Args:
        runs: Label -> run.
        instruments: Names of the instruments that are compared.
        changes: Label -> changes of the histories since the training, of the runs whose histories have changed.
        named: Further instruments that do not count as other series of a run.
    """
    facts = {label: dict(_facts(run, instruments, named)) for label, run in runs.items()}
    if changes:
        for label, values in facts.items():
            values["prices since the training"] = changes.get(label, "unchanged")
    subjects = dict.fromkeys(itertools.chain.from_iterable(facts.values()))
    every = [Difference(subject, _values(subject, facts, runs)) for subject in subjects]
    return [difference for difference in every if difference.values]


def _values(subject: str, facts: Mapping[str, Mapping[str, str]], runs: Mapping[str, Run]) -> dict[str, str]:
    """Label -> value of a fact, among those whose values differ; empty where they agree."""
    values = {label: facts[label].get(subject, "none") for label in runs}
    if not subject.startswith(_MODEL):
        return values if len(set(values.values())) > 1 else {}
    by_kind: dict[str, dict[str, str]] = {}
    for label, run in runs.items():
        by_kind.setdefault(run.manifest.model.model, {})[label] = values[label]
    differing = (same_kind for same_kind in by_kind.values() if len(set(same_kind.values())) > 1)
    return {label: value for same_kind in differing for label, value in same_kind.items()}


def _facts(run: Run, instruments: Sequence[str], named: Collection[str]) -> Iterator[tuple[str, str]]:
    """Subject and value of each fact that decides the weights of a run."""
    manifest = run.manifest
    for name in instruments:
        history = manifest.data.members[name]
        span = f"{history.rows} rows, {history.first} to {history.last}"
        yield f"history of {name}", f"{span}, sha256 {history.sha256[:12]}"
    mentioned = {*instruments, *named}
    others = {name: facts.sha256 for name, facts in manifest.data.members.items() if name not in mentioned}
    digest = f", sha256 {sha256_of(repr(sorted(others.items())).encode())[:12]}" if others else ""
    yield "other series that it has learned from", f"{len(others)}{digest}"
    for covariate in manifest.data.inputs:
        yield f"covariate {covariate['name']}", str(covariate.get("known_sha256") or "used")[:12]
    for part, rows in manifest.split.parts.items():
        yield f"{part} rows", f"{rows.first} to {rows.last}"
    engine = manifest.engine
    if engine.engine is not None:
        yield "engine", f"{engine.engine.backend} on {engine.engine.device}"
    yield "processor", engine.processor
    for package, version in engine.versions.items():
        yield f"version of {package}", version
    for name, value in engine.settings.items():
        yield f"setting of {name}", value
    for key, value in flat_values(run.config.model_dump(mode="json")).items():
        if key not in _NO_FACTS:
            yield key, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "none" if value is None else str(value)
