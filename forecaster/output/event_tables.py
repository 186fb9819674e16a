"""Coming days with known events, as documents, flat rows and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.experiments.predictions import KnownEvents
from forecaster.output.tables import plain_table

__all__ = ["event_document", "event_rows", "event_table"]


def event_document(result: KnownEvents) -> dict[str, Any]:
    """The document ``events/1`` of an instrument."""
    return {
        "schema": "events/1",
        "instrument": result.instrument.name,
        "run_id": result.run_id,
        "days": [{"date": str(day.date), "names": list(day.names), "day_size": day.size} for day in result.days],
    }


def event_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A document ``events/1`` as flat rows, one a day."""
    facts = {key: document[key] for key in ("instrument", "run_id")}
    return [
        {**facts, "date": day["date"], "names": "; ".join(day["names"]), "day_size": day["day_size"]}
        for day in document["days"]
    ]


def event_table(documents: Sequence[Mapping[str, Any]]) -> Table:
    """A table with a row for each instrument and day; sizes are those of an ordinary day times a factor."""
    table = plain_table()
    for name in ("instrument", "in the price of", "events"):
        table.add_column(name, no_wrap=name != "events")
    table.add_column("size of the move", justify="right")
    for document in documents:
        for day in document["days"]:
            size = "-" if day["day_size"] is None else f"x{day['day_size']:.2f}"
            table.add_row(document["instrument"], day["date"], " and ".join(day["names"]), size)
    return table
