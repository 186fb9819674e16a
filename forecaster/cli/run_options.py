"""Options about recorded runs."""

import click

from forecaster.cli.completion_values import run_facts, run_ids
from forecaster.cli.option_builders import Definition, option

__all__ = ["RUN_OPTIONS"]

RUN_OPTIONS: dict[str, Definition] = {
    "base": option(
        "Model",
        "--from",
        "base",
        metavar="RUN",
        shell_complete=run_ids,
        help="Start from configuration and data of a run; an id, or latest.",
    ),
    "used_by": option(
        "Data",
        "--used-by",
        metavar="RUN",
        shell_complete=run_ids,
        help="List what a run has used; an id, or latest.",
    ),
    "where": option(
        "Output",
        "--where",
        multiple=True,
        metavar="CONDITION",
        shell_complete=run_facts,
        help="List runs that meet a condition: model=gru, tag=best, 'crps_ratio.garch@1<1'.",
    ),
    "sort": option(
        "Output",
        "--sort",
        metavar="NAME",
        shell_complete=run_facts,
        help="Fact or metric to sort by.  [default: newest first]",
    ),
    "descending": option("Output", "--descending", is_flag=True, help="Reverse the order."),
    "limit": option(
        "Output",
        "--limit",
        type=click.IntRange(1),
        metavar="N",
        help="Largest number of runs.  [default: 20 in a table, else all]",
    ),
    "author": option("Output", "--author", metavar="NAME", help="Author to record.  [default: the login name]"),
    "yes": option("Output", "--yes", is_flag=True, help="Do not ask."),
}
