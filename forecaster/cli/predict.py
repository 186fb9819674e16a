"""`forecast predict`."""

import datetime
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import (
    comma_option,
    date_option,
    format_option,
    home_option,
    instrument_options,
    interval_option,
    run_option,
)

__all__ = ["command"]


def _level(text: str) -> float:
    """A percentage as a fraction: 80 becomes 0.8."""
    percentage = float(text)
    if not 0.1 <= percentage <= 99.9:
        raise ValueError(text)
    return percentage / 100


@click.command("predict", short_help="The coming days, with odds.")
@instrument_options
@click.option("--horizon", type=click.IntRange(1, 250), metavar="DAYS", help="Days ahead.  [default: as trained]")
@comma_option(
    "--level",
    "levels",
    expected="percentages from 0.1 to 99.9, such as 80,95",
    item=_level,
    default=("80,95",),
    show_default=True,
    metavar="PERCENT",
    help="Central intervals.",
)
@date_option("--as-of", "Forecast as if this were the last row.")
@interval_option("Of a run with rows of this span: 1d, 1wk or 1mo.")
@run_option
@click.option(
    "--units", type=click.Choice(["price", "return", "pips"]), default="price", show_default=True, help="Of the values."
)
@click.option("--no-calibration", is_flag=True, help="Show the intervals as the network gives them.")
@click.option("--train-if-missing", is_flag=True, help="Train first where no run fits.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration for --train-if-missing.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the result there.")
@format_option("table", "json", "csv")
@home_option
def command(
    *,
    environment: Any,
    choice: Any,
    levels: tuple[float, ...],
    output: str,
    out: Path | None,
    units: Any,
    horizon: int | None,
    as_of: datetime.date | None,
    interval: str | None,
    run: str | None,
    train_if_missing: bool,
    config: Path | None,
    no_calibration: bool,
) -> None:
    """Forecast the coming days from the newest run that fits: median, intervals, probability of up.

    \b
    Example:
      forecast predict --pair USDJPY --level 80,95 --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.output.documents import forecast_document
    from forecaster.workflows.predict import predict

    predictions = predict(
        choice,
        environment,
        horizon=horizon,
        as_of=as_of,
        frequency=interval,
        run=run,
        train_if_missing=train_if_missing,
        config=config,
        calibrate=not no_calibration,
    )
    text = _text([forecast_document(prediction, levels, units) for prediction in predictions], levels, output)
    if out is None:
        click.echo(text)
    else:
        from forecaster.files import write_file

        write_file(out, (text + "\n").encode())
        environment.note(f"written: {out}")


def _text(documents: list[dict[str, Any]], levels: tuple[float, ...], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.tables import csv_text, forecast_rows, forecast_table, forecast_title, skill_line

    if output == "json":
        return json_text(documents[0] if len(documents) == 1 else documents)
    if output == "csv":
        return csv_text([row for one in documents for row in forecast_rows(one)])
    blocks = []
    for one in documents:
        lines = [forecast_title(one), table_text(forecast_table(one, levels)), *skill_line(one)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
