"""`forecast inspect`."""

from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("inspect", cls=SectionedCommand, short_help="Show gates, memory and important inputs of a run.")
@with_options(
    common=("pair", "ticker", "csv", "run", "as_of", "last", "drawn_step", "out", "home"),
    rare=INSTRUMENT_OPTIONS,
    formats=("table", "json", "csv"),
    also="run",
)
def command(*, environment: Environment, format: str, **keywords: Any) -> None:
    """Look into a run: gates and states, memory length, importance of the inputs, and learning curve.

    Memory is measured: the inputs of a day are moved, and the change of later states and forecasts is recorded. The
    importance of an input is the increase of the CRPS when blocks of its days are shuffled, on the rows of the test, or
    of the validation where the run has no test; --step says how many rows ahead. Gates are read on the last 500 rows
    unless --last is given. A network without gates shows the size of its states, or the weights of past rows.

    \b
    Example:
      forecast inspect USDJPY --out inspection.png
      forecast inspect latest --step 1,5 --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    environment.progress("inspect", 0, 3, detail="gates")
    from forecaster.cli.terminal import print_result
    from forecaster.output.inspection_tables import inspection_document
    from forecaster.workflows.inspect import inspect

    results = inspect(environment=environment, **keywords)
    documents = [inspection_document(result) for result in results]
    if keywords["out"] is not None:
        environment.note(f"picture: {keywords['out']}")
    print_result(environment, _text(documents, format))


def _text(documents: list[dict[str, Any]], output: str) -> str:
    from forecaster.files import json_text
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(documents)
    if output == "csv":
        facts = ("instrument", "run_id")
        return csv_text(
            [
                {**{key: document[key] for key in facts}, **row}
                for document in documents
                for row in document["importance"]
            ]
        )
    return "\n\n".join(map(_page, documents))


def _page(document: dict[str, Any]) -> str:
    """Tables and lines of an instrument."""
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.output.inspection_tables import gate_table, importance_table, inspection_lines

    parts = [f"{document['instrument']}: run {document['run_id']} ({document['model']})"]
    if document["layers"]:
        parts.append(table_text(gate_table(document)))
    if document["importance"]:
        parts.append(table_text(importance_table(document)))
    return "\n\n".join([*parts, colored_lines(inspection_lines(document))])
