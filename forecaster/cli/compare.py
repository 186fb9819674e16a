"""`forecast compare`."""

import functools
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import EXECUTOR_OPTIONS, TRAINING_OPTIONS, with_options
from forecaster.cli.result_file import file_content, result_or_picture, write_result_or_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("compare", cls=SectionedCommand, short_help="Compare runs, or all kinds of networks, on the same rows.")
@with_options(
    common=("pair", "ticker", "csv", "end", "kinds", "config", "set", "drawn_step", "out", "home"),
    rare=(*TRAINING_OPTIONS, "horizon", "seed", *EXECUTOR_OPTIONS, "backend", "device", "verbose"),
    formats=("table", "json", "csv"),
    also="runs",
)
def command(*, environment: Environment, format: str, out: Path | None, verbose: bool, **keywords: Any) -> None:
    """Compare recorded runs with one another and with the baselines, on the test rows that all of them share.

    RUN is an id or its beginning. With --kinds, each kind of network is trained on the same data unless a run has made
    this training. An instrument alone compares the recorded run of each kind. --out draws a picture (.png, .svg,
    .pdf) or writes the scores (.csv, .json, .xlsx, .html).

    \b
    Example:
      forecast compare 20261126-040128 20261126-041500
      forecast compare EURUSD --kinds all --out kinds.png
      forecast compare EURUSD --kinds lstm,gru --step 1,5
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    environment.progress("data", 0, 1, detail="loading the program")
    from forecaster.cli.terminal import print_result
    from forecaster.output.comparison_documents import comparison_document
    from forecaster.workflows.compare import compare

    kind = None if out is None else result_or_picture(out)
    result = compare(environment=environment, **keywords)
    document = comparison_document(result)
    print_result(environment, _text(document, format, verbose))
    if out is not None:
        content = functools.partial(_content, document)
        write_result_or_picture(out, kind, content, result.figure, environment)


def _content(document: dict[str, Any], kind: str) -> str | bytes:
    """Content of a file of scores."""
    from forecaster.output.comparison_tables import comparison_lines, comparison_rows

    title = f"Comparison on {', '.join(document['instruments'])}"
    blocks = [("Scores", comparison_rows(document), comparison_lines(document))]
    return file_content(kind, "comparison", title, blocks, lambda: _text(document, kind, verbose=True))


def _text(document: dict[str, Any], output: str, verbose: bool) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.comparison_tables import comparison_lines, comparison_rows, comparison_table, step_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(comparison_rows(document))
    tables = [comparison_table(document), *([step_table(document)] if verbose else [])]
    text = "\n\n".join(table_text(table) for table in tables)
    return "\n".join([text, colored_lines(comparison_lines(document, every_difference=verbose))])
