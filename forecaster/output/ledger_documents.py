"""The ledger as documents, tables and lines: its check, its list, one entry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.experiments.ledger_check import LedgerCheck
from forecaster.output.tables import plain_table, price_text
from forecaster.quantiles import level_weights

__all__ = ["check_document", "check_lines", "entry_lines", "entry_table", "list_rows", "list_table"]

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SHOWN_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def check_document(check: LedgerCheck, path: Path) -> dict[str, Any]:
    """The document ``ledger_check/1``."""
    return {
        "schema": "ledger_check/1",
        "file": str(path),
        "sound": check.bad is None,
        "lines": check.lines,
        "head": check.head,
        "first_issued": None if check.first_issued is None else check.first_issued.strftime(_TIME),
        "last_issued": None if check.last_issued is None else check.last_issued.strftime(_TIME),
        "torn_bytes": check.torn,
        "since_head": check.since_head,
        "bad": None
        if check.bad is None
        else {"line": check.bad.number, "reason": check.bad.reason, "text": check.bad.text},
    }


def check_lines(document: Mapping[str, Any]) -> list[str]:
    """A check in words.

    Args:
        document: ``ledger_check/1``.
    """
    bad = document["bad"]
    if bad is not None:
        lines = [f"{document['file']}: line {bad['line']} of {document['lines']:,} is not sound: {bad['text']}"]
        before = [f"the lines before it are; head there: {document['head']}"]
        return lines + (before if bad["line"] > 1 else [])
    lines = [
        f"{document['file']}: {document['lines']:,} line{'s' if document['lines'] != 1 else ''}, an unbroken chain"
    ]
    if document["lines"]:
        lines.append(f"issued: {document['first_issued']} to {document['last_issued']}")
    if document["torn_bytes"]:
        lines.append(
            f"torn: {document['torn_bytes']:,} bytes of an append that was cut off follow; they are no forecast"
        )
    lines.append(f"head: {document['head']}")
    if document["since_head"] is not None:
        added = document["since_head"]
        lines.append(f"the noted head is in the chain; {added:,} line{' was' if added == 1 else 's were'} added since")
    return lines


def list_rows(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A flat row for each entry."""
    return [
        {
            **{key: entry[key] for key in ("number", "issued", "instrument", "source", "frequency", "cutoff")},
            "last_price": entry["last_price"],
            "last_date": entry["dates"][-1],
            "steps": len(entry["dates"]),
            **{key: entry[key] for key in ("model", "configuration", "run_id", "data_sha256")},
        }
        for entry in entries
    ]


def list_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Table of logged forecasts.

    Args:
        rows: Result of `list_rows`.
    """
    table = plain_table()
    for name in ("line", "issued", "instrument", "after", "last price", "to", "model"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("line", "last price") else "left")
    for row in rows:
        price = price_text(row["last_price"], row["last_price"])
        cells = (row["issued"], row["instrument"], row["cutoff"], price, row["last_date"], row["model"])
        table.add_row(str(row["number"]), *cells)
    return table


def entry_lines(entry: Mapping[str, Any]) -> list[str]:
    """Facts about a logged forecast, line by line."""
    span = SPANS.get(entry["frequency"], "row")
    return [
        f"line {entry['number']}: {entry['instrument']} after {entry['cutoff']} at {entry['last_price']:.6g}, "
        f"issued {entry['issued']}",
        f"run: {entry['run_id']} ({entry['model']}, configuration {entry['configuration']}), "
        f"program {entry['version']}",
        f"data: {entry['source']}, rows of a {span}, sha256 {entry['data_sha256']}",
        f"baselines: {', '.join(entry['baselines'])} at {', '.join(map(str, entry['baseline_steps']))} {span}s",
    ]


def entry_table(entry: Mapping[str, Any]) -> Table:
    """Table of the quantiles of a logged forecast, as prices."""
    table = plain_table()
    for name in ("step", "date", *(f"{level:g}" for level in _SHOWN_LEVELS)):
        table.add_column(name, no_wrap=True, justify="left" if name == "date" else "right")
    returns = entry["scale"] * np.array(entry["quantiles"]) @ level_weights(entry["levels"], _SHOWN_LEVELS)
    last = entry["last_price"]
    prices = last + returns if entry["unit"] == "change" else last * np.exp(returns)
    for step, (date, row) in enumerate(zip(entry["dates"], prices.tolist(), strict=True), start=1):
        table.add_row(str(step), date, *(price_text(value, last) for value in row))
    return table
