"""The executor of Ray clusters, with a module in Ray's place that computes tasks here; see also test_ray_backtest."""

import importlib.util
import os
import socket
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forecaster
from forecaster.environment import Progress
from forecaster.errors import ForecasterError, NotEnoughDataError, UsageError
from forecaster.experiments.executors import RayCluster, ray_cluster, ray_connection, results_in_order
from forecaster.models.engine import engine_variables

AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class FakeRay(types.ModuleType):
    """Computes a task when it is waited for; `lost` tasks end with an error of Ray."""

    __version__ = "2.60.0"

    def __init__(self) -> None:
        super().__init__("ray")
        self.exceptions = types.SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self._private = types.SimpleNamespace(worker=types.SimpleNamespace(_worker_logs_enabled=True))
        self.resources: dict[str, float] = {"CPU": 2.0}
        self.alive = [True, True]
        self.lost = False
        self.refusal: Exception | None = None
        self.inits: list[dict[str, Any]] = []
        self.puts: list[Any] = []
        self.options: dict[str, Any] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.most = 0
        self.under_way: set[int] = set()
        self.cancelled: list[int] = []
        self.silent_waits = 0
        self.is_connected = False

    def is_initialized(self) -> bool:
        return self.is_connected

    def init(self, **options: Any) -> None:
        self.inits.append(options)
        if self.refusal is not None:
            raise self.refusal
        self.is_connected = True
        self.thread = threading.current_thread()

    def shutdown(self) -> None:
        self.is_connected = False

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def nodes(self) -> list[dict[str, bool]]:
        return [{"Alive": alive} for alive in self.alive]

    def get_runtime_context(self) -> Any:
        return types.SimpleNamespace(gcs_address="127.0.0.1:1")

    def put(self, value: Any) -> int:
        self.puts.append(value)
        return -len(self.puts)

    def remote(self, **options: Any) -> Any:
        self.options = options

        def decorate(function: Any) -> Any:
            def submit(*arguments: Any) -> int:
                self.calls.append((function, arguments))
                self.under_way.add(len(self.calls) - 1)
                self.most = max(self.most, len(self.under_way))
                return len(self.calls) - 1

            return types.SimpleNamespace(remote=submit)

        return decorate

    def wait(self, references: list[int], num_returns: int, timeout: float) -> tuple[list[int], list[int]]:
        if self.silent_waits:
            self.silent_waits -= 1
            return [], references
        self.under_way.discard(references[-1])
        return references[-1:], references[:-1]  # another order than that of submission

    def get(self, reference: int) -> Any:
        if reference < 0:
            return self.puts[-reference - 1]
        if self.lost:
            raise RayError("The worker died unexpectedly.\nMore lines.")
        function, arguments = self.calls[reference]
        try:
            return function(*arguments)
        except Exception as error:
            raise RayTaskError(error) from error

    def cancel(self, reference: int, *, force: bool) -> None:
        self.cancelled.append(reference)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in AUTHENTICATION:
        monkeypatch.setenv(name, "removed again after the test")
        monkeypatch.delenv(name)
    monkeypatch.setitem(sys.modules, "ray", fake)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "here" if name == "ray" else find_spec(name))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray_cluster, "_state", {})
    return fake


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


prepared: list[str] = []


def prepare() -> None:
    prepared.append("prepared")


def square(shared: int, task: int, progress: Progress) -> int:
    if task == 13:
        raise NotEnoughDataError("one", "two")
    if task == 14:
        raise ZeroDivisionError("a mistake")
    if task == 15:
        raise ModuleNotFoundError("no module")
    return shared + task**2


def results(executor: RayCluster, tasks: list[int]) -> list[int]:
    with executor.open(square, 100, len(tasks)) as session:
        return list(results_in_order(session, tasks))


def test_results_come_in_order_and_the_shared_object_is_sent_once(ray: FakeRay) -> None:
    prepared.clear()
    notes: list[str] = []
    assert results(RayCluster(prepare, note=notes.append), [1, 2, 3, 4, 5]) == [101, 104, 109, 116, 125]
    assert ray.puts == [100]
    assert prepared == ["prepared"]
    assert not ray.is_connected
    assert notes == ["executor: Ray 2.60.0, 2 machines, 2 processors"]
    assert ray.inits[0]["address"] == "local"
    assert ray.inits[0]["include_dashboard"] is False
    assert ray.options["max_retries"] > 0


def test_settings_of_the_engine_travel_with_the_tasks(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NPROC": "1", "KERAS_BACKEND": "jax", "JAX_COMPILATION_CACHE_DIR": "/shared/cache"}.items():
        monkeypatch.setenv(name, value)
    results(RayCluster(prepare), [1])
    variables = ray.options["runtime_env"]["env_vars"]
    wanted = {"NPROC": "1", "KERAS_BACKEND": "jax", "JAX_COMPILATION_CACHE_DIR": "/shared/cache"}
    assert wanted.items() <= variables.items()
    assert variables["TF_NUM_INTRAOP_THREADS"] == "1"


def test_a_machine_has_its_own_compiled_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    from forecaster.models.engine import compiled_programs_folder

    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(compiled_programs_folder()))
    assert "JAX_COMPILATION_CACHE_DIR" not in engine_variables()


def test_a_connection_of_the_process_is_used_and_kept(ray: FakeRay) -> None:
    ray.is_connected = True
    assert results(RayCluster(prepare), [2]) == [104]
    assert ray.is_connected
    assert ray.inits == []


def test_a_cluster_lives_as_long_as_the_thread_that_has_started_it(ray: FakeRay) -> None:
    with RayCluster(prepare).open(square, 0, 1):
        assert ray.thread.is_alive()
    ray.thread.join(5)
    assert not ray.thread.is_alive()


def test_no_task_needs_no_cluster(ray: FakeRay) -> None:
    assert results(RayCluster(prepare, address="127.0.0.1:1"), []) == []
    assert ray.inits == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_jobs_limit_the_tasks_under_way(ray: FakeRay, jobs: int) -> None:
    ray.resources = {"CPU": 8.0}
    assert results(RayCluster(prepare, jobs), [1, 2, 3, 4, 5]) == [101, 104, 109, 116, 125]
    assert ray.most == jobs


def test_gpus_decide_about_the_tasks_at_once(ray: FakeRay) -> None:
    ray.resources = {"CPU": 64.0, "GPU": 2.0}
    with RayCluster(prepare, gpus=0.25).open(square, 0, 9) as session:
        assert session.slots == 8
    assert ray.options["num_gpus"] == 0.25
    ray.resources = {"CPU": 64.0}
    with pytest.raises(UsageError, match="has a GPU; expected one"):
        results(RayCluster(prepare, gpus=0.25), [1])


def test_an_error_of_ours_arrives_as_it_was(ray: FakeRay) -> None:
    with pytest.raises(NotEnoughDataError) as raised:
        results(RayCluster(prepare), [1, 13, 2])
    assert raised.value.messages == ("one", "two")
    assert not ray.is_connected
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        results(RayCluster(prepare), [14])


def test_a_machine_without_the_program_is_one_line(ray: FakeRay) -> None:
    with pytest.raises(UsageError, match=f"cannot import forecaster; expected version {forecaster.__version__}"):
        results(RayCluster(prepare), [15])


def test_a_task_that_is_lost_again_and_again_is_one_line(ray: FakeRay) -> None:
    ray.lost = True
    with pytest.raises(ForecasterError) as raised:
        results(RayCluster(prepare), [1])
    (line,) = raised.value.messages
    assert line.startswith("a task was lost 4 times with its process or machine (The worker died unexpectedly.)")
    assert "\n" not in line


def test_tasks_that_nobody_collects_are_cancelled(ray: FakeRay) -> None:
    def interrupted() -> None:
        with RayCluster(prepare).open(square, 0, 3) as session:
            for task in range(3):
                session.submit(task)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ray.cancelled == [0, 1, 2]
    assert not ray.is_connected


def test_machines_may_come_and_go(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "head_answers", lambda ray: True)
    notes: list[str] = []
    with RayCluster(prepare, note=notes.append).open(square, 0, 1) as session:
        session.submit(1)
        ray.alive, ray.resources, ray.silent_waits = [True, False], {"CPU": 1.0}, 2
        assert session.collect() == (1, 1)
        assert session.slots == 1
    assert notes[1:] == ["warning: the Ray cluster has lost a machine; 1 machine left; its tasks are computed again"]


def test_a_lost_head_is_one_line(ray: FakeRay) -> None:
    ray.silent_waits = 1000  # nothing listens at its address
    with pytest.raises(ForecasterError, match=r"has stopped to answer; .* that are recorded are not repeated"):
        results(RayCluster(prepare), [1])


def test_another_version_on_a_machine_is_one_line(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ray_cluster._versions()
    monkeypatch.setattr(ray_cluster, "_check_versions", lambda *_: check({**here, "jax": "0.1"}, "node-7"))
    check = _check_versions
    with pytest.raises(UsageError, match=r"node-7 of the Ray cluster has jax .* instead of 0\.1; expected"):
        results(RayCluster(prepare), [1])


_check_versions = ray_cluster._check_versions


def test_another_processor_is_told_once(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["here", "z80", "z80", "here"])  # the fake computes a task when it is asked for its result
    monkeypatch.setattr(ray_cluster, "cpu_features", lambda: next(answers))
    monkeypatch.setattr(ray_cluster.platform, "node", lambda: "node-7")
    notes: list[str] = []
    results(RayCluster(prepare, note=notes.append), [1, 2])
    assert notes[1:] == ["warning: node-7 has another kind of processor than this machine; last digits may differ"]


def test_ray_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs ray; install it with pip install 'forecaster\[cluster\]'"):
        results(RayCluster(prepare), [1])


def test_an_address_where_nothing_listens(ray: FakeRay, listening: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(ForecasterError, match=f"nothing answers at --address 127.0.0.1:{free}: Connection refused"):
        results(RayCluster(prepare, address=f"127.0.0.1:{free}"), [1])
    assert ray.inits == []
    assert results(RayCluster(prepare, address=listening), [1]) == [101]


def test_the_address_of_a_submitted_job_is_that_of_the_variable(
    ray: FakeRay, listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", listening)
    results(RayCluster(prepare), [1])
    assert ray.inits[0]["address"] == listening
    assert "num_cpus" not in ray.inits[0]


def test_a_cluster_of_this_machine_has_a_token_that_nothing_keeps(ray: FakeRay, tmp_path: Path) -> None:
    """Ray would write one to the user's home, and every head that is started later would ask for it."""
    results(RayCluster(prepare), [1])
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert list(tmp_path.iterdir()) == []


def test_the_token_of_the_user_is_sent_to_a_cluster(
    ray: FakeRay, listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(RayCluster(prepare, address=listening), [1])
    assert not {*AUTHENTICATION} & os.environ.keys()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("1" * 64, encoding="ascii")
    results(RayCluster(prepare, address=listening), [1])
    assert {*AUTHENTICATION} & os.environ.keys() == {"RAY_AUTH_MODE"}
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    results(RayCluster(prepare, address=listening), [1])
    assert os.environ["RAY_AUTH_MODE"] == "disabled"


@pytest.mark.parametrize("address", ["here", "host:", "host:port", "host:70000", "ray://host:10001", ":6379"])
def test_a_wrong_address_is_one_line(ray: FakeRay, address: str) -> None:
    with pytest.raises(UsageError, match=r"is not an address of a Ray cluster; expected HOST:PORT"):
        results(RayCluster(prepare, address=address), [1])


def test_something_else_that_listens_is_left_in_time(
    ray: FakeRay, listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_connection, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(ray, "init", lambda **options: time.sleep(1))
    with pytest.raises(ForecasterError, match=r"did not answer within 0\.05 seconds"):
        results(RayCluster(prepare, address=listening), [1])


def test_another_version_of_ray_is_one_line(ray: FakeRay, listening: str) -> None:
    ray.refusal = RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.12.1")
    with pytest.raises(UsageError, match=r"has another version: .* Ray: 2\.50\.0 Python: 3\.12\.1; expected the same"):
        results(RayCluster(prepare, address=listening), [1])
    ray.refusal = ConnectionError("Could not find any running Ray instance.")
    with pytest.raises(ForecasterError, match="no connection to a Ray cluster at auto: Could not find"):
        results(RayCluster(prepare, address="auto"), [1])
