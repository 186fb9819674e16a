"""Results as text, JSON and CSV; nothing is computed here but the layout."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.models import traits_of

__all__ = [
    "csv_text",
    "forecast_rows",
    "forecast_table",
    "forecast_title",
    "interval_keys",
    "score_table",
    "skill_line",
    "training_lines",
]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one shape as CSV with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def forecast_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A document ``forecast/1`` as flat rows, one a step; quantiles are columns ``q0.025`` and so on."""
    same = {key: document[key] for key in ("instrument", "run_id", "source", "cutoff", "units")}
    return [
        {
            **same,
            **{key: step[key] for key in ("step", "date", "mean", "median", "probability_up")},
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
    return int(min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), 10))


def score_table(rows: Sequence[Mapping[str, Any]], model: str, interval: str = "1d") -> Table:
    """Scores of a training beside "tomorrow = today" and the baselines, part by part and step by step.

    Args:
        rows: ``scores`` of the document ``train/1``.
        model: Registry key of the judged model.
        interval: Span of a step.
    """
    others = [name for name in rows[0]["crps"] if name != model]
    several = len({row["instrument"] for row in rows}) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in (["instrument"] if several else []) + ["part"]:
        table.add_column(name)
    heads = [
        f"{SPANS[interval]}s",
        "cutoffs",
        "RMSE",
        "today",
        "MAE",
        "today",
        f"CRPS {model}",
        *others,
        "in 80 %",
        "in 95 %",
    ]
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        crps = [f"{row['crps'][name] * 1e4:.2f}" for name in (model, *others)]
        covered = [f"{row['coverage'][level]:.1%}" for level in ("0.8", "0.95")]
        errors = [_number(row[key]) for key in ("rmse", "rmse_naive", "mae", "mae_naive")]
        names = ([row["instrument"]] if several else []) + [row["part"]]
        table.add_row(*names, str(row["step"]), str(row["n"]), *errors, *crps, *covered)
    return table


def training_lines(document: Mapping[str, Any]) -> list[str]:
    """What stands under the scores of a training: what was learned, where the median lies, run and seconds."""
    seconds, steps, span = document["seconds"], document["location_steps"], SPANS[document["interval"]]
    series = document["series"]
    universe = f"learned from {series} series" if series > 1 else f"{document['instruments'][0]} alone"
    lines = [
        'today: "tomorrow = today" on the same rows; CRPS in basis points of the return, lower is better',
        f"{document['model']}: {document['parameters']:,} weights, {universe}, "
        f"{seconds['total']:.1f} s in all, {seconds['fit']:.1f} s of it the fit",
        f"run: {document['run_id']}",
    ]
    if steps:
        lines.insert(1, f"median: moves at {', '.join(map(str, steps))} {span}s, where the validation supports it")
    elif document.get("mean_is_last_price"):
        lines.insert(1, "median: where the mean is the last price, beside it where falls are unlike rises")
    elif steps is not None:
        lines.insert(1, "median: is the last price, since no direction was found or looked for on the validation")
    if document["refit"]:
        lines.append(
            f"refit: fitted once more on all rows to {document['fitted_until']}; the scores are of the fit before"
        )
    else:
        lines.append(f"weights: fitted on rows to {document['fitted_until']}; --refit fits once more on all rows")
    return lines + ([] if document["verdict"] is None else verdict_lines(document["verdict"], document["verdicts"]))


_KINDS = ("point", "direction", "density", "coverage")
_OUTCOMES = {"no_difference": "no difference", "not_applicable": "nothing to judge"}


def verdict_lines(document: Mapping[str, Any], members: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A verdict in words: what it is about, a line for each kind, and a line for each of several instruments.

    Args:
        document: The verdict.
        members: Name -> verdict of every instrument, and of all together.
    """
    about = f"{document['name']}, {document['model']}, step {document['step']}, {document['days']:,} cutoffs"
    others = [one for name, one in members.items() if name != document["name"]]
    return [
        f"verdict on {about}:",
        *(f"  {document[kind]['text']}" for kind in _KINDS),
        *(f"verdict on {one['name']}, {one['model']}, {one['days']:,} cutoffs: {_outcomes(one)}" for one in others),
    ]


def _outcomes(verdict: Mapping[str, Any]) -> str:
    """The four kinds in a few words each."""
    told = {kind: str(verdict[kind]["outcome"]) for kind in _KINDS}
    words = {kind: _OUTCOMES.get(outcome, outcome) for kind, outcome in told.items()}
    words["coverage"] = "miscalibrated" if told["coverage"] == "worse" else "no fault seen"
    return "; ".join(f"{kind} {word}" for kind, word in words.items())


def forecast_table(document: Mapping[str, Any], levels: Sequence[float]) -> Table:
    """The coming days: date, median, central intervals, probability of up.

    Args:
        document: ``forecast/1``.
        levels: Shares of the central intervals, such as 0.8 and 0.95.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("date", no_wrap=True)
    table.add_column("median", justify="right", no_wrap=True)
    for level in levels:
        table.add_column(f"{100 * level:g} %", justify="right", no_wrap=True)
    table.add_column("up", justify="right", no_wrap=True)
    fed_back = any(step["fed_back"] for step in document["steps"])
    if fed_back:
        table.add_column("")
    text = _value_format(document)
    for step in document["steps"]:
        quantiles = step["quantiles"]
        edges = [[quantiles[key] for key in interval_keys(level)] for level in levels]
        intervals = [" to ".join(map(text, edge)) for edge in edges]
        mark = (["fed back" if step["fed_back"] else ""]) if fed_back else []
        table.add_row(step["date"], text(step["median"]), *intervals, f"{step['probability_up']:.1%}", *mark)
    return table


def forecast_title(document: Mapping[str, Any]) -> str:
    """What stands above the coming days."""
    text = f"{document['last_price']:.{_decimals(document['last_price'], 6)}f}"
    units = {"price": "price", "return": "return from the last price", "pips": "pips from the last price"}
    told = [units[document["units"]], document["calendar"]]
    told += [word for word in ("in-sample", "calibrated") if document[word.replace("-", "_")]]
    return f"{document['instrument']} after {document['cutoff']} at {text} ({'; '.join(told)})"


def skill_line(document: Mapping[str, Any]) -> list[str]:
    """How the run did on its test rows beside each baseline; no line where it was not scored."""
    ratios: dict[str, list[str]] = {}
    for one in document["skill"] or []:
        ratios.setdefault(one["reference"], []).append(f"{one['crps_ratio']:.4f} at {one['step']}")
    if not ratios:
        return ["skill: this run did not score the instrument; train with it named to see how it does"]
    which = "test rows before the refit" if document["refit"] else "test rows"
    if not document["calibrated"] and traits_of(document["model"]).calibrated:
        which += ", calibrated there"
    return [
        f"skill: CRPS over that of {name}, {which}, below 1 is better: {', '.join(told)} {SPANS[document['interval']]}s"
        for name, told in ratios.items()
    ]


def interval_keys(level: float) -> tuple[str, str]:
    """Keys, in a document, of the two quantiles that bound the central interval `level`."""
    low, high = (format(round(edge, 12), "g") for edge in ((1 - level) / 2, (1 + level) / 2))
    return low, high


def _value_format(document: Mapping[str, Any]) -> Callable[[float], str]:
    if document["units"] == "return":
        return lambda value: f"{value:+.2%}"
    if document["units"] == "pips":
        return lambda value: f"{value + 0.0:+.1f}"
    decimals = _decimals(document["last_price"], 6)
    return lambda value: f"{value:.{decimals}f}"
