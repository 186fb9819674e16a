"""`forecast score` without a file: the ledger."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from forecaster.cli.options import INSTRUMENT_OPTIONS
from forecaster.cli.result_file import file_content, result_or_picture, write_result_or_picture
from forecaster.cli.terminal import print_result
from forecaster.environment import Environment

__all__ = ["write_ledger_scores"]

_USED = {"ledger", "since", "frequency", *INSTRUMENT_OPTIONS} - {"source", "events"}
"""Keywords of the command that grading the ledger has."""


def write_ledger_scores(
    environment: Environment, out: Path | None, format: str, *, every: bool, keywords: Mapping[str, Any]
) -> None:
    """Grade the ledger and print, write or draw the result.

    Args:
        environment: Home folder, clock, progress and messages.
        out: Picture or file of scores; None for none.
        format: Value of --format.
        every: True for all models, months and alarms.
        keywords: Other arguments of the command.
    """
    _require_used(keywords)
    environment.progress("data", 0, 1, detail="loading the program")
    from forecaster.output.ledger_grade_documents import grade_lines, ledger_grade_document
    from forecaster.workflows.score_ledger import score_ledger

    kind = None if out is None else result_or_picture(out)
    grades = score_ledger(environment=environment, **{key: keywords[key] for key in _USED if key in keywords})
    document = ledger_grade_document(grades)
    if format == "csv":  # facts that rows cannot hold
        for line in grade_lines(document, every=every):
            environment.note(line)
    print_result(environment, _text(document, format, every))
    if out is not None:
        content = functools.partial(_content, document)
        write_result_or_picture(out, kind, content, grades.figure, environment)


def _content(document: dict[str, Any], kind: str) -> str | bytes:
    """Content of a file of scores."""
    from forecaster.output.ledger_grade_documents import grade_lines, ledger_grade_rows

    blocks = [("Scores", ledger_grade_rows(document), grade_lines(document))]
    return file_content(kind, "scores", f"Scores of {document['file']}", blocks, lambda: _text(document, kind, True))


def _require_used(keywords: Mapping[str, Any]) -> None:
    """Refuse options that only a file of forecasts has.

    Raises:
        UsageError: One was typed.
    """
    context = click.get_current_context()
    for option in context.command.params:
        name = str(option.name)
        is_typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_typed and name in keywords and name not in _USED:
            raise click.UsageError(
                f"{option.opts[0]} is for a file of forecasts (--forecasts FILE); the ledger is graded as it was "
                "logged; remove one of them, or name the file."
            )


def _text(document: Mapping[str, Any], output: str, every: bool) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.backtest_tables import backtest_table, instrument_table
    from forecaster.output.ledger_grade_documents import grade_lines, ledger_grade_rows, month_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(ledger_grade_rows(document))
    blocks = []
    for forecaster in document["forecasters"]:
        tables = [
            backtest_table(forecaster, every_model=every),
            instrument_table(forecaster, every_model=every),
            month_table(forecaster, every=every),
        ]
        blocks += [table_text(table) for table in tables if table is not None]
    return "\n".join(["\n\n".join(blocks), colored_lines(grade_lines(document, every=every))])
