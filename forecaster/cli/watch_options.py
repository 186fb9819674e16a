"""Options about rules that watch forecasts."""

from pathlib import Path

import click

from forecaster.cli.option_builders import Definition, option

__all__ = ["WATCH_OPTIONS"]

WATCH_OPTIONS: dict[str, Definition] = {
    "rules": option(
        "Data", "--rules", type=click.Path(path_type=Path), required=True, metavar="FILE", help="YAML file of rules."
    ),
    "exec": option(
        "Output",
        "--exec",
        metavar="COMMAND",
        help="Command that gets each line on its standard input; run without a shell.",
    ),
}
