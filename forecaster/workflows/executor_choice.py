"""Choice of an executor: where the fits of a backtest, a comparison, a search or a training are computed."""

import functools

from forecaster.environment import Environment
from forecaster.errors import UsageError
from forecaster.experiments.executors import Executor, InProcess, Processes, RayCluster
from forecaster.experiments.executors.capacity import default_processes
from forecaster.models.engine import Engine, use_engine
from forecaster.models.keras_import import import_keras

__all__ = ["EXECUTORS", "executor_of"]

EXECUTORS = ("local", "ray")
"""Values of --executor: processes of this machine, or the machines of a Ray cluster."""


def executor_of(name: str, jobs: int | None, address: str | None, engine: Engine, environment: Environment) -> Executor:
    """The executor of the options --executor, --jobs and --address.

    Args:
        name: One of `EXECUTORS`.
        jobs: Largest number of tasks at once; None for what this machine, or the cluster, can compute.
        address: Address of a Ray cluster; None for the one that the variable RAY_ADDRESS names, or else one that is
            started on this machine.
        engine: Engine of every task.
        environment: Home folder, clock, progress and messages.

    Raises:
        UsageError: The name is unknown, or an address is given without Ray.
    """
    if name not in EXECUTORS:
        raise UsageError(f"--executor {name:.80} is unknown; expected one of {', '.join(EXECUTORS)}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; expected 1 or more")
    prepare = functools.partial(_prepare, engine)
    if name == "ray":
        return RayCluster(prepare, jobs, address, gpus=int(engine.device == "gpu"), note=environment.note)
    if address is not None:
        raise UsageError("--address is that of a Ray cluster; expected --executor ray with it; add it")
    count = default_processes() if jobs is None else jobs
    if engine.device != "cpu" or count < 2:  # a GPU is used by this process alone
        return InProcess(environment.progress)
    return Processes(count, prepare, environment.progress)


def _prepare(engine: Engine) -> None:
    """Prepare a process that fits networks and nothing else."""
    use_engine(engine.backend, engine.device)
    import_keras()
