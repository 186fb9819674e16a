"""`forecast backtest`."""

import os
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import FILE_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]

MAX_DEFAULT_JOBS = 4  # the memory of a machine seldom grows with its processors


@click.command(
    "backtest",
    cls=SectionedCommand,
    renamed={"--refit": "--schedule"},
    short_help="Compare a model with the baselines over past years.",
)
@with_options(
    common=("pair", "ticker", "csv", "start", "end", "config", "set", "models", "step", "out", "home"),
    rare=(
        *("source", "name", *FILE_OPTIONS),
        *(
            "frequency",
            "universe",
            "peers",
            "with",
            "exog",
            "lag",
            "refresh",
            "offline",
            "strict",
            "calendar",
            "split",
            "drop",
            "keep",
        ),
        *("schedule", "stride", "no_calibration", "seed", "jobs", "backend", "device"),
    ),
    formats=("table", "json", "csv"),
)
def command(
    *,
    environment: Environment,
    jobs: int | None,
    format: str,
    out: Path | None,
    **keywords: Any,
) -> None:
    """Forecast every day of past years as it would have been forecast then, and compare with the baselines.

    All models are refitted as time passes, each time on earlier rows only. The first cutoff is ten years before the
    last row unless --start is given. Results are cached; an interrupted backtest resumes. --out draws a picture.

    \b
    Example:
      forecast backtest --pair USDJPY
      forecast backtest --pair USDJPY,EURUSD --end 2020-12-31 --models lstm,ewma
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.output.backtest_documents import backtest_document
    from forecaster.output.backtest_tables import backtest_exceptions
    from forecaster.output.tables import verdict_lines
    from forecaster.workflows.backtest import backtest

    if out is not None:
        from forecaster.output.canvas import check_figure_path

        check_figure_path(out)
    result = backtest(environment=environment, jobs=jobs or min(_processors(), MAX_DEFAULT_JOBS), **keywords)
    document = backtest_document(result)
    if format == "csv":  # facts that rows cannot hold
        for line in [*backtest_exceptions(document), *verdict_lines(document["verdict"], document["verdicts"])]:
            environment.note(line)
    print_result(environment, _text(document, format))
    if out is not None:
        _draw(result, out)
        environment.note(f"picture: {out}")


def _draw(result: Any, out: Path) -> None:
    from forecaster.output.backtest_figure import backtest_picture, draw_backtest
    from forecaster.output.canvas import save_figure

    save_figure(draw_backtest(backtest_picture(result)), out)


def _processors() -> int:
    """Processors that this process may use; a limit on its share of time is not known here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _text(document: dict[str, Any], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.backtest_tables import backtest_lines, backtest_rows, backtest_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(backtest_rows(document))
    return "\n".join([table_text(backtest_table(document)), *backtest_lines(document)])
