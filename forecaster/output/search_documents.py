"""JSON document of a search: ``search/1``."""

from typing import Any

from forecaster.experiments.search_findings import Effect, Group, SearchResult
from forecaster.experiments.studies import Trial

__all__ = ["search_document"]


def search_document(result: SearchResult) -> dict[str, Any]:
    """The document ``search/1`` of a search."""
    facts = result.study.facts
    states = [trial.state for trial in result.trials]
    luck = None if result.findings is None else result.findings.luck
    lockbox = result.lockbox
    return {
        "schema": "search/1",
        "study": result.study.id,
        "created": result.study.created,
        "instruments": list(facts["named"]),
        "model": facts["config"]["model"]["kind"],
        "baseline": facts["baseline"],
        "steps": list(facts["steps"]),
        "folds": [{"start": start, "end": end} for start, end in facts["folds"]],
        "space": dict(facts["space"]),
        "counts": {state: states.count(state) for state in ("complete", "pruned", "failed", "running")},
        "winner": None if result.winner is None else _trial(result, result.winner),
        "luck": None
        if luck is None
        else {
            "trials": luck.trials,
            "days": luck.days,
            "p_against_start": luck.against_start,
            "p_against_baseline": luck.against_baseline,
        },
        "lockbox": {
            "start": facts["lockbox"][0],
            "end": facts["lockbox"][1],
            "opened_now": result.opened_now,
            "record": None if lockbox is None else dict(lockbox),
        },
        "effects": [_effect(effect) for effect in result.effects],
        "trials": [_trial(result, trial) for trial in result.trials],
        "next_command": result.next_command,
    }


def _trial(result: SearchResult, trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state,
        "loss": trial.loss if trial.losses else None,
        "loss_change": result.loss_change(trial),
        "losses": list(trial.losses),
        "steering_losses": list(trial.steering),
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
