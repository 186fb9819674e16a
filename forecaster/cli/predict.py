"""`forecast predict`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.result_file import RESULT_FORMATS, checked_format, file_content, write_result
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]

PATH_FORMATS = ("csv", "json", "json-flat")
FILE_FORMATS = (*RESULT_FORMATS, "jsonl")


@click.command("predict", cls=SectionedCommand, short_help="Forecast the coming days, with probabilities.")
@with_options(
    common=(
        *("pair", "ticker", "csv", "as_of", "horizon", "until", "run"),
        *("level", "above", "out", "home"),
    ),
    rare=(
        *("universe", "frequency", *INSTRUMENT_OPTIONS),
        *("config", "no_calibration", "train_if_missing"),
        *("units", "below", "between", "paths", "log", "jobs", "verbose"),
    ),
    formats=("table", "json", "json-flat", "jsonl", "csv"),
)
def command(
    *,
    environment: Environment,
    level: Sequence[float],
    units: Literal["price", "return", "pips"],
    above: tuple[float, ...],
    below: tuple[float, ...],
    between: tuple[tuple[float, float], ...],
    out: Path | None,
    format: str,
    paths: int | None,
    jobs: int | None,
    verbose: bool,
    universe: str | None,
    **keywords: Any,
) -> None:
    """Forecast the coming days from the best run that fits: median, intervals, probability of a rise.

    JSON is a list with a document for each instrument, jsonl one document a line; json-flat and CSV have a row for each
    instrument and day. The ending of --out sets the format: .csv, .json, .jsonl, .xlsx, .html or .txt. --universe
    forecasts many instruments and writes each result as it is made. --config takes a run of that configuration, or with
    --train-if-missing trains one. The rows of --paths are sampled paths, in CSV or JSON. With --log, the forecasts are
    appended to the ledger, for forecast score.

    \b
    Example:
      forecast predict USDJPY --level 80,95 --above 160,165 --between 150,160
      forecast predict USDJPY,EURUSD --out forecast.xlsx
      forecast predict --universe symbols.txt --out forecasts.jsonl
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.errors import UsageError
    from forecaster.forecast import PriceTargets
    from forecaster.output.forecast_documents import forecast_document
    from forecaster.workflows.predict import predict

    targets = PriceTargets(above, below, between)
    if universe is not None:
        from forecaster.cli.predict_universe import write_universe

        given = {**keywords, "paths": paths, "jobs": jobs}
        write_universe(universe, environment, out, format, (level, units, targets), given)
        return
    if jobs is not None:
        raise UsageError("--jobs goes with --universe; remove it")
    kind = format if out is None else checked_format(out, format, PATH_FORMATS if paths else FILE_FORMATS)
    if paths and kind not in PATH_FORMATS:
        raise UsageError(f"--paths writes rows; got --format {kind}; use --format csv or json-flat, or --out FILE.csv")
    predictions = predict(environment=environment, level=level, paths=paths, **keywords)
    if paths:
        text = _paths_text(predictions, units, kind)
        print_result(environment, text) if out is None else write_result(out, text + "\n", environment)
        return
    _note_slips(predictions, targets, environment)
    documents = [forecast_document(prediction, level, units, targets) for prediction in predictions]
    if out is None:
        print_result(environment, _text(documents, level, kind, verbose))
    else:
        write_result(out, _content(documents, level, kind, verbose), environment)


def _note_slips(predictions: Sequence[Any], targets: Any, environment: Environment) -> None:
    """Warn of prices that are probably slips, each once."""
    if not (targets.above or targets.below or targets.between):
        return
    from forecaster.evaluation.threshold_check import slips

    messages = [slip for prediction in predictions for slip in slips(prediction.forecast, targets)]
    for message in dict.fromkeys(messages):
        environment.note(f"warning: {message}")


def _paths_text(predictions: Sequence[Any], units: Literal["price", "return", "pips"], kind: str) -> str:
    from forecaster.files import json_text
    from forecaster.output.forecast_documents import path_rows
    from forecaster.output.tables import csv_text

    rows = [row for prediction in predictions for row in path_rows(prediction, units)]
    return csv_text(rows) if kind == "csv" else json_text(rows)


def _content(documents: Sequence[dict[str, Any]], levels: Sequence[float], kind: str, verbose: bool) -> str | bytes:
    """Content of a file."""
    from forecaster.output.tables import forecast_lines, forecast_rows, forecast_title

    title = f"Forecast of {', '.join(each['instrument'] for each in documents)}"
    blocks = [
        (forecast_title(each), forecast_rows(each), forecast_lines(each, levels, verbose=True)) for each in documents
    ]
    return file_content(kind, "forecast", title, blocks, lambda: _text(documents, levels, kind, verbose))


def _text(documents: Sequence[dict[str, Any]], levels: Sequence[float], kind: str, verbose: bool) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_line, json_text
    from forecaster.output.forecast_trust import provenance_line
    from forecaster.output.tables import csv_text, forecast_lines, forecast_rows, forecast_table, forecast_title

    if kind == "json":
        return json_text(documents)
    if kind == "jsonl":
        return "\n".join(map(json_line, documents))
    rows = [row for document in documents for row in forecast_rows(document)]
    if kind == "json-flat":
        return json_text(rows)
    if kind == "csv":
        return csv_text(rows)
    blocks = []
    for document in documents:
        table = table_text(forecast_table(document, levels, every_step=verbose))
        title = colored_lines([forecast_title(document), provenance_line(document)])
        blocks.append("\n".join([title, table, colored_lines(forecast_lines(document, levels, verbose))]))
    return "\n\n".join(blocks)
