"""JSON document of a comparison: ``compare/1``."""

from typing import Any

from forecaster.evaluation.daily_losses import OutOfSample
from forecaster.experiments.run_comparison import REFERENCE, ComparedModel, Comparison
from forecaster.output.backtest_documents import confidence_set_document
from forecaster.output.score_parts import model_row

__all__ = ["comparison_document"]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The document ``compare/1`` of a comparison."""
    return {
        "schema": "compare/1",
        "name": comparison.name,
        "instruments": list(comparison.instruments),
        "interval": comparison.frequency,
        "source": comparison.source,
        "reference": REFERENCE,
        "models": [_model_document(model) for model in comparison.models],
        "samples": [
            _sample_document(sample, step) for step, samples in comparison.samples.items() for sample in samples
        ],
        "rows": [
            model_row(scores) | {"in_confidence_set": _is_in_set(comparison, scores.model, scores.step)}
            for scores in comparison.scores
        ],
        "confidence_set": [confidence_set_document(standing) for standing in comparison.standings],
        "differences": [
            {"subject": difference.subject, "values": dict(difference.values)} for difference in comparison.differences
        ],
        "left_out": dict(comparison.left_out),
    }


def _model_document(model: ComparedModel) -> dict[str, Any]:
    return {
        "model": model.label,
        "kind": model.kind,
        "run_id": None if model.run is None else model.run.id,
        "configuration": None if model.run is None else model.run.configuration.name,
        "seconds": model.seconds,
        "parameters": model.parameters,
    }


def _sample_document(sample: OutOfSample, step: int) -> dict[str, Any]:
    window = [str(sample.dates[0]), str(sample.dates[-1])]
    return {"instrument": sample.instrument, "step": step, "n": len(sample.dates), "window": window}


def _is_in_set(comparison: Comparison, label: str, step: int) -> bool | None:
    best = comparison.best(step)
    return None if best is None else label in best
