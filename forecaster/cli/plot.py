"""`forecast plot`."""

from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command(
    "plot",
    cls=SectionedCommand,
    renamed={"--start": "--from", "--end": "--to"},
    short_help="Draw the history, the predictions and the coming days.",
)
@with_options(
    common=("pair", "ticker", "csv", "as_of", "run", "kind", "last", "above", "title", "out", "home"),
    rare=(
        *("from", "to", "fan_level", "horizon", "until", "drawn_step", "show"),
        *("frequency", *INSTRUMENT_OPTIONS, "no_calibration"),
    ),
)
def command(*, environment: Environment, **keywords: Any) -> None:
    """Draw actual prices in blue, train predictions in green, test predictions in red, and the coming days.

    --kind fan draws the coming days alone, --kind loss the learning curve, --kind backtest the newest backtest, --kind
    compare the recorded runs, one of each kind of network. The file is named after the instrument,
    USDJPY-forecast.png, unless --out names it.

    \b
    Example:
      forecast plot --pair USDJPY --out usdjpy.png
      forecast plot --pair USDJPY --as-of 2024-03-01 --last 120
      forecast plot --pair USDJPY --kind fan --until 2026-12-31 --above 160
      forecast plot --pair USDJPY --kind backtest --step 1,20
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.workflows.plot import plot

    for path in plot(environment=environment, **keywords):
        print_result(environment, str(path))
