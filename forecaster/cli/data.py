"""`forecast data`: the store of price histories."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import format_option, home_option, instrument_options

__all__ = ["command"]


class _InOrder(click.Group):
    """A group whose commands are listed in the order in which a user needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As they are written below."""
        return list(self.commands)


@click.group("data", cls=_InOrder, short_help="Fetch, look at and keep price histories.")
def command() -> None:
    """Price histories in the store: every version that was ever used can be loaded again.

    A stored HISTORY is named source/symbol/interval, such as ecb/USDJPY/1d; one version of it has the first digits
    of its hash behind it, as in ecb/USDJPY/1d@5f2a81c0. Digits that only one history has may stand alone.

    \b
    Example:
      forecast data fetch --pair USDJPY
      forecast data show --pair USDJPY
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


def _with_version(function: Any) -> Any:
    """Which stored history, and which version; the command gets `history` and `version`."""
    version = click.option("--version", metavar="DIGITS", help="Stored version of the instrument, by its hash.")
    return click.argument("history", required=False)(version(function))


@command.command("fetch", short_help="Load histories and keep them.")
@instrument_options
@format_option("table", "json")
@home_option
def fetch(environment: Any, choice: Any, output: str) -> None:
    """Load the histories of instruments and keep them in the store; what fails is told, the others are kept.

    \b
    Example:
      forecast data fetch --pair USDJPY,EURUSD
    """  # noqa: D301
    from forecaster.workflows.data_fetch import FetchRequest
    from forecaster.workflows.data_fetch import fetch as fetch_histories

    _print_fetching(fetch_histories(FetchRequest(choice), environment), environment, output)


@command.command("refresh", short_help="Ask the sources for newer rows.")
@instrument_options
@format_option("table", "json")
@home_option
def refresh(environment: Any, choice: Any, output: str) -> None:
    """Ask the sources for newer rows: of the named instruments, or of every stored history from the ECB and Yahoo.

    A source that does not answer twice in a row is not asked again.

    \b
    Example:
      forecast data refresh
    """  # noqa: D301
    from forecaster.workflows.data_fetch import RefreshRequest
    from forecaster.workflows.data_fetch import refresh as refresh_histories

    if choice.network == "never":
        raise click.UsageError("data refresh asks the network, which --offline or FORECAST_OFFLINE forbids.")
    _print_fetching(refresh_histories(RefreshRequest(choice), environment), environment, output)


def _print_fetching(made: Any, environment: Any, output: str) -> None:
    """Print what became of each history; findings and failures go to stderr."""
    document = made.to_json()
    if output == "json":
        _print_json(document)
    elif document["histories"]:
        from forecaster.cli.terminal import table_text
        from forecaster.output.data_tables import fetch_table

        click.echo(table_text(fetch_table(document["histories"])))
    else:
        environment.note("nothing to refresh: the store holds no history from the ECB or Yahoo")
    for one in document["histories"]:
        for finding in one["findings"]:
            environment.note(f"{one['instrument']}: {finding['severity']}: {finding['text']}")
    if made.problem is not None:
        raise made.problem


@command.command("list", short_help="The histories in the store.")
@format_option("table", "json")
@home_option
def list_(environment: Any, output: str) -> None:
    """List the histories in the store.

    \b
    Example:
      forecast data list --format json
    """  # noqa: D301
    from forecaster.workflows.data_store import list_histories, list_json

    document = list_json(list_histories(environment))
    if output == "json":
        _print_json(document)
    elif document["histories"]:
        from forecaster.cli.terminal import table_text
        from forecaster.output.data_tables import histories_table

        click.echo(table_text(histories_table(document["histories"])))
    else:
        environment.note("no history is stored yet; next: forecast data fetch --pair USDJPY")


@command.command("show", short_help="One history: facts, findings, picture.")
@_with_version
@instrument_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Picture: png, svg or pdf.  [default: USDJPY-data.png, none with --format json]",
)
@click.option("--no-picture", is_flag=True, help="Draw nothing.")
@format_option("table", "json")
@home_option
def show(environment: Any, output: str, out: Path | None, no_picture: bool, **asked: Any) -> None:
    """Tell where a history comes from, its versions, and what was found in it; draw it with everything marked.

    \b
    Example:
      forecast data show --pair USDJPY --out usdjpy-data.svg
      forecast data show ecb/USDJPY/1d
    """  # noqa: D301
    from forecaster.workflows.data_show import ShowRequest
    from forecaster.workflows.data_show import show as show_histories

    if no_picture and out is not None:
        raise click.UsageError("--out names a picture and --no-picture forbids it; give one of them.")
    wanted = not no_picture and (out is not None or output == "table")
    documents = [one.to_json() for one in show_histories(ShowRequest(**asked, out=out, picture=wanted), environment)]
    if output == "json":
        _print_json(documents[0] if len(documents) == 1 else documents)
    else:
        click.echo("\n\n".join(_show_text(one) for one in documents))


def _show_text(document: dict[str, Any]) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.output.data_tables import findings_table, show_lines, versions_table

    blocks = ["\n".join(show_lines(document))]
    if document["versions"]:
        blocks.append(table_text(versions_table(document["versions"])))
    found = document["findings"]
    blocks.append(table_text(findings_table(found)) if found else "nothing suspicious was found")
    if document["picture"]:
        blocks.append(f"picture: {document['picture']}")
    return "\n\n".join(blocks)


@command.command("verify", short_help="Whether the store holds what was put into it.")
@click.argument("history", required=False)
@format_option("table", "json")
@home_option
def verify(environment: Any, history: str | None, output: str) -> None:
    """Load every version, or those of one HISTORY, and compare it with its hash; exit code 4 when one is damaged.

    \b
    Example:
      forecast data verify
    """  # noqa: D301
    from forecaster.workflows.data_store import VerifyRequest
    from forecaster.workflows.data_store import verify as verify_store

    found = verify_store(VerifyRequest(history), environment)
    if output == "json":
        _print_json(found.to_json())
    else:
        click.echo(found.text)
    if found.problem is not None:
        raise found.problem


@command.command("export", short_help="One history as CSV.")
@_with_version
@instrument_options
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there.")
@format_option("csv", "json")
@home_option
def export(environment: Any, **asked: Any) -> None:
    """Print one history as CSV, whole and as it is kept; --csv reads it back bit for bit.

    \b
    Example:
      forecast data export --pair USDJPY --out usdjpy.csv
    """  # noqa: D301
    from forecaster.workflows.data_show import ExportRequest
    from forecaster.workflows.data_show import export as export_history

    text = export_history(ExportRequest(**asked), environment)
    if asked["out"] is None:
        click.echo(text, nl=False)


@command.command("diff", short_help="What two versions do not have in common.")
@click.argument("first")
@click.argument("second")
@click.option(
    "--rows", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="Rows of each kind to show."
)
@click.option("--exit-code", "tell_by_code", is_flag=True, help="Exit with 4 when they differ.")
@format_option("table", "json")
@home_option
def diff(environment: Any, tell_by_code: bool, output: str, **asked: Any) -> None:
    """Compare two stored versions, of one history or of two: rows added, removed and revised.

    \b
    Example:
      forecast data diff 5f2a81c0 ecb/USDJPY/1d
    """  # noqa: D301
    from forecaster.errors import ExitCode
    from forecaster.workflows.data_store import DiffRequest
    from forecaster.workflows.data_store import diff as diff_versions

    document = diff_versions(DiffRequest(**asked), environment).to_json()
    if output == "json":
        _print_json(document)
    else:
        from forecaster.cli.terminal import table_text
        from forecaster.output.data_tables import difference_lines, revised_table

        table = revised_table(document)
        click.echo("\n".join([*difference_lines(document), *([] if table is None else ["", table_text(table)])]))
    if tell_by_code and not document["same"]:
        click.get_current_context().exit(ExitCode.DIFFERENCE)


@command.command("prune", short_help="Remove versions that nobody needs.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--force", is_flag=True, help="Go on where a run cannot be read, and what it needs is unknown.")
@format_option("table", "json")
@home_option
def prune(environment: Any, output: str, **asked: Any) -> None:
    """Remove the versions that are not the newest of their history and that no run was trained on.

    \b
    Example:
      forecast data prune --dry-run
    """  # noqa: D301
    from forecaster.workflows.data_store import PruneRequest
    from forecaster.workflows.data_store import prune as prune_store

    document = prune_store(PruneRequest(**asked), environment).to_json()
    if output == "json":
        _print_json(document)
        return
    from forecaster.cli.terminal import table_text
    from forecaster.output.data_tables import prune_lines, versions_table

    gone = document["versions"]
    click.echo("\n".join([*([table_text(versions_table(gone)), ""] if gone else []), *prune_lines(document)]))


def _print_json(document: Any) -> None:
    from forecaster.files import json_text

    click.echo(json_text(document))
