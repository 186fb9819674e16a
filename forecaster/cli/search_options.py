"""Options of searches."""

from pathlib import Path

import click

from forecaster.cli.option_builders import Definition, list_option, option
from forecaster.cli.values import MAX_STEP, to_step

__all__ = ["SEARCH_OPTIONS"]

SEARCH_OPTIONS: dict[str, Definition] = {
    "trials": option(
        "Search",
        "--trials",
        type=click.IntRange(1, 100_000),
        default=50,
        show_default=True,
        metavar="N",
        help="Trials of the study, those of earlier commands among them.",
    ),
    "space": option(
        "Search",
        "--space",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="YAML file of keys and values to search.  [default: those of the kind of model]",
    ),
    "folds": option(
        "Search",
        "--folds",
        type=click.IntRange(1, 50),
        default=3,
        show_default=True,
        metavar="N",
        help="Folds of a trial: 250 days, 52 weeks or 12 months each.",
    ),
    "lockbox": option(
        "Search",
        "--lockbox",
        type=click.IntRange(20),
        metavar="ROWS",
        help="Last rows, which no trial sees.  [default: 500 days, 104 weeks or 24 months]",
    ),
    "keep_lockbox": option("Search", "--keep-lockbox", is_flag=True, help="Leave the lockbox closed for now."),
    "study": option(
        "Search",
        "--study",
        metavar="ID",
        help="Study to go on with, or latest, instead of instruments and configuration.",
    ),
    "loss_baseline": option(
        "Search",
        "--baseline",
        default="ewma",
        show_default=True,
        metavar="NAME",
        help="Baseline in whose CRPS losses are measured.",
    ),
    "loss_step": list_option(
        "Model",
        "--step",
        expected=f"days ahead from 1 to {MAX_STEP}, such as 1,5,20",
        item=to_step,
        default=("1,5",),
        show_default=True,
        metavar="ROWS",
        help="Rows ahead that are scored.",
    ),
}
