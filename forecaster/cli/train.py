"""`forecast train`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import (
    config_of,
    date_option,
    format_option,
    home_option,
    input_options,
    instrument_options,
    interval_option,
)

__all__ = ["command"]


@click.command("train", short_help="Learn from a history and record the run.")
@instrument_options
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file, or a shipped name such as quick.",
)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any key of the configuration.")
@click.option("--universe", metavar="NAME", help="currencies, none for the series alone, or a file of symbols.")
@input_options
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
    environment: Any, choice: Any, config: Path | None, assignments: tuple[str, ...], output: str, **flags: Any
) -> None:
    """Learn from a history, test on its last rows beside "tomorrow = today", and record the run.

    \b
    Example:
      forecast train --pair USDJPY
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.output.documents import train_document
    from forecaster.workflows.train import train

    result = train(config_of(config, assignments, flags), choice, environment)
    print_result(environment, _text(train_document(result), output))
    environment.note(f"next: {result.next_command}")


def _text(document: dict[str, Any], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.tables import score_table, training_lines

    if output == "json":
        return json_text(document)
    return "\n".join(
        [
            table_text(score_table(document["scores"], document["model"], document["interval"])),
            *training_lines(document),
        ]
    )
