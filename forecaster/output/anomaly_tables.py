"""Anomalies as documents, flat rows, tables and lines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.anomalies import RANGE_LEVEL, Anomalies
from forecaster.output.tables import plain_table

__all__ = ["anomaly_document", "anomaly_lines", "anomaly_rows", "anomaly_title", "day_table", "regime_table"]

_MAX_ODDS = 1e9  # rows; beyond it a table says "more"


def anomaly_document(result: Anomalies) -> dict[str, Any]:
    """The document ``anomalies/1`` of an instrument."""
    series = result.series
    return {
        "schema": "anomalies/1",
        "instrument": result.instrument.name,
        "source": series.source,
        "data_sha256": series.sha256,
        "interval": series.frequency,
        "model": result.model,
        "refits": result.refits,
        "first": str(result.tested[0]),
        "last": str(result.tested[1]),
        "tests": result.tests,
        "rate": result.rate,
        "range_level": RANGE_LEVEL,
        "days": [
            {
                "date": str(day.date),
                "kind": day.kind.replace(" ", "_"),
                "known_from": str(day.known_from),
                "move": day.move,
                "price": day.price,
                "low": day.low,
                "high": day.high,
                "pit": day.pit,
                "p_value": day.p_value,
                "adjusted_p_value": day.adjusted_p_value,
                "at_once": day.at_once,
                "names": list(day.names),
            }
            for day in result.days
        ],
        "regimes": [
            {
                "date": str(change.date),
                "known_from": str(change.known_from),
                "direction": change.direction,
                "volatility_before": change.before,
                "volatility_after": change.after,
            }
            for change in result.regimes
        ],
    }


def anomaly_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A document ``anomalies/1`` as flat rows of one shape by date: anomalous days and changes of volatility."""
    facts = {key: document[key] for key in ("instrument", "model", "rate")}
    columns = ("move", "price", "low", "high", "pit", "p_value", "adjusted_p_value", "at_once")
    days = [
        {
            **facts,
            **{key: day[key] for key in ("date", "kind", "known_from", *columns)},
            "names": "; ".join(day["names"]),
            **dict.fromkeys(("volatility_before", "volatility_after")),
        }
        for day in document["days"]
    ]
    changes = [
        {
            **facts,
            **{"date": change["date"], "kind": f"volatility_{change['direction']}", "known_from": change["known_from"]},
            **dict.fromkeys((*columns, "names")),
            **{key: change[key] for key in ("volatility_before", "volatility_after")},
        }
        for change in document["regimes"]
    ]
    return sorted([*days, *changes], key=lambda row: str(row["date"]))


def anomaly_title(document: Mapping[str, Any]) -> str:
    """Instrument, span and number of tests."""
    spans = f"{SPANS[document['interval']]}s"
    return (
        f"{document['instrument']}: {len(document['days'])} of {document['tests']:,} {spans} anomalous, "
        f"{document['first']} to {document['last']}"
    )


def day_table(document: Mapping[str, Any]) -> Table:
    """A table with a row for each anomalous day."""
    table = plain_table()
    table.add_column(SPANS[document["interval"]], no_wrap=True)
    for name in ("move", "range before", "once in", "at once"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("kind")
    for day in document["days"]:
        kind = day["kind"].replace("_", " ")
        table.add_row(
            day["date"],
            f"{math.expm1(day['move']):+.2%}",
            _range_text(day),
            _odds_text(day["p_value"]),
            {True: "yes", False: "no", None: "-"}[day["at_once"]],
            ": ".join(filter(None, (kind, " and ".join(day["names"])))),
        )
    return table


def _range_text(day: Mapping[str, Any]) -> str:
    """The range of moves that was forecast."""
    if day["low"] is None:
        return "repaired"
    before = day["price"] / math.exp(day["move"])
    low, high = (100 * (day[end] / before - 1) for end in ("low", "high"))
    return f"{low:+.1f} to {high:+.1f} %"


def _odds_text(p_value: float | None) -> str:
    """The number of rows in which such a move is expected once."""
    if p_value is None:
        return "-"
    odds = 1 / p_value if p_value > 0 else math.inf
    return f"{odds:,.0f}" if odds < _MAX_ODDS else "> 1e9"


def regime_table(document: Mapping[str, Any]) -> Table:
    """A table with a row for each change of volatility, in standard deviations of the moves of a row."""
    table = plain_table()
    for name in ("volatility since", "known on", "change"):
        table.add_column(name, no_wrap=True)
    for name in ("before", "after"):
        table.add_column(name, justify="right", no_wrap=True)
    for change in document["regimes"]:
        volatilities = [f"{change[f'volatility_{side}']:.2%}" for side in ("before", "after")]
        table.add_row(change["date"], change["known_from"], change["direction"], *volatilities)
    return table


def anomaly_lines(document: Mapping[str, Any]) -> Sequence[str]:
    """Lines under the tables: what the list is worth."""
    span = SPANS[document["interval"]]
    fits = f"{document['model']}, {document['refits']} fits, each on the rows before"
    lines = [
        f"tests: each {span} against the forecast of the {span} before ({fits})",
        f"list: at most {100 * document['rate']:.3g} % false discoveries expected (Benjamini-Hochberg)",
        f"at once: the {span}s up to it were enough (LORD++); once in: {span}s, by the forecast",
    ]
    if not document["days"]:
        lines.insert(0, f"no {span} lies outside what was thought possible")
    if not document["regimes"]:
        lines.append("volatility: no change of the regime")
    return lines
