"""Options about the ledger of issued forecasts."""

from pathlib import Path

import click

from forecaster.cli.option_builders import Definition, date_option, option

__all__ = ["LEDGER_OPTIONS"]

LEDGER_OPTIONS: dict[str, Definition] = {
    "log": option(
        "Output",
        "--log/--no-log",
        default=None,
        help="Append the forecasts to the ledger.  [default: key ledger of the run]",
    ),
    "ledger": option(
        "Data",
        "--ledger",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Ledger to read.  [default: ledger.jsonl in the project]",
    ),
    "since": date_option("Data", "--since", help="First day of issue."),
    "head": option(
        "Data", "--head", metavar="HASH", help="Hash of an earlier last line, which the chain must contain."
    ),
}
