"""Tracking of trainings for other programs: facts about a run, and the protocol of their receivers."""

import dataclasses
import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from forecaster.experiments.configurations import flat_values
from forecaster.experiments.run_summaries import RunSummary
from forecaster.experiments.runs import Run

__all__ = [
    "NoTracker",
    "TrackedData",
    "TrackedMetric",
    "TrackedRun",
    "Tracker",
    "tracked_run",
]


@dataclasses.dataclass(frozen=True)
class TrackedMetric:
    """One number.

    Args:
        name: Name, such as ``crps`` or ``crps_ratio.garch``.
        value: Finite value.
        step: Rows ahead; for a learning curve the step of the training.
    """

    name: str
    value: float
    step: int = 0


@dataclasses.dataclass(frozen=True)
class TrackedData:
    """One history.

    Args:
        name: Name of the series.
        source: ``source/symbol/frequency@hash``.
        sha256: Hash of the rows.
    """

    name: str
    source: str
    sha256: str


@dataclasses.dataclass(frozen=True)
class TrackedRun:
    """Everything that is told about a training, or about a trial of a search.

    Args:
        name: Id of the run, or name of the trial.
        parameters: Dotted key -> value of the configuration.
        metrics: Scores, and the learning curve.
        data: Histories.
        tags: Further facts as texts; files are named by their place, not copied.
        started: Seconds since 1970.
        seconds: Duration.
    """

    name: str
    parameters: Mapping[str, object]
    metrics: Sequence[TrackedMetric]
    data: Sequence[TrackedData] = ()
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    started: float = 0.0
    seconds: float = 0.0


class Tracker(Protocol):
    """Receiver of facts about trainings. No method raises an error: a failure is one warning."""

    def record(self, run: TrackedRun, parent: str | None = None) -> str | None:
        """Record a finished training.

        Args:
            run: The facts.
            parent: Result of `open_group`, for a trial of a search.

        Returns:
            Id of the record; None where there is none.
        """

    def open_group(self, run: TrackedRun) -> str | None:
        """Begin a record that others belong to, such as a search, or go on with that of the same name.

        Returns:
            Its id; None where there is none.
        """

    def members(self, group: str | None) -> Collection[str]:
        """Names of the finished records that belong to a group."""

    def close_group(self, group: str | None, run: TrackedRun) -> None:
        """End it with its final metrics and tags."""


class NoTracker:
    """Tracks nothing."""

    def record(self, run: TrackedRun, parent: str | None = None) -> str | None:
        """Record nothing."""
        return None

    def open_group(self, run: TrackedRun) -> str | None:
        """Begin nothing."""
        return None

    def members(self, group: str | None) -> Collection[str]:
        """No names."""
        return ()

    def close_group(self, group: str | None, run: TrackedRun) -> None:
        """End nothing."""


def tracked_run(run: Run) -> TrackedRun:
    """Facts about a recorded training: its configuration, test scores, learning curve, data, versions and folder."""
    manifest = run.manifest
    scores = RunSummary.of(run).metrics
    metrics = [
        TrackedMetric(name, value, int(step))
        for key, value in scores.items()
        for name, _, step in [key.rpartition("@")]
    ]
    for row in run.history():
        step = int(row["step"])
        metrics += [TrackedMetric(f"curve/{name}", value, step) for name, value in row.items() if name != "step"]
    metrics += [TrackedMetric(f"seconds/{stage}", value) for stage, value in manifest.seconds.items()]
    return TrackedRun(
        name=run.id,
        parameters=flat_values(run.config.model_dump(mode="json")),
        metrics=metrics,
        data=[TrackedData(name, facts.series, facts.sha256) for name, facts in manifest.data.members.items()],
        tags={
            "run_id": run.id,
            "folder": str(run.folder.resolve()),
            "instruments": ", ".join(manifest.data.instruments),
            "model": manifest.model.model,
            "configuration": run.configuration.name,
            "parameters": str(manifest.model.parameters),
            "processor": manifest.engine.processor,
            **{f"version.{name}": version for name, version in manifest.engine.versions.items()},
            **_outcomes(run),
        },
        started=_timestamp(manifest.created) - manifest.seconds.get("total", 0.0),
        seconds=manifest.seconds.get("total", 0.0),
    )


def _timestamp(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def _outcomes(run: Run) -> dict[str, str]:
    """Subject of the verdict -> its outcome, as tags."""
    return {f"verdict.{subject}": outcome for subject, (outcome, _) in RunSummary.of(run).whole.items() if outcome}
