"""JSON document of a backtest: ``backtest/1``.

It has a file of its own, since a forecast does not load what a backtest needs.
"""

from typing import Any

from forecaster.evaluation.comparison import CONFIDENCE, Standing
from forecaster.experiments.backtest_scores import BacktestResult
from forecaster.output.score_parts import model_row, verdict_document

__all__ = ["backtest_document", "confidence_set_document"]


def backtest_document(result: BacktestResult) -> dict[str, Any]:
    """The document ``backtest/1`` of a backtest."""
    plan = result.plan
    fallbacks = result.fallbacks
    return {
        "schema": "backtest/1",
        "id": result.id,
        "instruments": list(plan.named),
        "models": list(plan.forecasters),
        "interval": plan.config.data.frequency,
        "differences": any(plan.panel[name].differences for name in plan.named),
        "series": len(plan.panel),
        "last_cutoff": str(result.last_cutoff),
        "stride": plan.stride,
        "engine": plan.engine,
        "calibrated": result.calibrated,
        "data": {name: plan.panel[name].sha256 for name in plan.named},
        "folds": [{"start": str(fold.start), "end": str(fold.end)} for fold in plan.folds],
        "unscored_steps": [step for step in plan.steps if step not in result.samples],
        "rows": [model_row(scores) for scores in result.scores],
        "confidence_set": [confidence_set_document(standing) for standing in result.standings],
        "spa": [_spa_document(standing) for standing in result.standings],
        "skipped": {model: dict(reasons) for model, reasons in result.skipped.items()},
        "fallbacks": {model: sum(counts.values()) for model, counts in fallbacks.items()},
        "fallbacks_of": fallbacks,
        "verdict": verdict_document(result.verdict),
        "verdicts": {name: verdict_document(verdict) for name, verdict in result.verdicts.items()},
    }


def confidence_set_document(standing: Standing) -> dict[str, Any]:
    """The model confidence set at one step."""
    return {
        **{key: getattr(standing, key) for key in ("step", "name", "days")},
        "confidence": CONFIDENCE,
        "models": None if standing.models is None else list(standing.models),
        "p_values": standing.p_values,
    }


def _spa_document(standing: Standing) -> dict[str, Any]:
    return {
        **{key: getattr(standing, key) for key in ("step", "name", "days", "model")},
        "against": list(standing.against),
        "p_value": standing.spa_p_value,
    }
