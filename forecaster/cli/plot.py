"""`forecast plot`."""

import datetime
from pathlib import Path
from typing import Any, Literal

import click

from forecaster.cli.options import date_option, home_option, instrument_options, interval_option, run_option
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("plot", short_help="Actual blue, train predictions green, test predictions red.")
@instrument_options
@click.option(
    "--kind",
    type=click.Choice(["forecast", "loss"]),
    default="forecast",
    show_default=True,
    help="Overlay, or learning curve.",
)
@click.option("--last", type=click.IntRange(min=2), metavar="N", help="Show only the last N rows.")
@date_option("--as-of", "Use rows up to this date only.")
@date_option("--from", "First date to draw.", "first")
@date_option("--to", "Last date to draw.", "final")
@interval_option("Of a run with rows of this span: 1d, 1wk or 1mo.")
@run_option
@click.option("--no-calibration", is_flag=True, help="Draw the intervals as the network gives them.")
@click.option("--show", is_flag=True, help="Open a window instead of writing a file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="png, svg or pdf.  [default: USDJPY-forecast.png]",
)
@home_option
def command(
    *,
    environment: Environment,
    choice: Any,
    kind: Literal["forecast", "loss"],
    as_of: datetime.date | None,
    first: datetime.date | None,
    final: datetime.date | None,
    last: int | None,
    interval: str | None,
    run: str | None,
    no_calibration: bool,
    show: bool,
    out: Path | None,
) -> None:
    """Draw the history, the one-step-ahead predictions on it, and the coming days; prints the file's name.

    \b
    Example:
      forecast plot --pair USDJPY --out usdjpy.png
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.workflows.plot import plot

    paths = plot(
        choice,
        environment,
        kind=kind,
        as_of=as_of,
        first=first,
        final=final,
        last=last,
        frequency=interval,
        run=run,
        calibrate=not no_calibration,
        out=out,
        show=show,
    )
    for path in paths:
        click.echo(path)
