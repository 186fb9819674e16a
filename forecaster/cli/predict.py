"""`forecast predict`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from forecaster.cli.options import FILE_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.cli.streams import print_text
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("predict", cls=SectionedCommand, short_help="Forecast the coming days, with probabilities.")
@with_options(
    common=(
        *("pair", "ticker", "csv", "as_of", "horizon", "until", "run"),
        *("level", "out", "home"),
    ),
    rare=(
        *("source", "name", *FILE_OPTIONS),
        *("frequency", "refresh", "offline", "strict", "calendar", "split", "drop", "keep", "config", "no_calibration"),
        *("train_if_missing", "units"),
    ),
    formats=("table", "json", "csv"),
)
def command(
    *,
    environment: Environment,
    level: Sequence[float],
    units: Literal["price", "return", "pips"],
    out: Path | None,
    format: str,
    **keywords: Any,
) -> None:
    """Forecast the coming days from the best run that fits: median, intervals, probability of a rise.

    With --train-if-missing, --config is the configuration of that training.

    \b
    Example:
      forecast predict --pair USDJPY --level 80,95 --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.output.documents import forecast_document
    from forecaster.workflows.predict import predict

    predictions = predict(environment=environment, level=level, **keywords)
    text = _text([forecast_document(prediction, level, units) for prediction in predictions], level, format)
    if out is None:
        print_text(text)
    else:
        from forecaster.files import write_file

        write_file(out, (text + "\n").encode())
        environment.note(f"written: {out}")


def _text(documents: Sequence[dict[str, Any]], levels: Sequence[float], output: str) -> str:
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.tables import csv_text, forecast_rows, forecast_table, forecast_title, skill_line

    if output == "json":
        return json_text(documents[0] if len(documents) == 1 else documents)
    if output == "csv":
        return csv_text([row for document in documents for row in forecast_rows(document)])
    blocks = []
    for document in documents:
        lines = [forecast_title(document), table_text(forecast_table(document, levels)), *skill_line(document)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
