"""`forecast plot`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import date_option, home_option, instrument_options, interval_option, run_option

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
@date_option("--start", "First day to show.")
@date_option("--end", "Last day to show.")
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
def command(environment: Any, **asked: Any) -> None:
    """Draw the history, the one-step-ahead predictions on it, and the coming days; prints the file's name.

    \b
    Example:
      forecast plot --pair USDJPY --out usdjpy.png
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.workflows import PlotRequest, plot

    calibrate = not asked.pop("no_calibration")
    for path in plot(PlotRequest(calibrate=calibrate, **asked), environment):
        click.echo(path)
