"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["Command", "date_option", "format_option", "home_option", "instrument_options", "run_option"]

Command = Callable[..., Any]


def instrument_options(function: Command) -> Command:
    """Which instruments, from which source; the command gets one argument `choice`."""

    @functools.wraps(function)
    def command(**values: Any) -> Any:
        from forecaster.workflows import InstrumentChoice

        columns = {name: values.pop(name) for name in ("date_column", "price_column")}
        choice = InstrumentChoice(
            pairs=values.pop("pairs"),
            tickers=values.pop("tickers"),
            csvs=values.pop("csvs"),
            source=values.pop("source"),
            name=values.pop("name"),
            options={name: value for name, value in columns.items() if value is not None},
        )
        return function(choice=choice, **values)

    for option in reversed(
        (
            click.option("--pair", "pairs", multiple=True, metavar="PAIR", help="Currency pair: USDJPY, usd/jpy, ..."),
            click.option(
                "--ticker",
                "tickers",
                multiple=True,
                metavar="SYMBOL",
                help="Symbol as at Yahoo (AAPL, ^GSPC), or sine, random_walk, ar1, garch.",
            ),
            click.option("--csv", "csvs", multiple=True, metavar="FILE", help="Price history in a CSV file."),
            click.option(
                "--source", metavar="NAME", help="Where prices come from: ecb, yahoo, csv, sample, synthetic."
            ),
            click.option("--name", metavar="NAME", help="What to call the series of a CSV file."),
            click.option("--date-column", metavar="NAME", help="Column of dates in the CSV file."),
            click.option("--price-column", metavar="NAME", help="Column of prices in the CSV file."),
        )
    ):
        command = option(command)
    return command


def home_option(function: Command) -> Command:
    """Where ``data/`` and ``runs/`` are; the command gets one argument `project`."""

    @functools.wraps(function)
    def command(home: Path, **values: Any) -> Any:
        from forecaster.cli.terminal import watched_project

        with watched_project(home) as project:
            return function(project=project, **values)

    return click.option(
        "--home",
        type=click.Path(path_type=Path),
        default=Path(),
        envvar="FORECAST_HOME",
        metavar="DIR",
        help="Project folder, holding data/ and runs/.  [default: here; variable FORECAST_HOME]",
    )(command)


def format_option(*choices: str) -> Callable[[Command], Command]:
    """How the result is printed; the first choice is the default."""
    return click.option(
        "--format", "output", type=click.Choice(choices), default=choices[0], show_default=True, help="How to print."
    )


def run_option(function: Command) -> Command:
    """Which run to use."""
    return click.option("--run", "run_id", metavar="ID", help="Run to use.  [default: the newest that fits]")(function)


def date_option(flag: str, text: str) -> Callable[[Command], Command]:
    """A day, written as 2020-12-31; the command gets a `datetime.date`."""
    return click.option(flag, type=click.DateTime(["%Y-%m-%d"]), callback=_to_date, metavar="DATE", help=text)


def _to_date(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    return None if value is None else value.date()
