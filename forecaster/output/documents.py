"""JSON documents of trainings and audits: the keys that other programs rely on.

Keys may be added within a schema version, never renamed. A value that is not finite becomes null when the document is
written (`forecaster.files.json_text`).
"""

import dataclasses
from typing import Any

from forecaster.evaluation.registry import METRICS
from forecaster.evaluation.scores import Score
from forecaster.experiments.results import AuditResult, TrainResult
from forecaster.models import traits_of
from forecaster.models.base import FitReport
from forecaster.output.run_tables import difference_document
from forecaster.output.score_parts import verdict_document
from forecaster.output.summary_documents import summary_document

__all__ = ["audit_document", "score_document", "train_document"]


def train_document(result: TrainResult) -> dict[str, Any]:
    """The document ``train/1`` of a training."""
    manifest = result.run.manifest
    facts = manifest.to_json()
    verdict = None if result.verdict is None else verdict_document(result.verdict)
    return {
        "schema": "train/1",
        "run_id": result.run.id,
        "instrument": manifest.data.instruments[0],
        **{key: facts[key] for key in ("instruments", "interval", "universe", "model")},
        "series": len(manifest.data.members),
        "backend": result.engine.backend,
        "device": result.engine.device,
        "seconds": dict(result.seconds),
        **{key: facts[key] for key in ("parameters", "refit", "fitted_until", "data")},
        "differences": result.run.config.data.differences,
        "splits": facts["split"],
        **_median_facts(manifest.report),
        "kept_epochs": _kept_epochs(manifest.report),
        "accuracy": _accuracy(result),
        "scores": [score_document(score) for score in result.scores],
        "members": [dataclasses.asdict(scores) for scores in result.member_scores],
        "fallbacks_of": {name: list(instruments) for name, instruments in result.fallbacks.items()},
        "verdict": verdict,
        "verdicts": {name: verdict_document(verdict) for name, verdict in result.verdicts.items()},
        "summary": [summary_document(prediction) for prediction in result.predictions],
        "configuration": result.run.configuration.name,
        "weights_of": result.weights_of,
        "change": None if result.change is None else difference_document(result.change),
    }


def _accuracy(result: TrainResult) -> dict[str, Any] | None:
    """100 minus the MAPE one step ahead on the test rows, of a model that forecasts a point, and of the last price."""
    if not traits_of(result.run.manifest.model.model).point_forecast:
        return None
    for score in result.scores:
        errors = score.errors
        if (score.part, score.step) == ("test", 1) and errors.mape is not None and errors.mape_naive is not None:
            return {"step": 1, "n": score.n, "model": 100 - errors.mape, "naive": 100 - errors.mape_naive}
    return None


def _kept_epochs(report: FitReport) -> list[int]:
    """Epoch whose weights early stopping has kept, for each member of an ensemble; none without early stopping."""
    chosen = report.chosen.get("members", [report.chosen])
    return [member["epochs"] for member in chosen if "epochs" in member]


def _median_facts(report: FitReport) -> dict[str, Any]:
    steps = report.chosen.get("location_steps")
    return {
        "location_steps": steps,
        "mean_is_last_price": None if steps is None else report.median == "mean_is_last_price",
    }


def score_document(score: Score) -> dict[str, Any]:
    """Scores of one instrument, part and step: metrics of every model by model, others of the evaluated model."""
    return {
        **{name: getattr(score, name) for name in ("instrument", "part", "step", "n")},
        "window": [str(day) for day in score.window],
        **dataclasses.asdict(score.errors),
        **dataclasses.asdict(score.return_errors),
        **score.rmse_ratios,
        **{
            name: dict(values) if METRICS[name].training == "every_model" else values[score.model]
            for name, values in score.metrics.items()
        },
        "crps_ratio": score.crps_ratio,
    }


def audit_document(result: AuditResult) -> dict[str, Any]:
    """The document ``audit/1`` of an audit."""
    checks = [
        {
            **dataclasses.asdict(check),
            "findings": [dataclasses.asdict(finding) for finding in check.findings],
            "seconds": round(seconds, 2),
        }
        for check, seconds in zip(result.checks, result.seconds, strict=True)
    ]
    return {
        "schema": "audit/1",
        "instruments": list(result.instruments),
        "model": result.model,
        "cheaper": list(result.shortened),
        "clean": result.clean,
        "checks": checks,
    }
