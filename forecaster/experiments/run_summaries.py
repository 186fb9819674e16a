"""Summaries of recorded runs: the facts by which runs are listed, selected and ranked."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from forecaster.data.instruments import Instrument
from forecaster.errors import DamageError
from forecaster.experiments.annotations import Annotations, annotations_of
from forecaster.experiments.configurations import ConfigurationFacts
from forecaster.experiments.runs import Run, read_run

__all__ = ["RunSummary", "covered_clause", "metrics_of", "some_names"]

MAX_LISTED_MEMBERS = 5

NUMBERS = ("crps", "weighted_quantile_loss", "log_score")  # of each model; the run's own counts
RATIOS = ("rmse_ratio_returns", "mae_return", "rmse_return")


@dataclasses.dataclass(frozen=True)
class RunSummary:
    """Facts of a recorded run without its files.

    Args:
        id: Name of the folder of the run.
        parent: Folder of all runs.
        created: Time of the training, ISO 8601.
        fit_key: Hash of all that decides the tested weights; empty where it is not recorded.
        metric_values: Metrics on the test rows, averaged over the named instruments, as text between blanks.
        metric_names: Their names, such as ``crps_ratio.garch@5``.
        instruments: Names of the instruments, as the user gave them.
        members: Names of every series of the panel.
        source: Registry key of the source of its data.
        frequency: Length of one row.
        model: Registry key of the model.
        horizon: Longest step.
        seed: Random seed.
        configuration: The nearest shipped configuration, and the keys that differ.
        refit: True if the weights were fitted again on all rows.
        fitted_until: Last date that the weights have seen, ISO 8601.
        outcomes: Name of each scored instrument -> subject of a verdict -> outcome and opponent.
        whole: Subject of the verdict on all named instruments -> outcome and opponent.
        tags: Tags of the user, sorted.
        notes: Number of notes.
        unreadable_notes: Error about notes and tags that cannot be read; empty for none.
    """

    id: str
    parent: Path
    created: str
    fit_key: str
    metric_values: str
    metric_names: tuple[str, ...]
    instruments: tuple[str, ...]
    members: frozenset[str]
    source: str
    frequency: str
    model: str
    horizon: int
    seed: int
    configuration: ConfigurationFacts
    refit: bool
    fitted_until: str
    outcomes: Mapping[str, Mapping[str, tuple[str, str]]]
    whole: Mapping[str, tuple[str, str]]
    tags: tuple[str, ...] = ()
    notes: int = 0
    unreadable_notes: str = ""

    @property
    def folder(self) -> Path:
        """Folder of the run, made when it is needed: thousands of paths take as long as reading the index."""
        return self.parent / self.id

    @property
    def scored(self) -> frozenset[str]:
        """Names of the instruments that the run named and scored."""
        return frozenset(self.outcomes)

    @property
    def metrics(self) -> dict[str, float]:
        """Name -> value of each metric."""
        return dict(zip(self.metric_names, map(float, self.metric_values.split()), strict=True))

    def metric(self, name: str) -> float | None:
        """A metric; None where the run lacks it."""
        if name not in self.metric_names:
            return None
        return float(self.metric_values.split()[self.metric_names.index(name)])

    def read(self) -> Run:
        """The run itself.

        Raises:
            DamageError: It has been damaged or removed.
        """
        return read_run(self.folder)

    @classmethod
    def of(cls, run: Run) -> Self:
        """The summary of a run.

        Raises:
            DamageError: The run does not record its configuration, and the file of it is damaged.
        """
        manifest = run.manifest
        metrics = metrics_of(run)
        annotations, damage = _annotations(run.folder)
        return cls(
            id=run.id,
            parent=run.folder.parent,
            created=manifest.created,
            fit_key=manifest.fit_key,
            metric_values=" ".join(f"{value:.7g}" for value in metrics.values()),
            metric_names=tuple(metrics),
            instruments=manifest.data.instruments,
            members=frozenset(manifest.data.members),
            source=run.source,
            frequency=run.frequency,
            model=manifest.model.model,
            horizon=manifest.model.horizon,
            seed=manifest.model.seed,
            configuration=run.configuration,
            refit=manifest.split.refit,
            fitted_until=str(run.fitted_until),
            outcomes={name: _outcomes(verdict) for name, verdict in manifest.scores.verdicts.items()},
            whole=_outcomes(manifest.scores.verdict or {}),
            tags=annotations.tags,
            notes=len(annotations.notes),
            unreadable_notes=damage,
        )


def _annotations(folder: Path) -> tuple[Annotations, str]:
    """Notes and tags; none and the error where they are damaged, since a run does not need them to forecast."""
    try:
        return annotations_of(folder), ""
    except DamageError as error:
        return Annotations(), error.messages[0]


def _outcomes(verdict: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Subject -> outcome and opponent, empty texts where they are not recorded."""
    return {
        subject: (str(claim.get("outcome") or ""), str(claim.get("against") or ""))
        for subject, claim in verdict.items()
        if isinstance(claim, Mapping)
    }


def metrics_of(run: Run) -> dict[str, float]:
    """Name -> metric on the test rows, averaged over the named instruments."""
    values: dict[str, list[float]] = {}
    for score in run.manifest.scores.scores:
        if score["part"] != "test":
            continue
        for name, value in _numbers(score, run.manifest.model.model).items():
            if isinstance(value, int | float):
                values.setdefault(f"{name}@{score['step']}", []).append(value)
    return {name: float(np.mean(each)) for name, each in values.items()}


def _numbers(score: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Name -> value of the metrics of one step."""
    own = {name: score[name].get(model) for name in NUMBERS if isinstance(score.get(name), Mapping)}
    nested = {
        f"{name}.{key}": value for name in ("crps_ratio", "coverage") for key, value in score.get(name, {}).items()
    }
    return {**own, **nested, **{name: score.get(name) for name in RATIOS}}


def covered_clause(instrument: Instrument, runs: Sequence[RunSummary]) -> str:
    """Clause about the instruments that runs forecast; empty if they have the wanted one, or none."""
    names = sorted({name for run in runs for name in run.members})
    if not names or instrument.canonical.name in names:
        return ""
    near = difflib.get_close_matches(instrument.name, names, n=1)
    if near and instrument.kind != "pair":  # whose currencies there are
        return f"; did you mean {'--name ' if instrument.kind == 'csv' else ''}{near[0]}"
    return f"; its runs forecast {some_names(names)}"


def some_names(names: Sequence[str]) -> str:
    """The first few of some names.

    >>> some_names(["EURUSD", "USDJPY"])
    'EURUSD, USDJPY'
    """
    more = len(names) - MAX_LISTED_MEMBERS
    return ", ".join(names[:MAX_LISTED_MEMBERS]) + (f" and {more} more" if more > 0 else "")
