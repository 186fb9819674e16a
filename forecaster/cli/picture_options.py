"""Options of pictures."""

import click

from forecaster.cli.option_builders import Definition, date_option, list_option, option
from forecaster.cli.values import MAX_STEP, to_figure, to_level, to_step

__all__ = ["PICTURE_OPTIONS"]

PICTURE_OPTIONS: dict[str, Definition] = {
    "from": date_option("Output", "--from", "from_date", help="First date to draw."),
    "to": date_option("Output", "--to", "to_date", help="Last date to draw."),
    "last": option("Output", "--last", type=click.IntRange(min=2), metavar="N", help="Draw only the last N rows."),
    "kind": option(
        "Output",
        "--kind",
        callback=to_figure,
        default="forecast",
        show_default=True,
        metavar="KIND",
        help="Picture: forecast, fan (for a slide), loss, inspection, backtest, compare or anomalies.",
    ),
    "title": option("Output", "--title", metavar="TEXT", help="Title of the picture."),
    "fan_level": list_option(
        "Output",
        "--level",
        "level",
        expected="percentages from 1 to 99.9, such as 80,95",
        item=to_level,
        metavar="PERCENT",
        help="Central prediction intervals.",
    ),
    "drawn_step": list_option(
        "Model",
        "--step",
        "step",
        expected=f"days ahead from 1 to {MAX_STEP}, such as 1,5,20",
        item=to_step,
        metavar="ROWS",
        help="Rows ahead that are scored.",
    ),
    "show": option("Output", "--show", is_flag=True, help="Open a window instead of writing a file."),
}
"""Options that only pictures have, or that have no default there: that of a fan or of a backtest."""
