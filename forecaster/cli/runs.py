"""`forecast runs`: recorded trainings."""

import click

from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text
from forecaster.environment import Environment

__all__ = ["command"]


@click.group("runs", cls=CommandGroup, short_help="List the recorded trainings, and pin the one to use.")
def command() -> None:
    """Recorded trainings of the project.

    A forecast uses a run with rows of a day unless --frequency asks for others; among these first a pinned run, then
    one that scored the instrument, one without a bad verdict, one of the default configuration, and the newest.

    \b
    Example:
      forecast runs list
      forecast runs use 20261126-040128
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("list", cls=SectionedCommand, short_help="List the runs, newest first.")
@with_options(("home",), (), ("table", "json"))
def list_command(*, environment: Environment, format: str) -> None:
    """List the runs, newest first; those that cannot be read are reported.

    \b
    Example:
      forecast runs list
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.run_tables import run_document, run_table
    from forecaster.workflows.runs import overview

    project = overview(environment)
    documents = [run_document(run, project.pinned) for run in project.runs]
    if format == "json":
        print_text(json_text({"schema": "runs/1", "runs": documents}))
    elif documents:
        print_text(table_text(run_table(documents)))
    else:
        environment.note("no run is recorded; train one with: forecast train --pair USDJPY")
    for damage in project.damaged:
        environment.note(f"warning: {damage.messages[0]}")


@command.command("use", cls=SectionedCommand, short_help="Pin the run that forecasts use.")
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--none", "no_run", is_flag=True, help="Remove all pins.")
@with_options(("home",))
def use_command(*, environment: Environment, run_id: str | None, no_run: bool) -> None:
    """Pin a run: forecasts of the instruments that it scored use it, whatever other runs there are.

    ID may be the beginning of an id, or latest. Another run is pinned beside it if it scored other instruments.

    \b
    Example:
      forecast runs use 20261126-040128
      forecast runs use --none
    """  # noqa: D301
    from forecaster.workflows.runs import use_no_run, use_run

    if (run_id is None) == (not no_run):
        raise click.UsageError("Expected the ID of one run, or --none.")
    if run_id is None:
        removed = use_no_run(environment)
        environment.note(f"unpinned: {', '.join(removed)}" if removed else "no run was pinned")
    else:
        run = use_run(run_id, environment)
        names = ", ".join(sorted(run.scored)) or "the members of its panel"
        environment.note(f"pinned: {run.id}, for {names}; forecast runs use --none removes the pin")
