"""`forecast events`."""

from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("events", cls=SectionedCommand, short_help="List coming days whose events widen the ranges.")
@with_options(
    common=("pair", "ticker", "csv", "events", "until", "run", "home"),
    rare=INSTRUMENT_OPTIONS,
    formats=("table", "json", "csv"),
)
def command(*, environment: Environment, format: str, **keywords: Any) -> None:
    """List the coming days on which something is known to happen: announcements, holidays, and events of a file.

    An event is listed on the day whose price shows it first: what comes after 14:15 in Frankfurt, when the ECB sets its
    rates, shows in those of the next day. The size of a day's move is relative to an ordinary day, as the run has
    learned it. Days up to --until are listed, 30 days from today by default.

    \b
    Example:
      forecast events USDJPY
      forecast events --ticker AAPL --events earnings.csv --until 2027-03-31
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.event_tables import event_document, event_rows, event_table
    from forecaster.output.tables import csv_text
    from forecaster.workflows.events import events

    documents = [event_document(result) for result in events(environment=environment, **keywords)]
    rows = [row for document in documents for row in event_rows(document)]
    if format == "json":
        print_text(json_text(documents))
    elif format == "csv":
        print_text(csv_text(rows))
    elif rows:
        print_text(table_text(event_table(documents)))
    else:
        environment.note("no event is known in this span")
