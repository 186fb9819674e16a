"""Options of all commands: each flag has one definition, so that it means the same wherever it appears."""

import functools
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from forecaster.cli.positional import InstrumentArgument, named_instruments
from forecaster.cli.sections import SectionOption
from forecaster.cli.values import (
    MAX_STEP,
    CommaList,
    DayText,
    FormatChoice,
    RangeText,
    to_days,
    to_figure,
    to_frequency,
    to_horizon,
    to_lag,
    to_level,
    to_price,
    to_split,
    to_step,
)
from forecaster.data.sources import NAMED_SOURCES
from forecaster.environment import HOME_VARIABLE, OFFLINE_VARIABLE
from forecaster.evaluation import DEFAULT_STEPS

__all__ = ["CORRECTION_OPTIONS", "FILE_OPTIONS", "INSTRUMENT_OPTIONS", "Command", "with_options"]

Command = Callable[..., Any]
Definition = Callable[[bool], Callable[[Command], Command]]
"""From whether an option is rare in a command to its decorator."""


def _option(section: str, *flags: str, **settings: Any) -> Definition:
    def definition(rare: bool) -> Callable[[Command], Command]:
        return click.option(*flags, cls=SectionOption, section=section, rare=rare, **settings)

    return definition


def _list_option(
    section: str,
    *flags: str,
    expected: str = "names",
    item: Callable[[str], Any] = str,
    collect: Callable[[Any], Any] = tuple,
    **settings: Any,
) -> Definition:
    """An option with several values: it may be repeated, and each text may hold values separated by commas.

    Args:
        section: Section of --help.
        flags: As for `click.option`.
        expected: Description of the values, for the error message.
        item: Reads one value; raises ValueError for a text that is none.
        collect: Makes the argument of the command from all values in order, each once.
        settings: As for `click.option`.
    """

    def joined(ctx: click.Context, parameter: click.Parameter, values: tuple[tuple[Any, ...], ...]) -> Any:
        return collect(list(dict.fromkeys(itertools.chain.from_iterable(values))))

    return _option(section, *flags, multiple=True, type=CommaList(expected, item), callback=joined, **settings)


def _date_option(section: str, *flags: str, **settings: Any) -> Definition:
    """A day, such as 2020-12-31; the command gets a `datetime.date`."""
    return _option(section, *flags, type=DayText(), metavar="DATE", **settings)


def _days_option(flag: str, text: str) -> Definition:
    days = "days such as 2024-03-01 or 2024-03-01..2024-03-05"
    return _list_option("Data", flag, expected=days, item=to_days, metavar="DATES", help=text)


_FILE = click.Path(path_type=Path)
_OUT_FILE = click.Path(path_type=Path, dir_okay=False)

INSTRUMENT_OPTIONS = {
    "pair": _list_option("Instrument", "--pair", metavar="PAIR", help="Currency pair, such as USDJPY."),
    "ticker": _list_option(
        "Instrument", "--ticker", metavar="SYMBOL", help="Yahoo symbol, such as AAPL; or sine, random_walk, ar1, garch."
    ),
    "csv": _list_option(
        "Instrument", "--csv", metavar="FILE", help="File of prices: CSV, JSON or Excel; - for standard input."
    ),
    "source": _option("Instrument", "--source", metavar="NAME", help=f"Source of prices: {', '.join(NAMED_SOURCES)}."),
    "name": _option("Instrument", "--name", metavar="NAME", help="Name of the series in the CSV file."),
    "date_column": _option("Instrument", "--date-column", metavar="NAME", help="Column of dates in the CSV file."),
    "price_column": _option("Instrument", "--price-column", metavar="NAME", help="Column of prices in the CSV file."),
    "symbol": _option("Instrument", "--symbol", metavar="NAME", help="Series to read from a file of several."),
    "date_order": _option(
        "Instrument",
        "--date-order",
        type=click.Choice(["dmy", "mdy", "ymd"]),
        metavar="ORDER",
        help="Order of day, month and year in the CSV file: dmy, mdy or ymd.",
    ),
    "decimal": _option(
        "Instrument",
        "--decimal",
        type=click.Choice(["point", "comma"]),
        metavar="SIGN",
        help="Decimal sign in the CSV file: point or comma.",
    ),
    "timezone": _option(
        "Instrument", "--timezone", metavar="ZONE", help="Time zone of the market, for time stamps in the CSV file."
    ),
    "daily_close": _option(
        "Instrument", "--daily-close", metavar="HH:MM", help="Time at which a day of shorter rows ends."
    ),
    "sheet": _option("Instrument", "--sheet", metavar="NAME", help="Sheet of an Excel workbook."),
    "refresh": _option(
        "Data", "--refresh", is_flag=True, help="Download newer prices; fail if the source is unreachable."
    ),
    "offline": _option(
        "Data", "--offline", is_flag=True, help=f"Never use the network.  [variable {OFFLINE_VARIABLE}]"
    ),
    "strict": _option("Data", "--strict", is_flag=True, help="Treat data warnings as errors."),
    "calendar": _option(
        "Data",
        "--calendar",
        metavar="NAME",
        help="Trading calendar: NYSE, LSE, FX, ECB, 24x7, ...  [default: that of the source, else by the rows]",
    ),
    "differences": _option(
        "Data", "--differences", is_flag=True, help="Model changes of the price: for a spread, which may be negative."
    ),
    "split": _list_option(
        "Data",
        "--split",
        expected="DATE=RATIO such as 2024-06-10=4",
        item=to_split,
        collect=dict,
        metavar="DATE=RATIO",
        help="Split that the prices do not account for: first day of the new prices, new shares for an old one.",
    ),
    "drop": _days_option("--drop", "Days whose rows are left out."),
    "keep": _days_option("--keep", "Days whose rows are right, however unusual."),
}
"""Options that name instruments and their source."""

FILE_OPTIONS = (
    *("date_column", "price_column", "symbol", "date_order"),
    *("decimal", "timezone", "daily_close", "sheet"),
)
"""Options that say how a file is read, where it does not decide itself."""

CORRECTION_OPTIONS = ("calendar", "differences", "split", "drop", "keep")
"""Options that say what the rows of a history do not show."""

_OPTIONS: dict[str, Definition] = {
    **INSTRUMENT_OPTIONS,
    "frequency": _option(
        "Data",
        "--frequency",
        "--interval",
        callback=to_frequency,
        metavar="SPAN",
        help="Row length: 1d, 1wk or 1mo.",
    ),
    "start": _date_option("Data", "--start", help="First row to use; for a backtest, the first cutoff."),
    "end": _date_option("Data", "--end", help="Last row to use."),
    "as_of": _date_option("Data", "--as-of", help="Forecast as of this date: use no later row."),
    "universe": _option(
        "Data", "--universe", metavar="NAME", help="Series to learn from: currencies, none, or a file of symbols."
    ),
    "peers": _list_option("Data", "--peers", metavar="NAMES", help="Further series to learn from, of the same kind."),
    "with": _list_option(
        "Data", "--with", "inputs", metavar="NAMES", help="Prices to read as covariates: EURUSD,^VIX,x.csv."
    ),
    "exog": _option("Data", "--exog", type=_FILE, metavar="FILE", help="CSV file of dated covariates."),
    "lag": _list_option(
        "Data",
        "--lag",
        expected="NAME=DAYS with 0 or more days, such as cpi=30",
        item=to_lag,
        collect=dict,
        metavar="NAME=DAYS",
        help="Days until a covariate is known; required for each column of --exog.",
    ),
    "config": _option(
        "Model",
        "--config",
        type=_FILE,
        metavar="FILE",
        help="YAML file, or a shipped name such as quick.",
    ),
    "set": _option("Model", "--set", multiple=True, metavar="KEY=VALUE", help="Value of any configuration key."),
    "horizon": _option(
        "Model", "--horizon", callback=to_horizon, metavar="ROWS", help="Longest step of the forecast: 20, 1wk or 1mo."
    ),
    "until": _date_option("Model", "--until", help="Last day to forecast, in place of --horizon."),
    "run": _option("Model", "--run", metavar="ID", help="Run to use.  [default: best that fits]"),
    "train_if_missing": _option("Model", "--train-if-missing", is_flag=True, help="Train where no run fits."),
    "refit": _option("Model", "--refit", is_flag=True, help="Fit again on all rows after the test."),
    "no_calibration": _option(
        "Model",
        "--no-calibration",
        "calibrate",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Use the intervals as the model gives them.",
    ),
    "models": _list_option(
        "Model", "--models", metavar="NAMES", help="Models to compare; the first is evaluated against the others."
    ),
    "step": _list_option(
        "Model",
        "--step",
        expected=f"days ahead from 1 to {MAX_STEP}, such as 1,5,20",
        item=to_step,
        default=(",".join(map(str, DEFAULT_STEPS)),),
        show_default=True,
        metavar="ROWS",
        help="Steps to score.",
    ),
    "schedule": _option(
        "Model",
        "--schedule",
        default="yearly",
        show_default=True,
        metavar="WHEN",
        help="Refits: never, yearly, monthly or every N rows.",
    ),
    "stride": _option(
        "Model",
        "--stride",
        type=click.IntRange(1, 999_999),
        default=1,
        show_default=True,
        metavar="N",
        help="Forecast from every Nth row.",
    ),
    "full": _option("Model", "--full", is_flag=True, help="Train at full length on the full panel."),
    "seed": _option("Model", "--seed", type=int, metavar="N", help="Random seed."),
    "backend": _option(
        "Engine",
        "--backend",
        type=click.Choice(["auto", "jax", "tensorflow"]),
        metavar="NAME",
        help="auto, jax or tensorflow.",
    ),
    "device": _option(
        "Engine",
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        metavar="NAME",
        help="auto, cpu or gpu.",
    ),
    "jobs": _option(
        "Engine",
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Parallel fits on a CPU, up to 1.3 GB each.  [default: processors, at most 4]",
    ),
    "from": _date_option("Output", "--from", "from_date", help="First date to draw."),
    "to": _date_option("Output", "--to", "to_date", help="Last date to draw."),
    "last": _option("Output", "--last", type=click.IntRange(min=2), metavar="N", help="Draw only the last N rows."),
    "kind": _option(
        "Output",
        "--kind",
        callback=to_figure,
        default="forecast",
        show_default=True,
        metavar="KIND",
        help="Picture: forecast, fan (one panel for a slide), loss (learning curve) or backtest.",
    ),
    "title": _option("Output", "--title", metavar="TEXT", help="Title of the picture."),
    "fan_level": _list_option(
        "Output",
        "--level",
        "level",
        expected="percentages from 1 to 99.9, such as 80,95",
        item=to_level,
        metavar="PERCENT",
        help="Ranges of a fan.  [default: 50,80,95]",
    ),
    "drawn_step": _list_option(
        "Output",
        "--step",
        "step",
        expected=f"days ahead from 1 to {MAX_STEP}, such as 1,5,20",
        item=to_step,
        metavar="ROWS",
        help="Steps of a backtest to draw.  [default: the first that it scored]",
    ),
    "level": _list_option(
        "Output",
        "--level",
        expected="percentages from 1 to 99.9, such as 80,95",
        item=to_level,
        default=("80,95",),
        show_default=True,
        metavar="PERCENT",
        help="Central prediction intervals.",
    ),
    "above": _list_option(
        "Output",
        "--above",
        expected="prices such as 160,165",
        item=to_price,
        metavar="PRICES",
        help="Probabilities of ending above prices; in a fan a line at each.",
    ),
    "below": _list_option(
        "Output",
        "--below",
        expected="prices such as 150,155",
        item=to_price,
        metavar="PRICES",
        help="Add probabilities of ending below prices.",
    ),
    "between": _option(
        "Output",
        "--between",
        type=RangeText(),
        multiple=True,
        metavar="LOW,HIGH",
        help="Add the probability of ending in a range.",
    ),
    "forecasts": _option(
        "Output", "--forecasts", type=_OUT_FILE, metavar="FILE", help="CSV file for the forecasts of every cutoff."
    ),
    "units": _option(
        "Output",
        "--units",
        type=click.Choice(["price", "return", "pips"]),
        default="price",
        show_default=True,
        metavar="NAME",
        help="Units of the values: price, return or pips.",
    ),
    "verbose": _option("Output", "--verbose", is_flag=True, help="Print all scores and every step."),
    "show": _option("Output", "--show", is_flag=True, help="Open a window instead of writing a file."),
    "no_picture": _option("Output", "--no-picture", is_flag=True, help="Draw no picture."),
    "out": _option("Output", "--out", type=_OUT_FILE, metavar="FILE", help="Output file; its ending is the format."),
    "home": _option(
        "Output",
        "--home",
        type=_FILE,
        default=Path(),
        envvar=HOME_VARIABLE,
        metavar="DIR",
        help="Project folder.  [default: here; variable FORECAST_HOME]",
    ),
    "hash": _option("Data", "--hash", metavar="DIGITS", help="Stored version, by the first digits of its hash."),
    "rows": _option(
        "Output", "--rows", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="Rows to list."
    ),
    "exit_code": _option("Output", "--exit-code", is_flag=True, help="Exit with code 4 on a difference."),
    "dry_run": _option("Data", "--dry-run", is_flag=True, help="List what would be removed, and remove nothing."),
    "force": _option("Data", "--force", is_flag=True, help="Go on although a run cannot be read."),
}


def _format_option(*formats: str) -> Definition:
    """The option --format of a command: its formats, the first of which is the default."""
    return _option(
        "Output",
        "--format",
        type=FormatChoice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


def with_options(
    common: Sequence[str], rare: Sequence[str] = (), formats: Sequence[str] = (), *, stored: bool = False
) -> Callable[[Command], Command]:
    """Options of a command, which gets them by their own names; for ``home`` it gets an `environment`.

    Args:
        common: Names of the options that --help lists, in order.
        rare: Names of the options that only --help-all lists.
        formats: Values of --format; none for a command without it.
        stored: True if a stored history may be named in place of an instrument; the command gets its ``history``.
    """
    named = "pair" in common  # a command of instruments takes their names without a flag too

    def decorator(function: Command) -> Command:
        @functools.wraps(function)
        def command(**values: Any) -> Any:
            if named:
                values = named_instruments(values, stored)
            if "home" not in values:
                return function(**values)
            from forecaster.cli.output_paths import check_output_paths
            from forecaster.cli.terminal import watched_environment

            home = values.pop("home")
            check_output_paths(values, home)
            with watched_environment(home) as environment:
                return function(environment=environment, **values)

        decorated: Command = command
        definitions = [_OPTIONS[name](False) for name in common if name != "home"]
        definitions += [_OPTIONS[name](True) for name in rare]
        definitions += [_format_option(*formats)(False)] if formats else []
        definitions += [_OPTIONS["home"](False)] if "home" in common else []
        for definition in reversed(definitions):
            decorated = definition(decorated)
        if named:
            decorated.__click_params__.append(InstrumentArgument(stored))  # type: ignore[attr-defined]  # as click does
        return decorated

    return decorator
