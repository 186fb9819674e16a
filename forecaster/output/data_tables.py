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
    "verification_line",
    "versions_table",
]

_WIDEST = 110  # letters of a fact; the document has all of it
_DIGITS = 12  # of a hash
_MINUTE = len("2026-11-20T12:00")


def _table(left: Sequence[str], right: Sequence[str] = (), last: Sequence[str] = ()) -> Table:
    """A plain table: names on the left, numbers to the right, and texts, which may be folded, at the end."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    for name in last:
        table.add_column(name, overflow="fold")
    return table


def _plain(*cells: Any) -> list[Any]:
    """Cells as texts in which square brackets are square brackets."""
    from rich.text import Text

    return [Text("-" if cell is None else str(cell)) for cell in cells]


def _saved(text: str) -> str:
    return text[:_MINUTE].replace("T", " ")


def histories_table(histories: Sequence[Mapping[str, Any]]) -> Table:
    """`data list`: one line a history."""
    table = _table(["history"], ["versions", "rows"], ["first", "last", "age", "saved (UTC)", "newest hash"])
    table.columns[5].justify = "right"
    for one in histories:
        table.add_row(
            *_plain(one["series"], one["versions"], f"{one['rows']:,}", one["first"], one["last"]),
            *_plain(_days(one["age_business_days"]), _saved(one["saved_at"]), one["sha256"][:_DIGITS]),
        )
    return table


def _days(age: int | None) -> str | None:
    if age is None:
        return None
    return "up to date" if age <= 0 else f"{age:,} day{'s' if age > 1 else ''}"


def versions_table(versions: Sequence[Mapping[str, Any]]) -> Table:
    """The versions of one history, or those that go when the store is cleared out."""
    several = len({one["series"] for one in versions}) > 1
    table = _table(
        [*(["history"] if several else []), "version", "saved (UTC)"],
        ["rows", "added", "revised", "removed"],
        ["first", "last"],
    )
    for one in versions:
        names = [one["series"]] if several else []
        counts = (f"{one[key]:,}" for key in ("rows", "added", "revised", "removed"))
        table.add_row(
            *_plain(*names, one["sha256"][:_DIGITS], _saved(one["saved_at"]), *counts, one["first"], one["last"])
        )
    return table


def findings_table(findings: Sequence[Mapping[str, Any]]) -> Table:
    """What was found in a history, errors first."""
    table = _table(["severity", "code"], ["count"], ["what"])
    for one in findings:
        table.add_row(*_plain(one["severity"], one["code"], f"{one['count']:,}", one["text"]))
    return table


def fetch_table(histories: Sequence[Mapping[str, Any]]) -> Table:
    """`data fetch` and `data refresh`: what became of each history."""
    table = _table(
        ["history", "outcome"], ["rows", "added", "revised", "removed"], ["first", "last", "age", "hash", "findings"]
    )
    for one in histories:
        version, new = one["version"], one["outcome"] == "new"
        outcome = "new version" if new else one["outcome"]
        if version is None:
            table.add_row(*_plain(one["instrument"], outcome))
            continue
        changes = [f"{version[key]:,}" if new else None for key in ("added", "revised", "removed")]
        looked_at = one["outcome"] in ("new", "unchanged")
        found = (", ".join(_counted(one["findings"])) or "none") if looked_at else None
        table.add_row(
            *_plain(version["series"], outcome, f"{version['rows']:,}", *changes, version["first"], version["last"]),
            *_plain(_days(one["age_business_days"]), version["sha256"][:_DIGITS], found),
        )
    return table


def _counted(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many findings there are of each severity.

    >>> _counted([{"severity": "warning"}, {"severity": "warning"}, {"severity": "info"}])
    ['2 warnings', '1 remark']
    """
    counts: dict[str, int] = {}
    for one in findings:
        counts[one["severity"]] = counts.get(one["severity"], 0) + 1
    words = {"info": "remark"}
    return [f"{count} {words.get(name, name)}{'s' if count > 1 else ''}" for name, count in counts.items()]


def show_lines(document: Mapping[str, Any]) -> list[str]:
    """`data show`: what stands above the tables."""
    lowest, highest = (f"{document[key]['price']:.6g} on {document[key]['date']}" for key in ("lowest", "highest"))
    age = _days(document["age_business_days"]) or ""
    lines = [
        document["series"],
        f"rows: {document['rows']:,} from {document['first']} to {document['last']} "
        f"({age}{' old' if age and age != 'up to date' else ''})",
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
            *(f"  {key.replace('_', ' ')}: {shorten(value, _WIDEST, placeholder=' ...')}" for key, value in facts),
        ]
    if not document["versions"]:
        lines.append("stored: not yet; keep it with: forecast data fetch")
    return lines


def difference_lines(document: Mapping[str, Any]) -> list[str]:
    """`data diff`: what stands above the revised rows."""
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
    table = _table(["column"], ["revised"], ["date", "old", "new", "new/old"])
    for place in (3, 4, 5):
        table.columns[place].justify = "right"
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
    """`data prune`: what stands under the versions that go."""
    gone, kept = (
        f"{count:,} version{'s' if count != 1 else ''}" for count in (len(document["versions"]), document["kept"])
    )
    if not document["versions"]:
        return [f"nothing to remove: {kept} kept, each the newest of its history or used by a run"]
    freed = f"{document['bytes'] / 1024:,.0f} KiB"
    rows = f"{document['rows']:,} row{'s' if document['rows'] != 1 else ''} that no other version has"
    if document["dry_run"]:
        return [f"would remove {gone} with {rows}, about {freed}; {kept} kept"]
    space = f"{freed} freed" if document["shrunk"] else "the file is in use and keeps its size, for the next versions"
    return [f"removed {gone} with {rows}, {space}; {kept} kept"]


def verification_line(document: Mapping[str, Any]) -> str:
    """`data verify` in one line."""
    count = document["versions"]
    histories = document["histories"]
    damaged = len(document["damaged"])
    checked = f"{count} version{'s' if count != 1 else ''} of {histories} histor{'ies' if histories != 1 else 'y'}"
    if damaged:
        return f"{damaged} of {checked} {'are' if damaged > 1 else 'is'} damaged"
    return f"{checked} {'are' if count != 1 else 'is'} intact"
