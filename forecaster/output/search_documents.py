"""JSON document of a search: ``search/1``."""

from typing import Any

from forecaster.experiments.search_results import Effect, Group, SearchResult, relative_loss
from forecaster.experiments.search_space import space_document
from forecaster.experiments.studies import Trial

__all__ = ["search_document"]


def search_document(result: SearchResult) -> dict[str, Any]:
    """The document ``search/1`` of a search."""
    plan, luck = result.plan, result.luck
    states = [trial.state for trial in result.trials]
    return {
        "schema": "search/1",
        "study": result.study.folder.name,
        "instruments": list(plan.base.named),
        "model": plan.kind,
        "baseline": plan.baseline,
        "steps": list(plan.base.steps),
        "folds": [{"start": str(fold.start), "end": str(fold.end)} for fold in plan.folds],
        "space": space_document(plan.space),
        "counts": {state: states.count(state) for state in ("complete", "pruned", "failed", "running")},
        "winner": None if result.winner is None else _trial(result.winner, result.start),
        "luck": {
            "trials": luck.trials,
            "days": luck.days,
            "p_against_start": luck.against_start,
            "p_against_baseline": luck.against_baseline,
        },
        "lockbox": {
            "start": str(plan.lockbox.start),
            "end": str(plan.lockbox.end),
            "opened_now": result.opened_now,
            "record": None if result.lockbox is None else dict(result.lockbox),
        },
        "effects": [_effect(effect) for effect in result.effects],
        "trials": [_trial(trial, result.start) for trial in result.trials],
        "next_command": result.next_command,
    }


def _trial(trial: Trial, start: Trial) -> dict[str, Any]:
    is_scored = bool(trial.losses) and bool(start.losses)
    return {
        "trial": trial.number,
        "state": trial.state,
        "loss": trial.loss if trial.losses else None,
        "loss_change": relative_loss(trial, start) if is_scored else None,
        "losses": list(trial.losses),
        "settings": dict(trial.settings),
        "reason": trial.reason or None,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "key": effect.key,
        "importance": effect.importance,
        "p_value": effect.p_value,
        "groups": [_group(group) for group in effect.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    return {"values": list(group.values), "trials": group.trials, "loss_change": group.excess}
