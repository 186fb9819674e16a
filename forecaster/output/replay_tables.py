"""The repetition of a training as a document and as lines."""

from typing import Any

from forecaster.experiments.replays import MAX_SCORE_DIFFERENCE, ReplayedRun

__all__ = ["replay_document", "replay_lines"]

MAX_LISTED = 8  # metrics or facts


def replay_document(replayed: ReplayedRun) -> dict[str, Any]:
    """A run and the repetition of its training (`replay/1`).

    Args:
        replayed: Result of the workflow `replay`.
    """
    return {
        "schema": "replay/1",
        "run_id": replayed.run.id,
        "repeated": replayed.is_repeated,
        "identical": replayed.is_identical,
        "largest_weight_difference": replayed.weights,
        "largest_forecast_difference": replayed.forecasts,
        "score_differences": dict(replayed.scores),
        "tolerance": MAX_SCORE_DIFFERENCE,
        "environment": [_fact(difference) for difference in replayed.environment],
        "differences": [_fact(difference) for difference in replayed.others],
    }


def _fact(difference: Any) -> dict[str, Any]:
    return {"subject": difference.subject, "recorded": difference.values["run"], "now": difference.values["again"]}


def replay_lines(document: dict[str, Any]) -> list[str]:
    """Lines for a terminal.

    Args:
        document: Result of `replay_document`.
    """
    if document["identical"]:
        lines = [f"{document['run_id']}: repeated; weights, forecasts and scores have the same bits"]
    else:
        lines = [_verdict(document)]
        for kind, size in (("weights", "weight"), ("forecasts", "forecast")):
            lines.append(f"{kind}: largest relative difference {document[f'largest_{size}_difference']:.2g}")
        scores = sorted(document["score_differences"].items(), key=lambda pair: -abs(pair[1]))
        lines += [f"{name}: {100 * change:+.3g} %" for name, change in scores[:MAX_LISTED]]
    facts = [*document["differences"], *document["environment"]]
    lines += [f"{fact['subject']}: recorded {fact['recorded']}, now {fact['now']}" for fact in facts[:MAX_LISTED]]
    return lines


def _verdict(document: dict[str, Any]) -> str:
    limit = f"{100 * document['tolerance']:g} %"
    if document["repeated"]:
        return f"{document['run_id']}: repeated on other software or hardware; CRPS within {limit}"
    if document["environment"]:
        return f"{document['run_id']}: not repeated; expected a CRPS within {limit} on other software or hardware"
    return f"{document['run_id']}: not repeated; expected the same bits on the same software and processor"
