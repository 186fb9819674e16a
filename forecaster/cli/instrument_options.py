"""Options that name instruments, their source, and what is known about their prices."""

from pathlib import Path

import click

from forecaster.cli import completion_values
from forecaster.cli.option_builders import Definition, days_option, list_option, option
from forecaster.cli.values import to_split
from forecaster.data.sources import NAMED_SOURCES
from forecaster.environment import OFFLINE_VARIABLE

__all__ = ["INSTRUMENT_OPTIONS"]

INSTRUMENT_OPTIONS: dict[str, Definition] = {
    "pair": list_option(
        "Instrument",
        "--pair",
        metavar="PAIR",
        shell_complete=completion_values.pairs,
        help="Currency pair, such as USDJPY.",
    ),
    "ticker": list_option(
        "Instrument", "--ticker", metavar="SYMBOL", help="Yahoo symbol, such as AAPL; or sine, random_walk, ar1, garch."
    ),
    "csv": list_option(
        "Instrument", "--csv", metavar="FILE", help="File of prices: CSV, JSON or Excel; - for standard input."
    ),
    "source": option("Instrument", "--source", metavar="NAME", help=f"Source of prices: {', '.join(NAMED_SOURCES)}."),
    "name": option("Instrument", "--name", metavar="NAME", help="Name of the series in the CSV file."),
    "date_column": option("Instrument", "--date-column", metavar="NAME", help="Column of dates in the CSV file."),
    "price_column": option("Instrument", "--price-column", metavar="NAME", help="Column of prices in the CSV file."),
    "symbol": option("Instrument", "--symbol", metavar="NAME", help="Series to read from a file of several."),
    "date_order": option(
        "Instrument",
        "--date-order",
        type=click.Choice(["dmy", "mdy", "ymd"]),
        metavar="ORDER",
        help="Order of day, month and year in the CSV file: dmy, mdy or ymd.",
    ),
    "decimal": option(
        "Instrument",
        "--decimal",
        type=click.Choice(["point", "comma"]),
        metavar="SIGN",
        help="Decimal sign in the CSV file: point or comma.",
    ),
    "timezone": option(
        "Instrument", "--timezone", metavar="ZONE", help="Time zone of the market, for time stamps in the CSV file."
    ),
    "daily_close": option(
        "Instrument", "--daily-close", metavar="HH:MM", help="Time at which a day of shorter rows ends."
    ),
    "sheet": option("Instrument", "--sheet", metavar="NAME", help="Sheet of an Excel workbook."),
    "refresh": option(
        "Data", "--refresh", is_flag=True, help="Download newer prices; fail if the source is unreachable."
    ),
    "offline": option("Data", "--offline", is_flag=True, help=f"Never use the network.  [variable {OFFLINE_VARIABLE}]"),
    "strict": option("Data", "--strict", is_flag=True, help="Treat data warnings as errors."),
    "calendar": option(
        "Data",
        "--calendar",
        metavar="NAME",
        help="Trading calendar: NYSE, LSE, FX, ECB, 24x7, ...  [default: that of the source, else by the rows]",
    ),
    "differences": option(
        "Data", "--differences", is_flag=True, help="Model changes of the price: for a spread, which may be negative."
    ),
    "split": list_option(
        "Data",
        "--split",
        expected="DATE=RATIO such as 2024-06-10=4",
        item=to_split,
        collect=dict,
        metavar="DATE=RATIO",
        help="Split that the prices do not account for: first day of the new prices, new shares for an old one.",
    ),
    "drop": days_option("Data", "--drop", help="Days whose rows are left out."),
    "keep": days_option("Data", "--keep", help="Days whose rows are right, however unusual."),
    "events": option(
        "Data",
        "--events",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Events known in advance: CSV or YAML with date, name and instruments or currencies.",
    ),
}
"""Options that name instruments and their source."""
