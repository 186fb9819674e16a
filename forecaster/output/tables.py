"""Forecasts as tables, lines of text and CSV, and what all tables share."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.models import traits_of
from forecaster.output.forecast_trust import held_cells, shown_steps, strongest_skill, trust_lines

__all__ = [
    "csv_text",
    "forecast_lines",
    "forecast_rows",
    "forecast_table",
    "forecast_title",
    "interval_keys",
    "number_text",
    "plain_table",
    "price_text",
    "probability_text",
    "skill_line",
]


MIN_SHOWN = 0.001  # smallest probability that a table distinguishes from 0


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one shape as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _no_formula(value) for key, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def _no_formula(value: Any) -> Any:
    """A text that a spreadsheet would run, such as the name of a file called ``=A1.csv``, behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

_DIRECTIONS = {"up": "probability_up", "unchanged": "probability_unchanged", "down": "probability_down"}
"""Heading of a table -> key of a probability in a document."""


_ROW_FACTS = (
    *("instrument", "run_id", "model", "configuration", "source", "interval", "cutoff", "last_price", "units"),
    *("calibrated", "in_sample"),
)
"""Keys of a document ``forecast/1`` that stand in every flat row."""


def forecast_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A document ``forecast/1`` as flat rows, one a step; quantiles are columns ``q0.025`` and so on.

    What is true of the whole forecast stands in every row, so that rows of several forecasts can be mixed.
    """
    facts = {"frequency" if key == "interval" else key: document[key] for key in _ROW_FACTS}
    return [
        {
            **facts,
            **{key: step[key] for key in ("step", "date", "mean", "median", *_DIRECTIONS.values())},
            **{f"probability_{name}": value for name, value in step["odds"].items()},
            "recursive": step["fed_back"],
            "scaled": step["scaled"],
            "events": "; ".join(step["events"]),
            "day_size": step["day_size"],
            **{f"q{level}": value for level, value in step["quantiles"].items()},
        }
        for step in document["steps"]
    ]


def number_text(value: float, digits: int = 5) -> str:
    """`value` with `digits` significant digits, never in scientific notation."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{_decimals(value, digits)}f}"


def _decimals(value: float, digits: int) -> int:
    if value == 0:
        return digits - 1
    return int(min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 10))


def price_text(value: float, last_price: float) -> str:
    """A price with the decimals that give the last price six significant digits."""
    return f"{value:.{_decimals(last_price, 6)}f}"


def plain_table() -> Table:
    """An empty table without borders."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def forecast_table(document: Mapping[str, Any], levels: Sequence[float], *, every_step: bool = True) -> Table:
    """Table of the coming days: date, median, central intervals, probability of a rise, past coverage.

    Where prices often stand still, the probabilities of no change and of a fall have columns too.

    Args:
        document: ``forecast/1``.
        levels: Coverages of the central intervals, such as 0.8 and 0.95.
        every_step: False to leave out some of many steps.
    """
    table = plain_table()
    table.add_column("date", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    for level in levels:
        table.add_column(f"{100 * level:g} %", justify="right", no_wrap=True)
    ties = any(step["probability_unchanged"] for step in document["steps"])
    directions = _DIRECTIONS if ties else {"up": "probability_up"}
    targets = list(document["steps"][0]["odds"])
    for heading in (*directions, *map(_target_heading, targets)):
        table.add_column(heading, justify="right", no_wrap=True)
    held = held_cells(document, levels)
    if held:
        table.add_column("held", justify="right", no_wrap=True)
    text = _value_format(document)
    for step in shown_steps(document, every_step=every_step):
        quantiles = step["quantiles"]
        edges = [[quantiles[key] for key in interval_keys(level)] for level in levels]
        intervals = [" to ".join(map(text, edge)) for edge in edges]
        last = [held.get(step["step"], "-")] if held else []
        probabilities = [*(step[key] for key in directions.values()), *(step["odds"][name] for name in targets)]
        odds = [probability_text(value) for value in probabilities]
        mark = "*" if step["fed_back"] or step["scaled"] else ""  # `trust_lines` explains it
        table.add_row(f"{step['date']}{mark}", text(step["median"]), *intervals, *odds, *last)
    return table


def _target_heading(name: str) -> str:
    """Heading of the probabilities of a target: ``> 160`` for ``above_160``."""
    kind, *prices = name.split("_")
    return {"above": "> ", "below": "< "}.get(kind, "") + " to ".join(prices)


def probability_text(share: float) -> str:
    """A probability in per cent; one that is neither 0 nor 1 never looks as if it were."""
    if 0 < share < MIN_SHOWN:
        return f"<{MIN_SHOWN:.1%}"
    return f">{1 - MIN_SHOWN:.1%}" if 1 - MIN_SHOWN < share < 1 else f"{share:.1%}"


def forecast_title(document: Mapping[str, Any]) -> str:
    """Title of a table of coming days."""
    price = f"{document['last_price']:.{_price_decimals(document)}f}"
    units = {"price": "price", "return": "return from the last price", "pips": "pips from the last price"}
    facts = [units[document["units"]], *(["from its changes"] if document["differences"] else [])]
    facts.append(document["calendar"])
    facts += ["in-sample"] if document["in_sample"] else []
    facts += _calibration_words(document)
    return f"{document['instrument']} after {document['cutoff']} at {price} ({'; '.join(facts)})"


def _calibration_words(document: Mapping[str, Any]) -> list[str]:
    if document["calibration"] == "tested fit":
        return ["calibrated as the fit that was tested"]
    if document["calibrated"]:
        return ["calibrated"]
    return ["raw intervals"] if traits_of(document["model"]).calibrated else []


def forecast_lines(document: Mapping[str, Any], levels: Sequence[float], verbose: bool) -> list[str]:
    """Lines under the table of a forecast: past coverage, age of the price, and skill.

    Args:
        document: ``forecast/1``.
        levels: Coverages of the central intervals.
        verbose: True for the skill against every baseline instead of the strongest one.
    """
    skill = skill_line(document if verbose else strongest_skill(document))
    return [*trust_lines(document, levels, every_step=verbose), *skill]


def skill_line(document: Mapping[str, Any]) -> list[str]:
    """CRPS ratios of the run on its test rows, a line for each baseline; a line without figures if not scored."""
    ratios: dict[str, list[str]] = {}
    for skill in document["skill"] or []:
        ratios.setdefault(skill["reference"], []).append(f"{skill['crps_ratio']:.4f} at {skill['step']}")
    if not ratios:
        return ["skill: this run did not score the instrument; train with it named to score it"]
    rows = "test rows before the refit" if document["refit"] else "test rows"
    if not document["calibrated"] and traits_of(document["model"]).calibrated:
        rows += ", calibrated there"
    return [
        f"skill: CRPS over that of {name}, {rows}, below 1 is better: {', '.join(texts)} {SPANS[document['interval']]}s"
        for name, texts in ratios.items()
    ]


def interval_keys(level: float) -> tuple[str, str]:
    """Keys, in a document, of the two quantiles that bound the central interval `level`."""
    low, high = (format(round(edge, 12), "g") for edge in ((1 - level) / 2, (1 + level) / 2))
    return low, high


def _price_decimals(document: Mapping[str, Any]) -> int:
    """Decimals for six significant digits of the price; of its quantiles where it may be near zero."""
    value = document["last_price"]
    if document["differences"]:
        value = max(abs(number) for step in document["steps"] for number in step["quantiles"].values())
    return _decimals(value or 1.0, 6)


def _value_format(document: Mapping[str, Any]) -> Callable[[float], str]:
    if document["units"] == "return":
        return lambda value: f"{value:+.2%}"
    if document["units"] == "pips":
        return lambda value: f"{value + 0.0:+.1f}"
    decimals = _price_decimals(document)
    return lambda value: f"{value:.{decimals}f}"
