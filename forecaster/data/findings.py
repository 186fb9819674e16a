"""Findings about a history, and notes for the user."""

import dataclasses
import enum
import json
from collections.abc import Iterable

__all__ = ["OLD_DATA", "Finding", "Note", "Severity", "findings_from_json", "findings_to_json", "merged_findings"]


OLD_DATA = "old_data"
"""Code of the finding about the age of the newest row."""


class Severity(enum.StrEnum):
    """Consequence of a finding: errors forbid using the history, repairs have been made, warnings leave it as it is."""

    ERROR = "error"
    REPAIR = "repair"
    WARNING = "warning"
    INFO = "info"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong or unusual in a history, however many rows it concerns.

    Args:
        code: Short name, for programs.
        severity: Consequence.
        count: Rows, days or years that it concerns.
        dates: The first of them, ISO 8601.
        text: One line for people.
    """

    code: str
    severity: Severity
    count: int
    dates: tuple[str, ...]
    text: str

    @property
    def is_about_age(self) -> bool:
        """True for the finding about the age of the newest row, which every line about the data states anyway."""
        return self.code == OLD_DATA


@dataclasses.dataclass(frozen=True)
class Note:
    """One line for the user.

    Args:
        topic: First word of the line: ``data``, ``universe``, ``warning``, ...
        text: The message.
        severity: Severity of the finding behind it, if any.
        subject: Name of the series that it concerns, where several are in use.

    >>> print(Note("data", "2 rows dropped", Severity.REPAIR).about("SP500"))
    data: SP500: repair: 2 rows dropped
    """

    topic: str
    text: str
    severity: Severity | None = None
    subject: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.topic, self.subject, self.severity, self.text) if part)

    def about(self, subject: str) -> "Note":
        """The same note with the name of its series."""
        return dataclasses.replace(self, subject=subject)


def merged_findings(*groups: Iterable[Finding]) -> tuple[Finding, ...]:
    """All findings of several groups, errors first; the same text appears once."""
    by_text = {finding.text: finding for group in groups for finding in group}
    return tuple(sorted(by_text.values(), key=lambda finding: list(Severity).index(finding.severity)))


def findings_to_json(findings: Iterable[Finding]) -> str:
    """Findings as text for the store."""
    return json.dumps([dataclasses.asdict(finding) for finding in findings])


def findings_from_json(text: str) -> tuple[Finding, ...]:
    """Findings from the text in the store.

    Raises:
        ValueError: The text holds something else.
    """
    try:
        return tuple(
            Finding(**{**facts, "severity": Severity(facts["severity"]), "dates": tuple(facts["dates"])})
            for facts in json.loads(text)
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"findings cannot be read: {error}") from error
