"""`forecast score`."""

import datetime
import functools
from pathlib import Path
from typing import Any

import click

from forecaster.cli.executor_options import EXECUTOR_OPTIONS
from forecaster.cli.options import TRAINING_OPTIONS, with_options
from forecaster.cli.result_file import file_content, result_or_picture, write_result_or_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command(
    "score", cls=SectionedCommand, short_help="Grade logged forecasts, or those of others, beside baselines."
)
@with_options(
    common=("graded", "units_of_file", "forecaster", "pair", "ticker", "csv", "further_models", "since", "out", "home"),
    rare=(
        "ledger",
        *TRAINING_OPTIONS,
        *("end", "config", "set", "schedule", "no_calibration", "seed"),
        *(*EXECUTOR_OPTIONS, "backend", "device", "verbose"),
    ),
    formats=("table", "json", "csv"),
)
def command(
    *,
    environment: Environment,
    graded: Path | None,
    ledger: Path | None,
    since: datetime.date | None,
    format: str,
    out: Path | None,
    verbose: bool,
    **keywords: Any,
) -> None:
    """Score forecasts beside baselines on the same rows: those that predict --log has logged, or those of a file.

    Of the ledger, forecasts count that have come true; their baselines were logged with them, and nothing is fitted.

    A file has the columns instrument, cutoff and step, and either quantiles (q0.1, q0.5, q0.9, ...), or level and
    value, or mean and sigma (df for Student's t); model names several forecasters. The baselines are fitted again each
    year on earlier rows only. Rows that cannot be scored are listed with the reason. --out draws a picture (.png,
    .svg, .pdf) or writes the scores (.csv, .json, .xlsx, .html).

    \b
    Example:
      forecast score
      forecast score USDJPY --since 2026-01-01 --out ledger.png
      forecast score --forecasts bank.csv
      forecast score --forecasts bank.csv --models lstm --out bank.png
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    if graded is None:
        from forecaster.cli.score_ledger import write_ledger_scores

        keywords |= {"ledger": ledger, "since": since}
        write_ledger_scores(environment, out, format, every=verbose, keywords=keywords)
        return
    if ledger is not None or since is not None:
        raise click.UsageError("--ledger and --since are for the ledger, and --forecasts names a file; remove one.")
    environment.progress("data", 0, 1, detail="loading the program")
    from forecaster.cli.backtest import scores_text
    from forecaster.cli.terminal import print_result
    from forecaster.output.backtest_tables import backtest_exceptions
    from forecaster.output.grade_documents import grade_document, grade_lines, rejection_lines
    from forecaster.output.score_tables import verdict_lines
    from forecaster.workflows.score import score

    kind = None if out is None else result_or_picture(out)
    grades = score(forecasts=graded, environment=environment, **keywords)
    document = grade_document(grades)
    if format == "csv":  # facts that rows cannot hold
        lines = [*rejection_lines(document), *backtest_exceptions(document)]
        for line in [*lines, *verdict_lines(document["verdict"], document["verdicts"])]:
            environment.note(line)
    print_result(environment, scores_text(document, format, grade_lines, every_model=verbose))
    if out is not None:
        content = functools.partial(_content, document)
        write_result_or_picture(out, kind, content, grades.figure, environment)


def _content(document: dict[str, Any], kind: str) -> str | bytes:
    """Content of a file of scores."""
    from forecaster.cli.backtest import scores_text
    from forecaster.output.backtest_tables import backtest_rows
    from forecaster.output.grade_documents import grade_lines

    title = f"Scores of {document['file']}"
    blocks = [("Scores", backtest_rows(document), grade_lines(document))]
    return file_content(
        kind, "scores", title, blocks, lambda: scores_text(document, kind, grade_lines, every_model=True)
    )
