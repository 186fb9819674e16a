"""`forecast train`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import date_option, format_option, home_option, instrument_options, interval_option

__all__ = ["command"]

_OF_DATA = {"start", "end", "interval", "peers", "inputs", "exog", "lags"}  # options that are keys of the section data


def _to_lags(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, int] | None:
    """``cpi=30,rate=0`` as a dictionary."""
    lags = {}
    for text in (one for value in values for one in value.split(",")):
        name, equals, days = text.rpartition("=")
        if not (equals and name.strip() and days.strip().isdecimal()):
            raise click.BadParameter(f"expected NAME=DAYS with 0 or more days, such as cpi=30; got {text!r}")
        lags[name.strip()] = int(days)
    return lags or None


def _joined(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Names that are given several times, as one text."""
    if not all(name.strip() for value in values for name in value.split(",")):
        raise click.BadParameter("expected names separated by commas; got an empty one")
    return ",".join(values) or None


@click.command("train", short_help="Learn from a history and record the run.")
@instrument_options
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file, or default, quick, classic, sine, development.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any key of the configuration.")
@click.option("--universe", metavar="NAME", help="currencies, none for the series alone, or a file of symbols.")
@click.option(
    "--peers", multiple=True, callback=_joined, metavar="NAMES", help="Others of the same kind to learn from as well."
)
@click.option(
    "--with",
    "inputs",
    multiple=True,
    callback=_joined,
    metavar="NAMES",
    help="Other prices to read as inputs: EURUSD,^VIX,x.csv.",
)
@click.option(
    "--exog", type=click.Path(path_type=Path), metavar="FILE", help="CSV file of dated columns to read as inputs."
)
@click.option(
    "--lag",
    "lags",
    multiple=True,
    callback=_to_lags,
    metavar="NAME=DAYS",
    help="Days after its date from which an input is known; every column of --exog needs one.",
)
@interval_option("Span of a row: 1d, 1wk or 1mo.")
@click.option("--horizon", type=int, metavar="DAYS", help="Days ahead to learn.")
@date_option("--start", "First row to use.")
@date_option("--end", "Last row to use.")
@click.option("--seed", type=int, help="Of everything random.")
@click.option("--backend", type=click.Choice(["auto", "jax", "tensorflow"]), help="Engine under Keras.")
@click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), help="Where to train.")
@click.option("--refit", is_flag=True, help="After the test, fit once more on all rows.")
@format_option("table", "json")
@home_option
def command(
    project: Any, choice: Any, config: Path | None, assignments: tuple[str, ...], output: str, **flags: Any
) -> None:
    """Learn from a history, test on its last rows beside "tomorrow = today", and record the run.

    \b
    Example:
      forecast train --pair USDJPY
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.config import load_config
    from forecaster.workflows import train

    flags["exog"] = None if flags["exog"] is None else str(flags["exog"])
    dotted = {f"data.{key}" if key in _OF_DATA else key: value for key, value in flags.items()}
    given = {key: value for key, value in dotted.items() if value is not None and value is not False}
    result = train(load_config(config, assignments, given), choice, project)
    print_result(project, _text(result.to_json(), output))
    project.note(f"next: {result.next_command}")


def _text(document: dict[str, Any], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.experiments.files import json_text
    from forecaster.output.tables import score_table, training_lines

    if output == "json":
        return json_text(document)
    return "\n".join(
        [
            table_text(score_table(document["scores"], document["model"], document["interval"])),
            *training_lines(document),
        ]
    )
