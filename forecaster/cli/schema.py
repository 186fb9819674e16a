"""`forecast schema`."""

from typing import Any

import click

from forecaster.cli.completion_values import documents
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text

__all__ = ["command"]


@click.command("schema", cls=SectionedCommand, short_help="Print the JSON Schema of a document.")
@click.argument("name", required=False, shell_complete=documents)
@with_options((), formats=("table", "json"))
def command(*, name: str | None, format: str) -> None:
    """Print the JSON Schema (draft 2020-12) of a document that a command prints; without NAME, list the documents.

    Documents may have further keys; a new version of a schema is needed only where a key is renamed or removed.

    \b
    Example:
      forecast schema
      forecast schema forecast > forecast.schema.json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.files import json_text
    from forecaster.output.json_schema import document_schema, schemas_document

    if name is not None:
        print_text(json_text(document_schema(name)))
        return
    document = schemas_document()
    print_text(json_text(document) if format == "json" else _table(document))


def _table(document: dict[str, Any]) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.output.tables import plain_table

    table = plain_table()
    table.add_column("name", no_wrap=True)
    table.add_column("document of")
    for row in document["schemas"]:
        table.add_row(row["name"], row["command"] + (", a list" if row["list"] else ""))
    return table_text(table)
