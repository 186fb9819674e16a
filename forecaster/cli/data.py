"""`forecast data`: the store of price histories."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import INSTRUMENT_OPTIONS, Command, with_options
from forecaster.cli.result_file import checked_format, write_result
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import colored_lines, print_text
from forecaster.environment import Environment

__all__ = ["command"]

_COMMON = ("pair", "ticker", "csv", "source")


def _with_selection(command: Command) -> Command:
    """Give a command the options of instruments as one argument `choice`."""

    @functools.wraps(command)
    def with_selection(**values: Any) -> Any:
        from forecaster.datasets.keywords import selection_of

        keywords = {name: values.pop(name) for name in INSTRUMENT_OPTIONS}
        return command(choice=selection_of(keywords), **values)

    return with_selection


@click.group("data", cls=CommandGroup, short_help="Fetch, show and maintain price histories.")
def command() -> None:
    """Price histories in the store. Every version that any run has used can be loaded again.

    A stored HISTORY is named source/symbol/frequency, such as ecb/USDJPY/1d; the first digits of a hash name one
    version of it, as in ecb/USDJPY/1d@5f2a81c0. Digits that only one history has are enough.

    \b
    Example:
      forecast data fetch --pair USDJPY
      forecast data show --pair USDJPY
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("fetch", cls=SectionedCommand, short_help="Load histories and store them.")
@with_options((*_COMMON, "home"), INSTRUMENT_OPTIONS, ("table", "json"))
@_with_selection
def fetch(*, environment: Environment, choice: Any, format: str) -> None:
    """Load histories and store them; a failure is reported, and the others are stored.

    \b
    Example:
      forecast data fetch --pair USDJPY,EURUSD
    """  # noqa: D301
    from forecaster.workflows.data_fetch import fetch as fetch_histories

    _print_fetching(fetch_histories(choice, environment), environment, format)


@command.command("refresh", cls=SectionedCommand, short_help="Download newer rows.")
@with_options((*_COMMON, "home"), INSTRUMENT_OPTIONS, ("table", "json"))
@_with_selection
def refresh(*, environment: Environment, choice: Any, format: str) -> None:
    """Download newer rows of the named histories, or of every stored history from the ECB and Yahoo.

    A source that does not answer twice in a row is skipped.

    \b
    Example:
      forecast data refresh
    """  # noqa: D301
    from forecaster.workflows.data_fetch import refresh as refresh_histories

    if choice.network == "never":
        raise click.UsageError("data refresh needs the network, which --offline or FORECAST_OFFLINE forbids.")
    _print_fetching(refresh_histories(choice, environment), environment, format)


def _print_fetching(fetching: Any, environment: Environment, output: str) -> None:
    """Print the outcome for each history; findings and failures go to stderr."""
    from forecaster.cli.terminal import print_result, table_text
    from forecaster.files import json_text
    from forecaster.output.data_documents import fetching_document
    from forecaster.output.data_tables import fetch_table

    document = fetching_document(fetching)
    if output == "json":
        print_result(environment, json_text(document))
    elif document["histories"]:
        print_result(environment, table_text(fetch_table(document["histories"])))
    else:
        environment.note("nothing to refresh: the store holds no history from the ECB or Yahoo")
    for history in document["histories"]:
        for finding in history["findings"]:
            environment.note(f"{history['instrument']}: {finding['severity']}: {finding['text']}")
    if fetching.problem is not None:
        raise fetching.problem


@command.command("list", cls=SectionedCommand, short_help="List the stored histories.")
@with_options(("used_by", "home"), formats=("table", "json"))
def list_(*, environment: Environment, used_by: str | None, format: str) -> None:
    """List the histories in the store, or with --used-by the version of each history that a run has used.

    \b
    Example:
      forecast data list --format json
      forecast data list --used-by latest
    """  # noqa: D301
    from forecaster.output.data_documents import histories_document
    from forecaster.workflows.data_store import list_histories

    if used_by is not None:
        _print_used(used_by, environment, format)
        return
    document = histories_document(list_histories(environment))
    if format == "json":
        _print_json(document)
    elif document["histories"]:
        from forecaster.cli.terminal import table_text
        from forecaster.output.data_tables import histories_table

        print_text(table_text(histories_table(document["histories"])))
    else:
        environment.note("no history is stored yet; next: forecast data fetch --pair USDJPY")


def _print_used(run_id: str, environment: Environment, format: str) -> None:
    """Print the histories of a run."""
    from forecaster.cli.terminal import table_text
    from forecaster.output.data_documents import used_document
    from forecaster.output.data_tables import used_lines, used_table
    from forecaster.workflows.data_used import used_histories

    document = used_document(used_histories(environment, run_id))
    if format == "json":
        _print_json(document)
        return
    print_text(f"{table_text(used_table(document['histories']))}\n{colored_lines(used_lines(document))}")


@command.command(
    "show",
    cls=SectionedCommand,
    renamed={"--version": "--hash"},
    short_help="Show facts, findings and picture of a history.",
)
@with_options((*_COMMON, "hash", "out", "no_picture", "home"), INSTRUMENT_OPTIONS, ("table", "json"), also="history")
@_with_selection
def show(
    *,
    environment: Environment,
    choice: Any,
    history: str | None,
    hash: str | None,
    out: Path | None,
    no_picture: bool,
    format: str,
) -> None:
    """Show the origin, the versions and the findings of a history, and draw it with all findings.

    The picture is named after the instrument, USDJPY-data.png, unless --out names it; with --format json it is drawn
    only where --out names it.

    \b
    Example:
      forecast data show --pair USDJPY --out usdjpy-data.svg
      forecast data show ecb/USDJPY/1d
    """  # noqa: D301
    from forecaster.output.data_documents import history_document
    from forecaster.workflows.data_show import show as show_histories

    if no_picture and out is not None:
        raise click.UsageError("--out names a picture and --no-picture forbids it; give one of them.")
    picture = not no_picture and (out is not None or format == "table")
    facts = show_histories(choice, environment, history=history, version=hash, out=out, picture=picture)
    documents = [history_document(single) for single in facts]
    if format == "json":
        _print_json(documents)
    else:
        print_text("\n\n".join(_show_text(document) for document in documents))


def _show_text(document: dict[str, Any]) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.output.data_tables import findings_table, show_lines, versions_table

    blocks = [colored_lines(show_lines(document))]
    if document["versions"]:
        blocks.append(table_text(versions_table(document["versions"])))
    findings: Sequence[dict[str, Any]] = document["findings"]
    blocks.append(table_text(findings_table(findings)) if findings else "no findings")
    if document["picture"]:
        blocks.append(f"picture: {document['picture']}")
    return "\n\n".join(blocks)


@command.command("verify", cls=SectionedCommand, short_help="Compare stored histories with their hashes.")
@click.argument("history", required=False)
@with_options(("home",), formats=("table", "json"))
def verify(*, environment: Environment, history: str | None, format: str) -> None:
    """Compare every version, or those of one HISTORY, with its hash; exit code 4 on damage.

    \b
    Example:
      forecast data verify
    """  # noqa: D301
    from forecaster.output.data_documents import verification_document
    from forecaster.output.data_tables import verification_line
    from forecaster.workflows.data_store import verify as verify_store

    verification = verify_store(environment, history=history)
    document = verification_document(verification)
    if format == "json":
        _print_json(document)
    else:
        print_text(colored_lines([verification_line(document)]))
    if verification.problem is not None:
        raise verification.problem


@command.command(
    "export", cls=SectionedCommand, renamed={"--version": "--hash"}, short_help="Print the rows of a history."
)
@with_options((*_COMMON, "hash", "out", "home"), INSTRUMENT_OPTIONS, ("csv", "json"), also="history")
@_with_selection
def export(
    *, environment: Environment, choice: Any, history: str | None, hash: str | None, out: Path | None, format: str
) -> None:
    """Print all rows of a history as they are stored; --csv reads the file back bit for bit.

    The ending of --out sets the format: .csv, .json, .xlsx or .html.

    \b
    Example:
      forecast data export USDJPY --out usdjpy.csv
      forecast data export AAPL --out aapl.xlsx
    """  # noqa: D301
    from forecaster.workflows.data_show import export as export_history

    kind = format if out is None else checked_format(out, format)
    content = _exported(export_history(choice, environment, history=history, version=hash), kind)
    if out is None:
        print_text(content, end="")
    else:
        write_result(out, content, environment)


def _exported(series: Any, kind: str) -> str | bytes:
    """Rows of a history in a format."""
    from forecaster.files import json_text
    from forecaster.output.data_documents import columns_csv, columns_document, columns_rows

    if kind == "xlsx":
        from forecaster.output.workbook_file import workbook_bytes

        return workbook_bytes("history", columns_rows(series))
    if kind == "html":
        from forecaster.output.result_files import html_page

        return html_page(series.name, [(f"SHA-256 {series.sha256}", columns_rows(series), ())])
    return columns_csv(series) if kind == "csv" else json_text(columns_document(series)) + "\n"


@command.command("diff", cls=SectionedCommand, short_help="Compare two versions.")
@click.argument("first")
@click.argument("second")
@with_options(("rows", "exit_code", "home"), formats=("table", "json"))
def diff(*, environment: Environment, first: str, second: str, rows: int, exit_code: bool, format: str) -> None:
    """Compare two stored versions, of one history or of two: rows added, removed and revised.

    \b
    Example:
      forecast data diff 5f2a81c0 ecb/USDJPY/1d
    """  # noqa: D301
    from forecaster.errors import ExitCode
    from forecaster.output.data_documents import difference_document
    from forecaster.workflows.data_store import diff as diff_versions

    document = difference_document(diff_versions(environment, first, second, rows=rows))
    if format == "json":
        _print_json(document)
    else:
        from forecaster.cli.terminal import table_text
        from forecaster.output.data_tables import difference_lines, revised_table

        table = revised_table(document)
        lines = colored_lines(difference_lines(document))
        print_text(lines if table is None else f"{lines}\n\n{table_text(table)}")
    if exit_code and not document["same"]:
        click.get_current_context().exit(ExitCode.DIFFERENCE)


@command.command("prune", cls=SectionedCommand, short_help="Remove versions that no run needs.")
@with_options(("dry_run", "force", "home"), formats=("table", "json"))
def prune(*, environment: Environment, dry_run: bool, force: bool, format: str) -> None:
    """Remove the versions that are not the newest of their history and that no run was trained on.

    \b
    Example:
      forecast data prune --dry-run
    """  # noqa: D301
    from forecaster.output.data_documents import pruning_document
    from forecaster.workflows.data_store import prune as prune_store

    document = pruning_document(prune_store(environment, dry_run=dry_run, force=force))
    if format == "json":
        _print_json(document)
        return
    from forecaster.cli.terminal import table_text
    from forecaster.output.data_tables import prune_lines, versions_table

    removed = document["versions"]
    lines = colored_lines(prune_lines(document))
    print_text(f"{table_text(versions_table(removed))}\n\n{lines}" if removed else lines)


def _print_json(document: Any) -> None:
    from forecaster.files import json_text

    print_text(json_text(document))
