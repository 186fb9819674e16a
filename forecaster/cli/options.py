"""Options of all commands: each flag has one definition, so that it means the same wherever it appears."""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from forecaster.cli import completion_values
from forecaster.cli.common_options import set_verbose
from forecaster.cli.executor_options import EXECUTOR_DEFINITIONS, EXECUTOR_OPTIONS
from forecaster.cli.instrument_options import INSTRUMENT_OPTIONS
from forecaster.cli.ledger_options import LEDGER_OPTIONS
from forecaster.cli.odds_options import ODDS_OPTIONS
from forecaster.cli.option_builders import Command, Definition, date_option, list_option, option, prices_option
from forecaster.cli.picture_options import PICTURE_OPTIONS
from forecaster.cli.positional import InstrumentArgument, Words, named_instruments, named_run
from forecaster.cli.run_options import RUN_OPTIONS
from forecaster.cli.score_options import SCORE_OPTIONS
from forecaster.cli.search_options import SEARCH_OPTIONS
from forecaster.cli.values import (
    MAX_STEP,
    FormatChoice,
    RangeText,
    to_frequency,
    to_horizon,
    to_lag,
    to_level,
    to_step,
)
from forecaster.cli.watch_options import WATCH_OPTIONS
from forecaster.environment import HOME_VARIABLE
from forecaster.evaluation import DEFAULT_STEPS

__all__ = ["EXECUTOR_OPTIONS", "INSTRUMENT_OPTIONS", "TRAINING_OPTIONS", "Command", "with_options"]

_FILE = click.Path(path_type=Path)
_OUT_FILE = click.Path(path_type=Path, dir_okay=False)

TRAINING_OPTIONS = ("frequency", "start", "universe", "peers", "with", "exog", "lag", *INSTRUMENT_OPTIONS)
"""Options that say which data a training reads."""

_OPTIONS: dict[str, Definition] = {
    **INSTRUMENT_OPTIONS,
    **PICTURE_OPTIONS,
    **RUN_OPTIONS,
    **EXECUTOR_DEFINITIONS,
    **LEDGER_OPTIONS,
    **WATCH_OPTIONS,
    **SCORE_OPTIONS,
    **SEARCH_OPTIONS,
    **ODDS_OPTIONS,
    "frequency": option(
        "Data",
        "--frequency",
        "--interval",
        callback=to_frequency,
        metavar="SPAN",
        help="Row length: 1d, 1wk or 1mo.",
    ),
    "start": date_option(
        "Data", "--start", help="First row to use; for a backtest, the first cutoff; for anomalies, the first day."
    ),
    "end": date_option("Data", "--end", help="Last row to use."),
    "as_of": date_option("Data", "--as-of", help="Forecast as of this date: use no later row."),
    "universe": option(
        "Data",
        "--universe",
        metavar="NAME",
        shell_complete=completion_values.universes,
        help="Series: currencies, ecb-all, none, a file of symbols or its name.",
    ),
    "peers": list_option(
        "Data",
        "--peers",
        metavar="NAMES",
        shell_complete=completion_values.instruments,
        help="Further series to learn from, of the same kind.",
    ),
    "with": list_option(
        "Data",
        "--with",
        "inputs",
        metavar="NAMES",
        shell_complete=completion_values.instruments,
        help="Prices to read as covariates: EURUSD,^VIX,x.csv.",
    ),
    "exog": option("Data", "--exog", type=_FILE, metavar="FILE", help="CSV file of dated covariates."),
    "lag": list_option(
        "Data",
        "--lag",
        expected="NAME=DAYS with 0 or more days, such as cpi=30",
        item=to_lag,
        collect=dict,
        metavar="NAME=DAYS",
        help="Days until a covariate is known; required for each column of --exog.",
    ),
    "config": option(
        "Model",
        "--config",
        type=_FILE,
        metavar="FILE",
        shell_complete=completion_values.configs,
        help="YAML file, or a shipped name such as quick.",
    ),
    "set": option(
        "Model",
        "--set",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=completion_values.config_keys,
        help="Value of any configuration key.",
    ),
    "horizon": option(
        "Model", "--horizon", callback=to_horizon, metavar="ROWS", help="Longest step of the forecast: 20, 1wk or 1mo."
    ),
    "until": date_option("Model", "--until", help="Last day of the forecast; replaces --horizon."),
    "run": option(
        "Model",
        "--run",
        metavar="ID",
        shell_complete=completion_values.run_ids,
        help="Run to use.  [default: best that fits]",
    ),
    "train_if_missing": option("Model", "--train-if-missing", is_flag=True, help="Train where no run fits."),
    "refit": option("Model", "--refit", is_flag=True, help="Fit again on all rows after the test."),
    "no_calibration": option(
        "Model",
        "--no-calibration",
        "calibrate",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Use the intervals as the model gives them.",
    ),
    "models": list_option(
        "Model",
        "--models",
        metavar="NAMES",
        shell_complete=completion_values.models,
        help="Models to compare; the first is evaluated against the others.",
    ),
    "kinds": list_option(
        "Model",
        "--kinds",
        metavar="NAMES",
        shell_complete=completion_values.kinds,
        help="Kinds of networks to compare: all, or some such as lstm,gru; trained where no run fits.",
    ),
    "step": list_option(
        "Model",
        "--step",
        expected=f"days ahead from 1 to {MAX_STEP}, such as 1,5,20",
        item=to_step,
        default=(",".join(map(str, DEFAULT_STEPS)),),
        show_default=True,
        metavar="ROWS",
        help="Rows ahead that are scored.",
    ),
    "baseline": option(
        "Model",
        "--model",
        default="panel_har",
        show_default=True,
        metavar="NAME",
        shell_complete=completion_values.baselines,
        help="Baseline whose forecasts are the standard, such as garch.",
    ),
    "rate": option(
        "Output",
        "--rate",
        type=click.FloatRange(0, 50, min_open=True),
        callback=lambda ctx, parameter, value: value / 100,
        default=5.0,
        show_default=True,
        metavar="PERCENT",
        help="Largest expected share of false discoveries in the list.",
    ),
    "schedule": option(
        "Model",
        "--schedule",
        default="yearly",
        show_default=True,
        metavar="WHEN",
        help="Refits: never, yearly, monthly or every N rows.",
    ),
    "stride": option(
        "Model",
        "--stride",
        type=click.IntRange(1, 999_999),
        default=1,
        show_default=True,
        metavar="N",
        help="Forecast from every Nth row.",
    ),
    "full": option("Model", "--full", is_flag=True, help="Train at full length on the full panel."),
    "seed": option("Model", "--seed", type=int, metavar="N", help="Random seed."),
    "backend": option(
        "Engine",
        "--backend",
        type=click.Choice(["auto", "jax", "tensorflow"]),
        metavar="NAME",
        help="auto, jax or tensorflow.",
    ),
    "device": option(
        "Engine",
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        metavar="NAME",
        help="auto, cpu or gpu.",
    ),
    "level": list_option(
        "Output",
        "--level",
        expected="percentages from 1 to 99.9, such as 80,95",
        item=to_level,
        default=("80,95",),
        show_default=True,
        metavar="PERCENT",
        help="Central prediction intervals.",
    ),
    "above": prices_option(
        "Question", "--above", help="Probabilities of ending above prices; in a fan a line at each."
    ),
    "below": prices_option("Question", "--below", help="Probabilities of ending below prices."),
    "between": option(
        "Question",
        "--between",
        type=RangeText(),
        multiple=True,
        metavar="LOW,HIGH",
        help="Probability of ending in a range.",
    ),
    "forecasts": option(
        "Output", "--forecasts", type=_OUT_FILE, metavar="FILE", help="CSV file for the forecasts of every cutoff."
    ),
    "units": option(
        "Output",
        "--units",
        type=click.Choice(["price", "return", "pips"]),
        default="price",
        show_default=True,
        metavar="NAME",
        help="Units of the values: price, return or pips.",
    ),
    "paths": option(
        "Output",
        "--paths",
        type=click.IntRange(1, 100_000),
        metavar="N",
        help="Write N sampled paths of the coming days; for a run of seq2seq.",
    ),
    "verbose": option(
        "Output",
        "-v",
        "--verbose",
        is_flag=True,
        is_eager=True,
        callback=set_verbose,
        help="Print all scores and every step.",
    ),
    "no_picture": option("Output", "--no-picture", is_flag=True, help="Draw no picture."),
    "out": option("Output", "--out", type=_OUT_FILE, metavar="FILE", help="Output file; its ending is the format."),
    "folder": option(
        "Output",
        "--folder",
        type=_FILE,
        metavar="DIR",
        help="New folder to write.  [default: exports/RUN-FORMAT in the project]",
    ),
    "home": option(
        "Output",
        "--home",
        type=_FILE,
        default=Path(),
        envvar=HOME_VARIABLE,
        metavar="DIR",
        help="Project folder.  [default: here; variable FORECAST_HOME]",
    ),
    "hash": option("Data", "--hash", metavar="DIGITS", help="Stored version, by the first digits of its hash."),
    "rows": option(
        "Output", "--rows", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="Rows to list."
    ),
    "exit_code": option("Output", "--exit-code", is_flag=True, help="Exit with code 4 on a difference."),
    "online": option("Data", "--online", is_flag=True, help="Ask the network, even if the variable forbids it."),
    "dry_run": option("Data", "--dry-run", is_flag=True, help="List what would be removed, and remove nothing."),
    "force": option("Data", "--force", is_flag=True, help="Go on although a run cannot be read."),
}


def _format_option(*formats: str) -> Definition:
    """The option --format of a command: its formats, the first of which is the default."""
    return option(
        "Output",
        "--format",
        type=FormatChoice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


def with_options(
    common: Sequence[str], rare: Iterable[str] = (), formats: Sequence[str] = (), *, also: Words = "nothing"
) -> Callable[[Command], Command]:
    """Options of a command, which gets them by their own names; for ``home`` it gets an `environment`.

    Args:
        common: Names of the options that --help lists, in order.
        rare: Names of the options that only --help-all lists; common ones among them are not repeated.
        formats: Values of --format; none for a command without it.
        also: Further things that the words of the command may name; it gets them as its ``history`` or ``runs``.
    """
    named = "pair" in common  # a command of instruments takes their names without a flag too

    def decorator(function: Command) -> Command:
        @functools.wraps(function)
        def command(**values: Any) -> Any:
            if also == "run":
                values = named_run(values)
            if named:
                values = named_instruments(values, also)
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
        definitions += [_OPTIONS[name](True) for name in rare if name not in common]
        definitions += [_format_option(*formats)(False)] if formats else []
        definitions += [_OPTIONS["home"](False)] if "home" in common else []
        for definition in reversed(definitions):
            decorated = definition(decorated)
        if named:
            decorated.__click_params__.append(InstrumentArgument(also))  # type: ignore[attr-defined]  # as click does
        return decorated

    return decorator
