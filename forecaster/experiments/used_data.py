"""Versions of histories that a run has used, as its manifest names them."""

import dataclasses
from collections.abc import Collection
from typing import Literal

from forecaster.experiments.manifest import SeriesFacts
from forecaster.experiments.runs import Run

__all__ = ["UsedHistories", "UsedHistory", "recorded_histories_of"]


@dataclasses.dataclass(frozen=True)
class UsedHistory:
    """One history of a training.

    Args:
        instrument: Name.
        facts: The rows that were used.
        role: ``named``, or another series of the ``panel``.
        stored: SHA-256 of the whole history, as it was put into the store; None for one that was not.
        in_store: True if the store has that version now.
    """

    instrument: str
    facts: SeriesFacts
    role: Literal["named", "panel"]
    stored: str | None
    in_store: bool


@dataclasses.dataclass(frozen=True)
class UsedHistories:
    """Data of a training.

    Args:
        run_id: The run.
        universe: Name of the universe.
        universe_sha256: Hash of the names that it lists; None in runs that do not record it.
        histories: The histories, the named ones first.
        covariates: Name -> SHA-256 of each covariate; None for one without a hash.
    """

    run_id: str
    universe: str
    universe_sha256: str | None
    histories: tuple[UsedHistory, ...]
    covariates: dict[str, str | None]


def recorded_histories_of(run: Run, hashes: Collection[str]) -> UsedHistories:
    """The histories in the manifest of a run.

    Args:
        run: The run.
        hashes: SHA-256 of every version in the store.
    """
    data = run.manifest.data
    named = {facts.series for facts in data.named}
    histories = [
        UsedHistory(
            instrument=name,
            facts=facts,
            role="named" if facts.series in named else "panel",
            stored=data.stored.get(name),
            in_store=data.stored.get(name) in hashes,
        )
        for name, facts in sorted(data.members.items())
    ]
    histories.sort(key=lambda history: history.role)  # stable, and "named" comes first
    covariates = {facts["name"]: facts.get("sha256") for facts in data.inputs}
    return UsedHistories(run.id, data.universe, data.universe_sha256 or None, tuple(histories), covariates)
