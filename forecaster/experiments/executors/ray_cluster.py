"""Tasks computed on the machines of a Ray cluster."""

import contextlib
import dataclasses
import importlib.util
import platform
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic

import forecaster
from forecaster.environment import no_progress
from forecaster.errors import ForecasterError, UsageError
from forecaster.experiments.executors.base import Result, Session, Shared, Task, Work
from forecaster.experiments.executors.ray_connection import connected, head_answers
from forecaster.models.engine import cpu_features, engine_variables, engine_versions

__all__ = ["RayCluster"]

MAX_RETRIES = 3  # of a task that is lost with its process or machine
WAIT_SECONDS = 2.0  # between looks at the head while no task ends
MAX_SILENCES = 10  # looks without an answer until the head counts as lost; Ray ends this process after a minute


@dataclasses.dataclass(frozen=True)
class RayCluster:
    """Computes tasks on a Ray cluster. Ray computes those again that are lost with their process or machine.

    Args:
        prepare: Function of a module, called in each process before its first task, such as the choice of an engine.
        jobs: Largest number of tasks at once; None for as many as the cluster has processors or GPUs for.
        address: ``HOST:PORT`` or ``auto``; None for the variable RAY_ADDRESS, or else for a cluster of this machine,
            which is started and ended with each session.
        gpus: GPUs of each task; a fraction shares one.
        note: Receives messages.
    """

    prepare: Callable[[], object]
    jobs: int | None = None
    address: str | None = None
    gpus: float = 0.0
    note: Callable[[str], None] = lambda text: None

    @contextlib.contextmanager
    def open(self, work: Work[Shared, Task, Result], shared: Shared, tasks: int) -> Iterator[Session[Task, Result]]:
        """See `Executor`.

        Raises:
            UsageError: Ray is not installed, or the cluster has another version of it, or no GPU.
            ForecasterError: The cluster does not answer.
        """
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--executor ray needs ray; install it with pip install 'forecaster[cluster]'")
        if tasks < 1:  # every result is recorded already
            yield _NoTasks()
            return
        with connected(self.address, self.jobs) as ray:
            resources = ray.cluster_resources()
            if self.gpus and resources.get("GPU", 0) < self.gpus:
                raise UsageError(
                    "no machine of the Ray cluster has a GPU; expected one; start one with ray start --num-gpus=1, "
                    "or use --device cpu"
                )
            self.note(
                f"executor: Ray {ray.__version__}, {_count(_machines(ray), 'machine')}, "
                f"{_count(int(resources.get('CPU', 0)), 'processor')}"
            )
            session = _Session(ray, self, work, ray.put(shared))
            try:
                yield session
            finally:
                session.cancel()


def _machines(ray: Any) -> int:
    return sum(node["Alive"] for node in ray.nodes())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _NoTasks:
    """A session without a task."""

    slots = 1

    def submit(self, task: Any) -> None:
        raise RuntimeError("a session that was opened for no task got one")

    def collect(self) -> Any:
        raise RuntimeError("no task was submitted")


@dataclasses.dataclass(frozen=True)
class _Setup:
    """Everything that a process of the cluster needs before its first task of a session."""

    session: str
    prepare: Callable[[], object]
    versions: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class _Answer(Generic[Result]):
    """Result of a task, and the processor that has computed it."""

    result: Result
    machine: str
    processor: str


class _Session(Generic[Task, Result]):
    """See `Session`.

    Args:
        ray: The module, connected.
        executor: Its settings.
        work: Computes a task.
        shared: Reference of the shared object in the store of the cluster.
    """

    def __init__(self, ray: Any, executor: RayCluster, work: Work[Any, Task, Result], shared: Any) -> None:
        self._ray = ray
        self._executor = executor
        self._work = work
        self._shared = shared
        self._setup = _Setup(uuid.uuid4().hex, executor.prepare, _versions())
        self._call = ray.remote(
            num_cpus=1,
            num_gpus=executor.gpus,
            max_retries=MAX_RETRIES,
            runtime_env={"env_vars": _variables(executor.gpus)},
        )(_call)
        self._waiting: deque[Task] = deque()
        self._tasks: dict[Any, Task] = {}
        self._strange: set[str] = set()
        self._machines = _machines(ray)
        self.slots = self._slots()

    def _slots(self) -> int:
        resources = self._ray.cluster_resources()
        gpus = self._executor.gpus
        count = int(resources.get("GPU", 0) / gpus) if gpus else int(resources.get("CPU", 0))
        return max(1, min(count, self._executor.jobs or count))

    def submit(self, task: Task) -> None:
        self._waiting.append(task)
        self._fill()

    def _fill(self) -> None:
        """Hand over waiting tasks; all of them where no number is given, so that a cluster that grows sees the need."""
        while self._waiting and (self._executor.jobs is None or len(self._tasks) < self._executor.jobs):
            task = self._waiting.popleft()
            # In a list: each process reads the object once, at its first task, instead of with each task.
            self._tasks[self._call.remote(self._setup, [self._shared], self._work, task)] = task

    def collect(self) -> tuple[Task, Result]:
        reference = self._finished()
        task = self._tasks.pop(reference)
        self._fill()
        answer = self._answer(reference)
        if answer.processor != cpu_features() and answer.machine not in self._strange:
            self._strange.add(answer.machine)
            self._executor.note(
                f"warning: {answer.machine} has another kind of processor than this machine; last digits may differ"
            )
        return task, answer.result

    def _finished(self) -> Any:
        """Wait for a task while the head of the cluster answers."""
        silences = 0
        while True:
            done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=WAIT_SECONDS)
            if done:
                return done[0]
            if head_answers(self._ray):
                silences = 0
                self._look_around()
            else:
                silences += 1
            if silences >= MAX_SILENCES:
                raise ForecasterError(
                    "the head of the Ray cluster has stopped to answer; expected it to run until the end; "
                    "start the cluster and this command again: finished tasks that are recorded are not repeated"
                )

    def _look_around(self) -> None:
        """Machines come and go."""
        self.slots = self._slots()
        machines = _machines(self._ray)
        if machines < self._machines:
            self._executor.note(
                f"warning: the Ray cluster has lost a machine; {_count(machines, 'machine')} left; "
                "its tasks are computed again"
            )
        self._machines = machines

    def _answer(self, reference: Any) -> _Answer[Result]:
        errors = self._ray.exceptions
        try:
            answer: _Answer[Result] = self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, ForecasterError):
                raise error.cause from None
            if "failed to import" in str(error) or isinstance(error.cause, ModuleNotFoundError):
                raise UsageError(
                    f"a machine of the Ray cluster cannot import forecaster; expected version {forecaster.__version__} "
                    "on every machine; install it there"
                ) from error
            raise error.cause from error
        except errors.RayError as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ForecasterError(
                f"a task was lost {MAX_RETRIES + 1} times with its process or machine ({reason:.200}); expected "
                "machines with memory for each of their tasks; start them with a smaller --num-cpus, or use --jobs 1"
            ) from error
        return answer

    def cancel(self) -> None:
        """End the tasks that nobody collects."""
        for reference in self._tasks:
            with contextlib.suppress(Exception):  # the cluster may be gone
                self._ray.cancel(reference, force=True)
        self._tasks.clear()


_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")}
"""A task has one processor."""

_GPU_SHARE = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""A task on a part of a GPU leaves memory to the others."""


def _variables(gpus: float) -> dict[str, str]:
    """Settings of the engine, which decide about bits and speed."""
    return {**_ONE_THREAD, **(_GPU_SHARE if 0 < gpus < 1 else {}), **engine_variables()}


def _versions() -> dict[str, str]:
    """Versions that change the bits of a result; Ray itself compares those of Python."""
    versions = {"forecaster": forecaster.__version__, **engine_versions()}
    del versions["python"]
    return versions


# What follows runs in the processes of the cluster.

_state: dict[str, Any] = {}


def _call(setup: _Setup, shared: list[Any], work: Work[Any, Task, Result], task: Task) -> _Answer[Result]:
    """One task; the first one of a session compares the versions and reads the shared object."""
    machine = platform.node()
    if _state.get("session") != setup.session:
        import ray

        _check_versions(setup.versions, machine)
        setup.prepare()
        _state.update(session=setup.session, object=ray.get(shared[0]))
    return _Answer(work(_state["object"], task, no_progress), machine, cpu_features())


def _check_versions(expected: Mapping[str, str], machine: str) -> None:
    own = _versions()
    differences = [
        f"{name} {own[name]} instead of {version}" for name, version in expected.items() if own[name] != version
    ]
    if differences:
        raise UsageError(
            f"{machine} of the Ray cluster has {', '.join(differences)}; expected the versions of this machine; "
            "install the same on all"
        )
