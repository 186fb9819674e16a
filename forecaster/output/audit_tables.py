"""Tables of an audit: a row a check, and each finding in one line."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

__all__ = ["audit_lines", "audit_rows", "audit_table"]

_WORDS = {"passed": "passed", "failed": "FAILED", "named": "named", "not_applicable": "-"}


def audit_table(document: Mapping[str, Any]) -> Table:
    """Every check with its outcome.

    Args:
        document: ``audit/1``.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("check", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("what was done and demanded")
    for check in document["checks"]:
        table.add_row(check["name"], _WORDS[check["outcome"]], check["what"])
    return table


def audit_lines(document: Mapping[str, Any]) -> list[str]:
    """Every finding, then the outcome in one line."""
    lines = []
    for check in document["checks"]:
        for finding in check["findings"]:
            start = f", from {finding['row']} on" if finding["row"] else ""
            lines.append(f"{check['name']}: {finding['file']}: {finding['column']}{start}: {finding['detail']}")
    about = f"{', '.join(document['instruments'])}, {document['model']}"
    if document["cheaper"]:
        about += f", fits made cheaper ({'; '.join(document['cheaper'])}; --full makes them whole)"
    failed = [check["name"] for check in document["checks"] if check["outcome"] == "failed"]
    outcome = f"a leak or damage in: {', '.join(failed)}" if failed else "no leak was found"
    open_ = [check["name"] for check in document["checks"] if check["outcome"] == "not_applicable"]
    outcome += f"; nothing could be compared in: {', '.join(open_)}" if open_ else ""
    return [*lines, f"audit of {about}: {outcome}"]


def audit_rows(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A flat row for each finding, and one for each check without."""
    for check in document["checks"]:
        shared = {"check": check["name"], "outcome": check["outcome"], "seconds": check["seconds"]}
        for finding in check["findings"] or [{"file": None, "column": None, "row": None, "detail": None}]:
            yield {**shared, **finding}
