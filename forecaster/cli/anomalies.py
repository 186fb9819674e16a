"""`forecast anomalies`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("anomalies", cls=SectionedCommand, short_help="List days that were thought impossible the day before.")
@with_options(
    common=("pair", "ticker", "csv", "start", "end", "baseline", "rate", "out", "home"),
    rare=("frequency", *INSTRUMENT_OPTIONS),
    formats=("table", "json", "csv"),
)
def command(*, environment: Environment, out: Path | None, format: str, **keywords: Any) -> None:
    """List the days whose move lay outside what was thought possible the day before, and changes of volatility.

    Each day is tested against the forecast of the day before. At most --rate percent of the listed days are expected
    to be false. A bad tick is a move that the next row takes back, or that the other pairs named do not share. The
    ending of --out sets the format: .png, .svg and .pdf draw a picture, .csv, .json, .xlsx, .html and .txt hold the
    list.

    \b
    Example:
      forecast anomalies USDJPY
      forecast anomalies EURCHF --start 2010-01-01 --out eurchf.png
      forecast anomalies --csv prices.csv --format json
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.result_file import RESULT_ENDINGS, checked_format, write_result
    from forecaster.cli.terminal import print_result
    from forecaster.output.anomaly_tables import anomaly_document
    from forecaster.workflows.anomalies import anomalies

    picture = None if out is None or out.suffix.lower() in RESULT_ENDINGS else out
    kind = format
    if picture is not None:
        from forecaster.output.canvas import check_figure_path

        check_figure_path(picture)
    elif out is not None:
        kind = checked_format(out, format)
    results = anomalies(environment=environment, **keywords)
    documents = [anomaly_document(result) for result in results]
    if picture is not None:
        _draw(results, picture, environment)
    if out is None or picture is not None:
        print_result(environment, _text(documents, kind))
    else:
        write_result(out, _content(documents, kind), environment)


def _draw(results: Any, out: Path, environment: Environment) -> None:
    from forecaster.cli.result_file import save_picture
    from forecaster.errors import UsageError

    if len(results) > 1:
        raise UsageError(f"--out names one picture; got {len(results)} instruments; draw them one by one")
    save_picture(out, results[0].figure, environment)


def _content(documents: list[dict[str, Any]], kind: str) -> str | bytes:
    from forecaster.cli.result_file import file_content
    from forecaster.output.anomaly_tables import anomaly_lines, anomaly_rows

    blocks = [(each["instrument"], anomaly_rows(each), anomaly_lines(each)) for each in documents]
    return file_content(kind, "anomalies", "Anomalies", blocks, lambda: _text(documents, kind))


def _text(documents: list[dict[str, Any]], kind: str) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.anomaly_tables import anomaly_lines, anomaly_rows, anomaly_title, day_table, regime_table
    from forecaster.output.tables import csv_text

    if kind == "json":
        return json_text(documents)
    if kind == "csv":
        return csv_text([row for document in documents for row in anomaly_rows(document)])
    blocks = []
    for document in documents:
        blocks.append(colored_lines([anomaly_title(document)]))
        if document["days"]:
            blocks.append(table_text(day_table(document)))
        if document["regimes"]:
            blocks.append(table_text(regime_table(document)))
        blocks.append(colored_lines(anomaly_lines(document)))
    return "\n\n".join(blocks)
