"""Options about odds and positions."""

from pathlib import Path

import click

from forecaster.cli.option_builders import Definition, date_option, list_option, option, prices_option
from forecaster.cli.values import to_level

__all__ = ["ODDS_OPTIONS"]

ODDS_OPTIONS: dict[str, Definition] = {
    "touch": prices_option(
        "Question", "--touch", help="Probabilities of reaching prices on a day up to --on or --within."
    ),
    "on": date_option("Question", "--on", help="Day of the questions.  [default: the last day of the run]"),
    "within": option(
        "Question", "--within", metavar="SPAN", help="Rows ahead in place of --on: 20, 20d (trading days), 2wk or 1mo."
    ),
    "position": option(
        "Question", "--position", metavar="AMOUNT", help="Position: 1000000USD, -250000EUR (short) or 100AAPL."
    ),
    "var": list_option(
        "Question", "--var", metavar="SPANS",
        help="Spans of the value at risk and expected shortfall: 1d,5d,20d.  [default: 1d, 5d, 20d]",
    ),
    "portfolio": option(
        "Question", "--portfolio", type=click.Path(path_type=Path), metavar="FILE",
        help="Positions in several currencies or stocks: CSV, Excel or YAML; their joint risk.",
    ),
    "portfolio_base": option(
        "Question", "--base", metavar="CURRENCY", help="Currency in which a portfolio is counted."
    ),
    "hedge": list_option(
        "Question", "--hedge", metavar="NAMES", help="Currencies or stocks that would hedge a portfolio, and how much."
    ),
    "spread": option(
        "Question", "--spread", type=click.FloatRange(0, 1e6, min_open=True), metavar="PIPS",
        help="Cost of a trade, whose break-even hit rate is wanted.",
    ),
    "confidence": list_option(
        "Question", "--confidence", expected="percentages from 1 to 99.9, such as 95,99", item=to_level,
        default=("95,99",), show_default=True, metavar="PERCENT", help="Confidence levels of the value at risk.",
    ),
    "far": option("Question", "--far", is_flag=True, help="Answer for prices far from the last one, too."),
}  # fmt: skip
