"""`forecast backtest`."""

import os
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import (
    comma_option,
    date_option,
    format_option,
    home_option,
    instrument_options,
    interval_option,
)

__all__ = ["command"]

_MOST_JOBS = 4  # unless asked for: the memory of a machine seldom grows with its processors


def _step(text: str) -> int:
    """A number of rows ahead."""
    if not (text.isdecimal() and 1 <= int(text) <= 250):
        raise ValueError(text)
    return int(text)


@click.command("backtest", short_help="The model beside every baseline, over years, with a verdict.")
@instrument_options
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="YAML file or a shipped name.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any key of the configuration.")
@click.option("--universe", metavar="NAME", help="What learns together; or a file of symbols.")
@interval_option("Span of a row: 1d, 1wk or 1mo.")
@date_option("--start", "First cutoff.  [default: ten years before the last row, or what leaves enough to learn from]")
@date_option("--end", "Last row to use; nothing after it is looked at.")
@click.option(
    "--refit", default="yearly", show_default=True, metavar="WHEN", help="never, yearly, monthly or a number of rows."
)
@click.option(
    "--stride", type=click.IntRange(1, 999_999), default=1, show_default=True, help="Every so many rows a cutoff."
)
@comma_option("--models", metavar="NAMES", help="The judged one first.  [default: lstm,random_walk,ewma,garch]")
@comma_option(
    "--step",
    "steps",
    expected="days ahead from 1 to 250, such as 1,5,20",
    item=_step,
    default=("1,5,10,20",),
    show_default=True,
    metavar="DAYS",
    help="Days ahead.",
)
@click.option("--no-calibration", is_flag=True, help="Score the intervals as the network gives them.")
@click.option(
    "--jobs",
    "processes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Networks fitted at once on a CPU, each up to 1.3 GB.  [default: one a processor, at most 4]",
)
@click.option("--seed", type=int, help="Of everything random.")
@click.option("--backend", type=click.Choice(["auto", "jax", "tensorflow"]), help="Engine under Keras.")
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), help="Where to train.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Picture: png, svg or pdf."
)
@format_option("table", "json", "csv")
@home_option
def command(environment: Any, choice: Any, output: str, out: Path | None, **asked: Any) -> None:
    """Forecast every day of the last years as it would have been done then, and judge.

    The model and the baselines are fitted anew as time goes on, each time on earlier rows alone. What is done is
    kept: the same command again answers at once, or goes on where it was interrupted.

    \b
    Example:
      forecast backtest --pair USDJPY
      forecast backtest --pair USDJPY,EURUSD --start 2011-01-03 --end 2020-12-31 --models lstm,ewma
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.config import load_config
    from forecaster.output.backtest_tables import backtest_exceptions
    from forecaster.output.tables import verdict_lines
    from forecaster.workflows.backtest import BacktestRequest, backtest

    if out is not None:
        from forecaster.output.canvas import check_figure_path

        check_figure_path(out)
    keys = {"universe": "universe", "seed": "seed", "backend": "backend", "device": "device"}
    keys |= {"end": "data.end", "interval": "data.interval"}
    flags = {key: asked.pop(name) for name, key in keys.items()}
    given = {key: value for key, value in flags.items() if value is not None}
    config = load_config(asked.pop("config"), asked.pop("assignments"), given)
    calibrate = not asked.pop("no_calibration")
    asked["processes"] = asked["processes"] or min(_processors(), _MOST_JOBS)
    result = backtest(BacktestRequest(choice, config, calibrate=calibrate, **asked), environment)
    document = result.to_json()
    if output == "csv":  # what rows cannot tell
        for line in [*backtest_exceptions(document), *verdict_lines(document["verdict"], document["verdicts"])]:
            environment.note(line)
    print_result(environment, _text(document, output))
    if out is not None:
        from forecaster.output.backtest_figure import backtest_picture, draw_backtest
        from forecaster.output.canvas import save_figure

        save_figure(draw_backtest(backtest_picture(result)), out)
        environment.note(f"picture: {out}")


def _processors() -> int:
    """Those that this process may use; a share of time, as containers are given, is not known here."""
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
