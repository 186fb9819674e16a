"""Choice of an executor: where the fits of a backtest, a comparison, a search or a training are computed."""

import dataclasses
import functools
from collections.abc import Callable

from forecaster.config import Config
from forecaster.environment import Environment
from forecaster.errors import UsageError, did_you_mean
from forecaster.experiments.executors import Executor, InProcess, Processes, RayCluster
from forecaster.experiments.executors.capacity import default_processes
from forecaster.experiments.training_fits import Fitter, fit_elsewhere, fit_here
from forecaster.models.engine import Backend, Device, Engine, use_engine
from forecaster.models.keras_import import import_keras

__all__ = ["EXECUTORS", "HERE", "ExecutorOptions", "engine_of", "executor_of"]

EXECUTORS = ("local", "ray")
"""Values of --executor: processes of this machine, or the machines of a Ray cluster."""


@dataclasses.dataclass(frozen=True)
class ExecutorOptions:
    """Place of the fits; see `executor_of`.

    Args:
        name: One of `EXECUTORS`.
        jobs: Largest number of fits at once.
        address: Address of a Ray cluster.
        gpu_share: Share of a GPU for each fit on a cluster.
    """

    name: str = "local"
    jobs: int | None = 1
    address: str | None = None
    gpu_share: float | None = None

    def engine(self, config: Config) -> Engine:
        """Engine of the fits."""
        return engine_of(self.name, config.backend, config.device)

    def executor(self, engine: Engine, environment: Environment) -> Executor:
        """The executor."""
        return executor_of(self.name, self.jobs, self.address, engine, environment, self.gpu_share)

    def fitter(self, engine: Engine, environment: Environment) -> Fitter:
        """Computes the fit of one training, in this process unless it is on a cluster."""
        executor = self.executor(engine, environment)
        return fit_here if self.name == "local" else fit_elsewhere(executor)


def executor_of(
    name: str,
    jobs: int | None,
    address: str | None,
    engine: Engine,
    environment: Environment,
    gpu_share: float | None = None,
) -> Executor:
    """The executor of the options --executor, --jobs and --address.

    Args:
        name: One of `EXECUTORS`.
        jobs: Largest number of tasks at once; None for what this machine, or the cluster, can compute.
        address: Address of a Ray cluster; None for the one that the variable RAY_ADDRESS names, or else one that is
            started on this machine.
        engine: Engine of every task.
        environment: Home folder, clock, progress and messages.
        gpu_share: Share of a GPU for each task on a cluster; a whole one when None.

    Raises:
        UsageError: The name is unknown, or an address or a share is given without Ray.
    """
    if name not in EXECUTORS:
        hint = did_you_mean(name, EXECUTORS)
        raise UsageError(f"--executor {name:.80} is unknown; expected one of {', '.join(EXECUTORS)}{hint}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; expected 1 or more")
    if gpu_share is not None and not 0 < gpu_share <= 1:
        raise UsageError(f"--gpu-share is {gpu_share:g}; expected a share above 0 and up to 1")
    prepare = functools.partial(_prepare, engine)
    if name == "ray":
        gpus = 0.0 if engine.device == "cpu" else gpu_share or 1.0
        return RayCluster(prepare, jobs, address, gpus, _once(environment.note))
    for flag, value in (("--address", address), ("--gpu-share", gpu_share)):
        if value is not None:
            raise UsageError(f"{flag} is an option of Ray clusters; expected --executor ray with it; add it")
    count = default_processes() if jobs is None else jobs
    if engine.device != "cpu" or count < 2:  # a GPU is used by this process alone
        return InProcess(environment.progress)
    return Processes(count, prepare, environment.progress)


def _once(note: Callable[[str], None]) -> Callable[[str], None]:
    """Pass every message on once: a search opens its executor for each batch of trials."""
    given: set[str] = set()

    def pass_on(text: str) -> None:
        if text not in given:
            given.add(text)
            note(text)

    return pass_on


HERE = ExecutorOptions()
"""This process."""


def engine_of(name: str, backend: Backend, device: Device) -> Engine:
    """The engine of the tasks of an executor; a GPU of a cluster cannot be seen from here.

    Raises:
        UsageError: A GPU of this machine is asked for and none is usable.
    """
    if name == "ray" and device == "gpu":
        here = use_engine("tensorflow" if backend == "auto" else backend, "cpu")
        return Engine(here.backend, "gpu", "as asked, on the cluster")
    return use_engine(backend, device)


def _prepare(engine: Engine) -> None:
    """Prepare a process that fits networks and nothing else."""
    use_engine(engine.backend, engine.device)
    import_keras()
