"""`forecast ledger`: the issued forecasts that were logged."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.groups import CommandGroup
from forecaster.cli.options import with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import colored_lines, print_text
from forecaster.environment import Environment

__all__ = ["command"]

DEFAULT_ROWS = 20  # of a list that a table shows


@click.group("ledger", cls=CommandGroup, short_help="Check and list the forecasts that were logged.")
def command() -> None:
    """Forecasts that predict --log has appended to ledger.jsonl, each line with the hash of the line before.

    forecast score grades them once their outcomes are known.

    \b
    Example:
      forecast predict USDJPY --log
      forecast ledger verify
      forecast score
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)


@command.command("verify", cls=SectionedCommand, short_help="Find edited, removed, moved or back-dated lines.")
@with_options(("ledger", "head", "home"), (), ("table", "json"))
def verify_command(*, environment: Environment, format: str, **keywords: Any) -> None:
    """Check the hash, the order and the times of every line; exit code 4 names the first bad one and the reason.

    A chain that was written again as a whole looks sound: note the head that this command prints, outside of this
    computer, and give it with --head later.

    \b
    Example:
      forecast ledger verify
      forecast ledger verify --head 3f2a90c1d4e5
    """  # noqa: D301
    from forecaster.files import json_text
    from forecaster.output.ledger_documents import check_document, check_lines
    from forecaster.workflows.ledger import verify_ledger

    check, path = verify_ledger(environment=environment, **keywords)
    document = check_document(check, path)
    print_text(json_text(document) if format == "json" else colored_lines(check_lines(document)))
    if check.bad is not None:
        raise click.exceptions.Exit(4)


@command.command("list", cls=SectionedCommand, short_help="List the logged forecasts, newest first.")
@with_options(("pair", "ticker", "csv", "since", "ledger", "limit", "home"), (), ("table", "json", "csv"))
def list_command(*, environment: Environment, limit: int | None, format: str, **keywords: Any) -> None:
    """List the logged forecasts, newest first.

    \b
    Example:
      forecast ledger list USDJPY --since 2026-01-01
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.ledger_documents import list_rows, list_table
    from forecaster.output.tables import csv_text
    from forecaster.workflows.ledger import list_ledger

    entries = list_ledger(environment=environment, **keywords)
    shown = entries[: DEFAULT_ROWS if limit is None and format == "table" else limit]
    rows = list_rows(shown)
    if format == "json":
        print_text(json_text({"schema": "ledger_list/1", "forecasts": rows}))
    elif format == "csv":
        print_text(csv_text(rows))
    elif rows:
        print_text(table_text(list_table(rows)))
    if len(shown) < len(entries):
        environment.note(f"{len(shown)} of {len(entries):,} forecasts; --limit {len(entries)} lists all")
    elif not rows:
        environment.note("no logged forecast is of these instruments and days")


@command.command("show", cls=SectionedCommand, short_help="Show one logged forecast with its quantiles.")
@click.argument("number", type=click.IntRange(1))
@with_options(("ledger", "home"), (), ("table", "json"))
def show_command(*, environment: Environment, number: int, ledger: Path | None, format: str) -> None:
    """Show the forecast in line NUMBER of the ledger.

    \b
    Example:
      forecast ledger show 12
    """  # noqa: D301
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.ledger_documents import entry_lines, entry_table
    from forecaster.workflows.ledger import ledger_entry_at

    entry = ledger_entry_at(number, ledger=ledger, environment=environment)
    if format == "json":
        print_text(json_text(entry))
        return
    print_text(f"{colored_lines(entry_lines(entry))}\n{table_text(entry_table(entry))}")
