"""Tables of an audit: a row for each check, and a line for each finding."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from forecaster.output.tables import plain_table

__all__ = ["audit_lines", "audit_rows", "audit_table"]

_WORDS = {"passed": "passed", "failed": "FAILED", "named": "reported", "not_applicable": "-"}


def audit_table(document: Mapping[str, Any]) -> Table:
    """Every check with its outcome.

    Args:
        document: ``audit/1``.
    """
    table = plain_table()
    table.add_column("check", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("requirement")
    for check in document["checks"]:
        table.add_row(check["name"], _WORDS[check["outcome"]], check["what"])
    return table


def audit_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines of all findings, then the outcome in one line."""
    lines = [
        f"{check['name']}: {finding['file']}: {finding['column']}{_since(finding['row'])}: {finding['detail']}"
        for check in document["checks"]
        for finding in check["findings"]
    ]
    about = f"{', '.join(document['instruments'])}, {document['model']}"
    if document["cheaper"]:
        about += f", short fits ({'; '.join(document['cheaper'])}; --full fits at full length)"
    failed = [check["name"] for check in document["checks"] if check["outcome"] == "failed"]
    outcome = f"leak or damage in: {', '.join(failed)}" if failed else "no leak was found"
    empty = [check["name"] for check in document["checks"] if check["outcome"] == "not_applicable"]
    outcome += f"; nothing to compare in: {', '.join(empty)}" if empty else ""
    return [*lines, f"audit of {about}: {outcome}"]


def _since(row: str | None) -> str:
    return f", from {row} on" if row else ""


def audit_rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Flat rows: one for each finding, and one for each check without findings."""
    for check in document["checks"]:
        shared = {"check": check["name"], "outcome": check["outcome"], "seconds": check["seconds"]}
        for finding in check["findings"] or [dict.fromkeys(("file", "column", "row", "detail"))]:
            yield {**shared, **finding}
