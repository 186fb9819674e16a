"""`forecast odds`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from forecaster.cli.options import INSTRUMENT_OPTIONS, with_options
from forecaster.cli.result_file import result_or_picture
from forecaster.cli.sections import SectionedCommand
from forecaster.environment import Environment

__all__ = ["command"]

_QUESTIONS_OF_ONE = ("above", "below", "between", "touch", "on", "within", "position", "spread", "far")
"""Options that a portfolio does not have."""


@click.command("odds", cls=SectionedCommand, short_help="Answer: how likely is a price, how much may a position lose?")
@with_options(
    common=(
        *("pair", "ticker", "above", "touch", "on", "within"),
        *("position", "var", "portfolio", "out", "home"),
    ),
    rare=(
        *("below", "between", "far", "spread", "confidence", "portfolio_base", "hedge", *INSTRUMENT_OPTIONS),
        *("as_of", "frequency", "run", "no_calibration"),
    ),
    formats=("table", "json", "csv"),
)
def command(
    *,
    environment: Environment,
    format: str,
    out: Path | None,
    portfolio: Path | None,
    base: str | None,
    hedge: Sequence[str],
    **keywords: Any,
) -> None:
    """Answer questions about one instrument: a sentence, a small table, and how good such answers were.

    Without a question, the answers are the probabilities of round prices around the last one. --position adds the
    value at risk and the expected shortfall of a long or short position, --spread the share of trades that must be
    right to pay for it, --portfolio the joint risk of several positions. Each answer stands beside the record of
    earlier forecasts that the run had not seen. --out draws that record (.png, .svg, .pdf) or writes the answers (.csv,
    .json, .xlsx, .html).

    \b
    Example:
      forecast odds USDJPY --above 160,165 --below 150 --on 2026-12-31
      forecast odds USDJPY --touch 150 --within 20d --out touch.png
      forecast odds USDJPY --position 1000000USD --var 1d,5d,20d
      forecast odds --portfolio positions.csv --base EUR --hedge USD
    """  # noqa: D301  (backslash b tells click to keep the lines as they are)
    kind = None if out is None else result_or_picture(out)
    if portfolio is not None:
        answer = _portfolio_answer(environment, {**keywords, "portfolio": portfolio, "base": base, "hedge": hedge})
    else:
        _check_alone(base, hedge)
        answer = _odds_answer(environment, keywords)
    from forecaster.cli.odds_answers import write_answer

    write_answer(answer, format, out, kind, environment)


def _check_alone(base: str | None, hedge: Sequence[str]) -> None:
    """Refuse options of a portfolio without one.

    Raises:
        UsageError: There are such options.
    """
    from forecaster.errors import UsageError

    if base is not None or hedge:
        raise UsageError(f"{'--hedge' if hedge else '--base'} needs a portfolio; add --portfolio FILE")


def _odds_answer(environment: Environment, keywords: dict[str, Any]) -> Any:
    from forecaster.cli.odds_answers import Answer
    from forecaster.output.odds_documents import odds_document, odds_rows
    from forecaster.output.odds_wording import answer_table, break_even_table, odds_lines, odds_sentences, risk_table
    from forecaster.workflows.odds import odds

    result = odds(environment=environment, **keywords)
    document = odds_document(result)
    return Answer(
        title=result.title,
        document=document,
        rows=odds_rows(result),
        sentences=odds_sentences(document),
        tables=[table(document) for table in (answer_table, risk_table, break_even_table)],
        lines=odds_lines(document),
        figure=result.figure,
    )


def _portfolio_answer(environment: Environment, keywords: dict[str, Any]) -> Any:
    from forecaster.cli.odds_answers import Answer
    from forecaster.errors import UsageError
    from forecaster.output.portfolio_documents import (
        hedge_table,
        portfolio_document,
        portfolio_lines,
        portfolio_rows,
        portfolio_sentence,
        position_table,
        total_table,
    )
    from forecaster.workflows.portfolio_odds import portfolio_odds

    alone = {name: keywords.pop(name) for name in _QUESTIONS_OF_ONE}
    given = [name for name, value in alone.items() if value]
    if given:
        raise UsageError(f"--{given[0]} is a question about one instrument; remove it, or --portfolio")
    result = portfolio_odds(environment=environment, **keywords)
    document = portfolio_document(result)
    return Answer(
        title=result.title,
        document=document,
        rows=portfolio_rows(result),
        sentences=[portfolio_sentence(document)],
        tables=[table(document) for table in (total_table, position_table, hedge_table)],
        lines=portfolio_lines(document),
        figure=result.figure,
    )
