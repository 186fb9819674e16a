"""The engines: which one is chosen, that both say the same, and that the same seed gives the same bits."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from forecaster.errors import UsageError
from forecaster.models import engine
from forecaster.models.engine import Engine, cpu_features, engine_versions, use_engine

ORACLES = Path(__file__).parents[1] / "oracles.py"
BACKENDS = ("jax", "tensorflow")

PRELUDE = """
import hashlib, json, os, runpy, sys
if sys.argv[3] != "all":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[3])])
from forecaster.models.engine import use_engine
use_engine(sys.argv[1], "cpu")
import numpy as np
from types import SimpleNamespace
oracles = SimpleNamespace(**runpy.run_path(sys.argv[2]))
from forecaster.models.architectures.lstm import LSTM, LSTMOptions
windows = {"supervision": "dense", "chunk": 96, "burn_in": 32}
options = LSTMOptions.model_validate({"units": (8, 4), "windows": windows, "training": {"steps": 10, "batch_size": 4}})
"""

FORWARD = """
from forecaster.models.keras_weights import load_weights, named_weights
model = LSTM(options, 20)
network = model.network(seed=5)
load_weights(network, oracles.lstm_arrays(8, (8, 4), 4))
x = np.random.default_rng(0).normal(size=(2, 50, 8)).astype(np.float32)
print(json.dumps([np.asarray(network(x, training=False)).tolist(), sorted(named_weights(network))]))
"""

TRAIN = """
from forecaster.data.series import Panel
from forecaster.models.base import FitRequest
panel = Panel((oracles.walk(700), oracles.walk(500, 1, "EURUSD")))
fitted = LSTM(options, 20).fit(FitRequest(panel, {"USDJPY": 600, "EURUSD": 450}, {}, 20, seed=3))
parts = [array.tobytes() for _, array in sorted(fitted.arrays().items())]
print(json.dumps([hashlib.sha256(b"".join(parts)).hexdigest(), fitted.report.parity]))
"""


def in_process(code: str, engine: str, cpus: str = "all") -> list[object]:
    """What a fresh process prints, which begins with a clean environment."""
    known = {
        name: value for name, value in os.environ.items() if name not in {"KERAS_BACKEND", "NPROC", "JAX_PLATFORMS"}
    }
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, engine, str(ORACLES), cpus],
        capture_output=True,
        text=True,
        env=known,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_the_backends_agree_on_a_forward_pass() -> None:
    (jax, jax_names), (tensorflow, tensorflow_names) = (in_process(FORWARD, engine) for engine in BACKENDS)
    assert jax_names == tensorflow_names
    np.testing.assert_allclose(tensorflow, jax, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("engine", BACKENDS)
def test_the_same_seed_gives_the_same_bits(engine: str) -> None:
    first, second = (in_process(TRAIN, engine) for _ in range(2))
    assert first == second
    assert first[1] < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to processors")
def test_jax_gives_the_same_bits_on_one_processor_and_on_two() -> None:
    assert in_process(TRAIN, "jax", "1") == in_process(TRAIN, "jax", "2")


# --- choosing ---------------------------------------------------------------------------------------------------------


CUDA_12 = {"nvidia.cudnn", "nvidia.cuda_runtime"}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine whose GPU and packages a test can choose."""
    made = SimpleNamespace(driver=False, packages={"jax"})
    monkeypatch.setattr(engine, "driver_sees_gpu", lambda: made.driver)
    monkeypatch.setattr(engine, "_installed", lambda name: name in made.packages)
    return made


@pytest.mark.parametrize(
    ("driver", "packages", "asked", "chosen"),
    [
        (False, CUDA_12, ("auto", "auto"), ("jax", "cpu")),
        (True, set(), ("auto", "auto"), ("jax", "cpu")),
        (True, CUDA_12, ("auto", "auto"), ("tensorflow", "gpu")),
        (True, {"jax_cuda12_plugin"}, ("auto", "auto"), ("jax", "cpu")),
        (True, {"nvidia.cudnn", "jax_cuda13_plugin"}, ("auto", "gpu"), ("jax", "gpu")),
        (True, CUDA_12, ("auto", "cpu"), ("jax", "cpu")),
        (True, CUDA_12, ("jax", "auto"), ("jax", "cpu")),
        (True, CUDA_12 | {"jax_cuda13_plugin"}, ("jax", "gpu"), ("jax", "gpu")),
        (False, set(), ("tensorflow", "auto"), ("tensorflow", "cpu")),
    ],
)
def test_the_engine_that_is_chosen(
    machine: SimpleNamespace, driver: bool, packages: set[str], asked: tuple[str, str], chosen: tuple[str, str]
) -> None:
    machine.driver = driver
    machine.packages = packages | {"jax", "tensorflow"}
    chosen_engine = engine._choose(*asked)
    assert (chosen_engine.backend, chosen_engine.device) == chosen
    assert chosen_engine.reason


def use_gpu(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NVIDIA_TF32_OVERRIDE", "JAX_DEFAULT_MATMUL_PRECISION", "NPROC"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("XLA_FLAGS", os.environ.get("XLA_FLAGS", ""))
    machine.driver = True
    machine.packages = {"jax", "jax_cuda13_plugin"}
    assert engine.use_engine("jax", "gpu").device == "gpu"


def test_a_gpu_multiplies_in_full_precision(machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    use_gpu(machine, monkeypatch)
    assert (os.environ["NVIDIA_TF32_OVERRIDE"], os.environ["JAX_DEFAULT_MATMUL_PRECISION"]) == ("0", "highest")


@pytest.mark.parametrize(
    ("set_before", "flags"),
    [
        ("", "--xla_gpu_autotune_level=0"),
        ("--xla_dump_to=here", "--xla_dump_to=here --xla_gpu_autotune_level=0"),
        ("--xla_gpu_autotune_level=4", "--xla_gpu_autotune_level=4"),
    ],
)
def test_jax_on_a_gpu_times_no_kernels_and_compiles_on_all_processors(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, set_before: str, flags: str
) -> None:
    monkeypatch.setenv("XLA_FLAGS", set_before)
    use_gpu(machine, monkeypatch)
    assert os.environ["XLA_FLAGS"] == flags
    assert os.environ["NPROC"] == ""


@pytest.mark.parametrize("asked", ["auto", "jax", "tensorflow"])
def test_a_gpu_that_is_not_there_is_refused(machine: SimpleNamespace, asked: str) -> None:
    with pytest.raises(UsageError, match=r"no GPU is usable by .*use --device cpu"):
        engine._choose(asked, "gpu")


def test_an_engine_cannot_change_within_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KERAS_BACKEND", "JAX_PLATFORMS", "NPROC", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "jax")))
    with pytest.raises(UsageError, match="keras already runs on jax"):
        use_engine("tensorflow", "cpu")
    assert os.environ["KERAS_BACKEND"] != "tensorflow"
    assert use_engine("jax", "cpu") == Engine("jax", "cpu", "as asked")
    assert os.environ["KERAS_BACKEND"] == "jax"


def test_versions_and_processor_are_told_without_importing_an_engine() -> None:
    code = (
        "import sys; from forecaster.models.engine import engine_versions, cpu_features; "
        "assert engine_versions()['jax'] and cpu_features(); "
        "assert not {'keras', 'jax', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(engine_versions()) == {"python", "keras", "jax", "jaxlib", "tensorflow", "numpy"}
    assert engine._version("no-such-package") == "not installed"
    assert cpu_features().split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vendor_id\t: Intel\ncpu family\t: 6\nmodel\t\t: 143\nflags\t\t: fpu avx avx2\n", "Intel/6/143 avx avx2"),
        ("vendor_id\t: AMD\ncpu family\t: 26\nmodel\t\t: 2\nflags\t\t: fpu avx avx2\n", "AMD/26/2 avx avx2"),
        ("Features\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n", "0x41/0xd40 asimd"),
        ("", ""),
    ],
)  # fmt: skip
def test_processors_of_two_models_differ(monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
    monkeypatch.setattr(engine.platform, "machine", lambda: "machine")
    monkeypatch.setattr(engine.Path, "read_text", lambda *_, **__: text + "\n" + text.replace("avx2", ""))
    assert cpu_features() == f"machine {expected}".strip()


def test_a_system_without_the_file_names_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(engine.platform, "processor", lambda: "arm")
    monkeypatch.setattr(engine.Path, "read_text", lambda *_, **__: Path("/missing/file").read_bytes())
    assert cpu_features() == "arm64 arm"
