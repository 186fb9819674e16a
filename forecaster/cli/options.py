"""Options that several commands share."""

import functools
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

__all__ = [
    "OFFLINE_VARIABLE",
    "CommaList",
    "Command",
    "comma_option",
    "config_of",
    "date_option",
    "format_option",
    "home_option",
    "input_options",
    "instrument_options",
    "interval_option",
    "run_option",
]

OFFLINE_VARIABLE = "FORECAST_OFFLINE"

Command = Callable[..., Any]


class CommaList(click.ParamType[tuple[Any, ...]]):
    """Values separated by commas.

    Args:
        expected: Description of the values, for the error message.
        item: Reads one value; raises ValueError for a text that is none.
    """

    name = "list"

    def __init__(self, expected: str, item: Callable[[str], Any]) -> None:
        self._expected, self._item = expected, item

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """The values in the text `value`, in order."""
        texts = [text.strip() for text in value.split(",")]
        if not all(texts):
            self.fail(f"expected {self._expected} separated by commas; got an empty one.", param, ctx)
        try:
            return tuple(map(self._item, texts))
        except ValueError:
            self.fail(f"expected {self._expected}; got {value!r}.", param, ctx)


def comma_option(
    *flags: str,
    expected: str = "names",
    item: Callable[[str], Any] = str,
    collect: Callable[[Any], Any] = tuple,
    **settings: Any,
) -> Callable[[Command], Command]:
    """An option with several values: it may be repeated, and each text may hold values separated by commas.

    Args:
        flags: As for `click.option`.
        expected: Description of the values, for the error message.
        item: Reads one value; raises ValueError for a text that is none.
        collect: Makes the argument of the command from all values in order, each once.
        settings: As for `click.option`.
    """

    def joined(ctx: click.Context, parameter: click.Parameter, values: tuple[tuple[Any, ...], ...]) -> Any:
        return collect(list(dict.fromkeys(itertools.chain.from_iterable(values))))

    return click.option(*flags, multiple=True, type=CommaList(expected, item), callback=joined, **settings)


_INSTRUMENT_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    comma_option("--pair", "pairs", metavar="PAIR", help="Currency pair: USDJPY, usd/jpy, ..."),
    comma_option(
        "--ticker",
        "tickers",
        metavar="SYMBOL",
        help="Symbol as at Yahoo (AAPL, ^GSPC), or sine, random_walk, ar1, garch.",
    ),
    comma_option("--csv", "csvs", metavar="FILE", help="Price history in a CSV file."),
    click.option("--source", metavar="NAME", help="Where prices come from: ecb, yahoo, csv, sample, synthetic."),
    click.option("--name", metavar="NAME", help="What to call the series of a CSV file."),
    click.option("--date-column", metavar="NAME", help="Column of dates in the CSV file."),
    click.option("--price-column", metavar="NAME", help="Column of prices in the CSV file."),
    click.option("--refresh", is_flag=True, help="Ask the source for newer prices, and fail if it is away."),
    click.option("--offline", is_flag=True, help=f"Never use the network.  [variable {OFFLINE_VARIABLE}]"),
    click.option("--strict", is_flag=True, help="Refuse prices that would only be warned of."),
)


def instrument_options(function: Command) -> Command:
    """Which instruments, from which source; the command gets one argument `choice`."""

    @functools.wraps(function)
    def command(**values: Any) -> Any:
        from forecaster.datasets.selection import Selection

        columns = {name: values.pop(name) for name in ("date_column", "price_column")}
        named = {name: values.pop(name) for name in ("pairs", "tickers", "csvs", "source", "name", "strict")}
        choice = Selection(
            **named,
            options={name: value for name, value in columns.items() if value is not None},
            network=_network(values.pop("refresh"), values.pop("offline")),
        )
        return function(choice=choice, **values)

    decorated: Command = command
    for option in reversed(_INSTRUMENT_OPTIONS):
        decorated = option(decorated)
    return decorated


def _network(refresh: bool, offline: bool) -> Literal["auto", "refresh", "never"]:
    if refresh and offline:
        raise click.UsageError("--refresh asks the network and --offline forbids it; give one of them.")
    if refresh:
        return "refresh"
    asked = os.environ.get(OFFLINE_VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")
    return "never" if offline or asked else "auto"


def home_option(function: Command) -> Command:
    """Where ``data/`` and ``runs/`` are; the command gets one argument `project`."""

    @functools.wraps(function)
    def command(home: Path, **values: Any) -> Any:
        from forecaster.cli.terminal import watched_environment

        with watched_environment(home) as environment:
            return function(environment=environment, **values)

    return click.option(
        "--home",
        type=click.Path(path_type=Path),
        default=Path(),
        envvar="FORECAST_HOME",
        metavar="DIR",
        help="Project folder, holding data/, runs/ and backtests/.  [default: here; variable FORECAST_HOME]",
    )(command)


def format_option(*choices: str) -> Callable[[Command], Command]:
    """How the result is printed; the first choice is the default."""
    return click.option(
        "--format", "output", type=click.Choice(choices), default=choices[0], show_default=True, help="How to print."
    )


def interval_option(text: str) -> Callable[[Command], Command]:
    """Span of one row; anything finer than a day is refused with a reason."""
    return click.option("--interval", callback=_to_interval, metavar="SPAN", help=text)


def _to_interval(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    from forecaster.config import INTERVALS

    if value is not None and value not in INTERVALS:
        raise click.BadParameter(f"{value!r}: daily and longer only; expected one of {', '.join(INTERVALS)}.")
    return value


def run_option(function: Command) -> Command:
    """Which run to use."""
    return click.option("--run", metavar="ID", help="Run to use.  [default: the newest that fits]")(function)


def date_option(flag: str, text: str, *name: str) -> Callable[[Command], Command]:
    """A day, written as 2020-12-31; the command gets a `datetime.date`."""
    return click.option(flag, *name, type=click.DateTime(["%Y-%m-%d"]), callback=_to_date, metavar="DATE", help=text)


def _to_date(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    return None if value is None else value.date()


def input_options(command: Command) -> Command:
    """What is learned from beside the named histories; `config_of` takes what the command gets."""
    for option in reversed(_INPUT_OPTIONS):
        command = option(command)
    return command


_OF_DATA = {"start", "end", "interval", "peers", "inputs", "exog", "lags"}  # options that are keys of the section data


def _lag(text: str) -> tuple[str, int]:
    """``cpi=30`` as a name and a number of days."""
    name, equals, days = text.rpartition("=")
    if not (equals and name.strip() and days.strip().isdecimal()):
        raise ValueError(text)
    return name.strip(), int(days)


_INPUT_OPTIONS: tuple[Callable[[Command], Command], ...] = (
    comma_option(
        "--peers",
        metavar="NAMES",
        help="Others of the same kind to learn from as well.",
    ),
    comma_option(
        "--with",
        "inputs",
        metavar="NAMES",
        help="Other prices to read as inputs: EURUSD,^VIX,x.csv.",
    ),
    click.option(
        "--exog", type=click.Path(path_type=Path), metavar="FILE", help="CSV file of dated columns to read as inputs."
    ),
    comma_option(
        "--lag",
        "lags",
        expected="NAME=DAYS with 0 or more days, such as cpi=30",
        item=_lag,
        collect=dict,
        metavar="NAME=DAYS",
        help="Days after its date from which an input is known; every column of --exog needs one.",
    ),
)


def config_of(file: Path | None, assignments: Sequence[str], flags: Mapping[str, Any]) -> Any:
    """The configuration: defaults, then the file, then ``--set``, then what the flags say, where they say anything.

    Args:
        file: YAML file or a shipped name.
        assignments: Of ``--set``.
        flags: Name of an option -> value; None, False and an empty list or dictionary say nothing.
    """
    from forecaster.config import load_config

    texts = {**flags, "exog": None if flags.get("exog") is None else str(flags["exog"])}
    dotted = {f"data.{key}" if key in _OF_DATA else key: value for key, value in texts.items()}
    given = {key: value for key, value in dotted.items() if value or (value == 0 and value is not False)}
    return load_config(file, assignments, given)
