"""Parts of documents that hold scores: the scores of one model, and a verdict."""

from typing import Any

from forecaster.evaluation.claims import KINDS, LEVEL
from forecaster.evaluation.comparison import ModelScores
from forecaster.evaluation.verdict import ClaimResult, Verdict
from forecaster.output.verdict_wording import claim_text

__all__ = ["model_row", "verdict_document"]


def model_row(scores: ModelScores) -> dict[str, Any]:
    """Scores of one model at one step, with its tests."""
    row: dict[str, Any] = {name: getattr(scores, name) for name in ("instrument", "model", "step", "n")}
    row |= scores.metrics
    row["direction"] = {**scores.metrics["direction"], "pt_p_value": scores.direction_p_value}
    if scores.coverage_tests is not None:
        row["coverage_tests"] = scores.coverage_tests
    row["crps_ratio"] = scores.crps_ratio
    row["crps_ratio_interval"] = scores.crps_ratio_interval
    if scores.crps_ratio_worst is not None:
        row["crps_ratio_worst"] = {name: list(worst) for name, worst in scores.crps_ratio_worst.items()}
    row["dm"] = [test._asdict() for test in scores.loss_tests]
    return row


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """A verdict: the result of each kind, and what it is about."""
    about = {key: getattr(verdict, key) for key in ("name", "model", "step", "days", "instruments")}
    results = {str(kind): _claim_document(verdict[kind]) for kind in KINDS}
    return {**results, **about, "window": list(verdict.window), "level": LEVEL}


def _claim_document(result: ClaimResult) -> dict[str, Any]:
    keys = ("outcome", "against", "p_value", "raw_p_value", "detectable", "unit", "untestable")
    return {**{key: getattr(result, key) for key in keys}, "text": claim_text(result), **result.measured}
