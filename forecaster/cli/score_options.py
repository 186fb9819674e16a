"""Options about forecasts that others have made."""

from pathlib import Path

import click

from forecaster.cli.option_builders import Definition, list_option, option

__all__ = ["SCORE_OPTIONS"]

SCORE_OPTIONS: dict[str, Definition] = {
    "graded": option(
        "Instrument",
        "--forecasts",
        "graded",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="File of forecasts: CSV, JSON or Excel; - for standard input.  [default: the ledger]",
    ),
    "units_of_file": option(
        "Instrument",
        "--units",
        type=click.Choice(["price", "return"]),
        default="price",
        show_default=True,
        metavar="NAME",
        help="Units of the forecasts: price, or return for log returns from the cutoff.",
    ),
    "forecaster": option(
        "Instrument", "--forecaster", metavar="NAME", help="Name in the column model to evaluate.  [default: the first]"
    ),
    "further_models": list_option(
        "Model", "--models", metavar="NAMES", help="Models to compare with, besides the baselines, such as lstm."
    ),
}
