"""`forecast search`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import EXECUTOR_OPTIONS, TRAINING_OPTIONS, with_options
from forecaster.cli.result_file import save_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("search", cls=SectionedCommand, short_help="Search for a better configuration.")
@with_options(
    common=("pair", "ticker", "csv", "config", "set", "trials", "space", "folds", "out", "home"),
    rare=(
        *(name for name in TRAINING_OPTIONS if name != "start"),
        *EXECUTOR_OPTIONS,
        *(
            "study",
            "end",
            "loss_step",
            "loss_baseline",
            "lockbox",
            "keep_lockbox",
            "seed",
            "backend",
            "device",
            "verbose",
        ),
    ),
    formats=("table", "json", "csv"),
)
def command(*, environment: Environment, format: str, out: Path | None, verbose: bool, **keywords: Any) -> None:
    """Try configurations on past years, and test the best one once on rows that none of them has seen.

    The configuration itself is the first trial. A trial that is clearly worse than the best one is stopped early. The
    best of many looks good by luck: the output says how likely that is, on days that have decided about no trial. An
    interrupted search goes on where it stopped; the same command with more --trials continues it, and forecast studies
    shows its result again. --out draws the history, the importance of the settings and all trials (.png, .svg, .pdf).

    \b
    Example:
      forecast search --pair USDJPY --config quick --trials 30
      forecast search --pair USDJPY --space space.yaml --out search.png
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    environment.progress("data", 0, 1, detail="loading the program")
    from forecaster.workflows.search import search

    check_picture(out)
    result = search(environment=environment, **keywords)
    print_search(environment, result, format, verbose=verbose)
    if out is not None:
        save_picture(out, result.figure, environment)
    environment.note(f"next: {result.next_command}")


def check_picture(out: Path | None) -> None:
    """Refuse the name of a picture before anything is computed."""
    if out is not None:
        from forecaster.output.canvas import check_figure_path

        check_figure_path(out)


def print_search(environment: Environment, result: Any, format: str, *, verbose: bool) -> None:
    """Print a search as a table with lines below it, as JSON, or as CSV."""
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import print_result, table_text
    from forecaster.files import json_text
    from forecaster.output.search_documents import search_document
    from forecaster.output.search_tables import search_lines, search_rows, search_table
    from forecaster.output.tables import csv_text

    document = search_document(result)
    if format == "json":
        text = json_text(document)
    elif format == "csv":
        text = csv_text(search_rows(document))
    else:
        table = table_text(search_table(document, every_trial=verbose))
        text = "\n".join([table, "", colored_lines(search_lines(document))])
    print_result(environment, text)
