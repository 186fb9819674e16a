"""`forecast backtest`."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import EXECUTOR_OPTIONS, TRAINING_OPTIONS, with_options
from forecaster.cli.result_file import file_content, result_or_picture, write_result, write_result_or_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command", "scores_text"]


@click.command(
    "backtest",
    cls=SectionedCommand,
    renamed={"--refit": "--schedule"},
    short_help="Compare a model with the baselines over past years.",
)
@with_options(
    common=("pair", "ticker", "csv", "start", "end", "config", "set", "models", "step", "out", "home"),
    rare=(
        *TRAINING_OPTIONS,
        *(
            "forecasts",
            "schedule",
            "stride",
            "no_calibration",
            "seed",
            *EXECUTOR_OPTIONS,
            "backend",
            "device",
            "verbose",
        ),
    ),
    formats=("table", "json", "csv"),
)
def command(
    *,
    environment: Environment,
    format: str,
    out: Path | None,
    forecasts: Path | None,
    verbose: bool,
    **keywords: Any,
) -> None:
    """Forecast every day of past years as it would have been forecast then, and compare with the baselines.

    All models are refitted as time passes, each time on earlier rows only. The first cutoff is ten years before the
    last row unless --start is given. The table shows the strongest baselines; --verbose, or --models, shows all.
    Results are cached; an interrupted backtest resumes. --out draws a picture (.png, .svg, .pdf) or writes the scores
    (.csv, .json, .xlsx, .html). Every forecast is written with its outcome by --forecasts.

    \b
    Example:
      forecast backtest USDJPY --out backtest.png --forecasts forecasts.csv
      forecast backtest USDJPY,EURUSD --end 2020-12-31 --models lstm,ewma
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    environment.progress("data", 0, 1, detail="loading the program")
    from forecaster.cli.terminal import print_result
    from forecaster.output.backtest_documents import backtest_document
    from forecaster.output.backtest_tables import backtest_exceptions, backtest_lines
    from forecaster.output.score_tables import verdict_lines
    from forecaster.workflows.backtest import backtest

    kind = None if out is None else result_or_picture(out)
    if forecasts is not None:
        _check_forecasts(forecasts)
    result = backtest(environment=environment, **keywords)
    document = backtest_document(result)
    if format == "csv":  # facts that rows cannot hold
        for line in [*backtest_exceptions(document), *verdict_lines(document["verdict"], document["verdicts"])]:
            environment.note(line)
    every_model = verbose or bool(keywords["models"])
    print_result(environment, scores_text(document, format, backtest_lines, every_model=every_model))
    if out is not None:
        content = functools.partial(_content, document)
        write_result_or_picture(out, kind, content, result.figure, environment)
    if forecasts is not None:
        _write_forecasts(result, forecasts, environment)


def _check_forecasts(path: Path) -> None:
    """Refuse a file that is no CSV file, or cannot be written, before hours of work depend on it."""
    from forecaster.files import check_target

    if path.suffix.lower() not in ("", ".csv", ".txt"):
        raise click.UsageError(f"--forecasts {path}: expected a CSV file; got the ending {path.suffix!r}.")
    check_target(path)


def _write_forecasts(result: Any, path: Path, environment: Environment) -> None:
    from forecaster.output.tables import csv_text

    rows = result.forecasts().table_rows()
    write_result(path, csv_text(rows) + "\n", environment)
    environment.note(f"forecasts: {len(rows):,} rows, one for each instrument, model, cutoff and step")


def _content(document: dict[str, Any], kind: str) -> str | bytes:
    """Content of a file of scores."""
    from forecaster.output.backtest_tables import backtest_lines, backtest_rows

    title = f"Backtest of {', '.join(document['instruments'])}"
    blocks = [(document["id"], backtest_rows(document), backtest_lines(document))]
    return file_content(
        kind, "backtest", title, blocks, lambda: scores_text(document, kind, backtest_lines, every_model=True)
    )


def scores_text(
    document: dict[str, Any], output: str, lines: Callable[..., Sequence[str]], *, every_model: bool
) -> str:
    """Scores of models as tables with lines below them, as JSON, or as CSV.

    Args:
        document: JSON document of a backtest or of graded forecasts.
        output: Format.
        lines: Lines below the tables; takes the document and `every_model`.
        every_model: True for all models, not the strongest alone.
    """
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.backtest_tables import backtest_rows, backtest_table, instrument_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(backtest_rows(document))
    both = (backtest_table(document, every_model=every_model), instrument_table(document, every_model=every_model))
    tables = [table_text(table) for table in both if table is not None]
    return "\n".join(["\n\n".join(tables), colored_lines(lines(document, every_model=every_model))])
