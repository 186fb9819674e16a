"""JSON document of the risk of a portfolio, ``portfolio/1``, its rows, sentences and tables."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.portfolio import PortfolioRisk
from forecaster.experiments.portfolio_odds import PortfolioOddsResult
from forecaster.output.tables import plain_table

__all__ = [
    "hedge_table",
    "portfolio_document",
    "portfolio_lines",
    "portfolio_rows",
    "portfolio_sentence",
    "position_table",
    "total_table",
]

MIN_WHOLE = 1000
"""Amount from which on units have no decimals."""

_MARKS = {"too_narrow": "!", "too_few_rows": "?"}


def portfolio_document(result: PortfolioOddsResult) -> dict[str, Any]:
    """The document ``portfolio/1``."""
    first = result.predictions[0]
    return {
        "schema": "portfolio/1",
        "portfolio": result.portfolio.label,
        "portfolio_sha256": result.portfolio.sha256,
        "base": result.base,
        "value": result.value,
        "cutoff": str(first.forecast.cutoff),
        "interval": first.frequency,
        "in_sample": any(prediction.in_sample for prediction in result.predictions),
        "positions": [dataclasses.asdict(position) for position in result.portfolio.positions],
        "prices": [
            {
                "instrument": prediction.instrument.name,
                "run_id": prediction.run_id,
                "data_sha256": prediction.data_sha256,
                "last_price": prediction.forecast.last_price,
                "calibrated": prediction.calibrated,
            }
            for prediction in result.predictions
        ],
        "correlation": {"shrinkage": result.correlation_shrinkage, "rows": result.correlation_rows},
        "paths": len(result.joint.prices),
        "risks": [_risk_document(risk) for risk in result.risks],
        "hedges": [dataclasses.asdict(hedge) for hedge in result.hedges],
        "record_since": str(min(past.dates[0] for past in result.past)) if result.past else None,
        "record_until": str(max(past.dates[-1] for past in result.past)) if result.past else None,
    }


def _risk_document(risk: PortfolioRisk) -> dict[str, Any]:
    return {**dataclasses.asdict(risk), "date": str(risk.date)}


def portfolio_rows(result: PortfolioOddsResult) -> list[dict[str, Any]]:
    """A row for the portfolio and for each position, by step and level."""
    return [{key: str(value) if key == "date" else value for key, value in row.items()} for row in result.table_rows()]


def portfolio_sentence(document: Mapping[str, Any]) -> str:
    """The risk at the first step and level in a sentence.

    Args:
        document: ``portfolio/1``.
    """
    risk = document["risks"][0]
    money = _money(document)
    return (
        f"The portfolio, worth {money(document['value'])}{_currency(document)}, loses more than "
        f"{money(risk['value_at_risk'])}{_currency(document)} up to {risk['date']} with a probability of "
        f"{100 * (1 - risk['level']):.3g} %."
    )


def total_table(document: Mapping[str, Any]) -> Table:
    """Table of the risks of the portfolio, beside the record."""
    money = _money(document)
    recorded = any(risk["record"] for risk in document["risks"])
    table = plain_table()
    table.add_column("up to", no_wrap=True)
    headings = ["level", f"VaR{_currency(document)}", "ES", "VaR of parts"]
    headings += ["within", _spans(document)] if recorded else []
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for risk in document["risks"]:
        amounts = [money(risk[key]) for key in ("value_at_risk", "expected_shortfall", "undiversified")]
        record = risk["record"]
        cells = [f"{record['within']:.1%}{_MARKS.get(record['outcome'], '')}", f"{record['n']:,}"] if record else []
        table.add_row(risk["date"], f"{100 * risk['level']:g} %", *amounts, *cells)
    return table


def position_table(document: Mapping[str, Any]) -> Table:
    """Table of the positions: value, contributions at the first level of the last step, amount with the least risk."""
    risk = _contributed(document)
    money = _money(document)
    table = plain_table()
    table.add_column("position", no_wrap=True)
    for heading in ("value", "share of VaR", "share of ES", "least risk with"):
        table.add_column(heading, justify="right", no_wrap=True)
    for share in risk["shares"]:
        values = [money(share[key]) for key in ("value", "value_at_risk", "expected_shortfall")]
        least = f"{_units(share['least_risk_amount'])} {share['name']}"
        table.add_row(f"{_units(share['amount'])} {share['name']}", *values, least)
    for position in document["positions"]:
        if position["name"] == document["base"]:
            table.add_row(f"{_units(position['amount'])} {position['name']}", money(position["amount"]), "0", "0", "")
    sums = [document["value"], risk["value_at_risk"], risk["expected_shortfall"]]
    table.add_row("sum", *map(money, sums), "")
    return table


def hedge_table(document: Mapping[str, Any]) -> Table | None:
    """Table of the named hedges; None without any."""
    if not document["hedges"]:
        return None
    money = _money(document)
    before = {(risk["step"], risk["level"]): risk["value_at_risk"] for risk in document["risks"]}
    table = plain_table()
    table.add_column("hedge", no_wrap=True)
    level = f"{100 * document['hedges'][0]['level']:g} %"
    for heading in (f"for {_spans(document)}", "ratio", f"VaR {level} before", "after"):
        table.add_column(heading, justify="right", no_wrap=True)
    for hedge in document["hedges"]:
        deal = f"{'buy' if hedge['amount'] > 0 else 'sell'} {_units(abs(hedge['amount']))} {hedge['name']}"
        values = [money(before[hedge["step"], hedge["level"]]), money(hedge["value_at_risk"])]
        table.add_row(deal, str(hedge["step"]), f"{hedge['ratio']:.2f}", *values)
    return table


def portfolio_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines under the tables: meanings, record, correlations, runs."""
    risk = _contributed(document)
    lines = [
        f"share of VaR and ES: contributions at {100 * risk['level']:g} % up to {risk['date']}; least risk with: the "
        "amount that leaves the least variance, the others as they are",
        "VaR of parts: sum over the positions alone; the difference is diversification",
    ]
    if document["record_since"] is not None:
        records = [each["record"] for each in document["risks"] if each["record"]]
        marks = {_MARKS.get(record["outcome"], "") for record in records}
        text = (
            f"within: share of past {_spans(document)}, {document['record_since']} to {document['record_until']}, "
            "whose loss was within the VaR of the day, with the weights of today"
        )
        text += "; !: too few were" if "!" in marks else ""
        text += "; ?: too few days to tell" if "?" in marks else ""
        lines.append(text)
    else:
        lines.append("within: not measured for these runs and this cutoff")
    facts = document["correlation"]
    text = f"; correlations of the last {facts['rows']} {_spans(document)}, shrunk by {facts['shrinkage']:.1%}"
    lines.append(f"{document['paths']:,} paths{text if len(document['prices']) > 1 else ''}")
    if document["in_sample"]:
        lines.append("in-sample: a run has seen later rows; a forecast made then could not have been as good")
    runs = list(dict.fromkeys(price["run_id"] for price in document["prices"]))
    more = f" and {len(runs) - 1} more" if len(runs) > 1 else ""
    lines.append(f"{document['portfolio']} after {document['cutoff']}; run {runs[0]}{more}")
    return lines


def _contributed(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The risk whose contributions are shown: the first level at the last step."""
    last = document["risks"][-1]["step"]
    risk: Mapping[str, Any] = next(risk for risk in document["risks"] if risk["step"] == last)
    return risk


def _currency(document: Mapping[str, Any]) -> str:
    return f" {document['base']}" if document["base"] else ""


def _money(document: Mapping[str, Any]) -> Callable[[float], str]:
    """Text of an amount of money, with the digits that the smallest value at risk needs."""
    smallest = min(abs(risk["value_at_risk"]) for risk in document["risks"])
    decimals = max(0, 3 - math.floor(math.log10(smallest))) if smallest > 0 else 2
    return lambda value: f"{value:,.{decimals}f}"


def _units(amount: float) -> str:
    """Text of an amount of currency or shares."""
    return f"{amount:,.0f}" if abs(amount) >= MIN_WHOLE else f"{amount:,.4g}"


def _spans(document: Mapping[str, Any]) -> str:
    return f"{SPANS[document['interval']]}s"
