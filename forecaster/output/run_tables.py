"""Recorded runs as documents and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.experiments.run_summaries import RunSummary
from forecaster.output.tables import plain_table

__all__ = ["run_document", "run_table"]

MAX_NAMES = 3


def run_document(run: RunSummary, pinned: Sequence[str] = ()) -> dict[str, Any]:
    """A run in a list of runs.

    Args:
        run: The run.
        pinned: Ids of pinned runs.
    """
    return {
        "run_id": run.id,
        "created": run.created,
        "instruments": list(run.instruments),
        "series": len(run.members),
        "source": run.source,
        "interval": run.frequency,
        "model": run.model,
        "horizon": run.horizon,
        "configuration": run.configuration.name,
        "refit": run.refit,
        "fitted_until": run.fitted_until,
        "density": run.whole.get("density", ("",))[0] or None,
        "coverage": run.whole.get("coverage", ("",))[0] or None,
        "pinned": run.id in pinned,
    }


def run_table(documents: Sequence[Mapping[str, Any]]) -> Table:
    """A table with a row for each run.

    Args:
        documents: Results of `run_document`.
    """
    table = plain_table()
    for name in ("run", "instruments"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "configuration", "fitted to"):
        table.add_column(name)
    for document in documents:
        names = document["instruments"]
        more = f" +{len(names) - MAX_NAMES}" if len(names) > MAX_NAMES else ""
        mark = " (pinned)" if document["pinned"] else ""
        table.add_row(
            document["run_id"] + mark,
            ",".join(names[:MAX_NAMES]) + more,
            document["interval"],
            document["configuration"] + (", refit" if document["refit"] else ""),
            document["fitted_until"],
        )
    return table
