"""Tables of a backtest: a row for each model, a block for each step, and the verdict in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.daily_losses import POOLED
from forecaster.evaluation.registry import METRICS
from forecaster.models import MODELS, traits_of
from forecaster.output.score_tables import loss_unit, verdict_lines
from forecaster.output.tables import plain_table
from forecaster.output.verdict_wording import joined_names

__all__ = [
    "backtest_exceptions",
    "backtest_lines",
    "backtest_rows",
    "backtest_table",
    "hidden_line",
    "hidden_models",
    "instrument_table",
]

_MAX_NAMES = 20  # instruments that a line names
_MAX_FALLBACK_NAMES = 5
_MAX_OPPONENTS = 3  # in a table of default length: four steps of them fit on a screen of 24 lines


def backtest_table(document: Mapping[str, Any], *, every_model: bool = True) -> Table:
    """The models at every step, for the one instrument or for all of them together.

    Args:
        document: ``backtest/1``.
        every_model: False for the evaluated model and its strongest opponents only; see `hidden_models`.
    """
    hidden = () if every_model else hidden_models(document)
    rows = [row for row in _rows_of_verdict(document) if row["model"] not in hidden]
    evaluated_model = document["verdict"]["model"]
    table = plain_table()
    for head in ("step", "model"):
        table.add_column(head, no_wrap=True)
    for head in ("n", *(head for name in METRICS for head in _heads(name))):
        table.add_column(head, justify="right", no_wrap=True)
    previous = None
    for row in rows:
        if previous not in (None, row["step"]):
            table.add_row()
        texts = [text for name in METRICS for text in _texts(name, row, rows, evaluated_model)]
        table.add_row("" if previous == row["step"] else str(row["step"]), row["model"], f"{row['n']:,}", *texts)
        previous = row["step"]
    return table


def hidden_models(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Opponents that a short table leaves out: all but the few that come closest to the evaluated model.

    Args:
        document: ``backtest/1``; or ``score/1``, whose forecasters are never left out.
    """
    evaluated = document["verdict"]["model"]
    forecasters = document.get("forecasters", ())
    ratios: dict[str, list[float]] = {}
    for row in _rows_of_verdict(document):
        if row["model"] == evaluated:
            for name, ratio in row["crps_ratio"].items():
                if name not in forecasters:
                    ratios.setdefault(name, []).append(0.0 if ratio is None else ratio)
    weakest_last = sorted(ratios, key=lambda name: -sum(ratios[name]) / len(ratios[name]))
    return tuple(name for name in ratios if name in weakest_last[_MAX_OPPONENTS:])


def hidden_line(document: Mapping[str, Any], hidden: Sequence[str]) -> list[str]:
    """Line about the opponents that the table leaves out, and the steps at which they are ahead all the same."""
    if not hidden:
        return []
    evaluated = document["verdict"]["model"]
    ahead: dict[str, list[str]] = {}
    for row in _rows_of_verdict(document):
        for name in hidden if row["model"] == evaluated else ():
            if (row["crps_ratio"].get(name) or 0.0) > 1:
                ahead.setdefault(name, []).append(str(row["step"]))
    span = SPANS[document["interval"]]
    steps = ", ".join(f"{name} at {joined_names(names)} {span}s" for name, names in ahead.items())
    line = f"not in the table: {', '.join(hidden)} (--verbose), on average weaker than the baselines in it"
    return [f"{line}; ahead of {evaluated}: {steps}" if steps else line]


def instrument_table(document: Mapping[str, Any], *, every_model: bool = True) -> Table | None:
    """The evaluated model on each instrument at every step: scores, and CRPS over that of the other models.

    Args:
        document: ``backtest/1``.
        every_model: As for `backtest_table`.

    Returns:
        None where only one instrument was forecast.
    """
    evaluated = document["verdict"]["model"]
    rows = [row for row in document["rows"] if row["model"] == evaluated and row["instrument"] != POOLED]
    names = list(dict.fromkeys(row["instrument"] for row in rows))
    if len(names) < 2:
        return None
    hidden = () if every_model else hidden_models(document)
    others = [model for model in document["models"] if model != evaluated and model not in hidden]
    table = plain_table()
    for head in ("instrument", "step"):
        table.add_column(head, no_wrap=True)
    columns = [(name, column) for name in METRICS for column in METRICS[name].table_columns]
    for head in ("n", *(column.heading for _, column in columns), *(f"over {model}" for model in others)):
        table.add_column(head, justify="right", no_wrap=True)
    for name in names:
        members = sorted((row for row in rows if row["instrument"] == name), key=lambda row: int(row["step"]))
        for row in members:
            texts = [column.text(row[metric]) for metric, column in columns]
            ratios = [row["crps_ratio"].get(model) for model in others]
            texts += ["" if ratio is None else f"{ratio:.4f}" for ratio in ratios]
            table.add_row(name if row is members[0] else "", str(row["step"]), f"{row['n']:,}", *texts)
    return table


def _heads(name: str) -> list[str]:
    heads = [column.heading for column in METRICS[name].table_columns]
    return [*heads, "ratio", "p"] if name == "crps" else heads


def _texts(name: str, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], evaluated_model: str) -> list[str]:
    texts = [column.text(row[name]) for column in METRICS[name].table_columns]
    if name != "crps":
        return texts
    ratio, p_value = _against(rows, evaluated_model, row)
    return [*texts, "" if ratio is None else f"{ratio:.4f}", "" if p_value is None else _p_text(p_value)]


def _rows_of_verdict(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows of the instrument, or of all pooled, that the verdict is about."""
    name = document["verdict"]["name"]
    return sorted((row for row in document["rows"] if row["instrument"] == name), key=lambda row: int(row["step"]))


def _against(
    rows: Sequence[Mapping[str, Any]], evaluated_model: str, row: Mapping[str, Any]
) -> tuple[float | None, float | None]:
    """CRPS of the evaluated model over that of a row's model, and the p-value of their difference."""
    model = row["model"]
    for evaluated in rows:
        if evaluated["model"] == evaluated_model != model and evaluated["step"] == row["step"]:
            p_values = {test["against"]: test["p_value"] for test in evaluated["dm"]}
            return evaluated["crps_ratio"].get(model), p_values.get(model)
    return None, None


def backtest_lines(document: Mapping[str, Any], *, every_model: bool = True) -> list[str]:
    """Lines under the table: terms, fits, exceptions, comparison of all models, and the verdict.

    Args:
        document: ``backtest/1``.
        every_model: As for `backtest_table`.
    """
    model = document["verdict"]["model"]
    folds = document["folds"]
    span = SPANS[document["interval"]]
    hidden = () if every_model else hidden_models(document)
    lines = [
        *hidden_line(document, hidden),
        *_scope(document, model),
        f"n: cutoffs, those that all models have; CRPS in {loss_unit(document)} over the {span}s of the step",
        f"ratio: CRPS of {model} over that of the row, below 1 is better; p: two-sided p-value of Diebold and Mariano",
        'RMSE: over that of the last price ("tomorrow = today"); in 80 %: share of outcomes in the interval',
        "worst: lowest share in the 90 % interval in any 250 consecutive cutoffs",
        f"{_counted(len(folds), 'fit')} of each model, the first before {folds[0]['start']}; "
        f"cutoffs to {document['last_cutoff']}",
    ]
    if document["unscored_steps"]:
        lines.append(f"no outcome is known yet {', '.join(_ahead(step, span) for step in document['unscored_steps'])}")
    lines += [
        f"{name} is trained on {document['series']} series"
        for name in document["models"]
        if name in MODELS and traits_of(name).panel
    ]
    if document["calibrated"] and any(name in MODELS and traits_of(name).calibrated for name in document["models"]):
        lines.append("intervals of networks are calibrated by the outcomes known at each cutoff (--no-calibration)")
    if document["verdict"]["name"] == POOLED:
        lines += _worst_instruments(document, model)
    lines += [*backtest_exceptions(document), *_standings(document, span)]
    return [*lines, f"backtest: {document['id']}", *verdict_lines(document["verdict"], document["verdicts"])]


def _scope(document: Mapping[str, Any], model: str) -> list[str]:
    """The instruments of the table, where several were named."""
    if document["verdict"]["name"] == POOLED:
        rows = [row for row in document["rows"] if row["model"] == model and row["instrument"] != POOLED]
        names = list(dict.fromkeys(row["instrument"] for row in rows))
        more = " ..." if len(names) > _MAX_NAMES else ""
        listed = ", ".join(names[:_MAX_NAMES])
        return [f"means, also of the ratios, over {len(names)} instruments: {listed}{more}"]
    if len(document["instruments"]) > 1:
        return [f"{document['verdict']['name']} alone: {model} could forecast no other"]
    return []


def backtest_exceptions(document: Mapping[str, Any]) -> list[str]:
    """Deviations from what was asked: models left out, another evaluated model, fits that fell back."""
    model = document["verdict"]["model"]
    lines = [
        f"left out: {skipped} of {name}: {reason}"
        for skipped, reasons in document["skipped"].items()
        for name, reason in reasons.items()
    ]
    if model != document["models"][0]:
        lines.append(f"{document['models'][0]} could not forecast anything here; {model} is evaluated instead")
    several = len(document["instruments"]) > 1
    for failed, counts in document["fallbacks_of"].items():
        more = ", ..." if len(counts) > _MAX_FALLBACK_NAMES else ""
        names = f" of {', '.join(list(counts)[:_MAX_FALLBACK_NAMES])}{more}" if several else ""
        fits = _counted(sum(counts.values()), "fit")
        lines.append(f"{failed}: {fits}{names} did not converge or had too few rows, and used substitute parameters")
    return lines


def _worst_instruments(document: Mapping[str, Any], model: str) -> Iterator[str]:
    for row in _rows_of_verdict(document):
        if row["model"] == model:
            worst = "; ".join(
                f"{name} {ratio:.4f} ({instrument})"
                for name, (ratio, instrument) in row["crps_ratio_worst"].items()
                if ratio
            )
            yield f"worst instrument at {row['step']}: {model} over {worst}"


def _standings(document: Mapping[str, Any], span: str) -> Iterator[str]:
    """The model confidence set, and the test of superior predictive ability; a line each."""
    sets = [entry for entry in document["confidence_set"] if entry["models"] is not None]
    if sets:
        confidence = f"{100 * sets[0]['confidence']:g} %"
        models = [f"{', '.join(entry['models'])} ({_counted(entry['step'], span)})" for entry in sets]
        yield f"{confidence} model confidence set: {'; '.join(models)}"
    tests = [entry for entry in document["spa"] if entry["p_value"] is not None]
    if tests:
        p_values = ", ".join(f"p = {entry['p_value']:.3f} ({_counted(entry['step'], span)})" for entry in tests)
        yield f'SPA test, H0 "no model beats {tests[0]["model"]}": {p_values}'
    unknown = [_counted(entry["step"], span) for entry in document["confidence_set"] if entry["models"] is None]
    if unknown and len(document["models"]) > 1:
        yield f"neither confidence set nor SPA test at {', '.join(unknown)}: too few outcomes without a common {span}"


def _p_text(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _ahead(step: int, span: str) -> str:
    return f"{_counted(step, span)} ahead"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}"


def backtest_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows flattened for CSV, all with the same columns."""
    rows = [dict(_flat(row)) for row in document["rows"]]
    columns = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in columns} for row in rows]


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if key == "crps_ratio_interval":
            for name, ends in value.items():
                yield from zip((f"{key}_low_{name}", f"{key}_high_{name}"), ends or (None, None), strict=True)
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}_")
        elif key == "dm":
            yield from ((f"dm_p_value_{test['against']}", test["p_value"]) for test in value)
        elif not isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", value
