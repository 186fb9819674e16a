"""Findings of a search in a file of its study: luck, effects of the settings, and the command that trains the winner.

The file repeats the result of a finished search without data and without fits. It counts for the trials that it names.
"""

import dataclasses
import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Self

from forecaster.experiments.search_space import Space, space_of_document
from forecaster.experiments.studies import Study, Trial
from forecaster.frames import Row, Tabular

__all__ = ["Effect", "Findings", "Group", "Luck", "SearchResult", "relative_loss"]

FILE = "findings.json"


@dataclasses.dataclass(frozen=True)
class Luck:
    """Tests of the best trial among all complete ones, on days that have steered no trial.

    Args:
        trials: Trials of the study, the starting configuration among them.
        days: Days of the test; 0 where the starting configuration has failed, or no trial is complete.
        against_start: P-value of "no trial is better than the starting configuration"; None where it cannot be tested.
        against_baseline: P-value of "no trial is better than the baseline"; None likewise.
    """

    trials: int
    days: int
    against_start: float | None
    against_baseline: float | None


@dataclasses.dataclass(frozen=True)
class Group:
    """Trials with similar values of a setting.

    Args:
        values: The values, or ends of their range, as JSON values.
        trials: Number of trials.
        excess: Mean loss over that of the starting configuration on the same folds, minus 1.
    """

    values: tuple[Any, ...]
    trials: int
    excess: float


@dataclasses.dataclass(frozen=True)
class Effect:
    """Effect of a setting.

    Args:
        key: Dotted key.
        importance: Share of the variance of the losses that its groups explain.
        p_value: P-value of "its groups have different losses", by permutation, times the number of settings.
        groups: The groups: single choices, or thirds of a range.
    """

    key: str
    importance: float
    p_value: float
    groups: tuple[Group, ...]

    @property
    def best(self) -> Group:
        """Group with the least loss."""
        return min(self.groups, key=lambda group: group.excess)

    @property
    def worst(self) -> Group:
        """Group with the largest loss."""
        return max(self.groups, key=lambda group: group.excess)


@dataclasses.dataclass(frozen=True)
class Findings:
    """Everything about the trials that needs their records or the data.

    Args:
        luck: Tests of the winner.
        effects: Settings, the most important one first; empty with few trials.
        next_command: Command that trains the winner.
    """

    luck: Luck
    effects: tuple[Effect, ...]
    next_command: str

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """The findings that `to_json` wrote; ValueError, KeyError or TypeError for anything else."""
        effects = tuple(
            Effect(
                str(effect["key"]),
                float(effect["importance"]),
                float(effect["p_value"]),
                tuple(
                    Group(tuple(group["values"]), int(group["trials"]), float(group["excess"]))
                    for group in effect["groups"]
                ),
            )
            for effect in document["effects"]
        )
        luck = document["luck"]
        against = [None if luck[key] is None else float(luck[key]) for key in ("against_start", "against_baseline")]
        return cls(Luck(int(luck["trials"]), int(luck["days"]), *against), effects, str(document["next_command"]))


@dataclasses.dataclass(frozen=True)
class SearchResult(Tabular):
    """A search and what it has found.

    Args:
        study: The study, with all trials.
        findings: Luck and effects; None where the search of all its trials has not come to its end.
        opened_now: True if this command opened the lockbox.
    """

    study: Study
    findings: Findings | None
    opened_now: bool = False

    @classmethod
    def of(cls, study: Study) -> Self:
        """The result that a study has recorded.

        Raises:
            DamageError: The file of the findings is damaged.
        """
        findings = study.read_document(FILE, Findings.from_json)
        is_whole = study.is_finished and findings is not None and findings.luck.trials == len(study.trials)
        return cls(study, findings if is_whole else None)

    @property
    def winner(self) -> Trial | None:
        """Complete trial with the least loss; None where there is none."""
        return self.study.best()

    @property
    def start(self) -> Trial | None:
        """The trial of the starting configuration; None before it is made."""
        return self.study.trials.get(0)

    @property
    def trials(self) -> list[Trial]:
        """All trials, in order."""
        return [self.study.trials[number] for number in sorted(self.study.trials)]

    @property
    def effects(self) -> Sequence[Effect]:
        """Settings, the most important one first; empty with few trials."""
        return () if self.findings is None else self.findings.effects

    @property
    def lockbox(self) -> Mapping[str, Any] | None:
        """Record of the opened lockbox; None while it is closed."""
        return self.study.lockbox

    @property
    def space(self) -> Space:
        """Keys and values that are searched."""
        return space_of_document(self.study.facts["space"])

    @property
    def next_command(self) -> str:
        """Command that trains the winner, or goes on with the search."""
        if self.findings is not None:
            return self.findings.next_command
        home = self.study.folder.parent.parent
        return shlex.join(
            ["forecast", "search", "--study", self.study.id, *(["--home", str(home)] if home.name else [])]
        )

    @property
    def title(self) -> str:
        """Id of the study."""
        return f"study {self.study.id}"

    def summary(self) -> dict[str, Any]:
        """The study in one row, as JSON values."""
        states = [trial.state for trial in self.trials]
        winner = self.winner
        luck = None if self.findings is None else self.findings.luck
        return {
            "study": self.study.id,
            "created": self.study.created,
            "instruments": list(self.study.facts["named"]),
            "model": self.study.facts["config"]["model"]["kind"],
            "trials": len(states),
            "complete": states.count("complete"),
            "running": states.count("running"),
            "winner": None if winner is None else winner.number,
            "loss": None if winner is None else winner.loss,
            "loss_change": None if winner is None else self.loss_change(winner),
            "p_against_start": None if luck is None else luck.against_start,
            "p_against_baseline": None if luck is None else luck.against_baseline,
            "lockbox_opened": None if self.lockbox is None else self.lockbox["opened"],
        }

    def loss_change(self, trial: Trial) -> float | None:
        """Loss of a trial over that of the starting configuration on the same folds, minus 1; None without losses."""
        start = self.start
        return relative_loss(trial, start) if start is not None and start.losses and trial.losses else None

    def table_rows(self) -> list[Row]:
        """A row for each trial: number, state, losses and settings."""
        return [
            {
                "trial": trial.number,
                "state": trial.state,
                "loss": trial.loss if trial.losses else None,
                "loss_change": self.loss_change(trial),
                **{key: _cell(trial.settings.get(key)) for key in self.space},
            }
            for trial in self.trials
        ]


def _cell(value: Any) -> Any:
    return str(value) if isinstance(value, list | dict) else value


def relative_loss(trial: Trial, start: Trial) -> float:
    """Loss of a trial over that of the starting configuration on the same folds, minus 1."""
    return trial.loss / statistics.fmean(start.losses[: len(trial.losses)]) - 1
