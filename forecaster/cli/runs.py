"""`forecast runs`: recorded trainings."""

import getpass
from pathlib import Path
from typing import Any

import click

from forecaster.cli.completion_values import run_ids
from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text, require_consent
from forecaster.environment import Environment

__all__ = ["command"]

MAX_LISTED = 20  # runs in a table, unless --limit says otherwise


@click.group("runs", cls=CommandGroup, short_help="List, compare, annotate, pin and remove the recorded trainings.")
def command() -> None:
    """Recorded trainings of the project.

    A forecast uses a run with rows of a day unless --frequency asks for others; among these first a pinned run, then
    one that scored the instrument, one without a bad verdict or lowered steps, one that looks as far as asked, one of
    the default configuration, and the newest.

    ID is the id of a run, its beginning if no other run begins so, or latest.

    \b
    Example:
      forecast runs list
      forecast runs use 20261126-040128
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("list", cls=SectionedCommand, short_help="List the runs, newest first.")
@with_options(("where", "sort", "descending", "limit", "home"), (), ("table", "json", "csv"))
def list_command(*, environment: Environment, limit: int | None, format: str, **keywords: Any) -> None:
    """List the runs, newest first; those that cannot be read are reported.

    A condition compares a fact (model, instrument, configuration, source, frequency, horizon, created, tag, ...) or a
    metric on the test rows, such as crps_ratio.garch@1, with =, !=, <, <=, > or >=.

    \b
    Example:
      forecast runs list
      forecast runs list --where instrument=USDJPY --sort crps_ratio.garch@1
      forecast runs list --where tag=best --format csv
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.run_tables import run_document, run_rows, run_table, shared_facts
    from forecaster.output.tables import csv_text
    from forecaster.workflows.runs import runs

    limit = MAX_LISTED if limit is None and format == "table" else limit
    project = runs(environment=environment, limit=limit, **keywords)
    documents = [run_document(run, project.pinned) for run in project.runs]
    if format == "json":
        print_text(json_text({"schema": "runs/1", "runs": documents}))
    elif format == "csv":
        print_text(csv_text(run_rows(documents)))
    elif documents:
        print_text(table_text(run_table(documents, keywords["sort"])))
        if facts := shared_facts(documents):
            environment.note(f"in all rows: {facts}")
    elif keywords["where"]:
        environment.note("no run meets the conditions")
    else:
        environment.note("no run is recorded; train one with: forecast train --pair USDJPY")
    if project.total > len(documents):
        environment.note(f"{len(documents)} of {project.total:,} runs; --limit {project.total} lists all")
    for damage in project.damaged:
        environment.note(f"warning: {damage.messages[0]}")


@command.command("show", cls=SectionedCommand, short_help="Show one run: data, model, scores, notes.")
@click.argument("run_id", metavar="ID", shell_complete=run_ids)
@with_options(("home",), (), ("table", "json"))
def show_command(*, environment: Environment, run_id: str, format: str) -> None:
    """Show one run: data, configuration, versions, scores, tags and notes.

    \b
    Example:
      forecast runs show latest
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.run_tables import run_details_document, run_facts_table, run_metrics_table
    from forecaster.workflows.runs import show_run

    details = show_run(run_id, environment)
    document = run_details_document(details.run, details.summary, details.annotations, pinned=details.pinned)
    if format == "json":
        print_text(json_text(document))
    else:
        tables = (run_facts_table(document), run_metrics_table(document))
        print_text("\n\n".join(table_text(table) for table in tables))


@command.command("diff", cls=SectionedCommand, short_help="Show how two runs differ.")
@click.argument("first", metavar="ID", shell_complete=run_ids)
@click.argument("second", metavar="ID", shell_complete=run_ids)
@with_options(("home",), (), ("table", "json"))
def diff_command(*, environment: Environment, first: str, second: str, format: str) -> None:
    """Show how two runs differ: data, software, configuration, and metrics on the test rows of each.

    forecast compare scores runs on the same rows; this command compares what they have recorded.

    \b
    Example:
      forecast runs diff 20261126-040128 latest
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.run_tables import difference_document, difference_lines, difference_tables
    from forecaster.workflows.runs import diff_runs

    document = difference_document(diff_runs(first, second, environment))
    if format == "json":
        print_text(json_text(document))
        return
    tables = difference_tables(document)
    if tables:
        print_text("\n\n".join(table_text(table) for table in tables))
    for line in difference_lines(document):
        environment.note(line)


@command.command("note", cls=SectionedCommand, short_help="Add a note to a run.")
@click.argument("run_id", metavar="ID", shell_complete=run_ids)
@click.argument("text", metavar="TEXT")
@with_options(("author", "home"))
def note_command(*, environment: Environment, run_id: str, text: str, author: str | None) -> None:
    """Add a note to a run; forecast runs show prints it.

    \b
    Example:
      forecast runs note latest "narrower ranges after 2022"
    """  # noqa: D301
    from forecaster.workflows.runs import note_run

    run = note_run(run_id, text, author or _login_name(), environment)
    environment.note(f"noted: {run.id}")


@command.command("tag", cls=SectionedCommand, short_help="Add tags to a run, or remove them.")
@click.argument("run_id", metavar="ID", shell_complete=run_ids)
@click.argument("tags", metavar="TAG...", nargs=-1)
@click.option("--remove", "removed", multiple=True, metavar="TAG", help="Tag to remove.")
@with_options(("author", "home"))
def tag_command(
    *, environment: Environment, run_id: str, tags: tuple[str, ...], removed: tuple[str, ...], author: str | None
) -> None:
    """Add tags to a run, or remove them; without a tag its tags are printed.

    \b
    Example:
      forecast runs tag latest best 2026-q4
      forecast runs list --where tag=best
    """  # noqa: D301
    from forecaster.workflows.runs import annotate_run

    run, present = annotate_run(run_id, tags, removed, author or _login_name(), environment)
    environment.note(f"tags of {run.id}: {', '.join(present) or 'none'}")


@command.command("remove", cls=SectionedCommand, short_help="Delete runs.")
@click.argument("run_ids", metavar="ID...", shell_complete=run_ids, nargs=-1, required=True)
@with_options(("yes", "home"))
def remove_command(*, environment: Environment, run_ids: tuple[str, ...], yes: bool) -> None:
    """Delete runs with their weights, after a question or with --yes. A damaged run needs its whole id.

    \b
    Example:
      forecast runs remove 20261126-040128 --yes
    """  # noqa: D301
    from forecaster.workflows.runs import named_folders, remove_runs

    names = [folder.name for folder in named_folders(run_ids, environment)]
    if not yes:
        require_consent(f"Delete {', '.join(names)}?")
    deleted, pinned = remove_runs(names, environment)
    environment.note(f"deleted: {', '.join(deleted)}")
    if pinned:
        environment.note(f"unpinned: {', '.join(pinned)}; forecasts choose among the other runs")


@command.command("export", cls=SectionedCommand, short_help="Write a run and its data as one file.")
@click.argument("run_id", metavar="ID", shell_complete=run_ids)
@click.option("--no-data", is_flag=True, help="Leave out all prices.")
@with_options(("out", "home"))
def export_command(*, environment: Environment, run_id: str, no_data: bool, out: Path | None) -> None:
    """Write a run and the prices of its training as one file, for forecast runs import on another machine.

    Prices whose terms do not allow it, such as those of Yahoo, are left out; their hashes are in the file.

    \b
    Example:
      forecast runs export latest --out usdjpy.capsule
    """  # noqa: D301
    from forecaster.output.capsule_lines import exported_lines
    from forecaster.workflows.run_capsules import export_run

    exported = export_run(run_id, environment, out, with_data=not no_data)
    for line in exported_lines(exported.run.id, exported.histories, exported.missing):
        environment.note(line)
    print_text(str(exported.path))


@command.command("import", cls=SectionedCommand, short_help="Put the run in a file into the project.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@with_options(("home",))
def import_command(*, environment: Environment, path: Path) -> None:
    """Put the run in a file of forecast runs export into the project, and its prices into the store.

    Nothing in the file is executed. A damaged file, or one with anything else in it, is refused as a whole.

    \b
    Example:
      forecast runs import usdjpy.capsule
      forecast replay latest
    """  # noqa: D301
    from forecaster.output.capsule_lines import imported_lines
    from forecaster.workflows.run_capsules import import_run

    imported = import_run(path, environment)
    for line in imported_lines(imported.run.id, imported.histories, imported.missing, is_new=imported.is_new):
        environment.note(line)
    environment.note(f"next: forecast replay {imported.run.id}")
    print_text(imported.run.id)


@command.command("use", cls=SectionedCommand, short_help="Pin the run that forecasts use.")
@click.argument("run_id", metavar="[ID]", shell_complete=run_ids, required=False)
@click.option("--none", "no_run", is_flag=True, help="Remove all pins.")
@with_options(("home",))
def use_command(*, environment: Environment, run_id: str | None, no_run: bool) -> None:
    """Pin a run: forecasts of the instruments that it scored, with its frequency, use it before all other runs.

    ID may be the beginning of an id, or latest. Another run is pinned beside it if it scored other instruments.

    \b
    Example:
      forecast runs use 20261126-040128
      forecast runs use --none
    """  # noqa: D301
    from forecaster.config import FREQUENCIES
    from forecaster.workflows.runs import use_no_run, use_run

    if (run_id is None) == (not no_run):
        raise click.UsageError("Expected the ID of one run, or --none.")
    if run_id is None:
        removed = use_no_run(environment)
        environment.note(f"unpinned: {', '.join(removed)}" if removed else "no run was pinned")
    else:
        run = use_run(run_id, environment)
        names = ", ".join(sorted(run.scored)) or "the members of its panel"
        rows = "" if run.frequency == FREQUENCIES[0] else f" with --frequency {run.frequency}"
        environment.note(f"pinned: {run.id}, for {names}{rows}; forecast runs use --none removes the pin")


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a name for its user
        return "unknown"
