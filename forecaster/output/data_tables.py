"""The documents ``data/1`` as tables and lines; nothing is computed here but the layout."""

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from rich.table import Table

__all__ = [
    "difference_lines",
    "fetch_table",
    "findings_table",
    "histories_table",
    "prune_lines",
    "revised_table",
    "show_lines",
    "used_lines",
    "used_table",
    "verification_line",
    "versions_table",
]

MAX_FACT_WIDTH = 110  # characters of a fact; the document holds all of it
_DIGITS = 12  # of a hash
_MINUTE = len("2026-11-20T12:00")


def _table(*columns: str) -> Table:
    """A plain table.

    Args:
        columns: Headings; those that end in ``>`` stand over numbers, those that end in ``~`` over texts that may wrap.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        title = column.rstrip(">~")
        if column.endswith("~"):
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right" if column.endswith(">") else "left", no_wrap=True)
    return table


def _plain(*cells: Any) -> list[Any]:
    """Cells as texts, in which square brackets are not markup."""
    from rich.text import Text

    return [Text("-" if cell is None else str(cell)) for cell in cells]


def _saved(text: str) -> str:
    return text[:_MINUTE].replace("T", " ")


def histories_table(histories: Sequence[Mapping[str, Any]]) -> Table:
    """`data list`: one line for each history."""
    table = _table("history", "versions>", "rows>", "first", "last", "age (business)>", "saved (UTC)", "newest hash")
    for history in histories:
        table.add_row(
            *_plain(history["series"], history["versions"], f"{history['rows']:,}", history["first"], history["last"]),
            *_plain(_days(history["age_business_days"]), _saved(history["saved_at"]), history["sha256"][:_DIGITS]),
        )
    return table


def used_table(histories: Sequence[Mapping[str, Any]]) -> Table:
    """`data list --used-by`: one line for each history."""
    table = _table("history", "role", "rows>", "first", "last", "hash", "stored version")
    for history in histories:
        stored = history["stored_sha256"]
        version = None if stored is None else stored[:_DIGITS] + ("" if history["in_store"] else " (gone)")
        name = history["series"].partition("@")[0]
        table.add_row(
            *_plain(name, history["role"], f"{history['rows']:,}", history["first"], history["last"]),
            *_plain(history["sha256"][:_DIGITS], version),
        )
    return table


def used_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines under the table: universe and covariates of the run."""
    digits = "" if document["universe_sha256"] is None else f"@{document['universe_sha256'][:_DIGITS]}"
    lines = [f"run: {document['run_id']}, universe {document['universe']}{digits}"]
    for covariate in document["covariates"]:
        hash_text = "no hash" if covariate["sha256"] is None else covariate["sha256"][:_DIGITS]
        lines.append(f"covariate: {covariate['name']}, {hash_text}")
    return lines


def _days(age: int | None) -> str | None:
    if age is None:
        return None
    return "up to date" if age <= 0 else f"{age:,} day{'s' if age > 1 else ''}"


def versions_table(versions: Sequence[Mapping[str, Any]]) -> Table:
    """The versions of one history, or those that are removed from the store."""
    several = len({version["series"] for version in versions}) > 1
    counts = ("rows", "added", "revised", "removed")
    table = _table(
        *(["history"] if several else []), "version", "saved (UTC)", *(f"{key}>" for key in counts), "first", "last"
    )
    for version in versions:
        cells = [version["series"]] if several else []
        cells += [version["sha256"][:_DIGITS], _saved(version["saved_at"])]
        cells += [f"{version[key]:,}" for key in counts]
        table.add_row(*_plain(*cells, version["first"], version["last"]))
    return table


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """Findings in a history, errors first."""
    table = _table("severity", "code", "count>", "finding~")
    for finding in findings:
        table.add_row(*_plain(finding["severity"], finding["code"], f"{finding['count']:,}", finding["text"]))
    return table


def fetch_table(histories: Sequence[Mapping[str, Any]]) -> Table:
    """`data fetch` and `data refresh`: the outcome for each history."""
    numbers = ("rows>", "added>", "revised>", "removed>")
    table = _table("history", "outcome", *numbers, "first", "last", "age (business)", "hash", "findings")
    for history in histories:
        version = history["version"]
        new = history["outcome"] == "new"
        outcome = "new version" if new else history["outcome"]
        if version is None:
            table.add_row(*_plain(history["instrument"], outcome))
            continue
        changes = [f"{version[key]:,}" if new else None for key in ("added", "revised", "removed")]
        checked = history["outcome"] in ("new", "unchanged")
        findings = (", ".join(_counted(history["findings"])) or "none") if checked else None
        table.add_row(
            *_plain(version["series"], outcome, f"{version['rows']:,}", *changes, version["first"], version["last"]),
            *_plain(_days(history["age_business_days"]), version["sha256"][:_DIGITS], findings),
        )
    return table


def _counted(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Number of findings of each severity.

    >>> _counted([{"severity": "warning"}, {"severity": "warning"}, {"severity": "info"}])
    ['2 warnings', '1 remark']
    """
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding["severity"]] = counts.get(finding["severity"], 0) + 1
    words = {"info": "remark"}
    return [f"{count} {words.get(name, name)}{'s' if count > 1 else ''}" for name, count in counts.items()]


def show_lines(document: Mapping[str, Any]) -> list[str]:
    """`data show`: the lines above the tables."""
    lowest, highest = (f"{document[key]['price']:.6g} on {document[key]['date']}" for key in ("lowest", "highest"))
    age = _days(document["age_business_days"]) or ""
    lines = [
        document["series"],
        f"rows: {document['rows']:,} from {document['first']} to {document['last']} "
        f"({age.replace('day', 'business day') + ' old' if age and age != 'up to date' else age})",
        f"columns: {', '.join(document['columns'])}",
        f"close: last {document['last_price']:.6g}, lowest {lowest}, highest {highest}",
        f"sha256: {document['sha256']}",
    ]
    if document["attribution"]:
        lines.append(f"attribution: {document['attribution']}")
    if document["origin"]:
        facts = document["origin"].items()
        lines += [
            "origin:",
            *(
                f"  {key.replace('_', ' ')}: {shorten(value, MAX_FACT_WIDTH, placeholder=' ...')}"
                for key, value in facts
            ),
        ]
    if not document["versions"]:
        lines.append("stored: not yet; store it with: forecast data fetch")
    return lines


def difference_lines(document: Mapping[str, Any]) -> list[str]:
    """`data diff`: the lines above the revised rows."""
    lines = [
        f"{sign} {version['series']}@{version['sha256'][:_DIGITS]}, {version['rows']:,} rows, {version['first']} to "
        f"{version['last']}, saved {_saved(version['saved_at'])} UTC"
        for sign, version in (("-", document["first"]), ("+", document["second"]))
    ]
    if document["same"]:
        return [*lines, "no difference"]
    for kind in ("added", "removed", "revised"):
        part = document[kind]
        dates = ", ".join(part["dates"]) + (", ..." if part["count"] > len(part["dates"]) else "")
        lines.append(f"{kind}: {part['count']:,} row{'s' if part['count'] != 1 else ''}{f' ({dates})' * bool(dates)}")
    for name, change in document["revised"]["columns"].items():
        if change["ratio"] is not None:
            lines.append(
                f"{name}: new over old is {change['ratio']:.6g} in all {change['count']:,} rows: "
                "a split, a dividend or other units"
            )
    return lines


def revised_table(document: Mapping[str, Any]) -> Table | None:
    """`data diff`: old and new values of the first revised rows, column by column; None where there are none."""
    columns = document["revised"]["columns"]
    if not columns:
        return None
    table = _table("column", "revised>", "date", "old>", "new>", "new/old>")
    for name, change in columns.items():
        for number, row in enumerate(change["rows"]):
            head = (name, f"{change['count']:,}") if number == 0 else ("", "")
            old, new = row["old"], row["new"]
            ratio = f"{new / old:.6g}" if old and new is not None else None
            table.add_row(*_plain(*head, row["date"], _value(old), _value(new), ratio))
    return table


def _value(value: float | None) -> str | None:
    return None if value is None else f"{value:.10g}"


def prune_lines(document: Mapping[str, Any]) -> list[str]:
    """`data prune`: the line below the removed versions."""
    removed, left = (
        f"{count:,} version{'s' if count != 1 else ''}" for count in (len(document["versions"]), document["kept"])
    )
    if not document["versions"]:
        return [f"nothing to remove: {left} kept, each the newest of its history or used by a run"]
    freed = f"{document['bytes'] / 1024:,.0f} KiB"
    rows = f"{document['rows']:,} row{'s' if document['rows'] != 1 else ''} that no other version has"
    if document["dry_run"]:
        return [f"would remove {removed} with {rows}, about {freed}; {left} kept"]
    space = f"{freed} freed" if document["shrunk"] else "the file is in use and keeps its size, for the next versions"
    return [f"removed {removed} with {rows}, {space}; {left} kept"]


def verification_line(document: Mapping[str, Any]) -> str:
    """`data verify` in one line."""
    count = document["versions"]
    histories = document["histories"]
    damaged = len(document["damaged"])
    checked = f"{count} version{'s' if count != 1 else ''} of {histories} histor{'ies' if histories != 1 else 'y'}"
    if damaged:
        return f"{damaged} of {checked} {'are' if damaged > 1 else 'is'} damaged"
    return f"{checked} {'are' if count != 1 else 'is'} intact"
