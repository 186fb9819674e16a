"""`forecast audit`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import (
    config_of,
    date_option,
    format_option,
    home_option,
    input_options,
    instrument_options,
    interval_option,
)

__all__ = ["command"]


@click.command("audit", short_help="Prove that no number rests on rows that came after it.")
@instrument_options
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="YAML file or a shipped name.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any key of the configuration.")
@click.option("--universe", metavar="NAME", help="What learns together; or a file of symbols.")
@input_options
@interval_option("Span of a row: 1d, 1wk or 1mo.")
@date_option("--start", "First row to use.")
@date_option("--end", "Last row to use.")
@click.option("--full", is_flag=True, help="Fit as configured; else in few steps and beside few others.")
@click.option("--seed", type=int, help="Of everything random.")
@click.option("--backend", type=click.Choice(["auto", "jax", "tensorflow"]), help="Engine under Keras.")
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), help="Where to train.")
@format_option("table", "json", "csv")
@home_option
def command(
    environment: Any,
    choice: Any,
    config: Path | None,
    assignments: tuple[str, ...],
    full: bool,
    output: str,
    **flags: Any,
) -> None:
    """Alter what comes after a day, before validation, and demand that nothing before it changes by a bit.

    Validated rows, inputs, weights, choices, calibration and forecasts are compared; random walks must show no skill;
    a model that merely repeats yesterday is named. Exit code 4 where a leak or damage is found, with the file, the
    column and the first row.

    \b
    Example:
      forecast audit --pair USDJPY
      forecast audit --csv prices.csv --config classic --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.errors import ExitCode
    from forecaster.workflows.audit import AuditRequest, audit

    result = audit(AuditRequest(choice, config_of(config, assignments, flags), full), environment)
    print_result(environment, _text(result.to_json(), output))
    if not result.clean:
        click.get_current_context().exit(ExitCode.DIFFERENCE)


def _text(document: dict[str, Any], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.audit_tables import audit_lines, audit_rows, audit_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(list(audit_rows(document)))
    return "\n".join([table_text(audit_table(document)), *audit_lines(document)])
