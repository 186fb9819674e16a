"""`data list --used-by`: the versions of all histories that a run has used."""

from forecaster.environment import Environment
from forecaster.experiments.runs import find_run, runs_folder
from forecaster.experiments.used_data import UsedHistories, recorded_histories_of
from forecaster.workflows.data_store import existing_store

__all__ = ["used_histories"]


def used_histories(environment: Environment, run_id: str) -> UsedHistories:
    """Every history that a run has learned from, and whether the store still has it.

    Raises:
        RunNotFoundError: There is no such run.
        DamageError, StorageError, NewerSchemaError: The run or the store cannot be read.
    """
    run = find_run(runs_folder(environment.home), run_id)
    with existing_store(environment) as store:
        hashes = frozenset() if store is None else frozenset(version.sha256 for version in store.all_versions())
    return recorded_histories_of(run, hashes)
