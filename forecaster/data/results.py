"""Results of loading, showing and maintaining stored histories."""

import dataclasses
from pathlib import Path
from typing import Literal

from forecaster.data.findings import Finding
from forecaster.data.series import PriceSeries
from forecaster.data.store import Checkup, Pruned, Version
from forecaster.data.store_difference import Difference
from forecaster.data.validation import Report
from forecaster.errors import DamageError, ForecasterError

__all__ = [
    "Fetched",
    "Fetching",
    "HistoryDifference",
    "HistoryFacts",
    "Pruning",
    "StoredHistory",
    "Verification",
]


@dataclasses.dataclass(frozen=True)
class Fetched:
    """Outcome of loading one history.

    Args:
        name: Stored name of the instrument; the source's own symbol where it could not be loaded.
        outcome: ``new``: a new version was stored; ``unchanged``; ``failed``; ``not asked``.
        version: Newest version in the store, where one was stored or refreshed.
        age: Business days since the last row of that version.
        findings: Findings in the rows.
        error: Reason of the failure.
    """

    name: str
    outcome: Literal["new", "unchanged", "failed", "not asked"]
    version: Version | None = None
    age: int | None = None
    findings: tuple[Finding, ...] = ()
    error: ForecasterError | None = None

    @property
    def label(self) -> str:
        """Name of the stored history where there is one, else of the instrument."""
        return self.name if self.version is None else self.version.series


@dataclasses.dataclass(frozen=True)
class Fetching:
    """Outcomes of loading several histories, in the order of the request."""

    fetched: tuple[Fetched, ...]

    @property
    def problem(self) -> ForecasterError | None:
        """All failures as one error, of the kind of the first one; None without any."""
        errors = [history.error for history in self.fetched if history.error is not None]
        if not errors:
            return None
        messages = list(dict.fromkeys(message for error in errors for message in error.messages))
        skipped = [history.label for history in self.fetched if history.outcome == "not asked"]
        if skipped:
            messages.append(f"skipped, since their source does not answer: {', '.join(skipped)}; try later")
        return type(errors[0])(*messages)


@dataclasses.dataclass(frozen=True, eq=False)
class HistoryFacts:
    """Facts about one history.

    Args:
        series: All of its rows, as they are stored.
        versions: Versions in the store, oldest first.
        report: Findings of the validation.
        findings: Repairs of the source and findings of the validation, errors first.
        age: Business days since the last row.
        path: Picture of the history; None without one.
    """

    series: PriceSeries
    versions: tuple[Version, ...]
    report: Report
    findings: tuple[Finding, ...]
    age: int
    path: Path | None = None


@dataclasses.dataclass(frozen=True)
class StoredHistory:
    """One history in the store.

    Args:
        newest: Its newest version.
        versions: Number of versions.
        age: Business days since its last row.
    """

    newest: Version
    versions: int
    age: int


@dataclasses.dataclass(frozen=True)
class Verification:
    """Comparison of stored histories with their hashes.

    Args:
        checkups: One for each version.
        faults: Faults of the file as a whole.
    """

    checkups: tuple[Checkup, ...]
    faults: tuple[str, ...]

    @property
    def damaged(self) -> tuple[Checkup, ...]:
        """Versions that do not match their hash."""
        return tuple(checkup for checkup in self.checkups if checkup.damage)

    @property
    def histories(self) -> int:
        """Number of histories."""
        return len({checkup.version.key for checkup in self.checkups})

    @property
    def problem(self) -> DamageError | None:
        """One message for each damaged version and each fault of the file; None when all is well."""
        messages = [checkup.damage for checkup in self.checkups if checkup.damage] + list(self.faults)
        return DamageError(*messages) if messages else None


@dataclasses.dataclass(frozen=True)
class HistoryDifference:
    """Difference between two stored versions.

    Args:
        first: The one.
        second: The other.
        difference: Changes that turn the first into the second.
        rows: Number of rows of each kind that are shown.
    """

    first: Version
    second: Version
    difference: Difference
    rows: int


@dataclasses.dataclass(frozen=True)
class Pruning:
    """Versions that a pruning has removed, or would remove.

    Args:
        pruned: Versions, rows and bytes.
        dry_run: True if nothing was removed.
        remaining: Number of versions that stay.
    """

    pruned: Pruned
    dry_run: bool
    remaining: int
