"""Choosing the engine under Keras before it is imported: JAX or TensorFlow, CPU or GPU."""

import ctypes
import dataclasses
import hashlib
import importlib.util
import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from forecaster.errors import UsageError
from forecaster.models.compiled_programs import keep_intact

__all__ = [
    "Backend",
    "Device",
    "Engine",
    "compiled_programs_folder",
    "cpu_features",
    "driver_sees_gpu",
    "engine_settings",
    "engine_variables",
    "engine_versions",
    "use_engine",
]

Backend = Literal["auto", "jax", "tensorflow"]
Device = Literal["auto", "cpu", "gpu"]

# Modules with which a backend can reach a GPU. TensorFlow needs CUDA 12, whose wheels have `nvidia.cuda_runtime`; those
# of CUDA 13, which come with JAX, do not have it.
GPU_MODULES = {
    "tensorflow": ({"tensorflow", "nvidia.cudnn", "nvidia.cuda_runtime"},),
    "jax": ({"jax", "jax_cuda12_plugin"}, {"jax", "jax_cuda13_plugin"}),
}

_CACHE_VARIABLE = "JAX_COMPILATION_CACHE_DIR"
_AUTOTUNE_FLAG = "--xla_gpu_autotune_level"

_VARIABLES = (
    *("KERAS_BACKEND", "NPROC", "OMP_NUM_THREADS", "XLA_FLAGS", "NVIDIA_TF32_OVERRIDE"),
    *("JAX_PLATFORMS", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"),
    *("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


_SETTINGS = {  # backend -> variables with which the user can change bits
    "jax": ("XLA_FLAGS",),
    "tensorflow": ("XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC"),
}
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"  # 1 in the command line; they decide about the last digits of a GARCH
_DEFAULTS = {"TF_ENABLE_ONEDNN_OPTS": "0", _BLAS_THREADS: "1"}

_CPU_MODEL = ("vendor_id", "cpu family", "model", "CPU implementer", "CPU part")  # of x86, then of ARM
_CPU_EXTENSIONS = ("avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_bf16", "amx_tile", "asimd", "sve")


@dataclasses.dataclass(frozen=True)
class Engine:
    """The chosen backend and device, and why."""

    backend: Literal["jax", "tensorflow"]
    device: Literal["cpu", "gpu"]
    reason: str


def use_engine(backend: Backend = "auto", device: Device = "auto") -> Engine:
    """Choose an engine and prepare the environment for it; call before anything imports keras.

    ``auto`` takes the TensorFlow GPU (its LSTM runs in cuDNN) where one is usable, else JAX on the CPU, five times
    faster there than TensorFlow. JAX uses a GPU only on demand: without cuDNN it trains a small LSTM more slowly there.

    Raises:
        UsageError: A GPU is asked for and none is usable, or keras already runs on another backend.
    """
    engine = _choose(backend, device)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault(
        "TF_ENABLE_ONEDNN_OPTS", _DEFAULTS["TF_ENABLE_ONEDNN_OPTS"]
    )  # oneDNN may change the order of additions
    if engine.device == "gpu":
        # TensorFloat-32 rounds products to ten bits; NumPy would not repeat the forecasts.
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
        os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"
    if engine.backend == "jax":
        if engine.device == "cpu":
            # One thread a matrix product: the same bits whatever the number of cores, at the same speed.
            os.environ["NPROC"] = "1"
            os.environ["JAX_PLATFORMS"] = "cpu"
        else:
            _choose_kernels_without_timing()
        _keep_compiled_programs()
    elif engine.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    running = sys.modules.get("keras")
    if running is not None and running.backend.backend() != engine.backend:
        raise UsageError(
            f"keras already runs on {running.backend.backend()} in this process; "
            f"start a new process to use {engine.backend}"
        )
    os.environ["KERAS_BACKEND"] = engine.backend
    return engine


def _choose_kernels_without_timing() -> None:
    """Let XLA compile for a GPU with fixed rules: it would time candidates, whose winner may differ between two runs.

    For networks of this size the timing takes longer than the training. A choice of the user is left alone.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _AUTOTUNE_FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_AUTOTUNE_FLAG}=0".strip()


def _keep_compiled_programs() -> None:
    """Let JAX find what an earlier process has compiled: a quarter of a short training's time.

    One folder for each processor and version, since a program for one may not run on another. A variable that is set
    already is left alone; where the folder cannot be made, every process compiles for itself.
    """
    if _CACHE_VARIABLE in os.environ:
        return
    folder = compiled_programs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        return
    if writable:
        keep_intact(folder)
        os.environ[_CACHE_VARIABLE] = str(folder)  # processes of this one use it as it is
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


def compiled_programs_folder() -> Path:
    """Folder of compiled programs for this processor and these versions."""
    import platformdirs

    key = hashlib.sha256(f"{cpu_features()} {engine_versions()}".encode()).hexdigest()[:12]
    return platformdirs.user_cache_path("forecaster", appauthor=False) / f"jax-{key}"


def engine_variables() -> dict[str, str]:
    """Variables of this process that decide about bits and speed of an engine, for a process of another machine.

    That machine has its own folder of compiled programs, unless the user has named one for all.
    """
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    folder = os.environ.get(_CACHE_VARIABLE)
    return (
        variables if folder in (None, str(compiled_programs_folder())) else {**variables, _CACHE_VARIABLE: str(folder)}
    )


def engine_settings(engine: Engine) -> dict[str, str]:
    """Settings of this process that can change the bits of a fit: the number of threads, and what the user has set."""
    settings = {name: os.environ.get(name, "") for name in _SETTINGS[engine.backend]}
    settings[_BLAS_THREADS] = os.environ.get(_BLAS_THREADS, "") or str(os.cpu_count() or 1)
    if engine.backend == "tensorflow" and engine.device == "cpu":  # JAX has one thread for each product
        settings["threads"] = os.environ.get("TF_NUM_INTRAOP_THREADS", "") or str(os.cpu_count() or 1)
    return {name: value for name, value in settings.items() if value not in ("", _DEFAULTS.get(name))}


def _choose(backend: Backend, device: Device) -> Engine:
    order: tuple[Literal["tensorflow", "jax"], ...] = ("tensorflow", "jax") if backend == "auto" else (backend,)
    if device != "cpu":
        for candidate in order:
            if (candidate == "tensorflow" or device == "gpu") and _gpu_is_usable(candidate):
                return Engine(candidate, "gpu", "a GPU is visible")
        if device == "gpu":
            raise UsageError(
                f"no GPU is usable by {' or '.join(order)}; expected an NVIDIA driver and "
                "pip install 'forecaster[gpu]'; use --device cpu"
            )
    if backend != "auto":
        return Engine(backend, "cpu", "as asked")
    if importlib.util.find_spec("jax") is not None:
        return Engine("jax", "cpu", "fastest on a CPU")
    return Engine("tensorflow", "cpu", "jax is not installed")


def _gpu_is_usable(backend: Literal["jax", "tensorflow"]) -> bool:
    return any(all(map(_installed, modules)) for modules in GPU_MODULES[backend]) and driver_sees_gpu()


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def driver_sees_gpu() -> bool:
    """Ask the NVIDIA driver itself: it takes milliseconds, importing a framework takes seconds."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def engine_versions() -> dict[str, str]:
    """Versions of what can change the bits of a result, read without importing any of it."""
    names = ("keras", "jax", "jaxlib", "tensorflow", "numpy")
    return {"python": platform.python_version()} | {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def cpu_features() -> str:
    """The model of the processor and its vector extensions: the same bits are promised only where these agree.

    Compilers choose and order instructions by the model, so that two models with the same extensions may differ.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}".strip()
    facts: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        facts.setdefault(name.strip(), value.strip())  # the first processor
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    model = "/".join(facts[name] for name in _CPU_MODEL if name in facts)
    return " ".join(filter(None, [platform.machine(), model, *(flag for flag in _CPU_EXTENSIONS if flag in flags)]))
