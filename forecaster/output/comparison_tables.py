"""Tables of a comparison: a row for each model, or for each model and step, and lines about rows and runs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.registry import METRICS
from forecaster.experiments.run_differences import grouped
from forecaster.output.backtest_tables import backtest_rows
from forecaster.output.tables import plain_table

__all__ = [
    "MAX_NAMES",
    "comparison_lines",
    "comparison_rows",
    "comparison_table",
    "model_rows",
    "ratio_to_reference",
    "size_texts",
    "step_table",
]

MAX_DIFFERENCES = 6  # lines about what differs, unless all are wanted
MAX_NAMES = 10  # instruments that a line names
MANY = 100_000  # parameters from which they are counted in thousands
SMALL_FIT = 0.1  # seconds below which a fit takes no time

_LEVELS = ("0.8", "0.95")


def comparison_table(document: Mapping[str, Any]) -> Table:
    """A row for each model, the lowest CRPS first: the CRPS ratio at every step, the worst coverage and RMSE of them.

    Args:
        document: ``compare/1``.
    """
    steps = _steps(document)
    table = plain_table()
    table.add_column("model", no_wrap=True)
    heads = [*(f"CRPS {step}" for step in steps), *map(_percent, _LEVELS), "RMSE"]
    for head in (*heads, "fit", "params"):
        table.add_column(head, justify="right", no_wrap=True)
    for model in document["models"]:
        rows = model_rows(document, model["model"])
        ratios = [_marked(ratio_to_reference(row, document), row["in_confidence_set"]) for row in rows]
        shares = [f"{100 * _worst(rows, level):.1f}" for level in _LEVELS]
        errors = [row["rmse_ratio_random_walk"] for row in rows if row["rmse_ratio_random_walk"] is not None]
        rmse = f"{max(errors):.3f}" if errors else "-"
        table.add_row(model["model"], *ratios, *shares, rmse, *size_texts(model))
    return table


def step_table(document: Mapping[str, Any]) -> Table:
    """A block for each step with a row for each model, the lowest CRPS first: every metric, tests and model set.

    Args:
        document: ``compare/1``.
    """
    reference = document["reference"]
    columns = [(name, column) for name in METRICS for column in METRICS[name].table_columns]
    table = plain_table()
    for head in ("step", "model"):
        table.add_column(head, no_wrap=True)
    for head in ("n", *(column.heading for _, column in columns), f"over {reference}", "95 % interval", "p", "set"):
        table.add_column(head, justify="right", no_wrap=True)
    for number, step in enumerate(_steps(document)):
        if number:
            table.add_row()
        rows = sorted(_rows_of(document, step), key=lambda row: ratio_to_reference(row, document) or 0.0)
        for row in rows:
            interval = row["crps_ratio_interval"].get(reference)
            p_value = next((test["p_value"] for test in row["dm"] if test["against"] == reference), None)
            table.add_row(
                str(step) if row is rows[0] else "",
                row["model"],
                f"{row['n']:,}",
                *(column.text(row[name]) for name, column in columns),
                _number(ratio_to_reference(row, document)),
                "" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
                "" if p_value is None else f"{p_value:.3f}",
                {True: "in", False: "out", None: ""}[row["in_confidence_set"]],
            )
    return table


def comparison_lines(document: Mapping[str, Any], *, every_difference: bool = True) -> list[str]:
    """Lines under the tables: terms, rows, runs, differences between the runs, and kinds that are left out.

    Args:
        document: ``compare/1``.
        every_difference: False for the first few differences.
    """
    span = SPANS[document["interval"]]
    steps = ", ".join(map(str, _steps(document)))
    sets = [entry for entry in document["confidence_set"] if entry["models"] is not None]
    lines = [
        f"CRPS: over that of {document['reference']} at {steps} {span}s ahead, below 1 is better",
        "80 %, 95 %: outcomes in the range (%); RMSE: over that of the last price; the worst step each (--verbose)",
        "fit: seconds; params: numbers that the fit has estimated",
    ]
    if sets:
        lines.append(f"*: in the {100 * sets[0]['confidence']:g} % model confidence set, which holds the best model")
    unknown = [str(entry["step"]) for entry in document["confidence_set"] if entry["models"] is None]
    if unknown:
        lines.append(f"no confidence set and no interval at {', '.join(unknown)} {span}s: too few cutoffs")
    lines += [
        *_luck_lines(document),
        *_row_lines(document),
        *_run_lines(document),
        *_difference_lines(document, every_difference),
    ]
    return lines + [f"left out: {kind}: {reason}" for kind, reason in document["left_out"].items()]


def _luck_lines(document: Mapping[str, Any]) -> list[str]:
    """Lines that say which runs are worse than the best model by more than chance."""
    sets = [entry for entry in document["confidence_set"] if entry["models"] is not None]
    runs = [model["model"] for model in document["models"] if model["run_id"] is not None]
    if not sets or len(runs) < 2:
        return []
    worse = {run: [str(entry["step"]) for entry in sets if run not in entry["models"]] for run in runs}
    lines = [
        f"luck: {run} is worse than the best by more than chance at step{'s' * (len(steps) > 1)} {', '.join(steps)}"
        for run, steps in worse.items()
        if steps
    ]
    others = [run for run, steps in worse.items() if not steps]
    if len(others) > 1:
        names = "the runs" if len(others) == len(runs) else ", ".join(others)
        lines.append(f"luck: the differences between {names} may be chance")
    return lines


def _row_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The rows that all models have."""
    counts = {step: [each for each in document["samples"] if each["step"] == step] for step in _steps(document)}
    first = min(each["window"][0] for each in document["samples"])
    last = max(each["window"][1] for each in document["samples"])
    numbers = ", ".join(f"{sum(each['n'] for each in members):,}" for members in counts.values())
    names = document["instruments"]
    more = " ..." if len(names) > MAX_NAMES else ""
    yield (
        f"{', '.join(names[:MAX_NAMES])}{more} from {document['source']}: {numbers} cutoffs from {first} to {last}, "
        "the test rows that all runs share"
    )


def _run_lines(document: Mapping[str, Any]) -> Iterator[str]:
    for model in document["models"]:
        if model["run_id"] is not None:
            yield f"{model['model']}: run {model['run_id']} ({model['configuration']})"


def _difference_lines(document: Mapping[str, Any], every: bool) -> list[str]:
    differences = document["differences"]
    shown = differences if every else differences[:MAX_DIFFERENCES]
    lines = [f"runs differ in {each['subject']}: {grouped(each['values'])}" for each in shown]
    more = len(differences) - len(shown)
    return lines + ([f"runs differ in {more} more facts (--verbose)"] if more else [])


def comparison_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows flattened for CSV, each with the facts about its model."""
    facts = {model["model"]: model for model in document["models"]}
    keys = ("kind", "run_id", "seconds", "parameters")
    flat = backtest_rows(document)
    return [{**row, **{key: facts[row["model"]][key] for key in keys}} for row in flat]


def _steps(document: Mapping[str, Any]) -> list[int]:
    return list(dict.fromkeys(int(each["step"]) for each in document["samples"]))


def _rows_of(document: Mapping[str, Any], step: int) -> list[Mapping[str, Any]]:
    """Rows of the one instrument, or of all together, at a step."""
    return [row for row in document["rows"] if (row["instrument"], row["step"]) == (document["name"], step)]


def model_rows(document: Mapping[str, Any], label: str) -> list[Mapping[str, Any]]:
    """Rows of a model on the one instrument, or on all together, step by step."""
    return [row for step in _steps(document) for row in _rows_of(document, step) if row["model"] == label]


def ratio_to_reference(row: Mapping[str, Any], document: Mapping[str, Any]) -> float | None:
    """CRPS over that of the reference; 1 for the reference itself."""
    reference = document["reference"]
    ratio: float | None = 1.0 if row["model"] == reference else row["crps_ratio"].get(reference)
    return ratio


def _marked(ratio: float | None, in_set: bool | None) -> str:
    """A ratio with a mark for the confidence set, as wide without it."""
    return f"{_number(ratio)}{'*' if in_set else ' '}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _worst(rows: Sequence[Mapping[str, Any]], level: str) -> float:
    """The share in an interval that is farthest from its level."""
    shares = [float(row["coverage"][level]) for row in rows]
    return max(shares, key=lambda share: abs(share - float(level)))


def _percent(level: str) -> str:
    return f"{100 * float(level):g} %"


def size_texts(model: Mapping[str, Any]) -> tuple[str, str]:
    """Seconds of the fit, and the number of parameters."""
    seconds = model["seconds"]
    count = model["parameters"]
    digits = 1 if seconds is None or seconds < 100 else 0
    shown = "-" if seconds is None else f"<{SMALL_FIT}" if seconds < SMALL_FIT else f"{seconds:.{digits}f}"
    return shown, "-" if count is None else f"{count:,}" if count < MANY else f"{count / 1000:,.0f}k"
