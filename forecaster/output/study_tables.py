"""Recorded searches as a document and as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.experiments.search_findings import SearchResult
from forecaster.output.tables import number_text, plain_table

__all__ = ["studies_document", "study_table"]

MAX_NAMES = 3


def studies_document(results: Sequence[SearchResult]) -> dict[str, Any]:
    """The document ``studies/1``.

    Args:
        results: The studies, in order.
    """
    return {"schema": "studies/1", "studies": [dict(result.summary()) for result in results]}


def study_table(document: Mapping[str, Any]) -> Table:
    """A table with a row for each study.

    Args:
        document: ``studies/1``.
    """
    table = plain_table()
    for name in ("study", "trials"):
        table.add_column(name, no_wrap=True)
    for name in ("best", "change", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("lockbox")
    for study in document["studies"]:
        under_way = f" ({study['running']} under way)" if study["running"] else ""
        change = study["loss_change"]
        opened = study["lockbox_opened"]
        table.add_row(
            study["study"],
            f"{study['trials']:,}{under_way}",
            "-" if study["loss"] is None else f"{study['loss']:.4f}",
            "-" if change is None else f"{100 * change:+.2f} %",
            "-" if study["p_against_start"] is None else number_text(study["p_against_start"], 2),
            "closed" if opened is None else f"opened {opened[:10]}",
        )
    return table
