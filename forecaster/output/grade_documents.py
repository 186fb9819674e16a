"""JSON document of graded forecasts, ``score/1``, and its tables: those of a backtest, and rows that are not scored."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from forecaster.experiments.forecast_grades import ForecastGrades
from forecaster.output.backtest_documents import backtest_document
from forecaster.output.backtest_tables import backtest_lines

__all__ = ["grade_document", "grade_lines", "rejection_lines"]

MAX_REJECTIONS = 12  # lines, unless all are wanted


def grade_document(grades: ForecastGrades) -> dict[str, Any]:
    """The document ``score/1``: that of the backtest of our models, with the forecasters of the file among them."""
    document = backtest_document(grades.result)
    return {
        **document,
        "schema": "score/1",
        "unscored_steps": [],  # a reason in `rejected` says more
        "models": list(grades.models),
        "forecasters": list(grades.forecasters),
        "file": grades.file.label,
        "file_sha256": grades.file.sha256,
        "units": grades.units,
        "quantile_levels": list(grades.file.levels),
        "forecasts": len(grades.file),
        "scored": grades.rows,
        "rejected": [
            {
                "model": each.model,
                "instrument": each.instrument,
                "reason": each.reason,
                "text": each.text,
                "n": each.n,
                "first": str(each.first),
            }
            for each in grades.rejected
        ],
        "foresight": [dataclasses.asdict(each) for each in grades.foresight],
        "unread_columns": list(grades.file.unread),
    }


def grade_lines(document: Mapping[str, Any], *, every_model: bool = True) -> list[str]:
    """Lines under the tables: rows that are not scored, then the lines of a backtest.

    Args:
        document: ``score/1``.
        every_model: False for a short table.
    """
    return [*rejection_lines(document, every=every_model), *backtest_lines(document, every_model=every_model)]


def rejection_lines(document: Mapping[str, Any], *, every: bool = True) -> list[str]:
    """Rows of the file that are scored, and a line for each reason why others are not.

    Args:
        document: ``score/1``.
        every: False for the first few reasons.
    """
    rejected = document["rejected"]
    lines = _foresight_lines(document["foresight"])
    lines.append(f"{document['scored']:,} of {document['forecasts']:,} forecasts of {document['file']} are scored")
    shown = rejected if every else rejected[:MAX_REJECTIONS]
    several = len({each["model"] for each in rejected} | set(document["forecasters"])) > 1
    for each in shown:
        whose = f" by {each['model']}" if several else ""
        lines.append(f"not scored: {each['n']:,} of {each['instrument']}{whose}, first {each['first']}: {each['text']}")
    if len(rejected) > len(shown):
        lines.append(f"not scored: {len(rejected) - len(shown)} more reasons (--verbose)")
    if document["unread_columns"]:
        lines.append(f"columns that are not read: {', '.join(document['unread_columns'][:10])}")
    levels = document["quantile_levels"]
    if levels and (levels[0] > 0.025 or levels[-1] < 0.975):  # the outer scoring levels
        lines.append(f"levels {levels[0]:g} to {levels[-1]:g}: beyond them the tails of Student's t (df 4) are scored")
    return lines


def _foresight_lines(foresight: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each forecaster whose forecasts were probably made after their cutoffs."""
    lines = []
    for model in dict.fromkeys(each["model"] for each in foresight):
        own = [each for each in foresight if each["model"] == model]
        worst = max(own, key=lambda each: each["correlation"])
        others = f" and {len(own) - 1} more" if len(own) > 1 else ""
        lines.append(
            f"warning: forecasts by {model} of {worst['instrument']}{others} correlate by {worst['correlation']:.2f} "
            f"with the return after the cutoff ({worst['n']:,} cutoffs); expected forecasts from prices to the cutoff; "
            "check its day and its time of day"
        )
    return lines
