"""Searches in a tracker: a record for the study, and one nested in it for each finished trial."""

from collections.abc import Mapping
from typing import Any

from forecaster.environment import Environment
from forecaster.experiments.configurations import flat_values
from forecaster.experiments.search import Search
from forecaster.experiments.search_findings import SearchResult
from forecaster.experiments.studies import Trial
from forecaster.experiments.tracking import TrackedData, TrackedMetric, TrackedRun, Tracker

__all__ = ["TrackedSearch"]


class TrackedSearch:
    """Tells a tracker about the trials of a search, those of earlier commands too, each one once.

    Args:
        tracker: Receiver. Its failure costs a warning.
        search: The search.
        environment: Clock.
    """

    def __init__(self, tracker: Tracker, search: Search, environment: Environment) -> None:
        self._tracker = tracker
        self._search = search
        self._environment = environment
        self._group = tracker.open_group(self._study({}, {}))
        self._told = set(tracker.members(self._group))
        if self._group is not None:
            for trial in search.study.before(len(search.study.trials)):
                if trial.state != "running":
                    self.tell(trial)

    def tell(self, trial: Trial) -> None:
        """Record a finished trial, unless the tracker has it."""
        name = f"trial {trial.number} of {self._search.study.id}"  # a table shows the first letters
        if self._group is None or name in self._told:
            return
        self._told.add(name)
        now = self._environment.clock().timestamp()
        parameters = {**self._parameters(), **trial.settings}
        tags = {"study": self._search.study.id, "state": trial.state, "reason": trial.reason}
        run = TrackedRun(name, parameters, self._metrics(trial), tags=_without_empty(tags), started=now)
        self._tracker.record(run, parent=self._group)

    def close(self, result: SearchResult) -> None:
        """Record the result."""
        winner = result.winner
        lockbox = result.lockbox or {}
        luck = result.findings and result.findings.luck
        numbers = {
            "trials": len(result.study.trials),
            "loss": None if winner is None else winner.loss,
            "p_against_start": luck and luck.against_start,
            "p_against_baseline": luck and luck.against_baseline,
            **{f"lockbox.{name}": value for name, value in lockbox.get("losses", {}).items()},
            **{f"lockbox.{name}": lockbox.get(name) for name in ("p_against_start", "p_against_baseline")},
        }
        tags = {
            "winner": "" if winner is None else str(winner.number),
            "next_command": result.next_command,
            "lockbox.opened": str(lockbox.get("opened", "")),
        }
        self._tracker.close_group(self._group, self._study(numbers, _without_empty(tags)))

    def _study(self, numbers: Mapping[str, float | None], tags: Mapping[str, str]) -> TrackedRun:
        study, plan = self._search.study, self._search.plan
        return TrackedRun(
            name=study.id,
            parameters=self._parameters(),
            metrics=[TrackedMetric(name, float(value)) for name, value in numbers.items() if value is not None],
            data=[TrackedData(series.instrument.name, series.name, series.sha256) for series in plan.panel],
            tags={
                "study": study.id,
                "folder": str(study.folder.resolve()),
                "instruments": ", ".join(plan.base.named),
                "model": plan.kind,
                "lockbox": f"{plan.lockbox.start} to {plan.lockbox.end}",
                **tags,
            },
            started=self._environment.clock().timestamp(),
        )

    def _parameters(self) -> dict[str, Any]:
        return flat_values(self._search.study.facts["config"])

    def _metrics(self, trial: Trial) -> list[TrackedMetric]:
        """Loss, loss of each fold, and CRPS over the baseline's at each step."""
        if not trial.losses:
            return []
        folds = self._search.losses(trial)
        by_step = zip(*(fold.by_step for fold in folds), strict=True)
        name = f"crps_ratio.{self._search.plan.baseline}"
        return [
            TrackedMetric("loss", trial.loss),
            *(TrackedMetric("fold_loss", loss, number) for number, loss in enumerate(trial.losses, start=1)),
            *(
                TrackedMetric(name, sum(ratios) / len(ratios), step)
                for step, ratios in zip(self._search.plan.base.steps, by_step, strict=True)
            ),
        ]


def _without_empty(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in tags.items() if text}
