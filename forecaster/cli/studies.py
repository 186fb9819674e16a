"""`forecast studies`: recorded searches."""

from pathlib import Path

import click

from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import with_options
from forecaster.cli.result_file import save_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text
from forecaster.environment import Environment

__all__ = ["command"]


@click.group("studies", cls=CommandGroup, short_help="List the searches, and show the result of one again.")
def command() -> None:
    """Recorded searches of the project.

    ID is the id of a study, its beginning if no other study begins so, or latest.

    \b
    Example:
      forecast studies list
      forecast studies show latest
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("list", cls=SectionedCommand, short_help="List the studies, newest first.")
@with_options(("home",), (), ("table", "json", "csv"))
def list_command(*, environment: Environment, format: str) -> None:
    """List the studies, newest first: trials, best loss, p-value, lockbox. Those that cannot be read are reported.

    \b
    Example:
      forecast studies list
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.study_tables import studies_document, study_table
    from forecaster.output.tables import csv_text
    from forecaster.workflows.studies import studies

    recorded = studies(environment=environment)
    document = studies_document(recorded.results)
    if format == "json":
        print_text(json_text(document))
    elif format == "csv":
        print_text(csv_text([{**row, "instruments": ",".join(row["instruments"])} for row in document["studies"]]))
    elif document["studies"]:
        print_text(table_text(study_table(document)))
    else:
        environment.note("no search is recorded; begin one with: forecast search --pair USDJPY")
    for damage in recorded.damaged:
        environment.note(f"warning: {damage.messages[0]}")


@command.command("show", cls=SectionedCommand, short_help="Show the result of a search again.")
@click.argument("study_id", metavar="ID")
@with_options(("out", "home"), ("verbose",), ("table", "json", "csv"))
def show_command(*, environment: Environment, study_id: str, format: str, verbose: bool, out: Path | None) -> None:
    """Show the result of a search again, from its files: nothing is computed, and no lockbox is opened.

    --out draws the history, the importance of the settings and all trials (.png, .svg, .pdf).

    \b
    Example:
      forecast studies show latest --verbose
    """  # noqa: D301
    from forecaster.cli.search import check_picture, print_search
    from forecaster.workflows.studies import show_study

    check_picture(out)
    result = show_study(study_id, environment)
    print_search(environment, result, format, verbose=verbose)
    if out is not None:
        save_picture(out, result.figure, environment)
    environment.note(f"next: {result.next_command}")
