"""Tables of configurations and of their keys."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.output.tables import plain_table

__all__ = ["configuration_table", "key_table"]


def configuration_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Installed configurations: name, kind of model, purpose."""
    table = plain_table()
    for head in ("name", "model"):
        table.add_column(head, no_wrap=True)
    table.add_column("purpose")
    for row in rows:
        table.add_row(row["name"], row["model"], row["purpose"])
    return table


def key_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Keys of a configuration: default, meaning, and in brackets the values and the models that have them."""
    table = plain_table()
    table.add_column("key", no_wrap=True)
    for head in ("default", "meaning"):
        table.add_column(head)
    for row in rows:
        values = f"({'; '.join([row['values'], *filter(None, [', '.join(row['models'] or [])])])})"
        table.add_row(row["key"], json.dumps(row["default"]), f"{row['meaning']} {values}".strip())
    return table
