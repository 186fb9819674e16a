"""`forecast report`."""

from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("report", cls=SectionedCommand, short_help="Write a page with the forecast, its record and its data.")
@with_options(
    common=("pair", "ticker", "csv", "universe", "run", "as_of", "horizon", "above", "out", "home"),
    rare=("until", "frequency", *INSTRUMENT_OPTIONS, "no_calibration"),
    also="run",
)
def command(*, environment: Environment, **keywords: Any) -> None:
    """Write one HTML page about an instrument: verdict, history and predictions, coming days, odds, skill and data.

    The page needs no network and no server, and can be given away as one file. Skill and coverage over time come from
    the newest backtest of the same model; without one the page says which command makes it. Several instruments, or
    --universe, give an overview whose rows open a section each. The file is named after the instrument,
    USDJPY-report.html, unless --out names it.

    \b
    Example:
      forecast report USDJPY
      forecast report USDJPY --as-of 2020-12-31 --out usdjpy.html
      forecast report --universe symbols.txt --out overview.html
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.workflows.report import report

    print_result(environment, str(report(environment=environment, **keywords)))
