"""Scores and verdict of a training as a table and lines of text."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.registry import METRICS, Metric
from forecaster.evaluation.verdict import KINDS
from forecaster.output.tables import number_text, plain_table
from forecaster.output.verdict_wording import verdict_summary

__all__ = ["loss_unit", "score_table", "training_lines", "verdict_lines"]


BASIS_POINTS = 10_000
RETURN_ERRORS = ("rmse_return", "rmse_return_naive", "mae_return", "mae_return_naive")


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
        errors = [number_text(BASIS_POINTS * row[key]) for key in RETURN_ERRORS]
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


def loss_unit(document: Mapping[str, Any]) -> str:
    """Unit of the losses in the tables of a document, which multiply them by 10,000."""
    return "1/10,000 of the unit of the price" if document["differences"] else "basis points of the return"


def training_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines under the scores of a training: terms, median, model, run, weights and verdict."""
    seconds = document["seconds"]
    count = document["series"]
    unit = loss_unit(document)
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
