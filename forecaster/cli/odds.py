"""`forecast odds`."""

from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.result_file import file_content, result_or_picture, write_result
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]


@click.command("odds", cls=SectionedCommand, short_help="Answer: how likely is a price, how much may a position lose?")
@with_options(
    common=(
        *("pair", "ticker", "above", "touch", "on", "within"),
        *("position", "var", "spread", "out", "home"),
    ),
    rare=(
        *("below", "between", "yes", "confidence", *INSTRUMENT_OPTIONS),
        *("as_of", "frequency", "run", "no_calibration"),
    ),
    formats=("table", "json", "csv"),
)
def command(*, environment: Environment, format: str, out: Path | None, **keywords: Any) -> None:
    """Answer questions about one instrument: a sentence, a small table, and how good such answers were.

    Without a question, the answers are the probabilities of round prices around the last one. --position adds the
    value at risk and the expected shortfall of a long or short position, --spread the share of trades that must be
    right to pay for it. Each answer stands beside the record of earlier forecasts that the run had not seen. --out
    draws that record (.png, .svg, .pdf) or writes the answers (.csv, .json, .xlsx, .html).

    \b
    Example:
      forecast odds USDJPY --above 160 --on 2026-12-31
      forecast odds USDJPY --touch 150 --within 20d --out touch.png
      forecast odds USDJPY --position 1000000USD --var 1d,5d,20d
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    from forecaster.cli.terminal import print_result
    from forecaster.output.odds_documents import odds_document, odds_rows
    from forecaster.workflows.odds import odds

    kind = None if out is None else result_or_picture(out)
    result = odds(environment=environment, **keywords)
    document = odds_document(result)
    print_result(environment, _text(result, document, format))
    if out is None:
        return
    if kind is None:
        from forecaster.output.canvas import save_figure

        save_figure(result.figure(), out)
        environment.note(f"picture: {out}")
        return
    from forecaster.output.odds_wording import odds_lines, odds_sentences

    lines = [*odds_sentences(document), *odds_lines(document)]
    blocks = [(result.title, odds_rows(result), lines)]
    write_result(
        out, file_content(kind, "odds", result.title, blocks, lambda: _text(result, document, kind)), environment
    )


def _text(result: Any, document: dict[str, Any], output: str) -> str:
    from forecaster.cli.streams import colored_lines
    from forecaster.cli.terminal import table_text
    from forecaster.files import json_text
    from forecaster.output.odds_documents import odds_rows
    from forecaster.output.odds_wording import answer_table, break_even_table, odds_lines, odds_sentences, risk_table
    from forecaster.output.tables import csv_text

    if output == "json":
        return json_text(document)
    if output == "csv":
        return csv_text(odds_rows(result))
    tables = [table(document) for table in (answer_table, risk_table, break_even_table)]
    blocks = [table_text(table) for table in tables if table is not None]
    return "\n\n".join(
        [colored_lines(odds_sentences(document)), "\n\n".join(blocks), colored_lines(odds_lines(document))]
    )
