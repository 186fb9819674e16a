"""Results of trainings and forecasts as tables, lines of text and CSV."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.registry import METRICS, Metric
from forecaster.evaluation.verdict import KINDS
from forecaster.models import traits_of
from forecaster.output.forecast_trust import held_cells, shown_steps, strongest_skill, trust_lines
from forecaster.output.verdict_wording import verdict_summary

__all__ = [
    "csv_text",
    "forecast_lines",
    "forecast_rows",
    "forecast_table",
    "forecast_title",
    "interval_keys",
    "plain_table",
    "price_text",
    "score_table",
    "skill_line",
    "training_lines",
]


BASIS_POINTS = 10_000
MIN_SHOWN = 0.001  # smallest probability that a table distinguishes from 0
RETURN_ERRORS = ("rmse_return", "rmse_return_naive", "mae_return", "mae_return_naive")


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


def _number(value: float, digits: int = 5) -> str:
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


def score_table(rows: Sequence[Mapping[str, Any]], model: str, frequency: str = "1d") -> Table:
    """Scores of a training next to the last price and the baselines, by part and step.

    Args:
        rows: ``scores`` of the document ``train/1``.
        model: Registry key of the evaluated model.
        frequency: Length of a step.
    """
    models = [model, *(name for name in rows[0]["crps"] if name != model)]
    metrics = [metric for metric in METRICS.values() if metric.training is not None and metric.table_columns]
    several = len({row["instrument"] for row in rows}) > 1
    table = plain_table()
    for name in (["instrument"] if several else []) + ["part"]:
        table.add_column(name)
    heads = [f"{SPANS[frequency]}s", "cutoffs", "RMSE", "today", "MAE", "today"]
    heads += [head for metric in metrics for head in _training_heads(metric, models)]
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        names = ([row["instrument"]] if several else []) + [row["part"]]
        errors = [_number(BASIS_POINTS * row[key]) for key in RETURN_ERRORS]
        values = [text for metric in metrics for text in _training_texts(metric, row[metric.name], models)]
        table.add_row(*names, str(row["step"]), str(row["n"]), *errors, *values)
    return table


def _training_heads(metric: Metric, models: Sequence[str]) -> list[str]:
    heads = [column.heading for column in metric.table_columns]
    if metric.training != "every_model":
        return heads
    first, *others = models
    return [name for head in heads for name in (f"{head} {first}", *others)]


def _training_texts(metric: Metric, value: Any, models: Sequence[str]) -> list[str]:
    if metric.training != "every_model":
        return [column.text(value) for column in metric.table_columns]
    return [column.text(value[name]) for column in metric.table_columns for name in models]


def training_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines under the scores of a training: terms, median, model, run, weights and verdict."""
    seconds = document["seconds"]
    count = document["series"]
    unit = "1/10,000 of the unit of the price" if document["differences"] else "basis points of the return"
    panel = f"{count} series" if count > 1 else f"{document['instruments'][0]} alone"
    lines = [
        f'today: the last price as forecast ("tomorrow = today"); RMSE, MAE and CRPS in {unit}, lower is better',
        *_median_lines(document),
        *(
            f"{name}: did not converge or had too few rows for {', '.join(instruments)}, and used substitute parameters"
            for name, instruments in document["fallbacks_of"].items()
        ),
        f"{document['model']}: {document['parameters']:,} weights, trained on {panel}; "
        f"{seconds['total']:.1f} s in total, {seconds['fit']:.1f} s of training",
        f"run: {document['run_id']}",
    ]
    until = document["fitted_until"]
    if document["refit"]:
        lines.append(f"refit: fitted again on all rows up to {until}; the scores are those of the fit before")
    else:
        lines.append(f"weights: fitted on rows up to {until}; --refit fits again on all rows")
    return lines + ([] if document["verdict"] is None else verdict_lines(document["verdict"], document["verdicts"]))


def _median_lines(document: Mapping[str, Any]) -> list[str]:
    """Position of the median; no line for a model without a location output."""
    drifts = [drift_line(entry["drift"], entry["instrument"]) for entry in document["summary"] if entry["drift"]]
    return [*_learned_median_lines(document), *drifts]


def drift_line(drift: float, name: str) -> str:
    """Direction of the drift of the median of an instrument."""
    return f"median: {'rises' if drift > 0 else 'falls'} with a drift that past prices of {name} support"


def _learned_median_lines(document: Mapping[str, Any]) -> list[str]:
    steps = document["location_steps"]
    if steps:
        days = f"{', '.join(map(str, steps))} {SPANS[document['interval']]}s"
        return [f"median: differs from the last price at {days}, where the validation supports it"]
    if document.get("mean_is_last_price"):
        return ["median: set so that the mean is the last price; the distribution is skewed"]
    return [] if steps is None else ["median: the last price; the validation supports no direction"]


def verdict_lines(document: Mapping[str, Any], members: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A verdict in words: what it is about, a line for each kind, and a line for each of several instruments.

    Args:
        document: The verdict.
        members: Name -> verdict of every instrument, and of all together.
    """
    about = f"{document['name']}, {document['model']}, step {document['step']}, {document['days']:,} cutoffs"
    others = [member for name, member in members.items() if name != document["name"]]
    return [
        f"verdict on {about}:",
        *(f"  {document[kind]['text']}" for kind in KINDS),
        *(
            f"verdict on {member['name']}, {member['model']}, {member['days']:,} cutoffs: {verdict_summary(member)}"
            for member in others
        ),
    ]


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
    marked = any(step["fed_back"] or step["scaled"] for step in document["steps"])
    if marked:
        table.add_column("")
    text = _value_format(document)
    for step in shown_steps(document, every_step=every_step):
        quantiles = step["quantiles"]
        edges = [[quantiles[key] for key in interval_keys(level)] for level in levels]
        intervals = [" to ".join(map(text, edge)) for edge in edges]
        last = [held.get(step["step"], "-")] if held else []
        last += ["recursive" if step["fed_back"] else "scaled" if step["scaled"] else ""] if marked else []
        odds = [f"{step[key]:.1%}" for key in directions.values()]
        odds += [_probability(step["odds"][name]) for name in targets]
        table.add_row(step["date"], text(step["median"]), *intervals, *odds, *last)
    return table


def _target_heading(name: str) -> str:
    """Heading of the probabilities of a target: ``> 160`` for ``above_160``."""
    kind, *prices = name.split("_")
    return {"above": "> ", "below": "< "}.get(kind, "") + " to ".join(prices)


def _probability(share: float) -> str:
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
