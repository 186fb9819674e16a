"""State of a project and of its surroundings: what is wrong with it, and what to do next."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from forecaster.frames import Row, Tabular

__all__ = ["Diagnosis", "Finding", "NextSteps", "Outcome"]

Outcome = Literal["ok", "warning", "problem"]
"""``warning``: it works, but not as well as it could. ``problem``: a command will fail, or something is damaged."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Result of one check.

    Args:
        subject: Name of what was checked.
        outcome: See `Outcome`.
        text: The finding in one line.
        commands: Command lines that help.
    """

    subject: str
    outcome: Outcome
    text: str
    commands: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Diagnosis(Tabular):
    """Results of all checks, in order."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome."""
        outcomes = {finding.outcome for finding in self.findings}
        return "problem" if "problem" in outcomes else "warning" if "warning" in outcomes else "ok"

    def table_rows(self) -> list[Row]:
        """A row for each check."""
        return [{**dataclasses.asdict(finding), "commands": "; ".join(finding.commands)} for finding in self.findings]


@dataclasses.dataclass(frozen=True)
class NextSteps:
    """State of a project, and command lines that go on from there.

    Args:
        home: Project folder.
        runs: Number of recorded runs.
        instrument: Name of an instrument of the newest run; None without runs.
        commands: Command line -> its purpose, the most useful first.
    """

    home: Path
    runs: int
    instrument: str | None
    commands: Mapping[str, str]
