"""`forecast audit`."""

from typing import Any

import click

from forecaster.cli.options import TRAINING_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("audit", cls=SectionedCommand, short_help="Check for look-ahead leakage.")
@with_options(
    common=("pair", "ticker", "csv", "end", "universe", "with", "config", "set", "full", "seed", "home"),
    rare=(*TRAINING_OPTIONS, "backend", "device"),
    formats=("table", "json", "csv"),
)
def command(*, environment: Environment, format: str, **keywords: Any) -> None:
    """Check for look-ahead leakage: change the rows after a day, and compare every number before it bit for bit.

    Compared are validated rows, features, weights, choices, calibration and forecasts; on random walks, no skill may
    be found; a model that repeats yesterday is named. A short training on a small panel is enough, unless --full is
    given. A leak or damage ends with exit code 4, and the file, the column and the first row are printed.

    \b
    Example:
      forecast audit --pair USDJPY
      forecast audit --csv prices.csv --config classic --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.errors import ExitCode
    from forecaster.output.documents import audit_document
    from forecaster.workflows.audit import audit

    result = audit(environment=environment, **keywords)
    print_result(environment, _text(audit_document(result), format))
    if not result.clean:
        click.get_current_context().exit(ExitCode.DIFFERENCE)


def _text(document: dict[str, Any], output: str) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.audit_tables import audit_lines, audit_rows, audit_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(list(audit_rows(document)))
    return "\n".join([table_text(audit_table(document)), colored_lines(audit_lines(document))])
