"""JSON document of a graded ledger, ``ledger_score/1``, and its tables and lines."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from forecaster.data.calendars import SPANS
from forecaster.evaluation.daily_losses import POOLED
from forecaster.evaluation.drift import MEAN_ROWS, DriftAlarm
from forecaster.experiments.ledger_grades import ForecasterGrades, LedgerGrades
from forecaster.output.backtest_tables import backtest_rows, hidden_models
from forecaster.output.drift_wording import drift_text
from forecaster.output.score_parts import model_row, verdict_document
from forecaster.output.score_tables import loss_unit, verdict_lines
from forecaster.output.tables import plain_table

__all__ = ["grade_lines", "ledger_grade_document", "ledger_grade_rows", "month_table"]

MAX_MONTHS = 6  # of a short table
MAX_NAMES = 5
MAX_ALARMS = 5


def ledger_grade_document(grades: LedgerGrades) -> dict[str, Any]:
    """The document ``ledger_score/1``."""
    return {
        "schema": "ledger_score/1",
        "file": grades.file,
        "lines": grades.check.lines,
        "head": grades.check.head,
        "interval": grades.frequency,
        "forecasts": grades.forecasts,
        "graded": grades.graded,
        "pending": grades.pending,
        "scored": grades.scored,
        "due_later": grades.due_later,
        "ungraded": [dataclasses.asdict(each) for each in grades.ungraded],
        "other_frequencies": dict(grades.other_frequencies),
        "revised": dict(grades.revised),
        "checked_histories": grades.checked,
        "changed_histories": dict(grades.changed),
        "false_alarm_rows": MEAN_ROWS,
        "forecasters": [_forecaster_document(each) for each in grades.forecasters],
    }


def _forecaster_document(grades: ForecasterGrades) -> dict[str, Any]:
    names = [name for name in grades.verdicts if name != POOLED]
    return {
        "model": grades.model,
        "differences": grades.differences,
        "models": list(grades.models),
        "instruments": names,
        "runs": dict(grades.runs),
        "rows": [model_row(scores) for scores in grades.scores],
        "months": [dataclasses.asdict(month) for month in grades.months],
        "alarms": [_alarm_document(alarm) for alarm in grades.alarms],
        "verdict": verdict_document(grades.verdict),
        "verdicts": {name: verdict_document(verdict) for name, verdict in grades.verdicts.items()},
    }


def _alarm_document(alarm: DriftAlarm) -> dict[str, Any]:
    return {**dataclasses.asdict(alarm), "date": str(alarm.date), "since": str(alarm.since), "text": drift_text(alarm)}


def ledger_grade_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scores flattened for CSV; ``forecaster`` and ``differences`` say whose cutoffs they are of."""
    return [
        {"forecaster": forecaster["model"], **row, "differences": forecaster["differences"]}
        for forecaster in document["forecasters"]
        for row in backtest_rows(forecaster)
    ]


def month_table(forecaster: Mapping[str, Any], *, every: bool) -> Table:
    """Grades by month of the cutoff, of all instruments together.

    Args:
        forecaster: An entry of ``forecasters``.
        every: False for the first step and the last months alone.
    """
    months = forecaster["months"]
    first = min(month["step"] for month in months)
    if not every:
        months = [month for month in months if month["step"] == first][-MAX_MONTHS:]
    hidden = () if every else hidden_models(forecaster)
    baselines = [name for name in forecaster["models"] if name not in (forecaster["model"], *hidden)]
    table = plain_table()
    table.add_column("month" if every else f"month, step {first}", no_wrap=True)
    heads = [*(["step"] if every else []), "days", *(f"over {name}" for name in baselines), "in 80 %", "direction"]
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for month in months:
        ratios = [month["crps_ratio"].get(name) for name in baselines]
        texts = [*([str(month["step"])] if every else []), str(month["n"])]
        texts += ["-" if ratio is None else f"{ratio:.4f}" for ratio in ratios]
        texts += ["-" if share is None else f"{share:.0%}" for share in (month["coverage"]["0.8"], month["hit_rate"])]
        table.add_row(month["month"], *texts)
    return table


def grade_lines(document: Mapping[str, Any], *, every: bool = True) -> list[str]:
    """Lines under the tables: terms, forecasts that are not graded, revised data, drift alarms, verdicts.

    Args:
        document: ``ledger_score/1``.
        every: False for the last few alarms.
    """
    span = SPANS[document["interval"]]
    names = {loss_unit(each): " ".join(each["instruments"][:MAX_NAMES]) for each in document["forecasters"]}
    units = [f"{unit} ({of})" if len(names) > 1 else unit for unit, of in names.items()]
    lines = [
        f"n: forecasts that have come true; CRPS in {' or '.join(units)} over the {span}s of the step",
        "ratio: CRPS of the model over that of the row, below 1 is better; p: two-sided p-value of Diebold and Mariano",
        "baselines: as they were logged with each forecast, fitted on the rows that it has seen",
        *([] if every else _hidden_lines(document)),
        *_counts(document),
        *_data_lines(document),
    ]
    for forecaster in document["forecasters"]:
        lines += [*_drift_lines(forecaster, every), *verdict_lines(forecaster["verdict"], forecaster["verdicts"])]
    lines.append(f"ledger: {document['file']}, {document['lines']:,} lines, head {document['head'][:16]}")
    return lines


def _hidden_lines(document: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys(name for forecaster in document["forecasters"] for name in hidden_models(forecaster))
    return [f"not in the table, since weaker on average: {', '.join(names)} (--verbose)"] if names else []


def _counts(document: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{document['graded']:,} of {document['forecasts']:,} forecasts have come true at one step or more, "
        f"{document['pending']:,} at none yet; {document['due_later']:,} outcomes are still to come"
    )
    for each in document["ungraded"]:
        yield f"not graded: {each['n']:,} of {each['instrument']}: {each['text']}"
    for frequency, count in document["other_frequencies"].items():
        yield f"not graded: {count:,} with rows of {frequency} (--frequency {frequency})"


def _data_lines(document: Mapping[str, Any]) -> Iterator[str]:
    if document["revised"]:
        total = sum(document["revised"].values())
        yield (
            f"revised: {total:,} forecasts started from a price that is another one today "
            f"({_some(document['revised'])}); they are graded from the logged price, unless dividends or splits change "
            "past prices"
        )
    if document["changed_histories"]:
        total = sum(document["changed_histories"].values())
        yield (
            f"revised: {total} of {document['checked_histories']} histories, the last of each month and instrument, "
            f"are not those that were forecast from ({_some(document['changed_histories'])})"
        )
    else:
        yield (
            f"data: the histories of {document['checked_histories']} forecasts, the last of each month and instrument, "
            "have the hash that was logged"
        )


def _drift_lines(forecaster: Mapping[str, Any], every: bool) -> list[str]:
    alarms: Sequence[Mapping[str, Any]] = forecaster["alarms"]
    if not alarms:
        return [
            f"drift of {forecaster['model']}: no alarm (a false one comes in {MEAN_ROWS:,} rows on average, or later)"
        ]
    shown = alarms if every else alarms[-MAX_ALARMS:]
    lines = [f"drift alarm of {forecaster['model']}: {alarm['text']}" for alarm in shown]
    if len(alarms) > len(shown):
        lines.append(f"drift alarm of {forecaster['model']}: {len(alarms) - len(shown)} earlier ones (--verbose)")
    return lines


def _some(counts: Mapping[str, int]) -> str:
    more = f" and {len(counts) - MAX_NAMES} more" if len(counts) > MAX_NAMES else ""
    return ", ".join(f"{name} {count}" for name, count in list(counts.items())[:MAX_NAMES]) + more
